"""Lines of the preset `llm-proxy` → records, fast; and what every decoder promises.

Typed decoding of only the fields that count is what makes it fast; a chunk in which one line
does not fit is decoded again line by line, and only the line that does not fit goes the slow and
forgiving way.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Annotated, Protocol, TypeVar

import msgspec
from msgspec import Meta

from costtui.model.dimension import Dimensions, value_or_none
from costtui.model.requests import Request, Requests
from costtui.sources.jsonl import values
from costtui.sources.jsonl.timestamps import Moments
from costtui.sources.jsonl.values import (
    MAX_COUNT,
    MAX_LINE,
    MAX_NANO,
    NAME_LIMIT,
    Decoded,
    LineError,
)

_CACHE_LIMIT = 50_000
_BOM = b"\xef\xbb\xbf"
_BLANK = b" \t\r\n\0"
T = TypeVar("T")
_Said = tuple[str, str, str, str, str, str, str, bool]
"""(model, user, key id, endpoint, provider, finish reason, matched model, streaming): what comes
back line after line, so that one look-up finds all that is made of it."""

Count = Annotated[int, Meta(ge=0, le=MAX_COUNT)]
Money = Annotated[float, Meta(ge=0)]
ABSENT = float("nan")
"""No JSON number is NaN, so it can say that a cost is absent without a slower union type."""


class Decoder(Protocol):
    """Complete lines in, records out. Keeps nothing but caches between two calls."""

    def decode(self, data: bytes, base: int, part: str, cut_ns: int) -> Decoded:
        """`data` is whole lines that begin at byte `base` of `part`; what is older than `cut_ns`
        is left out."""

    def moment(self, line: bytes) -> int | None:
        """The timestamp of a line, nanoseconds; None where it has none."""

    def complete(self, line: bytes) -> bool:
        """Is a line without its newline whole, so that nothing more can belong to it?"""


class ProxyLine(msgspec.Struct, gc=False):
    """The fields of an LLM-proxy line that are used."""

    timestamp: str = ""
    request_id: str = ""
    user_id: str = ""
    key_id: str = ""
    ip_address: str = ""
    provider: str = ""
    model: str = ""
    endpoint: str = ""
    is_streaming: bool = False
    input_tokens: Count = 0
    output_tokens: Count = 0
    total_cost: Money = ABSENT
    is_estimate: bool = False
    finish_reason: str = ""
    matched_model: str = ""


_TEXTS = tuple(n for n, t in ProxyLine.__annotations__.items() if t == "str")


class ProxyDecoder:
    """The preset `llm-proxy`."""

    def __init__(self, gateway: str) -> None:
        self._gateway = gateway
        self._decode = msgspec.json.Decoder(ProxyLine).decode
        self._moments = Moments()
        self._said: dict[_Said, tuple[Dimensions, str, str]] = {}
        self._ips: dict[str, str] = {}
        self._nanos: dict[float, int] = {}

    def moment(self, line: bytes) -> int | None:
        """The timestamp of a line, nanoseconds; None where it has none."""
        try:
            return self._moments.parse(self._decode(line).timestamp)
        except (msgspec.DecodeError, UnicodeDecodeError, ValueError, RecursionError):
            return None

    def complete(self, line: bytes) -> bool:
        """Is a line without its newline whole?"""
        return is_complete(line)

    def decode(self, data: bytes, base: int, part: str, cut_ns: int) -> Decoded:
        """See `Decoder`."""
        out = Decoded()
        lines = split_lines(data)
        out.lines = len(lines)
        found: list[Request] = []
        try:
            self._rows(list(map(self._decode, lines)), lines, base, part, cut_ns, out, found)
        except (ValueError, RecursionError, LineError):  # msgspec's errors are ValueErrors
            out = Decoded()
            out.lines = len(lines)
            found = []
            self._one_by_one(lines, base, part, cut_ns, out, found)
        out.records = Requests(found)
        return out

    def _one_by_one(
        self,
        lines: list[bytes],
        base: int,
        part: str,
        cut_ns: int,
        out: Decoded,
        found: list[Request],
    ) -> None:
        for number, line in enumerate(lines):
            # Only lines that hold anything are looked at: blank ones are no mistake.
            if bare(line):
                try:
                    self._rows([self._decode(line)], [line], base, part, cut_ns, out, found)
                except (ValueError, RecursionError, LineError):
                    for at, row in salvage(line, number, base, self._forgiving, out):
                        self._rows([row], [line], at, part, cut_ns, out, found)
            base += len(line) + 1

    def _rows(
        self,
        rows: list[ProxyLine],
        lines: list[bytes],
        base: int,
        part: str,
        cut_ns: int,
        out: Decoded,
        found: list[Request],
    ) -> None:
        moments = self._moments.parse_all([row.timestamp for row in rows])
        known, ips, nanos = self._said, self._ips, self._nanos
        append = found.append
        newest = out.newest_ns
        for row, line, ns in zip(rows, lines, moments, strict=True):
            if ns >= cut_ns:
                said = (
                    row.model,
                    row.user_id,
                    row.key_id,
                    row.endpoint,
                    row.provider,
                    row.finish_reason,
                    row.matched_model,
                    row.is_streaming,
                )
                dims, attrs, tail = known.get(said) or self._intern(said)
                ip = row.ip_address
                if ip:
                    attrs = (ips.get(ip) or self._address(ip)) + tail
                usd = row.total_cost
                nano = nanos.get(usd)
                if nano is None and usd == usd:
                    nano = self._price(usd)
                request_id = row.request_id
                if len(request_id) < 12:  # as long as a word for "no value" can be
                    request_id = value_or_none(request_id)
                if len(request_id) > NAME_LIMIT or "\0" in request_id:
                    request_id = values.clean(request_id)
                if ns > newest:
                    newest = ns
                append(
                    (
                        ns,
                        dims,
                        row.input_tokens,
                        row.output_tokens,
                        nano,
                        row.is_estimate,
                        request_id,
                        part,
                        base,
                        attrs,
                    )
                )
            base += len(line) + 1
        out.newest_ns = newest

    def _intern(self, said: _Said) -> tuple[Dimensions, str, str]:
        """(dimensions, attributes, attributes behind an address)"""
        *names, finish, matched, streaming = said
        model, user, key_id, endpoint, provider = map(value_or_none, names)
        if len(self._said) >= _CACHE_LIMIT:
            self._said.clear()
        dims = Dimensions(
            values.clean(provider),
            values.clean(model),
            values.name(user or key_id),
            self._gateway,
            values.endpoint(endpoint),
        )
        attrs = values.attributes(
            {
                "is_streaming": streaming,
                "finish_reason": values.clean(finish),
                "matched_model": values.clean(matched),
                "key_id": values.name(key_id if user else ""),
            }
        )
        made = self._said[said] = (dims, attrs, attrs[1:])
        return made

    def _address(self, ip: str) -> str:
        # Apart from the rest: with it there are as many combinations as lines, and nothing to
        # remember (measured with 16,000 addresses: 52 k lines/s, against 120 k in the same run).
        if len(self._ips) >= _CACHE_LIMIT:
            self._ips.clear()
        made = values.attributes({"ip_address": values.name(ip)})[:-1] + ","
        self._ips[ip] = made
        return made

    def _price(self, usd: float) -> int:
        if len(self._nanos) >= _CACHE_LIMIT:
            self._nanos.clear()
        try:
            made = values.fast_nano(usd)
        except ValueError:
            raise LineError("total_cost is absurdly large") from None
        if made > MAX_NANO:
            raise LineError("total_cost is absurdly large")
        self._nanos[usd] = made
        return made

    def _forgiving(self, line: bytes) -> ProxyLine:
        """One line by every means. Raises LineError."""
        raw = parse_object(line)
        row = ProxyLine()
        for field in _TEXTS:
            value = raw.get(field)
            if isinstance(value, str):
                setattr(row, field, values.clean(value, len(value)))
            elif isinstance(value, int | float) and not isinstance(value, bool):
                setattr(row, field, str(value))
            elif value is not None:
                raise LineError(f"{field} is not text")
        if not row.timestamp:
            raise LineError("there is no timestamp")
        try:
            self._moments.parse(row.timestamp)
        except ValueError as error:
            raise LineError(str(error)) from None
        for field in ("input_tokens", "output_tokens"):
            if (value := raw.get(field)) not in (None, ""):
                setattr(row, field, values.count(value, field))
        for field in ("is_streaming", "is_estimate"):
            if (value := raw.get(field)) is not None:
                if not isinstance(value, bool):
                    raise LineError(f"{field} is not true or false")
                setattr(row, field, value)
        if (value := raw.get("total_cost")) not in (None, ""):
            row.total_cost = float(values.decimal(value, "total_cost"))
            self._price(row.total_cost)
        return row


def split_lines(data: bytes) -> list[bytes]:
    """Lines without their newline; the last one need not have had one."""
    lines = data.split(b"\n")
    if not lines[-1]:
        lines.pop()
    return lines


def bare(line: bytes) -> bytes:
    """A line without the byte order mark and the zero bytes (a hole that `truncate` left)."""
    return line.strip(_BLANK).removeprefix(_BOM)


def is_complete(line: bytes) -> bool:
    """Is this a whole JSON object or array?

    Neither can be the beginning of a longer one, so whatever is written after it belongs to
    another line: counting it before its newline has come can never count it twice.
    """
    line = bare(line)
    if line[:1] not in (b"{", b"["):
        return False
    try:
        msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def parse_json(line: bytes) -> object:
    """JSON with invalid UTF-8 and lone surrogates let through (as U+FFFD, later). LineError."""
    if len(line) > MAX_LINE:
        raise LineError("the line is longer than 4 MB")
    try:
        return json.loads(bare(line).decode("utf-8", "replace"), parse_constant=_no_constant)
    except RecursionError:
        raise LineError("the JSON is nested too deeply") from None
    except ValueError:
        raise LineError("this is not JSON") from None


def _no_constant(text: str) -> float:
    # Kept as NaN so that the field that holds it decides; one that is not used does not matter.
    return float(text.replace("Infinity", "inf"))


def parse_object(line: bytes) -> dict[str, object]:
    """As `parse_json`, and it must be an object."""
    value = parse_json(line)
    if not isinstance(value, dict):
        raise LineError("the line is not a JSON object")
    return value


def salvage(
    line: bytes, number: int, base: int, parse: Callable[[bytes], T], out: Decoded
) -> Iterator[tuple[int, T]]:
    """What `parse` makes of a line, with its offset; what cannot be parsed is noted in `out`."""
    try:
        yield base, parse(line)
    except LineError as error:
        cut = restart(line)
        out.skip(base, number, str(error), line[:cut] if cut else line)
        if cut:
            # The rest of a line that was already reported is not reported again.
            with suppress(LineError):
                yield base + cut, parse(line[cut:])


def restart(line: bytes) -> int:
    """Where in a line that is no JSON a whole one may begin, or 0.

    A writer that died in the middle of a line and started again has put a whole line behind a
    torn one. The whole one begins with the same first key, so that is what is looked for.
    """
    start = line.find(b"{")
    colon = line.find(b":", start, start + 4 * NAME_LIMIT)
    if start < 0 or colon < 0:
        return 0
    again = line.rfind(line[start : colon + 1])
    return again if again > start else 0

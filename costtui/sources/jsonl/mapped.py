"""Lines of any shape → records, by a `fields:` mapping."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec

from costtui.model.dimension import Dimensions, value_or_none
from costtui.model.usage import UsageRecord
from costtui.sources.jsonl import values
from costtui.sources.jsonl.decode import bare, is_complete, parse_json, salvage, split_lines
from costtui.sources.jsonl.fields import COUNTS, Condition, Field, FieldMap, Path
from costtui.sources.jsonl.timestamps import UNITS, Moments
from costtui.sources.jsonl.values import Decoded, LineError

_CACHE_LIMIT = 50_000
_TOO_MANY = 429


class MappedDecoder:
    """Reads lines as a `FieldMap` says. A line may hold an array: each member is a request."""

    def __init__(self, gateway: str, mapping: FieldMap) -> None:
        self._gateway = gateway
        self._map = mapping
        self._json = msgspec.json.Decoder().decode
        self._moments = Moments()
        self._dims: dict[tuple[str, str, str, str], Dimensions] = {}

    def moment(self, line: bytes) -> int | None:
        """The timestamp of a line, nanoseconds; None where it has none."""
        try:
            for entry in self._entries(line):
                return self._moment(entry)
        except LineError:
            return None
        return None

    def complete(self, line: bytes) -> bool:
        """Is a line without its newline whole?"""
        return is_complete(line)

    def decode(self, data: bytes, base: int, part: str, cut_ns: int) -> Decoded:
        """See `Decoder`."""
        out = Decoded()
        records: list[UsageRecord] = []
        out.records = records
        lines = split_lines(data)
        out.lines = len(lines)
        for number, line in enumerate(lines):
            if bare(line):
                for at, entries in salvage(line, number, base, self._entries, out):
                    for entry in entries:
                        try:
                            record = self._record(entry, part, at)
                        except LineError as error:
                            out.skip(at, number, str(error), line)
                            continue
                        if record is not None and record.end_ns >= cut_ns:
                            records.append(record)
                            out.newest_ns = max(out.newest_ns, record.end_ns)
            base += len(line) + 1
        return out

    def _entries(self, line: bytes) -> list[dict[str, Any]]:
        try:
            value = self._json(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            value = parse_json(line)
        entries = value if isinstance(value, list) else [value]
        if not all(isinstance(entry, dict) for entry in entries):
            raise LineError("the line is not a JSON object")
        return entries

    def _record(self, entry: dict[str, Any], part: str, offset: int) -> UsageRecord | None:
        conditions = self._map.conditions
        if "only_if" in conditions and not _meets(entry, conditions["only_if"]):
            return None
        ns = self._moment(entry)
        unbilled = _meets(entry, conditions.get("unbilled_if", ()))
        leaves = (0, 0, 0, 0, 0, 0) if unbilled else self._leaves(entry)
        status = self._lenient(entry, "status", 0)
        throttled = status == _TOO_MANY
        failed = status >= 400 or _meets(entry, conditions.get("failed_if", ()))
        return UsageRecord(
            ns,
            ns,
            self._dimensions(entry),
            1,
            int(failed and not throttled),
            int(throttled),
            *leaves,
            reported_nano=0 if unbilled else self._cost(entry),
            estimated=self._flag(entry, "estimated"),
            request_id=values.name(self._text(entry, "request_id")),
            status=status,
            latency_ms=self._lenient(entry, "latency_ms", -1),
            part=part,
            offset=offset,
            attrs=self._attrs(entry),
        )

    def _moment(self, entry: dict[str, Any]) -> int:
        field = self._map.fields["timestamp"]
        value = _first(entry, field)
        if value is None or value == "":
            raise LineError("there is no timestamp")
        try:
            if field.unit == "rfc3339":
                if not isinstance(value, str):
                    raise LineError("the timestamp is not text")
                return self._moments.parse(value)
            if isinstance(value, bool) or not isinstance(value, int | float | str):
                raise LineError("the timestamp is not a number")
            return UNITS[field.unit](value)
        except ValueError as error:
            raise LineError(str(error)) from None

    def _leaves(self, entry: dict[str, Any]) -> tuple[int, int, int, int, int, int]:
        """Disjoint token counts, in the order of `TOKEN_TYPES`."""
        found = {name: self._count(entry, name) for name in COUNTS}
        inputs, output = found["input"] or 0, found["output"] or 0
        read, write = found["cache_read"] or 0, found["cache_write"] or 0
        write_1h, reasoning = found["cache_write_1h"] or 0, found["reasoning"] or 0
        if found["output"] is None and found["total"] is not None:
            output = max(0, found["total"] - inputs)
        switches = self._map.switches
        if "cache_write_includes_1h" in switches:
            write = max(0, write - write_1h)
        # A part that is larger than its whole is believed: it is the finer observation.
        if "input_includes_cache" in switches:
            inputs = max(0, inputs - read - write - write_1h)
        if "output_includes_reasoning" in switches:
            output = max(0, output - reasoning)
        return inputs, read, write, write_1h, output, reasoning

    def _count(self, entry: dict[str, Any], name: str) -> int | None:
        field = self._map.fields.get(name)
        if field is None:
            return None
        for path in field.paths:
            found = [v for v in _walk(entry, path) if v is not None and v != ""]
            if found:
                if field.scale is None:
                    return values.count(sum(values.count(v, name) for v in found), name)
                total = sum((values.decimal(v, name) for v in found), Decimal(0))
                return values.count(int(total * field.scale), name)
        return None if field.value is None else values.count(field.value, name)

    def _cost(self, entry: dict[str, Any]) -> int | None:
        field = self._map.fields.get("cost")
        if field is None:
            return None
        for path in field.paths:
            found = [v for v in _walk(entry, path) if v is not None and v != ""]
            if found:
                return sum(values.nano(v, "cost", field.scale) for v in found)
        return None if field.value is None else values.nano(field.value, "cost", field.scale)

    def _lenient(self, entry: dict[str, Any], name: str, absent: int) -> int:
        field = self._map.fields.get(name)
        value = None if field is None else _first(entry, field)
        if field is None or value is None or value == "":
            return absent
        try:
            number = values.decimal(value, name) * (field.scale or 1)
        except LineError:
            return absent
        return int(number) if number.adjusted() < 15 else absent

    def _flag(self, entry: dict[str, Any], name: str) -> bool:
        field = self._map.fields.get(name)
        return field is not None and _first(entry, field) in (True, "true", "True", 1)

    def _text(self, entry: dict[str, Any], name: str) -> str:
        field = self._map.fields.get(name)
        return "" if field is None else _text_of(entry, field)

    def _dimensions(self, entry: dict[str, Any]) -> Dimensions:
        fields = self._map.fields
        provider, model = self._text(entry, "provider"), self._text(entry, "model")
        if provider and fields.get("model", Field()).strip_provider:
            model = model.removeprefix(provider + "/")
        key = (provider, model, self._text(entry, "consumer"), self._text(entry, "endpoint"))
        made = self._dims.get(key)
        if made is None:
            if len(self._dims) >= _CACHE_LIMIT:
                self._dims.clear()
            made = self._dims[key] = Dimensions(
                values.clean(provider),
                values.clean(model),
                values.name(key[2]),
                self._gateway,
                values.endpoint(key[3]),
            )
        return made

    def _attrs(self, entry: dict[str, Any]) -> str:
        attrs = self._map.attrs
        if not attrs:
            return ""
        found: dict[str, object] = {}
        for name, field in attrs.items():
            value = _first(entry, field)
            if isinstance(value, str):
                found[name] = values.name(value)
            elif isinstance(value, bool | int | float):
                found[name] = value
        return values.attributes(found)


def _walk(value: Any, path: Path, at: int = 0) -> Iterator[Any]:
    """Every value at `path`; none where it leads nowhere."""
    for index in range(at, len(path)):
        step = path[index]
        if step == "*":
            members = value.values() if isinstance(value, dict) else value
            if isinstance(members, str) or not hasattr(members, "__iter__"):
                return
            for member in members:
                yield from _walk(member, path, index + 1)
            return
        if isinstance(value, dict):
            if step not in value:
                return
            value = value[step]
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return
    yield value


def _first(entry: dict[str, Any], field: Field) -> Any:
    """The first value that is there, else the constant."""
    for path in field.paths:
        for value in _walk(entry, path):
            if value is not None:
                return value
    return field.value


def _text_of(entry: dict[str, Any], field: Field) -> str:
    """The first text that says something, else the constant, else ""."""
    for path in field.paths:
        for value in _walk(entry, path):
            if isinstance(value, bool) or not isinstance(value, str | int | float):
                continue
            if text := value_or_none(str(value)):
                return text
    return "" if field.value is None else str(field.value)


def _meets(entry: dict[str, Any], conditions: tuple[Condition, ...]) -> bool:
    for condition in conditions:
        for value in _walk(entry, condition.path):
            if condition.equals is None:
                if value is not None and value is not False and value != "":
                    return True
            elif any(type(value) is type(e) and value == e for e in condition.equals):
                return True
    return False

"""The little of HTTP/1.1 that three read-only pages need, over asyncio.

Why not `http.server`: a thread for each connection, and a client that sends a byte a second holds
one for ever. Why not aiohttp: 15 MB for three pages, which every collector would need (it is in the
extra `web`). Everything here is bounded: the head of a request, its time, the connections, how long
an answer may lie unread. Requests of one connection are answered one after the other.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from http import HTTPStatus
from typing import Final

log = logging.getLogger(__name__)

HEAD_LIMIT: Final = 16_384
"""Bytes of a request's line and headers: a gateway sends cookies and traces along."""
BODY_LIMIT: Final = 65_536
"""Bytes of a body that are read and thrown away, so that the connection can go on."""
CONNECTIONS: Final = 256
"""At once. Each is a file descriptor, of which the sources want most of the usual 1,024."""
REQUEST_S: Final = 10.0
"""Seconds from the first byte of a request to its last."""
IDLE_S: Final = 75.0
"""Seconds that a connection may be kept without a request: more than the 60 of nginx and Kong, so
that they and not we close it."""
UNREAD_S: Final = 30.0
"""Seconds that an answer may lie unread."""
TURN: Final = 16
"""Requests of one connection after which the others have their turn."""
_ONCE: Final = ("content-length", "host")


@dataclass(slots=True)
class Request:
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    """Lower-case name → value; of a header that is sent twice the first."""


@dataclass(slots=True)
class Response:
    status: int
    body: bytes
    type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


class Malformed(Exception):
    """A request that cannot be understood: (status, why). The connection ends."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


Handler = Callable[[Request], Response | Awaitable[Response]]


class Site:
    """What all connections of one server share."""

    def __init__(self, handle: Handler, now: Callable[[], float]) -> None:
        """`now` is the time of the `Date` header, by which who scrapes knows our clock."""
        self.handle, self.now = handle, now
        self.connections: set[Connection] = set()
        self.requests: dict[tuple[str, int], int] = {}
        """(path, status) → answers."""
        self.refused = 0
        """Connections above the limit."""
        self.dropped = 0
        """Connections that were too slow."""

    def close(self) -> None:
        for connection in list(self.connections):
            connection.abort()


class Connection(asyncio.Protocol):
    """One client."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._timer: asyncio.TimerHandle | None = None
        self._answer: asyncio.Task[None] | None = None
        self._skip = 0
        """Bytes of a body that are still to be thrown away."""
        self._full = False
        """Answers lie unread: nothing more is read and answered until they are taken."""
        self._ended = False
        """The client asks nothing more, and waits for its answer."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        site = self._site
        if len(site.connections) >= CONNECTIONS:
            site.refused += 1
            self._write(_error(503, "too many connections"), close=True, head=False)
            return
        site.connections.add(self)
        self._wait(REQUEST_S)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._site.connections.discard(self)
        self._transport = None
        if self._timer is not None:
            self._timer.cancel()
        if self._answer is not None:
            self._answer.cancel()

    def data_received(self, data: bytes) -> None:
        fresh = not self._buffer and not self._skip
        self._buffer += data
        if self._answer is None:
            if fresh:
                self._wait(REQUEST_S)
            self._go_on()
        self._hold_back()

    def eof_received(self) -> bool:
        self._ended = True
        return self._answer is not None

    def pause_writing(self) -> None:
        self._full = True
        self._wait(UNREAD_S)
        self._hold_back()

    def resume_writing(self) -> None:
        self._full = False
        self._wait(IDLE_S)
        self._go_on()

    def _hold_back(self) -> None:
        """A client that asks on and on waits for its answers."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if self._full or len(self._buffer) > HEAD_LIMIT:
            transport.pause_reading()
        else:
            transport.resume_reading()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _wait(self, seconds: float) -> None:
        """The next step must be over in this time."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._late)

    def _late(self) -> None:
        if (
            self._buffer
            or self._skip
            or (self._transport and self._transport.get_write_buffer_size())
        ):
            self._site.dropped += 1
        self.abort()

    def _go_on(self) -> None:
        """Answer what is complete, as far as its answers are taken."""
        turn = 0
        while self._answer is None and not self._full:
            if self._transport is None or self._transport.is_closing():
                return
            if turn == TURN:
                asyncio.get_running_loop().call_soon(self._go_on)
                break
            turn += 1
            if self._skip:
                gone = min(self._skip, len(self._buffer))
                del self._buffer[:gone]
                self._skip -= gone
                if self._skip:
                    break
            while self._buffer[:2] == b"\r\n":  # some clients end a body with one
                del self._buffer[:2]
            end = self._buffer.find(b"\r\n\r\n", 0, HEAD_LIMIT)
            if end < 0:
                if len(self._buffer) >= HEAD_LIMIT:
                    self._write(_error(431, "the request's head is too large"), close=True)
                break
            head = bytes(self._buffer[:end])
            del self._buffer[: end + 4]
            try:
                request, self._skip, keep = _parsed(head)
            except Malformed as error:
                response = _error(error.status, str(error))
                self._count("", error.status)
                self._write(response, close=True)
                return
            self._respond(request, keep=keep)
        self._hold_back()

    def _respond(self, request: Request, *, keep: bool) -> None:
        try:
            found = self._site.handle(request)
        except Exception:
            log.exception("a request could not be answered")
            found = _error(500, "internal error")
        if isinstance(found, Response):
            self._done(request, found, keep=keep)
        else:
            self._answer = asyncio.ensure_future(self._later(request, found, keep=keep))

    async def _later(self, request: Request, found: Awaitable[Response], *, keep: bool) -> None:
        if self._timer is not None:
            self._timer.cancel()
        try:
            response = await found
        except Exception:
            log.exception("a request could not be answered")
            response = _error(500, "internal error")
        self._answer = None
        self._done(request, response, keep=keep)
        self._go_on()

    def _done(self, request: Request, response: Response, *, keep: bool) -> None:
        self._count(request.path, response.status)
        self._wait(IDLE_S)
        self._write(response, close=not keep or self._ended, head=request.method == "HEAD")

    def _count(self, path: str, status: int) -> None:
        known = path if path in ("/health", "/metrics", "/budget") else "other"
        key = (known, status)
        self._site.requests[key] = self._site.requests.get(key, 0) + 1

    def _write(self, response: Response, *, close: bool, head: bool = False) -> None:
        transport = self._transport
        if transport is None:
            return
        status = HTTPStatus(response.status)
        lines = [
            f"HTTP/1.1 {status.value} {status.phrase}",
            f"Date: {formatdate(self._site.now(), usegmt=True)}",
            "Server: costtui",
            f"Content-Type: {response.type}",
            f"Content-Length: {len(response.body)}",
            "Cache-Control: no-store",
            "X-Content-Type-Options: nosniff",
            *(f"{name}: {value}" for name, value in response.headers.items()),
            f"Connection: {'close' if close else 'keep-alive'}",
            "\r\n",
        ]
        transport.write("\r\n".join(lines).encode("latin-1") + (b"" if head else response.body))
        if close:
            if self._timer is None or self._timer.cancelled():
                self._wait(UNREAD_S)
            transport.close()


def _parsed(head: bytes) -> tuple[Request, int, bool]:
    """(request, bytes of its body, may the connection go on). Raises `Malformed`."""
    line, *rest = head.decode("latin-1").split("\r\n")
    words = line.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1.") or len(words[2]) != 8:
        raise Malformed(400, "not an HTTP/1.1 request")
    method, target, version = words
    headers: dict[str, str] = {}
    for text in rest:
        name, colon, value = text.partition(":")
        if not colon or not name or name != name.strip() or "\n" in text or "\0" in text:
            raise Malformed(400, "a header that is none")
        name, value = name.lower(), value.strip()
        if headers.setdefault(name, value) != value and name in _ONCE:
            # A proxy in front may go by the other one: where the next request begins, or for whom.
            raise Malformed(400, f"two {name} that differ")
    if "transfer-encoding" in headers:
        raise Malformed(411, "a body is of no use here")
    length = headers.get("content-length", "0") or "0"
    if not (length.isascii() and length.isdigit()) or len(length) > 12:
        raise Malformed(400, "Content-Length is no number")
    if int(length) > BODY_LIMIT:
        raise Malformed(413, "a body is of no use here")
    if version != "HTTP/1.0" and "host" not in headers:
        raise Malformed(400, "HTTP/1.1 has a Host")
    if target.startswith(("http://", "https://")):  # as a proxy is asked
        target = "/" + target.split("/", 3)[3] if target.count("/") > 2 else "/"
    path, _, query = target.partition("?")
    asked = headers.get("connection", "").lower()
    keep = "keep-alive" in asked if version == "HTTP/1.0" else "close" not in asked
    return Request(method, path, query.partition("#")[0], headers), int(length), keep


def _error(status: int, why: str) -> Response:
    return Response(status, f'{{"error": "{why}"}}\n'.encode())

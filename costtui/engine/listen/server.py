"""The listener of a collector: a thread of its own with its own event loop, and one that reads.

Nothing in here can delay a poll by waiting or end the collector by failing: the loop of the polls
knows nothing of it. What is asked of the store is read by one more thread with a reader of its
own; `/budget` and `/health` are answered from memory.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Final, Protocol

from costtui.alerts.watches import watches
from costtui.config.listen import HOST, address_of, address_text
from costtui.config.people import People
from costtui.config.schema import Config, ListenConfig, tag_names
from costtui.config.words import did_you_mean
from costtui.engine.listen.budget import BadQuestion, answered, asked
from costtui.engine.listen.health import health
from costtui.engine.listen.http import Connection, Request, Response, Site
from costtui.engine.standing import Standings, read_standings
from costtui.engine.zone import zone_of
from costtui.errors import CosttuiError, StoreError, UsageError
from costtui.model.access import Door
from costtui.model.snapshot import SourceStatus
from costtui.store.counted import CountedReader

log = logging.getLogger(__name__)

ROUTES: Final = ("/health", "/metrics", "/budget")
REFRESH_S: Final = 1.0
"""Seconds between two looks at the store."""
PAGE_S: Final = 1.0
"""A page that is not older than so many seconds is good for the next who asks."""
STOP_S: Final = 5.0


class Polling(Protocol):
    """What is told of one source."""

    status: SourceStatus
    polls: int
    failed_polls: int
    poll_seconds: float
    last_poll_seconds: float


class Collecting(Protocol):
    """What a `Collector` tells. Each of it is read from another thread, so none is changed."""

    started: float
    looked_at: float
    beat_at: float

    @property
    def pollers(self) -> Sequence[Polling]: ...


class Listener:
    """`open()` takes the address, `start()` answers there, `close()` ends it. All three are called
    by the collector's thread."""

    def __init__(
        self,
        config: Config,
        listen: ListenConfig,
        collecting: Collecting,
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Raises `UsageError` where a token is needed and there is none."""
        self._config, self._listen, self._collecting, self._now = config, listen, collecting, now
        host, self._port = address_of(listen.address)
        self._host = HOST if host == "localhost" else host  # which may mean ::1 alone
        token = listen.token.reveal() if listen.token is not None else None
        self._door = Door(host, token=token, machine=socket.gethostname())
        self._zone = zone_of(config.timezone)
        self._people = People(config.consumers)
        self._tags = tag_names(config.consumers)
        self._names = frozenset(s.name for s in config.sources)
        self._rules = tuple(
            dict.fromkeys((w.name, w.severity) for w in watches(config.alerts, config.budgets))
        )
        self._site = Site(self._handle, now)
        self._socket: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end: asyncio.Event | None = None
        self._worker = ThreadPoolExecutor(1, "listener-reader")
        self._reader: CountedReader | None = None
        self._standings: Standings | None = None
        self._said = ""
        self._revision, self._last_commit = -1, 0.0
        self._pages: dict[bool, tuple[float, bytes, bytes, str]] = {}

    # Life

    @property
    def address(self) -> str:
        """`HOST:PORT` that is answered; with the port that was given where 0 was asked for."""
        return address_text(self._host, self._port)

    def open(self) -> None:
        """Take the address. Raises `UsageError` where that cannot be, for example in use."""
        try:
            found = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
            family, kind, protocol, _, place = found[0]
            taken = socket.socket(family, kind, protocol)
            try:
                taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                taken.bind(place)
                taken.listen(512)
                taken.setblocking(False)
            except BaseException:
                taken.close()
                raise
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
            raise UsageError(f"listen: {self.address}: {reason}") from None
        self._socket, self._port = taken, taken.getsockname()[1]

    def start(self) -> None:
        assert self._socket is not None, "open() first"
        self._thread = threading.Thread(target=self._run, name="listener", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """May be called twice, and without `start`."""
        loop, end = self._loop, self._end
        if self._thread is not None and loop is not None and end is not None:
            with suppress(RuntimeError):  # it has ended already
                loop.call_soon_threadsafe(end.set)
            self._thread.join(STOP_S)
        self._thread = None
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        self._worker.shutdown(wait=False, cancel_futures=True)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception:
            log.exception("nothing is answered at %s any more", self.address)

    async def _serve(self) -> None:
        assert self._socket is not None
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        refreshing = asyncio.create_task(self._refresh_for_ever())
        server = await self._loop.create_server(
            lambda: Connection(self._site), sock=self._socket, backlog=512
        )
        try:
            await self._end.wait()
        finally:
            refreshing.cancel()
            server.close()
            self._site.close()
            await self._loop.run_in_executor(self._worker, self._close_reader)

    # What is known

    async def _refresh_for_ever(self) -> None:
        assert self._loop is not None
        while True:
            await self._loop.run_in_executor(self._worker, self._refresh)
            await asyncio.sleep(REFRESH_S)

    def _store(self) -> CountedReader:
        if self._reader is None:
            self._reader = CountedReader(
                self._config.store.path, zone=self._zone, consumers=self._config.consumers
            )
        return self._reader

    def _close_reader(self) -> None:
        if self._reader is not None:
            self._reader.close()

    def _refresh(self) -> None:
        try:
            now = self._now()
            reader = self._store()
            revision = reader.revision()
            if revision != self._revision:
                self._revision, self._last_commit = revision, now
            self._standings = read_standings(
                reader, self._config.budgets, now, self._zone, self._names
            )
            self._said = ""
        except CosttuiError as error:
            self._say(str(error))
        except Exception as error:  # noqa: BLE001  a border: what is known grows old, and says so
            self._say(f"{type(error).__name__}: {error}")

    def _say(self, why: str) -> None:
        """Once: the same reason every second would fill the log."""
        if why != self._said:
            self._said = why
            log.warning("budgets could not be read for the listener: %s", why)

    def _bytes(self) -> int:
        path = self._config.store.path
        total = 0
        for name in (path.name, path.name + "-wal"):
            try:
                total += path.with_name(name).stat().st_size
            except OSError:
                continue
        return total

    # Answers

    def _handle(self, request: Request) -> Any:
        refused = self._refused(request)
        if refused is not None:
            return refused
        match request.path:
            case "/health":
                return self._health()
            case "/budget":
                return self._budget(request.query)
            case "/metrics":
                return self._metrics(request.headers)
        near = did_you_mean(request.path[:80], ROUTES)
        return _json(404, {"error": f"there is no such page{near}", "pages": list(ROUTES)})

    def _refused(self, request: Request) -> Response | None:
        if not self._door.open:
            scheme, _, given = request.headers.get("authorization", "").partition(" ")
            if scheme.lower() != "bearer" or not self._door.token_may(given.strip()):
                challenge = {"WWW-Authenticate": 'Bearer realm="costtui"'}
                return _json(401, {"error": "Authorization: Bearer TOKEN is asked for"}, challenge)
        elif not self._door.host_may(request.headers.get("host", self._host)):
            # A name of another site that points here now; with a token nobody needs to know.
            return _json(421, {"error": "ask by an address of this machine, or by localhost"})
        if request.method not in ("GET", "HEAD"):
            return _json(405, {"error": "GET or HEAD"}, {"Allow": "GET, HEAD"})
        return None

    def _health(self) -> Response:
        collecting = self._collecting
        status, document = health(
            [poller.status for poller in collecting.pollers],
            self._now(),
            started=collecting.started,
            looked_at=collecting.looked_at,
            beat_at=collecting.beat_at,
            interval=self._config.alert_interval,
            last_commit=self._last_commit,
            store_bytes=self._bytes(),
            budgets_at=self._standings.at if self._standings is not None else 0.0,
        )
        return _json(status, document)

    def _budget(self, query: str) -> Response:
        try:
            question = asked(query, self._tags)
        except BadQuestion as error:
            return _json(400, {"error": str(error)})
        answer = answered(
            question,
            self._standings,
            self._now(),
            self._people,
            on_stale=self._listen.on_stale,
            on_missing=self._listen.on_missing,
        )
        return _json(answer.status, answer.document)

    async def _metrics(self, headers: Mapping[str, str]) -> Response:
        assert self._loop is not None
        accept = headers.get("accept", "")
        zipped = "gzip" in headers.get("accept-encoding", "").lower()
        try:
            plain, packed, kind = await self._loop.run_in_executor(self._worker, self._page, accept)
        except StoreError as error:
            return _json(503, {"error": str(error)})
        vary = {"Vary": "Accept, Accept-Encoding"}
        if zipped:
            return Response(200, packed, kind, {**vary, "Content-Encoding": "gzip"})
        return Response(200, plain, kind, vary)

    def _page(self, accept: str) -> tuple[bytes, bytes, str]:
        """(the page, the same packed, its type). Raises a `StoreError`."""
        from costtui.engine.listen import page  # prometheus_client, which most never need

        which, now = page.is_openmetrics(accept), time.monotonic()
        known = self._pages.get(which)
        if known is None or now - known[0] > PAGE_S:
            body, kind = page.render(self._facts(page), openmetrics=which)
            known = (time.monotonic(), body, gzip.compress(body, 1), kind)
            self._pages[which] = known
        return known[1:]

    def _facts(self, page: Any) -> Any:
        reader, series = self._store(), self._listen.series
        pollers = self._collecting.pollers
        return page.Facts(
            counted=reader.counted(self._now(), page.combinations(series)),
            heard=reader.heard(),
            standings=self._standings,
            polled=tuple(
                page.Polled(
                    p.status.name, p.polls, p.failed_polls, p.poll_seconds, p.last_poll_seconds,
                    p.status.overruns,
                )
                for p in pollers
            ),
            served=page.Served(
                dict(self._site.requests), len(self._site.connections), self._site.refused,
                self._site.dropped,
            ),
            rules=self._rules,
            configured=self._names,
            started=self._collecting.started,
            store_bytes=self._bytes(),
            series=series,
            last_commit=self._last_commit,
        )  # fmt: skip


def _json(
    status: int, document: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> Response:
    # ASCII: a terminal that shows an answer shows no control character of a hostile name.
    return Response(status, json.dumps(document).encode() + b"\n", headers=headers or {})

"""What tests of notifiers share: events, an outbox in memory, time that only tests move."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import pytest
import pytest_asyncio

from costtui.model.alert import AlertEvent, Parcel
from costtui.model.charge import Exactness

NOW = 1_790_000_000.0


def make_event(**given: Any) -> AlertEvent:
    usual: dict[str, Any] = {
        "id": "e1",
        "rule": "daily",
        "labels": (("team", "search"),),
        "severity": "warning",
        "state": "firing",
        "unit": "cost",
        "value": 61_200_000_000,
        "limit": 50_000_000_000,
        "window": "24h",
        "active_at": NOW - 60,
        "fired_at": NOW,
        "resolved_at": 0.0,
        "exactness": Exactness.EXACT,
        "summary": "search spent $61.20 in 24h, more than $50.00",
        "cause": "gpt-4o: +$40",
        "extra": (("page", "finance"),),
        "notify": None,
    }
    return AlertEvent(**(usual | given))


def make_parcel(key: int = 1, notifier: str = "n", attempts: int = 0, **given: Any) -> Parcel:
    return Parcel(key, notifier, make_event(**given), attempts, NOW)


class FakeClock:
    """Moves when it is told to."""

    def __init__(self) -> None:
        self.time = 0.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def now(self) -> float:
        return NOW + self.time

    def monotonic(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = (self.time + seconds, future)
        self._sleepers.append(entry)
        try:
            await future
        finally:
            self._sleepers.remove(entry)

    async def settle(self) -> None:
        """Until nothing more happens by itself; none of the fakes needs more turns."""
        for _ in range(40):
            await asyncio.sleep(0)

    async def pass_(self, seconds: float) -> None:
        """Let so much time pass, waking sleepers in their order."""
        end = self.time + seconds
        await self.settle()
        while due := sorted(at for at, f in self._sleepers if at <= end and not f.done()):
            self.time = max(self.time, due[0])
            for at, future in list(self._sleepers):
                if at <= self.time and not future.done():
                    future.set_result(None)
            await self.settle()
        self.time = end


class MemoryOutbox:
    """Keeps parcels as the store does: with a retry time, until they are delivered."""

    def __init__(self, clock: FakeClock | None = None) -> None:
        self.parcels: dict[int, Parcel] = {}
        self.retry_at: dict[int, float] = {}
        self.errors: list[str] = []
        self.delivered_keys: list[int] = []
        self.empty = asyncio.Event()
        self.fault: Callable[[str], None] = lambda _: None

    def put(self, *parcels: Parcel) -> None:
        self.parcels.update((parcel.key, parcel) for parcel in parcels)

    async def due(self, now: float, limit: int) -> list[Parcel]:
        self.fault("due")
        found = [p for k, p in sorted(self.parcels.items()) if self.retry_at.get(k, 0.0) <= now]
        await asyncio.sleep(0)
        return found[:limit]

    async def delivered(self, keys: Sequence[int]) -> None:
        self.fault("delivered")
        await asyncio.sleep(0)
        for key in keys:
            if self.parcels.pop(key, None):
                self.delivered_keys.append(key)
        if not self.parcels:
            self.empty.set()

    async def failed(self, keys: Sequence[int], error: str, retry_at: float) -> None:
        self.fault("failed")
        self.errors.append(error)
        for key in keys:
            old = self.parcels[key]
            self.parcels[key] = old._replace(attempts=old.attempts + 1)
            self.retry_at[key] = retry_at
        await asyncio.sleep(0)


# Test directories are no packages, so these come as fixtures.


@pytest.fixture
def event() -> Callable[..., AlertEvent]:
    return make_event


@pytest.fixture
def parcel() -> Callable[..., Parcel]:
    return make_parcel


@pytest.fixture
def ticking() -> FakeClock:
    return FakeClock()


@pytest.fixture
def outbox() -> MemoryOutbox:
    return MemoryOutbox()


# For hypothesis: what makes them, as nothing may be kept between two examples.


@pytest.fixture(scope="session")
def clocks() -> Callable[[], FakeClock]:
    return FakeClock


@pytest.fixture(scope="session")
def outboxes() -> Callable[[], MemoryOutbox]:
    return MemoryOutbox


@pytest.fixture(scope="session")
def parcels() -> Callable[..., Parcel]:
    return make_parcel


class Receiver:
    """An HTTP server on loopback that answers as it is told: a status, or what it does instead."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, dict[str, str], str] | str] = []
        """The next ones; then 200. `hang`, `close` or `slow` instead of an answer."""
        self.got: list[tuple[str, dict[str, str], bytes]] = []
        """(path, headers in lower case, body)"""
        self.arrived = asyncio.Condition()
        self.port = 0
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._open:
            writer.close()
        await self._server.wait_closed()

    async def count(self, number: int) -> None:
        """Wait until so many messages are there."""
        async with asyncio.timeout(20), self.arrived:
            await self.arrived.wait_for(lambda: len(self.got) >= number)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            while await self._one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._open.discard(writer)
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        pairs = [line.partition(": ")[::2] for line in head[1:] if line]
        headers = {name.lower(): value for name, value in pairs}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        answer = self.answers.pop(0) if self.answers else (200, {}, "ok")
        async with self.arrived:
            self.got.append((head[0].split()[1], headers, body))
            self.arrived.notify_all()
        if answer == "close":
            return False
        if answer == "hang":
            await reader.read()
            return False
        if isinstance(answer, str):
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Len")
            await reader.read()
            return False
        status, more, text = answer
        lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(text.encode())}"]
        lines += [f"{name}: {value}" for name, value in more.items()]
        writer.write(("\r\n".join(lines) + "\r\n\r\n" + text).encode())
        await writer.drain()
        return True


@pytest_asyncio.fixture
async def receiver() -> AsyncIterator[Receiver]:
    made = Receiver()
    await made.start()
    yield made
    await made.stop()

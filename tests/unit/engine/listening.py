"""A listener over a real store, for its tests: what a collector tells it is set by hand."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from costtui.config.schema import Config, ListenConfig, Secret, SourceConfig, StoreConfig
from costtui.engine.listen.server import Listener
from costtui.model.charge import Charge, CostBasis
from costtui.model.dimension import Dimensions
from costtui.model.snapshot import SourceStatus
from costtui.model.usage import UsageRecord
from costtui.store.writer import Store

NANO = 10**9
NOW = 1_790_000_000.0


class Poller:
    """One source's poller, as the listener sees it."""

    def __init__(self, status: SourceStatus) -> None:
        self.status = status
        self.polls, self.failed_polls = 4, 1
        self.poll_seconds, self.last_poll_seconds = 0.5, 0.125


class Collecting:
    """A collector that read `log` a second ago."""

    def __init__(self, now: float = NOW) -> None:
        self.started = now - 100
        self.looked_at = self.beat_at = now - 1
        status = SourceStatus("log", "jsonl", "gw", last_attempt=now - 1, last_ok=now - 1)
        self.pollers = [Poller(replace(status, interval=1.0))]


def config_of(path: Path, **more: Any) -> Config:
    source = SourceConfig("log", "jsonl", "gw")
    return Config(store=StoreConfig(path), sources=(source,), timezone="UTC", **more)


def used(
    consumer: str,
    nano: int = NANO,
    *,
    basis: CostBasis = CostBasis.REPORTED,
    at: float = NOW - 10,
    **more: Any,
) -> tuple[UsageRecord, Charge]:
    """One request of a consumer, and what it was charged."""
    ns = int(at * 1e9)
    dims = Dimensions("openai", more.pop("model", "gpt-4o"), consumer, more.pop("gateway", "gw"))
    dims = dims._replace(service=more.pop("service", "llm"))
    record = UsageRecord(ns, ns, dims, request_id="", **{"input": 100, "output": 7, **more})
    return record, Charge(nano, nano, basis)


def fill(path: Path, *pairs: tuple[UsageRecord, Charge], now: float = NOW) -> None:
    """A store with some usage of the source `log`, which was read just now."""

    async def run() -> None:
        async with await Store.open(path, now=now - 1000) as store:
            await store.register("log", "jsonl", "gw")
            if pairs:
                await store.append("log", [r for r, _ in pairs], [c for _, c in pairs], now=now)
            await store.set_status(Collecting(now).pollers[0].status)
            await store.heartbeat(now)

    asyncio.run(run())


@contextmanager
def listening(
    config: Config,
    *,
    token: str = "",
    address: str = "127.0.0.1:0",
    collecting: Collecting | None = None,
    **more: Any,
) -> Iterator[int]:
    """The port of a listener that has looked at the store."""
    listen = ListenConfig(address, Secret(token) if token else None, **more)
    listener = Listener(config, listen, collecting or Collecting(), now=lambda: NOW)
    listener.open()
    listener.start()
    port = int(listener.address.rpartition(":")[2])
    try:
        until = time.monotonic() + 30
        while b'"age_seconds": null' in ask(port, "/budget", token=token)[2]:
            assert time.monotonic() < until
        yield port
    finally:
        listener.close()


Answer = tuple[int, dict[str, str], bytes]


def ask(port: int, path: str, *, token: str = "", method: str = "GET", **headers: str) -> Answer:
    """One request on a connection of its own: (status, headers, body)."""
    if token:
        headers["Authorization"] = f"Bearer {token}"
    lines = [f"{method} {path} HTTP/1.1", *(f"{k}: {v}" for k, v in headers.items())]
    if "Host" not in headers:
        lines.append("Host: localhost")
    text = "\r\n".join([*lines, "Connection: close", "", ""])
    with socket.create_connection(("127.0.0.1", port), timeout=30) as sock:
        sock.sendall(text.encode("utf-8", "surrogateescape"))
        return parsed(drain(sock))


def drain(sock: socket.socket) -> bytes:
    """All that comes until the other side closes."""
    found = b""
    while True:
        try:
            piece = sock.recv(65536)
        except ConnectionResetError:
            return found
        if not piece:
            return found
        found += piece


def parsed(raw: bytes) -> Answer:
    head, _, body = raw.partition(b"\r\n\r\n")
    line, *rest = head.decode("latin-1").split("\r\n")
    headers = dict(one.split(": ", 1) for one in rest)
    return int(line.split(" ")[1]), headers, body

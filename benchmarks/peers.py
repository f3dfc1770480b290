"""Real programs that a benchmark watches: a costtui collector and a Prometheus, with their CPU
seconds and memory."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import socket
import sqlite3
import statistics
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

_TICKS = os.sysconf("SC_CLK_TCK")


class Usage(NamedTuple):
    """What a process has used so far."""

    cpu: float
    """Seconds, user and system."""
    rss_mb: float
    """Now."""
    peak_mb: float


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def usage(pid: int) -> Usage:
    """From /proc, for both alike."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    status = Path(f"/proc/{pid}/status").read_text()

    def megabytes(name: str) -> float:
        found = re.search(rf"^{name}:\s+(\d+) kB", status, re.M)
        return int(found[1]) / 1024 if found else 0.0

    return Usage(
        (int(fields[11]) + int(fields[12])) / _TICKS, megabytes("VmRSS"), megabytes("VmHWM")
    )


@contextmanager
def process(command: Sequence[str], said: Path) -> Iterator[int]:
    """A program that is ended with the block; its process id."""
    with said.open("wb") as file:
        child = subprocess.Popen(command, stdout=file, stderr=file)
    try:
        yield child.pid
        if child.poll() is not None:
            raise RuntimeError(f"{command[0]} ended: {said.read_text(errors='replace')[-2000:]}")
    finally:
        child.terminate()
        try:
            child.wait(30)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


@contextmanager
def collector(folder: Path, config: str) -> Iterator[int]:
    """`costtui collect` with this configuration; its store is `folder`/bench.db."""
    path = folder / "bench.yml"
    path.write_text(f"store: {{path: {folder}/bench.db}}\n{config}")
    command = [sys.executable, "-m", "costtui", "--config", str(path), "collect"]
    with process(command, folder / "collect.txt") as pid:
        yield pid


def query(folder: Path, sql: str) -> list[tuple[object, ...]]:
    db = sqlite3.connect(folder / "bench.db")
    try:
        return db.execute(sql).fetchall()
    finally:
        db.close()


def have_prometheus() -> bool:
    return shutil.which("prometheus") is not None


class Prometheus(NamedTuple):
    pid: int
    port: int

    def ask(self, query: str) -> list[float]:
        """The values that a query has now."""
        words = urllib.parse.urlencode({"query": query})
        url = f"http://127.0.0.1:{self.port}/api/v1/query?{words}"
        answer = json.load(urllib.request.urlopen(url, timeout=60))
        return [float(row["value"][1]) for row in answer["data"]["result"]]


@contextmanager
def prometheus(folder: Path, config: str) -> Iterator[Prometheus]:
    """The real one, with this configuration."""
    port = free_port()
    path = folder / "prometheus.yml"
    path.write_text(config)
    command = [
        "prometheus",
        f"--config.file={path}",
        f"--storage.tsdb.path={folder}/tsdb",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with process(command, folder / "prometheus.txt") as pid:
        yield Prometheus(pid, port)


class Lateness:
    """How late a tick of a millisecond comes, seconds: of the event loop that runs it."""

    def __init__(self) -> None:
        self.seen: list[float] = []

    async def run(self) -> None:
        while True:
            begin = time.perf_counter()
            await asyncio.sleep(0.001)
            self.seen.append(time.perf_counter() - begin - 0.001)


_CONTROL = """
import asyncio, time
async def main():
    print("up", flush=True)
    while True:
        begin = time.perf_counter()
        await asyncio.sleep(0.001)
        late = time.perf_counter() - begin - 0.001
        if late > 0.002:
            print(late, flush=True)
asyncio.run(main())
"""


class Control:
    """The same tick in a process that does nothing else: what the machine itself is late by."""

    def __enter__(self) -> Control:
        self._child = subprocess.Popen(
            [sys.executable, "-c", _CONTROL], stdout=subprocess.PIPE, text=True
        )
        assert self._child.stdout is not None
        self._child.stdout.readline()
        return self

    def __exit__(self, *_: object) -> None:
        self._child.terminate()
        said, _err = self._child.communicate()
        self.worst = max((float(word) for word in said.split()), default=0.0)


def summary(values: Sequence[float], scale: float = 1000.0) -> dict[str, float]:
    """Median, 99th percentile and worst, in milliseconds by default."""
    ordered = sorted(values)
    return {
        "median": statistics.median(ordered) * scale,
        "p99": ordered[min(int(len(ordered) * 0.99), len(ordered) - 1)] * scale,
        "worst": ordered[-1] * scale,
    }

"""200 endpoints at once, 20 of which are dead in four ways: are the other 180 scraped on time?

A real `costtui collect` and, where the binary exists, a real Prometheus scrape the same ports at
the same interval and at the same time, so that whatever else the machine does delays both. Nothing
is asked of either: the server notes when each request came, by its path. An endpoint's due times
are a grid of the interval; where the grid lies is taken from the request that came earliest in
it, for both alike. The tokens in costtui's store are checked against what the server counted.

Of the bad ones a quarter refuses the connection, a quarter takes it and never answers, a quarter
sends a byte now and then, and a quarter never ends.

    python benchmarks/bench_endpoints.py [--json] [--endpoints N] [--bad N] [--interval S]
                                         [--seconds S] [--no-prometheus]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.peers import (
    Usage,
    collector,
    free_port,
    have_prometheus,
    prometheus,
    query,
    summary,
    usage,
)

TIMEOUT = 2.0
"""Seconds, of both: below every interval that makes sense here."""
LINES = 300
"""Lines on a page; 24 of them are wanted and change at each scrape."""
COMBOS = 6
OURS, THEIRS = "/costtui", "/prometheus"
"""Paths, by which the server tells them apart."""
BAD_WAYS = ("refused", "hanging", "slow", "endless")

_OTHERS = "".join(
    f'kong_ai_llm_provider_latency_ms_bucket{{ai_provider="openai",ai_model="m-{i % 6}",'
    f'cache_status="",workspace="w",consumer="c",le="{i}"}} {i * 7}\n'
    for i in range(LINES - 4 * COMBOS)
)


Row = dict[str, float]


class Endpoint:
    """One port and what it is like."""

    def __init__(self, way: str) -> None:
        self.way = way
        self.port = 0
        self.came: dict[str, list[float]] = {}
        """When requests came, by path, seconds of the monotonic clock."""

    def page(self, count: int) -> bytes:
        """Each page says 10 tokens and one request more for each combination."""
        lines = ["# TYPE kong_ai_llm_tokens_total counter\n"]
        for i in range(COMBOS):
            labels = (
                f'ai_provider="openai",ai_model="m-{i}",cache_status="",workspace="w",consumer="c"'
            )
            for kind, each in (("prompt_tokens", 7), ("completion_tokens", 3)):
                lines.append(
                    f'kong_ai_llm_tokens_total{{{labels},token_type="{kind}"}} {each * count}\n'
                )
            lines.append(f"kong_ai_llm_requests_total{{{labels}}} {count}\n")
            lines.append(f"kong_ai_llm_cost_total{{{labels}}} {count / 1000:.3f}\n")
        return ("".join(lines) + _OTHERS).encode()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                came = self.came.setdefault(head.split(b" ", 2)[1].decode(), [])
                came.append(time.monotonic())
                await getattr(self, f"_{self.way}")(writer, len(came))
        writer.close()

    async def _healthy(self, writer: asyncio.StreamWriter, count: int) -> None:
        body = self.page(count)
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
        )
        await writer.drain()

    async def _hanging(self, _: asyncio.StreamWriter, __: int) -> None:
        await asyncio.sleep(3600)

    async def _slow(self, writer: asyncio.StreamWriter, _: int) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"#")
            await writer.drain()
            await asyncio.sleep(0.2)

    async def _endless(self, writer: asyncio.StreamWriter, _: int) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        piece = b"# never done\n" * 100
        while not writer.is_closing():
            writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            await writer.drain()
            await asyncio.sleep(0.02)


async def serve_all(ways: list[str]) -> None:
    """The server process: ports on the first line, then one line of JSON for each line asked."""
    endpoints = [Endpoint(way) for way in ways]
    servers = []
    for endpoint in endpoints:
        if endpoint.way == "refused":
            endpoint.port = free_port()
            continue
        server = await asyncio.start_server(endpoint.serve, "127.0.0.1", 0)
        endpoint.port = server.sockets[0].getsockname()[1]
        servers.append(server)

    async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = json.dumps([e.came for e in endpoints]).encode()
        writer.write(b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        await writer.drain()
        writer.close()

    control = await asyncio.start_server(ask, "127.0.0.1", 0)
    ports = [control.sockets[0].getsockname()[1], *(e.port for e in endpoints)]
    print(json.dumps(ports), flush=True)
    await asyncio.Event().wait()


@contextmanager
def servers(ways: list[str]) -> Iterator[list[int]]:
    """A server process; the port that tells, then the ports of the endpoints."""
    child = subprocess.Popen(
        [sys.executable, __file__, "--serve", json.dumps(ways)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    try:
        yield json.loads(child.stdout.readline())
    finally:
        child.terminate()
        child.wait()
        child.stdout.close()


def told(control: int, path: str) -> list[list[float]]:
    """When requests of a path came to each endpoint."""
    answer = urllib.request.urlopen(f"http://127.0.0.1:{control}/", timeout=60)
    return [came.get(path, []) for came in json.load(answer)]


def lateness(
    came: list[float], since: float, until: float, interval: float
) -> tuple[list[float], int]:
    """How late each request of one endpoint was, and how many turns it missed."""
    inside = [t for t in came if since <= t < until]
    if not inside:
        return [], int((until - since) / interval)
    # The grid's phase: that of the earliest request against it.
    base = inside[0]
    offsets = [(t - base) - round((t - base) / interval) * interval for t in inside]
    start = base + min(offsets)
    turns = [round((t - start) / interval) for t in inside]
    late = [t - start - turn * interval for t, turn in zip(inside, turns, strict=True)]
    return late, turns[-1] - turns[0] + 1 - len(set(turns))


class Window(NamedTuple):
    """What was looked at: two moments and what a process had used at each."""

    since: float
    until: float
    begin: Usage
    end: Usage


def judge(window: Window, came: list[list[float]], ways: list[str], interval: float) -> Row:
    late: list[float] = []
    missed = 0
    for way, times in zip(ways, came, strict=True):
        if way == "healthy":
            seen, gone = lateness(times, window.since, window.until, interval)
            late += seen
            missed += gone
    cpu = window.end.cpu - window.begin.cpu
    return {
        "scrapes": len(late),
        "missed": missed,
        **{f"late_{name}_ms": value for name, value in summary(late).items()},
        "cpu_percent": cpu / (window.until - window.since) * 100,
        "cpu_ms_per_scrape": cpu / len(late) * 1000,
        "rss_mb": window.end.rss_mb,
        "peak_mb": window.end.peak_mb,
    }


def run(ports: list[int], ways: list[str], args: argparse.Namespace) -> dict[str, Row]:
    """Both programs on the same ports; what became of it, by program."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        pids = {OURS: stack.enter_context(collector(folder, sources(ports, args.interval)))}
        if have_prometheus() and not args.no_prometheus:
            config = targets(ports, args.interval)
            pids[THEIRS] = stack.enter_context(prometheus(folder, config)).pid
        # The first two rounds create every series and every connection.
        time.sleep(2 * args.interval + TIMEOUT)
        since, begin = time.monotonic(), {path: usage(pid) for path, pid in pids.items()}
        time.sleep(args.seconds)
        until, end = time.monotonic(), {path: usage(pid) for path, pid in pids.items()}
        stack.close()
        check(folder, told(ports[0], OURS), ways)
        return {
            path.strip("/"): judge(
                Window(since, until, begin[path], end[path]),
                told(ports[0], path),
                ways,
                args.interval,
            )
            for path in pids
        }


def sources(ports: list[int], interval: float) -> str:
    return "sources:\n" + "".join(
        f"  - {{name: e{n}, type: metrics, preset: kong, gateway: g{n}, interval: {interval:g}s, "
        f"timeout: {TIMEOUT:g}s, url: 'http://127.0.0.1:{port}{OURS}'}}\n"
        for n, port in enumerate(ports[1:])
    )


def targets(ports: list[int], interval: float) -> str:
    where = ", ".join(f"'127.0.0.1:{port}'" for port in ports[1:])
    return (
        f"global: {{scrape_interval: {interval:g}s, scrape_timeout: {TIMEOUT:g}s}}\n"
        f"scrape_configs: [{{job_name: all, metrics_path: {THEIRS}, "
        f"static_configs: [{{targets: [{where}]}}]}}]\n"
    )


def check(folder: Path, came: list[list[float]], ways: list[str]) -> None:
    """The store has every token but the first page's, which is the baseline, and at most that
    of one page that was on its way when the collector stopped."""
    rows = query(
        folder,
        "SELECT gateway, sum(input) + sum(output) FROM minute JOIN series ON "
        "series.id = series GROUP BY 1",
    )
    stored = {str(gateway): int(str(tokens)) for gateway, tokens in rows}
    assert len(stored) == ways.count("healthy")
    for n, (way, times) in enumerate(zip(ways, came, strict=True)):
        if way == "healthy":
            pages, rest = divmod(stored[f"g{n}"], 10 * COMBOS)
            assert not rest, n
            assert pages in (len(times) - 1, len(times) - 2), (n, pages, len(times))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--endpoints", type=int, default=200)
    parser.add_argument("--bad", type=int, default=20)
    parser.add_argument("--interval", type=float, default=5.0, help="seconds")
    parser.add_argument("--seconds", type=float, default=60.0, help="that are watched")
    parser.add_argument("--no-prometheus", action="store_true")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        asyncio.run(serve_all(json.loads(args.serve)))
        return 0

    healthy = args.endpoints - args.bad
    ways = ["healthy"] * healthy + [BAD_WAYS[i % len(BAD_WAYS)] for i in range(args.bad)]
    result: dict[str, Any] = {
        "endpoints": args.endpoints,
        "bad": args.bad,
        "interval_s": args.interval,
        "cpus": os.cpu_count(),
    }
    with servers(ways) as ports:
        result.update(run(ports, ways, args))
    if args.json:
        print(json.dumps(result, indent=2))
    else:
        show(result)
    return 0


def show(result: dict[str, Any]) -> None:
    names = [name for name, value in result.items() if isinstance(value, dict)]
    plain = [f"{key} {value:g}" for key, value in result.items() if key not in names]
    print(", ".join(plain))
    print(f"{'':<20}" + "".join(f"{name:>14}" for name in names))
    for key in result[names[0]]:
        print(f"{key:<20}" + "".join(f"{result[name][key]:>14,.1f}" for name in names))


if __name__ == "__main__":
    sys.exit(main())

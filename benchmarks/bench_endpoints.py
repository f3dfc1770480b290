"""200 endpoints at once, 20 of which are dead in four ways: are the other 180 scraped on time?

A real `costtui collect` and, where the binary exists, a real Prometheus scrape the same ports at
the same interval, one after the other in one run. Nothing is asked of either: the server notes
when each request came. An endpoint's due times are a grid of the interval; where the grid lies is
taken from the request that came earliest in it, for both alike. The tokens in costtui's store
are checked against what the server counted.

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
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from benchmarks.peers import (
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
BAD_WAYS = ("refused", "hanging", "slow", "endless")

_OTHERS = "".join(
    f'kong_ai_llm_provider_latency_ms_bucket{{ai_provider="openai",ai_model="m-{i % 6}",'
    f'cache_status="",workspace="w",consumer="c",le="{i}"}} {i * 7}\n'
    for i in range(LINES - 4 * COMBOS)
)


class Endpoint:
    """One port and what it is like."""

    def __init__(self, way: str) -> None:
        self.way = way
        self.port = 0
        self.count = 0
        """Pages sent so far."""
        self.came: list[float] = []
        """When requests came, seconds of the monotonic clock."""

    def page(self) -> bytes:
        """Each page says 10 tokens and one request more for each combination."""
        self.count += 1
        lines = ["# TYPE kong_ai_llm_tokens_total counter\n"]
        for i in range(COMBOS):
            labels = (
                f'ai_provider="openai",ai_model="m-{i}",cache_status="",workspace="w",consumer="c"'
            )
            for kind, each in (("prompt_tokens", 7), ("completion_tokens", 3)):
                lines.append(
                    f'kong_ai_llm_tokens_total{{{labels},token_type="{kind}"}} '
                    f"{each * self.count}\n"
                )
            lines.append(f"kong_ai_llm_requests_total{{{labels}}} {self.count}\n")
            lines.append(f"kong_ai_llm_cost_total{{{labels}}} {self.count / 1000:.3f}\n")
        return ("".join(lines) + _OTHERS).encode()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                self.came.append(time.monotonic())
                await getattr(self, f"_{self.way}")(writer)
        writer.close()

    async def _healthy(self, writer: asyncio.StreamWriter) -> None:
        body = self.page()
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
        )
        await writer.drain()

    async def _hanging(self, _: asyncio.StreamWriter) -> None:
        await asyncio.sleep(3600)

    async def _slow(self, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"#")
            await writer.drain()
            await asyncio.sleep(0.2)

    async def _endless(self, writer: asyncio.StreamWriter) -> None:
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
        body = json.dumps([[e.count, e.came] for e in endpoints]).encode()
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


def told(control: int) -> list[tuple[int, list[float]]]:
    """(pages sent, when requests came) of each endpoint."""
    answer = urllib.request.urlopen(f"http://127.0.0.1:{control}/", timeout=60)
    return [(count, came) for count, came in json.load(answer)]


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


def watch(
    pid: int, control: int, ways: list[str], interval: float, seconds: float
) -> dict[str, Any]:
    """Let the first two rounds pass, then look for some seconds."""
    time.sleep(2 * interval + TIMEOUT)
    begin, since = usage(pid), time.monotonic()
    time.sleep(seconds)
    end, until = usage(pid), time.monotonic()
    late: list[float] = []
    missed = scrapes = 0
    for way, (_, came) in zip(ways, told(control), strict=True):
        if way == "healthy":
            seen, gone = lateness(came, since, until, interval)
            late += seen
            missed += gone
            scrapes += len(seen)
    return {
        "scrapes": scrapes,
        "missed": missed,
        **{f"late_{name}_ms": value for name, value in summary(late).items()},
        "cpu_percent": (end.cpu - begin.cpu) / (until - since) * 100,
        "cpu_ms_per_scrape": (end.cpu - begin.cpu) / scrapes * 1000,
        "rss_mb": end.rss_mb,
        "peak_mb": end.peak_mb,
    }


def ours(ports: list[int], ways: list[str], interval: float, seconds: float) -> dict[str, Any]:
    sources = "".join(
        f"  - {{name: e{n}, type: metrics, preset: kong, gateway: g{n}, interval: {interval:g}s, "
        f"timeout: {TIMEOUT:g}s, url: 'http://127.0.0.1:{port}/metrics'}}\n"
        for n, port in enumerate(ports[1:])
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with collector(folder, f"sources:\n{sources}") as pid:
            result = watch(pid, ports[0], ways, interval, seconds)
        # Stopped: what was scraped is stored, but for a page that was on its way.
        sent = {f"g{n}": count for n, (count, _) in enumerate(told(ports[0])) if count}
        rows = query(
            folder,
            "SELECT gateway, sum(input) + sum(output) FROM minute JOIN series ON "
            "series.id = series GROUP BY 1",
        )
        stored = {str(gateway): int(str(tokens)) for gateway, tokens in rows}
        for gateway, count in sent.items():
            # The first page is the baseline.
            assert stored[gateway] in (10 * COMBOS * (count - 1), 10 * COMBOS * (count - 2)), (
                gateway
            )
        assert len(sent) == ways.count("healthy")
    return result


def theirs(ports: list[int], ways: list[str], interval: float, seconds: float) -> dict[str, Any]:
    targets = ", ".join(f"'127.0.0.1:{port}'" for port in ports[1:])
    config = (
        f"global: {{scrape_interval: {interval:g}s, scrape_timeout: {TIMEOUT:g}s}}\n"
        f"scrape_configs: [{{job_name: all, static_configs: [{{targets: [{targets}]}}]}}]\n"
    )
    with tempfile.TemporaryDirectory() as name, prometheus(Path(name), config) as peer:
        return watch(peer.pid, ports[0], ways, interval, seconds)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--endpoints", type=int, default=200)
    parser.add_argument("--bad", type=int, default=20)
    parser.add_argument("--interval", type=float, default=5.0, help="seconds")
    parser.add_argument("--seconds", type=float, default=60.0, help="of each program")
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
        result["costtui"] = ours(ports, ways, args.interval, args.seconds)
    if have_prometheus() and not args.no_prometheus:
        with servers(ways) as ports:
            result["prometheus"] = theirs(ports, ways, args.interval, args.seconds)
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

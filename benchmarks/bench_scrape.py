"""Scraping a page of 100,000 series of which 6,831 are wanted.

In one run, on the same pages:

- our source in this process: first sight, every wanted line changed, nothing changed (CPU time,
  from the gzip bytes to a batch), and how late the event loop is meanwhile, beside the same tick
  in a process that does nothing;
- a real `costtui collect` and, where the binary exists, a real Prometheus, one after the other at
  the same interval: CPU for each scrape and memory, of the whole processes;
- prometheus_client's parser on everything.

Sums are checked against the generator before any time is believed, in the collector's store too.

    python benchmarks/bench_scrape.py [--json] [--series N] [--wanted N] [--interval S]
                                      [--scrapes N] [--no-prometheus]
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.peers import (
    Control,
    Lateness,
    Usage,
    collector,
    have_prometheus,
    prometheus,
    query,
    usage,
)
from costtui.config.schema import SourceConfig
from costtui.engine.tuning import tune
from costtui.model.charge import CostPolicy
from costtui.sources.base import Batch
from costtui.sources.metrics.http import Fetched
from costtui.sources.metrics.source import MetricsSource
from costtui.sources.presets import load

LABELS = (
    'ai_provider="{p}",ai_model="{m}",cache_status="",{extra}workspace="t{w}",consumer="c-{c:05d}"'
)
CHUNK = 1 << 16
"""Bytes of one read from the network, as httpx hands them over."""
WARM = 3
"""Scrapes that are not measured: the first creates every series, in both."""


class Generator:
    """Pages as Kong writes them: mostly latency buckets, some AI counters that always grow.

    The page is two gzip members: the wanted lines, new each time, and the others, of which there
    are two versions. Compressing all of it anew would take the server longer than a scrape.
    """

    def __init__(self, series: int, wanted: int) -> None:
        self.random = random.Random(20261122)
        combos = wanted // 4
        self.combos = [
            (("openai", "anthropic", "gemini")[i % 3], f"model-{i % 40}", i % 7, i)
            for i in range(combos)
        ]
        self.plain = wanted - 4 * combos
        self.values = [[1000 + i, 500 + i, 10_000 + i, 10 + i] for i in range(combos)]
        self.noise = series - wanted
        self.tokens = 0
        """What all growth so far is worth (input and output)."""
        self.micros = 0
        """And in millionths of a dollar."""

    def wanted(self, *, grow: bool) -> bytes:
        """The wanted lines, after some traffic."""
        rows: dict[str, list[str]] = {"tokens": [], "cost": [], "requests": []}
        for (p, m, w, c), value in zip(self.combos, self.values, strict=True):
            if grow:
                added = (self.random.randint(1, 900), self.random.randint(1, 300))
                value[0] += added[0]
                value[1] += added[1]
                value[2] += added[0] * 3 + added[1] * 15
                value[3] += 1
                self.tokens += sum(added)
                self.micros += added[0] * 3 + added[1] * 15

            def labels(kind: str = "", at: tuple[str, str, int, int] = (p, m, w, c)) -> str:
                extra = f'token_type="{kind}",' if kind else ""
                return LABELS.format(p=at[0], m=at[1], w=at[2], c=at[3], extra=extra)

            rows["tokens"] += (
                f"kong_ai_llm_tokens_total{{{labels('prompt_tokens')}}} {value[0]}",
                f"kong_ai_llm_tokens_total{{{labels('completion_tokens')}}} {value[1]}",
            )
            rows["cost"].append(f"kong_ai_llm_cost_total{{{labels()}}} {value[2] / 1e6:.6f}")
            rows["requests"].append(f"kong_ai_llm_requests_total{{{labels()}}} {value[3]}")
        lines = ["# TYPE kong_ai_llm_tokens_total counter"]
        lines += rows["tokens"] + rows["cost"] + rows["requests"]
        lines += (
            f'kong_http_requests_total{{service="s",route="r{i}",code="200"}} {i}'
            for i in range(self.plain)
        )
        return ("\n".join(lines) + "\n").encode()

    def others(self, version: int) -> bytes:
        lines = ["# TYPE kong_ai_llm_provider_latency_ms histogram"]
        for i in range(self.noise):
            p, m, w, c = self.combos[i // 50 % len(self.combos)]
            labels = LABELS.format(p=p, m=m, w=w, c=c, extra="")
            lines.append(
                f'kong_ai_llm_provider_latency_ms_bucket{{{labels},le="{i}"}} {i + version}'
            )
        return ("\n".join(lines) + "\n").encode()


SERVER = """
import http.server, json, pathlib, sys
folder = pathlib.Path(sys.argv[1])
wanted = [p.read_bytes() for p in sorted(folder.glob("wanted.*"))]
others = [p.read_bytes() for p in sorted(folder.glob("others.*"))]
counts = {}
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        if self.path == "/counts":
            body, zipped = json.dumps(counts).encode(), False
        else:
            count = counts[self.path] = counts.get(self.path, -1) + 1
            body, zipped = wanted[min(count, len(wanted) - 1)] + others[count % 2], True
            assert "gzip" in self.headers.get("Accept-Encoding", "")
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        if zipped:
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
"""


@contextmanager
def server(folder: Path) -> Iterator[str]:
    """Serves the pages, the next one at each request of a path; its URL."""
    child = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(folder)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(child.stdout.readline())}"
    finally:
        child.terminate()
        child.wait()
        child.stdout.close()


def served(url: str, path: str) -> int:
    """How many pages this path has answered."""
    counts = json.load(urllib.request.urlopen(f"{url}/counts", timeout=60))
    return int(counts.get(path, -1)) + 1


def source(url: str = "http://127.0.0.1:1/metrics") -> MetricsSource:
    config = SourceConfig(
        "b", "metrics", "gw", preset="kong", url=url, cost=CostPolicy.COMPUTED, timeout=60.0
    )
    made = MetricsSource(config, load("kong"))
    made.restore({})
    return made


def commit(made: MetricsSource, zipped: bytes, now: float) -> tuple[Batch, float]:
    """What `poll` does after the fetch, in this thread; the batch and its CPU seconds."""
    chunks = [zipped[i : i + CHUNK] for i in range(0, len(zipped), CHUNK)]
    fetched = Fetched(chunks, "text/plain", gzipped=True, length_known=True)
    begin = time.process_time()
    digest = made._digest(fetched, now)
    made._commit(digest)
    return digest.batch, time.process_time() - begin


def parse_only(pages: list[bytes], grown: list[int], rounds: int) -> dict[str, float]:
    times: dict[str, list[float]] = {"first": [], "steady": [], "unchanged": []}
    for _ in range(rounds):
        made = source()
        times["first"].append(commit(made, pages[0], 1000.0)[1])
        for number in range(1, len(pages)):
            batch, seconds = commit(made, pages[number], 1000.0 + 15 * number)
            times["steady"].append(seconds)
            seen = sum(record.input + record.output for record in batch.records)
            assert seen == grown[number] - grown[number - 1], (seen, grown)
            assert not batch.skipped_count
        times["unchanged"].append(commit(made, pages[-1], 2000.0)[1])
        times["unchanged"].append(commit(made, pages[-1], 2015.0)[1])
    return {f"{name}_ms": statistics.median(seen) * 1000 for name, seen in times.items()} | {
        "steady_best_ms": min(times["steady"]) * 1000
    }


async def over_http(url: str, polls: int) -> dict[str, float]:
    """Whole polls: fetch, unpack, parse, batch; with the lateness of the event loop beside."""
    made = source(url)
    late = Lateness()
    ticker = asyncio.create_task(late.run())
    await asyncio.sleep(0.2)
    walls: list[float] = []
    worst: list[float] = []
    for number in range(polls):
        late.seen.clear()
        begin = time.perf_counter()
        async for _ in made.poll(1000.0 + 15 * number):
            pass
        walls.append(time.perf_counter() - begin)
        await asyncio.sleep(0.005)
        worst.append(max(late.seen))
    ticker.cancel()
    await made.close()
    return {
        "first_wall_ms": walls[0] * 1000,
        "steady_wall_ms": statistics.median(walls[1:]) * 1000,
        "first_loop_late_ms": worst[0] * 1000,
        "steady_loop_late_ms": statistics.median(worst[1:]) * 1000,
        "worst_loop_late_ms": max(worst[1:]) * 1000,
    }


def client_parser(page: bytes) -> float:
    from prometheus_client.parser import text_string_to_metric_families

    text = page.decode()
    begin = time.process_time()
    count = sum(len(family.samples) for family in text_string_to_metric_families(text))
    assert count > 1000
    return (time.process_time() - begin) * 1000


def measure(url: str, path: str, pid: int, scrapes: int) -> dict[str, float]:
    """CPU for each of `scrapes` scrapes, after the first few; memory at the end."""
    wait_for(url, path, WARM)
    before, begin = served(url, path), usage(pid)
    wait_for(url, path, before + scrapes)
    end: Usage = usage(pid)
    count = served(url, path) - before
    return {
        "scrapes": count,
        "cpu_ms_per_scrape": (end.cpu - begin.cpu) / count * 1000,
        "rss_mb": end.rss_mb,
        "peak_mb": end.peak_mb,
    }


def wait_for(url: str, path: str, count: int) -> None:
    deadline = time.monotonic() + 600
    while served(url, path) < count:
        if time.monotonic() > deadline:
            raise RuntimeError(f"{path} was not scraped {count} times")
        time.sleep(0.1)


def our_process(url: str, interval: float, scrapes: int, truth: Generator) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source_ = (
            f"{{name: page, type: metrics, preset: kong, gateway: gw, url: '{url}/ours', "
            f"interval: {interval:g}s, timeout: 60s}}"
        )
        with collector(folder, f"sources:\n  - {source_}\n") as pid:
            result = measure(url, "/ours", pid, scrapes)
            # Pages are at their end now, so that all their growth can be in the store.
            deadline = time.monotonic() + 120
            expected = (truth.tokens, truth.micros * 1000)
            while (found := stored(folder)) != expected:
                assert time.monotonic() < deadline, (found, expected)
                time.sleep(0.2)
    return result


def stored(folder: Path) -> tuple[object, ...]:
    return query(folder, "SELECT sum(input) + sum(output), sum(effective) FROM minute")[0]


def the_real_one(url: str, interval: float, scrapes: int, series: int) -> dict[str, float]:
    target = url.removeprefix("http://")
    config = (
        f"global: {{scrape_interval: {interval:g}s, scrape_timeout: {interval:g}s}}\n"
        "scrape_configs: [{job_name: page, metrics_path: /prometheus, "
        f"static_configs: [{{targets: ['{target}']}}]}}]\n"
    )
    with tempfile.TemporaryDirectory() as name, prometheus(Path(name), config) as peer:
        result = measure(url, "/prometheus", peer.pid, scrapes)
        assert peer.ask("min_over_time(up[1h])") == [1.0], "a scrape of Prometheus failed"
        assert peer.ask("scrape_samples_scraped") == [float(series)]
        result["scrape_s"] = peer.ask("scrape_duration_seconds")[0]
    return result


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--series", type=int, default=100_000)
    parser.add_argument("--wanted", type=int, default=6_831)
    parser.add_argument("--interval", type=float, default=2.0, help="seconds")
    parser.add_argument("--scrapes", type=int, default=10, help="measured, of each program")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-prometheus", action="store_true")
    args = parser.parse_args()

    tune()  # as `costtui collect` does
    generator = Generator(args.series, args.wanted)
    others = [generator.others(version) for version in (0, 1)]
    wanted, grown = [], []
    for number in range(WARM + args.scrapes + 2):
        wanted.append(generator.wanted(grow=number > 0))
        grown.append(generator.tokens)
    pages = [
        gzip.compress(w) + gzip.compress(o) for w, o in zip(wanted[:4], others * 2, strict=True)
    ]
    result: dict[str, Any] = {
        "series": args.series,
        "wanted": args.wanted,
        "page_mb": (len(wanted[0]) + len(others[0])) / 1e6,
        "page_gz_mb": len(pages[0]) / 1e6,
        "cpus": os.cpu_count(),
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number, lines in enumerate(wanted):
            (folder / f"wanted.{number:03d}").write_bytes(gzip.compress(lines))
        for number, lines in enumerate(others):
            (folder / f"others.{number}").write_bytes(gzip.compress(lines))
        with server(folder) as url:
            with Control() as control:
                result["http"] = asyncio.run(over_http(f"{url}/here", 8))
            result["http"]["idle_process_late_ms"] = control.worst * 1000
            result["parse_cpu"] = parse_only(pages, grown, args.rounds)
            result["costtui"] = our_process(url, args.interval, args.scrapes, generator)
            if have_prometheus() and not args.no_prometheus:
                result["prometheus"] = the_real_one(url, args.interval, args.scrapes, args.series)
                for key in ("cpu_ms_per_scrape", "peak_mb"):
                    ratio = result["costtui"][key] / result["prometheus"][key]
                    result[f"{key}_ratio"] = ratio
    if args.series <= 100_000:
        result["prometheus_client_ms"] = client_parser(wanted[0] + others[0])
    if args.json:
        print(json.dumps(result, indent=2))
    else:
        show(result)
    return 0


def show(result: dict[str, Any], indent: str = "") -> None:
    for key, value in result.items():
        if isinstance(value, dict):
            print(f"{indent}{key}")
            show(value, indent + "  ")
        else:
            print(f"{indent}{key:<26}{value:>12,.2f}")


if __name__ == "__main__":
    sys.exit(main())

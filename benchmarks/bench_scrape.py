"""Scraping a page of 100,000 series of which 6,831 are wanted.

Compares, on the same pages in the same run, our source (first sight, all wanted lines changed,
nothing changed), prometheus_client's parser on everything, and, where the binary exists, the real
Prometheus scraping the same server (its own process_cpu_seconds_total). Totals are checked against
the generator before any time is believed.

    python benchmarks/bench_scrape.py [--json] [--series N] [--wanted N] [--no-prometheus]
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import os
import random
import re
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from costtui.config.schema import SourceConfig
from costtui.model.charge import CostPolicy
from costtui.sources.base import Batch
from costtui.sources.metrics.http import Fetched
from costtui.sources.metrics.source import MetricsSource
from costtui.sources.presets import load

PAGES = 4
LABELS = (
    'ai_provider="{p}",ai_model="{m}",cache_status="",{extra}workspace="t{w}",consumer="c-{c:05d}"'
)


class Generator:
    """Pages as Kong writes them: mostly latency buckets, some AI counters that always grow."""

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
        self.bucket = 0

    def page(self, *, grow: bool) -> tuple[bytes, int]:
        """A page, and the tokens (without totals) that its growth is worth."""
        lines = ["# TYPE kong_ai_llm_tokens_total counter"]
        grown = 0
        rows: dict[str, list[str]] = {"tokens": [], "cost": [], "requests": []}
        for (p, m, w, c), value in zip(self.combos, self.values, strict=True):
            if grow:
                added = (self.random.randint(1, 900), self.random.randint(1, 300))
                value[0] += added[0]
                value[1] += added[1]
                value[2] += added[0] * 3 + added[1] * 15
                value[3] += 1
                grown += sum(added)

            def labels(kind: str = "", at: tuple[str, str, int, int] = (p, m, w, c)) -> str:
                extra = f'token_type="{kind}",' if kind else ""
                return LABELS.format(p=at[0], m=at[1], w=at[2], c=at[3], extra=extra)

            rows["tokens"] += (
                f"kong_ai_llm_tokens_total{{{labels('prompt_tokens')}}} {value[0]}",
                f"kong_ai_llm_tokens_total{{{labels('completion_tokens')}}} {value[1]}",
            )
            rows["cost"].append(f"kong_ai_llm_cost_total{{{labels()}}} {value[2] / 1e6:.6f}")
            rows["requests"].append(f"kong_ai_llm_requests_total{{{labels()}}} {value[3]}")
        lines += rows["tokens"] + rows["cost"] + rows["requests"]
        for i in range(self.plain):
            lines.append(f'kong_http_requests_total{{service="s",route="r{i}",code="200"}} {i}')
        lines.append("# TYPE kong_ai_llm_provider_latency_ms histogram")
        if grow:
            self.bucket += 1
        for i in range(self.noise):
            p, m, w, c = self.combos[i // 50 % len(self.combos)]
            labels_ = LABELS.format(p=p, m=m, w=w, c=c, extra="")
            lines.append(
                f'kong_ai_llm_provider_latency_ms_bucket{{{labels_},le="{i}"}} {i + self.bucket}'
            )
        return ("\n".join(lines) + "\n").encode(), grown


SERVER = """
import gzip, http.server, pathlib, sys
folder = pathlib.Path(sys.argv[1])
plain = [p.read_bytes() for p in sorted(folder.glob("*.prom"))]
packed = [gzip.compress(p, 6) for p in plain]
count = 0
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        global count
        zipped = "gzip" in self.headers.get("Accept-Encoding", "")
        body = (packed if zipped else plain)[min(count, len(plain) - 1) if "once" in self.path
            else count % len(plain)]
        count += 1
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


def median_ms(run: Callable[[], Any], times: int) -> float:
    taken = []
    for _ in range(times):
        begin = time.perf_counter()
        run()
        taken.append(time.perf_counter() - begin)
    return statistics.median(taken) * 1000


def source(url: str = "http://127.0.0.1:1/metrics") -> MetricsSource:
    config = SourceConfig(
        "b", "metrics", "gw", preset="kong", url=url, cost=CostPolicy.COMPUTED, timeout=30.0
    )
    made = MetricsSource(config, load("kong"))
    made.restore({})
    return made


def commit(made: MetricsSource, body: bytes, now: float) -> Batch:
    """What `poll` does after the fetch, in this thread."""
    digest = made._digest(Fetched([body], "text/plain", length_known=True), now)
    made._reader.commit(digest.page)
    made._counters.commit(digest.advance)
    made._joiner.commit(digest.joined)
    return digest.batch


def check(pages: list[bytes], grown: list[int]) -> None:
    made = source()
    commit(made, pages[0], 1000.0)
    for number in range(1, len(pages)):
        batch = commit(made, pages[number], 1000.0 + 15 * number)
        seen = sum(record.input + record.output for record in batch.records)
        assert seen == grown[number], (seen, grown[number])
        assert not batch.skipped_count


def parse_only(pages: list[bytes]) -> dict[str, float]:
    first = median_ms(lambda: commit(source(), pages[0], 1000.0), 3)
    made = source()
    steady_ms = []
    for _ in range(7):
        made.restore({})
        commit(made, pages[0], 1000.0)
        begin = time.perf_counter()
        commit(made, pages[1], 1015.0)
        steady_ms.append((time.perf_counter() - begin) * 1000)
    unchanged = median_ms(lambda: commit(made, pages[1], 1030.0), 7)
    return {
        "first_ms": first,
        "steady_ms": statistics.median(steady_ms),
        "unchanged_ms": unchanged,
    }


async def over_http(url: str, pages: int) -> dict[str, float]:
    """Whole polls: fetch, unpack, parse, batch; with the lateness of the event loop beside."""
    made = source(url)
    late: list[float] = []

    async def tick() -> None:
        while True:
            begin = time.perf_counter()
            await asyncio.sleep(0.001)
            late.append(time.perf_counter() - begin - 0.001)

    ticker = asyncio.create_task(tick())
    await asyncio.sleep(0.5)
    idle = max(late)
    walls: list[float] = []
    cpus: list[float] = []
    lates: list[float] = []
    for number in range(pages + 3):
        late.clear()
        wall, cpu = time.perf_counter(), time.process_time()
        async for _ in made.poll(1000.0 + 15 * number):
            pass
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
        await asyncio.sleep(0.005)
        lates.append(max(late))
    ticker.cancel()
    await made.close()
    steady = slice(1, pages)
    return {
        "first_wall_ms": walls[0] * 1000,
        "steady_wall_ms": statistics.median(walls[steady]) * 1000,
        "first_cpu_ms": cpus[0] * 1000,
        "steady_cpu_ms": statistics.median(cpus[steady]) * 1000,
        "unchanged_wall_ms": statistics.median(walls[pages:]) * 1000,
        "unchanged_cpu_ms": statistics.median(cpus[pages:]) * 1000,
        "idle_loop_late_ms": idle * 1000,
        "first_loop_late_ms": lates[0] * 1000,
        "steady_loop_late_ms": statistics.median(lates[1:]) * 1000,
        "worst_loop_late_ms": max(lates[1:]) * 1000,
    }


def client_parser(page: bytes) -> float:
    from prometheus_client.parser import text_string_to_metric_families

    text = page.decode()
    begin = time.perf_counter()
    count = sum(len(family.samples) for family in text_string_to_metric_families(text))
    assert count > 1000
    return (time.perf_counter() - begin) * 1000


def prometheus(port: int, seconds: float) -> dict[str, float]:
    """CPU per scrape of the real one, by its own account."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        listen = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        target = f"static_configs: [{{targets: ['127.0.0.1:{port}']}}]"
        Path(folder, "p.yml").write_text(
            "global: {scrape_interval: 2s, scrape_timeout: 2s}\n"
            f"scrape_configs: [{{job_name: page, metrics_path: /metrics, {target}}}]\n"
        )
        process = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={folder}/p.yml",
                f"--storage.tsdb.path={folder}/data",
                f"--web.listen-address=127.0.0.1:{listen}",
            ],
            stderr=subprocess.DEVNULL,
        )
        try:
            time.sleep(8)  # the first scrapes create series; they are not what is compared
            begin = own(listen)
            time.sleep(seconds)
            end = own(listen)
        finally:
            process.terminate()
            process.wait()
    scrapes = end["scrapes"] - begin["scrapes"]
    return {
        "cpu_ms_per_scrape": (end["cpu"] - begin["cpu"]) / max(scrapes, 1) * 1000,
        "scrapes": scrapes,
        "rss_mb": end["rss"] / 1e6,
    }


def own(listen: int) -> dict[str, float]:
    text = urllib.request.urlopen(f"http://127.0.0.1:{listen}/metrics").read().decode()

    def value(name: str) -> float:
        found = re.search(rf"^{re.escape(name)}(?:\{{[^}}]*\}})? (\S+)$", text, re.M)
        return float(found[1]) if found else 0.0

    return {
        "cpu": value("process_cpu_seconds_total"),
        "rss": value("process_resident_memory_bytes"),
        "scrapes": value("prometheus_target_interval_length_seconds_count"),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--series", type=int, default=100_000)
    parser.add_argument("--wanted", type=int, default=6_831)
    parser.add_argument("--no-prometheus", action="store_true")
    parser.add_argument("--seconds", type=float, default=20.0)
    args = parser.parse_args()

    generator = Generator(args.series, args.wanted)
    made = [generator.page(grow=number > 0) for number in range(PAGES)]
    pages = [page for page, _ in made]
    check(pages, [grown for _, grown in made])
    result: dict[str, Any] = {
        "series": args.series,
        "wanted": args.wanted,
        "page_mb": round(len(pages[0]) / 1e6, 1),
        "page_gz_mb": round(len(gzip.compress(pages[0], 6)) / 1e6, 2),
        "parse": parse_only(pages),
    }
    with tempfile.TemporaryDirectory() as folder:
        for number, page in enumerate(pages):
            Path(folder, f"{number}.prom").write_bytes(page)
        server = subprocess.Popen(
            [sys.executable, "-c", SERVER, folder], stdout=subprocess.PIPE, text=True
        )
        assert server.stdout is not None
        try:
            port = int(server.stdout.readline())
            url = f"http://127.0.0.1:{port}/once"
            result["http"] = asyncio.run(over_http(url, PAGES))
            result["rss_mb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)
            if shutil.which("prometheus") and not args.no_prometheus:
                result["prometheus"] = prometheus(port, args.seconds)
        finally:
            server.terminate()
            server.wait()
            server.stdout.close()
    result["prometheus_client_ms"] = client_parser(pages[0])
    result["cpus"] = os.cpu_count()
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
            print(f"{indent}{key:<24}{value:>12,.1f}")


if __name__ == "__main__":
    sys.exit(main())

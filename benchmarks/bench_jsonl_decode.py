"""How fast LLM-proxy lines become records, against peers that do less, in the same run.

`python benchmarks/bench_jsonl_decode.py --records 300000 --json`

The peers are a plain msgspec decode of the same fields, and a script as one writes it in an hour:
`json.loads`, a dictionary a line, `datetime.fromisoformat`, sums by provider, model, user and
hour. Totals are compared before any time is believed.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import platform
import random
import resource
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import msgspec

from costtui.config.schema import SourceConfig
from costtui.sources.jsonl.decode import ProxyDecoder, ProxyLine
from costtui.sources.jsonl.source import JsonlSource

MODELS = (
    ("openai", "gpt-4o", "/v1/chat/completions"),
    ("openai", "gpt-4o-mini-2024-07-18", "/v1/chat/completions"),
    ("anthropic", "claude-sonnet-4-5", "/v1/messages"),
    ("anthropic", "claude-haiku-4-5", "/v1/messages"),
    ("gemini", "gemini-2.5-flash", "/v1beta/models/gemini-2.5-flash:generateContent"),
    ("openai", "text-embedding-3-small", "/v1/embeddings"),
)
Sums = tuple[int, int, int, int]
"""(records, input tokens, output tokens, nano-USD)"""


def make_log(records: int, seed: int, end: float) -> bytes:
    """A realistic log: nearly in order, several days, fields omitted as the proxy omits them."""
    rng = random.Random(seed)
    start = datetime.fromtimestamp(end, UTC) - timedelta(days=3)
    zone = timezone(timedelta(hours=2))
    out: list[bytes] = []
    for number in range(records):
        moment = start + timedelta(seconds=number * 3 * 86400 / records + rng.random() * 20)
        local = moment.astimezone(zone).strftime("%Y-%m-%dT%H:%M:%S")
        digits = f"{rng.randrange(10**9):09d}".rstrip("0")
        provider, model, endpoint = rng.choice(MODELS)
        tokens, answer = rng.randrange(20, 9000), rng.randrange(1, 1500)
        paid, earned = tokens * 2.5e-6, answer * 1e-5
        fields: dict[str, object] = {
            "timestamp": f"{local}.{digits}+02:00" if digits else f"{local}+02:00",
            "request_id": f"req_{rng.getrandbits(96):024x}",
            "user_id": f"user-{int(rng.paretovariate(1.2)) % 500}",
            "ip_address": f"10.{rng.randrange(4)}.{rng.randrange(16)}.{rng.randrange(250)}",
            "provider": provider,
            "model": model,
            "endpoint": endpoint,
            "is_streaming": rng.random() < 0.6,
            "input_tokens": tokens,
            "output_tokens": answer,
            "total_tokens": tokens + answer,
            "input_cost": round(paid + 0.00005, 4),
            "output_cost": round(earned + 0.00005, 4),
            "total_cost": round(paid + earned + 0.00005, 4),
            "is_estimate": rng.random() < 0.05,
            "finish_reason": "stop",
            "matched_model": model,
        }
        if rng.random() < 0.1:
            del fields["user_id"]
        out.append(json.dumps(fields, separators=(",", ":")).encode())
    return b"\n".join(out) + b"\n"


def simple_script(path: Path) -> Sums:
    """The analysis script a person writes; it stores nothing and rounds as floats do."""
    cost: defaultdict[tuple[str, str, str, str], float] = defaultdict(float)
    counts: defaultdict[tuple[str, str, str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            entry = json.loads(line)
            when = datetime.fromisoformat(entry["timestamp"]).astimezone(UTC)
            key = (
                entry["provider"],
                entry["model"],
                entry.get("user_id", ""),
                when.strftime("%Y-%m-%d %H"),
            )
            cost[key] += entry["total_cost"]
            bucket = counts[key]
            bucket[0] += 1
            bucket[1] += entry["input_tokens"]
            bucket[2] += entry["output_tokens"]
    rows, inputs, outputs = (sum(b[i] for b in counts.values()) for i in range(3))
    return rows, inputs, outputs, round(sum(cost.values()) * 10**9)


def plain_msgspec(path: Path) -> Sums:
    """Typed decoding alone: no time, no dimensions, no offsets, no exact money."""
    decode = msgspec.json.Decoder(ProxyLine).decode_lines
    rows = inputs = outputs = 0
    for chunk in chunks(path):
        lines = decode(chunk)
        rows += len(lines)
        for line in lines:
            inputs += line.input_tokens
            outputs += line.output_tokens
    return rows, inputs, outputs, 0


def ours(path: Path) -> Sums:
    """Decoding and normalising to `UsageRecord`."""
    decoder = ProxyDecoder("gw")
    base = 0
    rows = inputs = outputs = money = 0
    for chunk in chunks(path):
        decoded = decoder.decode(chunk, base, "log", 0)
        base += len(chunk)
        rows += len(decoded.records)
        for record in decoded.records:
            inputs += record.input
            outputs += record.output
            money += record.reported_nano or 0
    return rows, inputs, outputs, money


def whole_source(path: Path) -> Sums:
    """The source itself: finding files, fingerprints, threads, history, checkpoints."""
    return asyncio.run(_poll_all(path))


async def _poll_all(path: Path) -> Sums:
    config = SourceConfig("bench", "jsonl", "gw", "llm-proxy", paths=(str(path),))
    source = JsonlSource(config)
    rows = inputs = outputs = money = 0
    more = True
    while more:
        async for batch in source.poll(time.time()):
            rows += len(batch.records)
            for record in batch.records:
                inputs += record.input
                outputs += record.output
                money += record.reported_nano or 0
        more = source.has_more
    await source.close()
    return rows, inputs, outputs, money


def chunks(path: Path) -> list[bytes]:
    """The file in pieces of about 2 MB that end with a line."""
    data = path.read_bytes()
    pieces, at = [], 0
    while at < len(data):
        end = data.find(b"\n", min(len(data) - 1, at + 2 * 1024 * 1024)) + 1
        pieces.append(data[at:end])
        at = end
    return pieces


async def _first_live(path: Path) -> tuple[float, int, int]:
    """(seconds until the last day was read, records until then, history records before it)."""
    config = SourceConfig("bench", "jsonl", "gw", "llm-proxy", paths=(str(path),))
    source = JsonlSource(config)
    began = time.perf_counter()
    live = early = 0
    async for batch in source.poll(time.time()):
        if batch.history:
            break
        live += len(batch.records)
    took = time.perf_counter() - began
    await source.close()
    return took, live, early


def timed(work: Callable[[Path], Sums], path: Path, repeats: int) -> tuple[float, float, Sums]:
    """(seconds, CPU seconds, result): the best of each, which other programs disturb least."""
    wall, cpu = [], []
    result: Sums = (0, 0, 0, 0)
    for _ in range(repeats):
        gc.collect()
        began, worked = time.perf_counter(), time.process_time()
        result = work(path)
        wall.append(time.perf_counter() - began)
        cpu.append(time.process_time() - worked)
    return min(wall), min(cpu), result


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=200_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cost.jsonl"
        path.write_bytes(make_log(options.records, options.seed, time.time()))
        size = path.stat().st_size
        runs = {
            "simple script": simple_script,
            "plain msgspec decode": plain_msgspec,
            "decode to UsageRecord": ours,
            "whole source": whole_source,
        }
        results = {name: timed(work, path, options.repeats) for name, work in runs.items()}
        live_s, live_records, _ = asyncio.run(_first_live(path))
    truth = results["simple script"][2]
    for name in ("decode to UsageRecord", "whole source"):
        got = results[name][2]
        if got[:3] != truth[:3] or abs(got[3] - truth[3]) > 1000:
            print(f"{name}: {got} is not {truth}", file=sys.stderr)
            return 1
    rates = {name: options.records / wall for name, (wall, _, _) in results.items()}
    per_cpu = {name: options.records / cpu for name, (_, cpu, _) in results.items()}
    report = {
        "records": options.records,
        "bytes": size,
        "python": platform.python_version(),
        "records_per_s": {name: round(rate) for name, rate in rates.items()},
        "records_per_cpu_s": {name: round(rate) for name, rate in per_cpu.items()},
        "ratio_to_simple_script": {
            name: round(rate / per_cpu["simple script"], 2) for name, rate in per_cpu.items()
        },
        "last_day_s": round(live_s, 3),
        "last_day_records": live_records,
        "max_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }
    if options.json:
        print(json.dumps(report, indent=2))
    else:
        print(f"{options.records} records, {size / 1e6:.0f} MB, Python {report['python']}")
        for name, rate in rates.items():
            ratio = per_cpu[name] / per_cpu["simple script"]
            cpu = f"{per_cpu[name]:10,.0f}/CPU s"
            print(f"{name:24} {rate:10,.0f}/s {cpu} {ratio:6.2f} × the script")
        print(f"last day ({live_records} records) read after {live_s:.2f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())

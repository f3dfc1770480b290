"""Writes an LLM-proxy cost log of any size, seeded, with its truth.

    python benchmarks/gen_llm_proxy_log.py log.jsonl --records 1M --days 30
    python benchmarks/gen_llm_proxy_log.py log.jsonl --bytes 10G --days 30 --truth truth.json

Up to a million records every line is drawn for itself (about 200,000 a second). Above that the
lines are tiles: 20,000 drawn once and used again under new seconds, which runs at the disk's
speed. Time stamps are right either way: they follow the working day, differ in every line and end
at `--end`. Request ids repeat between tiles, so use `--no-tile` where they matter.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from costtui.demo.fleet import PER_SECOND
from costtui.demo.people import PROXY_ROUTES, Route, shown_consumer
from costtui.demo.proxylines import UNIT, LineMaker, Stamp
from costtui.demo.rhythm import Rhythm
from costtui.demo.traffic import draw
from costtui.demo.truth import Amounts, Cell, Truth

GATEWAY = "llm-proxy"
TILE = 20_000
TILE_ABOVE = 1_000_000
HOUR = 3600
_ROUTES: dict[tuple[str, str], Route] = {(r.provider, r.model): r for r in PROXY_ROUTES}
_STAMP = len('{"timestamp":"2026-11-22T10:43:05')


@dataclass(frozen=True, slots=True)
class Generated:
    """What was written."""

    records: int
    bytes: int
    start: int
    end: int
    truth: Truth


def generate(
    path: Path,
    *,
    records: int = 0,
    size: int = 0,
    days: float = 30.0,
    end: int | None = None,
    seed: int = 1,
    tile: bool | None = None,
) -> Generated:
    """Write `records` lines (or about `size` bytes, to one part in a thousand) to `path`.

    The time stamps fill `[end - days, end)`; `end` (epoch seconds) is now by default.
    """
    if (records > 0) == (size > 0):
        raise ValueError("give records or size")
    until = int(time.time()) if end is None else end
    start = until - max(1, int(days * 86_400))
    block = _tile(seed) if size or tile or records > TILE_ABOVE else []
    if size:
        records = max(1, size * len(block) // len("".join(block).encode()))
        # Lines that are not tiles say `+01:00` where these say `Z`.
        if tile is False or (tile is None and records <= TILE_ABOVE):
            records = max(1, records * size // (size + 5 * records))
    tiled = records > TILE_ABOVE if tile is None else tile
    rhythm = Rhythm(seed, GATEWAY, PER_SECOND[GATEWAY], [r.weight for r in PROXY_ROUTES], until)
    counts = _per_hour(rhythm, records, start, until)
    with path.open("wb") as file:
        if tiled:
            truth = _truth_of(block, records)
            for text in _tiled(block, counts):
                file.write(text.encode())
        else:
            maker = LineMaker(PROXY_ROUTES, seed, GATEWAY)
            for text in _drawn(maker, random.Random(f"{seed}/drawn"), counts):
                file.write(text.encode())
            truth = maker.truth()
        written = file.tell()
    return Generated(records, written, start, until, truth)


def _per_hour(rhythm: Rhythm, records: int, start: int, end: int) -> list[tuple[int, int, int]]:
    """(start, seconds, records) of each hour, adding up to `records` exactly."""
    pieces = [(at, min(HOUR, end - at)) for at in range(start, end, HOUR)]
    weights = [sum(rhythm.at(at + long / 2).routes) * long for at, long in pieces]
    whole, before, done = sum(weights), 0.0, 0
    out = []
    for (at, long), weight in zip(pieces, weights, strict=True):
        before += weight
        until = records if at + long == end else round(records * before / whole)
        out.append((at, long, until - done))
        done = until
    return out


def _drawn(
    maker: LineMaker, rng: random.Random, counts: list[tuple[int, int, int]]
) -> Iterator[str]:
    weights = [route.weight for route in PROXY_ROUTES]
    for start, seconds, count in counts:
        chosen = rng.choices(range(len(weights)), weights, k=count)
        keyed: list[tuple[int, str]] = []
        for route in range(len(weights)):
            keyed += draw(maker, rng, route, chosen.count(route), start, seconds)
        keyed.sort()
        yield "".join([line for _, line in keyed])


def _tile(seed: int) -> list[str]:
    """`TILE` lines of one second, in random order."""
    rng = random.Random(f"{seed}/tile")
    maker = LineMaker(PROXY_ROUTES, seed, GATEWAY, zone="utc")
    lines = "".join(_drawn(maker, rng, [(0, 1, TILE)])).splitlines(keepends=True)
    rng.shuffle(lines)
    return lines


def _tiled(block: list[str], counts: list[tuple[int, int, int]]) -> Iterator[str]:
    """Text of one hour at a time. What follows the second in a line, fraction included, is the
    tile; all lines of a second are one `join`, so the cost is per second and not per line."""
    rests = [line[_STAMP:] for line in block]
    stamp = Stamp("utc")
    at = 0
    for start, seconds, count in counts:
        pieces: list[str] = []
        done = 0
        for second in range(seconds):
            wanted = count * (second + 1) // seconds - done
            if not wanted:
                continue
            done += wanted
            prefix, _ = stamp.prefix(start + second)
            while wanted:
                taken = rests[at : at + wanted]
                pieces += (prefix, prefix.join(taken))
                at = (at + len(taken)) % len(rests)
                wanted -= len(taken)
        yield "".join(pieces)


def _truth_of(block: list[str], records: int) -> Truth:
    """The truth of `records` lines that repeat `block`, read from the lines themselves."""
    whole, rest = divmod(records, len(block))
    truth, once, part = Truth(), Truth(), Truth()
    _read(once, block)
    _read(part, islice(block, rest))
    for _ in range(whole):
        truth.add(once)
    truth.add(part)
    return truth


def _read(truth: Truth, lines: Iterator[str] | list[str]) -> None:
    for line in lines:
        data = json.loads(line)
        route = _ROUTES[data["provider"], data["model"]]
        used, out = data["input_tokens"], data["output_tokens"]
        units = round(data["total_cost"] * 10_000)
        user = shown_consumer(data["user_id"])
        amounts = Amounts(requests=1, input=used, output=out)
        if route.rates is None:
            amounts.unpriced_requests, amounts.unpriced_tokens = 1, used + out
        elif units:
            amounts.effective_nano = units * UNIT
        else:
            amounts.effective_nano = used * route.rates.input + out * route.rates.output
        if data["is_estimate"]:
            amounts.estimated_requests, amounts.estimated_nano = 1, amounts.effective_nano
        truth.cell(Cell(route.provider, route.model, user, GATEWAY)).add(amounts)


def _number(text: str) -> int:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([kKmMgG]?)", text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number such as 1000, 5M or 10G")
    return int(float(found[1]) * {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}[found[2].lower()])


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("path", type=Path)
    amount = parser.add_mutually_exclusive_group(required=True)
    amount.add_argument("--records", type=_number, default=0)
    amount.add_argument("--bytes", type=_number, default=0, dest="size")
    parser.add_argument("--days", type=float, default=30.0)
    parser.add_argument("--end", type=int, help="epoch seconds (default: now)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tile", action=argparse.BooleanOptionalAction, default=None)
    parser.add_argument("--truth", type=Path, help="write what the log adds up to here")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    begun = time.perf_counter()
    made = generate(
        args.path,
        records=args.records,
        size=args.size,
        days=args.days,
        end=args.end,
        seed=args.seed,
        tile=args.tile,
    )
    seconds = time.perf_counter() - begun
    if args.truth:
        made.truth.write(args.truth)
    told = {
        "records": made.records,
        "bytes": made.bytes,
        "seconds": round(seconds, 3),
        "records_per_second": round(made.records / seconds),
        "effective_nano": made.truth.total.effective_nano,
    }
    if args.json:
        print(json.dumps(told))
    else:
        print("  ".join(f"{key} {value:,}" for key, value in told.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())

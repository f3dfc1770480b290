"""History of agentgateways in the OpenMetrics format that promtool makes blocks of, with its truth.

Every count is an integer kept here, so `truth.json` is exact: tokens by kind, requests and nano-USD
for each gateway. It has what makes real history awkward: restarts (after a last scrape, as a
process that drains does), a gateway that comes in the middle, models that are first used late,
scrapes that failed for hours while traffic went on, and traffic so thin that most series are born
and grow once. `increase()` is at its worst there, and so are most fleets at night.

    python benchmarks/gen_prometheus_history.py OUT_DIR --days 30 --end EPOCH [--interval 120]

writes OUT_DIR/day-*.om, OUT_DIR/truth.json and, with `--blocks DIR`, the blocks. One file a day,
because promtool reads a file again for each block of two hours: 30 days in one file took it 289 s,
day by day 14 s.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

MODELS = {
    # nano-USD a token: input, output, read from a cache
    ("openai", "gpt-4.1"): (2_000, 8_000, 500),
    ("openai", "gpt-4o-mini"): (150, 600, 75),
    ("anthropic", "claude-sonnet-4-5"): (3_000, 15_000, 300),
    ("gcp.gemini", "gemini-2.5-flash"): (300, 2_500, 30),
}
"""As agentgateway 1.4.1: `input` of OpenAI and Gemini holds the cached tokens, Anthropic's not."""

TOKENS = "agentgateway_gen_ai_client_token_usage"
COST = "agentgateway_gen_ai_client_cost_usd_total"
LOOKUPS = "agentgateway_cost_catalog_lookups_total"


@dataclass
class Gateway:
    """One instance and all its lives."""

    instance: str
    names: list[tuple[str, str]]
    since: int = 0
    """First scrape, seconds after the beginning."""
    counters: dict[tuple[str, str], Counter[str]] = field(default_factory=dict)
    truth: Counter[str] = field(default_factory=Counter)

    def use(self, rng: random.Random, model: tuple[str, str]) -> None:
        """One request."""
        rates = MODELS[model]
        fresh, made = rng.randint(20, 4_000), rng.randint(5, 900)
        read = rng.choice((0, 0, rng.randint(1, 3_000)))
        nano = fresh * rates[0] + made * rates[1] + read * rates[2]
        counter = self.counters.setdefault(model, Counter())
        shown = fresh if model[0] == "anthropic" else fresh + read
        counter.update(input=shown, output=made, requests=1, nano=nano)
        if read:
            counter.update(input_cache_read=read)
        self.truth.update(input=fresh, output=made, cache_read=read, requests=1, nano=nano)

    def samples(self) -> dict[str, str]:
        """`name{labels}` → value, as on its page."""
        shown: dict[str, str] = {}
        place = (
            f'gateway="ai/gw",listener="http",route="ai/chat",instance="{self.instance}",job="agw"'
        )
        for (provider, model), counter in self.counters.items():
            labels = (
                f'gen_ai_operation_name="chat",gen_ai_system="{provider}",'
                f'gen_ai_request_model="{model}",gen_ai_response_model="{model}",{place}'
            )
            for kind in ("input", "output", "input_cache_read"):
                if kind in counter:
                    typed = f'gen_ai_token_type="{kind}",{labels}'
                    shown[f"{TOKENS}_sum{{{typed}}}"] = f"{counter[kind]}.0"
            typed = f'gen_ai_token_type="input",{labels}'
            shown[f"{TOKENS}_count{{{typed}}}"] = str(counter["requests"])
            shown[f"{COST}{{{labels}}}"] = repr(counter["nano"] / 1_000_000_000)
            shown[f'{LOOKUPS}{{status="Exact",{labels}}}'] = str(counter["requests"])
        shown[f'agentgateway_build_info{{tag="1.4.1",{place}}}'] = "1"
        return shown


class Days:
    """Sample lines by UTC day and series."""

    def __init__(self) -> None:
        self.days: dict[int, dict[str, list[str]]] = {}
        self.samples = 0

    def add(self, series: str, value: str, at: int) -> None:
        day = self.days.setdefault(at // 86_400, {})
        day.setdefault(series, []).append(f"{series} {value} {at}")
        self.samples += 1

    def scrape(self, gateway: Gateway, at: int, *, good: bool) -> None:
        self.add(f'up{{instance="{gateway.instance}",job="agw"}}', str(int(good)), at)
        if good:
            for series, value in gateway.samples().items():
                self.add(series, value, at)

    def write(self, folder: Path) -> list[Path]:
        """OpenMetrics: the samples of a family stand together, each series in time order."""
        files = []
        for day, lines in sorted(self.days.items()):
            files.append(folder / f"day-{day}.om")
            with files[-1].open("w", encoding="utf-8") as out:
                for series in sorted(lines):
                    out.write("\n".join(lines[series]) + "\n")
                out.write("# EOF\n")
        return files


def generate(
    days: int, end: int, interval: int, seed: int
) -> tuple[Days, dict[str, dict[str, int]]]:
    """The samples, and the truth by instance."""
    rng = random.Random(seed)
    length = days * 86_400
    begin = end - length
    names = list(MODELS)
    gateways = [
        Gateway("eu.example:15020", names[:3]),
        Gateway("us.example:15020", names[1:]),
        Gateway("ap.example:15020", names[:2], since=length // 3 // interval * interval),
    ]
    out = Days()
    down_until = dict.fromkeys((g.instance for g in gateways), 0)
    for at in range(0, length, interval):
        night = 0.15 if at % 86_400 < 30_000 else 1.0
        late = at > length // 2
        for number, gateway in enumerate(gateways):
            if at < gateway.since:
                continue
            good = at >= down_until[gateway.instance]
            if at > gateway.since:
                for place, model in enumerate(gateway.names):
                    # The last model of each is first used in the second half.
                    rare = place == len(gateway.names) - 1
                    chance = (0.02 if rare and late else 0.0 if rare else 0.5) * night
                    while rng.random() < chance:
                        gateway.use(rng, model)
            out.scrape(gateway, begin + at + number * 7, good=good)
            if not good:
                continue
            if rng.random() < interval / (3 * 86_400):
                gateway.counters.clear()
            elif rng.random() < interval / (5 * 86_400):
                down_until[gateway.instance] = at + rng.randint(1, 3) * 3600
    # The last scrape of each is good: what came after it nobody can know.
    for number, gateway in enumerate(gateways):
        out.scrape(gateway, end + number * 7, good=True)
    return out, {g.instance: dict(g.truth) for g in gateways}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--end", type=int, required=True)
    parser.add_argument("--interval", type=int, default=120)
    parser.add_argument("--seed", type=int, default=20261126)
    parser.add_argument("--blocks", type=Path, help="make blocks there with promtool")
    args = parser.parse_args()
    samples, truth = generate(args.days, args.end, args.interval, args.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    files = samples.write(args.out)
    (args.out / "truth.json").write_text(
        json.dumps({"samples": samples.samples, "gateways": truth})
    )
    if args.blocks is not None:
        for file in files:
            command = ("promtool", "tsdb", "create-blocks-from", "openmetrics", "-q")
            subprocess.run([*command, str(file), str(args.blocks)], check=True)


if __name__ == "__main__":
    main()

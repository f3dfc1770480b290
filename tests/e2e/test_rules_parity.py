"""The exported rules in Prometheus's own engine fire when costtui fires: at each of the 6,000
evaluations of a day, every alert with all of its labels.

Both read the same page of a gateway, every 15 seconds: costtui with its real source, store and
alerting under a clock of the test's, Prometheus with the rule manager that `promtool test rules`
runs under a clock of its own. The day has bursts, a counter reset, a scrape that fails for five
minutes, models that are new, throttling, a budget that is spent step by step, and midnight.

Where the two may differ is in docs/decisions/058-rules-in-prometheus.md; nothing is spent while the
target is down, because costtui spreads that over the outage and the rules count it at its end.
"""

from __future__ import annotations

import asyncio
import os
import random
import re
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC
from decimal import Decimal
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from costtui.alerts.promrules.export import exported
from costtui.config.load import load
from costtui.config.schema import Config, SourceConfig
from costtui.engine.alerting import Alerting
from costtui.engine.collector import Collector
from costtui.model.alert import AlertStatus
from costtui.sources import factory
from costtui.sources.base import Source
from costtui.store.writer import Store

STEP, HOUR = 15, 3600
MIDNIGHT = 20_783 * 86_400
"""2026-11-26; promtool's clock begins at midnight, too, of 1970."""
END = 24 * HOUR + 1200
SAMPLES = END // STEP + 1
EXPECTED = {
    "flapping": 17, "budget today": 17, "quiet": 9, "daily rate": 2, "throttled": 2, "dear": 1,
}  # fmt: skip
"""How often each alert begins to fire, whatever its labels: the day is not an empty one."""

CONFIG = """
store: {path: STORE}
timezone: UTC
alert_interval: 15s
sources:
  - name: kong
    type: metrics
    preset: kong
    gateway: kong
    url: "http://127.0.0.1:1/metrics"
    interval: 2m  # how long until a source that was not read counts as one that is down
alerts:
  - preset: usual
  - {name: spike, cost_over: 100, window: 1h}  # for one that has weeks to be compared with
  - {name: dear, cost_over: 5, window: 1h, by: [provider], for: 10m, keep_firing_for: 20m}
  - {name: flapping, requests_over: 60, window: 2m, by: [model], no_data: ok}
  - {name: quiet, silent_for: 30m, window: 4h, by: [model]}
budgets:
  - {name: today, limit: 40, period: day, forecast: false, burn_over: 2.5}
"""

Page = dict[tuple[str, tuple[tuple[str, str], ...]], Decimal]


class Gateway:
    """A Kong with a bad day. `pages[k]` is what it shows at 15 k seconds, None where it does not
    answer."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)
        self._shown: Page = {}
        self.pages: list[Page | None] = []
        for k in range(SAMPLES):
            at = k * STEP
            if at == 11 * HOUR:  # the process starts again, with an empty page
                self._shown = {}
            down = 20 * HOUR < at <= 20 * HOUR + 300
            if not down and k:
                self._use(at)
            self.pages.append(None if down else dict(self._shown))

    def _add(self, metric: str, amount: Decimal | float, **labels: str) -> None:
        key = metric, tuple(labels.items())
        self._shown[key] = self._shown.get(key, Decimal(0)) + Decimal(amount)

    def _use(self, at: int) -> None:
        hour, rng = at / HOUR, self._rng
        for provider, model, begins, ends in (
            ("openai", "gpt-4o", 0, 25),
            ("anthropic", "claude-sonnet-4-5", 2, 16),
            ("openai", "o3", 9.0166, 9.1),  # new, once, and never again
        ):
            often = 0.01 if 3 < hour < 5 or 18 < hour < 23 else 0.08
            burst = model == "gpt-4o" and 6 <= hour < 8 and at % 420 < 60
            if not begins <= hour < ends or not (burst or rng.random() < often):
                continue
            calls = rng.randint(20, 60) if burst else rng.randint(1, 4)
            dear = 4 if 12.5 < hour < 14 else 1
            cost = sum(Decimal(rng.randint(800, 14_000)) for _ in range(calls)) * dear / 10**6
            labels = {"ai_provider": provider, "ai_model": model, "cache_status": ""}
            kinds = {"prompt_tokens": rng.randint(100, 900) * calls, "completion_tokens": 70}
            kinds["total_tokens"] = sum(kinds.values())
            for kind, tokens in kinds.items():
                self._add("kong_ai_llm_tokens_total", tokens, **labels, token_type=kind)
            self._add("kong_ai_llm_cost_total", cost, **labels)
            self._add("kong_ai_llm_requests_total", calls, **labels)
            bad = "429" if 15 < hour < 15.6 else "503" if 16.2 < hour < 16.6 else "200"
            for code in {bad, "200"}:
                self._add("kong_http_requests_total", calls, service="ai", code=code)

    def text(self, k: int) -> str | None:
        page = self.pages[k]
        if page is None:
            return None
        names = dict.fromkeys(metric for metric, _ in page)
        lines = []
        for name in names:
            lines.append(f"# TYPE {name} counter")
            for (metric, labels), value in page.items():
                if metric == name:
                    inside = ",".join(f'{k}="{v}"' for k, v in labels)
                    lines.append(f"{metric}{{{inside}}} {value}")
        return "\n".join(lines) + "\n"


class Clock:
    time = float(MIDNIGHT)

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += seconds


Alert = tuple[str, frozenset[tuple[str, str]]]
Timeline = list[frozenset[Alert]]
"""What fires after each evaluation: names and labels."""


class States:
    """The states of alerts in memory: the real store writes them well, and in ten times the time
    (tests/property/test_alert_restarts.py). Usage is in a real one."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.statuses: tuple[AlertStatus, ...] = ()
        self.at = 0.0

    @property
    def revision(self) -> int:
        return self._store.revision

    async def silences(self) -> tuple[()]:
        return ()

    async def acks(self) -> tuple[()]:
        return ()

    async def alerts(self) -> tuple[AlertStatus, ...]:
        return self.statuses

    async def told(self) -> dict[Any, Any]:
        return {}

    async def causes_due(self) -> frozenset[str]:
        return frozenset()

    async def evaluated_at(self) -> float:
        return self.at

    async def put_alerts(self, after: list[AlertStatus], now: float, **_: Any) -> None:
        self.statuses, self.at = tuple(after), now


async def costtui_fires(config: Config, gateway: Gateway) -> Timeline:
    """Every page that says something new is read, and one in 105 seconds."""
    clock = Clock()

    def serve(request: httpx.Request) -> httpx.Response:
        text = gateway.text(int(clock.time - MIDNIGHT) // STEP)
        if text is None:
            raise httpx.ConnectError("refused", request=request)
        return httpx.Response(200, text=text, headers={"Content-Type": "text/plain"})

    def build(one: SourceConfig) -> Source:
        return factory.build(one, transport=httpx.MockTransport(serve))

    found: Timeline = []
    firing: frozenset[Alert] = frozenset()
    async with Collector(config, clock=clock, build=build, jitter=False) as collector:
        (poller,) = collector.pollers
        states = States(collector.store)
        alerting = Alerting(config, states, clock)  # type: ignore[arg-type]
        for k in range(SAMPLES):
            clock.time = MIDNIGHT + k * STEP
            if k % 7 == 0 or gateway.pages[k] != gateway.pages[k - 1]:
                await poller.poll_once()
            if await alerting.tick():
                firing = frozenset(
                    (a.rule, frozenset({**dict(a.labels), "severity": a.severity}.items()))
                    for a in states.statuses
                    if a.state == "firing"
                )
            found.append(firing)
        alerting.close()
    return found


def tokens_of(values: list[Decimal | None]) -> str:
    """In promtool's notation; a series that goes away is marked stale, as a scrape does it."""
    out, there = [], False
    for value, run in groupby(values):
        count = len(list(run))
        if value is not None:
            out.append(f"{value}x{count - 1}")
        elif there:
            out.append("stale" + (f" _x{count - 1}" if count > 1 else ""))
        else:
            out.append(f"_x{count}")
        there = value is not None
    return " ".join(out)


def input_series(gateway: Gateway) -> Iterator[tuple[str, str]]:
    ups: list[Decimal | None] = [Decimal(page is not None) for page in gateway.pages]
    yield 'up{job="kong",instance="a"}', tokens_of(ups)
    for metric, labels in {key: 1 for page in gateway.pages for key in page or {}}:
        inside = ",".join(f'{k}="{v}"' for k, v in (*labels, ("job", "kong"), ("instance", "a")))
        values = [(page or {}).get((metric, labels)) for page in gateway.pages]
        yield f"{metric}{{{inside}}}", tokens_of(values)


def start_promtool(folder: Path, rules: list[Any], gateway: Gateway) -> tuple[Any, Path]:
    """Expecting nothing to fire, it tells all that does."""
    names = {rule["alert"] for rule in rules if "alert" in rule}
    folder.mkdir()
    document = {"groups": [{"name": "costtui", "interval": f"{STEP}s", "rules": rules}]}
    (folder / "rules.yml").write_text(yaml.safe_dump(document))
    lines = ["rule_files: [rules.yml]", f"evaluation_interval: {STEP}s", "tests:"]
    lines += [f"  - interval: {STEP}s", "    input_series:"]
    for metric, values in input_series(gateway):
        lines += [f"      - series: '{metric}'", f"        values: '{values}'"]
    lines.append("    alert_rule_test:")
    for k in range(SAMPLES):
        at = f"      - eval_time: {k * STEP}s\n        alertname: "
        lines += [f"{at}{name}" for name in sorted(names)]
    (folder / "test.yml").write_text("\n".join(lines))
    out = folder / "out"
    with out.open("wb") as file:
        child = subprocess.Popen(
            ["promtool", "test", "rules", "test.yml"],
            cwd=folder, stdout=file, stderr=file, env={**os.environ, "GOGC": "400"},
        )  # fmt: skip
    return child, out


def promtool_fires(child: Any, out: Path) -> Timeline:
    try:
        assert child.wait(timeout=300) == 1, out.read_text()[:2000]
    finally:
        child.kill()
    found: list[set[Alert]] = [set() for _ in range(SAMPLES)]
    at = -1
    for line in out.read_text().splitlines():
        head = re.search(r"alertname: .*, time: (?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?, *$", line)
        if head:
            hours, minutes, seconds = (int(part or 0) for part in head.groups())
            at = (hours * 3600 + minutes * 60 + seconds) // STEP
        elif line.strip().startswith("Labels:"):
            labels = dict(re.findall(r'(\w+)="([^"]*)"', line))
            found[at].add((labels.pop("alertname"), frozenset(labels.items())))
    return [frozenset(one) for one in found]


@pytest.mark.e2e
@pytest.mark.slow
@pytest.mark.timeout(400)  # 40 s of processor time on a busy machine, in three processes
async def test_prometheus_fires_the_same_alerts_at_the_same_evaluations(
    tmp_path: Path, need: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    need("promtool", "the exported rules are not compared with Prometheus's engine")

    file = tmp_path / "c.yml"
    file.write_text(CONFIG.replace("STORE", str(tmp_path / "s.db")))
    whole = load(file, env={})
    gateway = Gateway(5)
    (group,) = yaml.safe_load(exported(whole, UTC, MIDNIGHT).text)["groups"]
    money: list[Any] = []
    counts: list[Any] = []
    for rule in group["rules"]:
        rule.pop("annotations", None)  # tested with the file of `--tests`
        own = rule.get("record", rule["expr"])
        (money if "cost_usd" in own or "costtui:" in own else counts).append(rule)
    # Two servers, one for money and one for counts: each takes half the time.
    running = [
        start_promtool(tmp_path / "money", money, gateway),
        start_promtool(tmp_path / "counts", counts, gateway),
    ]

    async def at_once(work: Callable[..., Any], *args: Any) -> Any:
        return work(*args)

    monkeypatch.setattr(asyncio, "to_thread", at_once)
    ours = await costtui_fires(whole, gateway)
    both = [promtool_fires(*one) for one in running]
    theirs = [one | other for one, other in zip(*both, strict=True)]
    for k, (one, other) in enumerate(zip(ours, theirs, strict=True)):
        plain = frozenset((n, frozenset((a, v) for a, v in labels if v)) for n, labels in one)
        assert plain == other, f"at {k * STEP} s"
    begun = Counter(name for old, new in pairwise(ours) for name in {name for name, _ in new - old})
    assert begun == EXPECTED, begun

"""Seeded overviews and a scripted `Data`: what screens are fed in tests and benchmarks."""

from __future__ import annotations

import importlib.util
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

from costtui.config.schema import Config, DisplayConfig, SourceConfig, StoreConfig
from costtui.model.charge import CostBasis, Exactness
from costtui.model.comparison import Compared
from costtui.model.cross import Cross, DimensionUse
from costtui.model.dimension import Dimensions
from costtui.model.fleet import Fleet, GatewayUsage
from costtui.model.listing import Counters, Listing, Spot, Stretch, spot_of
from costtui.model.movement import Movement
from costtui.model.outlook import Outlook, OutlookGroup
from costtui.model.snapshot import (
    AlertChange,
    AlertStatus,
    Breakdown,
    Filter,
    Gap,
    Group,
    Overview,
    RequestRow,
    SkippedLine,
    SourceStatus,
    Totals,
    UnpricedModel,
    View,
)
from costtui.model.spending import Days, Spent
from costtui.model.timewindow import WINDOW_BY_NAME, Window, window_at


def _beside(name: str) -> ModuleType:
    """Another file of fakes in this folder, which is no package."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PRICES = _beside("fakes_prices")
LISTS = _beside("fakes_lists")
BUDGETS = _beside("fakes_budgets")
movement, stretch_of = LISTS.movement, LISTS.stretch_of

NOW = datetime(2026, 11, 22, 10, 57, 3, tzinfo=UTC).timestamp()
NANO = 1_000_000_000

VALUES: dict[str, tuple[str, ...]] = {
    "provider": ("anthropic", "openai", "google", "deepseek", "xai", "ollama", "mistral"),
    "model": (
        "claude-sonnet-4-5",
        "gpt-5",
        "claude-opus-4-1",
        "gemini-2.5-pro",
        "gpt-5-mini",
        "claude-haiku-4-5",
        "deepseek-chat",
        "grok-4",
        "qwen3-coder-plus",
        "llama3.3:70b",
        "mistral-large-latest",
        "gemini-2.5-flash",
        "text-embedding-3-large",
        "o4-mini",
    ),
    "consumer": (
        "checkout-assistant",
        "search",
        "support-bot",
        "key:9f31c04be2aa",
        "data-pipeline",
        "",
        "intern-playground",
        "mobile-app",
    ),
    "gateway": ("kong-eu", "llm-proxy", "agentgateway-1", "agentgateway-2"),
    "endpoint": ("/v1/messages", "/v1/chat/completions", "/v1/embeddings"),
    "team": ("payments", "discovery", "support", ""),
}
UNPRICED = ("qwen3-coder-plus", "ollama")


def wave(rng: random.Random, buckets: Sequence[int], scale: float) -> list[int]:
    """Spend by bucket with the shape of a working day and some noise."""
    out = []
    for bucket in buckets:
        hour = bucket / 3600 % 24
        day = 0.18 + max(0.0, math.sin((hour - 6) / 24 * 2 * math.pi)) ** 1.3
        out.append(int(scale * day * rng.uniform(0.75, 1.25)))
    return out


def totals(rng: random.Random, nano: int, *, unpriced: bool = False) -> Totals:
    """Usage that would plausibly cost `nano`."""
    requests = max(1, nano // 7_100_000) if nano else rng.randrange(10, 4000)
    tokens = max(1, requests * rng.randrange(1800, 2600))
    return Totals(
        requests=requests,
        errors=requests * rng.randrange(0, 9) // 1000,
        throttled=requests * rng.randrange(0, 25) // 1000,
        input=tokens * 38 // 100,
        cache_read=tokens * 41 // 100,
        cache_write=tokens * 4 // 100,
        cache_write_1h=tokens // 100,
        output=tokens * 12 // 100,
        reasoning=tokens * 4 // 100,
        effective_nano=0 if unpriced else nano,
        list_nano=0 if unpriced else nano,
        unpriced_requests=requests if unpriced else 0,
        unpriced_tokens=tokens if unpriced else 0,
    )


def scaled(t: Totals, factor: float) -> Totals:
    return Totals(*(int(v * factor) for v in t))


def breakdown(rng: random.Random, dimension: str, whole: int, window: Window) -> Breakdown:
    buckets = window.buckets()
    groups = []
    left = whole
    names = VALUES[dimension]
    for index, name in enumerate(names):
        part = left if index == len(names) - 1 else int(left * rng.uniform(0.28, 0.48))
        left -= part
        unpriced = name in UNPRICED
        now = totals(rng, part, unpriced=unpriced)
        then = Totals() if index == 6 else scaled(now, rng.uniform(0.6, 1.35))
        shape = wave(rng, buckets, 1.0 * NANO)
        spend = [v * part // (sum(shape) or 1) for v in shape]
        requests = [v * now.requests // (sum(shape) or 1) for v in shape]
        if index == 4:
            spend = [0 if i < len(spend) * 2 // 3 else v for i, v in enumerate(spend)]
        if unpriced:
            spend = [0] * len(spend)
        if name == "intern-playground":
            now = now._replace(estimated_nano=now.effective_nano)
        used = tuple(v * now.tokens // (sum(shape) or 1) for v in shape)
        free = used if unpriced else (0,) * len(used)
        groups.append(Group(name, now, then, tuple(spend), tuple(requests), used, free))
    groups.sort(key=lambda g: -g.totals.effective_nano)
    return Breakdown(dimension, tuple(groups))


def sources(now: float = NOW) -> tuple[SourceStatus, ...]:
    return (
        SourceStatus(
            "kong-eu", "metrics/kong", "kong-eu", last_attempt=now - 4, last_ok=now - 4,
            last_data=now - 4, interval=15, resets=1, gaps=2, records=91_233,
        ),
        SourceStatus(
            "llm-proxy", "jsonl/llm-proxy", "llm-proxy", last_attempt=now - 1, last_ok=now - 1,
            last_data=now - 2, interval=1, skipped=3, records=1_204_118,
            backfill_done=2_900_000_000, backfill_total=4_200_000_000,
        ),
        SourceStatus(
            "agentgateway-1", "metrics/agentgateway", "agentgateway-1", last_attempt=now - 9,
            last_ok=now - 9, last_data=now - 9, interval=15, records=55_012,
        ),
        SourceStatus(
            "agentgateway-2", "metrics/agentgateway", "agentgateway-2", last_attempt=now - 12,
            last_ok=now - 903, last_data=now - 903, interval=15, failures=60, gaps=1,
            error="http://10.0.7.12:15020/metrics: connection refused", records=31_400,
        ),
    )  # fmt: skip


def alerts(now: float = NOW) -> tuple[AlertStatus, ...]:
    return (
        AlertStatus("daily budget", (), "inactive", "warning", 512_770_000_000,
                    800_000_000_000, now - 80_000, "24h"),
        AlertStatus("team playground", (("consumer", "intern-playground"),), "pending", "info",
                    19_400_000_000, 20_000_000_000, now - 130, "1h"),
    )  # fmt: skip


def sources_then(end: int) -> tuple[SourceStatus, ...]:
    """What is known of the past: two answered, one was down, of one nothing is known."""
    told = ((float(end), 0), (float(end), 0), (0.0, 0), (end - 1500.0, 1))
    return tuple(
        SourceStatus(s.name, s.kind, s.gateway, last_ok=ok, interval=s.interval, failures=failed)
        for s, (ok, failed) in zip(sources(), told, strict=True)
    )


def alerts_then(end: int) -> tuple[AlertStatus, ...]:
    """One that fired then and does not now."""
    daily, team = alerts(float(end))
    past = replace(team, state="firing", severity="critical", value=23_100_000_000)
    return daily, past


FIRING = AlertStatus(
    "opus is expensive", (("model", "claude-opus-4-1"),), "firing", "critical",
    148_230_000_000, 100_000_000_000, NOW - 1260, "24h", Exactness.LOWER_BOUND,
)  # fmt: skip


def overview(
    window: str | Window = "24h",
    *,
    now: float = NOW,
    seed: int = 7,
    filters: tuple[Filter, ...] = (),
    dimensions: Sequence[str] = ("provider", "model", "consumer", "gateway"),
) -> Overview:
    """A busy fleet: unpriced models, a source that is down, a gap, an alert pending."""
    rng = random.Random(seed)
    if isinstance(window, str):
        window = window_at(WINDOW_BY_NAME[window], now, UTC)
    buckets = window.buckets()
    chart = wave(rng, buckets, window.step / 3600 * 92 * NANO)
    gaps = frozenset(i for i in range(len(chart)) if len(chart) // 3 <= i < len(chart) // 3 + 2)
    chart = [0 if i in gaps else v for i, v in enumerate(chart)]
    chart[-1] //= 3
    whole = sum(chart)
    parts = tuple(breakdown(random.Random(f"{seed} {d}"), d, whole, window)
                  for d in dimensions)  # fmt: skip
    total = totals(rng, whole)._replace(unpriced_requests=412, unpriced_tokens=1_800_000)
    today = scaled(total, 0.47)._replace(unpriced_requests=80, unpriced_tokens=200_000)
    month = scaled(total, 19.4)
    return Overview(
        view=View(window, filters),
        revision=1,
        taken_at=now if window.live else window.end,
        total=total,
        previous=scaled(total, 0.891),
        today=today,
        today_previous=scaled(today, 1.04),
        month=month,
        month_previous=scaled(month, 0.7),
        month_projection_nano=int(month.effective_nano * 1.37),
        hour=scaled(total, 0.043)._replace(effective_nano=61_200_000_000),
        hour_previous=scaled(total, 0.044)._replace(effective_nano=63_100_000_000),
        chart=tuple(chart),
        chart_requests=tuple(v // 7_100_000 for v in chart),
        chart_tokens=tuple(v // 7_100_000 * 2200 for v in chart),
        chart_unpriced=tuple(v // 7_100_000 * 12 for v in chart),
        gap_buckets=gaps,
        breakdowns=parts,
        sources=sources(now) if window.live else sources_then(window.end),
        alerts=alerts(now) if window.live else alerts_then(window.end),
        unpriced=(
            UnpricedModel("qwen", "qwen3-coder-plus", 380, 1_640_000),
            UnpricedModel("ollama", "llama3.3:70b", 32, 160_000),
        ),
        gaps=(Gap("agentgateway-2", now - 903, now),),
        earliest=now - 40 * 86400,
        sizes=tuple((d, len(names)) for d, names in VALUES.items()),
    )


def outlook(
    *,
    now: float = NOW,
    by: str = "model",
    hours: int = 40 * 24,
    gaps: Sequence[int] = (),
    alerts: tuple[AlertStatus, ...] = (),
    filters: tuple[Filter, ...] = (),
) -> Outlook:
    """A fleet with working days and free weekends that grows a little; `gaps` are hours ago."""
    rng = random.Random(21)
    last = int(now) // 3600 * 3600
    start = last - hours * 3600
    month = window_at(WINDOW_BY_NAME["month"], now, UTC)
    spent: list[int | None] = []
    for at, nano in enumerate(wave(rng, range(start, last, 3600), 92 * NANO)):
        weekend = (start + at * 3600) // 86400 % 7 in (2, 3)
        spent.append(int(nano * 1.004 ** (at / 24) * (0.4 if weekend else 1)))
    for ago in gaps:
        spent[-ago] = None
    month_hours = [v or 0 for at, v in enumerate(spent) if start + at * 3600 >= month.start]
    whole = list(breakdown(random.Random(f"5 {by}"), by, sum(month_hours), month).groups)
    missing = sum(month_hours) - sum(g.totals.effective_nano for g in whole)
    first = whole[0].totals
    first = first._replace(effective_nano=first.effective_nano + missing)
    whole[0] = replace(whole[0], totals=first)
    groups = tuple(OutlookGroup(g.key, g.totals, scaled(g.totals, 0.3)) for g in whole)
    to_date = Totals(*map(sum, zip(*(g.to_date for g in groups), strict=True)))
    return Outlook(
        View(month, filters), 1, int(datetime(2026, 12, 1, tzinfo=UTC).timestamp()), start,
        tuple(spent), to_date, scaled(to_date, 1.2), by, groups, alerts,
    )  # fmt: skip


def fleet(
    window: str | Window = "24h", *, now: float = NOW, filters: tuple[Filter, ...] = ()
) -> Fleet:
    """Four gateways: one down, one with a gap, one without a name, one behind two sources."""
    if isinstance(window, str):
        window = window_at(WINDOW_BY_NAME[window], now, UTC)
    rng = random.Random(3)
    buckets = window.buckets()
    behind = {"kong-eu": ("kong-eu",), "llm-proxy": ("llm-proxy",),
              "agentgateway-1": ("agentgateway-1",), "agentgateway-2": ("agentgateway-2",),
              "": ("llm-proxy",)}  # fmt: skip
    rows = []
    wanted = {f.value for f in filters if f.dimension == "gateway"} or set(behind)
    for at, (name, own) in enumerate(behind.items()):
        day = totals(rng, 0 if name == "" else 310 * NANO // (at + 1), unpriced=name == "")
        now_used = scaled(day, window.seconds / 86400)
        shape = wave(rng, buckets, NANO)
        spend = tuple(v * now_used.effective_nano // (sum(shape) or 1) for v in shape)
        count = tuple(v * now_used.requests // (sum(shape) or 1) for v in shape)
        row = GatewayUsage(
            name, now_used, scaled(now_used, rng.uniform(0.7, 1.3)), scaled(day, 0.05), day,
            scaled(day, 6.8), scaled(day, 29.1), spend, count, own, name == "kong-eu",
        )  # fmt: skip
        if name in wanted:
            rows.append(row)
    whole = GatewayUsage(
        "",
        *added([r.window for r in rows], [r.previous for r in rows], [r.hour for r in rows]),
        *added([r.day for r in rows], [r.week for r in rows], [r.month for r in rows]),
        spark=tuple(map(sum, zip(*(r.spark for r in rows), strict=True))),
        spark_requests=tuple(map(sum, zip(*(r.spark_requests for r in rows), strict=True))),
    )
    day = whole.day
    return Fleet(
        view=View(window, filters), revision=1, taken_at=now, total=whole, gateways=tuple(rows),
        today=scaled(day, 0.47), today_previous=scaled(day, 0.5), week=scaled(day, 6.4),
        week_previous=scaled(day, 5.9), month=scaled(day, 19.4), month_previous=scaled(day, 13.6),
        hour_previous=scaled(day, 0.047), gap_buckets=frozenset(),
    )  # fmt: skip


def added(*columns: list[Totals]) -> tuple[Totals, Totals, Totals]:
    one, two, three = (Totals(*map(sum, zip(*column, strict=True))) for column in columns)
    return one, two, three


def compared_rows(now: float = NOW) -> tuple[Compared, ...]:
    """One source that reconciles: a gateway that differs, one that agrees, one too new to say, one
    that nobody counts."""
    rng = random.Random(5)
    end = int(now) // 60 * 60
    big, small, new, wild = (totals(rng, n * NANO) for n in (310, 41, 2, 7))
    zero = Totals()
    less = scaled(big, 0.968)._replace(lower_bounds=1)
    return (
        Compared("agentgateway-1", (), "prom", end - 86400 + 60, end, small,
                 small._replace(effective_nano=small.effective_nano + 31_000), scaled(small, 0.01),
                 ("agentgateway-1",)),
        Compared("edge-9", (), "prom", 0, 0, zero, wild, zero, ()),
        Compared("kong-eu", (), "prom", end - 86400 + 60, end, big, less, scaled(big, 0.004),
                 ("kong-eu",)),
        Compared("llm-proxy", (), "prom", end - 120, end, new, zero, new, ("llm-proxy",)),
    )  # fmt: skip


def reconciled() -> Overview:
    """As usual, and a Prometheus server that sees the same traffic and reads its history."""
    base = overview()
    prom = SourceStatus(
        "prom", "prometheus", "prom", "reconcile", last_attempt=NOW - 6, last_ok=NOW - 6,
        last_data=NOW - 9, interval=30, gaps=1, records=80_412, backfill_done=9 * 86400,
        backfill_total=14 * 86400, note="its scrape interval is 60s: minutes are no finer",
    )  # fmt: skip
    return replace(base, sources=(*base.sources, prom), compared=compared_rows())


def no_fleet() -> Fleet:
    """A store in which nothing has ever arrived."""
    window = window_at(WINDOW_BY_NAME["24h"], NOW, UTC)
    zero, flat = Totals(), (0,) * len(window.buckets())
    none = GatewayUsage("", zero, zero, zero, zero, zero, zero, flat, flat)
    return Fleet(
        View(window), 1, NOW, none, (), zero, zero, zero, zero, zero, zero, zero, frozenset()
    )


def firing() -> Overview:
    base = overview()
    return replace(base, alerts=(*base.alerts, FIRING))


def exact() -> Overview:
    """Nothing unpriced, nothing wrong, no alert set."""
    base = overview()
    fine = tuple(
        replace(s, error="", failures=0, last_ok=NOW - 5, last_data=NOW - 5, skipped=0, gaps=0,
                resets=0, backfill_done=0, backfill_total=0)
        for s in base.sources
    )  # fmt: skip
    return replace(
        base, total=base.total._replace(unpriced_requests=0, unpriced_tokens=0), unpriced=(),
        today=base.today._replace(unpriced_requests=0, unpriced_tokens=0), sources=fine,
        alerts=(), gap_buckets=frozenset(),
    )  # fmt: skip


def empty(*, configured: bool = False) -> Overview:
    """A store in which nothing has ever arrived."""
    window = window_at(WINDOW_BY_NAME["24h"], NOW, UTC)
    zero = Totals()
    none = tuple(Breakdown(d, ()) for d in ("provider", "model", "consumer", "gateway"))
    waiting = (
        SourceStatus("llm-proxy", "jsonl/llm-proxy", "llm-proxy", last_ok=NOW - 1, interval=1,
                     backfill_done=120_000_000, backfill_total=9_700_000_000),
        SourceStatus("kong", "metrics/kong", "kong", interval=15, failures=3,
                     error="http://kong:8100/metrics: HTTP 404",
                     note="this answers, but not with metrics: is the status listener on?"),
    )  # fmt: skip
    buckets = len(window.buckets())
    return Overview(
        view=View(window), revision=1, taken_at=NOW, total=zero, previous=zero, today=zero,
        today_previous=zero, month=zero, month_previous=zero, month_projection_nano=0,
        chart=(0,) * buckets,
        chart_requests=(0,) * buckets, gap_buckets=frozenset(), breakdowns=none,
        sources=waiting if configured else (), alerts=(),
    )  # fmt: skip


def quiet_window() -> Overview:
    """There is data in the store, but none in this window."""
    return replace(empty(configured=True), earliest=NOW - 86400 * 9, sources=sources())


HOSTILE = (
    "\x1b]0;owned\x07\x1b[2Jgpt",
    "[bold red]markup[/] [@click=app.quit]x[/]",
    "模型-深度求索-聊天-超长名称测试",
    "evil\u202etxt.exe\u200b",
    "line\nbreak\ttab\r",
    "a" * 400,
    "emoji 🚀🔥 ok",
    "=HYPERLINK(1)",
)


def hostile() -> Overview:
    """Names that try to move the cursor, inject markup, or break columns."""
    base = overview()
    parts = []
    for part in base.breakdowns:
        names = (*HOSTILE, *(f"x{i}" for i in range(20)))
        groups = tuple(replace(g, key=n) for g, n in zip(part.groups, names, strict=False))
        parts.append(Breakdown(part.dimension, groups))
    bad = replace(base.sources[0], name="\x1b[31msrc", error="\x1b[2J<bold>\nboom", failures=2)
    alert = replace(FIRING, rule="\x1b[5mblink[/]", labels=(("model", "\u202eabc"),))
    return replace(base, breakdowns=tuple(parts), sources=(bad, *base.sources[1:]), alerts=(alert,))


def cross(
    view: View,
    rows: str = "model",
    columns: str = "consumer",
    *,
    names: dict[str, tuple[str, ...]] | None = None,
    empty: bool = False,
) -> Cross:
    """Two dimensions that add up, with holes, an unpriced row, estimates and a lower bound."""
    names = {**VALUES, **(names or {})}
    rng = random.Random(f"{rows} {columns}")
    cells: dict[tuple[str, str], Totals] = {}
    previous: dict[tuple[str, str], Totals] = {}
    for at, row in enumerate(names[rows]):
        for other, column in enumerate(names[columns]):
            if empty or rng.random() < 0.3:
                continue
            nano = int(190 * NANO * rng.random() ** 3 / (1 + at) / (1 + other))
            used = totals(rng, nano, unpriced={row, column} & set(UNPRICED) != set())
            if column == "intern-playground":
                used = used._replace(estimated_nano=used.effective_nano)
            if (at, other) == (0, 1):
                used = used._replace(lower_bounds=1)
            cells[row, column] = used
            if rng.random() < 0.85:
                previous[row, column] = scaled(used, rng.uniform(0.4, 1.7))

    def side(of: dict[tuple[str, str], Totals], axis: int) -> dict[str, Totals]:
        found: dict[str, Totals] = {}
        for pair, used in of.items():
            found[pair[axis]] = found.get(pair[axis], Totals()).plus(used)
        return dict(sorted(found.items(), key=lambda p: (-p[1].effective_nano, p[0])))

    none = Totals()
    both = [side(cells, axis) for axis in (0, 1)], [side(previous, axis) for axis in (0, 1)]
    now = [{**both[0][n], **{k: none for k in both[1][n] if k not in both[0][n]}} for n in (0, 1)]
    whole = Totals(*map(sum, zip(none, *cells.values(), strict=True)))
    before = Totals(*map(sum, zip(none, *previous.values(), strict=True)))
    return Cross(view, 1, rows, columns, cells, previous, now[0], now[1], both[1][0], both[1][1],
                 whole, before)  # fmt: skip


def dimension_uses() -> tuple[DimensionUse, ...]:
    """What the chooser shows, with two tags."""
    whole = 512 * NANO
    return (
        DimensionUse("provider", 7, "anthropic", 214 * NANO, whole),
        DimensionUse("model", 14, "claude-sonnet-4-5", 180 * NANO, whole),
        DimensionUse("consumer", 10_000, "checkout-assistant", 9 * NANO, whole),
        DimensionUse("gateway", 4, "kong-eu", 301 * NANO, whole),
        DimensionUse("endpoint", 3, "/v1/messages", 350 * NANO, whole),
        DimensionUse("service", 1, "llm", whole, whole),
        DimensionUse("team", 4, "payments", 160 * NANO, whole),
        DimensionUse("tag:cost-center", 12, "4711", 100 * NANO, whole),
        DimensionUse("tag:env", 3, "", 400 * NANO, whole),
    )


def request_rows(number: int = 60, *, before: int | None = None) -> list[RequestRow]:
    rng = random.Random(11)
    rows = []
    for index in range(number):
        moment = int((NOW - index * 7.3) * 1e9)
        nano = rng.randrange(20_000, 90_000_000)
        status = 429 if index % 17 == 5 else 500 if index % 23 == 7 else 200
        dims = Dimensions(
            rng.choice(VALUES["provider"][:3]), rng.choice(VALUES["model"][:6]),
            rng.choice(VALUES["consumer"]), rng.choice(VALUES["gateway"]), "/v1/messages",
        )  # fmt: skip
        basis = CostBasis.UNPRICED if index % 13 == 4 else CostBasis.REPORTED
        if index % 9 == 8:
            basis = CostBasis.ESTIMATED
        rows.append(RequestRow(
            (int(NOW * 1000) - index * 7300) << 22, moment, dims, "llm-proxy", 1,
            int(status == 500), int(status == 429), rng.randrange(50, 9000), 1200, 0, 0,
            rng.randrange(5, 900), 0, 0 if basis is CostBasis.UNPRICED else nano, nano,
            nano, basis, 0, status, rng.randrange(300, 22_000), f"req_{index:04x}",
            "/var/log/llm/costs.jsonl", 4096 + index * 411,
            '{"session":"s-81","stream":true,"user_agent":"checkout/2.4"}',
        ))  # fmt: skip
    return [r for r in rows if before is None or r.id < before]


def skipped() -> list[SkippedLine]:
    return [
        SkippedLine("llm-proxy", "/var/log/llm/costs.jsonl", 918_233, 4011,
                    "not JSON: unexpected end of data", '{"ts":"2026-11-22T10:41:0', NOW - 900),
        SkippedLine("llm-proxy", "/var/log/llm/costs.jsonl.1", 77_001, 312,
                    "no `model`", '{"ts":"2026-11-21T08:00:00Z","cost":0.1}', NOW - 91_000),
        SkippedLine("llm-proxy", "/var/log/llm/costs.jsonl.1", 12, 1,
                    "a line of 10.4 MB is longer than 1 MB", "\x1b[2J\x00\x00AAAA", NOW - 99_000),
    ]  # fmt: skip


def alert_changes(now: float = NOW) -> list[AlertChange]:
    """Two rules over the last day: one flapped, one fires since 21 minutes."""
    search = (("consumer", "search"),)
    told: tuple[tuple[float, str, tuple[tuple[str, str], ...], str, str, int], ...] = (
        (1260, FIRING.rule, FIRING.labels, "firing", "critical", 100_400_000_000),
        (1380, FIRING.rule, FIRING.labels, "pending", "critical", 100_100_000_000),
        (
            130,
            "team playground",
            (("consumer", "intern-playground"),),
            "pending",
            "info",
            20_300_000_000,
        ),
        (30_000, "team playground", search, "inactive", "info", 0),
        (30_900, "team playground", search, "resolved", "info", 19_900_000_000),
        (38_000, "team playground", search, "firing", "info", 20_100_000_000),
        (80_000, "daily budget", (), "inactive", "warning", 12_770_000_000),
    )
    limits = {"opus is expensive": (100, "24h"), "team playground": (20, "1h"),
              "daily budget": (800, "24h")}  # fmt: skip
    found = [
        AlertChange(n, now - ago, AlertStatus(
            rule, labels, state, severity, nano, limits[rule][0] * NANO, now - ago,
            limits[rule][1],
        ))
        for n, (ago, rule, labels, state, severity, nano) in enumerate(told)
    ]  # fmt: skip
    return sorted(found, key=lambda c: -c.at)


class FakeData(BUDGETS.Muted):  # type: ignore[name-defined, misc]
    """A `Data` whose answers are values or functions of the view."""

    def __init__(
        self, answer: Overview | Callable[[View, float, Sequence[str]], Overview] | None = None
    ) -> None:
        self.answer = answer
        self.version = 1
        self.asked: list[tuple[View, float, tuple[str, ...]]] = []
        self.fleets: list[View] = []
        self.crosses: list[tuple[View, str, str]] = []
        self.uses: list[View] = []
        self.lists: list[Any] = []
        """Questions for stretches of lists, and None where the list was given back."""
        self.checks = 0
        self.alive = True
        self.closed = False
        self.changes = alert_changes()
        self.alerts_now = alerts()
        self.begin()
        self.moves: list[tuple[View, tuple[tuple[Window, Window], ...]]] = []
        self.error: Exception | None = None
        self.told: Outlook | None = None
        self.counters = Counters()

    def data_version(self) -> int:
        self.checks += 1
        return self.version

    def revision(self) -> int:
        return self.version

    def overview(self, view: View, now: float, dimensions: Sequence[str]) -> Overview:
        self.asked.append((view, now, tuple(dimensions)))
        if self.error is not None:
            raise self.error
        if callable(self.answer):
            return self.answer(view, now, dimensions)
        if self.answer is not None:
            return self.answer
        return overview(view.window, now=now, filters=view.filters, dimensions=dimensions)

    def timeline(self, view: View, step: int, now: float) -> list[tuple[int, Totals]]:
        found = self.overview_of(view, now)
        rng = random.Random(9)
        zero = Totals()
        spent = zip(view.window.buckets(), found.chart, strict=True)
        return [(t, totals(rng, nano) if nano else zero) for t, nano in spent]

    def overview_of(self, view: View, now: float) -> Overview:
        """As `overview`, without noting that it was asked."""
        if self.answer is not None and not callable(self.answer):
            if self.answer.view.window == view.window:
                return self.answer
            if not self.answer.total.requests:
                return replace(self.answer, chart=(0,) * len(view.window.buckets()))
        return overview(view.window, now=now, filters=view.filters, seed=8)

    def fleet(self, view: View, now: float) -> Fleet:
        self.fleets.append(view)
        if self.error is not None:
            raise self.error
        if self.answer is not None and not callable(self.answer) and not self.answer.earliest:
            return no_fleet()._replace(view=view)
        return fleet(view.window, now=now, filters=view.filters)

    def spent(self, view: View, now: float, by: tuple[str, ...] = ()) -> tuple[Spent, ...]:
        none = isinstance(self.answer, Overview) and not self.answer.total.requests
        return () if none else PRICES.spent(view, by)

    def failed(self, view: View, now: float) -> dict[str, int] | None:
        return {"search": 410_000_000} if view.window.seconds <= 86400 else None

    def days(self, view: View, now: float) -> Days:
        found = PRICES.days(view, now)
        none = isinstance(self.answer, Overview) and not self.answer.earliest
        zero = Totals()
        return Days(view, zero, zero, found.last_month_start, (), 0.0) if none else found

    def cross(self, view: View, rows: str, columns: str, now: float) -> Cross:
        self.crosses.append((view, rows, columns))
        if self.error is not None:
            raise self.error
        empty = self.answer is not None and not callable(self.answer) and not self.answer.total[0]
        return cross(view, rows, columns, empty=empty)

    def dimensions(self, view: View, now: float) -> tuple[DimensionUse, ...]:
        self.uses.append(view)
        return dimension_uses()

    def outlook(self, view: View, by: str, now: float) -> Outlook:
        if self.error is not None:
            raise self.error
        if self.told is not None:
            return self.told._replace(dimension=by)
        return outlook(now=now, by=by, filters=view.filters)

    def from_counters(self, view: View, now: float) -> Counters:
        return self.counters

    def request_list(
        self, view: View, listing: Listing, at: Spot | str, limit: int, since: int = 0
    ) -> Stretch:
        self.lists.append((listing, at))
        found: Stretch = stretch_of(self.rows(), listing, at, limit, since)
        return found

    def rows(self) -> list[RequestRow]:
        return request_rows()

    def forget_lists(self) -> None:
        self.lists.append(None)

    def checkpoint(self, source: str) -> list[tuple[str, str]]:
        return []

    def request(self, identity: int) -> RequestRow | None:
        return next((r for r in self.rows() if r.id == identity), None)

    def statuses(self) -> tuple[SourceStatus, ...]:
        return sources()

    def collector_alive(self, now: float) -> bool:
        return self.alive

    def skipped(self) -> list[SkippedLine]:
        return skipped()

    def alerts(self) -> tuple[AlertStatus, ...]:
        return self.alerts_now

    def alert_history(self, start: float, end: float) -> list[AlertChange]:
        return [c for c in self.changes if start <= c.at < end]

    def movement(self, view: View, pairs: Sequence[tuple[Window, Window]]) -> list[Movement]:
        self.moves.append((view, tuple(pairs)))
        return [movement(*pair) for pair in pairs]

    def close(self) -> None:
        self.closed = True


class Growing(FakeData):
    """A list of `number` requests to which more may come."""

    def __init__(self, number: int = 5000) -> None:
        super().__init__()
        self.every = request_rows(number)

    def rows(self) -> list[RequestRow]:
        return list(self.every)

    def add(self, ago: float, cost: int = 5) -> RequestRow:
        """One request more, `ago` seconds before the newest."""
        newest = max(self.every, key=lambda r: r.id)
        ms = (newest.id >> 22) - int(ago * 1000)
        row = newest._replace(
            id=ms << 22 | len(self.every), time_ns=ms * 1_000_000, effective_nano=cost,
            request_id=f"new_{len(self.every)}",
        )  # fmt: skip
        self.every.append(row)
        self.version += 1
        return row

    def ordered(self, listing: Listing) -> list[int]:
        """The ids of a list."""
        rows = sorted(
            self.every, key=lambda r: spot_of(r, listing.order), reverse=not listing.reverse
        )
        return [r.id for r in rows]


class FrozenClock:
    """Time that moves only when told."""

    def __init__(self, now: float = NOW) -> None:
        self.time = now

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += seconds


def config(*, configured: bool = True, theme: str = "costtui-dark") -> Config:
    source = SourceConfig("llm-proxy", "jsonl", "llm-proxy", paths=("/var/log/llm/*.jsonl",))
    return Config(
        store=StoreConfig(Path("/nonexistent/costtui.db")),
        sources=(source,) if configured else (),
        display=DisplayConfig(theme=theme, refresh=3600.0),
        timezone="UTC",
    )

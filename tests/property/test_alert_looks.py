"""A reader that looks again and again, and remembers, sees what one sees that has just begun: the
windows that are carried on, the values that are not judged again, and the medians of weeks."""

from __future__ import annotations

import asyncio
import tempfile
from datetime import UTC
from pathlib import Path
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from costtui.alerts.look import Look
from costtui.alerts.observe import Kept, Observation, observe
from costtui.alerts.states import evaluate
from costtui.alerts.watches import watches
from costtui.config.alert_schema import AlertRule, BudgetConfig
from costtui.config.schema import Retention
from costtui.engine.outlooks import Outlooks
from costtui.model.alert import AlertStatus
from costtui.model.charge import Charge, CostBasis
from costtui.model.dimension import Dimensions
from costtui.model.snapshot import SourceStatus
from costtui.model.usage import UsageRecord
from costtui.store.watching import WatchReader
from costtui.store.writer import Store

NOW = 1_789_387_200.0 + 36_000 + 30
HOUR, DAY = 3600, 86_400
BY = ("consumer",)
WATCHES = watches(
    [
        AlertRule("spend", "cost_over", 40, DAY, by=BY, hold=60),
        AlertRule("spend of m", "cost_over", 20, 4 * HOUR, by=BY, where=(("model", "m"),)),
        AlertRule("tokens", "tokens_over", 50, 900, by=("consumer", "model"), no_data="alert"),
        AlertRule("errors", "error_share_over", 100_000, HOUR, by=BY, min_requests=2),
        AlertRule("rate", "projected_over", 900, HOUR, by=BY, per=DAY),
        AlertRule("spike", "spike_over", 1500, HOUR, by=BY),
        AlertRule("quiet", "silent_for", 600, DAY, by=BY),
        AlertRule("all", "requests_over", 5, HOUR),
    ],
    [
        BudgetConfig("each", 60, "day", by=BY, burn_over=2000, forecast=True),
        BudgetConfig("rolling", 50, "rolling", 2 * HOUR, by=BY),
    ],
)
ago = st.one_of(
    st.integers(0, 100), st.integers(0, 2 * HOUR), st.integers(0, 2 * DAY),
    st.integers(1, 4).flatmap(lambda w: st.integers(w * 7 * DAY, w * 7 * DAY + HOUR)),
)  # fmt: skip
use = st.tuples(
    st.just("use"), ago, st.sampled_from(["ann", "bob", "eve"]), st.sampled_from(["m", "n"]),
    st.integers(0, 30),
)  # fmt: skip
step = st.one_of(
    use, use,
    st.tuples(st.just("wait"), st.sampled_from([1, 15, 29, 60, 180, 660, 3000, HOUR + 5, DAY])),
    st.tuples(st.just("blind"), st.booleans()),
)  # fmt: skip


@settings(max_examples=25)
@given(st.lists(st.lists(step, max_size=3), min_size=2, max_size=9))
@example([[("use", HOUR - 30, "ann", "m", 5)], [("wait", 15)], [("wait", 60)], [("wait", 180)]])
def test_what_is_remembered_changes_nothing(steps: list[list[tuple[Any, ...]]]) -> None:
    asyncio.run(_play(steps))


async def _play(steps: list[list[tuple[Any, ...]]]) -> None:
    now = NOW
    before: tuple[list[AlertStatus], list[AlertStatus]] = ([], [])
    kept, rows = Kept(), list[tuple[float, str, int]]()
    keeping = Retention(minute=DAY, hour=40 * DAY)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "s.db"
        async with await Store.open(path, keeping, now=now) as store:
            await store.register("s", "metrics", "gw")
            with WatchReader(path, zone=UTC) as reader:
                for number, some in enumerate(steps):
                    for what, *rest in some:
                        if what == "wait":
                            now += rest[0]
                            await store.prune(now)
                        elif what == "blind":
                            failures = 3 * int(rest[0])
                            await store.set_status(
                                SourceStatus("s", "metrics", "gw", last_attempt=now, last_ok=now,
                                             interval=15.0, failures=failures)
                            )  # fmt: skip
                        else:
                            await _use(store, now, *rest)
                            rows.append((now - rest[0], rest[1], rest[3]))
                    seen = _look(reader, now, kept)
                    with WatchReader(path, zone=UTC) as other:
                        anew = _look(other, now, Kept())
                    for watch, one, two in zip(WATCHES, seen, anew, strict=True):
                        assert one == two, (number, watch.name, watch.step)
                    before = (
                        evaluate(WATCHES, seen, before[0], now), _slowly(anew, before[1], now),
                    )  # fmt: skip
                    assert before[0] == before[1]
                    _spent_in_an_hour(seen[4], rows, now)


async def _use(store: Store, now: float, ago: int, who: str, model: str, nano: int) -> None:
    ns = int((now - ago) * 1e9)
    record = UsageRecord(ns, ns, Dimensions("p", model, who, "gw"), input=nano, errors=nano % 2)
    await store.append("s", [record], [Charge(nano, nano, CostBasis.COMPUTED)], now=now)


def _look(reader: WatchReader, now: float, kept: Kept) -> list[Observation | None]:
    with reader.watching() as sight:
        look = Look(sight, now, UTC, None, NOW, Outlooks(sight, now, UTC))
        return observe(look, WATCHES, kept)


def _slowly(
    seen: list[Observation | None], before: list[AlertStatus], now: float
) -> list[AlertStatus]:
    """Every status is made anew, because each is told a severity that it does not have."""
    other = [AlertStatus(**{f: getattr(a, f) for f in AlertStatus.__slots__} | {"severity": "?"})
             for a in before]  # fmt: skip
    return evaluate(WATCHES, seen, other, now)


def _spent_in_an_hour(
    seen: Observation | None, rows: list[tuple[float, str, int]], now: float
) -> None:
    """The truth, from the rows: the `rate` rule sees a day of what its hour spent."""
    end = (int(now) // 60 + 1) * 60
    spent: dict[str, int] = {}
    for at, who, nano in rows:
        if end - HOUR <= at < end:
            spent[who] = spent.get(who, 0) + nano
    assert seen is not None
    found = {labels[0][1]: one.value for labels, one in seen.seen.items()}
    assert {k: v for k, v in found.items() if v} == {k: v * 24 for k, v in spent.items() if v}

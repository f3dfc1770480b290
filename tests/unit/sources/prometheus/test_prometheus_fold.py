"""The counter rules on samples against those on pages, which were written and tested before.

One random story of one process is told to both: to `Counters` page by page, to `Tracks` and
`Ledger` as samples with times. Their totals must be equal, and so must what they call lost.

Where they are meant to differ, the story does not go (tests beside this say what each does):

- the first sight: `Counters` knows only that it looks for the first time; samples have a view, and
  a series that began inside it counts whole, whoever looked first;
- a process start that moves back and forth within the life of a process (a clock that was set)
  makes differences doubtful to `Counters`; samples take them as they are;
- a restart that only a counter tells which was not on the page for a while happened, to
  `Counters`, when that comes back; to the samples at the first scrape after it was last seen.
"""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from costtui.config.schema import SourceConfig
from costtui.sources.metrics.counters import Counters, Reading, Scrape
from costtui.sources.metrics.mapping import Mapper
from costtui.sources.presets import shape_of
from costtui.sources.prometheus.api import Row
from costtui.sources.prometheus.ledger import Ledger
from costtui.sources.prometheus.tracks import Tracks

BEGIN = 1_795_600_000
MODELS = ("a", "b", "c")


def story(seed: int, scrapes: int, says_start: bool) -> list[tuple[int, dict[str, int], float]]:
    """(time, model → tokens, process start) of each scrape of a process that restarts at times."""
    dice = random.Random(seed)
    now, started = BEGIN, BEGIN - 100.0
    # Where no start time tells of a restart, a counter that fell must: this one always does.
    values = {"a": dice.randrange(1000), "marker": 10_000}
    told = [(now, dict(values), started if says_start else 0.0)]
    for _ in range(scrapes):
        now += dice.choice((15, 15, 15, 300))
        if dice.random() < 0.15:
            started = now - dice.randrange(1, 15)
            # Busier or less busy than before: a counter that grew past its old value too.
            values = {m: dice.randrange(1, 2000) for m in values if dice.random() < 0.8}
            values["marker"] = told[-1][1]["marker"] - 5
        else:
            for model in MODELS:
                if dice.random() < 0.4:
                    values[model] = values.get(model, 0) + dice.randrange(500)
        told.append((now, dict(values), started if says_start else 0.0))
    return told


def by_pages(told: list[tuple[int, dict[str, int], float]], together: bool) -> tuple[int, int]:
    """(total, resets) of the rules on pages."""
    counters = Counters("u", together=together)
    names = frozenset({"t"})
    total = resets = 0
    for now, values, start in told:
        readings = [Reading(m, "t", v, 0.0, m) for m, v in values.items()]
        scrape = Scrape(float(now), start, 0.0, names)
        again = counters.restarted(readings, scrape)
        advance = counters.advance(readings, scrape, restarted=again)
        counters.commit(advance)
        total += sum(outcome.delta for outcome in advance.outcomes)
        resets += advance.resets
    return total, resets


def ledger_of(together: bool) -> Ledger:
    fields = {
        "resets": "together" if together else "single",
        "dimensions": {"model": "model"},
        "metrics": [{"name": "t_total", "quantity": "tokens", "kind": "input"}],
    }
    config = SourceConfig("p", "prometheus", "p", url="http://p", fields=fields)
    mapper = Mapper(shape_of(config), config)
    return Ledger(Tracks(mapper, hold=False, count_lookups=False), interval=15.0)


def rows_of(told: list[tuple[int, dict[str, int], float]]) -> list[Row]:
    at = {"job": "j", "instance": "i:1"}
    series: dict[str, list[tuple[float, str]]] = {}
    for now, values, start in told:
        for model, value in values.items():
            series.setdefault(model, []).append((float(now), str(value)))
        if start:
            series.setdefault("@start", []).append((float(now), repr(start)))
        series.setdefault("@up", []).append((float(now), "1"))
    rows = []
    for name, pairs in series.items():
        if name == "@start":
            rows.append(Row({"__name__": "process_start_time_seconds", **at}, pairs))
        elif name == "@up":
            rows.append(Row({"__name__": "up", **at}, pairs))
        else:
            rows.append(Row({"__name__": "t_total", "model": name, **at}, pairs))
    return rows


def by_samples(
    told: list[tuple[int, dict[str, int], float]], together: bool, polls: list[int]
) -> tuple[int, int]:
    """(total, resets) of the rules on samples; `polls` are scrapes after which it was asked."""
    ledger = ledger_of(together)
    ledger.view_from = BEGIN * 1000 + 1
    total = resets = 0
    edge = 0
    for number in sorted({*polls, len(told) - 1}):
        until = told[number][0] * 1000
        # What is asked for again every time, 30 s, must count once.
        reading = ledger.tracks.read(rows_of(told), max(0, edge - 30_000), until)
        outcome = ledger.live(reading)
        total += sum(record.input for record in outcome.records)
        resets += outcome.resets
        edge = until
    return total, resets


@given(
    seed=st.integers(0, 2**32),
    scrapes=st.integers(0, 40),
    says_start=st.booleans(),
    together=st.booleans(),
    polls=st.lists(st.integers(0, 40), max_size=8),
)
def test_pages_and_samples_count_the_same(
    seed: int, scrapes: int, says_start: bool, together: bool, polls: list[int]
) -> None:
    together = together or not says_start
    told = story(seed, scrapes, says_start)
    asked = [poll for poll in polls if poll < len(told)]
    pages, resets = by_pages(told, together)
    assert by_samples(told, together, [0, *asked]) == (pages, resets)
    assert by_samples(told, together, list(range(len(told)))) == (pages, resets)


def told_to(together: bool, rows: list[Row], until: int = BEGIN + 3600) -> tuple[int, int, int]:
    """(total, lower bounds, resets) of one answer, after a scrape at BEGIN that showed nothing."""
    ledger = ledger_of(together)
    ledger.view_from = BEGIN * 1000
    at = {"job": "j", "instance": "i:1"}
    first = [Row({"__name__": "up", **at}, [(float(BEGIN), "1")])]
    ledger.live(ledger.tracks.read(first, 0, BEGIN * 1000))
    outcome = ledger.live(ledger.tracks.read(rows, BEGIN * 1000, until * 1000))
    records = outcome.records
    return (
        sum(r.input for r in records),
        sum(r.lower_bounds for r in records),
        outcome.resets,
    )


def row(*values: object, model: str = "a", name: str = "t_total", every: int = 15) -> Row:
    pairs = [
        (float(BEGIN + every * (n + 1)), str(v)) for n, v in enumerate(values) if v is not None
    ]
    return Row({"__name__": name, "job": "j", "instance": "i:1", "model": model}, pairs)


def up(count: int) -> Row:
    return Row({"__name__": "up", "job": "j", "instance": "i:1"}, row(*[1] * count).values)


def test_growth_reset_and_growth_again() -> None:
    assert told_to(False, [up(4), row(10, 25, 5, 6)]) == (10 + 15 + 5 + 1, 1, 1)


def test_one_that_fell_restarts_all_where_they_live_together() -> None:
    # b grew past its old value in the new life: alone 40 - 30, together 40.
    rows = [up(3), row(10, 20, 5), row(10, 30, 40, model="b")]
    assert told_to(False, rows)[0] == 20 + 5 + 40
    assert told_to(True, rows)[0] == 20 + 5 + 30 + 40


def test_a_float_that_wobbles_is_no_restart() -> None:
    big = 5_000_000_000
    assert told_to(True, [up(4), row(big, big - 1, big - 2, big + 3)]) == (big + 3, 0, 0)


def test_damaged_and_impossible_values_cost_themselves() -> None:
    ledger = ledger_of(False)
    bad = row("NaN", "+Inf", "-Inf", "-3", "1e99", "abc", "7", "0x10", "9")
    reading = ledger.tracks.read([bad, up(9)], 0, (BEGIN + 3600) * 1000)
    [run] = reading.stretches[next(iter(reading.stretches))].runs
    assert [value for _, value in run.samples] == [7, 9]
    assert reading.bad_count == 6  # NaN is how a gap is written
    assert len(reading.bad) == 5


def test_samples_out_of_order_and_twice_count_once() -> None:
    straight = [up(5), row(10, 20, 30, 40, 50)]
    mixed = row(10, 20, 30, 40, 50)
    mixed.values = [mixed.values[n] for n in (3, 0, 1, 1, 4, 2, 0)]
    assert told_to(True, [up(5), mixed]) == told_to(True, straight) == (50, 0, 0)


def test_a_series_that_comes_twice_counts_once() -> None:
    early, late = row(10, 20, 30), row(None, 20, 30, 40)
    assert told_to(True, [up(4), early, late]) == (40, 0, 0)
    assert told_to(True, [up(4), early, row(10, 20, 30)]) == (30, 0, 0)


def test_a_name_that_changes_its_spelling_is_the_same_counter() -> None:
    ledger = ledger_of(False)
    dotted = row(None, None, 35, 50)
    dotted.metric = {**dotted.metric, "__name__": "t.total"}
    assert told_to(False, [up(4), row(10, 20), dotted]) == (50, 0, 0)
    assert ledger.tracks.track({"__name__": "t.total"}).name == "t_total"


def test_times_that_no_clock_has() -> None:
    ledger = ledger_of(False)
    odd = row(1, 2)
    odd.values = [(-5.0, "1"), (1e308, "2"), *odd.values]
    assert told_to(False, [up(2), odd])[0] == 2
    assert ledger.states == {}

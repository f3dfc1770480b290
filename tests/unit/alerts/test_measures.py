"""Each measure on a store made by hand; the truth is a loop over plain rows, or written down."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from statistics import median
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costtui.alerts.measures import twice_the_median
from costtui.alerts.ratios import ceil_div
from costtui.config.alert_schema import MEASURES, AlertRule
from costtui.config.schema import Consumer, Retention
from costtui.model.charge import CostBasis, Exactness

if TYPE_CHECKING:
    from tests.unit.alerts.conftest import World
else:
    World = Any

HOUR, DAY, WEEK = 3600, 86_400, 604_800
ANN, BOB = (("consumer", "ann"),), (("consumer", "bob"),)
END = 1_789_423_260  # the end of the minute that holds NOW


def rule(measure: str, limit: int, window: int = HOUR, **fields: Any) -> AlertRule:
    return AlertRule("r", measure, limit, window, **fields)


def test_every_measure_of_the_configuration_is_measured() -> None:
    from costtui.alerts.measures import MEASURED

    assert set(MEASURES) <= set(MEASURED)


# Sums -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("window", [300, HOUR, DAY, 9 * DAY])
def test_cost_is_that_of_the_window(world: World, window: int) -> None:
    for n in range(40):
        world.use(n * window / 30, "ann" if n % 3 else "bob", 7 + n)
    rows = [(t, who, nano) for t, who, nano in world.rows if t >= END - window]
    truth = {w: sum(nano for _, who, nano in rows if who == w) for w in ("ann", "bob")}
    assert world.values(rule("cost_over", 5, window, by=("consumer",))) == truth
    assert world.values(rule("cost_over", 5, window)) == {"": sum(truth.values())}
    where = (("consumer", "bob"),)
    assert world.values(rule("cost_over", 5, window, where=where)) == {"": truth["bob"]}


def test_a_limit_is_exceeded_above_it(world: World) -> None:
    world.use(60, nano=5)
    assert world.over(rule("cost_over", 5)) == set()
    assert world.over(rule("cost_over", 4)) == {""}


def test_cost_says_how_right_it_is(world: World) -> None:
    world.use(60, "ann", 5)
    world.use(60, "bob", 0, tokens=9, basis=CostBasis.UNPRICED)
    world.use(60, "eve", 5, basis=CostBasis.ESTIMATED)
    seen = world.see(rule("cost_over", 1, by=("consumer",))).seen
    assert {labels[0][1]: one.exactness for labels, one in seen.items()} == {
        "ann": Exactness.EXACT, "bob": Exactness.LOWER_BOUND, "eve": Exactness.ESTIMATE,
    }  # fmt: skip
    seen = world.see(rule("tokens_over", 1, by=("consumer",))).seen
    assert {one.exactness for one in seen.values()} == {Exactness.EXACT}


def test_counts_and_what_has_no_price(world: World) -> None:
    world.use(60, "ann", 5, tokens=100, requests=3)
    world.use(90, "bob", 0, tokens=70, basis=CostBasis.UNPRICED)
    by = ("consumer",)
    assert world.values(rule("tokens_over", 1, by=by)) == {"ann": 100, "bob": 70}
    assert world.values(rule("requests_over", 1, by=by)) == {"ann": 3, "bob": 1}
    assert world.values(rule("unpriced_over", 1, by=by)) == {"ann": 0, "bob": 70}
    assert world.over(rule("unpriced_over", 69)) == {""}


def test_teams_and_tags_are_those_of_the_configuration(world: World) -> None:
    world.people = (
        ("ann", Consumer("Ann", "red", tags=(("env", "prod"),))), ("b*", Consumer(team="blue")),
    )  # fmt: skip
    world.use(60, "ann", 5)
    world.use(70, "bob", 7)
    assert world.values(rule("cost_over", 1, by=("team",))) == {"red": 5, "blue": 7}
    assert world.values(rule("cost_over", 1, by=("tag:env",))) == {"prod": 5, "": 7}
    assert world.values(rule("cost_over", 1, where=(("team", "blue"),))) == {"": 7}


def test_a_dimension_that_is_gone_leaves_the_others_alone(world: World) -> None:
    world.use(60, "ann", 5)
    broken, fine = world.look(rule("cost_over", 1, by=("tag:gone",)), rule("cost_over", 1))
    assert broken is None
    assert fine is not None
    assert fine.seen[()].value == 5


# Shares ---------------------------------------------------------------------------------------


@given(st.integers(0, 50), st.integers(1, 60), st.integers(0, 1_000_000))
def test_a_share_is_over_when_the_fraction_is(part: int, whole: int, limit: int) -> None:
    value = ceil_div(part * 1_000_000, whole)
    assert (value > limit) == (Fraction(part, whole) > Fraction(limit, 1_000_000))


def test_errors_need_enough_requests(world: World) -> None:
    for n in range(20):
        world.use(60 + n, "ann", errors=int(n < 1))
    for n in range(3):
        world.use(60 + n, "bob", errors=1)
    by = ("consumer",)
    exactly = rule("error_share_over", 50_000, by=by, min_requests=4)
    assert world.values(exactly) == {"ann": 50_000}
    assert world.over(exactly) == set()
    assert world.over(replace(exactly, limit=49_999)) == {"ann"}
    assert world.values(replace(exactly, min_requests=0)) == {"ann": 50_000, "bob": 1_000_000}
    assert world.see(exactly).seen[ANN].note == "1 of 20 requests"


def test_throttled_requests_are_no_errors(world: World) -> None:
    world.use(60, "ann", throttled=1)
    world.use(60, "ann")
    world.use(60, "ann", errors=1)
    assert world.values(rule("throttled_share_over", 1)) == {"": 333_334}
    assert world.values(rule("error_share_over", 1)) == {"": 333_334}


# Rates ----------------------------------------------------------------------------------------


def test_projected_is_the_rate_times_the_time(world: World) -> None:
    world.use(60, nano=1000)
    observed = world.see(rule("projected_over", 23_999, HOUR, per=DAY))
    assert observed.seen[()][:3] == (24_000, True, Exactness.ESTIMATE)
    assert world.over(rule("projected_over", 24_000, HOUR, per=DAY)) == set()


BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize("zone", [UTC, BERLIN], ids=["utc", "berlin"])
def test_a_spike_is_beside_the_same_hour_of_the_weeks_before(world: World, zone: Any) -> None:
    """Over the end of summer time, too, where the same hour is 169 hours more than a week ago."""
    world.zone = zone
    world.now = datetime(2026, 11, 9, 10, 0, 30, tzinfo=zone).timestamp()
    world.retention = Retention(minute=400 * DAY)
    local = datetime.fromtimestamp(world.now, zone)
    usual = [900, 1000, 1100, 5000, 1000, 990, 1010]  # the oldest week is younger than the store
    for back, nano in enumerate(usual, 1):
        then = (local - timedelta(weeks=back) - timedelta(minutes=30)).timestamp()
        world.use(world.now - then, nano=nano)
        world.use(world.now - then + 2 * HOUR, nano=77_777)  # another hour
    world.use(60, nano=2500)
    # The first usage is before the seventh week's window, the eighth has none.
    spike = rule("spike_over", 2499, HOUR, min_cost_nano=2500)
    assert median(usual) == 1000
    assert world.see(spike).seen[()][:2] == (2500, True)
    assert world.over(replace(spike, limit=2500)) == set()
    assert world.over(replace(spike, min_cost_nano=2501)) == set()


def test_what_has_no_usual_is_unknown(world: World) -> None:
    world.use(5 * WEEK, "bob", 10)  # the store is old enough; ann is new
    world.use(60, "ann", 10)
    spike = rule("spike_over", 2000, by=("consumer",))
    observed = world.see(spike)
    assert not observed.seen
    assert observed.unknown == {ANN}
    # A rule that alerts on gaps does not on somebody new.
    assert world.see(replace(spike, no_data="alert")).unknown == frozenset()


def test_a_spike_needs_two_weeks(world: World) -> None:
    for back in (1, 2):
        world.use(back * WEEK + 600, nano=10)
    world.use(60, nano=100)
    spike = rule("spike_over", 2000)
    assert world.see(spike).unknown == {()}
    world.use(2 * WEEK + 2 * HOUR, nano=1)  # now the second week is known from its beginning
    assert world.values(spike) == {"": 10_000}


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=9))
def test_the_median(values: list[int]) -> None:
    assert Fraction(twice_the_median(values), 2) == Fraction(median([Fraction(v) for v in values]))


# Silence --------------------------------------------------------------------------------------


def test_silence_is_since_the_last_usage_of_who_had_some(world: World) -> None:
    world.use(3 * HOUR + 5, "ann")
    world.use(7 * HOUR, "ann")
    world.use(30 * 60, "bob")
    world.use(26 * HOUR, "gone")
    values = world.values(rule("silent_for", 2 * HOUR, DAY, by=("consumer",)))
    assert set(values) == {"ann", "bob"}
    # To the minute: as much as is certain.
    for who, ago in (("ann", 3 * HOUR + 5), ("bob", 30 * 60)):
        assert ago - 60 <= values[who] <= ago
    assert world.over(rule("silent_for", 2 * HOUR, DAY, by=("consumer",))) == {"ann"}
    assert world.over(rule("silent_for", 2 * HOUR, DAY)) == set()


@pytest.mark.parametrize("window", [HOUR, DAY, 12 * DAY])
def test_new_usage_ends_a_silence_for_a_reader_that_is_kept(world: World, window: int) -> None:
    """Read again is only what is new; the truth is a reader that begins anew."""
    from costtui.store.watching import WatchReader

    silent = rule("silent_for", 60, window, by=("consumer",))
    world.use(window / 2, "ann")
    world.store()
    with WatchReader(world.path, zone=UTC) as reader:
        for step, (ago, who) in enumerate([(900, "bob"), (2000, "ann"), (90, "ann"), (5, "eve")]):
            world.use(ago, who)
            world.store()
            kept = world.observed(reader, [silent])
            with WatchReader(world.path, zone=UTC) as other:
                assert kept == world.observed(other, [silent]), step
            last: dict[str, float] = {}
            for t, name, _ in world.rows:
                if t >= END - window:
                    last[name] = max(t, last.get(name, 0.0))
            assert kept[0] is not None
            found = {labels[0][1]: one.value for labels, one in kept[0].seen.items()}
            assert set(found) == set(last)
            for name, t in last.items():
                assert max(0, world.now - t - 60) <= found[name] <= world.now - t


# Sources --------------------------------------------------------------------------------------


def test_a_source_is_down_since_it_was_last_read(world: World) -> None:
    world.source("fine", interval=300.0, last_attempt=200, last_ok=200)
    world.source("down", interval=15.0, last_attempt=5, last_ok=400, failures=3, error="refused")
    world.source("late", interval=15.0, last_attempt=900, last_ok=900)
    world.source("new", interval=15.0)
    world.source("never", interval=15.0, last_attempt=5, failures=7)
    world.started = world.now - 70
    down = rule("source_down_for", 300, 60)
    assert world.values(down) == {
        "fine": 0, "down": 400, "late": 900 - 15 - 60, "new": 0, "never": 70,
    }  # fmt: skip
    assert world.over(down) == {"down", "late"}
    assert world.see(down).seen[(("source", "down"),)].note == "refused"


def test_what_a_source_that_is_down_carries_is_unknown(world: World) -> None:
    world.use(400, "ann", 5, source="up")
    world.use(400, "bob", 5, source="down")
    world.use(400, "eve", 50, source="down")
    world.source("up", interval=15.0, last_attempt=5, last_ok=5)
    world.source("down", interval=15.0, last_attempt=5, last_ok=300, failures=3)
    by = ("consumer",)
    observed = world.see(rule("cost_over", 10, by=by))
    assert observed.unknown == {BOB, (("consumer", "eve"),)}
    assert observed.seen[BOB].exactness is Exactness.LOWER_BOUND
    assert observed.seen[ANN].exactness is Exactness.EXACT
    assert observed.seen[(("consumer", "eve"),)].over  # what is known is over the limit
    # What it has not told is no silence.
    silent = world.see(rule("silent_for", 60, by=by))
    assert {labels[0][1] for labels, one in silent.seen.items() if one.over} == {"ann"}
    assert world.see(rule("cost_over", 10, where=(("consumer", "ann"),))).unknown == set()
    assert world.see(rule("cost_over", 10)).unknown == {()}


@pytest.mark.parametrize(
    ("fields", "blind"),
    [
        ({"last_attempt": 5, "last_ok": 5}, False),
        ({"last_attempt": 5, "last_ok": 20, "failures": 1}, True),
        ({"last_attempt": 500, "last_ok": 500}, True),
        ({"last_attempt": 59, "last_ok": 59}, False),
        ({"last_attempt": 5, "last_ok": 5, "lag_s": 300.0}, True),
        ({}, False),
    ],
)
def test_when_data_is_missing(world: World, fields: dict[str, Any], blind: bool) -> None:
    world.use(60, source="s")
    world.source("s", interval=15.0, **fields)
    assert (world.see(rule("cost_over", 10)).unknown == {()}) is blind


# Two sides ------------------------------------------------------------------------------------


def sides(world: World, seen: int) -> None:
    """Two hours, a request of a cent each minute, of which the other side saw `seen` nano-USD."""
    world.roles = {"prom": "reconcile"}
    for minute in range(1, 120):
        world.use(60 * minute, nano=10**7, source="page")
        world.use(60 * minute, nano=seen, source="prom")
    for name in world.roles | {"page": ""}:
        world.source(name, interval=15.0, last_attempt=1, last_ok=1,
                     role=world.roles.get(name, "count"))  # fmt: skip


@pytest.mark.parametrize(
    ("seen", "value"), [(10**7, 0), (8 * 10**6, 200_000), (15 * 10**6, 500_000), (0, 1_000_000)]
)
def test_a_difference_is_a_share_of_what_counts(world: World, seen: int, value: int) -> None:
    sides(world, seen)
    difference = rule("difference_over", 100_000, HOUR)
    observed = world.see(difference)
    labels = (("gateway", "gw"), ("source", "prom"))
    assert observed.seen[labels][:2] == (value, value > 100_000)
    assert world.over(replace(difference, limit=value)) == set()


def test_sides_that_do_not_overlap_are_not_compared(world: World) -> None:
    sides(world, 5)
    world.source("prom", interval=15.0, last_attempt=1, last_ok=3 * HOUR, failures=9)
    observed = world.see(rule("difference_over", 100_000, HOUR))
    assert observed.seen == {}
    assert observed.unknown == {(("gateway", "gw"), ("source", "prom"))}

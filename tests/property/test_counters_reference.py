"""Counter rules against a reference that knows the truth because it makes the traffic.

The model is a process with counters; the test decides what was swallowed by writing down, at
every use, whether a scrape saw it before the process died. It shares no code with the rules.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from costtui.sources.metrics.counters import Counters, Reading, Scrape

SERIES = ("s:a", "s:b", "s:c")


@dataclass
class World:
    """A target and what really happened."""

    says_start: bool
    clock: float = 1000.0
    started: float = 1000.0
    values: dict[str, int] = field(default_factory=dict)
    unseen: dict[str, int] = field(default_factory=dict)
    """Used since the last good scrape."""
    swallowed: int = 0
    used: int = 0

    def use(self, series: str, amount: int) -> None:
        self.values[series] = self.values.get(series, 0) + amount
        self.unseen[series] = self.unseen.get(series, 0) + amount
        self.used += amount

    def restart(self) -> None:
        self.swallowed += sum(self.unseen.values())
        self.unseen = {}
        self.values = {}
        self.started = self.clock


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("use"), st.sampled_from(SERIES), st.integers(0, 50)),
        st.just(("scrape",)),
        st.just(("scrape",)),
        st.just(("fail",)),
        st.just(("restart",)),
        st.just(("crash",)),
        st.tuples(st.just("hide"), st.sampled_from(SERIES)),
        st.just(("show",)),
        st.just(("lost append",)),
    ),
    max_size=60,
)


@settings(max_examples=400, deadline=None)
@given(STEPS, st.booleans(), st.booleans())
def test_never_more_than_the_truth_and_all_of_it_where_nothing_was_swallowed(
    steps: list[tuple[object, ...]], says_start: bool, together: bool
) -> None:
    world = World(says_start)
    counters = Counters("t", together=together)
    stored: dict[str, str] = {}
    counters.restore(stored)
    hidden: set[str] = set()
    emitted = 0
    marked = False
    resets = 0
    ambiguous = False
    restarts = 0

    def scrape(append: bool) -> None:
        nonlocal emitted, marked, resets
        counters.attempt(world.clock)
        readings = [
            Reading(key, "m", value, 0.0, key)
            for key, value in world.values.items()
            if key not in hidden
        ]
        at = Scrape(world.clock, world.started if world.says_start else 0.0, 0.0, frozenset({"m"}))
        restarted = counters.restarted(readings, at)
        advance = counters.advance(readings, at, restarted=restarted)
        parts = counters.checkpoint(advance)
        if not append:
            counters.restore(stored)
            return
        for part, state in parts.items():
            if state is None:
                stored.pop(part, None)
            else:
                stored[part] = state
        counters.commit(advance)
        emitted += sum(o.delta for o in advance.outcomes)
        marked = marked or any(o.lost for o in advance.outcomes)
        resets += advance.resets
        for key in world.values:
            if key not in hidden:
                world.unseen[key] = 0

    scrape(True)  # the baseline: an idle target
    for step in steps:
        world.clock += 10.0
        match step:
            case ("use", str(series), int(amount)):
                world.use(series, amount)
            case ("scrape",):
                scrape(True)
            case ("lost append",):
                scrape(False)
            case ("restart",):
                world.restart()
                restarts += 1
                # Without a start time, one that grows past its old value again cannot be told
                # from one that went on.
                ambiguous = ambiguous or not says_start
            case ("crash",):
                counters = Counters("t", together=together)
                counters.restore(stored)
            case ("hide", str(series)):
                hidden.add(series)
            case ("show",):
                hidden.clear()
    hidden.clear()
    scrape(True)

    assert emitted <= world.used
    if not ambiguous:
        assert emitted == world.used - world.swallowed
    if not restarts:
        assert emitted == world.used
        assert resets == 0
        assert not marked


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 9), min_size=2, max_size=2), min_size=1, max_size=20),
    st.integers(0, 19),
)
def test_counters_that_live_together_show_a_restart_by_any_of_them(
    uses: list[list[int]], restart_at: int
) -> None:
    """Without a start time, one series that fell makes the others' whole values count."""
    counters = Counters("t", together=True)
    counters.restore({})
    values = [0, 0]
    emitted = 0
    truth = 0
    fell = True
    for number, added in enumerate([[0, 0], *uses]):
        if number == restart_at + 1:
            # Right after a scrape: nothing is swallowed.
            fell = any(added[i] < values[i] for i in (0, 1))
            values = [0, 0]
        values = [v + a for v, a in zip(values, added, strict=True)]
        truth += sum(added)
        readings = [Reading(f"s:{i}", "m", v, 0.0, i) for i, v in enumerate(values)]
        at = Scrape(10.0 * number + 10.0, names=frozenset({"m"}))
        advance = counters.advance(readings, at, restarted=counters.restarted(readings, at))
        counters.commit(advance)
        emitted += sum(o.delta for o in advance.outcomes)
    assert emitted <= truth
    if fell:
        assert emitted == truth


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=30))
def test_differences_telescope(values: list[int]) -> None:
    rising = sorted(values)
    counters = Counters("t")
    counters.restore({})
    total = 0
    for number, value in enumerate(rising):
        reading = Reading("s:x", "m", value, 0.0, None)
        advance = counters.advance([reading], Scrape(1.0 + number, names=frozenset({"m"})))
        counters.commit(advance)
        total += advance.outcomes[0].delta
    assert total == rising[-1] - rising[0]

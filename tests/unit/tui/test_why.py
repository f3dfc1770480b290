"""What is said about what moved."""

from __future__ import annotations

from typing import Any

import pytest

from costtui.analysis.blame import Contribution, split
from costtui.model.snapshot import Filter, Totals
from costtui.model.timewindow import WINDOWS
from costtui.tui.cells import cell_len
from costtui.tui.why import cause, covering, signed, times, who

NANO = 10**9


def used(requests: int, tokens: int, nano: int) -> Totals:
    return Totals(requests=requests, input=tokens, effective_nano=nano)


def moved(before: Totals, now: Totals, **values: str) -> Contribution:
    dims = {"model": "gpt-5", "consumer": "search", "gateway": "kong-eu", **values}
    return Contribution(tuple(dims.items()), before, now, split(before, now))


@pytest.mark.parametrize(
    ("before", "now", "says"),
    [
        ((100, 1000, 1000), (310, 3100, 3100), "3.1 × the requests"),
        ((100, 1000, 1000), (112, 1120, 1120), "12% more requests"),
        ((100, 1000, 1000), (60, 600, 600), "40% fewer requests"),
        ((100, 1000, 1000), (100, 1000, 1400), "40% more for the same tokens"),
        ((100, 1000, 1000), (100, 1000, 2500), "2.5 × for the same tokens"),
        ((100, 1000, 1000), (100, 2300, 2300), "requests 2.3 × as big"),
        ((100, 1000, 1000), (100, 1200, 1200), "requests 20% bigger"),
        ((100, 1000, 1000), (100, 800, 800), "requests 20% smaller"),
        ((0, 0, 0), (412, 1000, 1000), "new, 412 requests"),
        ((412, 1000, 1000), (0, 0, 0), "gone, it had 412 requests"),
        ((0, 1000, 1000), (0, 2500, 2500), "2.5 × the tokens"),
        ((0, 1000, 1000), (0, 1500, 1500), "50% more tokens"),
        ((0, 0, 1000), (0, 0, 1500), "more money"),
        ((0, 0, 0), (0, 0, 1500), "new"),
        ((10, 100, 0), (10, 100, 900), "it had no price"),
        ((10, 0, 100), (10, 0, 900), "9.0 × for the same requests"),
    ],
)
def test_the_cause_in_words(before: Any, now: Any, says: str) -> None:
    assert cause(moved(used(*before), used(*now))) == says


def test_who_leaves_out_what_is_fixed_and_never_says_nothing() -> None:
    c = moved(used(1, 1, 1), used(2, 2, 2), consumer="", endpoint="/v1/\x1b[2Jchat")
    plain = who(c, lambda _, value: value)
    assert plain == "gpt-5 × (none) × kong-eu × /v1/\\x1b[2Jchat"
    filters = (Filter("model", "gpt-5"), Filter("gateway", "kong", "*"))
    assert who(c, lambda _, v: v, filters) == "(none) × kong-eu × /v1/\\x1b[2Jchat"
    every = tuple(Filter(d, v) for d, v in c.values)
    assert who(c, lambda _, v: v, every) == "gpt-5"
    assert who(c, lambda d, v: "Search team" if d == "consumer" else v).split(" × ")[1] == (
        "Search team"
    )


def test_signs_and_factors() -> None:
    assert signed(12_400_000_000, 10) == "+$12.40"
    assert signed(-3_100_000_000, 10) == "-$3.10"
    assert signed(0, 10) == "-"
    assert times(1_234_000, 1) == "1,234,000 ×"
    assert times(1001, 1000) == "0.1% more"
    assert times(99, 100) == "1.0% less"


def test_a_step_is_shown_in_the_shortest_window_that_holds_it() -> None:
    assert [covering(s) for s in (60, 600, 3600, 21_600, 86_400, 86_401, 10**9)] == [
        "15m", "15m", "1h", "6h", "24h", "7d", "30d",
    ]  # fmt: skip
    assert {covering(w.step) for w in WINDOWS} <= {w.name for w in WINDOWS if w.seconds}


def test_names_that_differ_at_their_ends_stay_apart_where_there_is_little_room() -> None:
    def of(gateway: str) -> Contribution:
        values = (("model", "claude-sonnet-4-5"), ("gateway", gateway))
        return moved(used(1, 1, 1), used(2, 2, 2))._replace(values=values)

    rows = [who(of(f"agentgateway-{n}"), lambda _, v: v, width=24) for n in (1, 2)]
    assert rows[0] != rows[1]
    assert all(cell_len(row) <= 24 for row in rows)
    assert [row[-1] for row in rows] == ["1", "2"]
    assert who(of("eu"), lambda _, v: v, width=24) == "claude-sonnet-4-5 × eu"

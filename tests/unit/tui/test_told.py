"""What is drawn of the month on a young store: what is known, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime

from costtui.analysis.forecast import forecast
from costtui.model.budget import Course, Estimate
from costtui.model.outlook import Outlook
from costtui.model.snapshot import Totals, View
from costtui.model.timewindow import WINDOW_BY_NAME, window_at
from costtui.tui.told import Row, Told, month_line
from costtui.tui.widgets.budget_detail import points

NANO, HOUR, DAY = 10**9, 3600, 86_400
NOW = int(datetime(2026, 11, 26, 19, 7, tzinfo=UTC).timestamp())
UNTIL = int(datetime(2026, 12, 1, tzinfo=UTC).timestamp())


def told(earliest: int, hours: tuple[int | None, ...], spent: int) -> Told:
    view = View(window_at(WINDOW_BY_NAME["month"], NOW, UTC), ())
    start = NOW // HOUR * HOUR - len(hours) * HOUR
    sums = Totals(requests=1, effective_nano=spent)
    outlook = Outlook(view, 1, UNTIL, start, hours, sums, Totals(), "model", (), earliest=earliest)
    made = forecast(hours, start, NOW, UNTIL, UTC)
    return Told(outlook, made, (), Row("", None, spent, total=True))  # type: ignore[arg-type]


def test_nothing_is_drawn_before_the_first_usage_nor_ahead() -> None:
    """Two minutes old; $2.01 are spent, all of it on the 26th."""
    found = told(NOW - 120, (), 2_010_000_000)
    points = month_line(found, 300)
    now = (NOW - found.outlook.view.window.start) * 300 // (30 * DAY)
    assert len(points) == now + 1
    assert [p.value for p in points[:-1]] == [0] * now
    assert points[-1].value == 2_010_000_000


def test_what_no_whole_hour_holds_came_after_the_first_usage() -> None:
    """Three and a half hours old: $5 before the first whole hour, $1 in each of three."""
    first = NOW // HOUR * HOUR - 3 * HOUR
    found = told(first - 1500, (NANO, NANO, NANO), 8 * NANO)
    start = found.outlook.view.window.start
    points = month_line(found, 30 * 24)
    at = (first - start) // HOUR
    assert not any(p.value for p in points[: at - 1])
    assert [p.value for p in points[at - 1 : at + 3]] == [5 * NANO, 6 * NANO, 7 * NANO, 8 * NANO]


def test_with_history_the_line_goes_on_from_what_is_spent() -> None:
    found = told(NOW - 40 * DAY, (NANO,) * (30 * 24), 600 * NANO)
    points = month_line(found, 60)
    assert len(points) == 60
    assert points[-1].ahead
    before = [p for p in points if not p.ahead]
    assert before[-1].value == 600 * NANO, "the column that holds now is what is spent"


def test_a_budget_of_today_shows_what_is_spent_in_the_column_of_now() -> None:
    start = NOW // DAY * DAY
    spent = Estimate(NANO, NANO, NANO)
    past = ((start, 0), (NOW - 120, 0), (NOW, NANO))
    for ahead in ((), ((NOW, spent), (start + DAY, Estimate(2 * NANO, NANO, 3 * NANO)))):
        course = Course(start, start + DAY, NOW, 5 * NANO, past, (), ahead, bool(ahead))
        found = points(course, 48)
        solid = [p for p in found if not p.ahead]
        assert solid[-1].value == NANO
        assert not any(p.value for p in solid[:-1])
        assert len(found) == (48 if ahead else len(solid))

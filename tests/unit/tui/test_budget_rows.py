"""The tree of budgets: who is under whom, what is folded, found, sorted, and how alerts stand."""

from __future__ import annotations

import importlib.util
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from costtui.config.alert_schema import SHARE, BudgetConfig
from costtui.engine.muting import muted
from costtui.model.charge import Exactness
from costtui.model.snapshot import Filter
from costtui.tui import budget_rows as made
from costtui.tui.budget_visit import visited
from costtui.tui.glyphs import ASCII, UNICODE
from costtui.tui.look import Look
from costtui.tui.quieting import parse_silence
from costtui.tui.state import State
from costtui.tui.widgets.budget_bar import share_bar
from costtui.tui.widgets.budget_detail import points


def _fakes() -> ModuleType:
    path = Path(__file__).resolve().parents[2] / "snapshot" / "fakes_budgets.py"
    spec = importlib.util.spec_from_file_location("budget_fakes_for_rows", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


FAKES = _fakes()
NANO = 10**9


class Data:
    def __init__(self, lines: Any) -> None:
        self.lines, self.asked = lines, []  # type: ignore[var-annotated]

    def budgets(self, budgets: Any, now: float, sources: Any = None) -> Any:
        self.asked.append((now, sources))
        return self.lines


def stood(budgets: Any = FAKES.TREE, lines: Any = None, *, live: bool = True) -> made.Stood:
    found = FAKES.lines(budgets, FAKES.NOW) if lines is None else lines
    return made.stand(Data(found), budgets, FAKES.NOW, frozenset({"log"}), live=live)


def rows(wanted: made.Wanted | None = None, **options: Any) -> list[made.Row]:
    alerts = options.pop("alerts", made.Alerts((), {}))
    return made.rows(stood(**options), alerts, wanted or made.Wanted(), lambda _, v: v)


def names(found: list[made.Row]) -> list[str]:
    return [
        "  " * r.depth + (f"+{r.more}" if r.more else r.whole.budget.name if r.head
                          else made.labels_text(r.line.labels, lambda _, v: v) if r.line else "?")
        for r in found
    ]  # fmt: skip


def test_parts_are_under_what_they_are_part_of() -> None:
    assert names(rows()) == [
        "company", "  team", "    discovery", "    payments", "    support", "    (none)",
        "  anthropic", "a day", "a week", "thirty days",
    ]  # fmt: skip


def test_a_budget_whose_parent_is_not_configured_is_a_root() -> None:
    (row,) = rows(budgets=(BudgetConfig("x", NANO, parent="gone"),), lines=[])
    assert (row.depth, row.line) == (0, None)


def test_ten_thousand_label_sets_are_ten_rows_until_one_asks() -> None:
    lines = FAKES.many(10_000)
    folded = rows(budgets=FAKES.MANY, lines=lines)
    assert len(folded) == 12
    assert names(folded)[-1] == "  +9990"
    every = rows(made.Wanted(folds=(("each", made.ALL),)), budgets=FAKES.MANY, lines=lines)
    assert len(every) == 10_001
    closed = rows(made.Wanted(folds=(("each", made.CLOSED),)), budgets=FAKES.MANY, lines=lines)
    assert names(closed) == ["each"]
    head = folded[0]
    assert made.next_fold(head) == made.ALL
    assert made.next_fold(head._replace(fold=made.ALL)) == made.CLOSED
    assert made.next_fold(head._replace(fold=made.CLOSED)) == made.SOME


def test_the_row_over_label_sets_adds_them_up() -> None:
    lines = FAKES.many(100)
    whole = stood(FAKES.MANY, lines).wholes[0]
    assert whole.spent == sum(line.spent for line in lines)
    assert whole.passed == sum(line.spent > line.limit for line in lines)
    assert whole.next_end == min(line.reaches for line in lines if line.reaches)
    some = [lines[0]._replace(exactness=Exactness.LOWER_BOUND), *lines[1:]]
    assert stood(FAKES.MANY, some).wholes[0].exactness == Exactness.LOWER_BOUND


def test_exactly_all_of_it_is_reached_and_a_nano_more_is_passed() -> None:
    (budget,) = FAKES.MANY
    for spent, passed, reached in ((100 * NANO - 1, 0, 0), (100 * NANO, 0, 1),
                                   (100 * NANO + 1, 1, 0)):  # fmt: skip
        whole = stood(FAKES.MANY, [FAKES.line(budget, spent)]).wholes[0]
        assert (whole.passed, whole.reached) == (passed, reached)


def test_of_the_past_no_source_is_called_missing() -> None:
    data = Data([])
    made.stand(data, (), 5.0, frozenset({"log"}), live=False)
    made.stand(data, (), 6.0, frozenset({"log"}), live=True)
    assert data.asked == [(5.0, frozenset()), (6.0, frozenset({"log"}))]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("disc", ["company", "  team", "    discovery"]),
        ("provider=anthropic", ["company", "  anthropic"]),
        ("TEAM=support", ["company", "  team", "    support"]),
        ("a !company !team !anthropic !thirty", ["a day", "a week"]),
        ("nothing like it", []),
        ("team", ["company", "  team", "    discovery", "    payments", "    support",
                  "    (none)"]),
    ],
)  # fmt: skip
def test_words_keep_what_has_them_and_what_it_is_part_of(words: str, expected: list[str]) -> None:
    assert names(rows(made.Wanted(words=words))) == expected


@pytest.mark.parametrize("sort", made.SORTS)
@pytest.mark.parametrize("reverse", [False, True])
def test_every_order_keeps_parts_under_their_whole(sort: str, reverse: bool) -> None:
    found = rows(made.Wanted(sort=sort, reverse=reverse))
    assert sorted(names(found)) == sorted(names(rows()))
    for before, after in pairwise(found):
        assert after.depth <= before.depth + 1
        if after.depth > before.depth:
            parent = before.whole.budget.name
            assert after.whole.budget.name == parent or after.whole.budget.parent == parent


def test_orders_put_first_what_one_looks_for() -> None:
    def roots(sort: str, *, reverse: bool = False) -> list[str]:
        found = rows(made.Wanted(sort=sort, reverse=reverse))
        return [r.whole.budget.name for r in found if r.depth == 0]

    assert roots("used") == ["a week", "company", "thirty days", "a day"]
    assert roots("name") == ["a day", "a week", "company", "thirty days"]
    assert roots("ends")[0] == "company"
    assert roots("spent", reverse=True)[0] == "a day"
    assert roots("order", reverse=True)[0] == "thirty days"
    teams = [n.strip() for n in names(rows(made.Wanted(sort="left"))) if n.startswith("    ")]
    assert teams == ["discovery", "payments", "support", "(none)"]


def test_a_reversed_group_is_reversed_once() -> None:
    lines = FAKES.many(5)
    plain = names(rows(budgets=FAKES.MANY, lines=lines))[1:]
    assert (
        names(rows(made.Wanted(reverse=True), budgets=FAKES.MANY, lines=lines))[1:] == plain[::-1]
    )


def alerts() -> made.Alerts:
    statuses = FAKES.firing()
    found = muted((), FAKES.TREE, statuses, FAKES.silences(), FAKES.acks(), FAKES.NOW)
    return made.Alerts(statuses, found)


def test_each_row_has_the_word_of_its_alerts() -> None:
    found = dict(zip(names(rows()), rows(alerts=alerts()), strict=True))
    words = {name.strip(): row.standing.word for name, row in found.items()}
    assert words == {
        "company": "firing", "team": "acked", "discovery": "acked", "payments": "silenced",
        "support": "ok", "(none)": "ok", "anthropic": "ok", "a day": "ok", "a week": "firing",
        "thirty days": "ok",
    }  # fmt: skip
    assert found["company"].standing.step == "80%"
    assert rows()[0].standing.word == ""


def test_the_steps_of_a_row_begin_with_the_highest() -> None:
    steps = alerts().steps(FAKES.TREE[0], ())
    assert [(s.name, made.word_of(s)) for s in steps] == [
        ("80%", "firing"), ("50%", "inhibited"), ("forecast", "pending"),
    ]  # fmt: skip


def test_a_bar_is_full_at_a_step_exactly_when_it_is_reached() -> None:
    class Plain:
        """No colours."""

        base = None
        plain: Any = ()

        def style(self, role: str) -> Any:
            return None

    def text(spent: int, ahead: int = 0, width: int = 10, glyphs: Any = UNICODE) -> str:
        look = Look(Plain(), glyphs, None)  # type: ignore[arg-type]
        steps = (SHARE // 2, SHARE * 8 // 10, SHARE)
        line = share_bar(look, width, spent, ahead, steps, "bar")
        assert line.width == width
        return "".join(s.text for s in line.segments)

    full = UNICODE.marks[0]
    for width in range(8, 40):
        for at, step in enumerate((SHARE // 2, SHARE * 8 // 10, SHARE), 1):
            assert text(step, width=width).count(full) == at
            assert text(step - 1, width=width).count(full) == at - 1
    assert text(0) == "┄┄┄│┄│┄│┄┄"
    assert text(1) == "━┄┄│┄│┄│┄┄"
    assert text(SHARE * 3) == "━━━┿━┿━┿━━"
    assert text(SHARE // 2, SHARE) == "━━━┿─┼─┼┄┄"
    assert text(SHARE // 2, SHARE, glyphs=ASCII) == "===#-+-+.."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("spend 2h", ("spend", 7200, "")),
        ("budget team 90m the big load", ("budget team", 5400, "the big load")),
        ("budget 1d", ("budget", 86_400, "")),
    ],
)
def test_a_typed_silence(text: str, expected: tuple[str, int, str]) -> None:
    assert parse_silence(text, ["spend", "budget", "budget team"]) == expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("spent 2h", 'no alert is called "spent" .did you mean "spend"'),
        ("buget team 2h x", 'called "buget team" .did you mean "budget team"'),
        ("team 2h", 'called "team" .did you mean "budget team"'), ("spend", "for how long"),
        ("spend soon", "soon is not a duration"), ("spend 5s", "a minute or more"),
        ("", "no alert"), ("spendthrift 2h", "no alert"),
    ],
)  # fmt: skip
def test_a_typed_silence_that_makes_no_sense(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_silence(text, ["spend", "budget team"])


def test_a_budget_leads_to_its_own_usage_and_no_other() -> None:
    state = State(filters=(Filter("model", "gpt-5"),), window="1h")
    company, team, _, day, week, rolling = FAKES.TREE
    now = stood()
    for budget, window in ((company, "month"), (team, "month"), (day, "today"), (rolling, "30d")):
        there = visited(state, (Filter("team", "a"),), FAKES.line(budget, NANO), now)
        assert (there.window, there.zoom, there.past) == (window, None, False)
        assert there.filters == (Filter("team", "a"),)
        back = there.climb()
        assert back is not None
        assert back[0] == state
        assert there.trail[-1].screen == "budgets"
    line = FAKES.line(week, NANO)
    there = visited(state, (), line, now)
    assert there.zoom == (line.start, int(-(-FAKES.NOW // 60) * 60))
    past = visited(state, (), FAKES.line(day, NANO), stood(live=False))
    assert (past.anchor, past.window) == (FAKES.NOW, "today")


def test_a_chart_ends_where_the_row_says() -> None:
    line = FAKES.line(FAKES.TREE[0], 4000 * NANO)
    course = FAKES.course(line, FAKES.NOW)
    found = points(course, 100)
    assert len(found) == 100
    assert found[-1].value == line.ahead.nano
    assert (found[-1].low, found[-1].high) == line.ahead[1:]
    assert all(a.value <= b.value for a, b in pairwise(found))
    rolling = FAKES.line(FAKES.TREE[5], NANO)
    last = points(FAKES.course(rolling, FAKES.NOW), 50)[-1]
    assert not last.ahead

"""Who is told what and when; what mutes; words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costtui.alerts.muting import inhibited, matches, silenced
from costtui.alerts.telling import Letter, Muting, letters, standing
from costtui.alerts.watches import watches
from costtui.alerts.words import summary
from costtui.config.alert_schema import AlertRule, BudgetConfig, NotifierConfig
from costtui.model.alert import UNITS, Ack, AlertStatus, Labels, Matcher, Silence, episode_id
from costtui.model.charge import Exactness
from costtui.model.quantity import length_text, quantity_text

HOUR = 3600
RULE = AlertRule("day", "cost_over", 5 * 10**9, 86400, "24h", by=("team",), severity="warning",
                 labels=(("route", "money"),))  # fmt: skip
TEAM: Labels = (("team", "x"),)
HOOK = NotifierConfig("hook", "webhook", repeat=4 * HOUR)
PAGE = NotifierConfig("page", "slack", severity="critical", repeat=None)
ONCE = NotifierConfig("once", "command", repeat=None, resolved=False)
AM = NotifierConfig("am", "alertmanager", repeat=4 * HOUR)


class Heard(NamedTuple):
    state: str
    at: float
    waiting: bool = False


def status(
    state: str = "firing", at: float = 0.0, labels: Labels = TEAM, **more: Any
) -> AlertStatus:
    fired = more.pop("fired_at", 0.0)
    rule = more.pop("rule", "day")
    return AlertStatus(
        rule, labels, state, more.pop("severity", "warning"), 7 * 10**9, 5 * 10**9, at, "24h",
        active_at=fired, fired_at=fired, resolved_at=at if state == "resolved" else 0.0,
        id=episode_id(rule, labels, fired), **more,
    )  # fmt: skip


class Desk:
    """Keeps what was told, as the store does."""

    def __init__(self, *notifiers: NotifierConfig, rule: AlertRule = RULE) -> None:
        self.notifiers, self.rule = notifiers, rule
        self.told: dict[tuple[str, str], Heard] = {}
        self.before: list[AlertStatus] = []

    def tell(
        self, after: list[AlertStatus], now: float, silences: tuple[Silence, ...] = (),
        acks: tuple[Ack, ...] = (), rules: list[AlertRule] | None = None,
    ) -> list[tuple[str, str]]:  # fmt: skip
        return [(to, event.state) for to, event in self.sent(after, now, silences, acks, rules)]

    def sent(
        self, after: list[AlertStatus], now: float, silences: tuple[Silence, ...] = (),
        acks: tuple[Ack, ...] = (), rules: list[AlertRule] | None = None,
    ) -> list[Letter]:  # fmt: skip
        watched = watches([self.rule] if rules is None else rules, [])
        out = letters(
            watched, self.before, after, self.told, self.notifiers, Muting(silences, acks), now
        )
        for name, event in out:
            self.told[event.id, name] = Heard(event.state, now)
        self.before = after
        return out


def test_a_firing_alert_is_told_once_and_its_end_too() -> None:
    desk = Desk(HOOK, PAGE, ONCE)
    assert desk.tell([status("pending", 0.0)], 0.0) == []
    assert desk.tell([status()], 10.0) == [("hook", "firing"), ("once", "firing")]
    assert desk.tell([status()], 25.0) == []
    assert desk.tell([status("resolved", 40.0)], 40.0) == [("hook", "resolved")]
    assert desk.tell([status("resolved", 40.0)], 55.0) == []
    assert desk.tell([status(fired_at=60.0)], 60.0) == [("hook", "firing"), ("once", "firing")]


def test_a_notifier_hears_of_what_is_severe_enough_and_meant_for_it() -> None:
    desk = Desk(HOOK, PAGE)
    assert desk.tell([status(severity="critical")], 0.0) == [("hook", "firing"), ("page", "firing")]
    only = Desk(HOOK, PAGE, rule=replace(RULE, notify=("page",)))
    assert only.tell([status(severity="critical")], 0.0) == [("page", "firing")]
    nobody = Desk(HOOK, rule=replace(RULE, notify=()))
    assert nobody.tell([status(severity="critical")], 0.0) == []


def test_it_is_told_again_after_the_repeat_of_each_notifier() -> None:
    """Not to an Alertmanager: its lane does that each minute, without parcels."""
    desk = Desk(HOOK, ONCE, AM)
    desk.tell([status()], 0.0)
    times = range(60, 8 * HOUR + 1, 60)
    heard = [(t, to) for t in times for to, _ in desk.tell([status()], t)]
    assert heard == [(4 * HOUR, "hook"), (8 * HOUR, "hook")]


def test_an_alertmanager_is_told_of_every_end() -> None:
    desk = Desk(replace(HOOK, resolved=False), replace(AM, resolved=False))
    desk.tell([status()], 0.0)
    assert desk.tell([status("resolved")], 60.0) == [("am", "resolved")]


def test_what_stands_is_what_fires_and_was_heard() -> None:
    desk = Desk(HOOK, AM)
    desk.tell([status()], 0.0)
    watched = watches([RULE], [])
    (event,) = standing(watched, [status()], desk.told)
    assert (event.id, event.state, event.notify) == (status().id, "firing", ("am", "hook"))
    assert standing(watched, [status("resolved")], desk.told) == []
    waiting = {key: heard._replace(waiting=True) for key, heard in desk.told.items()}
    assert standing(watched, [status()], waiting) == []
    assert standing(watched, [status()], {}) == []


def test_what_waits_to_be_delivered_is_not_piled_up() -> None:
    desk = Desk(AM)
    desk.tell([status()], 0.0)
    desk.told = {key: heard._replace(waiting=True) for key, heard in desk.told.items()}
    assert desk.tell([status()], 1000.0) == []
    assert desk.tell([status("resolved", 1001.0)], 1001.0) == [("am", "resolved")]


ALL = (Matcher("alert", "=", "day"),)


def test_a_silence_mutes_and_its_end_is_told() -> None:
    desk = Desk(HOOK)
    quiet = (Silence(1, ALL, 0.0, 100.0),)
    assert desk.tell([status()], 10.0, quiet) == []
    assert desk.tell([status()], 99.9, quiet) == []
    assert desk.tell([status()], 100.0, quiet) == [("hook", "firing")]
    assert desk.tell([status()], 115.0, quiet) == []
    # The same with an alert that was told before the silence.
    later = (*quiet, Silence(2, ALL, 120.0, 200.0))
    assert desk.tell([status()], 150.0, later) == []
    assert desk.tell([status()], 200.0, later) == [("hook", "firing")]
    assert desk.tell([status()], 215.0, later) == []
    # One that was taken back before it began is none.
    never = (*later, Silence(3, ALL, 220.0, 220.0))
    assert desk.tell([status()], 230.0, never) == []


def test_who_heard_of_the_beginning_hears_of_the_end() -> None:
    told = Desk(HOOK)
    told.tell([status()], 0.0)
    quiet = (Silence(1, ALL, 5.0, 100.0),)
    acks = (Ack("day", TEAM, status().id, 5.0),)
    assert told.tell([status("resolved", 10.0)], 10.0, quiet, acks) == [("hook", "resolved")]
    untold = Desk(HOOK)
    assert untold.tell([status()], 6.0, quiet) == []
    assert untold.tell([status("resolved", 10.0)], 10.0, quiet) == []


def test_an_acknowledged_episode_is_not_told_again_but_the_next_one_is() -> None:
    desk = Desk(AM)
    desk.tell([status()], 0.0)
    acks = (Ack("day", TEAM, status().id, 5.0),)
    assert desk.tell([status()], 1000.0, acks=acks) == []
    desk.tell([status("resolved", 1010.0)], 1010.0, acks=acks)
    assert desk.tell([status(fired_at=1020.0)], 1020.0, acks=acks) == [("am", "firing")]


def test_a_rule_that_leaves_the_configuration_ends_what_it_told() -> None:
    desk = Desk(HOOK)
    desk.tell([status()], 0.0)
    ((name, event),) = desk.sent([], 50.0, rules=[])
    assert (name, event.state, event.resolved_at, event.id) == (
        "hook",
        "resolved",
        50.0,
        status().id,
    )


def test_an_event_says_everything() -> None:
    ((_, event),) = Desk(HOOK).sent([status(cause="bob did it")], 0.0)
    assert event.summary == "day (team=x): $7.00 spent in 24h, limit $5.00"
    assert (event.cause, event.extra, event.notify) == ("bob did it", RULE.labels, None)
    assert (event.unit, event.value, event.limit) == ("cost", 7 * 10**9, 5 * 10**9)


# What mutes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("matcher", "fits"),
    [
        (("alert", "=", "day"), True),
        (("alert", "!=", "day"), False),
        (("team", "=", "x"), True),
        (("team", "=~", "x|y"), True),
        (("team", "=~", "."), True),
        (("alert", "=~", "da"), False),  # the whole value
        (("alert", "!~", "da"), True),
        (("severity", "=", "warning"), True),
        (("route", "=", "money"), True),
        (("absent", "=", ""), True),
        (("absent", "!=", ""), False),
        (("team", "=~", "("), False),
        (("team", "!~", "("), False),
        (("team", "?", "x"), False),
    ],
)
def test_a_matcher(matcher: tuple[str, str, str], fits: bool) -> None:
    one = Silence(1, (Matcher(*matcher),), 0.0, 9.0)
    assert matches(one, status(), RULE.labels) is fits
    assert matches(one._replace(matchers=(*ALL, *one.matchers)), status(), RULE.labels) is fits


def test_a_silence_without_a_matcher_mutes_nothing() -> None:
    assert not matches(Silence(1, (), 0.0, 9.0), status())
    long, short = Silence(1, ALL, 0.0, 90.0), Silence(2, ALL, 0.0, 9.0)
    assert silenced([short, long], status(), (), 5.0) == long
    assert silenced([short], status(), (), 9.0) is None


def firing(name: str, step: str, *scope: tuple[str, str]) -> AlertStatus:
    return status(labels=(*scope, ("step", step)), rule=f"budget {name}")


RED, BLUE = ("team", "red"), ("team", "blue")
MODEL = ("model", "m")


@pytest.mark.parametrize(
    ("told", "muted"),
    [
        # a higher step says more than a lower one, of the same scope
        ([("child", "50%", RED, MODEL), ("child", "80%", RED, MODEL)], {0}),
        ([("child", "50%", RED, MODEL), ("child", "80%", BLUE, MODEL)], set()),
        # the same or a higher step of the whole
        ([("parent", "80%", RED), ("child", "80%", RED, MODEL)], {1}),
        ([("parent", "80%", RED), ("child", "100%", RED, MODEL)], set()),
        ([("parent", "80%", BLUE), ("child", "80%", RED, MODEL)], set()),
        # what is spent entirely, at any height
        ([("top", "100%"), ("child", "burn", RED, MODEL), ("parent", "50%", RED)], {1, 2}),
        ([("parent", "forecast", RED), ("child", "forecast", RED, MODEL)], {1}),
        ([("parent", "forecast", RED), ("child", "burn", RED, MODEL)], set()),
        ([("child", "100%", RED, MODEL), ("parent", "50%", RED)], set()),
    ],
)
def test_a_budget_mutes_its_parts(told: list[Any], muted: set[int]) -> None:
    budgets = [
        BudgetConfig("top", 9, burn_over=2000),
        BudgetConfig("parent", 5, by=("team",), parent="top", burn_over=2000),
        BudgetConfig("child", 3, by=("team", "model"), parent="parent", burn_over=2000),
    ]
    statuses = [firing(*one) for one in told]
    found = inhibited(watches([], budgets), statuses)
    assert found == {statuses[n].id for n in muted}
    quiet = [replace(one, state="resolved") for one in statuses]
    assert inhibited(watches([], budgets), quiet) == set()


# Words ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("unit", "value", "text"),
    [
        ("cost", 12_300_000_000, "$12.30"), ("cost", 0, "$0.00"), ("cost", 1_000, "$0.000001"),
        ("cost", 1_234_567_890_000_000, "$1,234,567.89"), ("tokens", 1, "1 token"),
        ("tokens", 1_204, "1,204 tokens"), ("requests", 2, "2 requests"), ("share", 50_000, "5%"),
        ("share", 1_234, "0.12%"), ("share", 2_000_000, "200%"), ("factor", 2_500, "2.5x"),
        ("factor", 12_000, "12x"), ("seconds", 12_000, "3h 20m"), ("seconds", 0, "0s"),
        ("seconds", 86_401, "1d"), ("seconds", 45, "45s"), ("seconds", 90, "1m 30s"),
    ],
)  # fmt: skip
def test_quantities(unit: str, value: int, text: str) -> None:
    assert unit in UNITS
    assert quantity_text(unit, value) == text
    assert quantity_text(unit, value, Exactness.LOWER_BOUND) == f"≥{text}"


@given(st.integers(0, 10**10))
def test_a_length_has_two_units_at_most(seconds: int) -> None:
    sizes = {"d": 86400, "h": 3600, "m": 60, "s": 1}
    words = length_text(seconds).split()
    said = sum(int(w[:-1]) * sizes[w[-1]] for w in words)
    assert 1 <= len(words) <= 2
    # What is left out is less than one of the unit below the first.
    below = {"d": 3600, "h": 60, "m": 1, "s": 1}[words[0][-1]]
    assert said <= seconds < said + below


@pytest.mark.parametrize("text", ["\x1b[31mred", "a\nb", "[bold]", "x" * 500, "\u202egnp"])
def test_hostile_names_stay_one_line(text: str) -> None:
    one = replace(status(labels=(("model", text),)), rule=text)
    line = summary(one, None)
    assert "\x1b" not in line
    assert "\n" not in line
    assert "\u202e" not in line
    assert len(line) < 400

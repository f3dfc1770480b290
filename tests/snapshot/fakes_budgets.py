"""Budgets that stand in every way there is: fine, near, reached, passed, a lower bound, rolling,
parts of others, and ten thousand label sets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from costtui.config.alert_schema import FACTOR, SHARE, BudgetConfig, NotifierConfig
from costtui.model.alert import Ack, AlertStatus, Matcher, Silence
from costtui.model.budget import BudgetLine, Course, Estimate
from costtui.model.charge import Exactness
from costtui.model.notifier import NotifierHealth

NOW = datetime(2026, 11, 22, 10, 57, 3, tzinfo=UTC).timestamp()
NANO = 1_000_000_000
DAY = 86_400
HOSTILE = "\x1b[31mred\x1b[0m [bold]x[/] \u202eevil \U0001f600" + "w" * 90

TREE = (
    BudgetConfig("company", 5000 * NANO, burn_over=3 * FACTOR),
    BudgetConfig("team", 900 * NANO, by=("team",), parent="company"),
    BudgetConfig("anthropic", 2500 * NANO, where=(("provider", "anthropic"),), parent="company"),
    BudgetConfig("a day", 200 * NANO, "day"),
    BudgetConfig("a week", 1000 * NANO, "week"),
    BudgetConfig("thirty days", 6000 * NANO, "rolling", 30 * DAY),
)
ONE = TREE[3:4]
MANY = (BudgetConfig("each", 100 * NANO, by=("consumer",)),)

SPENT = {
    ("company", ""): 4312_450_000_000,
    ("team", "payments"): 900 * NANO,
    ("team", "discovery"): 1012_300_000_000,
    ("team", "support"): 214_870_000_000,
    ("team", ""): 18_050_000_000,
    ("anthropic", ""): 1204_500_000_000,
    ("a day", ""): 62_340_000_000,
    ("a week", ""): 871_000_000_000,
    ("thirty days", ""): 4120 * NANO,
}


def period(budget: BudgetConfig, now: float) -> tuple[int, int]:
    """In UTC."""
    day = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if budget.seconds:
        end = int(-(-now // 60) * 60)
        return end - budget.seconds, end
    if budget.period == "day":
        start, end_of = day, day + timedelta(days=1)
    elif budget.period == "week":
        start = day - timedelta(days=day.weekday())
        end_of = start + timedelta(days=7)
    else:
        start = day.replace(day=1)
        end_of = (start + timedelta(days=32)).replace(day=1)
    return int(start.timestamp()), int(end_of.timestamp())


def line(
    budget: BudgetConfig,
    spent: int,
    labels: tuple[tuple[str, str], ...] = (),
    now: float = NOW,
    exactness: Exactness = Exactness.EXACT,
) -> BudgetLine:
    """A line that goes on as evenly as it has."""
    start, end = period(budget, now)
    rolling = budget.period == "rolling"
    ahead, reaches = None, 0
    if not rolling:
        whole = spent * (end - start) // max(1, int(now) - start)
        rest = whole - spent
        ahead = Estimate(whole, spent + rest * 8 // 10, spent + rest * 13 // 10)
        if spent < budget.limit_nano <= whole:
            left = budget.limit_nano - spent
            reaches = int(now) + int((end - now) * left // rest)
    name = f"{budget.seconds // DAY}d" if rolling else budget.period
    burn = spent * (end - start) * FACTOR // (budget.limit_nano * max(1, int(now) - start))
    return BudgetLine(
        budget.name, labels, budget.where, budget.parent, name, start, end, budget.limit_nano,
        spent, exactness, burn, 3600, ahead, ahead is not None, reaches,
    )  # fmt: skip


def lines(budgets: Sequence[BudgetConfig], now: float) -> list[BudgetLine]:
    """What `read_budgets` would say of those that are known here."""
    out = []
    for budget in budgets:
        found = [(v, s) for (name, v), s in SPENT.items() if name == budget.name]
        found.sort(key=lambda pair: -pair[1])
        for value, spent in found or [("", 0)]:
            if budget.by and not found:
                continue
            labels = ((budget.by[0], value),) if budget.by else ()
            exact = Exactness.LOWER_BOUND if budget.name == "company" else Exactness.EXACT
            out.append(line(budget, spent, labels, now, exact))
    return out


def many(number: int) -> list[BudgetLine]:
    """The same budget for so many consumers, dearest first; some have passed it."""
    (budget,) = MANY
    return [
        line(budget, max(1, (160 * NANO * (number - n)) // number), (("consumer", f"user-{n:05}"),))
        for n in range(number)
    ]


def course(one: BudgetLine, now: float) -> Course:
    """Even steps to what is spent, then to the end."""
    ends = [one.start + (int(now) - one.start) * n // 40 for n in range(1, 41)]
    past = ((one.start, 0), *((at, one.spent * n // 40) for n, at in enumerate(ends, 1)))
    ahead: tuple[tuple[int, Estimate], ...] = ()
    if one.ahead is not None:
        first = Estimate(one.spent, one.spent, one.spent)
        ahead = ((int(now), first), (one.end, one.ahead))
    return Course(one.start, one.end, int(now), one.limit, past, (), ahead, one.banded)


def step(
    budget: BudgetConfig,
    name: str,
    labels: tuple[tuple[str, str], ...] = (),
    state: str = "firing",
    since: float = NOW - 3600,
) -> AlertStatus:
    """One alert of a budget."""
    share = name.endswith("%")
    limit = int(name[:-1]) * SHARE // 100 if share else budget.limit_nano
    spent = SPENT.get((budget.name, labels[0][1] if labels else ""), budget.limit_nano)
    value = spent * SHARE // budget.limit_nano if share else budget.limit_nano * 11 // 10
    identity = f"{budget.name}{labels}{name}" if state == "firing" else ""
    return AlertStatus(
        budget.alert, (*labels, ("step", name)), state, "critical" if name == "100%" else "warning",
        value, limit, since, budget.period, unit="share" if share else "cost", active_at=since,
        fired_at=since if state == "firing" else 0.0, id=identity,
    )  # fmt: skip


def firing() -> tuple[AlertStatus, ...]:
    """The tree's alerts: one that is told, one acknowledged, one silenced, some inhibited."""
    company, team, anthropic, day, week, rolling = TREE
    discovery, payments = (("team", "discovery"),), (("team", "payments"),)
    quiet = (
        AlertStatus(b.alert, (("step", "50%"),), "inactive", "warning", 0, SHARE // 2, NOW - 9000,
                    b.period, unit="share")
        for b in (anthropic, day, rolling)
    )  # fmt: skip
    return (
        step(company, "50%", since=NOW - 700_000), step(company, "80%", since=NOW - 90_000),
        step(company, "forecast", state="pending", since=NOW - 120),
        step(team, "50%", discovery), step(team, "80%", discovery), step(team, "100%", discovery),
        step(team, "50%", payments), step(team, "80%", payments), step(team, "100%", payments),
        step(week, "80%"), *quiet,
    )  # fmt: skip


def acks() -> tuple[Ack, ...]:
    one = step(TREE[1], "100%", (("team", "discovery"),))
    return (Ack(one.rule, one.labels, one.id, NOW - 1800, "ann", "asked them to stop"),)


def silences() -> tuple[Silence, ...]:
    """One of each kind."""
    matchers = (Matcher("alert", "=", "budget team"), Matcher("team", "=", "payments"))
    return (
        Silence(1, matchers, NOW - 7200, NOW + 7200, "month end load", "bob"),
        Silence(2, (Matcher("alert", "=~", "budget .*"),), NOW + 86_400, NOW + 90_000,
                "migration", "ann"),
        Silence(3, (Matcher("severity", "=", "info"),), NOW - 90_000, NOW - 86_000, HOSTILE,
                HOSTILE),
    )  # fmt: skip


NOTIFIERS = (
    NotifierConfig("pager", "webhook"), NotifierConfig("chat", "slack"),
    NotifierConfig("log", "command"),
)  # fmt: skip


def health() -> tuple[NotifierHealth, ...]:
    """One cannot be reached, one was never needed."""
    error = "https://hooks.example/***: connection refused"
    return (
        NotifierHealth("pager", "webhook", 4, NOW - 8000, NOW - 65, error, 12, 0, NOW + 240),
        NotifierHealth("chat", "slack", 0, NOW - 300),
    )


class Muted:
    """The part of `FakeData` that knows budgets and what is muted."""

    answer: Any

    def begin(self) -> None:
        self.silenced: tuple[Silence, ...] = ()
        self.acked: tuple[Ack, ...] = ()
        self.lines: Callable[[Sequence[BudgetConfig], float], Sequence[BudgetLine]] = lines
        self.stood: list[tuple[float, frozenset[str] | None]] = []
        """(moment, sources) of every question how the budgets stand."""
        self.courses: list[tuple[str, float]] = []

    def silences(self) -> tuple[Silence, ...]:
        return self.silenced

    def acks(self) -> tuple[Ack, ...]:
        return self.acked

    def notifiers(self) -> tuple[NotifierHealth, ...]:
        found: tuple[NotifierHealth, ...] = getattr(self.answer, "notifiers", ())
        return found

    def budgets(
        self,
        budgets: Sequence[BudgetConfig],
        now: float,
        sources: frozenset[str] | None = None,
    ) -> Sequence[BudgetLine]:
        self.stood.append((now, sources))
        return self.lines(budgets, now)

    def course(self, budget: BudgetConfig, line: BudgetLine, now: float) -> Course:
        self.courses.append((line.name, now))
        return course(line, now)

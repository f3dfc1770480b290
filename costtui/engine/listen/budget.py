"""`/budget`: may this be spent? Pure over what is known of all budgets.

A budget applies where its `where` fits and everything that it is divided `by` is given. Nothing is
left at exactly 100 %; an estimate that exactly reaches the limit is let through. Money is compared
as Decimal and integers, never as a float, so no estimate is accepted that passes a limit.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final
from urllib.parse import unquote_plus

from costtui.config.people import People
from costtui.config.words import did_you_mean, quoted
from costtui.engine.standing import Standing, Standings
from costtui.model.budget import BudgetLine
from costtui.model.dimension import (
    LLM,
    MAX_NAME,
    TAG,
    is_dimension,
    is_mapped,
    known_dimensions,
    stored_value,
    tag_of,
)
from costtui.model.money import decimal_text
from costtui.model.safetext import visible

FRESH_S: Final = 10.0
"""Older than so many seconds, what is known of budgets is stale: it is looked at every second."""
DENIED: Final = ("402", "403", "429")
"""What a refusal may be answered with: nginx's `auth_request` knows 401 and 403 alone."""
MOST: Final = 32
"""Parameters of one question."""

_ESTIMATE: Final = re.compile(r"(\d{1,12}(\.\d{0,40})?|\.\d{1,40})([eE][+-]?\d{1,2})?", re.ASCII)
_OWN: Final = ("estimate", "deny")


class BadQuestion(Exception):
    """The query cannot be understood; the message says what was expected."""


@dataclass(slots=True)
class Question:
    given: dict[str, str] = field(default_factory=dict)
    """Dimension → value."""
    estimate: Decimal = Decimal(0)
    """USD."""
    denied: int = 402


@dataclass(slots=True)
class Answer:
    status: int
    document: dict[str, Any]


def asked(query: str, tags: Sequence[str]) -> Question:
    """The question in a query string; `tags` are those of the configuration. Raises
    `BadQuestion`."""
    question = Question()
    parts = [part for part in query.split("&") if part]
    if len(parts) > MOST:
        raise BadQuestion(f"more than {MOST} parameters")
    known = (*known_dimensions(tags), *_OWN)
    seen: set[str] = set()
    for part in parts:
        name, _, text = part.partition("=")
        name, text = _decoded(name), _decoded(text)
        if name in seen:
            raise BadQuestion(f"{quoted(visible(name, 80))} is given twice")
        seen.add(name)
        if name == "estimate":
            question.estimate = _estimate(text)
        elif name == "deny":
            if text not in DENIED:
                raise BadQuestion(f"deny: {quoted(visible(text, 80))} is not {', '.join(DENIED)}")
            question.denied = int(text)
        elif is_dimension(name):
            question.given[name] = text
        else:
            near = did_you_mean(name[:80], known)
            shown = quoted(visible(name, 80))
            every = ", ".join((*known, f"{TAG}NAME"))
            raise BadQuestion(f"{shown} is not a parameter{near}; there are {every}")
    question.given = given_as_stored(question.given)
    return question


def given_as_stored(given: Mapping[str, str]) -> dict[str, str]:
    """Values as sources store them: else who is out of budget is not found, and let through."""
    return {name: stored_value(name, value) for name, value in given.items()}


def _decoded(text: str) -> str:
    try:
        # Latin-1 is how the bytes of a head were read.
        return unquote_plus(text.encode("latin-1").decode("utf-8"), errors="strict")
    except UnicodeError:
        raise BadQuestion("the query is not UTF-8") from None


def _estimate(text: str) -> Decimal:
    if not _ESTIMATE.fullmatch(text) or len(text) > 60:
        shown = quoted(visible(text, 80))
        raise BadQuestion(f"estimate: {shown} is not an amount in USD, for example 0.25")
    return Decimal(text)


def with_people(
    given: Mapping[str, str], budgets: Sequence[Standing], people: People
) -> dict[str, str]:
    """`given`, and what the configuration says of its consumer, as far as budgets ask for it: a
    gateway knows an id and no team. Who asks is about to use an LLM."""
    out = {"service": LLM, **given}
    if "consumer" not in given:
        return out
    who = people.of(given["consumer"])
    for dimension in {d for s in budgets for d in (*s.budget.by, *(n for n, _ in s.budget.where))}:
        if is_mapped(dimension) and dimension not in out:
            tag = tag_of(dimension)
            out[dimension] = who.tag(tag) if tag else str(getattr(who, dimension))
    return out


def answered(
    question: Question,
    standings: Standings | None,
    now: float,
    people: People,
    *,
    on_stale: str,
    on_missing: str = "allow",
) -> Answer:
    """`standings` None: nothing is known yet."""
    stale, why_stale = _stale(standings, now)
    budgets = standings.budgets if standings is not None else ()
    given = with_people(question.given, budgets, people)
    applied: list[BudgetLine] = []
    others: list[dict[str, str]] = []
    lacking: dict[str, list[str]] = {}
    for standing in budgets:
        reason = why_not(standing, given, people)
        if reason:
            others.append({"name": standing.budget.name, "why": reason})
            for dimension in missing(standing, given, people):
                lacking.setdefault(dimension, []).append(standing.budget.name)
        else:
            applied.append(standing.line(tuple(given[d] for d in standing.budget.by)))
    refusals = [(line, why) for line in applied if (why := _refusal(line, question.estimate))]
    decider = min(refusals, key=lambda pair: pair[0].left, default=None)
    nearest = min(applied, key=lambda line: line.left, default=None)
    allowed = decider is None
    reason = "no budget applies" if nearest is None else f"budget {nearest.name} has enough left"
    deciding = None if nearest is None else nearest.name
    if decider is not None:
        reason, deciding = decider[1], decider[0].name
    elif lacking and on_missing == "deny":
        allowed, deciding = False, None
        reason = f"{_listed(lacking)} not given, and on_missing is deny"
    elif stale and on_stale == "deny":
        allowed, reason, deciding = False, f"{why_stale}, and on_stale is deny", None
    document: dict[str, Any] = {
        "allowed": allowed,
        "reason": reason,
        "budget": deciding,
        "estimate": f"{question.estimate:f}",
        "currency": "USD",
        "as_of": moment(standings.at) if standings is not None else None,
        "age_seconds": round(max(0.0, now - standings.at), 3) if standings is not None else None,
        "stale": stale,
        "stale_because": why_stale or None,
        "warning": _warning(lacking),
        "budgets": [told(line) for line in applied],
        "not_applied": others,
    }
    return Answer(200 if allowed else question.denied, document)


def _stale(standings: Standings | None, now: float) -> tuple[bool, str]:
    if standings is None:
        return True, "the budgets could not be read yet"
    if now - standings.at > FRESH_S:
        return True, f"the budgets were last read {now - standings.at:.0f} seconds ago"
    if standings.blind:
        names = ", ".join(visible(name, 100) for name in standings.blind[:5])
        return True, f"newest usage is missing of {names}"
    return False, ""


def why_not(standing: Standing, given: Mapping[str, str], people: People) -> str:
    """Why a budget does not apply to what is given, or ""."""
    budget = standing.budget
    for dimension, value in budget.where:
        if dimension not in given:
            return f"{dimension} is not given (it is for {dimension}={visible(value, MAX_NAME)})"
        names = {given[dimension]}
        if dimension == "consumer":
            names.add(people.of(given[dimension]).name)
        if value not in names:
            return f"it is for {dimension}={visible(value, MAX_NAME)}"
    lacking = [dimension for dimension in budget.by if dimension not in given]
    return f"{_listed(lacking)} not given" if lacking else ""


def missing(standing: Standing, given: Mapping[str, str], people: People) -> list[str]:
    """The dimensions without which nobody can say whether a budget applies; none where something
    that is given says that it does not."""
    budget = standing.budget
    fits = [(d, value) for d, value in budget.where if d in given]
    if why_not(standing._replace(budget=replace(budget, by=(), where=tuple(fits))), given, people):
        return []
    return [d for d in dict.fromkeys((*dict(budget.where), *budget.by)) if d not in given]


def _listed(dimensions: Collection[str]) -> str:
    return f"{' and '.join(dimensions)} {'is' if len(dimensions) == 1 else 'are'}"


def _warning(lacking: Mapping[str, Sequence[str]]) -> str | None:
    """A gateway that forgets a parameter lets everybody through: it must be seen."""
    if not lacking:
        return None
    names = list(dict.fromkeys(name for budgets in lacking.values() for name in budgets))
    shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    return f"{_listed(lacking)} not given, so these budgets were not asked: {shown}"


def _refusal(line: BudgetLine, estimate: Decimal) -> str:
    """Why this budget says no, or ""."""
    whose = ", ".join(f"{name} {visible(v, 100) or '(none)'}" for name, v in line.labels)
    what = f"budget {line.name}" + (f" ({whose})" if whose else "")
    if line.left <= 0:
        return f"{what} has nothing left: {_usd(line.spent)} of {_usd(line.limit)} are spent"
    if estimate > Decimal(line.left).scaleb(-9):
        return f"{what} has {_usd(line.left)} left, less than the estimate of ${estimate:f}"
    return ""


def _usd(nano: int) -> str:
    return f"{'-' if nano < 0 else ''}${decimal_text(abs(nano))}"


def told(line: BudgetLine) -> dict[str, Any]:
    """A budget in JSON; money is USD as text, to the last digit."""
    return {
        "name": line.name,
        "labels": dict(line.labels),
        "period": line.period,
        "period_start": moment(line.start),
        "period_end": moment(line.end),
        "limit": decimal_text(line.limit),
        "spent": decimal_text(line.spent),
        "left": decimal_text(line.left),
        "exactness": line.exactness.word,
    }


def moment(seconds: float) -> str:
    """RFC 3339, UTC."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

"""`/budget`: what is let through, what not, and what the answer says."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costtui.config.alert_schema import BudgetConfig
from costtui.config.people import People
from costtui.config.schema import Consumer
from costtui.engine.listen.budget import Answer, BadQuestion, answered, asked
from costtui.engine.standing import Standing, Standings
from costtui.model.charge import Exactness
from costtui.model.snapshot import Totals

NOW = 1_790_000_000.0
NANO = 10**9
PEOPLE = People(
    [("alice", Consumer("Alice", team="search", tags=(("env", "prod"),))), ("svc-*", Consumer())]
)
TAGS = ("env",)


def standing(
    name: str,
    limit: int,
    spent: Mapping[tuple[str, ...], int],
    by: tuple[str, ...] = (),
    where: tuple[tuple[str, str], ...] = (),
    unknown: frozenset[tuple[str, ...]] = frozenset(),
) -> Standing:
    budget = BudgetConfig(name, limit, by=by, where=where)
    sums = {key: Totals(effective_nano=nano) for key, nano in spent.items()}
    return Standing(budget, int(NOW) - 86_400, int(NOW) + 86_400, sums, Exactness.EXACT, unknown)


def answer(
    query: str,
    *standings: Standing,
    at: float = NOW,
    blind: tuple[str, ...] = (),
    on_stale: str = "allow",
    on_missing: str = "allow",
) -> Answer:
    known = Standings(at, blind, standings)
    how = {"on_stale": on_stale, "on_missing": on_missing}
    return answered(asked(query, TAGS), known, NOW, PEOPLE, **how)


def names(found: Answer) -> list[str]:
    return [budget["name"] for budget in found.document["budgets"]]


def not_applied(found: Answer) -> dict[str, str]:
    return {one["name"]: one["why"] for one in found.document["not_applied"]}


@pytest.mark.parametrize(
    ("spent", "estimate", "status"),
    [
        (0, "", 200),
        (9 * NANO, "1", 200),  # exactly reached
        (9 * NANO, "1.000000001", 402),
        (9 * NANO, "1.0000000000000000001", 402),  # finer than what money is kept in
        (10 * NANO - 1, "0.000000001", 200),
        (10 * NANO - 1, "", 200),
        (10 * NANO, "", 402),  # nothing is left
        (10 * NANO, "0", 402),
        (11 * NANO, "0", 402),
        (0, "1e1", 200),
        (0, "1.1e1", 402),
        (0, "2.5e-05", 200),
        (0, "100000000000", 402),
    ],
)
def test_the_limit_may_be_reached_and_not_passed(spent: int, estimate: str, status: int) -> None:
    query = f"estimate={estimate}" if estimate else ""
    assert answer(query, standing("all", 10 * NANO, {(): spent})).status == status


@settings(max_examples=300)
@given(
    limit=st.integers(1, 2**62),
    spent=st.integers(0, 2**62),
    estimate=st.decimals(0, 10**11, allow_nan=False, allow_infinity=False, places=None),
)
def test_no_estimate_is_accepted_that_passes_the_limit(
    limit: int, spent: int, estimate: Decimal
) -> None:
    text = format(estimate, "f")
    if len(text) > 40:
        return
    found = answer(f"estimate={text}", standing("all", limit, {(): spent}))
    numerator, denominator = Decimal(text).as_integer_ratio()
    fits = spent < limit and numerator * NANO <= (limit - spent) * denominator
    assert (found.status == 200) is fits
    told = found.document["budgets"][0]
    assert Decimal(told["left"]) == Decimal(told["limit"]) - Decimal(told["spent"])


def test_a_consumer_that_nobody_has_seen_has_spent_nothing() -> None:
    each = standing("each", NANO, {("bob",): 5 * NANO}, by=("consumer",))
    assert answer("consumer=new&estimate=1", each).status == 200
    assert answer("consumer=new&estimate=1.1", each).status == 402
    refused = answer("consumer=bob", each)
    assert refused.status == 402
    assert refused.document["budget"] == "each"
    assert "consumer bob" in refused.document["reason"]


def test_a_budget_applies_where_all_it_is_divided_by_is_given() -> None:
    both = standing("both", NANO, {}, by=("consumer", "model"))
    where = standing("openai", NANO, {(): 2 * NANO}, where=(("provider", "openai"),))
    found = answer("consumer=bob", both, where)
    assert (found.status, names(found)) == (200, [])
    assert not_applied(found) == {
        "both": "model is not given",
        "openai": "provider is not given (it is for provider=openai)",
    }
    assert found.document["reason"] == "no budget applies"
    assert answer("provider=openai", where).status == 402
    other = answer("provider=google", where)
    assert other.status == 200
    assert not_applied(other) == {"openai": "it is for provider=openai"}


def test_the_configuration_says_what_team_a_consumer_is_of() -> None:
    team = standing("teams", NANO, {("search",): NANO, ("",): 0}, by=("team",))
    assert answer("consumer=alice", team).status == 402
    assert answer("consumer=svc-1", team).status == 200
    assert answer("consumer=alice&team=other-one", team).status == 200
    env = standing("prod", NANO, {("prod",): NANO}, by=("tag:env",))
    assert answer("consumer=alice", env).status == 402
    named = standing("of Alice", NANO, {(): NANO}, where=(("consumer", "Alice"),))
    assert answer("consumer=alice", named).status == 402


def test_the_budget_with_least_left_decides() -> None:
    big = standing("big", 100 * NANO, {(): 99 * NANO})
    small = standing("small", 10 * NANO, {(): 20 * NANO})
    found = answer("estimate=2", big, small)
    assert found.document["budget"] == "small"
    assert answer("estimate=2", big).document["budget"] == "big"
    assert answer("estimate=0.5", big).document["budget"] == "big"


def test_a_secret_is_looked_for_as_it_is_stored_and_never_told() -> None:
    key = "sk-proj-abcdefghijklmnop1234567890"
    each = standing("each", NANO, {}, by=("consumer",))
    found = answer(f"consumer={key}", each)
    assert key not in str(found.document)
    assert found.document["budgets"][0]["labels"]["consumer"].startswith("key:")


def test_what_is_not_known_makes_it_a_lower_bound() -> None:
    each = standing("each", NANO, {("a",): 1}, by=("consumer",), unknown=frozenset({("a",)}))
    told = answer("consumer=a", each).document["budgets"][0]
    assert (told["exactness"], told["spent"]) == ("lower_bound", "0.000000001")


@pytest.mark.parametrize(
    ("kwargs", "why"),
    [
        ({"at": NOW - 60}, "60 seconds ago"),
        ({"blind": ("log",)}, "newest usage is missing of log"),
    ],
)
def test_staleness_is_said_and_may_deny(kwargs: dict[str, Any], why: str) -> None:
    budget = standing("all", NANO, {})
    found = answer("", budget, **kwargs)
    assert (found.status, found.document["stale"]) == (200, True)
    assert why in found.document["stale_because"]
    denied = answer("", budget, on_stale="deny", **kwargs)
    assert (denied.status, denied.document["allowed"]) == (402, False)
    assert "on_stale" in denied.document["reason"]
    assert answer("", budget, on_stale="deny").status == 200


def test_nothing_known_yet() -> None:
    found = answered(asked("", ()), None, NOW, PEOPLE, on_stale="allow")
    assert (found.status, found.document["as_of"], found.document["stale"]) == (200, None, True)
    assert answered(asked("", ()), None, NOW, PEOPLE, on_stale="deny").status == 402


def test_a_gateway_may_choose_how_it_is_refused() -> None:
    spent = standing("all", NANO, {(): NANO})
    assert answer("deny=403", spent).status == 403
    assert answer("deny=429", spent).status == 429


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("consumr=x", 'did you mean "consumer"'),
        ("x=1", "is not a parameter"),
        ("consumer=a&consumer=b", "given twice"),
        ("estimate=-1", "not an amount"),
        ("estimate=nan", "not an amount"),
        ("estimate=Infinity", "not an amount"),
        ("estimate=1_000", "not an amount"),
        ("estimate=1e999", "not an amount"),
        ("estimate=0x1", "not an amount"),
        ("estimate=", "not an amount"),
        ("estimate=" + "9" * 500, "not an amount"),
        ("estimate=١", "not an amount"),
        ("deny=200", "is not 402, 403, 429"),
        ("consumer=%ff", "not UTF-8"),
        ("&".join(f"a{n}=1" for n in range(40)), "more than 32"),
        ("tag:=1", "is not a parameter"),
        ("%1b[31m=1", "is not a parameter"),
    ],
)
def test_what_cannot_be_understood_is_told(query: str, told: str) -> None:
    raw = query.encode().decode("latin-1")  # as the head of a request is read
    with pytest.raises(BadQuestion) as caught:
        asked(raw, TAGS)
    assert told in str(caught.value)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 400


@settings(max_examples=300)
@given(st.text(max_size=200))
def test_any_query_is_answered_or_refused_in_words(query: str) -> None:
    raw = query.encode("utf-8", "replace").decode("latin-1")
    try:
        found = answer(raw, standing("each", NANO, {}, by=("consumer",)))
    except BadQuestion as error:
        assert str(error).isprintable()  # noqa: PT017
    else:
        assert found.status in (200, 402)


def test_a_question_that_forgets_a_parameter_is_told_so() -> None:
    each = standing("each", 10 * NANO, {("bob",): 11 * NANO}, by=("consumer",))
    other = standing("other", 10 * NANO, {}, where=(("provider", "openai"), ("team", "ops")))
    assert answer("consumer=bob", each).document["warning"] is None
    found = answer("", each, other)
    assert (found.status, found.document["reason"]) == (200, "no budget applies")
    assert found.document["warning"] == (
        "consumer and provider and team are not given, so these budgets were not asked: each, other"
    )
    # What is given says that the other one is not for this.
    found = answer("provider=anthropic", each, other)
    assert found.document["warning"] == (
        "consumer is not given, so these budgets were not asked: each"
    )
    denied = answer("provider=anthropic&deny=403", each, other, on_missing="deny")
    assert (denied.status, denied.document["allowed"], denied.document["budget"]) == (
        403, False, None,
    )  # fmt: skip
    assert denied.document["reason"] == "consumer is not given, and on_missing is deny"
    assert answer("consumer=ann&provider=anthropic", each, other, on_missing="deny").status == 200
    # The budget that refuses is what decides, and an empty value is one.
    assert answer("consumer=bob", each, other, on_missing="deny").document["budget"] == "each"
    assert answer("consumer=", each, on_missing="deny").status == 200


@pytest.mark.parametrize("tags", [(), ("env",)])
def test_every_parameter_is_in_the_list_of_a_refusal(tags: tuple[str, ...]) -> None:
    with pytest.raises(BadQuestion, match="; there are provider") as found:
        asked("frob=1", tags)
    assert asked("tag:other=1", tags).given == {"tag:other": "1"}
    assert all(f"tag:{tag}, " in str(found.value) for tag in tags)
    assert str(found.value).endswith(", tag:NAME")

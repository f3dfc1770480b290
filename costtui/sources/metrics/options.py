"""What a user sets under `options:`: switches, numbers, and which model a record's model is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from costtui.model.dimension import LLM
from costtui.sources.metrics.faults import Faults, join, nearest
from costtui.sources.metrics.shape import MODEL_FROM, Option, Pick, Shape


def read_options(data: Any, faults: Faults, key: str) -> dict[str, Option]:
    """`name: what it does` is a switch, `name: {number: what it is, default: 1}` a number."""
    if not isinstance(data, Mapping):
        faults.add(key, "must be a mapping of option to what it does")
        return {}
    options: dict[str, Option] = {}
    for name, about in data.items():
        place = join(key, str(name))
        if name == MODEL_FROM:
            faults.add(place, "is made from models: and needs no entry")
        if not isinstance(about, Mapping):
            options[str(name)] = Option(str(about))
            continue
        faults.keys(place, about, ("number", "default"))
        default = None
        if "default" in about:
            default = plain_number(about["default"])
            if default is None:
                faults.add(join(place, "default"), NOT_A_NUMBER)
        options[str(name)] = Option(str(about.get("number", "")), True, default)
    return options


NOT_A_NUMBER = "must be a number from 0 to 1,000,000,000"


def plain_number(value: Any) -> Decimal | None:
    """A number of the configuration, exactly as it was written; None for anything else. A text
    is one that came out of the environment."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str, Decimal)):
        return None
    text = str(value).strip()
    if len(text) > 40 or not text.isascii() or "_" in text:
        return None
    try:
        number = Decimal(text)
    except ArithmeticError:
        return None
    return number if number.is_finite() and 0 <= number <= 1_000_000_000 else None


def check_options(
    shape: Shape, given: Mapping[str, Any], *, tokens_priced: bool
) -> Iterator[tuple[str, str]]:
    """(key, message) for whatever is wrong with the `given` options. `tokens_priced`: the source's
    `cost:` takes tokens × price, whatever is reported."""
    names = [*shape.options, *([MODEL_FROM] if shape.models else ())]
    for name, value in given.items():
        key = f"options.{name}"
        option = shape.options.get(name)
        if name == MODEL_FROM and shape.models:
            if not isinstance(value, str) or value not in shape.models:
                ways = ", ".join(shape.models)
                yield key, f"must be one of {ways}{nearest(str(value), shape.models)}"
        elif option is None:
            yield key, f"not an option of this preset{nearest(str(name), names)}"
        elif not option.number:
            if not isinstance(value, bool):
                yield key, "must be true or false"
        elif plain_number(value) is None:
            # The value may have come out of the environment, so it is not repeated.
            yield key, NOT_A_NUMBER
        else:
            yield from _alone(shape, given, name, tokens_priced)


def _alone(
    shape: Shape, given: Mapping[str, Any], name: str, tokens_priced: bool
) -> Iterator[tuple[str, str]]:
    """A number that would do nothing: a wrong sum that nobody would notice."""
    rules = [rule for rule in shape.metrics if name in rule.price]
    missing = [
        [o for o in rule.price if o not in given and shape.options[o].default is None]
        for rule in rules
    ]
    if rules and all(missing):
        yield f"options.{name}", f"means nothing without options.{missing[0][0]}"
    elif tokens_priced and any(rule.service == LLM for rule in rules):
        yield f"options.{name}", "means nothing where cost: takes tokens × price instead"


def settle(shape: Shape, given: Mapping[str, Any]) -> Shape:
    """The shape with its (valid) options applied: gauges have their price, or are left out, and
    the model is the one that was chosen."""
    metrics = []
    for rule in shape.metrics:
        if rule.quantity == "cost_rate":
            rate = _rate(shape.options, rule.price, given)
            if rate is None:
                continue
            rule = replace(rule, rate=rate)
        metrics.append(rule)
    dimensions = dict(shape.dimensions)
    wanted = shape.models.get(str(given.get(MODEL_FROM, "")))
    if wanted:
        others = dimensions.get("model", Pick()).labels
        labels = (*wanted, *(label for label in others if label not in wanted))
        dimensions["model"] = Pick(labels)
    return replace(shape, metrics=tuple(metrics), dimensions=dimensions)


def _rate(
    options: Mapping[str, Option], price: tuple[str, ...], given: Mapping[str, Any]
) -> Decimal | None:
    """USD an hour for one unit of a gauge; None where an option that it needs is not set."""
    rate = Decimal(1)
    for name in price:
        value = plain_number(given[name]) if name in given else options[name].default
        if value is None:
            return None
        rate *= value
    return rate

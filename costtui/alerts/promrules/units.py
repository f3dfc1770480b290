"""A test of exported rules for `promtool test rules`: each alert just below its limit, and above.

The series are made up so that the rules' own selectors fit them; what is expected is worked out
from the configuration, not from the expressions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from costtui.alerts.promrules.export import Exported
from costtui.alerts.promrules.pages import (
    COST,
    ERRORS,
    REQUESTS,
    THROTTLED,
    TOKENS,
    Matcher,
    Page,
    Part,
)
from costtui.alerts.promrules.recording import label_of
from costtui.alerts.promrules.text import Rule, comment, number, quote
from costtui.alerts.watches import BUDGET_STEP, Watch
from costtui.config.durations import duration_text
from costtui.config.kinds import yaml_text
from costtui.config.schema import Config
from costtui.model.alert import SHARE
from costtui.model.dimension import is_mapped, tag_of, value_or_none

_TARGET: Final = "costtui-test"
_CALM: Final = 8
"""Samples before something happens."""
_PAGES_PARTS: Final = (ERRORS, THROTTLED)
_TEMPLATE: Final = re.compile(r'\{\{ (?:\$labels\.(\w+)|"(\{\{)"|\$value \| (.*?)) \}\}')
_LINE: Final = re.compile(r'\s*([a-zA-Z_]\w*)\s*=\s*"([^"\\]*)"\s*')

_Labels = dict[str, str]


class _Series(NamedTuple):
    metric: str
    labels: _Labels
    jump: Decimal
    """How much it grows, all at once."""


def unit_tests(made: Exported, config: Config, rules_file: str) -> tuple[str, list[str]]:
    """(the file, names of alerts that it has no test of)."""
    lines = [
        *comment([
            "Made by `costtui rules export --tests`, for `promtool test rules`.",
            "Each alert stays quiet just below its limit, and fires above.",
        ]),
        "rule_files:", f"  - {yaml_text(rules_file)}",
        f"evaluation_interval: {config.alert_interval}s", "tests:",
    ]  # fmt: skip
    untested = []
    some = False
    for watch, rules in zip(made.watches, made.alerts, strict=True):
        tested = list(_tests(watch, rules[0], made.pages, config))
        if tested:
            some = True
            lines += tested
        else:
            untested.append(watch.name + (f" {watch.step}" if watch.step else ""))
    if not some:
        lines[-1] = "tests: []"
    if untested:
        lines += comment([f"Without a test: {', '.join(untested)}"])
    return "\n".join(lines) + "\n", untested


def _tests(watch: Watch, rule: Rule, pages: Sequence[Page], config: Config) -> Iterator[str]:
    for page in pages:
        labels = _wanted(watch, page, config)
        if labels is None:
            continue
        for above in (False, True):
            found = _input(watch, page, labels, above=above)
            if found is None:
                break
            series, value = found
            yield from _test(watch, rule, page, config, series, value if above else None)
        else:
            return


def _test(
    watch: Watch,
    rule: Rule,
    page: Page,
    config: Config,
    series: Sequence[_Series],
    value: Decimal | None,
) -> Iterator[str]:
    step = config.alert_interval
    fires = _CALM + -(-int(watch.timing.hold) // step)
    target = {"job": _TARGET, "instance": page.instance or _TARGET}
    name = f"{watch.name} {watch.step}".rstrip() + (" above" if value is not None else " below")
    yield f"  - name: {yaml_text(name)}"
    yield f"    interval: {step}s"
    yield "    input_series:"
    yield from _line("up", target, f"1x{fires + 1}")
    for one in series:
        jump = f"0x{_CALM - 1} {number(one.jump)}x{fires - _CALM + 1}"
        yield from _line(one.metric, {**one.labels, **target}, jump)
    if watch.step:  # other steps of the budget have the same name
        yield "    promql_expr_test:"
        inside = f'alertname={quote(watch.name)}, alertstate="firing", step={quote(watch.step)}'
        yield f"      - expr: {yaml_text(f'count(ALERTS{{{inside}}})')}"
        yield f"        eval_time: {duration_text(fires * step)}"
        if value is not None:
            yield "        exp_samples:"
            yield "          - {labels: '{}', value: 1}"
        return
    yield "    alert_rule_test:"
    for at in (fires - 1, fires) if value is not None else (fires,):
        yield f"      - eval_time: {duration_text(at * step)}"
        yield f"        alertname: {yaml_text(watch.name)}"
        if value is None or at < fires:
            continue
        known = _dimensions(watch, page, series[-1].labels, config)
        labels = {k: v for k, v in known.items() if v}
        labels |= {name: _shown(text, known, value) for name, text in rule.labels}
        yield "        exp_alerts:"
        yield from _mapping("          - exp_labels:", labels, 14)
        notes = {k: _shown(text, known, value) for k, text in rule.annotations}
        yield from _mapping("            exp_annotations:", notes, 14)


def _line(metric: str, labels: _Labels, values: str) -> Iterator[str]:
    inside = ", ".join(f"{k}={quote(v)}" for k, v in labels.items() if v)
    yield f"      - series: {yaml_text(f'{metric}{{{inside}}}')}"
    yield f"        values: {yaml_text(values)}"


def _mapping(head: str, values: Mapping[str, str], by: int) -> Iterator[str]:
    yield head
    yield from (f"{' ' * by}{k}: {yaml_text(v)}" for k, v in values.items())


def _shown(template: str, labels: Mapping[str, str], value: Decimal) -> str:
    """What Prometheus makes of a template."""

    def one(found: re.Match[str]) -> str:
        label, brace, how = found.groups()
        if label:
            return labels.get(label, "")
        if brace:
            return brace
        if how == "humanizePercentage":
            return f"{float(value) * 100:.4g}%"
        return how.removeprefix("printf ").strip('"') % float(value)

    return _TEMPLATE.sub(one, template)


# Labels -------------------------------------------------------------------------------------


def _wanted(watch: Watch, page: Page, config: Config) -> _Labels | None:
    """Values of dimensions that fit `where`; None where the page cannot have them."""
    labels: _Labels = {}
    where = dict(watch.where)
    for dimension, value in where.items():
        if dimension == "gateway" and not page.config.gateway_labels:
            if value != page.config.gateway:
                return None
        elif dimension == "service" or page.config.services:
            return None
        elif is_mapped(dimension):
            consumer = _consumer(dimension, value, config)
            if consumer is None or where.get("consumer", consumer) != consumer:
                return None
            labels["consumer"] = consumer
        else:
            labels[dimension] = value
    if any(value and not value_or_none(value) for value in labels.values()):
        return None  # a gateway that writes "null" means no value, and the rules know
    return labels


def _consumer(dimension: str, value: str, config: Config) -> str | None:
    for pattern, who in config.consumers:
        tag = tag_of(dimension)
        if (who.tag(tag) if tag else getattr(who, dimension)) == value:
            return pattern if not any(c in pattern for c in "*?[") else None
    return None


def _dimensions(watch: Watch, page: Page, raw: _Labels, config: Config) -> _Labels:
    """What the alert's labels of `by` are."""
    picks = page.shape.dimensions
    out: _Labels = {}
    for dimension in watch.by:
        pick = picks.get(dimension)
        value = ""
        if dimension == "gateway":
            value = page.config.gateway
        elif dimension == "service":
            value = "llm"
        elif pick is not None:
            value = pick.value or next((raw[n] for n in pick.labels if raw.get(n)), "")
        elif is_mapped(dimension):
            ids = picks["consumer"].labels if "consumer" in picks else ()
            consumer = next((raw[n] for n in ids if raw.get(n)), "")
            who = dict(config.consumers).get(consumer)
            tag = tag_of(dimension)
            value = "" if who is None else who.tag(tag) if tag else getattr(who, dimension)
        out[label_of(dimension)] = value
    return out


def _raw(page: Page, part: Part, wanted: _Labels, avoid: Sequence[Part] = ()) -> _Labels | None:
    """Labels of a series that the part counts and none of `avoid` does."""
    base: _Labels = {}
    for dimension, value in wanted.items():
        pick = page.picks(part.rule).get(dimension)
        if pick is None or (pick.value and pick.value != value):
            return None
        if pick.labels:
            base[pick.labels[0]] = value
    if page.config.match:
        pieces = page.config.match.split(",")
        pairs = [_LINE.fullmatch(piece) for piece in pieces]
        if not all(pairs):
            return None
        base.update((pair[1], pair[2]) for pair in pairs if pair)
    for matchers in part.selectors:
        labels = dict(base)
        if all(_fit(labels, matcher, base) for matcher in matchers):
            others = [s for p in avoid for s in p.selectors if p.metric == part.metric]
            if not any(all(_holds(labels, m) for m in s) for s in others):
                return labels
            for code in ("200", "success", "ok"):
                changed = {**labels, part.rule.code_label: code}
                fits = all(_holds(changed, m) for m in matchers)
                if fits and not any(all(_holds(changed, m) for m in s) for s in others):
                    return changed
    return None


def _fit(labels: _Labels, matcher: Matcher, fixed: Mapping[str, str]) -> bool:
    """Give a label a value that fits."""
    label, op, pattern = matcher
    if _holds(labels, matcher):
        return True
    if label in fixed:
        return False
    words = [re.sub(r"\\(.)", r"\1", w) for w in re.split(r"(?<!\\)\|", pattern)]
    for candidate in (*words, "500", "429", "200", "x", ""):
        if _holds({label: candidate}, (label, op, pattern)):
            labels[label] = candidate
            return True
    return False


def _holds(labels: Mapping[str, str], matcher: Matcher) -> bool:
    label, op, value = matcher
    have = labels.get(label, "")
    if op == "=":
        return have == value
    return (re.fullmatch(value, have) is not None) is (op == "=~")


# Values -------------------------------------------------------------------------------------


def _input(
    watch: Watch, page: Page, wanted: _Labels, *, above: bool
) -> tuple[list[_Series], Decimal] | None:
    """(series, the value that the alert has) above the limit, or as near below as can be."""
    parts = page.parts()
    one = Decimal(1)
    match watch.measure:
        case "tokens_over" | "requests_over":
            quantity = TOKENS if watch.measure == "tokens_over" else REQUESTS
            amount = watch.limit + above
            return _single(page, parts, quantity, wanted, Decimal(amount), Decimal(amount))
        case "cost_over":
            usd = Decimal(watch.limit + above).scaleb(-9)
            return _single(page, parts, COST, wanted, usd, usd)
        case "projected_over":
            assert watch.rule is not None
            rule = watch.rule
            usd = Decimal(watch.limit * watch.window // rule.per + above).scaleb(-9)
            value = usd * rule.per / watch.window
            return _single(page, parts, COST, wanted, usd, value)
        case name if name == BUDGET_STEP:
            assert watch.budget is not None
            limit = watch.budget.limit_nano
            nano = -(-limit * watch.limit // SHARE) - (not above)
            return _single(
                page, parts, COST, wanted, Decimal(nano).scaleb(-9), Decimal(nano) / limit
            )
        case "error_share_over" | "throttled_share_over":
            assert watch.rule is not None
            every = max(1000, watch.rule.min_requests)
            bad = every * watch.limit // SHARE + above
            quantity = ERRORS if watch.measure == "error_share_over" else THROTTLED
            failing = [p for p in parts if p.quantity in _PAGES_PARTS]
            for part in (p for p in parts if p.quantity == quantity):
                avoid = [p for p in failing if p.quantity != quantity]
                failed = _raw(page, part, wanted, avoid)
                if failed is None or part.factor != one:
                    continue
                for good in (p for p in parts if p.quantity == REQUESTS):
                    fine = _raw(page, good, wanted, failing)
                    if fine is not None and good.factor == one and part.metric not in good.unless:
                        return [
                            _Series(part.metric, failed, Decimal(bad)),
                            _Series(good.metric, fine, Decimal(every - bad)),
                        ], Decimal(bad) / every
    return None


def _single(
    page: Page,
    parts: Sequence[Part],
    quantity: str,
    wanted: _Labels,
    amount: Decimal,
    value: Decimal,
) -> tuple[list[_Series], Decimal] | None:
    avoid = [p for p in parts if p.quantity in _PAGES_PARTS]
    for part in parts:
        if part.quantity != quantity or part.rule.quantity == "cost_rate":
            continue
        labels = _raw(page, part, wanted, avoid)
        if labels is not None:
            return [_Series(part.metric, labels, amount / part.factor)], value
    return None

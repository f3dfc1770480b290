"""No two rules of one name and the same labels: Prometheus takes them for one series, refuses the
file, and fails when it evaluates them ("duplicate sample for timestamp")."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from costtui.alerts.promrules.pages import Page, Part
from costtui.alerts.promrules.text import Rule


def merged(
    parts: Iterable[tuple[Page, Part]], dimensions: Collection[str]
) -> list[tuple[Page, Part]]:
    """Parts of one quantity; those that differ only in which series of a metric they are (on
    costtui's own page the computed and the estimated money) are one with the series of both."""
    out: dict[object, tuple[Page, Part]] = {}
    for page, part in parts:
        rule = part.rule
        key: object = (
            page.name, part.metric, part.factor, part.unless, rule.service_label,
            rule.service_as_provider, rule.service if "service" in dimensions else "",
            tuple(sorted((d, repr(pick)) for d, pick in page.picks(rule).items())),
        )  # fmt: skip
        if part.instead or rule.quantity == "cost_rate":
            key = id(part)  # neither is the sum of whatever series it has
        both = part
        if key in out:
            first = out[key][1]
            selectors = dict.fromkeys((*first.selectors, *part.selectors))
            both = replace(first, selectors=tuple(selectors))
        out[key] = page, both
    return list(out.values())


def told_apart(rules: Iterable[Rule]) -> list[Rule]:
    """Where two are still alike, the label `metric` of the second says so."""
    seen: dict[object, int] = {}
    out = []
    for rule in rules:
        key = rule.name, rule.labels
        seen[key] = number = seen.get(key, 0) + 1
        labels = ((k, f"{v} ({number})" if k == "metric" else v) for k, v in rule.labels)
        out.append(rule if number == 1 else replace(rule, labels=tuple(labels)))
    return out

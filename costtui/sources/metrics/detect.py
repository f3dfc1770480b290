"""Which preset fits a page, and why: by the metrics that are on it."""

from __future__ import annotations

import re
from typing import NamedTuple

from costtui.sources import presets
from costtui.sources.metrics.shape import Shape

_NAME = re.compile(rb'\n[ \t]*(?:\{"([^"\\\n]+)"|([^\s{#"]+)[{ \t])')


class Finding(NamedTuple):
    """One preset that fits or nearly fits."""

    preset: str
    reason: str
    score: int
    limits: tuple[str, ...] = ()
    """What such a page cannot tell."""


def detect(body: bytes) -> list[Finding]:
    """Presets that fit `body` (with a newline in front), the best first."""
    shown = {
        (quoted or plain).decode("utf-8", "replace").replace(".", "_")
        for quoted, plain in _NAME.findall(body)
    }
    return fitting(shown)


def fitting(shown: set[str]) -> list[Finding]:
    """Presets that fit metrics of these names, the best first."""
    findings = [f for name in presets.names() if (f := _judge(presets.load(name), shown))]
    return sorted(findings, key=lambda finding: -finding.score)


def _judge(shape: Shape, shown: set[str]) -> Finding | None:
    found = [name for rule in shape.metrics for name in rule.names if name in shown]
    kinds = {rule.quantity for rule in shape.metrics if shown.intersection(rule.names)}
    for hint in shape.hints:
        if shown.issuperset(hint.present) and not shown.intersection(hint.absent):
            return Finding(shape.name, hint.note, 0) if hint.present else None
    if not found:
        return None
    missing = [
        what
        for what, quantities in (("tokens", {"tokens"}), ("reported money", {"cost"}))
        if any(r.quantity in quantities for r in shape.metrics) and not kinds & quantities
    ]
    reason = "has " + ", ".join(sorted(set(found)))
    if missing:
        reason += f"; not (yet) on the page: {', '.join(missing)}"
    if {"tokens", "cost"} <= kinds:
        score = 100
    else:
        score = 50 if kinds & {"tokens", "cost"} else 10
    if shape.version[0] in shown:
        score += 20
    return Finding(shape.name, reason, score + len(set(found)), shape.limits)

"""Silences, notifiers, and what is muted, as tables of values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from costtui.model.alert import AlertStatus, Silence
from costtui.model.notifier import NotifierHealth
from costtui.model.snapshot import View
from costtui.tui.muting import Mutes, silence_state
from costtui.tui.sheet import Sheet, iso


def silences(view: View, rows: Sequence[Silence], now: float) -> Sheet:
    """In the order of the screen."""
    return Sheet(
        "silences",
        ("id", "state", "starts", "ends", "matchers", "author", "reason"),
        tuple(
            (s.id, silence_state(s, now), iso(s.starts), iso(s.ends),
             " ".join(f"{name}{op}{value}" for name, op, value in s.matchers), s.author, s.reason)
            for s in rows
        ),
        view,
    )  # fmt: skip


def notifiers(view: View, rows: Sequence[NotifierHealth]) -> Sheet:
    """As the collector last said."""
    return Sheet(
        "notifiers",
        ("notifier", "type", "waiting", "last_ok", "last_failed", "failures", "refused",
         "retry_at", "error"),
        tuple(
            (h.name, h.type, h.waiting, iso(h.last_ok), iso(h.last_failed), h.failures, h.refused,
             iso(h.retry_at), h.error)
            for h in rows
        ),
        view,
    )  # fmt: skip


def with_mutes(sheet: Sheet, rows: Sequence[AlertStatus], found: Mutes) -> Sheet:
    """The alerts with what mutes each: the first reason, which is the one that is shown."""
    out = []
    for row, alert in zip(sheet.rows, rows, strict=True):
        reasons = found.get((alert.rule, alert.labels), ())
        one = reasons[0] if reasons else None
        out.append(
            (*row, one.kind if one else "", one.by if one else "", iso(one.until) if one else "",
             one.reason if one else "")
        )  # fmt: skip
    columns = (*sheet.columns, "muted", "muted_by", "muted_until", "muted_reason")
    return replace(sheet, columns=columns, rows=tuple(out))

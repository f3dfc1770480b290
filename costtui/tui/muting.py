"""What is muted, in words: beside each alert, and wherever firing alerts are counted.

The engine's muting is imported when something fires or is pending, and not before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from costtui.model.alert import AlertStatus, Labels, Silence
from costtui.model.notifier import NotifierHealth
from costtui.tui import format as fmt
from costtui.tui.cells import cell_len, fit, outside
from costtui.tui.look import Line, Look
from costtui.tui.shown import Shown

if TYPE_CHECKING:
    from costtui.engine.muting import Mute

Mutes = Mapping[tuple[str, Labels], tuple["Mute", ...]]
FAILING = 2
"""Messages in a row that failed, from which a notifier is said to be failing: one that failed once
is tried again within seconds."""
_NONE: Mutes = {}
_last: list[tuple[Shown, Mutes]] = []
"""What was asked last. The widgets of a screen ask for the same, one after the other."""


def moment_of(shown: Shown) -> float:
    """The moment that is shown, epoch seconds: now, or the end of a window of the past."""
    overview = shown.overview
    if overview is None:
        return 0.0
    return overview.taken_at if overview.view.window.live else float(overview.view.window.end)


def mutes(shown: Shown) -> Mutes:
    """What mutes each firing or pending alert that is shown."""
    overview = shown.overview
    if overview is None or not any(a.state in ("firing", "pending") for a in overview.alerts):
        return _NONE
    if _last and _same(_last[0][0], shown):
        return _last[0][1]
    from costtui.engine.muting import muted

    found = muted(
        shown.alert_rules, shown.budgets, overview.alerts, overview.silences, overview.acks,
        moment_of(shown),
    )  # fmt: skip
    _last[:] = [(shown, found)]
    return found


def _same(one: Shown, two: Shown) -> bool:
    return (
        one.overview is two.overview
        and one.alert_rules is two.alert_rules
        and one.budgets is two.budgets
    )


def kind_of(alert: AlertStatus, found: Mutes) -> str:
    """`acked`, `silenced` or `inhibited`; "" where somebody is told of it, or it does not fire."""
    if alert.state != "firing":
        return ""
    reasons = found.get((alert.rule, alert.labels), ())
    return reasons[0].kind if reasons else ""


def counted(alerts: Iterable[AlertStatus], found: Mutes) -> tuple[int, int]:
    """(firing, of these muted)."""
    firing = [a for a in alerts if a.state == "firing"]
    return len(firing), sum(1 for a in firing if kind_of(a, found))


def put_firing(line: Line, firing: int, muted: int, look: Look) -> None:
    """` 9 firing ` and how many of them are muted. All count: that somebody has muted one does not
    end it."""
    if firing > muted:
        line.put(" ").styled(f" {firing:,} firing ", look.palette.style("alarm"))
    elif firing:
        line.put(f" {firing:,} firing", "warn")
    if muted:
        line.put(f"({muted:,} muted)" if firing > muted else " (muted)", "warn")


def in_words(mute: Mute, look: Look) -> str:
    """`acked by ann 26 Nov 13:05: on it`, `silenced by bob until 26 Nov 14:10: deploy`."""
    by = f" by {outside(mute.by, 40)}" if mute.by else ""
    reason = f": {outside(' '.join(mute.reason.split()), 200)}" if mute.reason.strip() else ""
    match mute.kind:
        case "acked":
            when = f" {fmt.day_and_minute(mute.since, look.zone)}"
        case "silenced":
            when = f" until {fmt.day_and_minute(mute.until, look.zone)}"
        case _:
            return "inhibited: a higher step or the budget above says it"
    return f"{mute.kind}{by}{when}{reason}"


def silence_state(silence: Silence, now: float) -> str:
    """`coming`, `active` or `ended`."""
    if now < silence.starts:
        return "coming"
    return "active" if now < silence.ends else "ended"


def matchers_text(silence: Silence, look: Look) -> str:
    """`alert=budget team team=search`."""
    parts = []
    for name, op, value in silence.matchers:
        shown = look.named(name, value) if op in ("=", "!=") else value
        parts.append(f"{outside(name, 40)}{outside(op, 2)}{outside(shown, 80) or '(none)'}")
    return "  ".join(parts)


def own_health(shown: Shown) -> tuple[NotifierHealth, ...]:
    """The notifiers of the configuration, in its order, also those that nothing is known of yet."""
    told = {h.name: h for h in shown.overview.notifiers} if shown.overview is not None else {}
    return tuple(
        told.get(one.name) or NotifierHealth(one.name, one.type) for one in shown.notifiers
    )


def failing(shown: Shown) -> Sequence[NotifierHealth]:
    """Those that have been failing; nothing is known of the past."""
    if shown.overview is None or not shown.overview.view.window.live or not shown.notifiers:
        return ()
    return [h for h in own_health(shown) if h.error and h.failures >= FAILING]


def notifier_warning(shown: Shown, look: Look, width: int) -> Line:
    """For a title of `width` cells: who cannot be told. Empty where all can."""
    line, bad = Line(look), failing(shown)
    if not bad:
        return line
    more = f" +{len(bad) - 1}" if len(bad) > 1 else ""
    if width >= 100:
        text = f"cannot tell {outside(bad[0].name, 16)}{more}"
    else:  # beside the times of a window, which are not to be cut
        name = outside(bad[0].name, 40)
        text = f"{fit(name, min(cell_len(name), 6), look.glyphs.cut)}{more} fails"
    return line.put(f"{look.glyphs.warn} {text}", "over").put("  ")

"""The app's part that acknowledges and silences: a viewer's own small writes to the store.

Each is one short transaction in a thread of its own: a collector that is writing may hold it up for
seconds, and neither keys nor the reader's thread wait for that. What came of it is said.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import tzinfo
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import App

from costtui.errors import CosttuiError
from costtui.model.alert import AlertStatus, Matcher
from costtui.tui import format as fmt
from costtui.tui.cells import outside
from costtui.tui.shown import Shown

if TYPE_CHECKING:
    from costtui.config.schema import Config
    from costtui.engine.clock import Clock

READONLY = "this viewer only reads (--readonly): nothing is acknowledged or silenced here"
MANY = 20
"""Acknowledged by one key at most: more is a matter for a silence."""


class Quieting(App[int]):
    """`CosttuiApp` has the rest."""

    config: Config
    clock: Clock
    shown: Shown
    _zone: tzinfo
    readonly = False

    # Writes ---------------------------------------------------------------------------------

    def refusal(self) -> str:
        """Why nothing may be written now; "" where it may."""
        if self.readonly:
            return READONLY
        if self.shown.state.past:
            return "this is the past, where nothing can be muted: L goes back to now"
        return ""

    def tick(self) -> None:
        raise NotImplementedError

    def _said(self, text: str, *, wrong: bool = False) -> None:
        self.notify(
            text, title="Alerts", severity="error" if wrong else "information", markup=False,
            timeout=8 if wrong else 4,
        )  # fmt: skip

    def write(self, job: Callable[[Path], str]) -> None:
        """Do `job` with the store's path in a thread, and say what it returns, or what is wrong."""
        why = self.refusal()
        if why:
            self._said(why, wrong=True)
            return
        path = self.config.store.path

        async def go() -> None:
            try:
                text = await asyncio.to_thread(job, path)
            except (CosttuiError, ValueError, OSError) as error:
                self._said(f"Not stored: {outside(str(error), 300)}", wrong=True)
            else:
                self._said(text)
                self.tick()

        self.run_worker(go(), group="writes", exit_on_error=False)

    # What can be done -----------------------------------------------------------------------

    def acknowledge(self, alerts: Sequence[AlertStatus]) -> None:
        """Those that fire; if all of them are acknowledged already, take that back."""
        firing = [a for a in alerts if a.state == "firing" and a.id]
        if not firing:
            self._said("It does not fire, so there is nothing to acknowledge.", wrong=True)
            return
        if len(firing) > MANY:
            self._said(f"{len(firing)} alerts fire: z silences them together.", wrong=True)
            return
        overview = self.shown.overview
        known = {ack.episode for ack in overview.acks} if overview is not None else set()
        name = called(firing)
        if all(a.id in known for a in firing):
            self.write(lambda path: _unacked(path, firing, name))
        else:
            fresh, now = [a for a in firing if a.id not in known], self.clock.now()
            self.write(lambda path: _acked(path, fresh, name, now))

    def silence(self, matchers: Sequence[Matcher], seconds: int, reason: str) -> None:
        now = self.clock.now()
        until = fmt.day_and_minute(now + seconds, self._zone)
        self.write(lambda path: _silenced(path, matchers, now, seconds, reason, until))

    def end_silence(self, identity: int) -> None:
        now = self.clock.now()
        self.write(lambda path: _ended(path, identity, now))

    # Typed ----------------------------------------------------------------------------------

    def present(self) -> Sequence[AlertStatus]:
        """The alerts that are shown."""
        return self.shown.overview.alerts if self.shown.overview is not None else ()

    def names(self, *, firing: bool = False) -> list[tuple[str, str]]:
        """The names of alerts, each with what it is doing, for completion."""
        found: dict[str, str] = {}
        for alert in self.present():
            if alert.state == "firing" or not firing:
                found[alert.rule] = "firing" if alert.state == "firing" else found.get(
                    alert.rule, alert.state)  # fmt: skip
        if not firing:
            for rule in self.shown.alert_rules:
                found.setdefault(rule.name, "not evaluated yet")
            for budget in self.shown.budgets:
                found.setdefault(budget.alert, "not evaluated yet")
        return sorted(found.items())

    def ack_typed(self, text: str) -> None:
        """`:ack NAME`. Raises ValueError where nothing of that name fires."""
        why = self.refusal()
        if why:
            raise ValueError(why)
        firing = [a for a in self.present() if a.rule == text.strip() and a.state == "firing"]
        if not firing:
            from costtui.engine.muting import unknown_name

            name, known = text.strip(), [name for name, _ in self.names()]
            if name not in known:
                raise ValueError(unknown_name(name, known))
            raise ValueError(f"{name} does not fire")
        self.acknowledge(firing)

    def silence_typed(self, text: str) -> None:
        """`:silence NAME 2h reason`. Raises ValueError with what is wrong."""
        why = self.refusal()
        if why:
            raise ValueError(why)
        name, seconds, reason = parse_silence(text, [name for name, _ in self.names()])
        self.silence((Matcher("alert", "=", name),), seconds, reason)


def parse_silence(text: str, names: Sequence[str]) -> tuple[str, int, str]:
    """(name, seconds, reason) of `NAME 2h reason`. A name may have blanks: the longest known one
    that the text begins with is meant. Raises ValueError with a reason to show."""
    from costtui.config.durations import parse_duration

    text = text.strip()
    known = sorted((n for n in names if n and text.startswith(n)), key=len, reverse=True)
    name = next((n for n in known if text[len(n) :][:1] in ("", " ")), "")
    if not name:
        from costtui.engine.muting import unknown_name

        raise ValueError(unknown_name(_before_length(text), names))
    length, _, reason = text[len(name) :].strip().partition(" ")
    if not length:
        raise ValueError("for how long? For example: 2h, and why")
    try:
        seconds = int(parse_duration(length))
    except ValueError as error:
        raise ValueError(f"{length} {error}") from None
    if seconds < 60:
        raise ValueError("a silence lasts a minute or more")
    return name, seconds, reason.strip()


def _before_length(text: str) -> str:
    """The words before the first that is a duration."""
    from costtui.config.durations import parse_duration

    words = text.split()
    for number, word in enumerate(words[1:], 1):
        try:
            parse_duration(word)
        except ValueError:
            continue
        return " ".join(words[:number])
    return text


def called(alerts: Sequence[AlertStatus]) -> str:
    """`budget team step=80%`, `3 alerts`."""
    if len(alerts) != 1:
        return f"{len(alerts)} alerts"
    labels = " ".join(f"{outside(k, 40)}={outside(v, 40)}" for k, v in alerts[0].labels)
    return f"{outside(alerts[0].rule, 60)} {labels}".rstrip()


def _acked(path: Path, alerts: Sequence[AlertStatus], name: str, now: float) -> str:
    from costtui.engine import muting

    muting.acknowledge(path, alerts, now)
    return f"Acknowledged: {name}. It is not told again while it fires."


def _unacked(path: Path, alerts: Sequence[AlertStatus], name: str) -> str:
    from costtui.engine import muting

    muting.unacknowledge(path, alerts)
    return f"No longer acknowledged: {name}."


def _silenced(
    path: Path,
    matchers: Sequence[Matcher],
    now: float,
    seconds: int,
    reason: str,
    until: str,
) -> str:
    from costtui.engine import muting

    identity = muting.silence(path, matchers, now, seconds, reason)
    return f"Silence {identity} until {until}."


def _ended(path: Path, identity: int, now: float) -> str:
    from costtui.engine import muting

    if not muting.end_silence(path, identity, now):
        return f"Silence {identity} had ended already."
    return f"Silence {identity} is over: what still fires is told now."

"""What a viewer does when an alert begins to fire: the bell, a line above the keys, the title.

`display.alerts` says which. The collector tells everybody else; this is for who is looking.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from costtui.model.snapshot import AlertStatus
from costtui.tui.cells import outside
from costtui.tui.muting import counted, kind_of, mutes
from costtui.tui.shown import Shown
from costtui.tui.watch import Firings

if TYPE_CHECKING:
    from costtui.tui.app import CosttuiApp

NAMED = 3
"""Rules that are named; the list has the others."""
_PUSH, _POP = "\x1b[22;2t", "\x1b[23;2t"
"""xterm's stack of titles: whoever has none of it keeps the last title."""


class Alarm:
    """Which alerts have been noticed, and how."""

    def __init__(self, app: CosttuiApp, ways: Sequence[str]) -> None:
        self._app = app
        self._ways = frozenset(ways)
        self._firings = Firings()
        self._looked = False
        self._title = ""

    def look_back(self, now: object) -> None:
        """(alerts, silences, acknowledgements) of now, while the screen shows another time."""
        shown = self._app.shown
        if shown.overview is None or not isinstance(now, tuple):
            return
        alerts, silences, acks = now
        window = replace(shown.overview.view.window, live=True)
        overview = replace(
            shown.overview, view=replace(shown.overview.view, window=window),
            taken_at=self._app.clock.now(), alerts=alerts, silences=silences, acks=acks,
        )  # fmt: skip
        self.look_at(shown._replace(overview=overview), past=True)

    def look_at(self, shown: Shown, *, past: bool) -> None:
        """As `look`, of all that is shown. What is muted does not ring, and is counted apart."""
        assert shown.overview is not None
        found = mutes(shown)
        loud = [a for a in shown.overview.alerts if not kind_of(a, found)]
        self.look(loud, past=past, muted=counted(shown.overview.alerts, found)[1])

    def look(self, alerts: Sequence[AlertStatus], *, past: bool, muted: int = 0) -> None:
        """The alerts as they are now. `past`: the screen shows another time."""
        firing = [alert for alert in alerts if alert.state == "firing"]
        first, self._looked = not self._looked, True
        if self._firings.new(alerts):
            if "bell" in self._ways:
                self._app.bell()
            # What fires at the start is on the screen that is just being drawn.
            if "toast" in self._ways and (past or not first):
                self._toast(firing, past=past)
        if "title" in self._ways:
            self._entitle(firing, muted)

    def _toast(self, firing: Sequence[AlertStatus], *, past: bool) -> None:
        back = "L goes back to now, F4 lists the alerts." if past else "F4 lists the alerts."
        text = f"{_names(firing)}: firing now. {back}"
        self._app.notify(text, title="Alert", severity="error", markup=False)

    def _entitle(self, firing: Sequence[AlertStatus], muted: int) -> None:
        more = f", {muted} muted" if muted else ""
        title = f"({len(firing)}{more}) {_names(firing)} - costtui" if firing else "costtui"
        if title == self._title:
            return
        before, self._title = self._title, title
        # OSC 2. `outside` has spelled out what could end it early.
        self._write(f"{'' if before else _PUSH}\x1b]2;{title}\x07")

    def close(self) -> None:
        """The end: the terminal gets its title back."""
        if self._title:
            self._title = ""
            self._write(f"\x1b]2;\x07{_POP}")

    def _write(self, text: str) -> None:
        driver = self._app._driver
        if driver is not None and not self._app.is_headless:
            driver.write(text)
            driver.flush()


def _names(firing: Sequence[AlertStatus]) -> str:
    """The rules, each once, the first few of them."""
    names = list(dict.fromkeys(outside(alert.rule, 40) for alert in firing))
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more

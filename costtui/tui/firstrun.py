"""A start without a configuration: look around once, and write one when the user says so."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from costtui.errors import UsageError
from costtui.model.found import AGAIN, Discovery

if TYPE_CHECKING:
    from costtui.tui.app import CosttuiApp


class FirstConfig(NamedTuple):
    """What can be done where there is no configuration yet; the command line gives it."""

    path: Path
    """What `write` makes."""
    look: Callable[[], Awaitable[Discovery]]
    """A look around this machine. Raises nothing."""
    write: Callable[[str], None] | None
    """Raises UsageError. None: there is a file, which has no source yet, and is read again."""


class FirstRun:
    """The steps of a first start, for one app."""

    def __init__(self, first: FirstConfig | None) -> None:
        self._first = first
        self._discovery: Discovery | None = None
        self._looking = False
        self._wanted = False

    def shown(self, app: CosttuiApp) -> None:
        """Something else is on screen. With nothing to show, look around: once, and only then."""
        first = self._first
        if first is None or self._looking or app.shown.condition not in ("welcome", "waiting"):
            return
        self._looking = True
        app.run_worker(self._look(app, first), exit_on_error=False)
        app.show(app.shown._replace(begin=str(first.path)))

    async def _look(self, app: CosttuiApp, first: FirstConfig) -> None:
        self._discovery = await first.look()
        app.show(app.shown._replace(found=self._discovery.found))
        if self._wanted:
            self.begin(app)

    def begin(self, app: CosttuiApp) -> None:
        """Write the configuration and start again with it."""
        first, discovery = self._first, self._discovery
        if first is None or app.shown.condition == "ready":
            _there_is_one(app)
        elif first.write is None:
            app.exit(AGAIN)
        elif discovery is None:
            self._wanted = True
            self.shown(app)
            app.notify("As soon as the look around is done.", timeout=3)
        else:
            try:
                first.write(discovery.text)
            except UsageError as error:
                app.notify(str(error), title="Configuration", severity="error", timeout=10,
                           markup=False)  # fmt: skip
            else:
                app.exit(AGAIN)


def _there_is_one(app: CosttuiApp) -> None:
    files = ", ".join(str(file) for file in app.config.files)
    app.notify(
        f"The configuration is {files}." if files else "There is nothing to begin here.",
        timeout=5,
        markup=False,
    )

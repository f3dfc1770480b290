"""What screens with alerts share: `a` acknowledges what is under the cursor, `z` silences it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from costtui.model.alert import AlertStatus, Matcher
from costtui.tui.screens.side import SideScreen

if TYPE_CHECKING:
    from costtui.tui.quieting import Quieting


class MutableScreen(SideScreen):
    """Subclasses say what is under the cursor."""

    def alerts_here(self) -> Sequence[AlertStatus]:
        """The present alerts under the cursor."""
        raise NotImplementedError

    def matchers_here(self) -> tuple[Matcher, ...]:
        """What a silence of what is under the cursor begins with."""
        raise NotImplementedError

    @property
    def quieting(self) -> Quieting:
        return cast("Quieting", self.app)

    def _refused(self) -> bool:
        why = self.quieting.refusal()
        if why:
            self.notify(why, title="Alerts", severity="error", markup=False)
        return bool(why)

    def action_acknowledge(self) -> None:
        if not self._refused():
            self.quieting.acknowledge(self.alerts_here())

    def action_silence(self) -> None:
        """The form. It may be left without anything having been stored."""
        if self._refused():
            return
        matchers = self.matchers_here()
        if not matchers:
            self.notify("There is no alert here to silence.", title="Alerts", timeout=3)
            return
        from costtui.tui.screens.silence import SilenceForm

        # At once and by no message: what is typed behind the key belongs into the form.
        self.app.push_screen(SilenceForm(self.look, self.shown, matchers))

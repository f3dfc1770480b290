"""Going from screen to screen. Every one but the overview is imported when it is first shown."""

from __future__ import annotations

from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual.events import Event, Key, Paste
from textual.keys import _character_to_key

from costtui.tui.look import Look
from costtui.tui.messages import Open, Push
from costtui.tui.resizing import Fitting
from costtui.tui.shown import Shown

# Textual reads Esc 5 as the ∞ of a Macintosh keyboard's alt+5. Without these entries it is alt+5.
for _digit in "0123456789":
    ANSI_SEQUENCES_KEYS.pop(f"\x1b{_digit}", None)  # type: ignore[attr-defined]

SCREENS = {
    "requests": "requests:RequestsScreen",
    "fleet": "fleet:FleetScreen",
    "alerts": "alerts:AlertsScreen",
    "budgets": "budgets:BudgetsScreen",
    "forecast": "forecast:ForecastScreen",
    "advice": "advice:AdviceScreen",
    "prices": "prices:PricesScreen",
    "cross": "cross:CrossScreen",
    "sources": "sources:SourcesScreen",
    "why": "why:WhyScreen",
    "views": "views:ViewsScreen",
}
"""Screens that stand directly above the overview: name → `module:Class` in `tui/screens`. Each is
made from the look and what is shown, and imported when it is first opened."""


class Navigation(Fitting):
    """The screens of costtui above the overview, which is always at the bottom of the stack."""

    look: Look
    shown: Shown

    async def on_event(self, event: Event) -> None:
        """A letter or digit within 100 ms of Esc arrives as alt with it: terminals send the same
        bytes for both, and a slow ssh puts the two into one packet. No key here has alt, so both
        are taken as they were typed. (Of Esc and a punctuation mark Textual drops the Esc.)"""
        if isinstance(event, Key) and not event.is_forwarded:
            if event.key.startswith("alt+") and event.character:
                if not await self.pressed(Key("escape", None)):
                    await self._check_bindings("escape")
                event = Key(_character_to_key(event.character), event.character)
            if await self.pressed(event):
                return
        elif isinstance(event, Paste) and not event.is_forwarded and self.pasted(event.text):
            return
        await super().on_event(event)

    async def pressed(self, event: Key) -> bool:
        """Take a key before any widget does; False leaves it to them."""
        raise NotImplementedError

    def pasted(self, text: str) -> bool:
        """Take a paste before any widget does; False leaves it to them."""
        raise NotImplementedError

    def on_open(self, message: Open) -> None:
        if message.screen == "overview":
            self.action_overview()
        elif message.screen == "filter":
            from costtui.tui.widgets.filterbar import FilterBar

            if not self.screen.query(FilterBar):
                self.screen.mount(FilterBar(self.screen.focused, self.look.tags))
        else:
            self.action_goto(message.screen)

    def on_push(self, message: Push) -> None:
        self.push_screen(message.make(self.look, self.shown))

    def action_overview(self) -> None:
        while len(self.screen_stack) > 1:
            self.pop_screen()

    def action_goto(self, name: str) -> None:
        """Show one screen above the overview, whatever was there."""
        from importlib import import_module

        module, _, cls = SCREENS[name].partition(":")
        kind = getattr(import_module(f"costtui.tui.screens.{module}"), cls)
        if isinstance(self.screen, kind):
            return
        self.action_overview()
        self.push_screen(kind(self.look, self.shown))

    def action_help(self) -> None:
        from costtui.tui.screens.help import HelpScreen

        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen(self.look, getattr(self.screen, "where", "overview")))

    def action_back_or_quit(self) -> None:
        if len(self.screen_stack) > 1:
            self.pop_screen()
        else:
            self.exit(0)

    def action_stop(self) -> None:
        self.exit(0)

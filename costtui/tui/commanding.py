"""The command line: keys into it at once, one after the other, and what Enter does."""

from __future__ import annotations

import inspect
from time import monotonic
from typing import TYPE_CHECKING, Any

from textual.events import Key

from costtui.tui import theming
from costtui.tui.steps import Steps
from costtui.tui.toasting import Toasting

if TYPE_CHECKING:
    from pathlib import Path

    from textual.timer import Timer
    from textual.widget import Widget

    from costtui.tui.commands import Hit, Value
    from costtui.tui.prompt import Prompt
    from costtui.tui.widgets.commandline import CommandLine


HELD = 10.0
"""Seconds that keys wait for a screen or the filter line at most."""
TYPED = ("filter", "at", "what-if")
"""Actions that open a line one types into."""
LOOK = 0.02
"""Seconds between two looks whether they can go on."""


class Commanding(Toasting, Steps):
    """The app's part that has a command line."""

    ENABLE_COMMAND_PALETTE = False
    themes_dir: Path | None
    prompt: Prompt | None = None
    _line: CommandLine | None = None
    _held_since = 0.0
    _holding: Timer | None = None
    _filter_wanted = False
    """The key of the filter line was pressed, and it is not there yet."""
    _worn: str = ""
    """The theme before a preview."""
    _themes: list[Value] | None = None

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._held: list[Key] = []
        """Keys that wait."""
        self._typed_lines: list[str] = []
        """The history; it ends with the app, because it may hold names of people."""

    # Keys -----------------------------------------------------------------------------------

    async def pressed(self, event: Key) -> bool:
        """Take a key before any widget does; False leaves it to them.

        Textual hands a key to the focused widget and looks for its binding when it comes back,
        three message queues later. Of keys that arrive in one packet the second would so be read
        before the first one did anything: `:` and then `quit` would press four keys. Keys that
        are faster than a screen or the filter line wait for it, in their order.
        """
        self.app_focus = True
        if self._exit:  # no screen is opened on the way out
            return True
        if self._held or not self._can_go_on():
            self._held.append(event)
            if self._holding is None:
                self._held_since = monotonic()
                self._holding = self.set_timer(LOOK, self.release)
            return True
        return await self._take_key(event)

    async def _take_key(self, event: Key) -> bool:
        typing = self.prompt is not None and event.character and event.character.isprintable()
        if not typing and await self._check_bindings(event.key, priority=True):
            return True
        if self.prompt is not None:
            await self._into_line(self.prompt, event)
            return True
        # In a line one types into, Esc leaves the line: what was said goes anyway.
        if self.toast_closed(event.key) and not self._types(self.focused):
            return True
        if self._types(self.focused):
            self._filter_wanted = False
            if event.key != "ctrl+j":
                return False
            # The other end of a line: what pasted text and `send-keys` with a line break bring.
            assert self.focused is not None
            self.focused._forward_event(Key("enter", "\r"))
            return True
        where = getattr(self.screen, "where", "")
        self._filter_wanted = any(
            k.id in TYPED and k.on(where) and where != "help" and event.key in k.keys.split(",")
            for k in self.look.keys
        )
        return await self._check_bindings(event.key)

    @staticmethod
    def _types(widget: Widget | None) -> bool:
        """Is it a line one types into?"""
        return widget is not None and widget.check_consume_key("a", "a")

    def _can_go_on(self) -> bool:
        """Can the next key be taken?"""
        if self.prompt is not None:
            return True
        return self.screen.is_mounted and (not self._filter_wanted or self._types(self.focused))

    async def release(self) -> None:
        """Take the keys that waited, as far as that goes. What was typed for a filter line that
        does not come is dropped: text must not become keys."""
        if self._holding is not None:
            self._holding.stop()
            self._holding = None
        if not self._screen_stack:  # the end came first
            self._held.clear()
        late = monotonic() - self._held_since > HELD
        if late and self._filter_wanted:
            self._held.clear()
            self._filter_wanted = False
        while self._held and (late or self._can_go_on()):
            event = self._held.pop(0)
            if not await self._take_key(event):
                (self.focused or self.screen)._forward_event(event)
        if self._held:
            self._holding = self.set_timer(LOOK, self.release)

    def pasted(self, text: str) -> bool:
        """Take a paste; False leaves it to the widgets."""
        if self.prompt is None:
            return False
        self.prompt.insert(text)
        self._line_changed()
        return True

    async def _into_line(self, prompt: Prompt, event: Key) -> None:
        came = prompt.press(event.key, event.character)
        if prompt.searches:
            words = "" if came == "leave" else prompt.text
            getattr(self.screen, "narrow", str)(words)
            if came:
                self.close_line()
            else:
                self._line_changed()
        elif came == "leave":
            self.close_line()
        elif came == "enter":
            await self._enter(prompt)
        else:
            self._preview(prompt)
            self._line_changed()

    async def _enter(self, prompt: Prompt) -> None:
        hit = prompt.hit
        if not prompt.text.strip() and hit is None:
            self.close_line()
            return
        if hit is None:
            prompt.error = prompt.found.why
            self._line_changed()
            return
        if hit.command.argument and hit.command.needed and not hit.argument:
            prompt.put(hit.text)
            self._line_changed()
            return
        await self._do(prompt, hit)

    async def _do(self, prompt: Prompt, hit: Hit) -> None:
        """Run it, with the line closed: a command may open another screen. What it refuses is
        said in the line, which is then open again with all that was typed."""
        from costtui.tui.prompt import remembered

        remembered(self._typed_lines, hit.text)
        preview, self._worn = self._worn, ""
        self.close_line()
        try:
            done = hit.command.run(hit.argument)
            if inspect.isawaitable(done):
                await done
        except ValueError as error:
            if preview:
                self.preview_theme(preview)
            prompt.error = f"{hit.command.name}: {error}"
            self._open(prompt)

    # The line -------------------------------------------------------------------------------

    def action_command_palette(self) -> None:
        from costtui.tui.palette_commands import commands
        from costtui.tui.prompt import Prompt

        if self.prompt is None:
            self._themes = None
            self._open(Prompt(commands(self), self._typed_lines))  # type: ignore[arg-type]

    def action_find(self) -> None:
        """Narrow the list of the screen by words."""
        from costtui.tui.prompt import Search

        if self.prompt is None:
            self._open(Search())

    def _open(self, prompt: Prompt) -> None:
        from costtui.tui.widgets.commandline import CommandLine

        self.prompt, self._filter_wanted = prompt, False
        self._line = CommandLine(self.look, prompt)
        self.hide_toast()
        self.screen.mount(self._line)

    def _line_changed(self) -> None:
        if self._line is not None:
            self._line.update()

    def close_line(self) -> None:
        """Away with it; a theme that was only looked at goes, too."""
        if self._line is not None:
            self._line.remove()
        self.prompt = self._line = None
        if self._worn:
            worn, self._worn = self._worn, ""
            self.preview_theme(worn)
        self.show_toast()

    # Themes ---------------------------------------------------------------------------------

    def theme_values(self) -> list[Value]:
        """Every theme by name."""
        if self._themes is None:
            self._themes = theming.values(self, self.themes_dir)
        return self._themes

    def preview_theme(self, name: str) -> None:
        theming.wear(self, name, self.themes_dir)

    def choose_theme(self, name: str) -> None:
        """Raises ValueError when colours are off."""
        if self.no_color:
            raise ValueError("NO_COLOR is set, so there are no themes to choose")
        theming.wear(self, name, self.themes_dir)

    @property
    def looking(self) -> bool:
        """Is the theme on screen one that is only looked at?"""
        return bool(self._worn)

    def _preview(self, prompt: Prompt) -> None:
        """Show what the row that one moved to would do."""
        hit = prompt.hit
        show = hit is not None and hit.command.preview is not None and prompt.chosen >= 0
        if hit is not None and show and hit.argument and not self.no_color:
            self._worn = self._worn or self.theme
            assert hit.command.preview is not None
            hit.command.preview(hit.argument)
        elif self._worn:
            worn, self._worn = self._worn, ""
            self.preview_theme(worn)

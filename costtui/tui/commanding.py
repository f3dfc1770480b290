"""The command line: keys into it at once, one after the other, and what Enter does."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from textual.events import Key

from costtui.tui import theming
from costtui.tui.steps import Steps
from costtui.tui.toasting import Toasting

if TYPE_CHECKING:
    from pathlib import Path

    from textual.timer import Timer

    from costtui.tui.commands import Hit, Value
    from costtui.tui.prompt import Prompt
    from costtui.tui.widgets.commandline import CommandLine


HELD = 3.0
"""Seconds that keys wait for a filter line at most. After that they are dropped: what was typed as
a text must not become keys."""


class Commanding(Toasting, Steps):
    """The app's part that has a command line."""

    ENABLE_COMMAND_PALETTE = False
    themes_dir: Path | None
    prompt: Prompt | None = None
    _line: CommandLine | None = None
    _held: list[Key] | None = None
    """Keys that wait for the filter line."""
    _holding: Timer | None = None
    _worn: str = ""
    """The theme before a preview."""
    _themes: list[Value] | None = None

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._typed_lines: list[str] = []
        """The history; it ends with the app, because it may hold names of people."""

    # Keys -----------------------------------------------------------------------------------

    async def pressed(self, event: Key) -> bool:
        """Take a key before any widget does; False leaves it to them.

        Textual hands a key to the focused widget and looks for its binding when it comes back,
        three message queues later. Of keys that arrive in one packet the second would so be read
        before the first one did anything: `:` and then `quit` would press four keys.
        """
        self.app_focus = True
        typing = self.prompt is not None and event.character and event.character.isprintable()
        if not typing and await self._check_bindings(event.key, priority=True):
            return True
        if self.prompt is not None:
            await self._into_line(self.prompt, event)
            return True
        if self._held is not None:
            self._held.append(event)
            return True
        if self.toast_closed(event.key):
            return True
        if self.focused is not None and self.focused.check_consume_key("a", "a"):  # an input line
            if event.key != "ctrl+j":
                return False
            # The other end of a line: what pasted text and `send-keys` with a line break bring.
            self.focused._forward_event(Key("enter", "\r"))
            return True
        if event.key in self._filter_keys():
            self._held = []
            self._holding = self.set_timer(HELD, self._drop)
        return await self._check_bindings(event.key)

    def _filter_keys(self) -> list[str]:
        where = getattr(self.screen, "where", "")
        return [key for k in self.look.keys if k.id == "filter" and k.on(where)
                for key in k.keys.split(",")]  # fmt: skip

    def release(self) -> None:
        """The filter line is there: what was typed meanwhile goes into it."""
        if self._holding is not None:
            self._holding.stop()
            self._holding = None
        held, self._held = self._held or [], None
        target = self.focused or self.screen
        for event in held:
            target._forward_event(event)

    def _drop(self) -> None:
        self._held = self._holding = None

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

        self.prompt = prompt
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

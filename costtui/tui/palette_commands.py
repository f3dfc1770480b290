"""The command palette: every action of the bindings table, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from textual.command import CommandPalette, DiscoveryHit, Hit, Hits, Provider

from costtui.tui.bindings import KEYS, Key


class KeyCommands(Provider):
    """Finds actions by label, tooltip and key."""

    def _commands(self) -> Iterator[tuple[str, str, Callable[[], object]]]:
        """(label, tooltip, call) of what a screen offers beside its keys."""
        screen = self.screen
        for label, tooltip, action in getattr(screen, "commands", tuple)():
            yield label, tooltip, partial(self.app.call_later, self.app.run_action, action, screen)

    def _keys(self) -> Iterator[tuple[Key, Callable[[], None]]]:
        where = getattr(self.screen, "where", "overview")
        for key in KEYS:
            if key.on(where) and key.action != "command_palette":
                yield key, partial(self._run, key)

    def _run(self, key: Key) -> None:
        namespace = self.app if key.on("") else self.screen
        self.app.call_later(self.app.run_action, key.action, namespace)

    async def discover(self) -> Hits:
        for key, run in self._keys():
            yield DiscoveryHit(f"{key.label}  ({key.shown or key.keys})", run, help=key.tooltip)
        for label, tooltip, call in self._commands():
            yield DiscoveryHit(label, call, help=tooltip)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for key, run in self._keys():
            text = f"{key.label}  ({key.shown or key.keys})"
            score = max(matcher.match(text), matcher.match(key.tooltip) * 0.9)
            if score > 0:
                yield Hit(score, matcher.highlight(text), run, help=key.tooltip)
        for label, tooltip, call in self._commands():
            score = max(matcher.match(label), matcher.match(tooltip) * 0.9)
            if score > 0:
                yield Hit(score, matcher.highlight(label), call, help=tooltip)


class Palette(CommandPalette):
    """Textual's palette in our clothes: a box at the top, not half of the screen."""

    CSS = """
    Palette { background: $background 40%; }
    Palette > #--container { width: 76; max-width: 96%; margin-top: 2; background: transparent; }
    Palette #--input { border: round $frame-focus; background: $panel; height: 3; padding: 0 1; }
    Palette #--input.--list-visible { border: round $frame-focus; }
    Palette SearchIcon { display: none; }
    Palette CommandInput, Palette CommandInput:focus { border: none; height: 1; padding: 0; }
    Palette CommandList, Palette CommandList:focus {
        max-height: 20; border: round $frame; background: $panel; padding: 0;
        scrollbar-size-vertical: 1;
    }
    Palette CommandList > .option-list--option-highlighted {
        background: $cursor-back; color: $text-strong; text-style: bold;
    }
    Palette > .command-palette--help-text { color: $text-quiet; text-style: not bold not dim; }
    Palette > .command-palette--highlight { color: $text-key; text-style: bold; }
    """

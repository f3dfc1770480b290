"""The command palette: every action of the bindings table, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from textual.command import CommandList, CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.events import Resize

from costtui.tui.bindings import KEYS, Key
from costtui.tui.screens.repainting import Repainting

MOST = 20
"""Lines of the list: a box at the top, not the whole of a tall screen."""


class KeyCommands(Provider):
    """Finds actions by label, tooltip and key."""

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

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for key, run in self._keys():
            text = f"{key.label}  ({key.shown or key.keys})"
            score = max(matcher.match(text), matcher.match(key.tooltip) * 0.9)
            if score > 0:
                yield Hit(score, matcher.highlight(text), run, help=key.tooltip)


class Palette(CommandPalette, Repainting):
    """Textual's palette in our clothes: a box at the top, not half of the screen."""

    CSS = """
    Palette { background: $background 40%; }
    Palette > #--container { width: 76; max-width: 96%; margin-top: 2; background: transparent; }
    Palette #--input { border: round $frame-focus; background: $panel; height: 3; padding: 0 1; }
    Palette #--input.--list-visible { border: round $frame-focus; }
    Palette SearchIcon { display: none; }
    Palette CommandInput, Palette CommandInput:focus { border: none; height: 1; padding: 0; }
    Palette CommandList, Palette CommandList:focus {
        border: round $frame; background: $panel; padding: 0;
        scrollbar-size-vertical: 1;
    }
    Palette CommandList > .option-list--option-highlighted {
        background: $cursor-back; color: $text-strong; text-style: bold;
    }
    CosttuiApp.-ascii Palette #--input, CosttuiApp.-ascii Palette #--input.--list-visible,
    CosttuiApp.-ascii Palette CommandList, CosttuiApp.-ascii Palette CommandList:focus {
        border: ascii $frame;
    }
    CosttuiApp.-ascii Palette CommandList, CosttuiApp.-ascii Palette CommandList:focus {
        scrollbar-size-vertical: 0;
    }
    Palette > .command-palette--help-text { color: $text-quiet; text-style: not bold not dim; }
    Palette > .command-palette--highlight { color: $text-key; text-style: bold; }
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(placeholder="find an action by name", **options)

    def on_resize(self, event: Resize) -> None:
        """The list ends inside the screen: two lines above the field, three for the field."""
        self.query_one(CommandList).styles.max_height = max(3, min(MOST, event.size.height - 5))

"""The command palette: every action of the bindings table, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider

from costtui.tui.bindings import KEYS, Key


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

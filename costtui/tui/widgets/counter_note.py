"""Why the list of requests does not hold all of the money: one line, where that is so."""

from __future__ import annotations

from textual.geometry import Size

from costtui.model.listing import Counters
from costtui.tui import format as fmt
from costtui.tui.cells import cell_len, outside
from costtui.tui.look import Line
from costtui.tui.widgets.lines import Lines
from costtui.tui.widgets.panel import NO_VALUE

_MONEY = 10


class CounterNote(Lines):
    """`$12.40 of $50.10 comes from counters: kong, litellm have no single requests`; no line at all
    where every gateway has some."""

    DEFAULT_CSS = "CounterNote { height: 1; display: none; }"

    counters: Counters | None = None

    def show(self, counters: Counters | None) -> None:
        self.counters = counters
        self.display = counters is not None and bool(counters.gateways)
        self.redraw()

    def lines(self, size: Size) -> list[Line]:
        found = self.counters
        if found is None or not found.gateways:
            return []
        line = Line(self.look).put(" ").put(self._amount(found), "text").put(": ", "quiet")
        names = [outside(name, 40) or NO_VALUE for name in found.gateways]
        room = size.width - line.width - 1
        forms = [self._who(names, kept) for kept in range(len(names), 0, -1)]
        who = f"{len(names)} gateways have" if len(names) > 1 else "it has"
        forms += [f"{who} no single requests", f"{who} none"]
        return [line.put(next((f for f in forms if cell_len(f) <= room), forms[-1]), "quiet")]

    def _amount(self, found: Counters) -> str:
        part, whole, g = found.counted, found.total, self.look.glyphs
        every = part.requests == whole.requests and part.tokens == whole.tokens
        if whole.effective_nano:
            of = fmt.money(whole.effective_nano, _MONEY, whole.exactness, g)
            some = fmt.money(part.effective_nano, _MONEY, part.exactness, g)
            return f"all of {of} comes from counters" if every else \
                f"{some} of {of} comes from counters"  # fmt: skip
        of, some = fmt.compact(whole.tokens), fmt.compact(part.tokens)
        return f"{of if every else f'{some} of {of}'} tokens come from counters"

    @staticmethod
    def _who(names: list[str], kept: int) -> str:
        shown, more = ", ".join(names[:kept]), len(names) - kept
        text = f"{shown} and {more} more" if more else shown
        return f"{text} {'has' if len(names) == 1 else 'have'} no single requests"

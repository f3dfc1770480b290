"""What is known about the rate under the cursor, and what it would be with another one."""

from __future__ import annotations

from collections.abc import Iterator

from textual.geometry import Size

from costtui.analysis.pricelist import cache_balance
from costtui.analysis.whatif import yaml_line
from costtui.model.charge import Exactness
from costtui.model.usage import TOKEN_TYPES
from costtui.tui import format as fmt
from costtui.tui import ratewords as words
from costtui.tui.cells import outside
from costtui.tui.look import Line, frame
from costtui.tui.widgets.lines import Lines
from costtui.tui.widgets.notice import wrapped
from costtui.tui.widgets.panel import NO_VALUE
from costtui.tui.widgets.price_table import Row

_LABEL = 9


def yaml_of(row: Row) -> str:
    """The entry for `pricing:` that a row asks for: with the rates that were chosen, or still to be
    filled in; `""` where it has a rate and nothing was chosen."""
    provider, model = row.priced.key
    if row.assumed is not None:
        return yaml_line(provider, model, row.assumed.card)
    return yaml_line(provider, model, None) if row.priced.where == "unpriced" else ""


class RateNote(Lines):
    """Under the table: in words and in full. Where not all has room, what matters most."""

    DEFAULT_CSS = "RateNote { height: 6; }"

    row: Row | None = None
    config = ""
    """Name of the configuration file."""

    def lines(self, size: Size) -> list[Line]:
        row, body = self.row, []
        title, note = Line(self.look), Line(self.look)
        if row is not None:
            provider, model = (outside(part, 80) for part in row.priced.key)
            title.put(f"{provider}/{model or NO_VALUE}" if provider else model or NO_VALUE, "title")
            facts = list(self._facts(row, max(20, size.width - _LABEL - 4)))
            order = sorted(range(len(facts)), key=lambda at: facts[at][0])
            body = [facts[at][1] for at in sorted(order[: max(0, size.height - 2)])]
            if yaml_of(row):
                note.put("y", "key").put(" copies the line for pricing:", "quiet")
        return frame(self.look, body, *size, title=title, note=note, focus=False)

    def _facts(self, row: Row, width: int) -> Iterator[tuple[int, Line]]:
        """(how much it is wanted, the line), in the order of the screen; the least number first."""
        priced, g = row.priced, self.look.glyphs
        role = "warn" if priced.where == "unpriced" else "text"
        yield from self._lines(0, "from", words.where_text(priced, self.config), width, role)
        alias = words.alias_text(priced)
        if alias:
            yield from self._lines(7, "", alias, width, "quiet")
        yield from self._lines(1, "", words.missing_text(priced), width, "warn")
        if row.assumed is None:
            yield from self._lines(6, "near", words.near_text(priced), width, "quiet")
        yield from self._rates(row, width)
        yield from self._lines(5, "used", self._used(row), width)
        yield from self._lines(4, "caching", self._caching(row), width)
        if priced.over_list is not None:
            yield 4, self._reported(row)
        if row.assumed is not None:
            yield 1, self._what_if(row)
        line = yaml_of(row)
        if line:
            yield from self._lines(1, "pricing:", outside(line, 400), width, "key")
        if row.assumed is None:
            text = f"= and two rates, or the name of a model {g.middle} in this screen only"
            yield from self._lines(8, "what if", text, width, "quiet")

    def _rates(self, row: Row, width: int) -> Iterator[tuple[int, Line]]:
        card = row.priced.card
        if card is None or card.free:
            return
        text = words.rates_text(card.rates)
        if card.per_request is not None:
            each = f"${words.rate_text(card.per_request)} a request"
            text = f"{text}, {each}" if text else each
        dates = words.dates_text(card)
        text += f"  ({dates})" if dates else ""
        yield from self._lines(2, "rates", text, width)
        for tier in words.tier_texts(card):
            yield from self._lines(6, "", tier, width, "quiet")
        if row.priced.changed:
            text = "* these are its last rates: they changed in this window"
            yield from self._lines(5, "", text, width, "warn")
        if card.periods:
            yield from self._lines(6, "", "its rates depend on the time of day", width, "quiet")

    def _lines(
        self, urgency: int, label: str, text: str, width: int, role: str = "text"
    ) -> Iterator[tuple[int, Line]]:
        for at, piece in enumerate(wrapped(text, width)):
            yield urgency, self._line("" if at else label, piece, role)

    def _line(self, label: str, text: str, role: str = "text") -> Line:
        return Line(self.look).put(" ").cell(label, _LABEL, "quiet").put(text, role)

    def _used(self, row: Row) -> str:
        total = row.total
        parts = [
            f"{words.KINDS[kind]} {fmt.compact(count)}"
            for kind, count in zip(TOKEN_TYPES, total[3:9], strict=True)
            if count
        ]
        requests = f"{total.requests:,} request{'' if total.requests == 1 else 's'}"
        return ", ".join([requests, *parts])

    def _caching(self, row: Row) -> str:
        """What reading from a cache has saved, and writing it has cost beyond input."""
        less, more = cache_balance(row.priced.card, row.total)
        texts = [fmt.money(abs(n), 12, Exactness.ESTIMATE, self.look.glyphs) for n in (less, more)]
        reads, tokens = texts[0], fmt.compact(row.total.cache_read)
        text = f"{reads} less than {tokens} tokens would have cost as input" if less else ""
        if more < 0:
            text = f"{text}{', ' * bool(text)}writing it {texts[1]} more"
        return text

    def _reported(self, row: Row) -> Line:
        over, told = row.priced.over_list, row.priced.spent.told
        assert over is not None
        text = f"reported {fmt.money(told.reported_nano)}, list price {fmt.money(told.list_nano)}"
        line = self._line("list", f"{text}: ")
        return line.put(words.over_text(*over, 12), words.over_role(*over))

    def _what_if(self, row: Row) -> Line:
        assumed, total = row.assumed, row.total
        assert assumed is not None
        label = outside(assumed.label, 60)
        if row.would is None:
            return self._line("what if", f"{label} has no rate for a kind of token in it", "warn")
        would = fmt.money(row.would, 14, row.exactness, self.look.glyphs)
        line = self._line("what if", would, "value").put(f" at {label}", "text")
        if total.effective_nano:
            now = fmt.money(total.effective_nano, 14, total.exactness, self.look.glyphs)
            change = words.signed(row.would - total.effective_nano, 14, self.look.glyphs.about)
            return line.put(f"  instead of {now}: ", "quiet").put(change, "value")
        return line.put("  (in no sum so far)" if row.priced.unpriced else "", "quiet")

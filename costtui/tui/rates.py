"""Prices for the screens that speak of them, in the reader's thread.

A viewer does not price, so the catalogue is imported when one of these screens is first opened:
0.16 s and 17 MB, measured, in the thread that reads the store, where no key waits for it
(docs/decisions/047-prices-screen.md).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, NamedTuple, cast

from costtui.config.schema import Config
from costtui.errors import PricingError
from costtui.model.snapshot import Filter, Totals, View

if TYPE_CHECKING:
    from textual.screen import Screen

    from costtui.analysis.advice import Advice
    from costtui.analysis.pricelist import Priced, PriceList, Worked
    from costtui.analysis.whatif import Assumed
    from costtui.pricing.calculate import Pricer
    from costtui.pricing.rates import Found
    from costtui.tui.data import Data

_MOST_NEAR = 20
"""Unpriced models for which near names are looked up: 8 ms each, once."""
_REMEMBERED = 20_000
"""Rates by (provider, model, day), a few hundred bytes each."""


class Detail(NamedTuple):
    """One model in full."""

    priced: Priced
    worked: Worked
    looked_for: tuple[tuple[str, str], ...]
    """The names that were tried in the catalogue and the pricing file."""


class Rates:
    """The prices of one configuration. Cheap to make; everything else belongs to the reader's
    thread."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.problem = ""
        """Why some prices could not be read."""
        self._pricer: Pricer | None = None
        self._near: dict[tuple[str, str], tuple[tuple[str, str], ...]] = {}
        self._found: dict[tuple[str, str, date], Found | None] = {}

    @property
    def pricer(self) -> Pricer:
        if self._pricer is None:
            from costtui.pricing.calculate import Pricer

            try:
                self._pricer = Pricer(self.config)
                problems = self._pricer.problems
                self.problem = str(problems[0]) if problems else ""
            except PricingError as error:
                # What the other layers know is still true.
                self.problem = str(error)
                self._pricer = Pricer(replace(self.config, pricing_file=None))
        return self._pricer

    def find(self, provider: str, model: str, day: date) -> Found | None:
        key = (provider, model, day)
        if key not in self._found:
            if len(self._found) >= _REMEMBERED:
                self._found.clear()
            self._found[key] = self.pricer.found(*key)
        return self._found[key]

    def prices(self, data: Data, view: View, now: float) -> PriceList:
        """The models of the view."""
        from costtui.analysis.pricelist import price_list
        from costtui.pricing.catalogue import catalogue_version

        pricer = self.pricer
        catalogue = catalogue_version() if self.config.catalogue else ""
        found = price_list(self.find, pricer.alias, data.spent(view, now), view, catalogue)
        return replace(found, rows=self._told_near(found.rows), problem=self.problem)

    def _told_near(self, rows: tuple[Priced, ...]) -> tuple[Priced, ...]:
        """The rows, those without a rate with the names that may have been meant."""
        from costtui.analysis.whatif import nearest_names

        lost = [r for r in rows if r.where == "unpriced" and r.spent.model]
        lost.sort(key=lambda r: -r.spent.total.unpriced_tokens)
        for row in lost[:_MOST_NEAR]:
            if row.key not in self._near:
                self._near[row.key] = tuple(nearest_names(self.pricer, *row.key))
        return tuple(
            replace(row, near=self._near[row.key]) if row.key in self._near else row for row in rows
        )

    def detail(self, data: Data, view: View, now: float, provider: str, model: str) -> Detail:
        """One model: its usage is added up for each stretch of the window with rates of its own."""
        from costtui.analysis.pricelist import Stretch, price_list, stretches, work_out
        from costtui.model.spending import Spent

        only = (Filter("provider", provider), Filter("model", model))
        view = replace(view, filters=(*view.filters, *only))
        spent = data.spent(view, now) or (Spent((provider, model), Totals()),)
        rows = price_list(self.find, self.pricer.alias, spent[:1], view, "").rows
        (priced,) = self._told_near(rows)
        parts: list[tuple[Stretch, Spent | None]] = []
        pieces = stretches(lambda day: self.find(provider, model, day), view.window)
        for piece in pieces:
            own = spent
            if len(pieces) > 1:
                window = replace(view.window, start=piece.start, end=piece.end)
                own = data.spent(replace(view, window=window), now)
            parts.append((piece, own[0] if own else None))
        return Detail(priced, work_out(parts), tuple(self.pricer.names(provider, model)))

    def like(
        self, name: str, view: View, seen: Collection[tuple[str, str]], near: str
    ) -> Assumed | str:
        """The rates of a model by its name at the end of the view, or why there are none."""
        from costtui.analysis.pricelist import day_of
        from costtui.analysis.whatif import like

        day = day_of(max(view.window.start, view.window.end - 1))
        try:
            return like(self.pricer, name, day, seen, near)
        except ValueError as error:
            return str(error)

    def advice(self, data: Data, view: View, now: float) -> Advice:
        """What is worth a look in the view."""
        from costtui.analysis.advice import advise

        return advise(
            view,
            self.find,
            self.prices(data, view, now).rows,
            data.spent(view, now, ("gateway",)),
            data.spent(view, now, ("consumer",)),
            data.failed(view, now),
        )


def rates_of(screen: Screen[None]) -> Rates:
    """The app's prices."""
    return cast("Rates", screen.app.rates)  # type: ignore[attr-defined]

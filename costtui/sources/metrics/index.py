"""Finds series of a page by name, by pair and by what they say.

A counter and its `_created` stand on different lines; metrics that say the same must not both
count; whether some traffic has a cost series decides how it is priced.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from costtui.model.dimension import Dimensions
from costtui.sources.metrics.exposition import Entry, Page, PageReader, number_text
from costtui.sources.metrics.mapping import CLOCK_NAMES, COST, Placement, Series
from costtui.sources.metrics.shape import Shape


class PageIndex:
    """Grows with each never-seen series; built again when the reader forgot some."""

    def __init__(self, reader: PageReader[Series]) -> None:
        self._reader = reader
        self._generation = reader.generation
        self._by_name: dict[str, list[Entry[Series]]] = {}
        self._created: dict[tuple[str, bytes], Entry[Series]] = {}
        self._counters: dict[tuple[str, bytes], list[Entry[Series]]] = {}
        self._gauges: list[Entry[Series]] = []
        self._parts: dict[tuple[int, Dimensions], list[Entry[Series]]] = {}
        self._version = ""
        self.costs: dict[Dimensions, list[str]] = {}
        """Keys of the cost series of each combination of dimensions."""

    def follow(self, page: Page[Series]) -> None:
        """Take up the series that `page` showed for the first time."""
        if self._generation != self._reader.generation:
            self._generation = self._reader.generation
            for index in (self._by_name, self._created, self._counters, self._parts, self.costs):
                index.clear()
            self._gauges = []
            self._add(self._reader.entries())
        else:
            self._add(page.fresh)

    def _add(self, entries: Iterable[Entry[Series]]) -> None:
        for entry in entries:
            series = entry.item
            self._by_name.setdefault(entry.name, []).append(entry)
            if series.role == "created":
                self._created[series.pair] = entry
            elif series.role == "counter":
                self._counters.setdefault(series.pair, []).append(entry)
            elif series.role == "gauge":
                self._gauges.append(entry)
            for placement in series.placements:
                if COST in placement.fields:
                    self.costs.setdefault(placement.dims, []).append(series.key)
                    if not placement.whole:
                        where = (placement.rule, placement.dims)
                        self._parts.setdefault(where, []).append(entry)

    def _on(self, name: str, page: Page[Series]) -> Iterator[Entry[Series]]:
        return (e for e in self._by_name.get(name, ()) if e.seen == page.number)

    def shows(self, name: str, page: Page[Series]) -> bool:
        """Is a wanted metric on this page?"""
        return any(True for _ in self._on(name, page))

    def counters(self, page: Page[Series]) -> Iterator[Entry[Series]]:
        """Every counter on this page."""
        return (e for e in self._reader.present(page) if e.item.role == "counter")

    def gauges(self, page: Page[Series]) -> Iterator[Entry[Series]]:
        """Every gauge on this page (which must not be `unchanged`)."""
        return (e for e in self._gauges if e.seen == page.number)

    def covers(self, shape: Shape, page: Page[Series]) -> bool:
        """Is there a cost on this page that pays for all traffic on it?"""
        names = [name for rule in shape.metrics if rule.covers_page for name in rule.names]
        return any(True for name in names for _ in self._on(name, page))

    def changed_counters(self, page: Page[Series]) -> list[Entry[Series]]:
        """Counters whose number or whose `_created` is another than at the last commit."""
        found = [e for e in page.changed if e.item.role == "counter"]
        renewed = [e for e in page.changed if e.item.role == "created" and e.text]
        if renewed:
            already = set(map(id, found))
            for twin in renewed:
                found.extend(
                    e
                    for e in self._counters.get(twin.item.pair, ())
                    if e.seen == page.number and id(e) not in already
                )
        return found

    @property
    def has_created(self) -> bool:
        """Does any series say when it was born?"""
        return bool(self._created)

    def created(self, pair: tuple[str, bytes], number: int) -> float:
        """When the counters of `pair` were born, in the target's clock; 0 when the page does not
        say."""
        entry = self._created.get(pair)
        if entry is None or entry.seen != number:
            return 0.0
        text, value = entry.item.stamp
        if text != entry.now:
            value = _stamp(entry.now)
            entry.item.stamp = (entry.now, value)
        return value

    def start(self, page: Page[Series]) -> float:
        """`process_start_time_seconds`; 0 when the page does not say. Of several (a page made
        of several processes) none is believed."""
        starts = [_stamp(e.now) for name in CLOCK_NAMES for e in self._on(name, page)]
        return starts[0] if len(starts) == 1 else 0.0

    def version(self, page: Page[Series]) -> str:
        """The gateway's version as its page last said it."""
        for name in self._by_name:
            for entry in self._on(name, page):
                if entry.item.role == "version":
                    self._version = entry.item.version
                break
        return self._version

    def chooser(self, shape: Shape, page: Page[Series]) -> Callable[[Placement], bool]:
        """Which of several metrics that say the same counts on this page. On an `unchanged` one
        only gauges move, and those were chosen when they were read."""
        if page.unchanged:
            return _always
        beaten: set[tuple[int, str]] = set()
        for number, rule in enumerate(shape.metrics):
            if len(rule.names) == 1 and not rule.unless:
                continue
            here = [n for n in rule.names if any(True for _ in self._on(n, page))]
            if not any(any(True for _ in self._on(n, page)) for n in rule.unless):
                del here[:1]  # the first that is there counts
            beaten.update((number, name) for name in here)
        if not beaten and not self._parts:
            return _always  # the usual page: no look-up for each of thousands of series

        def counts(placement: Placement) -> bool:
            if placement.whole:
                parts = self._parts.get((placement.rule, placement.dims), ())
                if any(part.seen == page.number for part in parts):
                    return False
            return (placement.rule, placement.name) not in beaten

        return counts


def _always(_: Placement) -> bool:
    return True


def _stamp(text: bytes) -> float:
    """A time on the page, epoch seconds; 0 when it cannot be read."""
    try:
        number = number_text(text)
    except ValueError:
        return 0.0
    return float(number) if number is not None else 0.0

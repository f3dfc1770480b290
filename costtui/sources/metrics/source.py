"""The `metrics` source: one exposition page, polled."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from itertools import chain
from typing import TYPE_CHECKING

from costtui.config.schema import SourceConfig
from costtui.errors import SourceError, SourceFormatError
from costtui.model.charge import CostPolicy
from costtui.model.dimension import Dimensions
from costtui.model.snapshot import SkippedLine
from costtui.sources.base import Batch, Checkpoint
from costtui.sources.metrics.counters import (
    SERIES,
    Advance,
    Counters,
    Reading,
    Scrape,
    quick_tuple,
)
from costtui.sources.metrics.exposition import (
    Entry,
    Page,
    PageReader,
    check_complete,
    check_kind,
    note_bad_number,
    number_text,
)
from costtui.sources.metrics.gauges import Areas, Gauges, level_text, levels
from costtui.sources.metrics.http import Fetched, Fetcher
from costtui.sources.metrics.index import PageIndex
from costtui.sources.metrics.joining import Increment, Joined, Joiner
from costtui.sources.metrics.mapping import Mapper, Placement, Series, amount, quick_nano
from costtui.sources.metrics.pagetext import PageText
from costtui.sources.metrics.shape import Shape

if TYPE_CHECKING:
    import httpx


@dataclass(slots=True)
class _Digest:
    """What one page came to; committed when its batch is yielded."""

    page: Page[Series]
    advance: Advance[Series]
    areas: Areas
    joined: Joined
    batch: Batch


class MetricsSource:
    """Scrapes one target and yields one batch a poll."""

    def __init__(
        self,
        config: SourceConfig,
        shape: Shape,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.name = config.name
        self._shape = shape
        self._mapper = Mapper(shape, config)
        self._fetcher = Fetcher(config, transport, self._filter())
        self._reader: PageReader[Series] = PageReader(self._mapper.wanted(), self._series)
        place = f"{config.unix_socket}\0{config.url}" if config.unix_socket else config.url
        url = blake2b(place.encode(), digest_size=8).hexdigest()
        self._counters = Counters(
            url, together=shape.resets == "together", vanishing=shape.idle_series_vanish
        )
        self._gauges = Gauges(config.interval)
        reported = config.cost is CostPolicy.REPORTED
        self._joiner = Joiner(
            self._mapper.inclusions,
            hold=shape.has_cost and reported,
            count_lookups=reported,
        )
        self._index = PageIndex(self._reader)
        self._note: str | None = None

    def _filter(self) -> Iterator[tuple[str, str]]:
        """Asks for the wanted names only, where the page honours that. Start times, `_created`
        and what hints look for are among them."""
        if self._shape.name_filter:
            names = set(self._mapper.wanted())
            for hint in self._shape.hints:
                names.update(hint.present, hint.absent)
            for name in sorted(names):
                yield self._shape.name_filter, name

    def restore(self, checkpoint: Checkpoint) -> None:
        """Forget the last page and go on from `checkpoint`."""
        self._counters.restore(checkpoint)
        self._gauges.restore(checkpoint)
        self._joiner.restore(checkpoint)
        self._reader.reset()

    async def poll(self, now: float) -> AsyncIterator[Batch]:
        """One scrape at `now`. A failed one leaves the counters alone: the next record spans
        the gap."""
        first = self._counters.attempt(now)
        try:
            fetched = await self._fetcher.fetch()
            digest = await asyncio.to_thread(self._digest, fetched, now)
        except SourceError:
            if first:
                # When the first attempt was must survive: what starts later is counted whole.
                yield Batch(checkpoint=first)
            raise
        self._commit(digest)
        yield digest.batch

    def _commit(self, digest: _Digest) -> None:
        """The batch of `digest` is yielded: memory follows."""
        self._reader.commit(digest.page)
        self._note = digest.batch.note
        self._counters.commit(digest.advance)
        self._gauges.commit(digest.areas)
        self._joiner.commit(digest.joined)

    async def close(self) -> None:
        """Close the connection."""
        await self._fetcher.close()

    def _series(self, name: str, labels: dict[str, str], identity: bytes) -> Series:
        known = self._mapper.identity(name, identity)
        key = SERIES + blake2b(known, digest_size=8).hexdigest()
        return self._mapper.series(name, labels, key, identity)

    def _digest(self, fetched: Fetched, now: float) -> _Digest:
        """All that takes long, in a thread. Changes nothing that a failed batch could not take
        back."""
        text = fetched.text()
        try:
            runs = self._reader.find(text)
            check_kind(text.head, fetched.content_type)
            check_complete(text.tail, fetched.content_type, fetched.length_known)
        except SourceFormatError as error:
            raise SourceFormatError(f"{self._fetcher.shown}: {error}") from None
        page = self._reader.read(text, runs)
        index = self._index
        index.follow(page)
        start = index.start(page) if not page.unchanged else self._counters.target.start
        scrape = Scrape(now, start, fetched.skew, self._mapper.counted())
        readings = self._readings(page, index.changed_counters(page))
        restarted = self._counters.restarted(readings, scrape)
        if restarted:
            readings = self._readings(page, index.counters(page))
        advance = self._counters.advance(readings, scrape, restarted=restarted)
        active = index.chooser(self._shape, page)
        shown = None if page.unchanged else levels(self._levels(page, active))
        areas = self._gauges.advance(shown, advance.previous.good, now)
        counted = (
            quick_tuple(Increment, (series.placements, delta, known, lost, False))
            for series, delta, known, lost in advance.outcomes
        )
        covered = index.covers(self._shape, page)
        joined = self._joiner.join(
            chain(counted, areas.increments),
            active,
            lambda dims: covered or self._has_cost(dims, advance),
            index.version(page),
            _ns(advance.previous.good or advance.target.first),
            _ns(now),
        )
        note = self._note
        if note is None or not page.unchanged or not page.wanted:
            note = self._remark(text, page)
        batch = self._batch(page, advance, joined, note, now)
        batch.checkpoint.update(areas.parts)
        return _Digest(page, advance, areas, joined, batch)

    def _levels(
        self, page: Page[Series], active: Callable[[Placement], bool]
    ) -> Iterator[tuple[Series, str]]:
        """The gauges of this page that count; one without a number is not there."""
        for entry in self._index.gauges(page):
            if not active(entry.item.placements[0]):
                continue
            try:
                number = number_text(entry.now)
                if number is not None:
                    yield entry.item, level_text(entry.item, number)
            except ValueError as error:
                if entry.now != entry.text:  # not again at every scrape
                    note_bad_number(page, entry, str(error))

    def _readings(
        self, page: Page[Series], entries: Iterable[Entry[Series]]
    ) -> list[Reading[Series]]:
        readings: list[Reading[Series]] = []
        append = readings.append
        name_of = self._mapper.counter_name
        names: dict[str, str] = {}
        created = self._index.created if self._index.has_created else None
        number = page.number
        for entry in entries:
            series = entry.item
            text = entry.now
            if series.factor is None and text[1:].isdigit() and text[0] == 32 and len(text) < 19:
                value = int(text)  # the usual form, in a fifth of the time
            elif series.dollars and (nano := quick_nano(text)) is not None:
                value = nano
            else:
                try:
                    digits = number_text(text)
                    if digits is None:
                        continue
                    value = amount(series, digits)
                except ValueError as error:
                    note_bad_number(page, entry, str(error))
                    continue
            name = names.get(entry.name)
            if name is None:
                name = names[entry.name] = name_of(entry.name)
            born = created(series.pair, number) if created is not None else 0.0
            append(quick_tuple(Reading, (series.key, name, value, born, series)))
        return readings

    def _has_cost(self, dims: Dimensions, advance: Advance[Series]) -> bool:
        """Is there a cost series for `dims`, and does it say anything?"""
        keys = self._index.costs.get(dims, ())
        if not self._shape.zero_cost_is_unknown:
            return bool(keys)
        for key in keys:
            state = advance.states.get(key)
            if (state.value if state is not None else self._counters.value(key)) > 0:
                return True
        return False

    def _remark(self, text: PageText, page: Page[Series]) -> str:
        """What the user should know about this page, or nothing."""
        names = [name for hint in self._shape.hints for name in (*hint.absent, *hint.present)]

        def shows(name: str) -> bool:
            return self._index.shows(name, page) or text.shows(name, names)

        for hint in self._shape.hints:
            if not any(map(shows, hint.absent)) and all(map(shows, hint.present)):
                return hint.note
        if not any(True for _ in chain(self._index.counters(page), self._index.gauges(page))):
            return f"nothing that {self._shape.name or 'fields:'} counts is on this page yet"
        if self._mapper.unknown_kinds:
            kinds = ", ".join(sorted(self._mapper.unknown_kinds))
            return f"token kinds that are not known and not counted: {kinds}"
        if self._joiner.stuck:
            dims = self._joiner.stuck[0]
            return (
                f"cached tokens exceed the input of {dims.provider or 'unknown'} "
                f"{dims.model}: input_includes_cache does not fit this gateway"
            )
        return ""

    def _batch(
        self,
        page: Page[Series],
        advance: Advance[Series],
        joined: Joined,
        note: str,
        now: float,
    ) -> Batch:
        checkpoint = self._counters.checkpoint(advance)
        checkpoint.update(self._joiner.checkpoint(joined))
        part = self._fetcher.shown
        return Batch(
            records=joined.records,
            checkpoint=checkpoint,
            skipped=[
                SkippedLine(self.name, part, bad.offset, bad.line, bad.reason, bad.text, now)
                for bad in page.bad
            ],
            skipped_count=page.bad_count,
            resets=advance.resets,
            newest_ns=_ns(now) if joined.records else 0,
            note=note,
        )


def _ns(seconds: float) -> int:
    """Epoch seconds → nanoseconds, in whole milliseconds: a float holds no more for certain."""
    return round(seconds * 1000) * 1_000_000

"""What the screen needs from a store, and who asks for it.

One thread owns one reader. A question of a kind replaces a waiting one of that kind, so a user
who presses `1` `2` `3` quickly gets one answer, and no key press ever waits for SQLite.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, NamedTuple, Protocol

from costtui.config.schema import Consumer
from costtui.model.snapshot import (
    AlertChange,
    AlertStatus,
    Overview,
    RequestRow,
    SkippedLine,
    SourceStatus,
    Totals,
    View,
)

if TYPE_CHECKING:
    from costtui.config.alert_schema import BudgetConfig
    from costtui.model.alert import Ack, Silence
    from costtui.model.budget import BudgetLine, Course
    from costtui.model.cross import Cross, DimensionUse
    from costtui.model.fleet import Fleet
    from costtui.model.listing import Counters, Listing, Spot, Stretch
    from costtui.model.movement import Movement
    from costtui.model.notifier import NotifierHealth
    from costtui.model.outlook import Outlook
    from costtui.model.spending import Days, Spent
    from costtui.model.timewindow import Window


class Data(Protocol):
    """`costtui.store.reader.Reader`, as far as the screen goes. Used by one thread."""

    def data_version(self) -> int:
        """Changes when another connection committed. No I/O when nothing was."""

    def revision(self) -> int:
        """Changes when what a screen shows may have."""

    def overview(self, view: View, now: float, dimensions: Sequence[str]) -> Overview:
        """One consistent read of everything the overview shows."""

    def timeline(self, view: View, step: int, now: float) -> Sequence[tuple[int, Totals]]:
        """(start of the bucket, sums) for each bucket of `step` seconds, oldest first."""

    def fleet(self, view: View, now: float) -> Fleet:
        """Every gateway over the usual periods."""

    def spent(self, view: View, now: float, by: tuple[str, ...] = ()) -> Sequence[Spent]:
        """The usage of each (provider, model, *by), dearest first."""

    def failed(self, view: View, now: float) -> dict[str, int] | None:
        """consumer → nano-USD of its failed requests; None where that is not known."""

    def days(self, view: View, now: float) -> Days:
        """This month, the last one, and the last whole days."""

    def cross(self, view: View, rows: str, columns: str, now: float) -> Cross:
        """Two dimensions at once."""

    def dimensions(self, view: View, now: float) -> Sequence[DimensionUse]:
        """What the view can be grouped by."""

    def outlook(self, view: View, by: str, now: float) -> Outlook:
        """What a forecast is made from."""

    def request_list(
        self, view: View, listing: Listing, at: Spot | str, limit: int, since: int = 0
    ) -> Stretch:
        """About `limit` requests that follow each other: from the start of a list, up to its end,
        or around a place. To be asked again until `done` is 1."""

    def from_counters(self, view: View, now: float) -> Counters:
        """How much of a view has no single requests."""

    def forget_lists(self) -> None:
        """Nobody looks at a list of requests any more."""

    def checkpoint(self, source: str) -> Sequence[tuple[str, str]]:
        """(part, state) of what a source remembers."""

    def request(self, identity: int) -> RequestRow | None:
        """One request in full."""

    def statuses(self) -> Sequence[SourceStatus]:
        """Every source."""

    def collector_alive(self, now: float) -> bool:
        """Does some collector write this store?"""

    def skipped(self) -> Sequence[SkippedLine]:
        """The newest lines that could not be read."""

    def alerts(self) -> Sequence[AlertStatus]:
        """The alerts as they are now."""

    def silences(self) -> Sequence[Silence]:
        """Every silence that is kept."""

    def acks(self) -> Sequence[Ack]:
        """Every acknowledgement."""

    def notifiers(self) -> Sequence[NotifierHealth]:
        """How each notifier is doing."""

    def budgets(
        self,
        budgets: Sequence[BudgetConfig],
        now: float,
        sources: frozenset[str] | None = None,
    ) -> Sequence[BudgetLine]:
        """How every budget stands at `now`. `sources` are those that must be up to date for the
        sums to be whole; None is all."""

    def course(self, budget: BudgetConfig, line: BudgetLine, now: float) -> Course:
        """How one of them came there, and where it goes."""

    def alert_history(self, start: float, end: float) -> Sequence[AlertChange]:
        """What alerts changed to in `[start, end)`, newest first."""

    def movement(self, view: View, pairs: Sequence[tuple[Window, Window]]) -> Sequence[Movement]:
        """What every combination of dimensions used in both windows of each pair (before, now)."""

    def close(self) -> None:
        """Release the connection."""


def consumer_names(consumers: Sequence[tuple[str, Consumer]]) -> Callable[[str], str]:
    """consumer id → the name that the configuration gives it, `""` without one.

    The reader's own matching, on a catalogue of the screen's own: a reader belongs to its thread.
    """
    if not any(who.name for _, who in consumers):
        return lambda _: ""
    from costtui.store.catalogue import Catalogue

    catalogue = Catalogue(consumers)
    return lambda identity: catalogue.consumer(identity).name if identity else ""


class Answer(NamedTuple):
    """The result of one question, or why there is none."""

    kind: str
    tag: object
    """What the asker gave, to know an answer that has become old."""
    value: object = None
    error: BaseException | None = None


class Desk:
    """Asks one `Data` in one thread; answers go to `deliver`, called in that thread."""

    def __init__(self, factory: Callable[[], Data]) -> None:
        self._factory = factory
        self._data: Data | None = None
        self._wake = threading.Condition()
        self._waiting: dict[str, tuple[Callable[[Data], object], object]] = {}
        self._early: list[Answer] = []
        self._deliver: Callable[[Answer], object] | None = None
        self._closed = False
        self._busy = False
        self._thread = threading.Thread(target=self._serve, name="costtui-reader", daemon=True)

    def start(self) -> None:
        """Start the thread. Questions asked before are answered then."""
        self._thread.start()

    def attach(self, deliver: Callable[[Answer], object]) -> None:
        """Say where answers go; those that came before are delivered now."""
        with self._wake:
            self._deliver = deliver
            early, self._early = self._early, []
        for answer in early:
            deliver(answer)

    def take_early(self, kind: str, timeout: float) -> Answer | None:
        """An answer that came (or comes within `timeout` seconds) before `attach`."""
        with self._wake:
            self._wake.wait_for(lambda: any(a.kind == kind for a in self._early), timeout)
            for answer in self._early:
                if answer.kind == kind:
                    self._early.remove(answer)
                    return answer
        return None

    def ask(self, kind: str, job: Callable[[Data], object], tag: object = None) -> None:
        """Ask for `job`; it replaces a waiting question of the same kind."""
        with self._wake:
            self._waiting.pop(kind, None)
            self._waiting[kind] = (job, tag)
            self._wake.notify_all()

    def idle(self, timeout: float = 5.0) -> bool:
        """Wait until every question has been answered. False when that takes too long."""
        with self._wake:
            return self._wake.wait_for(lambda: not self._waiting and not self._busy, timeout)

    def close(self, timeout: float = 2.0) -> None:
        """End the thread after the question it is on. May be called twice."""
        with self._wake:
            self._closed = True
            self._waiting.clear()
            self._wake.notify_all()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def _serve(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._closed or bool(self._waiting))
                if self._closed:
                    break
                kind = next(iter(self._waiting))
                job, tag = self._waiting.pop(kind)
                self._busy = True
            answer = self._answer(kind, job, tag)
            news = answer.value is not None or answer.error is not None
            with self._wake:
                deliver = self._deliver
                if deliver is None and news:
                    self._early.append(answer)
            if deliver is not None and news:
                deliver(answer)
            with self._wake:
                self._busy = False
                self._wake.notify_all()
        if self._data is not None:
            self._data.close()

    def _answer(self, kind: str, job: Callable[[Data], object], tag: object) -> Answer:
        # A Future keeps any exception for the screen to show: this is the border of the worker.
        future: Future[object] = Future()
        guarded(future, lambda: job(self._open()))
        error = future.exception()
        if error is not None:
            self._reopen()
        return Answer(kind, tag, None if error else future.result(), error)

    def _open(self) -> Data:
        if self._data is None:
            self._data = self._factory()
        return self._data

    def _reopen(self) -> None:
        """A failed reader is thrown away: the store may have been replaced."""
        data, self._data = self._data, None
        if data is not None:
            guarded(Future(), data.close)


def guarded(future: Future[object], job: Callable[[], object]) -> None:
    """Run `job` into `future`, whatever happens."""
    try:
        value = job()
    except Exception as error:  # noqa: BLE001 - the worker's border: the screen shows it
        future.set_exception(error)
    else:
        future.set_result(value)

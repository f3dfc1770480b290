"""What a query returns: immutable, complete, ready to be shown. Widgets compute no totals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from costtui.model.alert import AlertChange as AlertChange
from costtui.model.alert import AlertStatus as AlertStatus
from costtui.model.charge import CostBasis, Exactness, exactness
from costtui.model.dimension import Dimensions
from costtui.model.timewindow import Window

if TYPE_CHECKING:
    from costtui.model.alert import Ack, Silence
    from costtui.model.comparison import Compared
    from costtui.model.notifier import NotifierHealth


class Totals(NamedTuple):
    """Sums over some usage. Token kinds are disjoint and may be added up; money is nano-USD."""

    requests: int = 0
    errors: int = 0
    throttled: int = 0
    input: int = 0
    cache_read: int = 0
    cache_write: int = 0
    cache_write_1h: int = 0
    output: int = 0
    reasoning: int = 0
    effective_nano: int = 0
    list_nano: int = 0
    reported_nano: int = 0
    lower_bounds: int = 0
    unpriced_requests: int = 0
    unpriced_tokens: int = 0
    estimated_nano: int = 0
    """The part of `effective_nano` whose basis is an estimate."""
    estimated_requests: int = 0

    @property
    def tokens(self) -> int:
        return sum(self[3:9])

    @property
    def exactness(self) -> Exactness:
        return exactness(
            lower_bound=bool(self.lower_bounds or self.unpriced_requests or self.unpriced_tokens),
            estimate=bool(self.estimated_requests or self.estimated_nano),
        )

    @property
    def rate_nano(self) -> int | None:
        """nano-USD per 1M tokens, rounded down, of the tokens that have a price: others would
        dilute it. None where there are none."""
        priced = self.tokens - self.unpriced_tokens
        return self.effective_nano * 1_000_000 // priced if priced > 0 else None

    @property
    def rate_exactness(self) -> Exactness:
        """A mean of what has a price is an estimate for the rest, which may cost more or less, so
        where any is missing it is `~` and never `≥`."""
        return Exactness.ESTIMATE if self.exactness else Exactness.EXACT

    def plus(self, other: Totals) -> Totals:
        return Totals(*map(int.__add__, self, other))


@dataclass(frozen=True, slots=True)
class Filter:
    """One step of a drill-down or one `/` filter."""

    dimension: str
    """A name of `DIMENSIONS` or `MAPPED_DIMENSIONS`, a `tag:NAME`, or `any`: some dimension
    matches."""
    value: str
    op: str = "="
    """`=` equal, `!=` not equal, `~` regular expression, `!~` not, `*` contains (case folded),
    `!*` contains not."""

    @property
    def inverted(self) -> Filter:
        """What lets pass exactly what this one does not."""
        op = self.op.removeprefix("!") if self.op.startswith("!") else f"!{self.op}"
        return Filter(self.dimension, self.value, op)

    def __str__(self) -> str:
        if self.dimension == "any":
            return {"*": "", "!*": "!", "~": "~", "!~": "!~"}.get(self.op, self.op) + self.value
        return f"{self.dimension}{self.op}{self.value or '(none)'}"


@dataclass(frozen=True, slots=True)
class View:
    """What the user is looking at: the question every query answers."""

    window: Window
    filters: tuple[Filter, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """One row of a breakdown."""

    key: str
    """The dimension's value; `""` is "no value"."""
    totals: Totals
    previous: Totals
    spark: Sequence[int]
    """effective nano-USD per chart bucket of the window, oldest first. Of a dimension with many
    values it is added up when it is first looked at, in whatever thread that is, and the others
    with it."""
    spark_requests: Sequence[int] = ()
    spark_tokens: Sequence[int] = ()
    spark_unpriced: Sequence[int] = ()
    """The part of `spark_tokens` that has no price."""


@dataclass(frozen=True, slots=True)
class Breakdown:
    """The usage of a window by one dimension, dearest first."""

    dimension: str
    groups: tuple[Group, ...]


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """How one source is doing. Times are epoch seconds; 0 means never."""

    name: str
    kind: str
    gateway: str
    role: str = "count"
    last_attempt: float = 0.0
    last_ok: float = 0.0
    last_data: float = 0.0
    """Timestamp of the newest usage that was read."""
    next_poll: float = 0.0
    interval: float = 0.0
    lag_s: float = 0.0
    """How far behind the source's own end the reader is, in seconds of its data."""
    error: str = ""
    """The last error, `""` once a poll has succeeded again."""
    failures: int = 0
    """Consecutive failed polls."""
    resets: int = 0
    gaps: int = 0
    skipped: int = 0
    """Lines or samples that could not be read and were skipped."""
    records: int = 0
    """Usage records appended since the store was made."""
    overruns: int = 0
    """Polls skipped because the one before was still running."""
    backfill_done: int = 0
    backfill_total: int = 0
    """Older history read and to be read: bytes of a log, seconds of a time series. Equal (or 0)
    when there is nothing to do."""
    note: str = ""
    """Something the user should know, for example "this is Kong, but ai_metrics is off"."""


@dataclass(frozen=True, slots=True)
class SkippedLine:
    """A line that could not be read: counted, shown, skipped."""

    source: str
    part: str
    offset: int
    line: int
    """1-based where known, else 0."""
    reason: str
    text: str
    """The start of the line, made safe to show."""
    at: float


class Gap(NamedTuple):
    """A stretch without data from a source, epoch seconds."""

    source: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class UnpricedModel:
    """Usage that has no rate: listed so that it can be priced."""

    provider: str
    model: str
    requests: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything the overview screen shows, from one consistent read."""

    view: View
    revision: int
    taken_at: float
    total: Totals
    previous: Totals
    today: Totals
    """Of the day that the view ends in, up to its end; so with the month and the projection."""
    today_previous: Totals
    """Yesterday up to the same time of day."""
    month: Totals
    month_previous: Totals
    month_projection_nano: int
    """Month to date plus the rest of the month at the last seven days' rate; an estimate."""
    chart: tuple[int, ...]
    """effective nano-USD per bucket of the window, oldest first."""
    chart_requests: tuple[int, ...]
    gap_buckets: frozenset[int]
    """Indices of buckets in which nothing arrived because a source was down: gaps, not zeros."""
    breakdowns: tuple[Breakdown, ...]
    sources: tuple[SourceStatus, ...]
    """Of a view of the past, what is known of then: see `store.then`."""
    alerts: tuple[AlertStatus, ...]
    """At the view's end."""
    unpriced: tuple[UnpricedModel, ...] = ()
    gaps: tuple[Gap, ...] = ()
    collector_alive: bool = True
    earliest: float = 0.0
    """The oldest usage in the store, epoch seconds; 0 when it is empty."""
    notes: tuple[str, ...] = field(default=())
    compared: tuple[Compared, ...] = ()
    """What counts beside what reconciling sources saw, by gateway."""
    sizes: tuple[tuple[str, int], ...] = ()
    """(dimension, number of its values in this view) of everything that can be grouped by."""
    chart_tokens: tuple[int, ...] = ()
    chart_unpriced: tuple[int, ...] = ()
    """The part of `chart_tokens` that has no price."""
    hour: Totals = Totals()  # noqa: RUF009 - a tuple
    """The last hour before the view's end; where only days are kept, a mean hour of the day."""
    hour_previous: Totals = Totals()  # noqa: RUF009

    silences: tuple[Silence, ...] = ()
    """All that are kept, ended ones too."""
    acks: tuple[Ack, ...] = ()
    notifiers: tuple[NotifierHealth, ...] = ()
    """As the collector last said; of ones that have left the configuration, too."""

    @property
    def burn_nano_per_hour(self) -> int:
        """The spend of the last hour before the view's end."""
        return self.hour.effective_nano

    @property
    def burn_previous_nano_per_hour(self) -> int:
        return self.hour_previous.effective_nano


class RequestRow(NamedTuple):
    """One request of the list or in full."""

    id: int
    time_ns: int
    dims: Dimensions
    source: str
    requests: int
    errors: int
    throttled: int
    input: int
    cache_read: int
    cache_write: int
    cache_write_1h: int
    output: int
    reasoning: int
    effective_nano: int
    list_nano: int | None
    reported_nano: int | None
    basis: CostBasis
    tier: int
    status: int
    latency_ms: int
    request_id: str
    part: str
    offset: int
    attrs: str

    @property
    def tokens(self) -> int:
        return sum(self[7:13])

    @property
    def exactness(self) -> Exactness:
        return exactness(
            lower_bound=self.basis is CostBasis.UNPRICED,
            estimate=self.basis is CostBasis.ESTIMATED,
        )

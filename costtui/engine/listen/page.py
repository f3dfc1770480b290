"""`/metrics`: everything ever counted, and how the collector is doing, as a Prometheus page.

Counters of usage go on over restarts of the collector, for they are the store's. That is why this
page has no `process_start_time_seconds`: who reads one (costtui does) would take a restart of the
collector for one of the counters and count everything again. They began at their `_created`, which
OpenMetrics has a place for. Money has nine decimals; a double holds them up to $8 million a series.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256
from itertools import islice
from typing import Final, NamedTuple

from prometheus_client import Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector as Collecting

from costtui import __version__
from costtui.alerts.promrules.recording import label_of
from costtui.engine.standing import Standing, Standings
from costtui.model.counted import BY, PRICED, Counted, Counts, Heard
from costtui.model.money import NANO
from costtui.model.usage import TOKEN_TYPES

PREFIX: Final = "costtui_"
SERIES_EACH: Final = 17
"""The most series that one combination can have: three outcomes of requests, six types of tokens,
three bases of cost, and list cost, adjusted cost, lower bounds, unpriced requests and tokens. So
many are reckoned for each, so that `series:` holds whatever turns up later."""


class Polled(NamedTuple):
    """One source since the collector began."""

    name: str
    polls: int
    failed: int
    seconds: float
    last_seconds: float
    overruns: int


class Served(NamedTuple):
    """What the listener itself did."""

    requests: dict[tuple[str, int], int]
    connections: int
    refused: int
    dropped: int


class Facts(NamedTuple):
    """All that is on the page."""

    counted: Counted
    heard: Heard
    standings: Standings | None
    polled: tuple[Polled, ...]
    served: Served
    rules: tuple[tuple[str, str], ...]
    """(rule, severity) of everything that can fire."""
    configured: frozenset[str]
    """Names of the sources of the configuration."""
    started: float
    store_bytes: int
    series: int
    """The limit."""
    last_commit: float


def combinations(series: int) -> int:
    """How many combinations have series of their own under a limit of `series`."""
    return max(1, series // SERIES_EACH)


OPENMETRICS: Final = "application/openmetrics-text;version=1.0.0"


def is_openmetrics(accept: str) -> bool:
    """Which of the two formats is asked for?"""
    try:
        return choose_encoder(accept)[1].startswith("application/openmetrics-text")
    except (ValueError, TypeError, IndexError):  # a version that is no number
        return False


def render(facts: Facts, *, openmetrics: bool) -> tuple[bytes, str]:
    """(the page, its content type)."""
    encode, kind = choose_encoder(OPENMETRICS if openmetrics else "")
    return encode(_Page(facts, created=openmetrics)), kind


def label_names(dimensions: Sequence[str]) -> list[str]:
    """A label of its own for each: where `tag:a-b` and `tag:a_b` would be one, a hash follows what
    is not written so."""
    found = [label_of(dimension) for dimension in dimensions]
    out: list[str] = []
    for dimension, label in zip(dimensions, found, strict=True):
        if found.count(label) > 1 and label != dimension.replace(":", "_", 1):
            label += f"_{sha256(dimension.encode()).hexdigest()[:8]}"
        while label in out:  # a tag that is called like a hash
            label += "_"
        out.append(label)
    return out


class _Page(Collecting):
    def __init__(self, facts: Facts, *, created: bool) -> None:
        self._facts = facts
        self._since = (facts.counted.since or None) if created else None
        self._started = facts.started if created else None

    def collect(self) -> Iterator[Metric]:
        yield from self._usage()
        yield from self._budgets()
        yield from self._sources()
        yield from self._rest()
        # Under our prefix, so that nobody takes the process's start for that of the counters.
        yield from ProcessCollector(namespace="costtui", registry=None).collect()

    def _counter(self, name: str, about: str, labels: Sequence[str]) -> CounterMetricFamily:
        return CounterMetricFamily(PREFIX + name, about, labels=labels)

    def _gauge(self, name: str, about: str, labels: Sequence[str] = ()) -> GaugeMetricFamily:
        return GaugeMetricFamily(PREFIX + name, about, labels=labels)

    def _usage(self) -> Iterator[Metric]:
        usage = self._facts.counted.usage
        since = self._since

        def family(
            name: str,
            about: str,
            extra: str,
            values: Callable[[Counts], Iterable[tuple[str, float]]],
        ) -> Metric:
            found = self._counter(name, about, (*BY, extra) if extra else BY)
            for labels, counts in usage.items():
                for value, number in values(counts):
                    found.add_metric((*labels, value) if extra else labels, number, created=since)
            return found

        yield family(
            "requests", "Requests ever counted, by how they ended.", "outcome",
            lambda c: (
                ("ok", max(0, c.requests - c.errors - c.throttled)),
                ("error", c.errors),
                ("throttled", c.throttled),
            ),
        )  # fmt: skip
        yield family(
            "tokens", "Tokens ever counted; the types are disjoint and add up.", "type",
            lambda c: ((k, n) for k, n in zip(TOKEN_TYPES, c.tokens, strict=True) if n),
        )  # fmt: skip
        yield family(
            "cost_usd", "USD as charged when it was counted, by how that is known.", "basis",
            lambda c: (
                (basis.name.lower(), nano / NANO)
                for basis, nano in zip(PRICED, c.cost, strict=True)
                if nano
            ),
        )  # fmt: skip
        yield family(
            "list_cost_usd", "Tokens at published rates, in USD, as of when they were counted.", "",
            lambda c: (("", c.listed / NANO),) if c.listed else (),
        )  # fmt: skip
        for name, about, value in (
            ("lower_bounds", "Known losses, such as counters that fell.", "lower_bounds"),
            ("unpriced_requests", "Requests that had no price.", "unpriced_requests"),
            ("unpriced_tokens", "Tokens that had no price.", "unpriced_tokens"),
        ):
            yield family(
                name, about, "",
                lambda c, value=value: (("", n),) if (n := getattr(c, value)) else (),  # type: ignore[misc]
            )  # fmt: skip
        adjusted = self._gauge(
            "cost_adjusted_usd",
            "USD that re-pricing and retention have added since (below 0: taken away); with the"
            " counter it is what screens show.",
            BY,
        )
        for labels, counts in usage.items():
            if counts.adjusted:
                adjusted.add_metric(labels, counts.adjusted / NANO)
        yield adjusted
        limit = self._gauge("usage_series_limit", "The most series of usage on this page.")
        limit.add_metric((), self._facts.series)
        yield limit
        folded = self._gauge(
            "usage_folded_combinations", "Combinations that are counted together as other."
        )
        folded.add_metric((), self._facts.counted.folded)
        yield folded

    def _budgets(self) -> Iterator[Metric]:
        standings = self._facts.standings
        budgets: tuple[Standing, ...] = standings.budgets if standings is not None else ()
        names = tuple(dict.fromkeys(d for s in budgets for d in s.budget.by))
        labels = ("budget", *label_names(names))
        limit = self._gauge("budget_limit_usd", "What may be spent.", ("budget",))
        ends = self._gauge("budget_period_end_timestamp_seconds", "Its end.", ("budget",))
        hidden = self._gauge("budget_hidden", "Label sets that spent least, left out.", ("budget",))
        spent = self._gauge("budget_spent_usd", "Spent in this period.", labels)
        left = self._gauge("budget_left_ratio", "What is left of the limit, 0 to 1.", labels)
        room = combinations(self._facts.series)
        for standing in budgets:
            budget = standing.budget
            limit.add_metric((budget.name,), budget.limit_nano / NANO)
            ends.add_metric((budget.name,), standing.end)
            keys = standing.keys()
            hidden.add_metric((budget.name,), max(0, len(keys) - room))
            for key in islice(keys, room):
                line = standing.line(key)
                own = dict(line.labels)
                row = (budget.name, *(own.get(d, "") for d in names))
                spent.add_metric(row, line.spent / NANO)
                left.add_metric(row, line.left / line.limit)
        yield from (limit, ends, hidden, spent, left)

    def _sources(self) -> Iterator[Metric]:
        facts, by = self._facts, ("source",)
        rows = [s for s in facts.heard.sources if s.name in facts.configured]
        for name, about, field in (
            ("source_gaps", "Stretches without data.", "gaps"),
            ("source_resets", "Counters that began again.", "resets"),
            ("source_skipped", "Lines or samples that could not be read.", "skipped"),
            ("source_records", "Records of usage.", "records"),
        ):
            ever = self._counter(name, about + " Ever, as the store has it.", by)
            for status in rows:
                ever.add_metric((status.name,), getattr(status, field), created=self._since)
            yield ever
        up = self._gauge("source_up", "1 where the last poll succeeded.", by)
        lag = self._gauge("source_lag_seconds", "How far behind its end it is read.", by)
        good = self._gauge("source_last_success_timestamp_seconds", "The last good poll.", by)
        newest = self._gauge("source_newest_usage_timestamp_seconds", "Of the newest usage.", by)
        for status in rows:
            key = (status.name,)
            up.add_metric(key, int(bool(status.last_ok) and not status.failures))
            lag.add_metric(key, status.lag_s)
            good.add_metric(key, status.last_ok)
            newest.add_metric(key, status.last_data)
        yield from (up, lag, good, newest)
        polls = self._counter("source_polls", "Polls since the collector began.", by)
        failed = self._counter("source_failed_polls", "Those of them that failed.", by)
        late = self._counter("source_overruns", "Polls left out: one was still running.", by)
        spent = self._counter("source_poll_seconds", "Seconds that polls took.", by)
        last = self._gauge("source_last_poll_duration_seconds", "Of the last poll.", by)
        for one in facts.polled:
            key = (one.name,)
            polls.add_metric(key, one.polls, created=self._started)
            failed.add_metric(key, one.failed, created=self._started)
            late.add_metric(key, one.overruns, created=self._started)
            spent.add_metric(key, one.seconds, created=self._started)
            last.add_metric(key, one.last_seconds)
        yield from (polls, failed, late, spent, last)

    def _rest(self) -> Iterator[Metric]:
        facts, heard = self._facts, self._facts.heard
        firing = self._gauge("alerts_firing", "Alerts that fire.", ("rule", "severity"))
        found = dict.fromkeys(facts.rules, 0)
        for status in heard.alerts:
            if status.state == "firing":
                key = (status.rule, status.severity)
                found[key] = found.get(key, 0) + 1
        for key, number in found.items():
            firing.add_metric(key, number)
        yield firing
        by = ("notifier",)
        waiting = self._gauge("notifier_waiting", "What it was not told yet.", by)
        failures = self._gauge("notifier_failures", "Messages in a row that failed.", by)
        refused = self._gauge("notifier_refused", "What it does not want.", by)
        told = self._gauge("notifier_last_success_timestamp_seconds", "The last message.", by)
        for health in heard.notifiers:
            waiting.add_metric((health.name,), health.waiting)
            failures.add_metric((health.name,), health.failures)
            refused.add_metric((health.name,), health.refused)
            told.add_metric((health.name,), health.last_ok)
        yield from (waiting, failures, refused, told)
        served = facts.served
        answers = self._counter("listener_requests", "Answers.", ("path", "status"))
        for (path, status_code), number in sorted(served.requests.items()):
            answers.add_metric((path, str(status_code)), number, created=self._started)
        yield answers
        for name, about, count in (
            ("listener_refused_connections", "Above the limit.", served.refused),
            ("listener_dropped_connections", "Too slow.", served.dropped),
        ):
            counter = self._counter(name, f"Connections: {about}", ())
            counter.add_metric((), count, created=self._started)
            yield counter
        for name, about, value in (
            ("listener_connections", "Open connections.", served.connections),
            ("store_bytes", "Size of the store's file and its log.", facts.store_bytes),
            ("store_revision", "Grows with every change of usage, gaps or alerts.", heard.revision),
            ("last_commit_timestamp_seconds", "When that was last seen.", facts.last_commit),
            ("heartbeat_timestamp_seconds", "The collector's last sign of life.", heard.heartbeat),
            ("evaluated_timestamp_seconds", "When alerts last changed.", heard.evaluated),
        ):
            gauge = self._gauge(name, about)
            gauge.add_metric((), value)
            yield gauge
        build = self._gauge("build_info", "The version of costtui.", ("version",))
        build.add_metric((__version__,), 1)
        yield build

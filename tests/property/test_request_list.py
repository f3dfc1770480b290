"""Any stretch of any list, while requests come in and prices change, is that of a sorted list."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from datetime import UTC
from pathlib import Path
from unittest.mock import patch

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from costtui.config.schema import Retention
from costtui.model.charge import Charge, CostBasis
from costtui.model.dimension import Dimensions
from costtui.model.listing import (
    END,
    NAMES,
    ORDERS,
    START,
    STATUSES,
    Listing,
    Spot,
    Stretch,
    spot_of,
)
from costtui.model.snapshot import Filter, RequestRow, View
from costtui.model.timewindow import MINUTE, Window
from costtui.model.usage import UsageRecord
from costtui.store.reader import Reader
from costtui.store.writer import Store

NOW = 1_790_000_100.0
NS = 10**9
FOREVER = Retention(None, None, None, None)
WINDOWS = (Window(int(NOW) - 3600, int(NOW) + 60, MINUTE), Window(0, int(NOW) + 60, MINUTE),
           Window(int(NOW) - 86_400, int(NOW) - 600, MINUTE, live=False))  # fmt: skip

usage = st.builds(
    lambda ago, model, error, throttled, tokens, took, cost, basis: (
        UsageRecord(
            int(NOW * NS) - ago, int(NOW * NS) - ago, Dimensions("p", model, "", "gw"),
            errors=error, throttled=throttled, input=tokens, latency_ms=took,
            status=500 if error else 429 if throttled else 200, request_id="r",
        ),
        Charge(0 if basis is CostBasis.UNPRICED else cost, None, basis),
    ),
    st.one_of(
        st.integers(0, 60 * NS), st.integers(0, 2 * 3600 * NS), st.integers(0, 40 * 86_400 * NS),
        st.sampled_from([0, 60 * NS, 600 * NS]),
    ),
    st.sampled_from(["a", "b", "c"]), st.integers(0, 1), st.integers(0, 1),
    st.integers(0, 5), st.integers(-1, 3), st.integers(0, 4),
    st.sampled_from([CostBasis.UNPRICED, CostBasis.COMPUTED, CostBasis.ESTIMATED]),
)  # fmt: skip
counter = st.integers(0, 2 * 3600).map(
    lambda ago: (
        UsageRecord(int((NOW - ago) * NS), int((NOW - ago) * NS), Dimensions("p", "a", "", "gw")),
        Charge(7, None, CostBasis.COMPUTED),
    )
)
views = st.builds(
    View,
    st.sampled_from(WINDOWS),
    st.sampled_from([(), (Filter("model", "a"),), (Filter("model", "b", "!="),)]),
)
listings = st.builds(
    Listing, st.sampled_from(ORDERS), st.booleans(), st.sampled_from(STATUSES)
)  # fmt: skip


one = st.integers(0, 1)


class Lists(RuleBasedStateMachine):
    """One reader that keeps its lists, against everything that is in the table."""

    @initialize(views=st.tuples(views, views), listings=st.tuples(listings, listings))
    def begin(self, views: tuple[View, View], listings: tuple[Listing, Listing]) -> None:
        # Few, so that the same list is asked for again after something has changed.
        self.views, self.listings = views, listings
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name) / "store.db"
        self.loop = asyncio.new_event_loop()
        self.store = self.loop.run_until_complete(Store.open(path, FOREVER, now=NOW))
        self.loop.run_until_complete(self.store.register("s", "jsonl", "gw"))
        self.reader = Reader(path, zone=UTC)
        self.fresh = Reader(path, zone=UTC)
        # Small enough that a few dozen requests are several slices, and far from one another.
        self.patches = [
            patch("costtui.store.ordered.SLICE", 6),
            patch("costtui.store.ordered.FIRST", 2),
            patch("costtui.store.requests.LOOKED_THROUGH", 4),
        ]
        for each in self.patches:
            each.start()

    def teardown(self) -> None:
        if hasattr(self, "store"):
            for each in self.patches:
                each.stop()
            self.reader.close()
            self.fresh.close()
            self.loop.run_until_complete(self.store.close())
            self.loop.close()
            self.folder.cleanup()

    @rule(pairs=st.lists(st.one_of(usage, usage, usage, counter), min_size=1, max_size=25))
    def requests_come_in(self, pairs: list[tuple[UsageRecord, Charge]]) -> None:
        pairs.sort(key=lambda pair: pair[0].end_ns)
        work = self.store.append("s", [r for r, _ in pairs], [c for _, c in pairs], now=NOW)
        self.loop.run_until_complete(work)

    def everything(self, view: View, listing: Listing) -> list[RequestRow]:
        """By a plain look at every request, one by one."""
        window = view.window
        rows = []
        with self.fresh._read() as connection:
            ids = [i for (i,) in connection.execute("SELECT id FROM request")]
        for row in filter(None, map(self.fresh.request, ids)):
            keep = window.start * NS <= row.time_ns < window.end * NS
            for step in view.filters:
                keep &= (row.dims.model == step.value) is (step.op == "=")
            match listing.status:
                case "errors":
                    keep &= row.errors > 0
                case "throttled":
                    keep &= row.throttled > 0
                case "unpriced":
                    keep &= row.basis is CostBasis.UNPRICED
            if keep:
                rows.append(row)
        amount: dict[str, Callable[[RequestRow], int]] = {
            "time": lambda r: r.id, "cost": lambda r: r.effective_nano,
            "tokens": lambda r: r.input, "latency": lambda r: r.latency_ms,
            "status": lambda r: r.status, "input": lambda r: r.input, "cached": lambda _: 0,
            "output": lambda _: 0, "speed": lambda _: 0,
        }  # fmt: skip
        for name in NAMES:  # from A; what has no name is last
            names = sorted({getattr(r.dims, name) for r in rows}, key=lambda n: (n == "", n))
            places = {text: -at for at, text in enumerate(names)}
            amount[name] = lambda r, d=name, p=places: p[getattr(r.dims, d)]  # type: ignore[misc]
        key = amount[listing.order]
        return sorted(rows, key=lambda r: (key(r), r.id), reverse=not listing.reverse)

    def settled(self, view: View, listing: Listing, at: Spot | str, limit: int) -> Stretch:
        for _ in range(200):
            found = self.reader.request_list(view, listing, at, limit)
            if found.done == 1 and not found.stale:
                return found
        raise AssertionError("it never comes to an end")

    @rule(v=one, w=one, limit=st.integers(2, 12),
          pairs=st.lists(usage, min_size=1, max_size=25))  # fmt: skip
    def changes_under_a_list(
        self, v: int, w: int, limit: int, pairs: list[tuple[UsageRecord, Charge]]
    ) -> None:
        self.both_ends(v, w, limit)
        self.requests_come_in(pairs)
        self.both_ends(v, w, limit)

    @rule(v=one, w=one, limit=st.integers(2, 12))
    def both_ends(self, v: int, w: int, limit: int) -> None:
        view, listing = self.views[v], self.listings[w]
        truth = self.everything(view, listing)
        start = self.settled(view, listing, START, limit)
        assert list(start.rows) == truth[:limit]
        assert (start.first, start.total) == (0, len(truth))
        assert start.exact
        assert start.at_start
        assert start.at_end is (len(truth) <= limit)
        end = self.settled(view, listing, END, limit)
        assert list(end.rows) == truth[-limit:]
        assert end.first == max(0, len(truth) - limit)
        assert end.at_end
        assert end.at_start is (len(truth) <= limit)

    @rule(v=one, w=one, limit=st.integers(2, 12), part=st.floats(0, 1),
          beside=st.integers(-1, 1))  # fmt: skip
    def around(self, v: int, w: int, limit: int, part: float, beside: int) -> None:
        view, listing = self.views[v], self.listings[w]
        truth = self.everything(view, listing)
        if not truth:
            return
        row = truth[min(len(truth) - 1, int(part * len(truth)))]
        spot = spot_of(row, listing.order)
        spot = Spot(spot.amount, spot.id + beside)  # perhaps of a request that is not there
        found = self.settled(view, listing, spot, limit)
        assert (found.total, found.exact) == (len(truth), True)
        assert list(found.rows) == truth[found.first : found.first + len(found.rows)]
        assert found.at_start is (found.first == 0)
        assert found.at_end is (found.first + len(found.rows) == len(truth))
        assert len(found.rows) >= min(len(truth), limit // 2)
        if not beside:
            assert row in found.rows

    @rule(v=one, status=st.sampled_from(STATUSES), part=st.floats(0, 1))
    def newer(self, v: int, status: str, part: float) -> None:
        view = self.views[v]
        truth = self.everything(view, Listing(status=status))
        if truth:
            row = truth[min(len(truth) - 1, int(part * len(truth)))]
            found = self.reader.request_list(view, Listing(status=status), START, 5, row.id)
            assert found.newer == truth.index(row)

    @rule(v=one, reverse=st.booleans(), size=st.integers(1, 7))
    def paged_through(self, v: int, reverse: bool, size: int) -> None:
        view = self.views[v]
        listing = Listing("time", reverse)
        truth = self.everything(view, listing)
        found = list(self.settled(view, listing, START, size).rows)
        while found:
            page = self.settled(view, listing, spot_of(found[-1], "time"), 2 * size)
            more = page.rows[page.rows.index(found[-1]) + 1 :]
            found += more
            if page.at_end:
                break
        assert found == truth


TestLists = Lists.TestCase
TestLists.settings = settings(max_examples=25, stateful_step_count=14, deadline=None)

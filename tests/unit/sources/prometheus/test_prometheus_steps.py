"""Old history in steps comes to what its samples come to one by one."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from costtui.config.schema import SourceConfig
from costtui.errors import SourceFormatError, SourceOverloadedError
from costtui.sources.metrics.mapping import Mapper
from costtui.sources.presets import shape_of
from costtui.sources.prometheus import steps
from costtui.sources.prometheus.api import Api, Result
from costtui.sources.prometheus.ledger import Ledger
from costtui.sources.prometheus.plan import FINE_MS, Piece, Selector
from costtui.sources.prometheus.tracks import UP, Reading, Tracks

Make = Callable[..., Any]
BEGIN = 1_795_600_000 // 3600 * 3600
FIELDS: dict[str, Any] = {
    "resets": "together",
    "dimensions": {"model": "model"},
    "metrics": [{"name": "gw_tokens_total", "quantity": "tokens", "kind": "input"}],
}


class Reader:
    """One piece of a server, read both ways."""

    def __init__(self, server: Any, count: int = 6) -> None:
        self.server = server
        self.config = SourceConfig("p", "prometheus", "p", url="http://p", fields=FIELDS)
        self.api = Api(self.config, httpx.MockTransport(server.answer))
        self.mapper = Mapper(shape_of(self.config), self.config)
        self.selector = Selector({*self.mapper.wanted(), UP}, "")
        self.piece = Piece(BEGIN * 1000, BEGIN * 1000 + count * FINE_MS, FINE_MS)

    def _ledger(self) -> Ledger:
        tracks = Tracks(self.mapper, hold=False, count_lookups=False)
        ledger = Ledger(tracks, together=True)
        ledger.view_from = self.piece.start
        return ledger

    def _total(self, ledger: Ledger, reading: Reading) -> dict[str, tuple[int, int]]:
        outcome = ledger.live(reading)
        totals: dict[str, tuple[int, int]] = {}
        for record in outcome.records:
            tokens, lost = totals.get(record.dims.model, (0, 0))
            totals[record.dims.model] = (tokens + record.input, lost + record.lower_bounds)
        return totals

    async def in_steps(self) -> dict[str, tuple[int, int]]:
        ledger = self._ledger()

        async def take(result: Result, after: int, until: int) -> Reading:
            return ledger.tracks.read(result.rows, after, until)

        reading = await steps.read(self.api, self.selector, self.mapper, self.piece, take)
        return self._total(ledger, reading)

    async def one_by_one(self) -> dict[str, tuple[int, int]]:
        ledger = self._ledger()
        raw = await self.api.raw(self.selector.of(), self.piece.start, self.piece.end)
        return self._total(ledger, ledger.tracks.read(raw.rows, self.piece.start, self.piece.end))

    def repairs(self) -> list[str]:
        """Queries for single targets."""
        return [f["query"] for f in self.server.asked if 'instance="' in f["query"]]


def at(number: int) -> int:
    """The time of a scrape, 15 s apart; 40 are one step."""
    return BEGIN + 15 * number + 7


async def test_a_quiet_piece_is_three_queries(prom_of: Make, series_of: Make) -> None:
    reader = Reader(prom_of().server)
    for n in range(-40, 240):
        reader.server.scrape(at(n), (series_of("gw_tokens_total", model="a"), 1000 + n))
    assert await reader.in_steps() == {"a": (200, 0)}
    assert reader.repairs() == []
    assert len(reader.server.asked) == 3
    assert await reader.one_by_one() == {"a": (239, 0)}  # from the first scrape of the piece on


@pytest.mark.parametrize("fall", [45, 79, 80, 81, 119, 120])
async def test_a_step_with_a_reset_is_read_whole(fall: int, prom_of: Make, series_of: Make) -> None:
    reader = Reader(prom_of().server)
    for n in range(240):
        value = n * 2 if n < fall else (n - fall) * 9 + 1
        reader.server.scrape(at(n), (series_of("gw_tokens_total", model="a"), value))
    truth = (fall - 1) * 2 + (239 - fall) * 9 + 1
    assert await reader.in_steps() == {"a": (truth, 1)}
    assert reader.repairs() != []


async def test_a_restart_that_only_a_start_time_tells(prom_of: Make, series_of: Make) -> None:
    reader = Reader(prom_of().server)
    for n in range(240):
        start = BEGIN - 500.0 if n < 100 else at(100) - 4.0
        value = n if n < 100 else 500 + n
        reader.server.scrape(
            at(n),
            (series_of("gw_tokens_total", model="a"), value),
            (series_of("process_start_time_seconds"), start),
        )
    assert await reader.in_steps() == {"a": (99 + 600 + 139, 1)}
    assert await reader.one_by_one() == {"a": (99 + 600 + 139, 1)}


async def test_the_first_scrape_of_a_target_is_looked_at_closely(
    prom_of: Make, series_of: Make
) -> None:
    """A series that came a scrape after its target began counts whole; one of the first scrape is
    a baseline."""
    reader = Reader(prom_of().server)
    other = series_of("gw_tokens_total", model="o", instance="o:1")
    for n in range(240):
        reader.server.scrape(at(n), (other, 5))
    for n in range(130, 240):
        samples = [(series_of("gw_tokens_total", model="old"), 1000 + n)]
        if n > 130:
            samples.append((series_of("gw_tokens_total", model="new"), 70 + n))
        reader.server.scrape(at(n), *samples)
    counted = await reader.in_steps()
    assert counted["old"] == (109, 1)  # a target that came late: what it had is not known
    assert counted["new"] == (70 + 239, 0)
    assert counted == await reader.one_by_one()


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), targets=st.integers(1, 3))
async def test_steps_and_samples_come_to_the_same(
    seed: int, targets: int, prom_of: Make, series_of: Make
) -> None:
    dice = random.Random(seed)
    reader = Reader(prom_of().server)
    for number in range(targets):
        where = {"instance": f"i{number}:1"}
        values: dict[str, int] = {"marker": 1_000_000}
        n = dice.randrange(0, 3) - 1
        while n < 240:
            n += 1
            if dice.random() < 0.01:
                values = {"marker": values["marker"] - 1_000}
            for model in ("a", "b"):
                if dice.random() < 0.1:
                    values[model] = values.get(model, 0) + dice.randrange(100)
            up = "0" if dice.random() < 0.02 else "1"
            found = [
                (series_of("gw_tokens_total", model=f"{m}{number}", **where), v)
                for m, v in values.items()
            ]
            if up == "1":
                reader.server.scrape(at(n), *found)
            else:
                reader.server.put(series_of("up", **where), at(n), "0")
    # The baseline of the view is the first sample, which a step does not have: both begin with
    # what the first step ends with, where nothing is a baseline any more.
    in_steps, whole = await reader.in_steps(), await reader.one_by_one()
    assert {k: v for k, v in in_steps.items() if v != (0, 0)} == {
        k: v for k, v in whole.items() if v != (0, 0)
    }


async def test_more_restarts_than_repairs_are_read_by_target(
    prom_of: Make, series_of: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "MOST_REPAIRS", 1)
    reader = Reader(prom_of().server)
    truth = 0
    value = 0
    for n in range(240):
        value = 3 if n % 90 == 60 else value + 2
        truth += (3 if n % 90 == 60 else 2) if n else 0
        reader.server.scrape(at(n), (series_of("gw_tokens_total", model="a"), value))
    assert (await reader.in_steps())["a"][0] == truth
    assert len(reader.repairs()) == 1


async def test_a_server_that_drops_names_is_told(prom_of: Make, series_of: Make) -> None:
    reader = Reader(prom_of().server)
    reader.server.scrape(at(3), (series_of("gw_tokens_total", model="a"), 1))

    def hook(form: dict[str, str], _request: httpx.Request) -> httpx.Response:
        rows = list(reader.server.rows(form))
        for row in rows:
            row["metric"].pop("__name__", None)
        said: httpx.Response = reader.server.matrix(rows)
        return said

    reader.server.hook = hook
    with pytest.raises(SourceFormatError, match="does not keep metric names"):
        await reader.in_steps()


async def test_warnings_and_nonsense_are_refused(prom_of: Make, series_of: Make) -> None:
    reader = Reader(prom_of().server)
    reader.server.scrape(at(3), (series_of("gw_tokens_total", model="a"), 1))
    reader.server.warnings = ["store down"]
    with pytest.raises(SourceOverloadedError, match="not whole: store down"):
        await reader.in_steps()
    reader.server.warnings = []
    reader.server.put(series_of("up", instance="odd:1"), at(3), "1")

    def hook(form: dict[str, str], _request: httpx.Request) -> httpx.Response:
        rows = list(reader.server.rows(form))
        if form["query"].startswith("max_over_time"):
            rows[0]["values"] = [[BEGIN + 600, "yes"]]
        said: httpx.Response = reader.server.matrix(rows)
        return said

    reader.server.hook = hook
    with pytest.raises(SourceFormatError, match="without numbers"):
        await reader.in_steps()

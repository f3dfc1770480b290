"""Old history in steps comes to what its samples come to one by one."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from costtui.sources.prometheus import plan, steps

Make = Callable[..., Any]
BEGIN = 1_795_600_000 // 3600 * 3600
FIELDS: dict[str, Any] = {
    "resets": "together",
    "dimensions": {"model": "model"},
    "metrics": [{"name": "gw_tokens_total", "quantity": "tokens", "kind": "input"}],
}


class Reader:
    """Two hours of a server, read both ways by whole sources. The live part is empty."""

    def __init__(self, prom_of: Make, monkeypatch: pytest.MonkeyPatch) -> None:
        self._prom_of = prom_of
        self._patch = monkeypatch
        self.server = prom_of().server
        self.series = (
            *(("__name__", "gw_tokens_total"), ("instance", "a:1")),
            *(("job", "gw"), ("model", "a")),
        )

    async def _totals(self, raw_samples: int) -> dict[str, tuple[int, int]]:
        self._patch.setattr(plan, "RAW_SAMPLES", raw_samples)
        prom = self._prom_of(self.server, fields=FIELDS, since=2 * 3600)
        prom.now = BEGIN + 7200.0
        self.server.asked.clear()
        await prom.drain()
        prom.now += 1
        await prom.poll()  # what stopped history is said by the next batch
        note = prom.batches[-1].note
        assert not note.startswith("history waits"), note
        totals: dict[str, tuple[int, int]] = {}
        for record in prom.records:
            tokens, lost = totals.get(record.dims.model, (0, 0))
            totals[record.dims.model] = (tokens + record.input, lost + record.lower_bounds)
        return {model: total for model, total in totals.items() if total != (0, 0)}

    async def in_steps(self) -> dict[str, tuple[int, int]]:
        found = await self._totals(1)
        assert any("last_over_time" in form["query"] for form in self.server.asked)
        return found

    async def one_by_one(self) -> dict[str, tuple[int, int]]:
        asked = list(self.server.asked)
        found = await self._totals(10**9)
        assert not any("last_over_time" in form["query"] for form in self.server.asked)
        self.server.asked[:] = asked
        return found

    def repairs(self) -> list[str]:
        """Raw samples of single targets."""
        return [
            f["query"] for f in self.server.asked if 'instance="' in f["query"] and "step" not in f
        ]


COUNT = 479


def at(number: int) -> int:
    """The time of a scrape, 15 s apart; 40 are one step."""
    return BEGIN + 15 * number + 7


@pytest.fixture
def reader(prom_of: Make, monkeypatch: pytest.MonkeyPatch) -> Reader:
    return Reader(prom_of, monkeypatch)


async def test_quiet_history_is_a_few_queries(reader: Reader, series_of: Make) -> None:
    for n in range(COUNT):
        reader.server.scrape(at(n), (series_of("gw_tokens_total", model="a"), 1000 + n * 3))
    assert await reader.in_steps() == {"a": ((COUNT - 1) * 3, 0)}
    stepped = [form["query"] for form in reader.server.asked if "last_over_time" in form["query"]]
    assert len(stepped) <= 4
    assert await reader.one_by_one() == {"a": ((COUNT - 1) * 3, 0)}


@pytest.mark.parametrize("fall", [45, 79, 80, 81, 119, 120])
async def test_a_step_with_a_reset_is_read_whole(
    fall: int, reader: Reader, series_of: Make
) -> None:
    for n in range(COUNT):
        value = n * 2 if n < fall else (n - fall) * 9 + 1
        reader.server.scrape(at(n), (series_of("gw_tokens_total", model="a"), value))
    truth = (fall - 1) * 2 + (COUNT - 1 - fall) * 9 + 1
    assert await reader.in_steps() == {"a": (truth, 1)}
    assert reader.repairs() != []


async def test_a_restart_that_only_a_start_time_tells(reader: Reader, series_of: Make) -> None:
    for n in range(COUNT):
        start = BEGIN - 500.0 if n < 100 else at(100) - 4.0
        reader.server.scrape(
            at(n),
            (series_of("gw_tokens_total", model="a"), n if n < 100 else 500 + n),
            (series_of("process_start_time_seconds"), start),
        )
    truth = {"a": (99 + 600 + COUNT - 1 - 100, 1)}
    assert await reader.in_steps() == truth
    assert await reader.one_by_one() == truth


async def test_the_first_scrape_of_a_target_is_looked_at_closely(
    reader: Reader, series_of: Make
) -> None:
    """A series that came a scrape after its target began counts whole; one of the first scrape is
    a baseline."""
    other = series_of("gw_tokens_total", model="o", instance="o:1")
    for n in range(COUNT):
        reader.server.scrape(at(n), (other, 5))
    for n in range(130, COUNT):
        samples = [(series_of("gw_tokens_total", model="old"), 1000 + n)]
        if n > 130:
            samples.append((series_of("gw_tokens_total", model="new"), 70 + n))
        reader.server.scrape(at(n), *samples)
    counted = await reader.in_steps()
    assert counted["old"] == (COUNT - 131, 1)  # a target that came late: what it had is not known
    assert counted["new"] == (70 + COUNT - 1, 0)
    assert counted == await reader.one_by_one()


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), targets=st.integers(1, 3))
def test_steps_and_samples_come_to_the_same(
    seed: int, targets: int, prom_of: Make, series_of: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    dice = random.Random(seed)
    reader = Reader(prom_of, monkeypatch)
    for number in range(targets):
        where = {"instance": f"i{number}:1"}
        values: dict[str, int] = {"marker": 1_000_000}
        for n in range(dice.randrange(0, 3), COUNT):
            if dice.random() < 0.01:
                values = {"marker": values["marker"] - 1_000}
            for model in ("a", "b"):
                if dice.random() < 0.1:
                    values[model] = values.get(model, 0) + dice.randrange(100)
            if dice.random() < 0.02:
                reader.server.put(series_of("up", **where), at(n), "0")
                continue
            reader.server.scrape(
                at(n),
                *(
                    (series_of("gw_tokens_total", model=f"{m}{number}", **where), v)
                    for m, v in values.items()
                ),
            )
    counted, truth = asyncio.run(reader.in_steps()), asyncio.run(reader.one_by_one())
    # A minute that two pieces share is two records, so only whether there is a mark is the same.
    assert _marked(counted) == _marked(truth)


def _marked(counted: dict[str, tuple[int, int]]) -> dict[str, tuple[int, bool]]:
    return {model: (value, lower > 0) for model, (value, lower) in counted.items()}


async def test_more_restarts_than_repairs_are_read_by_target(
    reader: Reader, series_of: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "MOST_REPAIRS", 1)
    value = truth = 0
    for n in range(COUNT):
        grown = 3 if n % 90 == 60 else 2
        value = 3 if n % 90 == 60 else value + 2
        truth += grown if n else 0
        reader.server.scrape(at(n), (series_of("gw_tokens_total", model="a"), value))
    assert (await reader.in_steps())["a"][0] == truth
    assert 0 < len(reader.repairs()) <= 4


async def _refused(reader: Reader, hook: Callable[..., Any], reason: str) -> None:
    """History waits and says why; what is counted is less, and goes on when the server does."""
    for n in range(COUNT):
        reader.server.scrape(at(n), (reader.series, 1000 + n))
    reader.server.hook = hook
    with pytest.raises(AssertionError, match=reason):
        await reader.in_steps()
    reader.server.hook = None
    assert await reader.in_steps() == {"a": (COUNT - 1, 0)}


async def test_a_server_that_drops_names_is_told(reader: Reader) -> None:
    def hook(form: dict[str, str], _request: httpx.Request) -> httpx.Response | None:
        if "last_over_time" not in form.get("query", ""):
            return None
        rows = list(reader.server.rows(form))
        for row in rows:
            row["metric"].pop("__name__", None)
        said: httpx.Response = reader.server.matrix(rows)
        return said

    await _refused(reader, hook, "does not keep metric names")


async def test_nonsense_in_steps_is_refused(reader: Reader) -> None:
    def hook(form: dict[str, str], _request: httpx.Request) -> httpx.Response | None:
        query = form.get("query", "")
        if "step" not in form or "count(" in query or ("last" in query and "up" not in query):
            return None
        row = {"metric": {"instance": "a:1"}, "values": [[BEGIN + 4200, "yes"]]}
        if query.startswith("last_over_time"):
            row["metric"] = {"__name__": "up", "instance": "a:1"}
        said: httpx.Response = reader.server.matrix([row])
        return said

    await _refused(reader, hook, "without numbers")

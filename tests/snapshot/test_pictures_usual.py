"""Pictures of what is not as usual, of marks with their words, of the month's end and of money that
no request holds; accepted by eye, as in test_tui_pictures."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from textual.pilot import Pilot

from costtui.model.listing import Counters
from costtui.model.snapshot import Totals
from costtui.sources.jsonl.state import FileState, dump
from costtui.tui.app import CosttuiApp

Compare = Callable[..., bool]
WIDE, NARROW = (120, 40), (80, 24)
BOTH = pytest.mark.parametrize("size", [WIDE, NARROW], ids=["120x40", "80x24"])


def _load_fakes() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "tui_fakes_for_usual", Path(__file__).with_name("fakes.py")
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


FAKES = _load_fakes()
LOG = "/srv/logs/eu-central/" + "llm-proxy/" * 5 + "cost-tracking.jsonl"


def data_of(hostile: bool) -> Any:
    data = FAKES.Growing(80)
    if hostile:
        data.answer = FAKES.hostile()
    names = tuple(FAKES.HOSTILE) if hostile else ("kong-eu", "agentgateway-1", "agentgateway-2")
    whole = Totals(requests=180_000, effective_nano=512_770_000_000, unpriced_tokens=5)
    part = Totals(requests=146_000, effective_nano=301_400_000_000, unpriced_tokens=5)
    data.counters = Counters(whole, part, names)
    state = FileState("costs.jsonl", LOG, LOG, "costs.jsonl", 1, 2, live=10**9)
    data.every = [row._replace(part="costs.jsonl") for row in data.every]
    data.checkpoint = lambda _: [("costs.jsonl", dump(state))]
    return data


@pytest.fixture
def picture(snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Take the picture, with the month's end, and compare it."""
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setenv("TERM", "xterm-256color")

    def take(
        keys: tuple[str, ...],
        size: tuple[int, int] = WIDE,
        *,
        hostile: bool = False,
        toast: bool = False,
        **options: Any,
    ) -> None:
        data, clock = data_of(hostile), FAKES.FrozenClock()
        options = {"theme": "costtui-dark", **options}
        app = CosttuiApp(
            lambda: data, config=FAKES.config(), clock=clock, wait_for_first=5.0, **options
        )

        async def settle(pilot: Pilot[int]) -> None:
            await app.settled()
            await pilot.pause()

        async def prepare(pilot: Pilot[int]) -> None:
            await settle(pilot)
            clock.time += 1.5
            app.tick()
            await settle(pilot)
            for key in keys:
                await pilot.press(key)
                await settle(pilot)
            if not toast:
                app.clear_notifications()
            await settle(pilot)

        assert snap_compare(app, terminal_size=size, run_before=prepare)

    return take


@BOTH
def test_the_month_end_and_the_legend(picture: Callable[..., None], size: tuple[int, int]) -> None:
    picture((), size)


@BOTH
def test_nothing_is_as_usual(picture: Callable[..., None], size: tuple[int, int]) -> None:
    picture(("u", "greater_than_sign", "r", "c", "g", "v"), size)


def test_put_back(picture: Callable[..., None]) -> None:
    picture(("u", "c", "0"), NARROW, toast=True)


@BOTH
def test_fleet_counts_in_requests(picture: Callable[..., None], size: tuple[int, int]) -> None:
    picture(("f", "u", "u"), size)


def test_fleet_at_80(picture: Callable[..., None]) -> None:
    picture(("f",), NARROW)


@BOTH
def test_requests_and_counters(picture: Callable[..., None], size: tuple[int, int]) -> None:
    picture(("f3", "greater_than_sign", "greater_than_sign"), size)


def test_counters_with_hostile_names(picture: Callable[..., None]) -> None:
    picture(("f3",), NARROW, hostile=True)


def test_a_path_that_is_too_long(picture: Callable[..., None]) -> None:
    picture(("f3", "enter", "end", *["up"] * 3), NARROW)


def test_the_crosshair_on_kinds_of_tokens(picture: Callable[..., None]) -> None:
    picture(("v", "v", "C", "left", "left"), NARROW)


def test_a_big_chart_with_one_frame(picture: Callable[..., None]) -> None:
    picture(("C", "left", "left", "left", "M"))


def test_a_big_chart_in_ascii(picture: Callable[..., None]) -> None:
    picture(("C", "left", "M"), NARROW, ascii_only=True)


@BOTH
def test_why_at_the_greatest_step(picture: Callable[..., None], size: tuple[int, int]) -> None:
    picture(("w",), size)


def test_time_ends(picture: Callable[..., None]) -> None:
    picture(("6", "left_square_bracket", "left_square_bracket"), NARROW, toast=True)

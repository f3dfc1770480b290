"""Pictures of charts and of the forecast, accepted by eye like those beside them."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from textual.pilot import Pilot

from costtui.tui.app import CosttuiApp

Compare = Callable[..., bool]
WIDE, NARROW = (120, 40), (80, 24)


def _load_fakes() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "tui_fakes_for_chart_pictures", Path(__file__).with_name("fakes.py")
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


FAKES = _load_fakes()


def limited(nano: int, window: str = "24h") -> Any:
    rule = replace(FAKES.alerts()[0], window=window, limit=nano)
    return replace(FAKES.overview(), alerts=(rule,))


def one_value() -> Any:
    base = FAKES.overview()
    at = len(base.chart) // 2

    def only(values: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(v if i == at else 0 for i, v in enumerate(values))

    parts = tuple(
        replace(
            b,
            groups=tuple(
                replace(g, spark=only(g.spark), spark_requests=only(g.spark_requests),
                        spark_tokens=only(g.spark_tokens), spark_unpriced=only(g.spark_unpriced))
                for g in b.groups
            ),
        )
        for b in base.breakdowns
    )  # fmt: skip
    return replace(
        base, chart=only(base.chart), chart_requests=only(base.chart_requests),
        chart_tokens=only(base.chart_tokens), gap_buckets=frozenset(), breakdowns=parts,
    )  # fmt: skip


def data_of(state: str) -> Any:
    data = FAKES.FakeData()
    match state:
        case "limit":
            data.answer = limited(1_300_000_000_000)
        case "one":
            data.answer = one_value()
        case "quiet":
            data.answer = FAKES.quiet_window()
        case "hostile":
            data.answer = FAKES.hostile()
        case "young":
            data.told = FAKES.outlook(hours=19)
        case "wide":
            data.told = FAKES.outlook(hours=6 * 24)
        case "none":
            empty = FAKES.outlook(hours=0)
            zero = empty.to_date._make([0] * len(empty.to_date))
            data.told = empty._replace(groups=(), to_date=zero, last_month=zero)
        case "holes":
            data.told = FAKES.outlook(gaps=range(60, 140))
        case "month-limit" | "passed":
            spent = FAKES.outlook().to_date.effective_nano
            limit = spent * 6 // 5 if state == "month-limit" else spent * 4 // 5
            rule = replace(FAKES.alerts()[0], window="30d", limit=limit // 10**12 * 10**12)
            data.told = FAKES.outlook(alerts=(rule,))
    return data


@pytest.fixture
def picture(snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Take the picture and compare it."""
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setenv("TERM", "xterm-256color")

    def take(
        keys: tuple[str, ...],
        size: tuple[int, int] = WIDE,
        state: str = "",
        theme: str = "costtui-dark",
        **options: Any,
    ) -> None:
        data = data_of(state)
        app = CosttuiApp(
            lambda: data, config=FAKES.config(), clock=FAKES.FrozenClock(), theme=theme,
            wait_for_first=5.0, **options,
        )  # fmt: skip

        async def prepare(pilot: Pilot[int]) -> None:
            for key in keys:
                await pilot.press(key)
                await app.settled()
                await pilot.pause()
            app.clear_notifications()
            await app.settled()
            await pilot.pause()

        assert snap_compare(app, terminal_size=size, run_before=prepare)

    return take


sizes = pytest.mark.parametrize("size", [WIDE, NARROW], ids=["120x40", "80x24"])
KINDS = {"time": 0, "stacked": 1, "mix": 2, "sum": 3}
kinds = pytest.mark.parametrize("kind", KINDS)
AT_CHART = ("shift+tab",)


@sizes
@kinds
def test_small(picture: Callable[..., None], kind: str, size: tuple[int, int]) -> None:
    focus = AT_CHART if size == NARROW else ()
    picture((*focus, *["v"] * KINDS[kind]), size)


@sizes
@kinds
def test_maximised(picture: Callable[..., None], kind: str, size: tuple[int, int]) -> None:
    picture((*AT_CHART, "M", *["v"] * KINDS[kind]), size)


@pytest.mark.parametrize("maximised", [False, True], ids=["small", "maximised"])
def test_crosshair_and_range(picture: Callable[..., None], maximised: bool) -> None:
    moves = ("C", *["left"] * 6, "space", *["left"] * 3)
    picture((*moves, "M", "v") if maximised else moves)


def test_crosshair_on_a_stack(picture: Callable[..., None]) -> None:
    picture(("v", "C", *["left"] * 6))


def test_zoomed(picture: Callable[..., None]) -> None:
    picture(("C", *["left"] * 6, "enter"))


def test_limit(picture: Callable[..., None]) -> None:
    picture(("v", "v", "v"), state="limit")


@pytest.mark.parametrize("unit", [1, 3], ids=["tokens", "rate"])
def test_unit(picture: Callable[..., None], unit: int) -> None:
    picture(("u",) * unit)


@pytest.mark.parametrize("state", ["one", "quiet", "hostile"])
def test_stacked_state(picture: Callable[..., None], state: str) -> None:
    picture(("v",), state=state)


@kinds
def test_ascii(picture: Callable[..., None], kind: str) -> None:
    picture(("C", "left", "left", *["v"] * KINDS[kind]), ascii_only=True)


@pytest.mark.parametrize("keys", [("v",), ("shift+tab", "M", "v")], ids=["small", "maximised"])
def test_monochrome(picture: Callable[..., None], keys: tuple[str, ...]) -> None:
    picture(keys, theme="monochrome")


def test_ascii_maximised(picture: Callable[..., None]) -> None:
    picture(("shift+tab", "M", "v"), ascii_only=True)


# Forecast


@sizes
@pytest.mark.parametrize(
    "state", ["usual", "month-limit", "young", "wide", "none", "holes", "passed"]
)
def test_forecast(picture: Callable[..., None], state: str, size: tuple[int, int]) -> None:
    picture(("f6",), size, state)


@sizes
def test_forecast_maximised(picture: Callable[..., None], size: tuple[int, int]) -> None:
    picture(("f6", "M"), size, "month-limit")


def test_forecast_ascii(picture: Callable[..., None]) -> None:
    picture(("f6",), state="month-limit", ascii_only=True)

"""Pictures of the past, of the alerts and of why; accepted by eye, as in test_tui_pictures."""

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

from costtui.config.schema import AlertRule
from costtui.tui.app import CosttuiApp

Compare = Callable[..., bool]
WIDE, NARROW = (120, 40), (80, 24)
BOTH = pytest.mark.parametrize("size", [WIDE, NARROW], ids=["120x40", "80x24"])
NANO = 10**9


def _load_fakes() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "tui_fakes_for_time", Path(__file__).with_name("fakes.py")
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


FAKES = _load_fakes()
RULES = (
    AlertRule("daily budget", "cost_over", 800 * NANO, 86_400, "24h"),
    AlertRule("opus is expensive", "cost_over", 100 * NANO, 86_400, "24h", by=("model",), hold=120,
              severity="critical", where=(("provider", "anthropic"),)),
    AlertRule("team playground", "cost_over", 20 * NANO, 3600, "1h", by=("consumer",),
              severity="info"),
    AlertRule("brand new", "cost_over", 5 * NANO, 7200, "2h"),
)  # fmt: skip


def hostile() -> Any:
    """Rules and labels that try to move the cursor, inject markup, or break columns."""
    data = FAKES.FakeData(FAKES.hostile())
    bad = FAKES.hostile().alerts[0]
    states = ("firing", "pending", "resolved", "inactive")
    told = tuple(
        replace(bad, rule=text, labels=(("model", text), ("team", "")), state=states[n % 4],
                window="\x1b[31m24h", severity="[red]critical")
        for n, text in enumerate(FAKES.HOSTILE)
    )  # fmt: skip
    data.answer = replace(FAKES.hostile(), alerts=told)
    data.changes = [
        FAKES.AlertChange(n, FAKES.NOW - 60 * n, status) for n, status in enumerate(told)
    ]
    moved = FAKES.movement

    def movement(view: Any, pairs: Any) -> Any:
        out = []
        for pair in pairs:
            found = moved(*pair)
            rows = tuple(
                row._replace(key=(text,) * 5)
                for row, text in zip(found.rows, FAKES.HOSTILE, strict=False)
            )
            out.append(found._replace(rows=rows))
        return out

    data.movement = movement
    return data


def steady() -> Any:
    """A window without a step: only the whole of it can be explained."""
    data = FAKES.FakeData()
    base = FAKES.overview()
    data.answer = replace(base, chart=(40 * NANO,) * len(base.chart), gap_buckets=frozenset())
    return data


def quiet() -> Any:
    data = FAKES.FakeData()
    data.movement = lambda view, pairs: [FAKES.Movement(*pair, ()) for pair in pairs]
    data.changes = []
    return data


@pytest.fixture
def picture(snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Take the picture and compare it."""
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setenv("TERM", "xterm-256color")

    def take(
        keys: str,
        size: tuple[int, int] = WIDE,
        data: Any = None,
        rules: tuple[AlertRule, ...] = RULES,
        theme: str = "costtui-dark",
        **options: Any,
    ) -> None:
        data = data or FAKES.FakeData()
        app = CosttuiApp(
            lambda: data,
            config=replace(FAKES.config(), alerts=rules),
            clock=FAKES.FrozenClock(),
            theme=theme,
            wait_for_first=5.0,
            **options,
        )

        async def prepare(pilot: Pilot[int]) -> None:
            for key in keys.split():
                await pilot.press(key)
                for _ in range(2):
                    await app.settled()
                    await pilot.pause()
            app.clear_notifications()
            await app.settled()
            await pilot.pause()

        assert snap_compare(app, terminal_size=size, run_before=prepare)

    return take


@BOTH
def test_past_with_an_alert_that_fired_then(
    picture: Callable[..., None], size: tuple[int, int]
) -> None:
    picture("left_square_bracket", size)


def test_past_sources(picture: Callable[..., None]) -> None:
    picture("left_square_bracket f9")


def test_past_fleet(picture: Callable[..., None]) -> None:
    picture("f left_square_bracket", NARROW)


@BOTH
def test_alerts(picture: Callable[..., None], size: tuple[int, int]) -> None:
    data = FAKES.FakeData(FAKES.firing())
    resolved = replace(FAKES.FIRING, rule="team playground", labels=(("consumer", "search"),),
                       state="resolved", severity="info", value=11 * NANO,
                       limit=20 * NANO, window="1h")  # fmt: skip
    data.answer = replace(data.answer, alerts=(*data.answer.alerts, resolved))
    picture("f4", size, data)


def test_alerts_then(picture: Callable[..., None]) -> None:
    picture("f4 left_square_bracket tab")


def test_history_of_one_rule(picture: Callable[..., None]) -> None:
    picture("f4 down h tab", data=FAKES.FakeData(FAKES.firing()))


@BOTH
def test_no_alert_is_configured(picture: Callable[..., None], size: tuple[int, int]) -> None:
    picture("f4", size, FAKES.FakeData(FAKES.exact()), ())


@BOTH
def test_hostile_alerts(picture: Callable[..., None], size: tuple[int, int]) -> None:
    picture("f4", size, hostile())


@BOTH
def test_why_a_step(picture: Callable[..., None], size: tuple[int, int]) -> None:
    picture("w down enter", size)


def test_why_the_window_in_another_theme(picture: Callable[..., None]) -> None:
    picture("w", theme="costtui-light")


def test_why_without_steps(picture: Callable[..., None]) -> None:
    picture("w", NARROW, steady())


def test_why_nothing(picture: Callable[..., None]) -> None:
    picture("w", NARROW, quiet())


def test_why_hostile(picture: Callable[..., None]) -> None:
    picture("w tab down", data=hostile())


def test_why_ascii_and_wide(picture: Callable[..., None]) -> None:
    picture("w down", (160, 40), ascii_only=True)


def test_a_moment_is_asked_for(picture: Callable[..., None]) -> None:
    picture("at f r i", NARROW)


def test_a_moment_is_explained(picture: Callable[..., None]) -> None:
    picture("at 2 5 : 0 0 enter", NARROW)

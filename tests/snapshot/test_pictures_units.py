"""Pictures of alerts of every unit; accepted by eye, as in test_tui_pictures."""

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
from costtui.model.alert import AlertStatus, Labels
from costtui.model.charge import Exactness
from costtui.tui.app import CosttuiApp

Compare = Callable[..., bool]
NANO = 10**9


def _load_fakes() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "tui_fakes_for_units", Path(__file__).with_name("fakes.py")
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


FAKES = _load_fakes()
NOW = FAKES.NOW
SEARCH: Labels = (("consumer", "search"),)
RULES = (
    AlertRule("error share", "error_share_over", 50_000, 900, "15m", by=("provider",), hold=60),
    AlertRule("gateway unreachable", "source_down_for", 300, 60, "1m"),
)


def one(
    rule: str, labels: Labels, state: str, unit: str, value: int, limit: int, window: str,
    ago: int, severity: str = "warning", right: Exactness = Exactness.EXACT,
) -> AlertStatus:  # fmt: skip
    return AlertStatus(
        rule, labels, state, severity, value, limit, NOW - ago, window, right, unit
    )  # fmt: skip


ALERTS = (
    one("error share", (("provider", "openai"),), "firing", "share", 82_300, 50_000, "15m", 500),
    one("gateway unreachable", (("source", "kong-eu"),), "firing", "seconds", 1930, 300, "1m", 1600,
        "critical"),
    one("budget search", (*SEARCH, ("step", "80%")), "firing", "share", 874_000, 800_000, "month",
        90_000, right=Exactness.LOWER_BOUND),
    one("budget search", (*SEARCH, ("step", "burn")), "pending", "factor", 15_200, 14_400, "1h", 30,
        "critical", Exactness.ESTIMATE),
    one("spike", SEARCH, "resolved", "factor", 900, 3000, "1h", 400),
    one("tokens", (), "inactive", "tokens", 1_934_221, 2_000_000, "1h", 8000, "info"),
    one("requests", (), "inactive", "requests", 112, 1200, "15m", 8000, "info"),
    one("daily budget", (), "inactive", "cost", 512 * NANO, 800 * NANO, "24h", 80_000),
)  # fmt: skip


@pytest.mark.parametrize("keys", ["f4", ""], ids=["alerts", "overview"])
@pytest.mark.parametrize("size", [(120, 40), (80, 24)], ids=["120x40", "80x24"])
def test_alerts_of_every_unit(
    snap_compare: Compare, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int], keys: str
) -> None:
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setenv("TERM", "xterm-256color")
    answer: Any = replace(FAKES.firing(), alerts=ALERTS)
    data = FAKES.FakeData(answer)
    data.changes = [
        FAKES.AlertChange(n, status.since, status) for n, status in enumerate(ALERTS[:5])
    ]
    app = CosttuiApp(
        lambda: data, config=replace(FAKES.config(), alerts=RULES), clock=FAKES.FrozenClock(),
        theme="costtui-dark", wait_for_first=5.0,
    )  # fmt: skip

    async def prepare(pilot: Pilot[int]) -> None:
        for key in keys.split():
            await pilot.press(key)
            await app.settled()
            await pilot.pause()
        app.clear_notifications()
        await app.settled()
        await pilot.pause()

    assert snap_compare(app, terminal_size=size, run_before=prepare)

"""The app on scripted data, without a terminal."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from textual.pilot import Pilot

from costtui.tui.app import CosttuiApp


def _load_fakes() -> ModuleType:
    path = Path(__file__).resolve().parents[1] / "snapshot" / "fakes.py"
    spec = importlib.util.spec_from_file_location("tui_fakes_for_pilot", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


FAKES = _load_fakes()


class Driver:
    """One running app: press keys, wait for answers, read the screen."""

    def __init__(self, app: CosttuiApp, pilot: Pilot[int], data: Any, clock: Any) -> None:
        self.app, self.pilot, self.data, self.clock = app, pilot, data, clock

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.pilot.press(key)
            await self.settle()

    async def settle(self) -> None:
        """Until the reader has answered everything and the screen has drawn it."""
        await self.app.settled()
        await self.pilot.pause()

    async def tick(self) -> None:
        self.app.tick()
        await self.settle()

    @property
    def lines(self) -> list[str]:
        return [strip.text for strip in self.app.screen._compositor.render_strips()]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    @property
    def toasts(self) -> str:
        return "\n".join(n.message for n in self.app._notifications)


Start = Callable[..., AbstractAsyncContextManager[Driver]]


@pytest.fixture
def start() -> Start:
    """`async with start(data=…, size=…) as ui:`"""

    @asynccontextmanager
    async def _start(
        data: Any = None, size: tuple[int, int] = (120, 40), **options: Any
    ) -> AsyncIterator[Driver]:
        data = data or FAKES.FakeData()
        clock = FAKES.FrozenClock()
        options = {"config": FAKES.config(), "theme": "costtui-dark", **options}
        app = CosttuiApp(lambda: data, clock=clock, wait_for_first=5.0, **options)
        async with app.run_test(size=size) as pilot:
            driver = Driver(app, pilot, data, clock)
            await driver.settle()
            yield driver

    return _start


@pytest.fixture
def fakes() -> ModuleType:
    return FAKES

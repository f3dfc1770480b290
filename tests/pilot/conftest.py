"""The app on scripted data, without a terminal."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
import time
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
        """Until the reader has answered everything and the screen has drawn it. An answer may
        make the screen ask again: news, then the overview. On a busy machine three times round
        are not enough, so nothing may be left in a queue either."""
        for round_ in range(30):
            await self.app.settled()
            await self.pilot.pause()
            if round_ > 1 and not self._waits():
                break

    def _waits(self) -> bool:
        pumps = [self.app, *(w for screen in self.app.screen_stack for w in screen.query("*"))]
        return not all(p._message_queue.empty() for p in (*pumps, *self.app.screen_stack))

    async def until(self, look: Callable[[], object]) -> None:
        """For what a timer brings; pytest's own timeout is the limit."""
        while not look():
            await self.pilot.pause(0.01)

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


QUIET_TURNS = 25
"""Turns of the event loop without a message anywhere that count as having come to rest."""

MOST = 1.0
"""Seconds, as in Textual."""


async def _rest(app: CosttuiApp) -> None:
    """Until no queue of the app has a message. Textual waits for the processor to be idle instead,
    60 ms or more a key press, and for ever longer where the machine is busy with something else."""
    turns = 0
    deadline = time.monotonic() + MOST
    while turns < QUIET_TURNS and time.monotonic() < deadline:
        await asyncio.sleep(0)
        # A widget that has been removed reads its queue no more.
        busy = any(
            not node._message_queue.empty() for node in (app, *app._registry) if node.is_running
        )
        turns = 0 if busy else turns + 1


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Start:
    """`async with start(data=…, size=…) as ui:`"""

    @asynccontextmanager
    async def _start(
        data: Any = None, size: tuple[int, int] = (120, 40), **options: Any
    ) -> AsyncIterator[Driver]:
        data = data or FAKES.FakeData()
        clock = FAKES.FrozenClock()
        options = {"config": FAKES.config(), "theme": "costtui-dark", **options}
        app = CosttuiApp(lambda: data, clock=clock, wait_for_first=5.0, **options)
        for module in ("app", "pilot"):
            monkeypatch.setattr(f"textual.{module}.wait_for_idle", lambda *_: _rest(app))
        async with app.run_test(size=size) as pilot:
            driver = Driver(app, pilot, data, clock)
            await driver.settle()
            yield driver

    return _start


@pytest.fixture
def fakes() -> ModuleType:
    return FAKES

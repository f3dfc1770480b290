"""A start without a configuration: what it looks for, and what `i` does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

from costtui.errors import UsageError
from costtui.model.found import AGAIN, Discovery, Found
from costtui.tui.firstrun import FirstConfig

Start = Callable[..., AbstractAsyncContextManager[Any]]
PLACE = Path("/home/me/.config/costtui/config.yml")
FOUND = (
    Found("127.0.0.1:8001", "recognised: preset kong, 214 series", ("- name: kong",)),
    Found("127.0.0.1:4000", "LiteLLM's usual port: it wants a login (bearer_token)"),
)


class Fake:
    """A look around that ends when it is told to, and a file that is kept here."""

    def __init__(self, found: tuple[Found, ...] = FOUND) -> None:
        self.done = asyncio.Event()
        self.looked = 0
        self.wrote: list[str] = []
        self.error = ""
        self._found = found

    async def look(self) -> Discovery:
        self.looked += 1
        await self.done.wait()
        return Discovery(self._found, "sources: []")

    def write(self, text: str) -> None:
        if self.error:
            raise UsageError(self.error)
        self.wrote.append(text)

    @property
    def first(self) -> FirstConfig:
        return FirstConfig(PLACE, self.look, self.write)


def options(fakes: ModuleType, fake: Fake) -> dict[str, Any]:
    return {
        "data": fakes.FakeData(fakes.empty()),
        "config": fakes.config(configured=False),
        "first": fake.first,
    }


async def test_it_looks_once_and_i_begins(start: Start, fakes: ModuleType) -> None:
    fake = Fake()
    async with start(**options(fakes, fake)) as ui:
        assert "looking around" in ui.text
        assert "config.yml" in ui.text
        fake.done.set()
        await ui.until(lambda: "214 series" in ui.text)
        assert "wants a login" in ui.text
        await ui.tick()
        await ui.press("f9", "escape", "2")
        assert fake.looked == 1
        assert fake.wrote == []
        await ui.pilot.press("i")
        await ui.until(lambda: ui.app._exit)
        assert fake.wrote == ["sources: []"]
        assert ui.app.return_value == AGAIN


async def test_who_cannot_wait_begins_when_the_look_is_done(
    start: Start, fakes: ModuleType
) -> None:
    fake = Fake()
    async with start(**options(fakes, fake)) as ui:
        await ui.press("i", "i")
        assert fake.wrote == []
        assert "As soon as" in ui.toasts
        fake.done.set()
        await ui.until(lambda: ui.app._exit)
        assert fake.wrote == ["sources: []"]


async def test_a_file_that_cannot_be_written_is_told(start: Start, fakes: ModuleType) -> None:
    fake = Fake(())
    fake.error = "/x/config.yml: there is a configuration already; it was left alone"
    fake.done.set()
    async with start(**options(fakes, fake)) as ui:
        await ui.until(lambda: "nothing answers" in ui.text)
        await ui.press("i")
        assert "left alone" in ui.toasts
        assert ui.app.is_running


async def test_a_configuration_without_sources_is_read_again(
    start: Start, fakes: ModuleType
) -> None:
    fake = Fake()
    config = replace(fakes.config(configured=False), files=(PLACE,))
    first = FirstConfig(PLACE, fake.look, None)
    async with start(**{**options(fakes, fake), "config": config, "first": first}) as ui:
        assert "has no source yet" in ui.text
        assert "read it again" in ui.text
        await ui.pilot.press("i")
        await ui.until(lambda: ui.app._exit)
        assert ui.app.return_value == AGAIN
        assert fake.wrote == []


async def test_with_numbers_on_screen_nobody_looks_and_i_only_tells(
    start: Start, fakes: ModuleType
) -> None:
    fake = Fake()
    async with start(config=replace(fakes.config(), files=(PLACE,)), first=fake.first) as ui:
        await ui.press("i")
        assert str(PLACE) in ui.toasts
        assert fake.looked == 0
        assert fake.wrote == []


async def test_without_a_way_to_write_there_is_no_such_offer(
    start: Start, fakes: ModuleType
) -> None:
    async with start(**{**options(fakes, Fake()), "first": None}) as ui:
        assert "On this machine" not in ui.text
        assert "costtui demo" in ui.text
        await ui.press("i")
        assert ui.app.is_running


async def test_hostile_answers_are_harmless(start: Start, fakes: ModuleType) -> None:
    fake = Fake((Found("127.0.0.1:1\x1b[2J", "[red]x[/] \u202eabc " + "y" * 400, ("- a",)),) * 9)
    fake.done.set()
    async with start(**options(fakes, fake), size=(80, 24)) as ui:
        await ui.until(lambda: "and 5 more" in ui.text)
        assert "[red]x[/]" in ui.text
        assert "\x1b" not in ui.text
        assert all(len(line) == 80 for line in ui.lines)


async def test_it_says_what_it_wrote(start: Start, fakes: ModuleType) -> None:
    async with start(greeting="Wrote ~/.config/costtui/config.yml: kong") as ui:
        await ui.until(lambda: "Wrote ~/.config" in ui.toasts)


async def test_unpriced_usage_is_not_called_none(start: Start, fakes: ModuleType) -> None:
    total = fakes.empty().total._replace(unpriced_tokens=90_000, input=90_000)
    answer = replace(fakes.quiet_window(), total=total)
    async with start(fakes.FakeData(answer)) as ui:
        assert "No price is known" in ui.text
        assert "No usage in this window" not in ui.text
        assert "Nothing was spent" not in ui.text
    free = replace(fakes.quiet_window(), total=fakes.empty().total._replace(input=5))
    async with start(fakes.FakeData(free)) as ui:
        assert "Nothing was spent" in ui.text

"""The list of requests under keys: five thousand rows, of which four hundred are in memory."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

from costtui.model.listing import NAMES, ORDERS, Listing

Start = Callable[..., AbstractAsyncContextManager[Any]]
PAGE = 400


def many(fakes: ModuleType, number: int = 5000) -> Any:
    return fakes.Growing(number)


def truth(data: Any, listing: Listing) -> list[int]:
    """The ids of a list, by sorting everything."""
    found: list[int] = data.ordered(listing)
    return found


def table_of(ui: Any) -> Any:
    return ui.app.screen.query_one("#requests")


async def test_the_list_is_as_long_as_the_data(start: Start, fakes: ModuleType) -> None:
    data = many(fakes)
    every = truth(data, Listing())
    async with start(data=data) as ui:
        await ui.press("f3")
        table = table_of(ui)
        assert "requests 5,000, newest first · following" in ui.text
        assert "1 of 5,000" in ui.text
        assert len(table.items) == PAGE
        await ui.press("end")
        assert table.current.id == every[-1]
        assert "5,000 of 5,000" in ui.text
        assert "following" not in ui.text
        assert len(table.items) <= PAGE + 1
        await ui.press("k", "pageup")
        assert table.current.id == every[-1 - 1 - 34]
        await ui.press("home")
        assert table.current.id == every[0]
        assert "following" in ui.text
        await ui.press("G")
        assert table.current.id == every[-1]


async def test_no_step_is_lost_and_memory_stays_bounded(start: Start, fakes: ModuleType) -> None:
    data = many(fakes)
    every = truth(data, Listing())
    async with start(data=data) as ui:
        await ui.press("f3")
        table = table_of(ui)
        # keys that come faster than answers
        for _ in range(60):
            table.action_page(1)
        await ui.until(lambda: not table.owed)
        assert table.current.id == every[60 * 34]
        assert table.stretch.first + table.cursor == 60 * 34
        for _ in range(25):
            table.action_page(-1)
        table.action_down()
        await ui.until(lambda: not table.owed)
        assert table.current.id == every[35 * 34 + 1]
        table.action_bottom()
        table.action_page(-1)
        await ui.until(lambda: not (table.owed or table.jumping))
        assert table.current.id == every[-1 - 34]
        assert len(table.items) <= PAGE + 1


@pytest.mark.parametrize("seed", range(3))
async def test_random_keys_against_a_sorted_list(
    start: Start, fakes: ModuleType, seed: int
) -> None:
    rng = random.Random(seed)
    data = many(fakes, 2000)
    async with start(data=data, size=(120, 24)) as ui:
        await ui.press("f3")
        table, listing, at = table_of(ui), Listing(), 0
        for _ in range(70):
            every = truth(data, listing)
            here = every[at]
            match rng.choice("jkdubtjkdu<rn"):
                case "j":
                    at = min(at + 1, len(every) - 1)
                    await ui.press("j")
                case "k":
                    at = max(0, at - 1)
                    await ui.press("k")
                case "d" | "u" as key:
                    step = 18 if key == "d" else -18
                    at = max(0, min(at + step, len(every) - 1))
                    await ui.press("pagedown" if key == "d" else "pageup")
                case "b":
                    at = len(every) - 1
                    await ui.press("end")
                case "t":
                    at = 0
                    await ui.press("home")
                case "<":
                    orders = table.orders()
                    order = orders[(orders.index(listing.order) - 1) % len(orders)]
                    listing, at = Listing(order), 0
                    await ui.press("less_than_sign")
                case "r":
                    listing, at = listing._replace(reverse=not listing.reverse), 0
                    await ui.press("r")
                case "n":
                    head = table.following
                    top = at == 0 and listing.order != "time"
                    data.add(rng.choice([-5.0, 100.0, 9000.0]), rng.randrange(10**8))
                    await ui.tick()
                    every = truth(data, listing)
                    at = every.index(here)
                    if head:
                        at = len(every) - 1 if listing.reverse else 0
                    elif top:
                        at = 0
            every = truth(data, listing)
            assert table.current.id == every[at]
            assert table.stretch.first + table.cursor == at
            first = table.stretch.first
            assert [r.id for r in table.items] == every[first : first + len(table.items)]
            assert 0 <= table.cursor - table.scrolled < 24


async def test_live_tail(start: Start, fakes: ModuleType) -> None:
    data = many(fakes)
    async with start(data=data) as ui:
        await ui.press("f3")
        table = table_of(ui)
        new = data.add(-1)
        await ui.tick()
        assert table.current.id == new.id
        await ui.press("j", "j")
        here, line = table.current.id, table.cursor - table.scrolled
        assert "following" not in ui.text
        for ago in (-2, -3, -4):
            data.add(ago)
            await ui.tick()
        assert "3 new (F)" in ui.text
        assert (table.current.id, table.cursor - table.scrolled) == (here, line)
        await ui.press("F")
        assert table.cursor == 0
        assert "following" in ui.text
        assert "new (F)" not in ui.text
        asked = len(data.lists)
        await ui.tick()
        await ui.tick()
        assert len(data.lists) == asked  # nothing new, no query
        await ui.press("r", "end")  # oldest first: the tail is at the bottom
        assert "following" in ui.text
        new = data.add(-9)
        await ui.tick()
        assert table.current.id == new.id
        await ui.press("pageup", "less_than_sign", "F")
        assert (table.listing, table.cursor) == (Listing(), 0)
        assert "following" in ui.text


async def test_a_past_window_is_not_followed(start: Start, fakes: ModuleType) -> None:
    async with start(data=many(fakes)) as ui:
        await ui.press("f3", "left_square_bracket")
        assert "following" not in ui.text
        await ui.press("j", "k", "F")
        assert "following" not in ui.text
        await ui.press("L")
        assert "following" in ui.text


async def test_status_goes_round(start: Start, fakes: ModuleType) -> None:
    async with start() as ui:
        await ui.press("f3")
        table = table_of(ui)
        kinds = {"errors": lambda r: r.errors, "throttled": lambda r: r.throttled,
                 "unpriced": lambda r: not r.basis}  # fmt: skip
        for status, keep in kinds.items():
            await ui.press("s")
            assert f"{status} only" in ui.text
            assert table.items
            assert all(map(keep, table.items))
        await ui.press("s")
        assert "only" not in ui.lines[1]
        assert len(table.items) == 60


async def test_nothing_of_a_status_is_said(start: Start, fakes: ModuleType) -> None:
    data = many(fakes, 3)
    async with start(data=data) as ui:
        await ui.press("f3", "s")
        assert "of the single requests that are kept, none failed (s: others)" in ui.text
        await ui.press("j", "end", "home", "enter", "o", "y", "pagedown")
        assert ui.app.is_running


async def test_orders_and_their_words(start: Start, fakes: ModuleType) -> None:
    data = many(fakes)
    words = {"cost": ("dearest", "cheapest"), "latency": ("slowest", "fastest"),
             "tokens": ("biggest", "smallest"), "status": ("highest", "lowest"),
             "time": ("newest", "oldest"), "speed": ("most tok/s", "least tok/s"),
             **{kind: (f"most {kind}", f"least {kind}") for kind in ("input", "cached", "output")},
             **{name: (f"by {name} A to Z", f"by {name} Z to A") for name in NAMES}}  # fmt: skip
    async with start(data=data, size=(200, 40)) as ui:
        await ui.press("f3")
        titles = {column.id for column in table_of(ui).columns(197)}
        assert titles == set(ORDERS), "every column that is shown can be sorted by"
        for order in reversed(ORDERS):
            most, least = words[order]
            if order != "time":
                await ui.press("less_than_sign")
                assert most in ui.text
                assert table_of(ui).current.id == truth(data, Listing(order))[0]
                await ui.press("r")
                assert least in ui.text
                assert table_of(ui).current.id == truth(data, Listing(order, True))[0]
                await ui.press("end")
                assert table_of(ui).current.id == truth(data, Listing(order))[0]


async def test_sorting_is_shown_while_it_takes(start: Start, fakes: ModuleType) -> None:
    data = many(fakes)
    whole = data.request_list
    left = [3]

    def slow(view: Any, listing: Any, at: Any, limit: int, since: int = 0) -> Any:
        found = whole(view, listing, at, limit, since)
        if listing.order == "cost" and left[0]:
            left[0] -= 1
            seen.append(ui.text)
            return found._replace(done=0.3, exact=False, total=1500)
        return found

    seen: list[str] = []
    data.request_list = slow
    async with start(data=data) as ui:
        await ui.press("f3", "less_than_sign")
        assert left == [0]
        assert any("sorting 30%" in text and "~1 of ~1,500" in text for text in seen[1:])
        assert "sorting" not in ui.text
        assert "1 of 5,000" in ui.text


async def test_a_filter_starts_at_the_newest(start: Start, fakes: ModuleType) -> None:
    data = many(fakes)
    async with start(data=data) as ui:
        await ui.press("f3", "end", "5")
        assert table_of(ui).cursor == 0
        assert table_of(ui).day
        asked = len(data.lists)
        await ui.press("escape")
        assert data.lists[asked:][-1] is None  # the list's memory is given back


@pytest.mark.parametrize("width", [20, 40, 60, 80, 100, 120, 140, 170, 200, 250])
async def test_columns_fit_every_width(start: Start, fakes: ModuleType, width: int) -> None:
    async with start(size=(width, 24)) as ui:
        await ui.press("f3", "5")
        for line in ui.lines[1:-1]:
            assert len(line) == width
        header = ui.lines[2]
        if width >= 60:
            assert "cost" in header
            assert "model" in header
        assert ("consumer" in header) is (width >= 80)
        assert ("gateway" in header) is (width >= 120)
        assert ("tok/s" in header) is (width >= 140)
        assert ("endpoint" in header) is (width >= 200)
        await ui.press("less_than_sign", "enter", "n", "escape")
        assert ui.app.is_running


async def test_a_list_that_could_not_be_read_is_said_and_asked_again(
    start: Start, fakes: ModuleType
) -> None:
    data = many(fakes)
    whole = data.request_list

    def fails(*_: Any) -> Any:
        raise OSError("no such store")

    async with start(data=data) as ui:
        data.request_list = fails
        await ui.press("f3")
        assert "reading …" in ui.text
        data.request_list = whole
        data.add(-1)
        await ui.tick()
        assert "5,001" in ui.text


async def test_a_window_that_slides_is_read_again(start: Start, fakes: ModuleType) -> None:
    data = many(fakes)
    async with start(data=data) as ui:
        await ui.press("f3")
        asked = len(data.lists)
        overview = ui.app.shown.overview
        window = overview.view.window
        later = replace(window, start=window.start + 60, end=window.end + 60)
        moved = replace(overview, view=replace(overview.view, window=later))
        ui.app.show(ui.app.shown._replace(overview=moved))
        await ui.settle()
        assert len(data.lists) == asked + 1

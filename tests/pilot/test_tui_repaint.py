"""What a widget changed reaches the terminal, whatever else is going on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from textual._compositor import LayoutUpdate
from textual._xterm_parser import XTermParser
from textual.events import Resize
from textual.geometry import Region, Size

from costtui.tui.data import Answer
from costtui.tui.messages import Answered
from costtui.tui.navigation import SCREENS
from costtui.tui.screens.side import Title
from costtui.tui.widgets.header import Header

Start = Callable[..., Any]


def changed(ui: Any, size: tuple[int, int]) -> None:
    """The kernel says that the size has changed; it is `size` when somebody looks."""
    ui.app.terminal_size = lambda: size
    ui.app.size_changed()


async def test_a_change_is_painted_although_the_screen_below_changes_too(start: Start) -> None:
    """Textual hands what changed on a screen below to the one above as regions of the screen, and
    then forgot which widgets of the upper one had changed."""
    async with start() as ui:
        await ui.press("f3")
        top = ui.app.screen
        title = top.query_one(Title)
        title.text = "renamed"
        title.redraw()
        for _ in range(100):  # until its message has come, before the screen's timer
            if title in top._dirty_widgets:
                break
            await asyncio.sleep(0)
        else:
            pytest.fail("the screen was not told")
        top.refresh(Region(5, 5, 1, 1))
        await ui.until(lambda: not top._dirty_widgets and not top._repaint_required)
        assert not title._repaint_regions


async def test_what_a_map_made_between_two_layouts_finds_new_is_painted(start: Start) -> None:
    """A message laid on a screen that had just been opened was never painted."""
    async with start() as ui:
        compositor = ui.app.screen._compositor
        assert not compositor._dirty_regions
        ui.app.screen.query_one(Header).styles.display = "none"
        compositor._full_map_invalidated = True
        assert compositor.full_map
        assert compositor._dirty_regions


async def test_nothing_is_painted_for_a_screen_that_is_covered(start: Start) -> None:
    async with start() as ui:
        await ui.press("f9")
        painted = []
        ui.app.post_display_hook = lambda: painted.append(1)
        ui.app.overview_screen.query_one(Header).forget()
        await ui.settle()
        assert not painted
        await ui.press("f2")
        assert ui.app.screen is ui.app.overview_screen
        assert painted


async def test_keys_that_come_before_a_screen_has_widgets(start: Start, fakes: Any) -> None:
    """F9 and `2` in one packet: the answer for the window arrives while the screen is mounted."""
    for name in (*SCREENS, "help"):
        async with start() as ui:
            ui.app.action_help() if name == "help" else ui.app.action_goto(name)
            screen = ui.app.screen
            assert not screen.is_mounted
            shown = ui.app.shown._replace(pending=True)
            ui.app.show(shown)
            for kind in ("fleet", "requests", "skipped"):
                ui.app.on_answered(Answered(Answer(kind, None, [])))
            ui.app._refresh_others()
            await ui.press("2")
            assert ui.app.state.window == "1h"
            title = screen.query_one(Title)
            if name != "help":
                assert title.shown is ui.app.shown or name == "why", name  # its own view
                assert "1h" in ui.lines[0] or name == "forecast"  # always of this month


async def test_a_size_that_came_back_is_painted_whole(start: Start) -> None:
    """A terminal that was small for a moment has lost what did not fit."""
    async with start() as ui:
        whole = []
        update = ui.app._display

        def display(screen: Any, renderable: Any) -> None:
            whole.append(isinstance(renderable, LayoutUpdate))
            update(screen, renderable)

        ui.app._display = display
        changed(ui, ui.app.size)
        await ui.until(lambda: True in whole)


async def test_the_size_is_the_terminals_and_not_the_events(start: Start) -> None:
    """Two handlers of SIGWINCH may run one in the other: the older size is then posted last."""
    async with start(size=(120, 40)) as ui:
        ui.app.terminal_size = lambda: (100, 30)
        ui.app.post_message(Resize(Size(80, 24), Size(80, 24)))
        await ui.until(lambda: ui.app.screen._compositor.size == (100, 30))
        assert ui.app.size == (100, 30)
        assert len(ui.lines) == 30


async def test_a_screen_that_missed_a_size_is_told(start: Start) -> None:
    async with start(size=(120, 40)) as ui:
        ui.app.screen._refresh_layout(Size(90, 30))
        changed(ui, ui.app.size)
        await ui.until(lambda: ui.app.screen._compositor.size == (120, 40))
        assert len(ui.lines) == 40


@pytest.mark.parametrize("size", [(39, 24), (120, 7), (20, 5), (1, 1), (3, 2)])
async def test_below_the_smallest_size_there_is_one_line(
    start: Start, size: tuple[int, int]
) -> None:
    async with start(size=(80, 24)) as ui:
        for key in ("f2", "f3", "f", "f9", "question_mark", "slash"):
            await ui.press(key)
            focused = ui.app.screen.focused
            await ui.pilot.resize_terminal(*size)
            await ui.until(lambda ui=ui: ui.app.screen._compositor.size == size)
            await ui.settle()
            said = [line for line in ui.lines if line.strip()]
            assert len(said) == 1
            assert said[0].strip().startswith("too small"[: size[0]])
            await ui.pilot.resize_terminal(80, 24)
            await ui.until(lambda ui=ui: ui.app.screen._compositor.size == (80, 24))
            await ui.settle()
            assert "too small" not in "".join(ui.lines)
            assert ui.app.screen.focused is focused
        await ui.pilot.resize_terminal(*size)
        await ui.until(lambda: ui.app.screen._compositor.size == size)
        await ui.press("escape", "f3")
        await ui.settle()
        assert "too small"[: size[0]] in "".join(ui.lines)
        assert "costtui" not in "".join(ui.lines)


async def burst(ui: Any, text: str) -> None:
    """All bytes in one packet."""
    parser = XTermParser()
    for event in [*parser.feed(text), *parser.feed("")]:
        ui.app.post_message(event)


async def test_keys_in_one_packet_that_close_what_they_opened(start: Start) -> None:
    """`x b Esc Esc Enter`: the chooser of a heat table that has gone; `q F6`: a screen opened on
    the way out. Both ended the program with an error."""
    async with start() as ui:
        await burst(ui, "xb")
        ui.app.screen_stack[-1].call_later(ui.app.action_overview)
        await burst(ui, "\r")
        await ui.settle()
        assert ui.app._exception is None
        assert ui.app.is_running
    async with start() as ui:
        await burst(ui, "q\x1b[17~\x1b[19~")
        await ui.until(lambda: ui.app._exit)
        await ui.pilot.pause()
        assert ui.app._exception is None
        assert ui.app.return_value == 0


async def test_a_moment_typed_at_once_is_text(start: Start) -> None:
    async with start() as ui:
        await burst(ui, "@-3h\r")
        await ui.until(lambda: ui.app.state.past)
        assert ui.app.state.window == "24h"


async def test_a_pane_that_takes_the_room_is_laid_out_once(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Textual asks for a second layout after each change of a size, which painted every widget
    again 30 ms after the key."""
    async with start() as ui:
        real, seen = type(ui.app.screen)._refresh_layout, list[int]()

        def counted(screen: Any, *arguments: Any, **options: Any) -> None:
            seen.append(1)
            real(screen, *arguments, **options)

        monkeypatch.setattr(type(ui.app.screen), "_refresh_layout", counted)
        panel = ui.app.screen.query_one("#panel-0")
        small = panel.size
        await ui.press("M")
        await ui.until(lambda: panel.size.width > small.width)
        await asyncio.sleep(0)
        assert not ui.app.screen._layout_required
        await ui.press("j")
        assert len(seen) == 1
        assert panel._built_for == (panel.size.width, panel.size.height)

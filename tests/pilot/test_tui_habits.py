"""Commands, the user's keys, saved views, memory, toasts and help, on the running screen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
from textual._xterm_parser import XTermParser
from textual.events import Key, Paste

from costtui.errors import UsageError
from costtui.tui.bindings import KEYS, footer_keys
from costtui.tui.habits import Habits
from costtui.tui.palette_commands import commands
from costtui.tui.screens.help import entries
from costtui.tui.widgets.fleet_table import FleetTable
from costtui.tui.widgets.request_table import RequestTable
from costtui.tui.widgets.toast import Toast

if TYPE_CHECKING:
    from tests.pilot.conftest import Driver, Start


async def burst(ui: Driver, text: str) -> None:
    """All bytes in one packet, by the way of Textual's own parser: nothing runs in between."""
    parser = XTermParser()
    for event in [*parser.feed(text), *parser.feed("")]:
        ui.app.post_message(event)
    await ui.settle()


def said(ui: Driver) -> str:
    """What is on screen, without line breaks."""
    return " ".join(" ".join(line.strip("│ ") for line in ui.lines).split())


def first_filter(ui: Driver) -> str:
    return " ".join(map(str, ui.app.state.filters[:1]))


def filters(ui: Driver) -> int:
    return len(ui.app.state.filters)


# Commands --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "field", "value"),
    [
        (":window 7d\r", "window", "7d"),
        (":wind 30d\r", "window", "30d"),
        (":group team\r", "group", "team"),
        (":by team\r", "group", "team"),
        (":sort tokens\r", "sort", "tokens"),
        (":unit tokens\r", "unit", "tokens"),
        (":unit\r", "unit", "tokens"),
        (":comp\r", "compare", False),
        (":7d\r", "window", "7d"),
        (":pause\r", "paused", True),
        (":window-7d\r:group team\r:unit tokens\r", "unit", "tokens"),
    ],
)
async def test_a_burst_does_what_it_says(
    start: Start, typed: str, field: str, value: object
) -> None:
    async with start() as ui:
        await burst(ui, typed)
        assert getattr(ui.app.state, field) == value
        assert ui.app.prompt is None
        assert not ui.app.screen.query("CommandLine")
        assert ui.app.is_running


async def test_a_burst_of_everything_in_order(start: Start, tmp_path: Path) -> None:
    async with start(habits=Habits(tmp_path), export_dir=tmp_path / "out") as ui:
        await burst(ui, ":window 7d\r:save eu\r4:filter gpt\r:view eu\r")
        assert (ui.app.state.window, ui.app.state.filters) == ("7d", ())
        assert " eu " in ui.lines[0]
        assert not (tmp_path / "out").exists(), "no letter of a command was taken for a key"
        await burst(ui, "/gpt\r")
        assert first_filter(ui) == "gpt"


async def test_what_is_unknown_is_said_in_place(start: Start) -> None:
    async with start() as ui:
        await burst(ui, ":thme\r")
        assert 'no command "thme" (did you mean "theme"?)' in ui.text
        assert ui.lines[-1].startswith(" :thme")
        await burst(ui, "\x7f\x7f\x7fheme draclua\r")
        assert 'theme: no "draclua" (did you mean "dracula"?)' in ui.text
        assert ui.lines[-1].startswith(" :theme draclua")
        await ui.press("escape")
        assert ui.app.prompt is None
        assert "?" in ui.lines[-1]
        assert ui.app.is_running


async def test_what_a_command_refuses_is_said_in_the_line(start: Start, tmp_path: Path) -> None:
    habits = Habits(tmp_path, configured={"eu": {"window": "1h"}})
    async with start(habits=habits) as ui:
        await burst(ui, ":filter ~(\r")
        assert "not a regular expression" in said(ui)
        assert ui.lines[-1].startswith(" :filter ~(")
        await ui.press("escape")
        await burst(ui, ":save eu\r")
        assert "is a view of the configuration file" in said(ui)
        await ui.press("escape", "escape")
        assert filters(ui) == 0


async def test_several_are_asked_about_and_the_cursor_answers(start: Start) -> None:
    async with start() as ui:
        await ui.press("colon", *"wi", "enter")
        assert '"wi" begins window' in ui.text
        assert ui.app.state.window == "24h"
        await ui.press("down", "enter")
        assert ui.app.prompt is not None
        assert ui.app.prompt.text == "window ", "it wants to know which"
        await ui.press("down", "down", "enter")
        assert ui.app.state.window == "1h"
        await ui.press("ctrl+p", "up")
        assert ui.app.prompt is not None
        assert ui.app.prompt.text == "window 1h"


async def test_a_theme_is_looked_at_and_taken_back(start: Start) -> None:
    async with start() as ui:
        first = ui.app.theme
        await ui.press("colon", *"theme ", "down", "down")
        assert ui.app.theme != first
        seen = ui.app.theme
        await ui.press("escape")
        assert ui.app.theme == first
        await ui.press("colon", *"theme ", "down", "down", "enter")
        assert ui.app.theme == seen
        await burst(ui, ":theme costtui-d\r")
        assert ui.app.theme == "costtui-dark"


async def test_commands_of_the_present_screen(start: Start) -> None:
    async with start() as ui:
        await burst(ui, ":req\r")
        assert type(ui.app.screen).__name__ == "RequestsScreen"
        await ui.settle()
        await burst(ui, ":sort cost\r")
        assert ui.app.screen.query_one(RequestTable).wanted.order == "cost"
        await burst(ui, ":fleet\r")
        assert type(ui.app.screen).__name__ == "FleetScreen"
        await burst(ui, ":sort name\r")
        assert ui.app.screen.query_one(FleetTable).sort == "name"
        await burst(ui, ":top\r:bottom\r")
        assert ui.app.screen.query_one(FleetTable).cursor > 0
        await burst(ui, ":maximise\r")
        assert "no command" in ui.text, "that is of the overview"
        await burst(ui, "\x15q\r")
        assert ui.app.return_value == 0


async def test_a_paste_goes_into_the_line(start: Start) -> None:
    async with start() as ui:
        await ui.press("colon")
        ui.app.post_message(Paste("window 7d\nquit\n"))
        await ui.settle()
        assert ui.lines[-1].startswith(" :window 7d")
        ui.app.post_message(Key("ctrl+j", "\n"))
        await ui.settle()
        assert ui.app.state.window == "7d"
        assert ui.app.is_running


async def test_live_numbers_go_on_behind_the_line(start: Start) -> None:
    async with start() as ui:
        await ui.press("colon", *"win")
        before = len(ui.data.asked)
        ui.data.version += 1
        await ui.tick()
        assert len(ui.data.asked) > before
        assert ui.lines[-1].startswith(" :win")


@pytest.mark.parametrize("size", [(60, 20), (40, 10), (200, 60)])
async def test_the_line_fits(start: Start, size: tuple[int, int]) -> None:
    async with start(size=size) as ui:
        await ui.press("colon")
        line = ui.app.screen.query_one("CommandLine")
        assert line.region.bottom == size[1]
        assert line.region.y >= 2
        assert "view NAME" in ui.text
        await ui.press(*"theme ", *["down"] * 9)
        assert "▌" in "".join(ui.lines[line.region.y :])


# Help, footer, manual and palette ---------------------------------------------------------------


async def test_help_palette_footer_and_manual_list_the_same_actions(start: Start) -> None:
    manual = (Path(__file__).parents[2] / "docs" / "keys.md").read_text(encoding="utf-8")
    async with start() as ui:
        for screen in ("overview", "requests", "fleet", "sources", "views"):
            await burst(ui, f":{screen}\r")
            await ui.settle()
            here = {k.id for k in KEYS if k.on(screen) or "table" in k.where.split(",")}
            found = {command.name for command in commands(ui.app)} | {"palette"}
            assert here <= found
            helped = {entry.key for entry in entries(screen, ui.app.look.keys)}
            assert {k.id for k in KEYS} <= helped
            assert {k.id for k in footer_keys(screen)} - {"windows"} <= here
    for key in KEYS:
        assert f"| `{key.id}` |" in manual


async def test_help_begins_with_what_has_focus_and_is_narrowed(start: Start) -> None:
    async with start(size=(100, 30)) as ui:
        await ui.press("f3", "question_mark")
        rows = [line for line in ui.lines if line.startswith("│")]
        assert "On requests" in rows[1]
        await ui.press("slash", *"csv")
        assert "export-csv" not in ui.lines[5]
        assert "Write exactly what is shown to a CSV file" in ui.text
        assert "Freeze" not in ui.text
        await ui.press("enter")
        assert "with “csv”" in ui.text
        await ui.press("slash", *"unpriced", "escape")
        assert "On requests" in ui.text
        await ui.press("slash", *"zzz")
        assert "no key and no word has this" in ui.text


# The user's keys ---------------------------------------------------------------------------------


async def test_the_users_keys_work_and_are_shown(start: Start, fakes: ModuleType) -> None:
    own = {"next-panel": ("ctrl+n", "n"), "quit": ("Z",), "group": ("u",), "rows": ("u",),
           "unit": ("g",),
           "copy": (), "window-7d": ("W",), "help": ("H",), "prices": ("P",)}  # fmt: skip
    config = replace(fakes.config(), keymap=tuple(own.items()))
    async with start(config=config) as ui:
        assert "H help" in ui.lines[-1]
        assert "u group" in ui.lines[-1]
        assert "w why" in ui.lines[-1]
        assert "W:7d" in ui.lines[0]
        assert ": P" in ui.text  # where hints name the key of the prices
        pane = ui.app.overview_screen.pane
        await ui.press("tab")
        await ui.press("n")
        assert ui.app.overview_screen.pane != pane
        await ui.press("u")
        assert ui.app.state.group != "model"
        await ui.press("g", "5")
        assert ui.app.state.unit == "tokens"
        assert ui.app.state.window == "24h", "5 is free now"
        await ui.press("W")
        assert ui.app.state.window == "7d"
        await ui.press("question_mark")
        assert ui.app.screen is ui.app.overview_screen
        await ui.press("H", "slash", *"next panel", "enter")
        assert "ctrl+n n" in ui.text
        await ui.press("slash", *"clipboard", "escape", "slash", *"osc", "enter")
        assert "no key" in ui.text
        await ui.press("Z")
        await ui.press("colon", *"next")
        assert "ctrl+n" in ui.text
        await ui.press("escape", "Z")
        assert ui.app.return_value == 0


# Views -------------------------------------------------------------------------------------------


async def test_a_view_is_a_place_with_a_name(start: Start, tmp_path: Path) -> None:
    async with start(habits=Habits(tmp_path)) as ui:
        await burst(ui, ":filter provider=openai\r:window 7d\r:group team\r:save my eu\r")
        assert " my eu " in ui.lines[0]
        assert "Saved: my eu" in ui.text
        await ui.press("u")
        assert " my eu " not in ui.lines[0]
        await ui.press("u", "u", "u")
        assert " my eu " in ui.lines[0], "the same place has the same name"
        await ui.press("escape")
        assert filters(ui) == 0
        assert " my eu " not in ui.lines[0]
        await ui.press("V")
        assert "7d · by team · provider=openai" in ui.text
        await ui.press("enter")
        assert first_filter(ui) == "provider=openai"
        assert ui.app.screen is ui.app.overview_screen
        await ui.press("V", "d")
        assert "none yet" in ui.text
        assert "Forgot my eu" in ui.text
        await ui.press("escape", "escape")
        assert " my eu " not in ui.lines[0]


async def test_a_view_of_requests_opens_them_in_its_order(start: Start, tmp_path: Path) -> None:
    habits = Habits(tmp_path, configured={"dear": {"screen": "requests", "sort": "cost"}})
    async with start(habits=habits, view="dear") as ui:
        await ui.settle()
        assert type(ui.app.screen).__name__ == "RequestsScreen"
        assert ui.app.screen.query_one(RequestTable).wanted.order == "cost"
        assert " dear " in ui.lines[0]
        await ui.press("V")
        assert "configuration" in ui.text
        await ui.press("d")
        assert "is a view of the configuration file" in said(ui)


async def test_a_hostile_name_is_tame(start: Start, tmp_path: Path) -> None:
    (tmp_path / "views.json").write_text(
        '{"\\u001b[2Jx\\u202e": {"window": "\\u001b[5m", "filters": 3}}'
    )
    async with start(habits=Habits(tmp_path)) as ui:
        await ui.press("V")
        assert "\x1b" not in ui.text
        assert "\u202e" not in ui.text
        await ui.press("enter")
        assert ui.app.state.window == "24h"
        await ui.press("colon", *"view ")
        assert "\x1b" not in ui.text


def test_an_unknown_view_is_an_error_before_the_screen(fakes: ModuleType) -> None:
    from costtui.tui.app import CosttuiApp

    with pytest.raises(UsageError, match="no view is called"):
        CosttuiApp(fakes.FakeData, config=fakes.config(), view="nowhere")


# Remembered --------------------------------------------------------------------------------------


async def test_it_starts_as_it_was_left(start: Start, tmp_path: Path) -> None:
    def habits() -> Habits:
        return Habits(tmp_path, file={"theme": "costtui-dark", "window": "24h"})

    async with start(habits=habits(), theme=None) as ui:
        await ui.press("t", "5", "g", "u", "c", "greater_than_sign", "slash", *"gpt", "enter", "p")
        left, theme = ui.app.state, ui.app.theme
        await ui.press("f", "ctrl+c")
    async with start(habits=habits(), theme=None) as ui:
        await ui.settle()
        now = ui.app.state
        assert ui.app.theme == theme != "costtui-dark"
        assert now == left._replace(filters=(), trail=(), paused=False)
        assert type(ui.app.screen).__name__ == "FleetScreen"
    async with start(habits=habits(), theme="gruvbox-dark", window="1h") as ui:
        assert (ui.app.theme, ui.app.state.window) == ("gruvbox-dark", "1h")


async def test_a_theme_that_is_gone_is_the_configured_one(start: Start, tmp_path: Path) -> None:
    one = Habits(tmp_path)
    one.note("theme", "gone")
    one.keep()
    async with start(habits=Habits(tmp_path), theme=None) as ui:
        assert ui.app.theme == "ansi-16", "a terminal of sixteen colours"
        assert ui.app.shown.notice == ""


async def test_a_visit_to_a_view_is_not_remembered(start: Start, tmp_path: Path) -> None:
    configured = {"eu": {"window": "7d", "unit": "tokens", "screen": "fleet"}}
    async with start(habits=Habits(tmp_path, configured=configured)) as ui:
        await burst(ui, ":view eu\r")
        assert ui.app.state.window == "7d"
        await ui.press("ctrl+c")
    assert Habits(tmp_path).remembered() == {}


async def test_the_first_frame_is_kept_only_where_the_next_start_shows_it(
    start: Start, tmp_path: Path
) -> None:
    async with start(habits=Habits(tmp_path), theme=None) as ui:
        await ui.press("5")
        assert not ui.app.starts_like_this()
        ui.app.keep_habits()
        assert ui.app.starts_like_this()
        await burst(ui, ":view none\r\x1b")
        await ui.press("t")
        assert not ui.app.starts_like_this()
        ui.app.keep_habits()
        assert ui.app.starts_like_this()
    async with start(habits=Habits(tmp_path, remember=False), theme=None) as ui:
        assert ui.app.starts_like_this()
        await ui.press("5")
        assert not ui.app.starts_like_this()


# Toasts ------------------------------------------------------------------------------------------


def toast(ui: Driver) -> Any:
    return next((t for t in ui.app.screen.query(Toast) if t.display), None)


async def test_an_export_says_its_whole_path(start: Start, tmp_path: Path) -> None:
    deep = tmp_path / ("a-folder-with-a-long-name-" * 3) / "another"
    async with start(export_dir=deep, size=(80, 24)) as ui:
        await ui.press("e")
        (file,) = deep.iterdir()
        box = toast(ui)
        assert box.region.bottom == 23, "above the keys"
        assert 1 < box.region.height <= 3
        shown = "".join(line[3:].strip() for line in ui.lines[box.region.y : box.region.bottom])
        assert str(file) in shown
        assert "help" in ui.lines[-1]


async def test_esc_closes_it_first_and_any_key_takes_it_away(start: Start, tmp_path: Path) -> None:
    async with start(export_dir=tmp_path) as ui:
        await ui.press("slash", *"gpt", "enter", "e")
        assert toast(ui) is not None
        await ui.press("escape")
        assert toast(ui) is None
        assert filters(ui) == 1
        await ui.press("escape")
        assert filters(ui) == 0
        await ui.press("e")
        assert toast(ui) is not None
        await ui.press("u")
        assert toast(ui) is None
        assert ui.app.state.unit == "tokens"


async def test_it_goes_by_itself_and_follows_to_the_next_screen(start: Start) -> None:
    async with start() as ui:
        ui.app.notify("hello", timeout=0.3, markup=False)
        await ui.settle()
        assert "hello" in ui.text
        ui.app.action_goto("fleet")
        await ui.settle()
        assert "hello" in ui.text
        await ui.until(lambda: toast(ui) is None)
        assert "hello" not in ui.text


async def test_it_never_covers_what_one_types(start: Start) -> None:
    async with start() as ui:
        await ui.press("colon")
        ui.app.notify("a theme file is wrong", severity="error", timeout=30, markup=False)
        await ui.settle()
        assert "a theme file is wrong" not in ui.text
        await ui.press("w")
        await ui.press("escape")
        assert "a theme file is wrong" in ui.text
        await ui.press("slash", *"~(", "enter")
        assert "not a regular expression" in ui.text
        assert "filter:" in ui.lines[-1]


async def test_hostile_text_in_a_toast_is_tame(start: Start) -> None:
    async with start(size=(60, 20)) as ui:
        for number in range(5):
            ui.app.notify(f"\x1b[2J{number} \u202e" + "x" * 500, severity="warning", markup=False)
        await ui.settle()
        assert toast(ui).region.height == 3
        assert "\x1b" not in ui.text
        assert "\u202e" not in ui.text


async def test_keys_wait_for_a_screen_in_their_order(start: Start) -> None:
    async with start() as ui:
        await burst(ui, "fu:window 7d\r")
        for _ in range(20):
            await ui.settle()
        assert ui.app.state.window == "7d"
        assert type(ui.app.screen).__name__ == "FleetScreen"
        assert ui.app.state.unit == "tokens"
        await burst(ui, "\x7f/" + "kong\r")
        for _ in range(20):
            await ui.settle()
        assert first_filter(ui) == "kong"
        assert ui.app.state.unit == "tokens"
        await burst(ui, "gg5u")
        assert (ui.app.state.group, ui.app.state.unit) == ("consumer", "requests")

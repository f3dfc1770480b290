"""The commands of `:`: every action of the bindings table, and those that take an argument."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from costtui.model.listing import ORDERS
from costtui.model.timewindow import WINDOWS
from costtui.tui.bindings import Key
from costtui.tui.commands import Command, Value
from costtui.tui.navigation import SCREENS
from costtui.tui.place import Sortable
from costtui.tui.shown import SORTS
from costtui.tui.state import GROUPS, parse_filter

if TYPE_CHECKING:
    from costtui.tui.app import CosttuiApp

UNIT_WORDS = {"cost": "dollars", "tokens": "tokens", "requests": "requests",
              "rate": "dollars per 1M tokens"}  # fmt: skip
FILTERS = (
    ("provider=", "exactly this provider; model= consumer= gateway= too"),
    ("!", "without this text"),
    ("~", "a regular expression"),
)


def here(app: CosttuiApp, keys: Iterable[Key]) -> Iterator[Key]:
    """The actions that do something on the present screen: its own, those of its list, and those
    that are everywhere."""
    where = getattr(app.screen, "where", "overview")
    focused = app.screen.focused
    listed = focused is not None and hasattr(focused, "action_page")
    for key in keys:
        if key.on(where) or (listed and "table" in key.where.split(",")):
            yield key


def commands(app: CosttuiApp) -> list[Command]:
    """What can be done now: those with an argument first, then screens, then all other actions."""
    keys = {key.id: key for key in here(app, app.look.keys)}
    made = [_with_key(command, keys) for command in _arguments(app, set(keys))]
    named = {command.name for command in made}
    made += [
        Command(name, f"The screen {name}", _goto(app, name))
        for name in SCREENS
        if name not in keys and name not in named
    ]
    order = sorted(keys.values(), key=lambda k: k.group != "Screens")
    made += [
        Command(k.id, k.tooltip, _action(app, k), keys=k.first, label=k.label)
        for k in order
        if k.id not in named and k.id != "palette"
    ]
    return made


def _with_key(command: Command, keys: dict[str, Key]) -> Command:
    key = keys.get(command.name)
    return command._replace(keys=key.first, label=key.label) if key is not None else command


def _arguments(app: CosttuiApp, has: set[str]) -> Iterator[Command]:
    """`has`: the ids of actions that are here; without its argument a command does that one."""

    def optional(action: str, set_to: Callable[[str], object]) -> Callable[[str], object]:
        async def run(argument: str) -> None:
            if argument:
                set_to(argument)
            else:
                await _action(app, next(k for k in app.look.keys if k.id == action))("")

        return run

    yield Command("view", "Go to a saved view", app.open_view, "NAME", app.habits.view_values)
    yield Command("save", "Keep this view under a name", app.save_view, "NAME",
                  app.habits.saved_values, free=True)  # fmt: skip
    yield Command("forget", "Forget a view that was saved here", app.forget_view, "NAME",
                  app.habits.saved_values)  # fmt: skip
    yield Command("window", "How much time to show", app.action_window, "LENGTH", _windows)
    yield Command("group", "What the big panel shows",
                  optional("group", lambda v: app.go(app.state.with_group(v))), "BY",
                  lambda: _groups(app), needed="group" not in has,
                  also=("by",))  # fmt: skip
    yield Command("sort", "Which column orders the rows", lambda v: _sort(app, v), "COLUMN",
                  lambda: [(s, f"by {s}") for s in _sorts(app)])  # fmt: skip
    yield Command("unit", "Dollars, tokens or requests",
                  optional("unit", lambda v: app.go(app.state._replace(unit=v))), "UNIT",
                  lambda: list(UNIT_WORDS.items()), needed="unit" not in has)  # fmt: skip
    yield Command("filter", "Narrow: text, !text, ~regex, provider=openai",
                  optional("filter", lambda v: app.go(
                      app.state.filtered(parse_filter(v, app.look.tags)))),
                  "TEXT", lambda: FILTERS, free=True, needed="filter" not in has)  # fmt: skip
    yield Command("at", "Go to a moment: 14:30, yesterday, 2026-11-20 09:00", app.travel, "TIME",
                  free=True)  # fmt: skip
    yield Command("back", "To where you were before everything was put back", app.before_reset)
    yield Command("ack", "Acknowledge what fires of an alert: it is not told again",
                  app.ack_typed, "ALERT", lambda: app.names(firing=True))  # fmt: skip
    yield Command("silence", "Silence an alert for a time: NAME 2h, and why",
                  optional("silence", app.silence_typed), "ALERT LENGTH WHY", app.names, free=True,
                  needed="silence" not in has)  # fmt: skip
    kinds: list[Value] = getattr(app.screen, "chart_kinds", list)()
    if kinds:
        yield Command("chart", "What the chart shows", app.overview_screen.action_chart, "KIND",
                      lambda: kinds)  # fmt: skip
    yield Command("theme", "Colours; the list shows them while one looks",
                  optional("theme", app.choose_theme), "NAME", app.theme_values, needed=False,
                  preview=app.preview_theme)  # fmt: skip
    yield Command("export", "Write what is shown to a file",
                  lambda kind: app.action_export(kind or "csv"), "FORMAT",
                  lambda: [("csv", "a table for a spreadsheet"), ("json", "for programs")],
                  needed=False)  # fmt: skip
    yield Command(
        "quit", "Leave costtui", lambda _: app.action_stop(), also=("q", "exit", "q!", "wq")
    )


def _groups(app: CosttuiApp) -> Sequence[Value]:
    tags = (f"tag:{name}" for name in app.look.tags)
    return [(name, f"by {name}") for name in (*GROUPS, *tags)]


def _windows() -> Sequence[Value]:
    from costtui.tui.bindings import _LENGTHS

    return [(w.name, _LENGTHS[w.name]) for w in WINDOWS]


def _sorts(app: CosttuiApp) -> Sequence[str]:
    """The columns that the present screen can be sorted by."""
    screen = app.screen
    if isinstance(screen, Sortable):
        return screen.sorts() if screen.is_mounted else tuple(dict.fromkeys((*SORTS, *ORDERS)))
    return SORTS if hasattr(screen, "action_sort") else ()


def _sort(app: CosttuiApp, column: str) -> None:
    screen = app.screen
    if not isinstance(screen, Sortable):
        app.go(app.state._replace(sort=column, reverse=False))
    elif screen.is_mounted:
        app.sort_screen(column)
    else:
        screen.call_after_refresh(app.sort_screen, column)


def _goto(app: CosttuiApp, name: str) -> Callable[[str], object]:
    return lambda _: app.action_goto(name)


def _action(app: CosttuiApp, key: Key) -> Callable[[str], Awaitable[None]]:
    """Runs an action where its key would."""

    async def run(_: str = "") -> None:
        places = key.where.split(",")
        space = app if "app" in places else app.screen.focused if "table" in places else app.screen
        await app.run_action(key.action, space or app.screen)

    return run

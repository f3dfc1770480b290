"""`keymap:` and `views:`: what the file says, held against what the screen knows.

The screen is floors above, so it tells its words (`ScreenWords`) to whoever loads for it. A
collector knows none of them, and a wrong key of a screen does not keep it from collecting.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from costtui.config.keynames import spelled, swallowed
from costtui.config.reader import Value, Values
from costtui.config.schema import SavedView
from costtui.config.words import Problems, did_you_mean, quoted
from costtui.errors import Problem

NEEDED = ("quit", "stop", "help")
"""Actions that must keep a key: without them nobody gets out, or finds out how."""
EVERYWHERE = {"app", "table"}
"""Places that are on every screen."""


class ActionWords(NamedTuple):
    """One action of the screen."""

    id: str
    keys: tuple[str, ...]
    places: frozenset[str]


class ScreenWords(NamedTuple):
    """What the screen knows."""

    actions: Sequence[ActionWords]
    screens: Sequence[str]
    groups: Sequence[str]
    sorts: Sequence[str]
    units: Sequence[str]
    charts: Sequence[str]
    check_filter: Callable[[str, Sequence[str]], object]
    """Raises ValueError with what is wrong; the second argument is the tags that there are."""


def _keys(value: Value) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item.data for item in value.data))


def keymap(root: Values) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """(action, keys) of `keymap:`."""
    return tuple((name, _keys(value)) for name, value in root.get("keymap", {}).items())


def views(root: Values) -> tuple[tuple[str, SavedView], ...]:
    """(name, view) of `views:`."""
    return tuple((name, _view(value.data)) for name, value in root.get("views", {}).items())


def _view(values: Values) -> SavedView:
    given = {name: value.data for name, value in values.given.items() if name != "filters"}
    filters = tuple(item.data for item in values.get("filters", []))
    return SavedView(**given, filters=filters)


def check(root: Values, words: ScreenWords, problems: Problems) -> None:
    """Adds what is wrong to `problems`, with its lines."""
    _check_keymap(root.get("keymap", {}), words, problems)
    tags = _tags(root)
    for value in root.get("views", {}).values():
        _check_view(value.data, words, tags, problems)


def _tags(root: Values) -> tuple[str, ...]:
    """The names of the tags that `consumers:` gives."""
    entries = root.get("consumers", {}).values()
    return tuple(sorted({name for entry in entries for name in entry.data.get("tags", {})}))


def _check_view(
    values: Values, words: ScreenWords, tags: Sequence[str], problems: Problems
) -> None:
    for name, known in (
        ("screen", words.screens),
        ("group", (*words.groups, *(f"tag:{tag}" for tag in tags))),
        ("sort", words.sorts),
        ("unit", words.units),
        ("chart", words.charts),
    ):
        text = values.get(name)
        if text is not None and text not in known:
            near = did_you_mean(text, known)
            message = f"{quoted(text)} is not one of {', '.join(known)}{near}"
            problems.add(values.line_of(name), values.path_of(name), message)
    for item in values.get("filters", []):
        try:
            words.check_filter(item.data, tags)
        except ValueError as error:
            problems.add(item.line, item.key, f"{quoted(item.data)}: {error}")


def _check_keymap(given: dict[str, Value], words: ScreenWords, problems: Problems) -> None:
    known = {action.id: action for action in words.actions}
    for name, value in given.items():
        if name not in known:
            near = did_you_mean(name, known)
            problems.add(value.line, value.key, f"no action is called {quoted(name)}{near}")
        elif name in NEEDED and not value.data:
            problems.add(value.line, value.key, "must keep a key: it is a way out")
    bound = [
        action._replace(keys=_keys(given[action.id])) if action.id in given else action
        for action in words.actions
    ]
    told: set[tuple[str, str]] = set()
    by_id = {action.id: action for action in bound}
    for action in (by_id[name] for name in given if name in by_id):
        for other in bound:
            pair = (action.id, other.id)
            if action is other or pair in told:
                continue
            shared = {*known[action.id].keys} & {*known[other.id].keys}
            for key in action.keys:
                # What shares a key from the start is meant: a screen's own goes before the rest.
                if key in shared:
                    continue
                if key in other.keys and _meet(action.places, other.places):
                    told |= {pair, pair[::-1]}
                    message = f"{quoted(spelled(key))} is {action.id} and {other.id}"
                    if other.id in given:
                        message += f" (line {given[other.id].line})"
                    hint = "give one of them another key, or [] for none"
                    problems.add(given[action.id].line, given[action.id].key, f"{message}: {hint}")


def _meet(one: frozenset[str], two: frozenset[str]) -> bool:
    """Are there screens that both are on?"""
    return bool(one & two) or bool((one | two) & EVERYWHERE)


def warnings(root: Values, file: str) -> Iterator[Problem]:
    """Keys that may never arrive."""
    for value in root.get("keymap", {}).values():
        for item in value.data:
            reason = swallowed(item.data)
            if reason:
                yield Problem(file, item.line, value.key, f"{spelled(item.data)} {reason}")

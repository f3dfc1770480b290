"""What can be typed behind `:`, and which of it a text means. No screen is needed to ask.

Enter does what is certain: the whole name of a command, or the beginning of only one, or words
that only one has. Where several could be meant it asks instead of guessing, so that typing fast
never runs something else; a row that one moved to is certain, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from costtui.config.words import nearest, quoted

Value = tuple[str, str]
"""An argument and what it means."""


SENTENCE = 3
"""Characters from which on descriptions are searched, too."""


class Command(NamedTuple):
    """One thing to do."""

    name: str
    what: str
    """One line."""
    run: Callable[[str], Any]
    """Does it with the argument; may be a coroutine function. Raises ValueError to say why not."""
    argument: str = ""
    """What the argument is called; `""` takes none."""
    values: Callable[[], Sequence[Value]] | None = None
    """What it can be, for completion. Asked at every key press: no work beyond a look-up."""
    free: bool = False
    """Any text will do; `values` are proposals."""
    needed: bool = True
    """It does nothing without its argument."""
    preview: Callable[[str], None] | None = None
    """Shows what it would do while a value is looked at."""
    keys: str = ""
    """For people; shown beside it."""
    also: tuple[str, ...] = ()
    """Other names, found when typed whole."""
    label: str = ""
    """Other words for it, found as well."""


class Hit(NamedTuple):
    """One row of what is found."""

    command: Command
    argument: str
    text: str
    """What Tab puts into the line."""
    what: str
    keys: str = ""


class Found(NamedTuple):
    """What a text can mean."""

    hits: tuple[Hit, ...]
    sure: int = -1
    """The hit that Enter does; -1 where that is not certain."""
    why: str = ""
    """Why it is not, for the user."""
    near: str = ""
    """The spelling that was probably meant: Tab takes it."""


def find(text: str, commands: Sequence[Command]) -> Found:
    """What `text` means. Costs a few µs a command."""
    word, space, rest = text.lstrip().partition(" ")
    if not word:
        return Found(tuple(map(_whole, commands)))
    if space:
        command = _with_argument(word, commands)
        if command is not None:
            return _values(command, rest.strip())
        if rest.strip():
            return _by_words(text.strip(), commands)
    return _by_name(word, commands)


def _whole(command: Command) -> Hit:
    text = f"{command.name} " if command.argument else command.name
    return Hit(command, "", text, command.what, command.keys)


def _named(word: str, commands: Sequence[Command]) -> tuple[list[Command], list[Command]]:
    """(those that are called so, those whose name begins so)."""
    low = word.lower()
    exact = [c for c in commands if c.name == low or word in c.also]
    return exact, [c for c in commands if c.name.startswith(low) and c not in exact]


def _with_argument(word: str, commands: Sequence[Command]) -> Command | None:
    """The command that `word` in front of an argument means."""
    exact, begin = _named(word, commands)
    fitting = [c for c in exact or begin if c.argument]
    return fitting[0] if len(fitting) == 1 else None


def _by_name(word: str, commands: Sequence[Command]) -> Found:
    exact, begin = _named(word, commands)
    # Where a name is meant, words would be noise; and one letter is in every name.
    certain = exact or len(begin) == 1
    wider = _with_words(word, commands) if len(word) > 1 and not certain else []
    others = [c for c in wider if c not in exact and c not in begin]
    called = [c for c in others if c.label.lower() == word.lower()]
    others = called + [c for c in others if c not in called]
    hits = tuple(_whole(c) for c in (*exact, *begin, *others))
    if exact or len(begin) == 1 or (not begin and (len(called) == 1 or len(others) == 1)):
        return Found(hits, 0)
    if not hits:
        return _unknown(word, commands)
    return Found(hits, -1, _several(word, [c.name for c in begin or others], begin=bool(begin)))


def _by_words(text: str, commands: Sequence[Command]) -> Found:
    found = _with_words(text, commands)
    hits = tuple(map(_whole, found))
    called = [n for n, c in enumerate(found) if c.label.lower() == text.lower()]
    if len(called) == 1 or len(hits) == 1:
        return Found(hits, called[0] if len(called) == 1 else 0)
    if not hits:
        word = text.partition(" ")[0]
        exact, begin = _named(word, commands)
        if exact or len(begin) == 1:
            name = (exact or begin)[0].name
            return Found((), -1, f"{name} takes no argument")
        if begin:
            why = _several(word, [c.name for c in begin], begin=True)
            return Found(tuple(map(_whole, begin)), -1, why)
        return _unknown(text, commands)
    return Found(hits, -1, _several(text, [c.name for c in found], begin=False))


def _with_words(text: str, commands: Sequence[Command]) -> list[Command]:
    """Commands in whose name or words every word of `text` is; the name first."""
    words = text.lower().split()
    in_name = [c for c in commands if all(w in f"{c.name} {c.label.lower()}" for w in words)]
    rest = [c for c in commands if c not in in_name] if len(text) >= SENTENCE else []
    return in_name + [c for c in rest if all(w in f"{c.name} {c.what}".lower() for w in words)]


def _values(command: Command, typed: str) -> Found:
    values = list(command.values()) if command.values is not None else []
    low = typed.lower()
    exact = [v for v in values if v[0] == typed] or [v for v in values if v[0].lower() == low]
    begin = [v for v in values if v not in exact and v[0].lower().startswith(low)]
    inside = [v for v in values if v not in exact and v not in begin and low in v[0].lower()]
    hits = tuple(_value(command, v) for v in (*exact, *begin, *inside))
    if command.free and typed:
        if not exact:
            hits = (_value(command, (typed, command.what)), *hits)
        return Found(hits, 0)
    if not typed:
        why = f"{command.name} {command.argument}: which one?"
        if not command.needed:
            return Found((_whole(command), *hits), 0)
        return Found(hits, -1, why if hits or command.free else _none(command))
    if exact or len(begin) == 1 or (not begin and len(inside) == 1):
        return Found(hits, 0)
    if not hits:
        if not values:
            return Found((), -1, _none(command))
        near = nearest(typed, [v for v, _ in values])
        known = f"; there are {', '.join(v for v, _ in values)}" if len(values) <= 9 else ""
        hint = f' (did you mean "{near}"?)' if near else known
        meant = near and f"{command.name} {near}"
        return Found((), -1, f"{command.name}: no {quoted(typed)}{hint}", meant)
    return Found(hits, -1, _several(typed, [v for v, _ in begin or inside], begin=bool(begin)))


def _value(command: Command, value: Value) -> Hit:
    return Hit(command, value[0], f"{command.name} {value[0]}", value[1])


def _none(command: Command) -> str:
    return f"{command.name}: there is none yet"


def _several(word: str, names: Sequence[str], *, begin: bool) -> str:
    some = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    how = "begins" if begin else "is in"
    return f"{quoted(word)} {how} {some}: type on, or choose with the arrows"


def _unknown(text: str, commands: Sequence[Command]) -> Found:
    word, _, rest = text.partition(" ")
    near = nearest(word, [n for c in commands for n in (c.name, *c.also)])
    hint = f' (did you mean "{near}"?)' if near else ""
    return Found((), -1, f"no command {quoted(word)}{hint}", near and f"{near} {rest}".rstrip())


def common(hits: Sequence[Hit], typed: str) -> str:
    """The longest text that all hits which begin with `typed` begin with; `typed` without any."""
    low = typed.lower()
    texts = [hit.text for hit in hits if hit.text.lower().startswith(low)]
    if not texts:
        return typed
    first = min(texts, key=len)
    for length in range(len(first), len(typed), -1):
        if all(text.startswith(first[:length]) for text in texts):
            return first[:length]
    return typed


def names(commands: Sequence[Command]) -> Iterator[str]:
    """The names, for tests and docs."""
    return (command.name for command in commands)

"""What widgets and screens tell the app."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from textual.message import Message

from costtui.model.snapshot import Filter, View
from costtui.tui.data import Answer, Data
from costtui.tui.state import State

if TYPE_CHECKING:
    from textual.screen import Screen

    from costtui.tui.look import Look
    from costtui.tui.shown import Shown


class Answered(Message):
    """The reader's thread has an answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


class StateChanged(Message):
    """The user went somewhere else."""

    def __init__(self, state: State) -> None:
        super().__init__()
        self.state = state


def change(screen: Screen[Any], state: State) -> None:
    """The user of `screen` went somewhere else: at once, where the app can be told so. A message
    comes behind keys that are waiting already, and `u5` in one packet would lose one of them."""
    go = getattr(screen.app, "go", None)
    if go is None:
        screen.post_message(StateChanged(state))
    else:
        go(state)


class Open(Message):
    """Go to a screen by its name in `navigation.SCREENS`, to the `overview`, or open the `filter`
    line."""

    def __init__(self, screen: str) -> None:
        super().__init__()
        self.screen = screen


class Push(Message):
    """Lay a screen over the present one; `make` imports and builds it when it is shown."""

    def __init__(self, make: Callable[[Look, Shown], Screen[None]]) -> None:
        super().__init__()
        self.make = make


class Ask(Message):
    """A screen's own question to the reader's thread.

    The answer goes to `answered` of every screen that has it: `kind` says whose it is and `tag`
    which question it was, so that an old one is known. A question replaces a waiting one of its
    kind.
    """

    def __init__(
        self, kind: str, job: Callable[[Data, View, float], object], tag: object = None
    ) -> None:
        """`job` is called in the reader's thread with what the user is looking at and `now`."""
        super().__init__()
        self.kind = kind
        self.job = job
        self.tag = tag


class StartConfig(Message):
    """The user wants a first configuration."""


@runtime_checkable
class OwnAnswer(Protocol):
    """A tag that takes its answer itself, also an error: its work outlives its screen."""

    def answered(self, answer: Answer) -> None: ...


class Filtered(Message):
    """The user typed a filter."""

    def __init__(self, filter: Filter) -> None:
        super().__init__()
        self.filter = filter


class Travelled(Message):
    """The user wants to see what was at a moment, epoch seconds."""

    def __init__(self, moment: float) -> None:
        super().__init__()
        self.moment = moment

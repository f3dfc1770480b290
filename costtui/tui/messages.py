"""What widgets and screens tell the app."""

from __future__ import annotations

from textual.message import Message

from costtui.model.snapshot import Filter
from costtui.tui.data import Answer
from costtui.tui.state import State


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


class Open(Message):
    """Show another screen, `overview`, `requests`, `sources`, `request` with its id, or the
    `filter` line."""

    def __init__(self, screen: str, id: int = 0) -> None:
        super().__init__()
        self.screen = screen
        self.id = id


class Ask(Message):
    """A screen wants rows: `requests` (before an id, at most `limit`), `request`, `skipped`,
    `fleet`."""

    def __init__(
        self,
        kind: str,
        id: int | None = None,
        limit: int = 0,
        order: tuple[str, bool] = ("time", False),
    ) -> None:
        """`order` is (what requests are sorted by, reversed)."""
        super().__init__()
        self.kind = kind
        self.id = id
        self.limit = limit
        self.order = order

    @property
    def tag(self) -> object:
        """What the answer carries, so that an old one is known."""
        return (self.id, *self.order) if self.kind == "requests" else self.id


class Filtered(Message):
    """The user typed a filter."""

    def __init__(self, filter: Filter) -> None:
        super().__init__()
        self.filter = filter

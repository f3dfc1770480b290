"""What widgets and screens tell the app."""

from __future__ import annotations

from textual.message import Message

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
    """Show another screen: `requests`, `sources`, or `request` with its id."""

    def __init__(self, screen: str, id: int = 0) -> None:
        super().__init__()
        self.screen = screen
        self.id = id

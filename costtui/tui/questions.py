"""What a screen may ask the reader's thread, by the kind of its `Ask`."""

from __future__ import annotations

from collections.abc import Callable

from costtui.model.snapshot import View
from costtui.tui.data import Data
from costtui.tui.messages import Ask


def job(ask: Ask, view: View, now: float) -> Callable[[Data], object]:
    """The question as a call on the store. `view` is what the user is looking at."""
    number = ask.id
    match ask.kind:
        case "requests":
            return lambda data: data.requests(view, ask.limit, number, *ask.order)
        case "request":
            return lambda data: data.request(number or 0) or False
        case "fleet":
            return lambda data: data.fleet(view, now)
        case "skipped":
            return lambda data: data.skipped()
    raise ValueError(f"nobody knows how to ask for {ask.kind}")

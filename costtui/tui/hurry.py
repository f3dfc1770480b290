"""What makes a start quick, and keys after it: the collector of cycles is kept away.

*Rejected:* reading in a thread while Textual is imported (0.40 s until the first figure in place of
0.37: each row waits for the interpreter that the import holds), and reading the other windows
while nobody asks (18 MB, for what a first key to a window takes once).
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def starting() -> Iterator[None]:
    """Importing and mounting make a hundred thousand objects that stay. Looking through them for
    cycles again and again takes 32 of 407 ms until the first figure."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def started() -> None:
    """The first screen is painted: what is there now stays, and is left out of all later looks."""
    gc.freeze()
    gc.enable()

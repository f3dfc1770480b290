"""A list of requests into a file, a few thousand rows at a time in the reader's thread.

Between two steps other questions are answered, so no key waits for an export.
"""

from __future__ import annotations

import atexit
import json
from collections.abc import Callable
from contextlib import ExitStack, suppress
from datetime import tzinfo
from pathlib import Path
from typing import IO

from textual.app import App
from textual.screen import Screen

from costtui.model.listing import START, Listing, spot_of
from costtui.model.snapshot import RequestRow, View
from costtui.tui.data import Answer, Data
from costtui.tui.export import ExportError, created, csv_text, json_text
from costtui.tui.messages import Ask
from costtui.tui.sheet import Sheet, requests
from costtui.tui.takeaway import rows_in_words

MOST = 100_000
"""Rows of one file."""
STEP = 2000
"""Rows of one step: about 60 ms."""
_END = "]\n}\n"


class Export:
    """One file that is being written. Takes its own answers."""

    def __init__(
        self, app: App[int], listing: Listing, kind: str, consumer: Callable[[str], str]
    ) -> None:
        self.rows = self.total = 0
        self._app = app
        self._listing = listing
        self._kind = kind
        self._consumer = consumer
        self._view: View | None = None
        self._last: RequestRow | None = None
        self._file: IO[bytes]
        self._path = Path()
        self._open = ExitStack()

    def begin(self, places: list[Path], now: float, zone: tzinfo) -> None:
        """Make the file. Raises ExportError."""
        problems = []
        for folder in places:
            try:
                made = created(folder, "requests", self._kind, now, zone)
                self._file, self._path = self._open.enter_context(made)
            except OSError as error:
                problems.append(f"{folder}: {error.strerror or error}")
                continue
            atexit.register(self._abandon)
            self._ask()
            return
        raise ExportError("nothing was written: " + "; ".join(problems))

    def _ask(self) -> None:
        # Posted to the app: the screen may be gone by now.
        self._app.post_message(Ask(f"export {self._path}", self._step, self))

    # In the reader's thread -----------------------------------------------------------------

    def _step(self, data: Data, view: View, _: float) -> bool:
        """Write the next rows; True when that was all."""
        view = self._view or view
        last = self._last
        at = START if last is None else spot_of(last, self._listing.order)
        found = data.request_list(view, self._listing, at, STEP if last is None else 2 * STEP)
        if found.done < 1:
            return False
        rows = found.rows
        if last is not None:
            place = next((n for n, row in enumerate(rows) if row.id == last.id), len(rows) // 2)
            rows = rows[place + 1 :]
        ended = found.at_end or not rows
        rows = rows[: MOST - self.rows]
        self._write(requests(view, rows, self._consumer), first=self._view is None)
        self._view = view
        self.rows += len(rows)
        self.total = found.total
        self._last = rows[-1] if rows else last
        if ended or self.rows >= MOST:
            if self._kind != "csv":
                self._file.write(f"\n {_END}".encode())
            self._open.close()  # to the disk, and under its name
            atexit.unregister(self._abandon)
            return True
        return False

    def _write(self, sheet: Sheet, *, first: bool) -> None:
        if self._kind == "csv":
            self._file.write(csv_text(sheet, header=first).encode())
            return
        if first:
            head = json_text(Sheet(sheet.name, sheet.columns, (), sheet.view))
            self._file.write(head.removesuffix(_END).encode())
        items = [json.dumps(dict(zip(sheet.columns, row, strict=True))) for row in sheet.rows]
        if items:
            text = ("" if first else ",") + "\n  " + ",\n  ".join(items)
            self._file.write(text.encode())

    # In the app's ---------------------------------------------------------------------------

    def answered(self, answer: Answer) -> None:
        """A step is done, or failed."""
        if answer.error is not None:
            self._abandon()
            text = str(answer.error) or type(answer.error).__name__
            self._app.notify(text, title="Export", severity="error", timeout=10, markup=False)
            return
        if not answer.value:
            self._ask()
            return
        of = f"the first {self.rows:,} of {self.total:,} rows"
        rows = of if self.rows >= MOST and self.total > self.rows else rows_in_words(self.rows)
        self._app.notify(f"{rows} in {self._path}", title="Export", timeout=8, markup=False)

    def _abandon(self) -> None:
        """Take away what there is of the file."""
        atexit.unregister(self._abandon)
        with suppress(_AbandonedError), self._open:
            raise _AbandonedError


class _AbandonedError(Exception):
    """Ends the block of a file that will not be whole."""


def start(
    screen: Screen[None],
    listing: Listing,
    total: int,
    kind: str,
    consumer: Callable[[str], str],
    places: list[Path],
    now: float,
    zone: tzinfo,
) -> None:
    """Write `listing` of what the user is looking at as `csv` or `json`."""
    app = screen.app
    try:
        Export(app, listing, kind, consumer).begin(places, now, zone)
    except ExportError as error:
        app.notify(str(error), title="Export", severity="error", timeout=10, markup=False)
        return
    if total > 5 * STEP:
        app.notify(f"Writing {min(total, MOST):,} rows …", title="Export", timeout=3, markup=False)

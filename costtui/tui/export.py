"""Files of what is on screen: private, whole or not at all, never over another file."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, tzinfo
from pathlib import Path
from typing import IO

from costtui.errors import CosttuiError
from costtui.model.safetext import csv_cell
from costtui.tui import private
from costtui.tui.sheet import Sheet


class ExportError(CosttuiError):
    """No folder could be written; the message says which and why."""


def csv_text(sheet: Sheet, *, header: bool = True) -> str:
    """The sheet as CSV. Each row says its window, so that files can be put together.

    Text that would start a formula in a spreadsheet is defused.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    if header:
        writer.writerow(("window_start", "window_end", *sheet.columns))
    for row in sheet.rows:
        writer.writerow((*sheet.window, *(csv_cell(v) if isinstance(v, str) else v for v in row)))
    return out.getvalue()


def json_text(sheet: Sheet) -> str:
    """The sheet as one JSON object, ASCII only: control characters come out escaped."""
    start, end = sheet.window
    document = {
        "what": sheet.name,
        "window": {"name": sheet.view.window.name, "start": start, "end": end},
        "filters": [str(f) for f in sheet.view.filters],
        "rows": [dict(zip(sheet.columns, row, strict=True)) for row in sheet.rows],
    }
    return json.dumps(document, indent=1) + "\n"


def folders(chosen: Path | None, env: Mapping[str, str]) -> list[Path]:
    """Where to try to write, in order: the current folder, then the user's data folder."""
    if chosen is not None:
        return [chosen]
    data = env.get("XDG_DATA_HOME") or str(
        Path(env.get("HOME") or "~").expanduser() / ".local/share"
    )
    return [Path.cwd(), Path(data) / "costtui" / "exports"]


def content(sheet: Sheet, kind: str, now: float, zone: tzinfo) -> tuple[str, str]:
    """A file's name and its text, as `csv` or `json`."""
    text = csv_text(sheet) if kind == "csv" else json_text(sheet)
    return f"{stem_of(sheet.name, now, zone)}.{kind}", text


def stem_of(name: str, now: float, zone: tzinfo) -> str:
    """The name of a file without its ending: what it holds, and the local time."""
    return f"costtui-{name}-{datetime.fromtimestamp(now, zone).strftime('%Y%m%d-%H%M%S')}"


def save(sheet: Sheet, kind: str, places: list[Path], now: float, zone: tzinfo) -> Path:
    """Write `sheet` as `csv` or `json` into the first place that takes it. Returns the full path.

    Raises ExportError when none does.
    """
    _, text = content(sheet, kind, now, zone)
    problems = []
    for folder in places:
        try:
            with created(folder, sheet.name, kind, now, zone) as (file, path):
                file.write(text.encode())
            return path
        except OSError as error:
            problems.append(f"{folder}: {error.strerror or error}")
    raise ExportError("nothing was written: " + "; ".join(problems))


@contextmanager
def created(
    folder: Path, name: str, kind: str, now: float, zone: tzinfo
) -> Iterator[tuple[IO[bytes], Path]]:
    """A new file and its full path. It has its name when the block ends, whole and on the disk,
    and leaves nothing behind when the block raises. Raises OSError."""
    if folder != Path.cwd():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    private.sweep(folder, r"costtui-[^/]+\.(?:csv|json)")
    path, beside, file = _reserved(folder, stem_of(name, now, zone), kind)
    try:
        with file:
            yield file, path.resolve()
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        path.unlink(missing_ok=True)
        raise


def _reserved(folder: Path, stem: str, kind: str) -> tuple[Path, Path, IO[bytes]]:
    """Reserve a new name and write beside it: no half file, nothing overwritten."""
    for number in range(1, 1000):
        path = folder / (f"{stem}.{kind}" if number == 1 else f"{stem}-{number}.{kind}")
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except FileExistsError:
            continue
        beside = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            descriptor = os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        except OSError:
            path.unlink(missing_ok=True)
            raise
        return path, beside, os.fdopen(descriptor, "wb")
    raise FileExistsError(f"a thousand files called {stem} exist already")

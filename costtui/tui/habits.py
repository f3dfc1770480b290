"""What costtui keeps for its user between two runs: saved views and remembered settings.

Everything lives in the state folder, in JSON (a YAML parser takes 17 ms to import), mode 0600. What
is wrong with a file means that there is none: a start never fails here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from costtui.errors import UsageError
from costtui.model.safetext import visible
from costtui.tui import private
from costtui.tui.place import FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from costtui.config.schema import Config, DisplayConfig

REMEMBERED = "remembered.json"
VIEWS = "views.json"
NAME_LIMIT = 40
"""Characters of the name of a view."""
MOST_VIEWS = 200

View = dict[str, Any]
"""`screen`, `filters` (as typed) and the fields of `place.FIELDS`; unknown keys are kept."""


class Habits:
    """Views and memory of one user. Without a folder nothing is kept."""

    def __init__(
        self,
        folder: Path | None = None,
        *,
        configured: Mapping[str, View] | None = None,
        remember: bool = True,
        file: Mapping[str, str] | None = None,
        said: Collection[str] = (),
    ) -> None:
        """`configured` are the views of the configuration. `file` is what the configuration file
        says of things that are remembered, `said` names those that a flag or the environment
        said for this run."""
        self.folder = folder
        self.configured = dict(configured or {})
        self.remember = remember and folder is not None
        self._file = dict(file or {})
        self._said = frozenset(said)
        self._noted: dict[str, object] = {}

    # Remembered -----------------------------------------------------------------------------

    def remembered(self) -> dict[str, Any]:
        """What to start with. A value that the configuration has a say in holds for as long as the
        configuration says what it said when the value was chosen."""
        if not self.remember:
            return {}
        kept = self._kept()
        return {
            name: entry["value"]
            for name, entry in kept.items()
            if isinstance(entry, dict)
            and "value" in entry
            and name not in self._said
            and entry.get("over") == self._file.get(name)
        }

    def remembered_theme(self) -> str:
        """The theme of the last end; `""` for the configured one."""
        name = self.remembered().get("theme")
        return name if isinstance(name, str) else ""

    def note(self, name: str, value: object) -> None:
        """The user chose this."""
        self._noted[name] = value

    def keep(self) -> None:
        """Write what was chosen since the start over what is kept now; what another viewer chose
        beside it stays."""
        if not self.remember or not self._noted:
            return
        assert self.folder is not None
        kept = self._kept()
        for name, value in self._noted.items():
            over = self._file.get(name)
            kept[name] = {"value": value} | ({} if over is None else {"over": over})
        text = json.dumps(kept, indent=1)
        path = self.folder / REMEMBERED
        # A full disk or a folder of somebody else's is no reason to keep anyone from leaving.
        with suppress(OSError):
            if text != private.read(path):
                private.write(path, text)
        self._noted.clear()

    def _kept(self) -> dict[str, Any]:
        assert self.folder is not None
        return _object(private.read(self.folder / REMEMBERED))

    # Views ----------------------------------------------------------------------------------

    def saved(self) -> dict[str, View]:
        """The views of the state folder, by name."""
        if self.folder is None:
            return {}
        found = _object(private.read(self.folder / VIEWS))
        return {name: view for name, view in found.items() if isinstance(view, dict)}

    def views(self) -> dict[str, View]:
        """Every view by name. The configuration's own wins: it is what a team agreed on."""
        return {**self.saved(), **self.configured}

    def view(self, name: str) -> View:
        """Raises UsageError with the nearest name."""
        found = self.views()
        if name in found:
            return found[name]
        from costtui.config.words import did_you_mean, quoted

        near = did_you_mean(name, found)
        known = f"; there are: {', '.join(visible(n, NAME_LIMIT) for n in found)}" if found else ""
        raise UsageError(
            f"no view is called {quoted(name)}{near or known or '; none is saved yet'}"
        )

    def save(self, name: str, view: View) -> bool:
        """Keep a view. True when it took the place of another one of this name.

        Raises ValueError with what is wrong: the name, the configuration's own view, or the disk.
        """
        name = name.strip()
        if not name or len(name) > NAME_LIMIT or not name.isprintable():
            raise ValueError(f"a name has 1 to {NAME_LIMIT} characters that can be shown")
        if name in self.configured:
            raise ValueError(f"{name} is a view of the configuration file; take another name")

        def put(views: dict[str, Any]) -> bool:
            if name not in views and len(views) >= MOST_VIEWS:
                raise ValueError(f"{MOST_VIEWS} views are enough; forget one first")
            before = views.get(name)
            views[name] = {**before, **view} if isinstance(before, dict) else view
            return before is not None

        return self._change(put)

    def forget(self, name: str) -> None:
        """Delete a view that was saved. Raises ValueError with what is wrong."""
        if name in self.configured and name not in self.saved():
            raise ValueError(f"{name} is a view of the configuration file")

        def drop(views: dict[str, Any]) -> bool:
            if views.pop(name, None) is None:
                raise ValueError(f"no view called {name} is saved")
            return True

        self._change(drop)

    def _change(self, change: Callable[[dict[str, Any]], bool]) -> bool:
        """Read, change and write, one viewer at a time. Raises ValueError."""
        if self.folder is None:
            raise ValueError("there is no folder to keep it in")
        path = self.folder / VIEWS
        try:
            with _locked(path):
                try:
                    text = private.read_strictly(path)
                except ValueError:
                    text = "?"
                views = _object(text)
                if not views and text.strip() not in ("", "{}"):
                    # Not ours to throw away: somebody may have spent an hour on it.
                    path.replace(_free(path.with_name(f"{VIEWS}.damaged")))
                result = change(views)
                private.write(path, json.dumps(views, indent=1, ensure_ascii=False) + "\n")
                return result
        except (OSError, UnicodeEncodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "the name cannot be written"
            raise ValueError(f"{path}: {reason or error}") from None

    # For the command line -------------------------------------------------------------------

    def view_values(self) -> Sequence[tuple[str, str]]:
        return [(name, told(view)) for name, view in sorted(self.views().items())]

    def saved_values(self) -> Sequence[tuple[str, str]]:
        return [(name, told(view)) for name, view in sorted(self.saved().items())]


def told(view: Mapping[str, Any]) -> str:
    """A view in one line: `requests · 7d · by team · provider=openai`."""
    facts = [str(view.get("screen") or "")] if view.get("screen") != "overview" else []
    facts += [str(view.get("window") or "")]
    facts += [f"by {view['group']}"] if view.get("group") else []
    facts += [str(view["unit"])] if view.get("unit") not in (None, "", "cost") else []
    chart = view.get("chart")
    facts += [f"chart {chart}"] if chart not in (None, "", "time") else []
    filters = view.get("filters")
    facts += [str(f) for f in filters] if isinstance(filters, list | tuple) else []
    return " · ".join(fact for fact in facts if fact)


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Nobody else changes `path` meanwhile. A lock beside it: the file itself is replaced."""
    import fcntl
    import os

    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    flags = os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW
    descriptor = os.open(path.with_name(f".{path.name}.lock"), flags, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def of_config(
    config: Config, folder: Path | None, *, file: DisplayConfig, said: Collection[str] = ()
) -> Habits:
    """The habits that a configuration asks for."""
    views = {
        name: {
            key: value
            for key in ("screen", "filters", *FIELDS)
            if (value := getattr(view, key, None)) not in ("", None)
        }
        for name, view in config.views
    }
    return Habits(
        folder,
        configured=views,
        remember=config.display.remember,
        file={"theme": file.theme, "window": file.window},
        said=said,
    )


def _free(path: Path) -> Path:
    """`path`, or the first numbered name beside it that nobody has."""
    names = (path, *(path.with_name(f"{path.name}.{n}") for n in range(2, 100)))
    return next((one for one in names if not one.exists()), path)

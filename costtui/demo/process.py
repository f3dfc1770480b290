"""Starts the fleet in a child process, so that its work does not disturb the screen's."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from costtui.errors import CosttuiError

STOP_WAIT = 5.0
"""Seconds the child gets to write its truth before it is killed."""


class DemoError(CosttuiError):
    """The simulated fleet did not start or ended too early."""


class FleetProcess:
    """A running `costtui.demo.serve`. Ends with this process at the latest."""

    def __init__(self, directory: Path, *options: str) -> None:
        """`options` are those of `costtui.demo.serve`. Raises `DemoError`."""
        self._errors = directory / "fleet.log"
        # Not to the terminal: a traceback would tear the screen.
        with self._errors.open("wb") as errors:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "costtui.demo.serve", "--dir", str(directory), *options],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,  # Ctrl+C in the terminal is the parent's to handle
                text=True,
            )
        try:
            ready = self._expect("ready")
        except BaseException:
            self.stop()
            raise
        self.urls: dict[str, str] = ready["urls"]
        self.control: str = ready["control"]
        self.log = Path(ready["log"])
        self.pattern: str = ready["pattern"]
        self.services: dict[str, dict[str, str]] = ready["services"]
        self.start: int = ready["start"]

    def wait_for_history(self) -> int:
        """Wait until the log's backlog is written. Returns its lines. Raises `DemoError`."""
        return int(self._expect("history")["lines"])

    def _expect(self, event: str) -> dict[str, Any]:
        assert self._child.stdout is not None
        line = self._child.stdout.readline()
        try:
            told: dict[str, Any] = json.loads(line)
        except ValueError:
            code = self._child.wait()
            said = self._errors.read_text("utf-8", "replace").strip().splitlines()[-1:]
            reason = "".join(f": {line}" for line in said)
            raise DemoError(f"the simulated fleet ended with code {code}{reason}") from None
        if told.get("event") != event:
            raise DemoError(str(told.get("message", line.strip())))
        return told

    @property
    def pid(self) -> int:
        return self._child.pid

    def wait(self) -> int:
        """Wait until it ends by itself."""
        return self._child.wait()

    def stop(self) -> None:
        """End it. May be called twice."""
        if self._child.stdin is not None:
            self._child.stdin.close()
        try:
            self._child.wait(STOP_WAIT)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        if self._child.stdout is not None:
            self._child.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

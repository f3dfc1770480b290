"""Programs as notifiers: one of the user's own, or a Python with Apprise in it.

Apprise is a process of its own because it is not asynchronous, cannot be told to stop, and takes
a second to import, in which nothing else of Python runs.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import IO, Final, Self

from costtui.alerts.notify import compose
from costtui.alerts.notify.senders import Mask, Outcome
from costtui.config.alert_schema import NotifierConfig
from costtui.model.alert import Parcel

TAIL: Final = 2048
"""Bytes of its output that are kept, the last ones."""
LINGER: Final = 0.5
"""Seconds for output of a program that has ended; children of it may hold the pipe for ever."""
SHORTEST: Final = 6
"""Characters from which on a value of the environment can be a secret."""
NOT_STARTED: Final = (126, 127)
"""Exit codes by which a shell says that there is no such program, or that it may not be run."""
APPRISE: Final[tuple[str, ...]] = (
    sys.executable,
    *("-m", "costtui.alerts.notify.apprise_child"),
)
REFUSED: Final = 78
"""`EX_CONFIG` of sysexits.h: nothing changes until the configuration does."""


def clean_environment(env: Mapping[str, str], secrets: Collection[str]) -> dict[str, str]:
    """`env` without what the configuration took secrets from, and without our own settings."""

    def ours(value: str) -> bool:
        return len(value) >= SHORTEST and any(value in s or s in value for s in secrets if s)

    return {
        name: value
        for name, value in env.items()
        if not name.startswith("COSTTUI_") and not ours(value)
    }


class ProgramSender:
    """Runs a program for each message; exit code 0 is success."""

    def __init__(self, config: NotifierConfig, secrets: Collection[str]) -> None:
        self._config = config
        self._secrets = secrets
        self._mask = Mask(config)

    async def send(self, parcels: Sequence[Parcel], now: float) -> Outcome:
        if self._config.type == "apprise":
            given = compose.for_apprise(self._config, parcels)
            words = APPRISE
        else:
            given = compose.for_program(self._config, parcels, now)
            words = self._config.command
        try:
            with _file(given) as stdin, Output() as output:
                process = await asyncio.create_subprocess_exec(
                    *words,
                    stdin=stdin,
                    stdout=output.write_end,
                    stderr=output.write_end,
                    env=clean_environment(os.environ, self._secrets),
                    start_new_session=True,  # so that its children can be ended, too
                )
                output.begin()
                return await self._watch(process, output)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "not a command line"
            return Outcome(False, f"cannot be started: {reason.lower()}", refused=True)

    async def _watch(self, process: asyncio.subprocess.Process, output: Output) -> Outcome:
        try:
            async with asyncio.timeout(self._config.timeout):
                code = await process.wait()
        except TimeoutError:
            said = f"did not end within {self._config.timeout:g} s and was killed"
            return Outcome(False, self._said(said, output.tail))
        finally:
            await _end(process)
        if code == 0:
            return Outcome(True, "exit code 0")
        with suppress(TimeoutError):
            await asyncio.wait_for(output.ended.wait(), LINGER)
        how = f"killed by signal {-code}" if code < 0 else f"exit code {code}"
        refused = code == REFUSED or code in NOT_STARTED
        return Outcome(False, self._said(how, output.tail), refused, message=not refused)

    def _said(self, what: str, output: bytearray) -> str:
        tail = self._mask(bytes(output).decode("utf-8", "replace"), 10 * TAIL)
        tail = f"…{tail[-300:]}" if len(tail) > 300 else tail
        return f"{what}: {tail}" if tail else what

    async def close(self) -> None:
        """There is nothing to close: no program outlives its message."""


def _file(given: bytes) -> IO[bytes]:
    """`given` as a file to be read. A pipe would have to be fed, and who reads it may not; in
    memory, because it can hold a key and disks are full at times."""
    made: IO[bytes]
    if hasattr(os, "memfd_create"):
        made = os.fdopen(os.memfd_create("costtui"), "w+b")
    else:
        made = tempfile.TemporaryFile()  # noqa: SIM115  the caller closes it
    made.write(given)
    made.seek(0)
    return made


class Output:
    """Reads what a program says and keeps the end of it. Not asyncio's own pipe: that stays open
    for as long as some child of the program has it."""

    def __init__(self) -> None:
        self.tail = bytearray()
        self.ended = asyncio.Event()
        self._read_end, self.write_end = os.pipe()
        os.set_blocking(self._read_end, False)

    def __enter__(self) -> Self:
        return self

    def begin(self) -> None:
        """It was started: its end of the pipe is not ours any more."""
        os.close(self.write_end)
        self.write_end = -1
        asyncio.get_running_loop().add_reader(self._read_end, self._ready)

    def _ready(self) -> None:
        with suppress(BlockingIOError):
            chunk = os.read(self._read_end, 65_536)
            if not chunk:
                self.ended.set()
                asyncio.get_running_loop().remove_reader(self._read_end)
            self.tail += chunk
            del self.tail[:-TAIL]

    def __exit__(self, *_: object) -> None:
        asyncio.get_running_loop().remove_reader(self._read_end)
        os.close(self._read_end)
        if self.write_end >= 0:
            os.close(self.write_end)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Kill what is still there of it and its children. Not cancelled half-way: a program that is
    left behind would be a second one at the next try."""
    if process.returncode is not None:
        return
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    await asyncio.shield(process.wait())

"""Programs as notifiers: one of the user's own, or a Python with Apprise in it.

Apprise is a process of its own because it is not asynchronous, cannot be told to stop, and takes
a second to import, in which nothing else of Python runs.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import Final

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
            process = await asyncio.create_subprocess_exec(
                *words,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                env=clean_environment(os.environ, self._secrets),
                start_new_session=True,  # so that its children can be ended, too
            )
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "not a command line"
            return Outcome(False, f"cannot be started: {reason.lower()}", refused=True)
        output = bytearray()
        try:
            async with asyncio.timeout(self._config.timeout):
                return await self._talk(process, given, output)
        except TimeoutError:
            said = f"did not end within {self._config.timeout:g} s and was killed"
            return Outcome(False, self._said(said, output))
        finally:
            await _end(process)

    async def _talk(
        self, process: asyncio.subprocess.Process, given: bytes, output: bytearray
    ) -> Outcome:
        reading = asyncio.create_task(_read(process, output))
        try:
            await _feed(process, given)
            code = await process.wait()
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(reading), LINGER)
        finally:
            reading.cancel()
        if code == 0:
            return Outcome(True, self._said("exit code 0", bytearray()))
        how = f"killed by signal {-code}" if code < 0 else f"exit code {code}"
        refused = code == REFUSED or code in NOT_STARTED
        return Outcome(False, self._said(how, output), refused, message=not refused)

    def _said(self, what: str, output: bytearray) -> str:
        tail = self._mask(bytes(output[-TAIL:]).decode("utf-8", "replace"), TAIL)
        tail = f"…{tail[-300:]}" if len(tail) > 300 else tail
        return f"{what}: {tail}" if tail else what

    async def close(self) -> None:
        """There is nothing to close: no program outlives its message."""


async def _feed(process: asyncio.subprocess.Process, given: bytes) -> None:
    """It may read nothing of it, or half."""
    assert process.stdin is not None
    with suppress(BrokenPipeError, ConnectionResetError):
        process.stdin.write(given)
        await process.stdin.drain()
    with suppress(BrokenPipeError, ConnectionResetError):
        process.stdin.close()
        await process.stdin.wait_closed()


async def _read(process: asyncio.subprocess.Process, output: bytearray) -> None:
    assert process.stdout is not None
    while chunk := await process.stdout.read(4096):
        output += chunk
        del output[:-TAIL]


async def _end(process: asyncio.subprocess.Process) -> None:
    """Kill what is still there of it and its children. Not cancelled half-way: a program that is
    left behind would be a second one at the next try."""
    if process.returncode is not None:
        return
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    await asyncio.shield(process.wait())

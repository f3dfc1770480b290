"""One browser tab: a viewer process of its own, and its end."""

from __future__ import annotations

import asyncio
import os
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from textual_serve.app_service import AppService
from textual_serve.download_manager import DownloadManager

END_WAIT = 3.0
"""Seconds that a viewer gets to leave before it is killed. It only reads, so nothing is lost."""
SMALLEST, LARGEST = (20, 5), (500, 200)
"""Cells. A page that asks for a billion columns gets five hundred."""


def within(width: object, height: object) -> tuple[int, int]:
    """A terminal size from outside, in bounds; 80x24 for what is no size."""
    if not (isinstance(width, int) and isinstance(height, int)):
        return 80, 24
    (least_w, least_h), (most_w, most_h) = SMALLEST, LARGEST
    return min(most_w, max(least_w, width)), min(most_h, max(least_h, height))


class Session(AppService):
    """textual-serve's half of the protocol with a viewer, started without a shell."""

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        write_bytes: Callable[[bytes], Awaitable[None]],
        write_str: Callable[[str], Awaitable[None]],
        close: Callable[[], Awaitable[object]],
        downloads: DownloadManager,
    ) -> None:
        """`arguments` are the whole command line of the viewer."""

        async def closed() -> None:
            await close()

        super().__init__(
            arguments[0],
            write_bytes=write_bytes,
            write_str=write_str,
            close=closed,
            download_manager=downloads,
        )
        self._arguments = list(arguments)

    async def _open_app_process(self, width: int = 80, height: int = 24) -> Process:
        environment = self._build_environment(width=width, height=height)
        environment["TEXTUAL_DRIVER"] = "costtui.tui.webdriver:ViewerDriver"
        # A group of its own: Ctrl+C at the server's terminal is for the server, which ends it.
        self._process = await asyncio.create_subprocess_exec(
            *self._arguments, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=environment,
            start_new_session=True,
        )  # fmt: skip
        self._stdin = self._process.stdin
        return self._process

    async def run(self) -> None:
        """Until the viewer has ended, however it did; then the page is told."""
        await super().run()
        with suppress(ConnectionError, RuntimeError):
            await self.remote_close()

    async def end(self) -> None:
        """Ask the viewer to leave, then make it."""
        with suppress(TimeoutError, ConnectionError):
            await asyncio.wait_for(self.stop(), END_WAIT)
        process = self._process
        if process is None:
            return
        try:
            await asyncio.wait_for(process.wait(), END_WAIT)
        except TimeoutError:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()

"""The terminal goes away without a word, as when an ssh connection dies: the viewer ends."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = [pytest.mark.e2e]


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_a_viewer_whose_terminal_takes_no_more_output_ends(tmp_path: Path, number: int) -> None:
    master, slave = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "200", "LINES": "60"}
    viewer = subprocess.Popen(
        [sys.executable, "-m", "costtui", "--readonly", "--db", str(tmp_path / "c.db")],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=environment,
        start_new_session=True,
    )
    os.close(slave)
    try:
        ready, _, _ = select.select([master], [], [], 20)
        assert ready, "nothing was ever drawn"
        seen = b""
        until = time.monotonic() + 20
        while b"\x1b[?1049h" not in seen and time.monotonic() < until:
            seen += os.read(master, 65536)
        # From here on nobody reads: the pseudo-terminal fills up, and keys make it draw more.
        for _ in range(50):
            os.write(master, b"\t5")
        viewer.send_signal(number)
        assert viewer.wait(10) in (128 + number, -number)
    finally:
        viewer.kill()
        viewer.wait()
        os.close(master)


def test_a_viewer_whose_terminal_is_gone_ends_without_a_signal(tmp_path: Path) -> None:
    """Of a terminal that is not the controlling one nobody sends a SIGHUP."""
    master, slave = pty.openpty()
    viewer = subprocess.Popen(
        [sys.executable, "-m", "costtui", "--readonly", "--db", str(tmp_path / "c.db")],
        stdin=slave, stdout=slave, stderr=slave,
        env={**os.environ, "TERM": "xterm-256color"}, start_new_session=True,
    )  # fmt: skip
    os.close(slave)
    try:
        seen = b""
        until = time.monotonic() + 20
        while b"\x1b[?2004h" not in seen and time.monotonic() < until:
            seen += os.read(master, 65536)
        os.close(master)
        assert viewer.wait(10) in (128 + signal.SIGHUP, -signal.SIGHUP)
    finally:
        viewer.kill()
        viewer.wait()

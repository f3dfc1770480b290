"""A slow line: `relay.py SECONDS FILE PROGRAM …` runs a program on a terminal of its own, and hands
every byte on after so many seconds, each way. At the end FILE has (bytes up, bytes down)."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import sys
import termios
import time
import tty

late, file, *program = float(sys.argv[1]), *sys.argv[2:]
size = fcntl.ioctl(0, termios.TIOCGWINSZ, b"\0" * 8)
pid, master = pty.fork()
if not pid:
    fcntl.ioctl(0, termios.TIOCSWINSZ, size)
    os.execvp(program[0], program)
before = termios.tcgetattr(0)
tty.setraw(0)
waiting: dict[int, list[tuple[float, bytes]]] = {0: [], master: []}
to = {0: master, master: 1}
carried = {0: 0, master: 0}
alive = True
while alive or any(waiting.values()):
    first = min((queue[0][0] for queue in waiting.values() if queue), default=None)
    patience = None if first is None else max(0.0, first - time.monotonic())
    for end in select.select([0, master] if alive else [], [], [], patience)[0]:
        try:
            data = os.read(end, 65536)
        except OSError:
            data = b""
        if not data:
            alive = False
            break
        waiting[end].append((time.monotonic() + late, data))
        carried[end] += len(data)
    for end, queue in waiting.items():
        while queue and queue[0][0] <= time.monotonic():
            try:
                os.write(to[end], queue.pop(0)[1])
            except OSError:
                queue.clear()
termios.tcsetattr(0, termios.TCSADRAIN, before)
_, status = os.waitpid(pid, 0)
with open(file, "w", encoding="ascii") as out:
    out.write(f"{carried[0]} {carried[master]}")
sys.exit(os.waitstatus_to_exitcode(status))

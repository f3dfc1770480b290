"""The fleet as a process of its own: `python -m costtui.demo.serve --dir DIR`.

It says what it has in JSON lines on standard output, and ends with the process that started it,
however that ended: standard input is a pipe, and its end is the signal.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from costtui.demo.fleet import Fleet
from costtui.demo.history import history_truth, preload
from costtui.demo.pages import FleetServer
from costtui.demo.rhythm import Script

STEP = 0.25
"""Seconds between two looks at the clock."""


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m costtui.demo.serve", description=__doc__)
    made.add_argument("--dir", type=Path, required=True, help="where the log and truth.json go")
    made.add_argument("--seed", type=int, default=1)
    made.add_argument("--speed", type=float, default=1.0, help="simulated seconds per second")
    made.add_argument("--rate", type=float, default=1.0, help="multiplies the traffic")
    made.add_argument("--days", type=int, default=30, help="days of history in the log")
    made.add_argument("--start", type=float, default=0.0, help="epoch seconds (default: now)")
    made.add_argument("--port-base", type=int, default=0, help="first port (default: any free)")
    made.add_argument(
        "--stepped",
        action="store_true",
        help="let nothing happen by itself: POST /advance?to=EPOCH on the control address",
    )
    made.add_argument("--no-truth", action="store_true", help="leave no truth.json at the end")
    made.add_argument("--no-script", action="store_true", help="no restarts, rotations, bursts")
    return made


def tell(event: str, **what: Any) -> None:
    """One line to whoever started this."""
    # When the reader is gone, standard input is at its end too, and the loop is about to see it.
    with suppress(BrokenPipeError):
        os.write(sys.stdout.fileno(), (json.dumps({"event": event, **what}) + "\n").encode())


def main(argv: list[str] | None = None) -> int:
    args = parser().parse_args(argv)
    stopping = _stopper()
    fleet = Fleet(
        args.dir,
        start=args.start or time.time(),
        seed=args.seed,
        speed=args.speed,
        rate=args.rate,
        days=args.days,
        script=None if args.no_script else Script(),
    )
    if args.days:
        preload(fleet, min(2, args.days))
    fleet.hold()
    try:
        server = FleetServer(fleet, port_base=args.port_base)
    except OSError as error:
        tell("error", message=f"cannot listen on 127.0.0.1: {error.strerror or error}")
        return 1
    try:
        tell(
            "ready",
            urls=server.urls,
            control=server.control,
            log=str(fleet.proxy.path),
            pattern=fleet.proxy.pattern,
            services=fleet.services,
            start=fleet.start,
        )
        lines = fleet.proxy.write_backlog(fleet.history_start, fleet.start) if args.days else 0
        tell("history", lines=lines)
        while not stopping() and not _parent_gone(STEP):
            if not args.stepped:
                with server.lock:
                    fleet.advance(time.time())
    finally:
        server.close()
        fleet.close()
    # Adding up 30 days takes seconds, which whoever pressed q would wait for; and the parent may
    # have removed the directory by now.
    if not args.no_truth and args.dir.is_dir():
        truth = fleet.truth()
        truth.add(history_truth(fleet))
        truth.write(args.dir / "truth.json")
    return 0


def _stopper() -> Callable[[], bool]:
    signals: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda number, _: signals.append(number))
    return lambda: bool(signals)


def _parent_gone(seconds: float) -> bool:
    """Wait up to `seconds`; True as soon as standard input has come to its end."""
    ready, _, _ = select.select([sys.stdin.fileno()], [], [], seconds)
    return bool(ready) and os.read(sys.stdin.fileno(), 4096) == b""


if __name__ == "__main__":
    sys.exit(main())

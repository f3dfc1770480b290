"""`costtui demo`: a simulated fleet, and the screen on it."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from costtui.errors import UsageError

if TYPE_CHECKING:
    from costtui.demo.process import FleetProcess


class DemoCommand:
    """Watch a simulated fleet: one Kong, two agentgateways and an LLM proxy's log.

    Everything runs on this machine: the gateways answer on 127.0.0.1, and log and store are in a
    temporary directory that is removed at the end. Nothing of your own configuration or store is
    read or written. There are 30 days of history, spikes, bursts of 429, a restart now and then,
    log rotation, and a model without a price.
    """

    name = "demo"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--seed", type=int, default=1, help="another seed, other traffic")
        parser.add_argument(
            "--speed", type=_positive, default=1.0, metavar="N",
            help="simulated seconds per second (default: 1)",
        )  # fmt: skip
        parser.add_argument(
            "--days", type=_days, default=30, metavar="N", help="days of history (default: 30)"
        )
        parser.add_argument(
            "--no-tui", action="store_true",
            help="run the fleet only: print its addresses and wait for Ctrl+C",
        )  # fmt: skip
        parser.add_argument(
            "--port-base", type=_port, default=0, metavar="PORT",
            help="the first of four ports (default: any that are free)",
        )  # fmt: skip
        parser.add_argument(
            "--keep", type=Path, metavar="DIR",
            help="use this new or empty directory and leave it, with truth.json in it",
        )  # fmt: skip

    def run(self, args: argparse.Namespace) -> int:
        directory = _directory(args.keep)
        # SIGTERM and a closed terminal must not leave the temporary directory behind.
        before = {n: signal.signal(n, _leave) for n in (signal.SIGTERM, signal.SIGHUP)}
        try:
            return self._run(args, directory)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            if args.keep is None:
                shutil.rmtree(directory, ignore_errors=True)

    def _run(self, args: argparse.Namespace, directory: Path) -> int:
        from costtui.demo.configfile import write_config
        from costtui.demo.process import FleetProcess

        options = [f"--seed={args.seed}", f"--speed={args.speed}", f"--days={args.days}"]
        if args.keep is None:
            options.append("--no-truth")
        with FleetProcess(directory, *options, f"--port-base={args.port_base}") as fleet:
            config = write_config(directory, fleet.urls, fleet.pattern, fleet.services)
            if args.days:
                print(f"Making {args.days} days of history …", file=sys.stderr)
                _seed_history(config, directory, fleet.start, args)
            fleet.wait_for_history()
            if args.no_tui:
                return _serve(fleet, config, directory)
            from costtui.cli.run import run_tui

            return run_tui(config)


def _seed_history(config: Path, directory: Path, start: int, args: argparse.Namespace) -> None:
    """Put the scraped gateways' history into the store, by the way of all other usage."""
    from costtui.config.load import load
    from costtui.demo.fleet import Fleet
    from costtui.demo.history import all_history
    from costtui.engine.seed import append_history

    fleet = Fleet(directory, start=start, seed=args.seed, speed=args.speed, days=args.days)
    # The demo never listens to the environment: COSTTUI_DB would be the user's own store.
    append_history(load(config, env={}), all_history(fleet))


def _serve(fleet: FleetProcess, config: Path, directory: Path) -> int:
    for name, url in fleet.urls.items():
        print(f"{name}\t{url}")
    print(f"llm-proxy\t{fleet.log}")
    print(f"control\t{fleet.control}")
    print(f"config\t{config}")
    print(f"directory\t{directory}", flush=True)
    return fleet.wait()


def _directory(keep: Path | None) -> Path:
    """An empty directory. Raises `UsageError`."""
    if keep is None:
        return Path(tempfile.mkdtemp(prefix="costtui-demo-"))
    try:
        keep.mkdir(mode=0o700, parents=True, exist_ok=True)
        taken = next(keep.iterdir(), None)
    except OSError as error:
        raise UsageError(f"--keep {keep}: {error.strerror or error}") from None
    if taken is not None:
        raise UsageError(f"--keep {keep}: is not empty (there is {taken.name})")
    return keep.resolve()


def _leave(number: int, _: object) -> NoReturn:
    raise SystemExit(128 + number)


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value <= 10_000:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 10000")
    return value


def _days(text: str) -> int:
    value = int(text)
    if not 0 <= value <= 400:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 400")
    return value


def _port(text: str) -> int:
    value = int(text)
    if not (value == 0 or 1024 <= value <= 65_531):
        raise argparse.ArgumentTypeError(f"{text} is not between 1024 and 65531")
    return value

"""`costtui collect`: the collector without a screen."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from costtui.config.schema import Config, ListenConfig
from costtui.errors import StoreBusyError, UsageError

if TYPE_CHECKING:
    from costtui.engine.collector import Collector


class CollectCommand:
    """Collect usage into the store, without a screen.

    Runs until it is stopped (SIGTERM or Ctrl+C). With --once it reads every source to its end
    and exits: 0 when all of them could be read, 1 when one could not or has nothing to read yet.
    A notifier that could not be told is named on stderr and changes no exit code: the alert
    waits in the store for the next run.
    Exactly one collector writes a store; viewers attach to it. With --listen it answers over HTTP;
    an address that cannot be had is an error before anything is collected (exit code 2).
    """

    name = "collect"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--once", action="store_true", help="read every source to its end and exit (for cron)"
        )
        parser.add_argument(
            "--listen", metavar="[HOST:]PORT",
            help="answer /health, /metrics and /budget there, by default on this machine alone "
            "(docs/listener.md); also listen.address of the configuration",
        )  # fmt: skip
        parser.add_argument("--quiet", action="store_true", help="say only what is wrong")
        parser.add_argument("--with-parent", action="store_true", help=argparse.SUPPRESS)

    def run(self, args: argparse.Namespace) -> int:
        from costtui.cli.common import load_config
        from costtui.engine.tuning import tune

        # With --once each source's failure is told at the end; in the log it would be twice.
        quiet = logging.ERROR if args.once else logging.WARNING
        logging.basicConfig(
            level=quiet if args.quiet or args.once else logging.INFO,
            format="%(asctime)s %(levelname)s %(message)s",
            stream=sys.stderr,
        )
        logging.getLogger("httpx").setLevel(logging.WARNING)
        from costtui.sources import doubles  # reads presets, which --help need not wait for

        config = load_config(args)
        if args.once and args.listen is not None:
            raise UsageError("--listen means nothing with --once, which ends by itself")
        listen = _listening(config, args)
        tune()
        if not config.sources and not args.with_parent:
            raise UsageError(
                "there is nothing to collect: no `sources:` are configured and COST_TRACKING_FILE "
                "is not set. `costtui demo` shows a simulated fleet"
            )
        doubles.check(config.sources)
        if args.once:
            return asyncio.run(_once(config))
        try:
            asyncio.run(_for_ever(config, listen, watch_parent=args.with_parent))
        except StoreBusyError:
            if not args.with_parent:
                raise
            # Two viewers started at once: the other one's collector won, which is all we want.
        return 0


async def _once(config: Config) -> int:
    from costtui.engine.collector import Collector

    async with Collector(config, jitter=False) as collector:
        complete = await collector.once()
        for poller in collector.pollers:
            status = poller.status
            if status.error or status.note:
                print(f"{status.name}: {status.error or status.note}", file=sys.stderr)
            if status.note and not status.last_data and status.kind != "metrics":
                complete = False  # nothing was ever read of it, and it says why
        # Usage is complete all the same, and what waits is tried by the next one: no exit code.
        for name, number, why in await collector.delivery.untold():
            print(_untold(name, number, why), file=sys.stderr)
    return 0 if complete else 1


def _untold(name: str, number: int, why: str) -> str:
    from costtui.model.safetext import visible

    head = f"notifier {visible(name, 60)}: {number} alert{'' if number == 1 else 's'} not told"
    return f"{head}, the next run tries again: {visible(why, 200) or 'no answer'}"


def _listening(config: Config, args: argparse.Namespace) -> ListenConfig:
    """Where to listen, if anywhere. The token is taken out of the environment, so that no child
    has it. Raises UsageError; for a viewer's collector that is a warning, because its usage is to
    be collected all the same."""
    from costtui.config import listen

    try:
        found = listen.settled(config.listen, os.environ, args.listen)
        if found.address and (name := listen.echo_of(found.address, config.sources)):
            raise UsageError(
                f"listen: source {name} reads the page that is served at {found.address}: it would "
                "count itself again and again"
            )
        return found
    except UsageError as error:
        if not args.with_parent:
            raise
        logging.getLogger(__name__).warning("%s", error)
        return ListenConfig()
    finally:
        os.environ.pop(listen.VARIABLE, None)


@contextmanager
def _answering(
    config: Config, listen: ListenConfig, collector: Collector, *, optional: bool
) -> Iterator[None]:
    """The listener, where one is wanted."""
    if not listen.address:
        yield
        return
    from costtui.engine.listen.server import Listener

    log = logging.getLogger(__name__)
    listener = Listener(config, listen, collector)
    try:
        try:
            listener.open()
        except UsageError as error:
            if not optional:
                raise
            log.warning("%s", error)
        else:
            listener.start()
            log.info("answering at http://%s", listener.address)
        yield
    finally:
        listener.close()


async def _for_ever(config: Config, listen: ListenConfig, *, watch_parent: bool) -> None:
    from costtui.engine.collector import Collector

    async with Collector(config) as collector:
        with _answering(config, listen, collector, optional=watch_parent):
            await _collecting(config, collector, watch_parent=watch_parent)


async def _collecting(config: Config, collector: Collector, *, watch_parent: bool) -> None:
    settling = asyncio.create_task(_settle(collector))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, collector.stop)
    if watch_parent:
        loop.add_reader(sys.stdin.fileno(), _stop_at_end, collector.stop, sys.stdin.fileno())
    logging.getLogger(__name__).info(
        "collecting into %s: %s",
        config.store.path,
        ", ".join(source.name for source in config.sources),
    )
    try:
        await collector.run()
    finally:
        settling.cancel()


async def _settle(collector: Collector) -> None:
    """When every source was polled once, nearly all that will ever be remembered is there."""
    from costtui.engine.tuning import settle

    settle()
    for poller in collector.pollers:
        await poller.first_poll()
    settle()


def _stop_at_end(stop: object, descriptor: int) -> None:
    if os.read(descriptor, 1024) == b"" and callable(stop):
        stop()

"""`costtui web`: the screen in a browser."""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from costtui.cli.common import say
from costtui.errors import UsageError

if TYPE_CHECKING:
    from costtui.config.schema import Config
    from costtui.engine.supervisor import Supervisor
    from costtui.web.guard import Guard
    from costtui.web.server import Server

VARIABLE = "COSTTUI_WEB_TOKEN"
PASSED_ON = ("window", "theme", "view", "refresh", "ascii")
"""Options of `costtui run` that a tab's viewer is started with."""
LOOK = 1.0
"""Seconds between two looks whether somebody collects."""


class WebCommand:
    """Watch costs in a browser: each tab is a viewer of its own, and all of them only read.

    On this machine alone by default. On any other --host, and with --public-url, a token is
    asked for and made where none is given; the address that is printed has it, and after the first
    visit a cookie takes its place. There is no TLS in here: that is a reverse proxy's job, and
    --public-url then says what people type. Starts a collector unless one runs. Needs the extra
    `web`: pip install 'costtui[web]'.
    """

    name = "web"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        from costtui.cli.run import RunCommand

        parser.add_argument("--host", default="127.0.0.1", help="listen here (default: 127.0.0.1)")
        parser.add_argument(
            "--port", type=_port, default=8711, help="and here (default: 8711; 0: any free one)"
        )
        parser.add_argument(
            "--token", nargs="?", const="", metavar="TOKEN",
            help="ask for a token on loopback too; without a value one is made. Better given by "
            f"--token-file or {VARIABLE}",
        )  # fmt: skip
        parser.add_argument("--token-file", metavar="FILE", help="a file that holds the token")
        parser.add_argument(
            "--public-url", metavar="URL",
            help="what people type where a reverse proxy (TLS) stands before it",
        )  # fmt: skip
        parser.add_argument(
            "--sessions", type=_sessions, default=20, metavar="N",
            help="tabs at the same time (default: 20)",
        )  # fmt: skip
        parser.add_argument("--readonly", action="store_true", help="never start a collector")
        run = argparse.ArgumentParser(add_help=False)
        RunCommand().add_arguments(run)
        for action in run._actions:
            if action.dest in PASSED_ON:
                parser._add_action(action)

    def run(self, args: argparse.Namespace) -> int:
        if args.token:
            from costtui.web.guard import check_token

            check_token(args.token, "--token")
            _hide_token(args)
        _need_extra()
        from costtui.cli.common import load_config
        from costtui.cli.run import child_arguments, supervised

        guard, token = guard_of(args)
        config = load_config(args)
        server = _server(args, config, guard)
        supervisor = None if args.readonly else supervised(config, child_arguments(args))
        return asyncio.run(_serve(args, server, supervisor, token))


def _need_extra() -> None:
    """Raises UsageError where textual-serve is not installed."""
    from importlib.util import find_spec

    if not all(find_spec(name) for name in ("textual_serve", "aiohttp")):
        raise UsageError("`costtui web` needs an extra: pip install 'costtui[web]'")


def _hide_token(args: argparse.Namespace) -> None:
    """Start again with the token in the environment: a command line can be read by anyone on the
    machine, an environment by its owner alone."""
    words = iter(sys.argv[1:])
    kept = []
    for word in words:
        if word == "--token":
            next(words, None)
        elif not word.startswith("--token="):
            kept.append(word)
    if len(kept) == len(sys.argv) - 1:
        return  # called from Python, not from a command line
    env = {**os.environ, VARIABLE: args.token}
    sys.stdout.flush()
    os.execve(sys.executable, [sys.executable, "-m", "costtui", *kept], env)


def guard_of(args: argparse.Namespace) -> tuple[Guard, str | None]:
    """The rules, and the token where one is asked for. Raises UsageError.

    The token is taken out of the environment, so that no child has it.
    """
    from costtui.config.files import read_bytes
    from costtui.web.guard import Guard, check_token, is_loopback, make_token, origin_of

    given = os.environ.pop(VARIABLE, "")
    token: str | None = None
    if args.token:
        token = check_token(args.token, "--token")
    elif args.token_file:
        path = Path(args.token_file).expanduser()
        try:
            text = read_bytes(path, 4096).decode()
            token = check_token(text, f"--token-file {path}")
        except (OSError, UnicodeDecodeError) as error:
            reason = (error.strerror or error) if isinstance(error, OSError) else "it is not text"
            raise UsageError(f"--token-file {path}: {reason}") from None
        if path.stat().st_mode & 0o077:
            say(f"costtui: {path} can be read by others; chmod 600 would keep the token")
    elif given:
        token = check_token(given, VARIABLE)
    public = origin_of(args.public_url) if args.public_url else None
    if token is None and (args.token is not None or public or not is_loopback(args.host)):
        token = make_token()
    return Guard(args.host, token=token, public=public, machine=socket.gethostname()), token


def _server(args: argparse.Namespace, config: Config, guard: Guard) -> Server:
    from costtui.config.locate import themes_dir
    from costtui.tui import themes
    from costtui.web.server import Server

    theme, _ = themes.load_one(args.theme or config.display.theme, themes_dir(os.environ))
    return Server(
        viewer_words(args), guard, sessions=args.sessions,
        colors=(_css(theme.colors["background"], dark=theme.dark),
                _css(theme.colors["foreground"], dark=not theme.dark)),
        secure=(args.public_url or "").startswith("https"),
    )  # fmt: skip


def _css(color: str, *, dark: bool) -> str:
    """A theme's colour for the page around the terminal; terminals' own colours have no value."""
    return color if re.fullmatch(r"#[0-9a-fA-F]{3,8}", color) else "black" if dark else "white"


def viewer_words(args: argparse.Namespace) -> list[str]:
    """The command line of one tab's viewer."""
    from costtui.cli.run import child_arguments

    words = [sys.executable, "-m", "costtui", "run", "--readonly", "--in-browser"]
    words += child_arguments(args)
    for name in PASSED_ON:
        value = getattr(args, name, None)
        if value is True:
            words.append(f"--{name}")
        elif value not in (None, False):
            words.append(f"--{name}={value}")
    return words


async def _serve(
    args: argparse.Namespace, server: Server, supervisor: Supervisor | None, token: str | None
) -> int:
    from aiohttp import web

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    runner = web.AppRunner(server.application(), access_log=None, shutdown_timeout=5.0)
    await runner.setup()
    keeper: asyncio.Task[None] | None = None
    try:
        site = web.TCPSite(runner, args.host, args.port)
        try:
            await site.start()
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else str(error)
            raise UsageError(f"{args.host}:{args.port}: {reason}") from None
        port = runner.addresses[0][1]
        server.listening_on(port)
        if supervisor is not None:
            keeper = asyncio.create_task(_keep_collecting(supervisor))
        _tell(args, port, token)
        await stop.wait()
    finally:
        if keeper is not None:
            keeper.cancel()
            with suppress(asyncio.CancelledError):
                await keeper
        await runner.cleanup()
        if supervisor is not None:
            await asyncio.to_thread(supervisor.stop)
    return 0


def _tell(args: argparse.Namespace, port: int, token: str | None) -> None:
    host = args.host
    if host in ("0.0.0.0", "::", ""):
        host = socket.gethostname()
    address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    shown = (args.public_url or address).rstrip("/") + "/"
    print(shown + (f"?token={token}" if token else ""), flush=True)
    from costtui.web.guard import is_loopback

    if not (args.public_url or is_loopback(args.host)):
        say(f"It answers to this machine's addresses and to {socket.gethostname()}; another name "
            "goes into --public-url.")  # fmt: skip
    if token and not shown.startswith("https:"):
        say("There is no TLS: who is on the way can read it all. Put a reverse proxy before it and "
            "name it with --public-url https://…")  # fmt: skip


async def _keep_collecting(supervisor: Supervisor) -> None:
    """One collector for all tabs, as a viewer on a terminal has one."""
    said: str | None = None
    while True:
        try:
            problem = await asyncio.to_thread(supervisor.ensure)
        except OSError as error:
            problem = str(error)
        if problem and problem != said:
            say(f"costtui: the collector: {problem}")
        said = problem
        await asyncio.sleep(LOOK)


def _port(text: str) -> int:
    value = int(text)
    if not 0 <= value <= 65_535:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 65535")
    return value


def _sessions(text: str) -> int:
    value = int(text)
    if not 1 <= value <= 1000:
        raise argparse.ArgumentTypeError(f"{text} is not between 1 and 1000")
    return value

"""`costtui`: the screen."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from costtui.errors import UsageError
from costtui.model.found import AGAIN
from costtui.model.timewindow import WINDOW_BY_NAME

if TYPE_CHECKING:
    from costtui.config.schema import Config
    from costtui.engine.supervisor import Supervisor
    from costtui.tui.app import CosttuiApp
    from costtui.tui.data import Data
    from costtui.tui.firstrun import FirstConfig
    from costtui.tui.habits import Habits
    from costtui.tui.lastscreen import LastScreen


class RunCommand:
    """Watch costs live.

    Shows what is in the store at once, and starts a collector unless one runs already. Keys: ?
    tells them all, q quits.
    """

    name = "run"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--window", choices=tuple(WINDOW_BY_NAME), help="what to show first")
        parser.add_argument("--view", metavar="NAME", help="the saved view to start in")
        parser.add_argument("--theme", metavar="NAME", help="colours (t goes through them)")
        parser.add_argument(
            "--refresh", type=_refresh, metavar="SECONDS", help="at most one repaint in so long"
        )
        parser.add_argument("--ascii", action="store_true", help="draw with ASCII alone")
        parser.add_argument("--mouse", action="store_true", help="let the mouse click and scroll")
        parser.add_argument(
            "--readonly", action="store_true", help="never start a collector, and mute no alert"
        )
        parser.add_argument(
            "--once", action="store_true", help="print the screen once, as text, and exit"
        )
        parser.add_argument("--in-browser", action="store_true", help=argparse.SUPPRESS)

    def run(self, args: argparse.Namespace) -> int:
        if args.once:
            return once(_screen_of(args))
        if args.in_browser:  # a session of `costtui web`, which has the collector
            return _end(_app(_screen_of(args), None, encoding="utf-8"), True, None)
        _need_terminal()
        code, wrote = _watch(args)
        while code == AGAIN:
            code, wrote = _watch(args, wrote)
        return code


def _watch(args: argparse.Namespace, wrote: Path | None = None) -> tuple[int, Path | None]:
    """The screen once: its exit code, and what it wrote if that is to start it again. `wrote` is
    what the screen before wrote."""
    with _last_screen(args) as last:
        of = _screen_of(args)
        config = of.config
        first = None
        if not args.readonly and not (config.files and config.sources):
            from costtui.cli.first_config import for_screen

            first = for_screen(config.files[0] if config.files else None)
        names = ", ".join(source.name for source in config.sources)
        code = watch(
            of,
            mouse=args.mouse,
            collector_arguments=None if args.readonly else child_arguments(args),
            last=last,
            first=first,
            greeting=f"Wrote {wrote}: {names or 'it is yours to fill in'}" if wrote else "",
        )
    return code, first.path if first is not None and first.write is not None else None


class ScreenOf(NamedTuple):
    """What the screen is told beside the configuration."""

    config: Config
    habits: Habits
    theme: str | None = None
    """As a flag or the environment says; None leaves it to what is remembered."""
    window: str | None = None
    view: str = ""
    warning: str = ""
    readonly: bool = False


def _screen_of(args: argparse.Namespace) -> ScreenOf:
    """Raises `ConfigError`, and `UsageError` where no view is called so."""
    from dataclasses import replace

    from costtui.cli.common import load_traced
    from costtui.config.locate import state_dir
    from costtui.tui.habits import of_config

    loaded = load_traced(args, screen=True)
    config = loaded.config
    said = [n for n in ("theme", "window")
            if loaded.origins.get(f"display.{n}", "").startswith(("env", "flag"))]  # fmt: skip
    # What is printed is for a pipe or a ticket: it depends on what one says, not on last time.
    remember = replace(config, display=replace(config.display, remember=False))
    habits = of_config(remember if args.once or args.in_browser else config, state_dir(os.environ),
                       file=loaded.display, said=said)  # fmt: skip
    if args.view is not None:
        habits.view(args.view)
    return ScreenOf(
        config,
        habits,
        config.display.theme if "theme" in said else None,
        config.display.window if "window" in said else None,
        args.view or "",
        "; ".join(f"{p.key}: {p.message}" for p in loaded.warnings),
        args.readonly,
    )


def run_tui(config_file: Path) -> int:
    """The screen on one configuration file and nothing of the environment; for the demo.

    Everything that is written goes beside that file.
    """
    from costtui.config.load import load_traced
    from costtui.tui.habits import of_config

    _need_terminal()
    loaded = load_traced(config_file, env={})
    habits = of_config(loaded.config, config_file.parent, file=loaded.display)
    return watch(
        ScreenOf(loaded.config, habits),
        collector_arguments=["--config", str(config_file)],
        log=config_file.with_name("collector.log"),
    )


def watch(
    of: ScreenOf,
    *,
    mouse: bool = False,
    collector_arguments: list[str] | None,
    last: LastScreen | None = None,
    log: Path | None = None,
    first: FirstConfig | None = None,
    greeting: str = "",
) -> int:
    """Show the screen until the user quits. Returns the exit code.

    `collector_arguments` follow `costtui collect`; None starts no collector. `last` is what the
    terminal shows already and where its last frame is kept. `log` takes what the collector says
    instead of the state directory. `first` and `greeting` are as of the app.
    """
    from costtui.tui.hurry import starting

    if collector_arguments is None:
        with starting():
            return _end(_app(of, None, last=last, greeting=greeting), mouse, last)
    config = of.config
    supervisor = supervised(config, collector_arguments, log)
    try:
        if not config.store.path.exists():
            # The first numbers wait for it, so it starts before the screen is even imported. Why
            # it cannot is said on screen, where it is tried again.
            with suppress(OSError):
                supervisor.ensure()
        with starting():
            app = _app(of, supervisor.ensure, last=last, first=first, greeting=greeting)
            return _end(app, mouse, last)
    finally:
        supervisor.stop()


def supervised(config: Config, arguments: list[str], log: Path | None = None) -> Supervisor:
    """Who keeps a collector alive; `arguments` and `log` as of `watch`. Nothing is started yet."""
    from costtui.config.locate import state_dir
    from costtui.engine.supervisor import Supervisor

    return Supervisor(config.store.path, arguments, log or state_dir(os.environ) / "collector.log")


def once(of: ScreenOf) -> int:
    """Print one screen of what the store holds now, coloured where stdout is a terminal."""
    import shutil

    from costtui.tui.takeaway import screen_text

    size = shutil.get_terminal_size((120, 40))
    app = _app(of, None, wait_for_first=30.0)
    text = screen_text(app, size.columns, size.lines - 1, color=sys.stdout.isatty())
    if app.return_code:
        return _crashed(app)
    print(text)
    return 1 if app.shown.error else 0


def _app(
    of: ScreenOf,
    ensure: Callable[[], str | None] | None,
    *,
    wait_for_first: float | None = None,
    last: LastScreen | None = None,
    encoding: str = "",
    first: FirstConfig | None = None,
    greeting: str = "",
) -> CosttuiApp:
    from costtui.cli.first_config import sample_config
    from costtui.config.locate import themes_dir
    from costtui.tui import terminal

    terminal.prepare(os.environ)  # before Textual is imported
    from costtui.tui.app import FIRST_ANSWER_WAIT, CosttuiApp

    return CosttuiApp(
        _reader_of(of.config),
        config=of.config,
        ensure_collector=ensure,
        theme=of.theme,
        window=of.window,
        view=of.view,
        habits=of.habits,
        warning=of.warning,
        readonly=of.readonly,
        themes_dir=themes_dir(os.environ),
        encoding=encoding or terminal.encoding(os.environ),
        wait_for_first=FIRST_ANSWER_WAIT if wait_for_first is None else wait_for_first,
        sample_config=str(sample_config()),
        keep_screen=last.keep if last is not None else None,
        painted=last is not None and last.painted,
        first=first,
        greeting=greeting,
    )


def _reader_of(config: Config) -> Callable[[], Data]:
    def make() -> Data:
        from costtui.engine.viewing import ViewReader
        from costtui.engine.zone import zone_of

        zone = zone_of(config.timezone)
        return ViewReader(config.store.path, zone=zone, consumers=config.consumers)

    return make


def _last_screen(args: argparse.Namespace) -> LastScreen:
    """Imports nothing heavy: this is what the user sees while the rest is imported."""
    from costtui.config.locate import config_file, state_dir
    from costtui.tui.lastscreen import LastScreen, key_of

    named = args.config or os.environ.get("COSTTUI_CONFIG")
    file = Path(named) if named else config_file(os.environ)
    options = {k: v for k, v in vars(args).items() if k not in ("readonly", "refresh", "mouse")}
    state = state_dir(os.environ)
    remembered = state / "remembered.json"
    return LastScreen(state / "last-screen", lambda: key_of(options, file, os.environ, remembered))


def _end(app: CosttuiApp, mouse: bool, last: LastScreen | None) -> int:
    code = app.run(mouse=mouse)
    if last is not None and app.drew:
        last.handed_over()
    if app.last_words:
        return _crashed(app)
    if app.return_code:
        return app.return_code
    return code if isinstance(code, int) else 0


def _crashed(app: CosttuiApp) -> int:
    """Say in one line that something of ours is broken, and where that is written."""
    from costtui.cli.common import say
    from costtui.config.locate import state_dir
    from costtui.model.safetext import visible
    from costtui.tui.ending import keep_crash

    what, file = keep_crash(app, app.last_words, state_dir(os.environ))
    if "--debug" in sys.argv and file:
        say(Path(file).read_text(encoding="utf-8").rstrip())
    where = f" (where: {file})" if file else ""
    say(f"costtui: the screen broke: {visible(' '.join(what.split()), 300)}{where}")
    return app.return_code or 1


def child_arguments(args: argparse.Namespace) -> list[str]:
    """What the collector must be told to have the same configuration and store."""
    out: list[str] = []
    for flag in ("config", "db"):
        value = getattr(args, flag, None)
        if value:
            out += [f"--{flag}", str(Path(value).absolute())]
    return out


def _need_terminal() -> None:
    """Raises `UsageError` where there is none to draw on."""
    from costtui.tui import terminal

    streams = (sys.__stdin__, sys.__stdout__, sys.__stderr__)
    if not all(stream is not None and stream.isatty() for stream in streams):
        raise UsageError(
            "costtui needs a terminal. `costtui report` prints costs, `costtui --once` prints "
            "the screen."
        )
    if not terminal.can_draw(os.environ):
        name = os.environ.get("TERM", "")
        raise UsageError(
            f"TERM={name} says that this terminal cannot move its cursor. `costtui --once` prints "
            "the screen."
        )


def _refresh(text: str) -> float:
    value = float(text)
    if not 0.2 <= value <= 3600:
        raise argparse.ArgumentTypeError(f"{text} is not between 0.2 and 3600")
    return value

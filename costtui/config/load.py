"""The one way to a `Config`: file, environment and flags, laid over the defaults.

Precedence: flag > environment > file > default. Everything that is wrong is told at once, with
file, line and key, as one `ConfigError`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from costtui.config import locate
from costtui.config.schema import Config, DisplayConfig, Retention, SourceConfig, StoreConfig
from costtui.config.words import Problems, did_you_mean, quoted
from costtui.errors import ConfigError, Problem
from costtui.model.timewindow import WINDOW_BY_NAME

if TYPE_CHECKING:
    from costtui.config.reader import Values
    from costtui.config.screen import ScreenWords

PROXY = "llm-proxy"
"""The gateway, preset and name of the source that `COST_TRACKING_FILE` stands for."""


@dataclass(frozen=True, slots=True)
class Overrides:
    """What was said on the command line. None: nothing was said."""

    store_path: Path | None = None
    """`--db`."""
    window: str | None = None
    theme: str | None = None
    refresh: float | None = None
    """Seconds."""
    ascii: bool | None = None


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration and where each part of it came from."""

    config: Config
    origins: Mapping[str, str] = field(default_factory=dict)
    """Dotted path → `file line 12`, `preset usual`, `env COSTTUI_DB` or `flag --db`; all else is
    default."""
    lines: Mapping[str, int] = field(default_factory=dict)
    """Dotted path → line in the file."""
    filled: frozenset[str] = frozenset()
    """Dotted paths of texts that hold the value of an environment variable."""
    display: DisplayConfig = field(default_factory=DisplayConfig)
    """What the file alone says about the screen, without environment and flags."""
    warnings: tuple[Problem, ...] = ()
    """What works and will probably not do what was meant."""


def load(
    path: Path | None,
    *,
    env: Mapping[str, str],
    overrides: Overrides | None = None,
    words: Callable[[], ScreenWords] | None = None,
) -> Config:
    """The configuration. `path` None: `COSTTUI_CONFIG`, else the XDG place if a file is there.

    `words` tells what the screen knows; it is asked where `keymap:` or `views:` are given, and
    without it they are not held against it. Raises `ConfigError` with every problem.
    """
    return load_traced(path, env=env, overrides=overrides, words=words).config


def load_traced(
    path: Path | None,
    *,
    env: Mapping[str, str],
    overrides: Overrides | None = None,
    words: Callable[[], ScreenWords] | None = None,
) -> Loaded:
    """As `load`, with the origin of each value."""
    file = find(path, env)
    problems = Problems(str(file) if file else "")
    loaded = _from_file(file, env, problems, words) if file else Loaded(_defaults(env))
    origins = {key: f"file line {line}" for key, line in loaded.lines.items()}
    origins |= loaded.origins
    config = _laid_over(loaded.config, env, overrides or Overrides(), origins, problems)
    problems.raise_any()
    proxy = _proxy_log(config, env)
    if proxy is not None:
        config = replace(config, sources=(*config.sources, proxy))
        origins[f"sources[{len(config.sources) - 1}]"] = "env COST_TRACKING_FILE"
    return replace(loaded, config=config, origins=origins)


def find(path: Path | None, env: Mapping[str, str]) -> Path | None:
    """The file to read, or None for none. A file that was named must exist, says `ConfigError`."""
    named = env.get("COSTTUI_CONFIG", "")
    if path is None and not named:
        usual = locate.config_file(env)
        return usual if usual.exists() else None
    file = path or Path(locate.expand_home(named, env))
    if not file.exists():
        by = "" if path else " (named by COSTTUI_CONFIG)"
        raise ConfigError([Problem(str(file), 0, "", f"no such file{by}")])
    return file


def _defaults(env: Mapping[str, str]) -> Config:
    return Config(store=StoreConfig(path=locate.default_store(env)))


def _from_file(
    file: Path,
    env: Mapping[str, str],
    problems: Problems,
    words: Callable[[], ScreenWords] | None,
) -> Loaded:
    # The keys, the reader and yaml take 40 ms to import; without a file nobody waits for them.
    from costtui.config import screen
    from costtui.config.alert_build import AlertBuilder
    from costtui.config.build import Builder
    from costtui.config.keys import ROOT
    from costtui.config.kinds import Place
    from costtui.config.listen import ListenBuilder
    from costtui.config.reader import Reader, Values
    from costtui.config.yamltree import parse, read_text

    tree = parse(read_text(file), problems)
    reader = Reader(Place(env, Path(os.path.abspath(file)).parent), problems)
    root = reader.section(tree, ROOT)
    builder = Builder(problems)
    usual = _defaults(env)
    watched = AlertBuilder(problems).build(root, reader.lines)

    def within(name: str) -> Values:
        found = root.get(name)
        return found if isinstance(found, Values) else Values(root.line_of(name), name)

    store, display = within("store"), within("display")
    keymap, views = screen.keymap(root), screen.views(root)
    if words is not None and (keymap or views):
        screen.check(root, words(), problems)
    kept = store.get("retention")
    config = Config(
        store=StoreConfig(
            path=Path(store.get("path", usual.store.path)),
            retention=builder.retention(kept) if isinstance(kept, Values) else Retention(),
        ),
        sources=builder.sources(root.get("sources", [])),
        pricing=builder.prices(root.get("pricing", [])),
        pricing_file=Path(root.get("pricing_file")) if root.get("pricing_file") else None,
        provider_aliases=tuple((k, v.data) for k, v in root.get("provider_aliases", {}).items()),
        catalogue=root.get("catalogue", True),
        consumers=builder.consumers(root.get("consumers", {})),
        alerts=watched.alerts,
        alert_interval=root.get("alert_interval", usual.alert_interval),
        budgets=watched.budgets,
        notifiers=watched.notifiers,
        display=_display(display),
        keymap=keymap,
        views=views,
        listen=ListenBuilder(problems).build(within("listen")),
        timezone=root.get("timezone", "local"),
        files=(file,),
    )
    return Loaded(
        config,
        watched.origins,
        watched.lines,
        frozenset(reader.filled),
        config.display,
        tuple(screen.warnings(root, str(file))),
    )


def _display(values: Values) -> DisplayConfig:
    given = {name: value.data for name, value in values.given.items()}
    if "alerts" in given:
        given["alerts"] = tuple(value.data for value in given["alerts"])
    return DisplayConfig(**given)


def _laid_over(
    config: Config,
    env: Mapping[str, str],
    flags: Overrides,
    origins: dict[str, str],
    problems: Problems,
) -> Config:
    """`config` with what the environment and the flags say."""
    said: dict[str, tuple[Any, str]] = {}
    for key, variable in (
        ("store.path", "COSTTUI_DB"),
        ("display.theme", "COSTTUI_THEME"),
        ("display.window", "COSTTUI_WINDOW"),
    ):
        if env.get(variable):
            said[key] = (env[variable], f"env {variable}")
    for key, value, flag in (
        ("store.path", flags.store_path, "--db"),
        ("display.theme", flags.theme, "--theme"),
        ("display.window", flags.window, "--window"),
        ("display.refresh", flags.refresh, "--refresh"),
        ("display.ascii", flags.ascii, "--ascii"),
    ):
        if value is not None:
            said[key] = (value, f"flag {flag}")
    display: dict[str, Any] = {}
    for key, (value, origin) in said.items():
        origins[key] = origin
        if key == "store.path":
            path = Path(os.path.abspath(locate.expand_home(str(value), env)))
            config = replace(config, store=replace(config.store, path=path))
            continue
        name = key.partition(".")[2]
        display[name] = value
        place = origin.partition(" ")[2]
        if name == "window" and value not in WINDOW_BY_NAME:
            near = did_you_mean(value, WINDOW_BY_NAME)
            message = f"{quoted(value)} is not one of {', '.join(WINDOW_BY_NAME)}{near}"
            problems.add(0, "", message, file=place)
        if name == "refresh" and not 0.1 <= value <= 86400:
            problems.add(0, "", f"{value:g} is not between 0.1 and 86400 seconds", file=place)
    return replace(config, display=replace(config.display, **display))


def _proxy_log(config: Config, env: Mapping[str, str]) -> SourceConfig | None:
    """The source that `COST_TRACKING_FILE` stands for, unless the file is read already."""
    named = env.get("COST_TRACKING_FILE", "")
    if not named:
        return None
    from glob import escape

    from costtui.config.globs import matches

    path = os.path.abspath(locate.expand_home(named, env))
    for source in config.sources:
        if source.gateway == PROXY or source.name == PROXY:
            return None
        if any(matches(pattern, path) for pattern in source.paths):
            return None
    return SourceConfig(
        name=PROXY,
        type="jsonl",
        gateway=PROXY,
        preset=PROXY,
        interval=1.0,
        paths=(escape(path),),
    )

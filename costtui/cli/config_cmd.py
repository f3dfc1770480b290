"""`costtui config`: check a configuration, show what it amounts to, print its schema."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from costtui.cli.common import load_traced, say
from costtui.errors import ConfigError, CosttuiError, Problem, UsageError
from costtui.model.safetext import redact, visible

if TYPE_CHECKING:
    from costtui.config.load import Loaded
    from costtui.config.schema import Config, PriceOverride, SourceConfig

MATCHES_SHOWN = 3
"""Files of one source that the summary names."""


class ConfigCommand:
    """Begin, check or show the configuration, or print its schema.

    init     what is on this machine and a configuration for it; --write puts it into its place
    check    tell every problem with file, line and key, or else what will be read (exit 0 or 2)
    show     the effective configuration with the origin of each value; secrets are masked
    schema   JSON Schema (draft 2020-12) for editors, or the key reference as Markdown
    """

    name = "config"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        actions = parser.add_subparsers(
            dest="action", metavar="init|check|show|schema", required=True
        )
        init = actions.add_parser("init", help="a first configuration for what is on this machine")
        init.add_argument("--write", action="store_true", help="write it, unless there is one")
        init.add_argument("--no-look", action="store_true", help="do not look around")
        init.add_argument("--json", action="store_true", help=argparse.SUPPRESS)
        check = actions.add_parser("check", help="tell every problem, or what will be read")
        check.add_argument("--show", action="store_true", help="also what `config show` prints")
        actions.add_parser("show", help="the effective configuration")
        schema = actions.add_parser("schema", help="JSON Schema of the file")
        schema.add_argument("--format", choices=("json", "markdown"), default="json")

    def run(self, args: argparse.Namespace) -> int:
        if args.action == "init":
            from costtui.cli.first_config import init

            return init(args)
        if args.action == "schema":
            print(_schema(args.format))
            return 0
        loaded = load_traced(args, screen=True)
        if args.action == "check":
            _check_deeply(loaded)
            print("\n".join(summary(loaded.config)))
            from costtui.cli.config_watched import not_found

            for warning in (
                *loaded.warnings, *not_found(loaded.config), *_not_listening(loaded)
            ):  # fmt: skip
                say(f"warning: {warning}")
        if args.action == "show" or args.show:
            from costtui.config.show import effective

            separator = "\n" if args.action == "check" else ""
            print(separator + effective(loaded), end="")
        return 0


def _schema(form: str) -> str:
    if form == "markdown":
        from costtui.config.reference import markdown

        return markdown().rstrip("\n")
    from costtui.config.jsonschema import schema

    return json.dumps(schema(), indent=2, ensure_ascii=False)


def _check_deeply(loaded: Loaded) -> None:
    """What only the readers of `fields:`, `options:` and `pricing_file:` can judge.

    Raises `ConfigError` with all of it. It builds what a collector would build, and reads no log
    and no page.
    """
    from costtui.pricing.calculate import Pricer
    from costtui.sources import doubles
    from costtui.sources.factory import build

    config = loaded.config
    file = str(config.files[0]) if config.files else ""
    problems: list[Problem] = []
    for index, source in enumerate(config.sources):
        try:
            build(source)
        except CosttuiError as error:
            problems += _placed(error, loaded, file, f"sources[{index}]")
    if not problems:
        try:
            doubles.check(config.sources)
        except ConfigError as error:
            problems += _placed(error, loaded, file, "sources")
    try:
        Pricer(config)
    except CosttuiError as error:
        problems += _placed(
            error, loaded, file, "pricing_file" if config.pricing_file else "pricing"
        )
    if problems:
        raise ConfigError(problems)


def _not_listening(loaded: Loaded) -> Iterator[Problem]:
    """Why `collect` would not start here. It is no error: where it runs, the environment may hold
    the token."""
    from costtui.config.listen import settled

    try:
        settled(loaded.config.listen, os.environ, None)
    except UsageError as error:
        file = str(loaded.config.files[0]) if loaded.config.files else ""
        message = str(error).removeprefix("listen: ")
        yield Problem(file, _line(loaded, "listen.address"), "listen.address", message)


def _placed(error: CosttuiError, loaded: Loaded, file: str, key: str) -> Iterator[Problem]:
    """The problems of `error`, with the file and line they lack."""
    found = error.problems if isinstance(error, ConfigError) else [Problem("", 0, key, str(error))]
    for problem in found:
        if problem.line:
            yield problem
            continue
        where = problem.key if problem.key.startswith(key) else f"{key}.{problem.key}".rstrip(".")
        yield Problem(file, _line(loaded, where), where, problem.message)


def _line(loaded: Loaded, key: str) -> int:
    """The line of `key`, or of the nearest thing around it."""
    while key:
        if key in loaded.lines:
            return loaded.lines[key]
        key = key[: max(key.rfind("."), key.rfind("["), 0)]
    return 0


def summary(config: Config) -> Iterator[str]:
    """What will be read, priced and watched, a line each."""
    from costtui.cli.config_watched import watched
    from costtui.config.durations import duration_text

    def kept(seconds: int | None) -> str:
        return "forever" if seconds is None else duration_text(seconds)

    read = ", ".join(visible(str(file), 1000) for file in config.files) or "none, only defaults"
    retention = config.store.retention
    yield f"configuration  {read}"
    yield f"store          {visible(str(config.store.path), 1000)}"
    yield (
        f"kept           requests {kept(retention.requests)}, minutes {kept(retention.minute)}, "
        f"hours {kept(retention.hour)}, days {kept(retention.day)}"
    )
    yield f"time zone      {config.timezone}"
    yield ""
    yield f"{count(len(config.sources), 'source')}"
    for source in config.sources:
        yield from _source(source)
    if not config.sources:
        yield "  nothing will be read: add sources:, or set COST_TRACKING_FILE"
    yield ""
    catalogue = "over the built-in catalogue" if config.catalogue else "and no built-in catalogue"
    yield f"{count(len(config.pricing), 'price')} of your own, {catalogue}"
    for price in config.pricing:
        yield f"  {_price(price)}"
    if config.pricing_file:
        yield f"  and those of {config.pricing_file}"
    if config.consumers:
        yield ""
        yield f"{count(len(config.consumers), 'consumer')} with a name"
    yield ""
    yield from watched(config)
    if config.views or config.keymap:
        yield ""
        actions = count(len(config.keymap), "action")
        yield f"{count(len(config.views), 'view')}, {actions} with keys of your own"


def count(number: int, what: str) -> str:
    return f"{number or 'no'} {what}{'' if number == 1 else 's'}"


def _source(source: SourceConfig) -> Iterator[str]:
    shape = source.preset or ("queries" if source.queries else "fields")
    counts = "counts" if source.role == "count" else "is compared with"
    gateway = source.gateway
    if source.gateway_labels:
        gateway = f"the gateways named by {' or '.join(source.gateway_labels)}"
    yield f"  {visible(source.name, 60)}: {source.type} ({shape}), {counts} {gateway}"
    if source.type != "jsonl":
        login = (
            "bearer token"
            if source.bearer_token
            else "user name"
            if source.username
            else "no login"
        )
        yield f"    {redact(source.url.partition('?')[0])} every {source.interval:g} s, {login}"
    for value, name in source.gateways:
        yield f"    {visible(value, 60)} is called {visible(name, 60)}"
    if source.type == "prometheus":
        yield from _asked(source)
    if source.paths:
        from costtui.sources.jsonl.paths import expand
    for path in source.paths:
        problems: list[str] = []
        found = sorted({file for file in expand(path, problems) if os.path.lexists(file)})
        size = sum(os.path.getsize(file) for file in found if os.path.isfile(file))
        files = f"{count(len(found), 'file')}, {size:,} bytes" if found else "no file yet"
        yield f"    {visible(path, 300)}: {files}"
        if found and found != [path]:
            for file in found[:MATCHES_SHOWN]:
                yield f"      {visible(file, 300)}"
            if len(found) > MATCHES_SHOWN:
                yield f"      and {len(found) - MATCHES_SHOWN} more"
        for problem in problems[-MATCHES_SHOWN:]:
            yield f"      {visible(problem, 400)}"
        for file in found:
            if not os.access(file, os.R_OK):
                yield f"      {visible(file, 300)} may not be read by this user"


def _asked(source: SourceConfig) -> Iterator[str]:
    """What a Prometheus will be asked for."""
    from costtui.config.durations import duration_text

    since = "as far back as it goes"
    if source.since is not None:
        since = f"of the last {duration_text(source.since)}"
    for name, _ in source.headers:
        yield f"    with the header {visible(name, 60)}"
    if source.queries:
        yield f"    {count(len(source.queries), 'rate')} {since}, added up over time (an estimate)"
        for query in source.queries:
            unit = {"cost": "USD", "requests": "requests"}.get(
                query.quantity, f"{query.quantity} tokens"
            )
            yield f"      {unit} a {query.per}: {visible(redact(query.query), 200)}"
        return
    how = "every sample" if source.mode == "raw" else "sums that it makes (an estimate)"
    which = f"series with {visible(redact(source.match), 200)}" if source.match else "all series"
    yield f"    {how} of {which}, {since}"


def _price(price: PriceOverride) -> str:
    if price.free:
        how = "free"
    elif price.per_request is not None:
        how = f"${price.per_request:f} a request (an estimate)"
    else:
        how = ", ".join(f"{rate} ${usd.normalize():f}" for rate, usd in price.rates) + " per 1M"
    start = f" from {price.start}" if price.start else ""
    until = f" until {price.until}" if price.until else ""
    model = price.model or "(no model)"
    return f"{price.provider or '(no provider)'}/{model}: {how}{start}{until}"

"""`costtui presets`: which gateways are known, what a preset says, and which one fits a page."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from costtui.cli.common import say
from costtui.errors import SourceFormatError, SourceUnreachableError, UsageError

if TYPE_CHECKING:
    from costtui.sources.metrics.http import Fetched


class PresetsCommand:
    """List the metric presets, show one, or find out which one fits a page.

    `costtui presets` lists them; `presets show NAME` prints one as the YAML that `fields:` takes
    too; `presets detect URL|FILE` reads a metrics page and says which presets fit and why.
    """

    name = "presets"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("action", nargs="?", choices=("list", "show", "detect"), default="list")
        parser.add_argument("what", nargs="?", default="", help="a preset, a URL or a file")
        parser.add_argument(
            "--bearer-env", metavar="VARIABLE", help="detect: environment variable with a token"
        )
        parser.add_argument("--insecure", action="store_true", help="detect: do not verify TLS")

    def run(self, args: argparse.Namespace) -> int:
        if args.action == "list":
            return _list()
        if not args.what:
            wants = "a preset's name" if args.action == "show" else "a URL or a file"
            raise UsageError(f"presets {args.action} needs {wants}")
        return _show(args.what) if args.action == "show" else _detect(args)


def _list() -> int:
    from costtui.sources import presets

    width = max(map(len, presets.names()))
    for name in presets.names():
        print(f"{name:<{width}}  {presets.load(name).title}")
    return 0


def _show(name: str) -> int:
    from costtui.sources import presets
    from costtui.sources.metrics.shape_reader import nearest

    try:
        print(presets.text(name), end="")
    except KeyError:
        hint = nearest(name, presets.names())
        raise UsageError(f"no metrics preset {name!r}{hint}") from None
    return 0


def _detect(args: argparse.Namespace) -> int:
    from costtui.sources.metrics.detect import detect

    findings = detect(_page(args))
    if not findings:
        print("no preset fits this page; `fields:` can map it", file=sys.stderr)
        return 1
    for finding in findings:
        print(f"{finding.preset}: {finding.reason}")
    if findings[0].score and "://" in args.what:
        say("\n".join(_snippet(findings[0].preset, args)))
    return 0


def _snippet(preset: str, args: argparse.Namespace) -> Iterator[str]:
    """What to write into the configuration for the best fit."""
    from costtui.model.safetext import redact, visible

    yield "\nTo collect it, in the configuration:\n\nsources:"
    yield f"  - name: {preset}\n    type: metrics\n    preset: {preset}"
    yield f'    url: "{visible(redact(args.what), 300)}"'
    if args.bearer_env:
        yield f'    bearer_token: "${{{args.bearer_env}}}"'
    if args.insecure:
        yield "    insecure: true"


def _page(args: argparse.Namespace) -> bytes:
    """The page with a newline in front."""
    from costtui.model.safetext import redact
    from costtui.sources.metrics.exposition import check_kind, framed

    if "://" not in args.what:
        import gzip

        try:
            raw = Path(args.what).expanduser().read_bytes()
            body = framed([gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw])
        except (OSError, EOFError) as error:
            reason = getattr(error, "strerror", None) or "cannot be read"
            raise SourceUnreachableError(f"{args.what}: {reason}") from None
        kind = ""
    else:
        fetched = asyncio.run(_fetch(args))
        body, kind = fetched.body(), fetched.content_type
    try:
        check_kind(body, kind)
    except SourceFormatError as error:
        raise SourceFormatError(f"{redact(args.what)}: {error}") from None
    return body


async def _fetch(args: argparse.Namespace) -> Fetched:
    from costtui.config.schema import Secret, SourceConfig
    from costtui.sources.metrics.http import Fetcher

    token = None
    if args.bearer_env:
        if args.bearer_env not in os.environ:
            raise UsageError(f"--bearer-env: {args.bearer_env} is not set")
        token = Secret(os.environ[args.bearer_env])
    fetcher = Fetcher(
        SourceConfig(
            "detect", "metrics", "", url=args.what, bearer_token=token, insecure=args.insecure
        )
    )
    try:
        return await fetcher.fetch()
    finally:
        await fetcher.close()

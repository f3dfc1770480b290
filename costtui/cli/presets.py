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
from costtui.errors import (
    SourceFormatError,
    SourceRefusedError,
    SourceTimeoutError,
    SourceUnreachableError,
    UsageError,
)

if TYPE_CHECKING:
    from costtui.config.schema import SourceConfig
    from costtui.sources.metrics.http import Fetched

_ENOUGH = 64 << 20
"""Bytes that are read of a file: of a page everything, of a log its beginning."""


class PresetsCommand:
    """List the presets, show one, or find out which one fits a page or a log.

    `costtui presets` lists them; `presets show NAME` prints one as the YAML that `fields:` takes
    too; `presets detect URL|FILE` reads a metrics page (or a JSONL log, or asks a Prometheus
    server) and says which presets fit, why, and what the best of them cannot know.
    """

    name = "presets"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        # Commands of their own, not two positionals: argparse would not take the URL behind an
        # option.
        actions = parser.add_subparsers(dest="action", metavar="list|show|detect")
        actions.add_parser("list", help="every preset and what it is for (also without a word)")
        show = actions.add_parser("show", help="one preset, as the YAML that fields: takes too")
        show.add_argument("what", metavar="NAME", help="a preset")
        detect = actions.add_parser("detect", help="which presets fit a page or a log, and why")
        detect.add_argument("what", metavar="URL|FILE", help="a page, a Prometheus or a log")
        detect.add_argument(
            "--bearer-env", metavar="VARIABLE", help="environment variable with a token"
        )
        detect.add_argument("--insecure", action="store_true", help="do not verify TLS")

    def run(self, args: argparse.Namespace) -> int:
        if args.action == "show":
            return _show(args.what)
        return _detect(args) if args.action == "detect" else _list()


def _list() -> int:
    from costtui.config.presets import preset_types
    from costtui.sources import presets

    kinds = preset_types()
    width = max(map(len, kinds))
    for name, kind in sorted(kinds.items(), key=lambda pair: (pair[1], pair[0])):
        title = presets.load(name).title if kind == "metrics" else _first_words(name)
        print(f"{name:<{width}}  {kind:<7}  {title}")
    return 0


def _log_preset(name: str) -> str:
    import costtui

    path = Path(costtui.__file__).parent / "sources" / "jsonl" / "presets" / f"{name}.yml"
    return path.read_text(encoding="utf-8")


def _first_words(name: str) -> str:
    """The first sentence of a log preset's file, which says what writes such a log."""
    comment = " ".join(
        line.lstrip("# ") for line in _log_preset(name).splitlines() if line.startswith("#")
    )
    return comment.partition(". ")[0].rstrip(".")


def _show(name: str) -> int:
    from costtui.config.presets import preset_types
    from costtui.config.words import did_you_mean, quoted
    from costtui.sources import presets

    kinds = preset_types()
    if name not in kinds:
        raise UsageError(f"no preset {quoted(name)}{did_you_mean(name, list(kinds))}")
    print(presets.text(name) if kinds[name] == "metrics" else _log_preset(name), end="")
    return 0


def _detect(args: argparse.Namespace) -> int:
    from costtui.sources.metrics.detect import detect

    try:
        page = _page(args)
    except (SourceFormatError, SourceUnreachableError) as error:
        hopeless = isinstance(error, SourceRefusedError | SourceTimeoutError)
        if hopeless or not _ask_server(args):
            raise
        return 0
    # A server's own page, or an answer of its API.
    own = b"\nprometheus_build_info" in page or page.lstrip()[:1] == b"{"
    if own and _ask_server(args):
        return 0
    if page.lstrip()[:1] == b"{":
        return _detect_log(page)
    findings = detect(page)
    if not findings:
        print("no preset fits this page; `fields:` can map it", file=sys.stderr)
        return 1
    for finding in findings:
        print(f"{finding.preset}: {finding.reason}")
    if findings[0].limits:
        print(f"\nWhat {findings[0].preset} cannot know:")
        for limit in findings[0].limits:
            print(f"- {limit}")
    if findings[0].score and "://" in args.what:
        say("\n".join(_snippet(findings[0].preset, args)))
    return 0


def _ask_server(args: argparse.Namespace) -> bool:
    """Say what a Prometheus server has. False where there is none."""
    if "://" not in args.what:
        return False
    from costtui.model.safetext import redact
    from costtui.sources.prometheus.detect import probe, snippet

    # Its own page may have been named.
    url = args.what.partition("?")[0].rstrip("/").removesuffix("/metrics")
    found = asyncio.run(probe(_config(args, url)))
    if found is None:
        return False
    print(f"{redact(found.url)} is {found.version}: a source of type: prometheus")
    for fit in found.fits:
        counted = f" ({fit.series:,} series of {_instances(fit.instances)})" if fit.series else ""
        print(f"{fit.finding.preset}: {fit.finding.reason}{counted}")
    if not found.fits:
        print("no preset fits the metrics of its last day; `fields:` can map them")
    more = {"bearer_token": f'"${{{args.bearer_env}}}"'} if args.bearer_env else {}
    if args.insecure:
        more["insecure"] = "true"
    lines = snippet(found, more)
    if lines:
        say("\n" + redact("\n".join(lines)))
    return True


def _instances(count: int) -> str:
    return f"{count:,} instance{'' if count == 1 else 's'}"


def _detect_log(page: bytes) -> int:
    """Which preset reads a JSONL log, by keys that only its lines have."""
    marks = {
        "llm-proxy": (b'"is_estimate"', b'"total_cost"'),
        "kong-log": (b'"started_at"', b'"latencies"'),
        "litellm-log": (b'"litellm_call_id"', b'"response_cost"'),
    }
    line = page.lstrip().partition(b"\n")[0]
    for name, keys in marks.items():
        if all(key in line for key in keys):
            print(f"{name}: a JSONL log whose lines have {b' and '.join(keys).decode()}")
            return 0
    print("a JSONL log that no preset knows; `fields:` can map it", file=sys.stderr)
    return 1


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

        from costtui.config.files import read_bytes

        try:
            raw = read_bytes(Path(args.what).expanduser(), _ENOUGH)
            if len(raw) > _ENOUGH:
                raw = raw[: raw.rfind(b"\n") + 1]
            body = framed([gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw])
        except (OSError, EOFError) as error:
            reason = getattr(error, "strerror", None) or str(error) or "cannot be read"
            raise SourceUnreachableError(f"{args.what}: {reason}") from None
        kind = ""
    else:
        fetched = asyncio.run(_fetch(args))
        body, kind = fetched.body(), fetched.content_type
    if body.lstrip()[:1] == b"{" and "://" not in args.what:
        return body
    try:
        check_kind(body, kind)
    except SourceFormatError as error:
        raise SourceFormatError(f"{redact(args.what)}: {error}") from None
    return body


def _config(args: argparse.Namespace, url: str) -> SourceConfig:
    from costtui.config.schema import Secret, SourceConfig

    token = None
    if args.bearer_env:
        if args.bearer_env not in os.environ:
            raise UsageError(f"--bearer-env: {args.bearer_env} is not set")
        token = Secret(os.environ[args.bearer_env])
    return SourceConfig(
        "detect", "metrics", "", url=url, bearer_token=token, insecure=args.insecure
    )


async def _fetch(args: argparse.Namespace) -> Fetched:
    from costtui.model.safetext import redact
    from costtui.sources.metrics.http import Fetcher

    fetcher = Fetcher(_config(args, args.what))
    try:
        return await fetcher.fetch()
    except SourceRefusedError as error:
        said = "with this token" if args.bearer_env else "without one"
        raise SourceRefusedError(
            f"{error} (asked {said}). Put a token into an environment variable and name that: "
            f"costtui presets detect --bearer-env VARIABLE {redact(args.what)}"
        ) from None
    finally:
        await fetcher.close()

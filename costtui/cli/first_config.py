"""`costtui config init`, and the same for the screen that has nothing to show yet."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from costtui.cli.common import say
from costtui.config import locate, starter
from costtui.model.found import Discovery, Found

if TYPE_CHECKING:
    from costtui.tui.firstrun import FirstConfig

WAIT = 15.0
"""Seconds for a look around; importing what it needs takes most of them on a busy machine."""


def init(args: argparse.Namespace) -> int:
    """Print what was found and a configuration for it, or write that. Raises `UsageError`."""
    found = _look(around=not args.no_look)
    text = starter.starter(found, str(sample_config()))
    if args.json:
        print(json.dumps({"found": [one._asdict() for one in found], "text": text}))
        return 0
    for one in found:
        say(f"{one.where}: {one.text}")
    if not found and not args.no_look:
        say("Nothing answers on this machine where gateways usually do.")
    place = target(args.config)
    if not args.write:
        print(text, end="")
        say(f"\nNothing was written. `costtui config init --write` writes this to {place}.")
        return 0
    starter.write_new(place, text)
    say(f"wrote {place}")
    return 0


def _look(*, around: bool) -> list[Found]:
    log = starter.log_of(os.environ)
    found = [log] if log else []
    if around:
        from costtui.sources.local import look

        found += asyncio.run(look())
    return found


def target(named: str | None = None) -> Path:
    """Where a first configuration goes."""
    text = named or os.environ.get("COSTTUI_CONFIG", "")
    if text:
        return Path(locate.expand_home(text, os.environ))
    return locate.config_file(os.environ)


def sample_config() -> Path:
    """Where the commented example is: beside the package in a checkout, inside it in a wheel."""
    package = Path(__file__).resolve().parent.parent
    checkout = package.parent / "sample-config.yml"
    return checkout if checkout.is_file() else package / "sample-config.yml"


def for_screen(there: Path | None) -> FirstConfig:
    """What a screen without sources can do; `there` is the configuration that has none. A look
    around is a process of its own: httpx has no place in a viewer."""
    from costtui.tui.firstrun import FirstConfig

    path = there or target()
    write = None if there else lambda text: starter.write_new(path, text)
    return FirstConfig(path, _discover, write)


async def _discover() -> Discovery:
    """What is here; nothing where the look failed or took too long."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "costtui", "config", "init", "--json",
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        out, _ = await asyncio.wait_for(process.communicate(), WAIT)
        said = json.loads(out)
        return Discovery(tuple(_found(one) for one in said["found"]), str(said["text"]))
    except (TimeoutError, ValueError, KeyError, TypeError):
        return Discovery((), starter.starter((), str(sample_config())))
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def _found(row: dict[str, object]) -> Found:
    lists = {k: tuple(map(str, v)) for k, v in row.items() if isinstance(v, list)}
    return Found(str(row["where"]), str(row["text"]), lists["source"], lists["presets"],
                 bool(row["again"]))  # fmt: skip

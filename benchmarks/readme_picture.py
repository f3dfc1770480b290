"""Makes docs/overview.svg: the real screen on the demo's fleet, not on scripted data.

Starts the fleet of `costtui demo` in a folder of its own, lets a collector read it for a while and
takes the picture while it still does. Nothing of the user's own configuration is read.

    python benchmarks/readme_picture.py [--seconds 60] [--window 24h] [--output docs/overview.svg]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from costtui.config.load import load
from costtui.config.schema import Config
from costtui.engine.viewing import ViewReader
from costtui.engine.zone import zone_of
from costtui.tui.app import CosttuiApp

ROOT = Path(__file__).resolve().parent.parent
SIZE = (120, 40)
START_WAIT = 120.0
"""Seconds for a month of history to be made."""


@contextmanager
def running(home: Path, *arguments: str, answer: str = "") -> Iterator[list[str]]:
    """costtui with these arguments, from its line that starts with `answer` on; its output."""
    env = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(home), "TZ": "UTC",
           "LC_ALL": "C.UTF-8", "PYTHONUNBUFFERED": "1"}  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "costtui", *arguments], stdout=subprocess.PIPE, text=True, env=env
    )
    said: list[str] = []
    try:
        assert process.stdout is not None
        while answer and not any(line.startswith(answer) for line in said):
            line = process.stdout.readline()
            if not line:
                raise SystemExit(f"costtui {' '.join(arguments)} ended: {said}")
            said.append(line.rstrip("\n"))
        yield said
    finally:
        process.terminate()
        process.wait(START_WAIT)


async def picture(config: Config, window: str) -> str:
    """The overview as SVG."""
    zone = zone_of("UTC")
    app = CosttuiApp(
        lambda: ViewReader(config.store.path, zone=zone, consumers=config.consumers),
        config=config,
        theme="costtui-dark",
        window=window,
        wait_for_first=10.0,
    )
    async with app.run_test(size=SIZE) as pilot:
        await app.settled()
        await pilot.pause()
        return app.export_screenshot(title="costtui")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="of live traffic to read")
    parser.add_argument("--window", default="24h")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "overview.svg")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="costtui-picture-") as folder:
        home, fleet = Path(folder), Path(folder) / "fleet"
        with running(home, "demo", "--no-tui", "--keep", str(fleet), answer="config\t") as said:
            file = Path(next(line for line in said if line.startswith("config\t"))[7:])
            with running(home, "collect", "--quiet", "--config", str(file)):
                time.sleep(args.seconds)
                svg = asyncio.run(picture(load(file, env={}), args.window))
        for private in (folder, str(ROOT), str(Path.home()), os.uname().nodename):
            if len(private) > 3 and private in svg:
                raise SystemExit(f"the picture names {private}")
    args.output.write_text(svg, encoding="utf-8")
    print(f"{args.output}: {len(svg):,} bytes")


if __name__ == "__main__":
    main()

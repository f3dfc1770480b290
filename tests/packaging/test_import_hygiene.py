"""What a command imports, in a fresh interpreter: a static graph cannot see deferred imports.

Each of these libraries costs 20 to 400 ms, which is most of what a command takes.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.e2e

SCREEN = {"textual", "rich", "plotext"}
COLLECTOR = {"httpx", "prometheus_client", "genai_prices", "aiosqlite"}
HEAVY = SCREEN | COLLECTOR | {"yaml", "msgspec", "aiohttp", "textual_serve"}


def imported(code: str) -> set[str]:
    """Top-level packages among `HEAVY` that are imported after `code`."""
    script = f"{code}\nimport sys\nprint('imported:', *sorted({HEAVY} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split()[1:])


def command(*words: str) -> str:
    return f"from costtui.cli.main import main\nmain({list(words)!r})"


@pytest.mark.parametrize(
    ("code", "allowed"),
    [
        (command("--version"), set()),
        (command("--help"), set()),
        (command("report", "--help"), set()),
        (command("report"), set()),
        (command("report", "--format", "json"), set()),
        (command("db", "path"), set()),
        (command("no-such-command"), set()),
        (command("web", "--help"), set()),
        (command("alerts", "--help"), set()),
        (command("alerts"), set()),
        ("import costtui.alerts.notify.courier", set()),
        (command("check", "--help"), set()),
        (command("check"), set()),
        (command("check", "--config", "/none.yml"), set()),
        ("import costtui.engine.budgeting, costtui.engine.checking, costtui.store.counted", set()),
        ("import costtui.engine.listen.server", {"yaml"}),
        (command("themes", "--help"), set()),
        (command("config", "init", "--no-look"), set()),
        ("import costtui.cli.first_config", set()),
        ("import costtui", set()),
        (
            "import os\nfrom costtui.config.load import Overrides, load\n"
            "load(None, env=os.environ, overrides=Overrides())",
            set(),
        ),
        ("import costtui.tui.app", {"textual", "rich"}),
        ("import costtui.cli.run", set()),
        ("import costtui.cli.collect", set()),
        ("import costtui.engine.supervisor", set()),
        ("import costtui.store.reader", set()),
        ("import costtui.engine.collector", COLLECTOR | {"yaml", "msgspec"}),
    ],
)
def test_imports_no_more_than_it_needs(code: str, allowed: set[str]) -> None:
    assert imported(code) - allowed == set()

"""Real programs for the end-to-end tests: costtui in a terminal of its own, and the log it reads.

The terminal is a private tmux server: a real one, with an alternate screen, a size that changes
and a shell underneath that tells whether it was given back as it was.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

import pytest

T = TypeVar("T")

PROMPT = "READY>"
START_WAIT = 60.0
"""Seconds for a program to start on a machine that does much else."""
POLL = 0.05


def until(look: Callable[[], T], what: str | Callable[[], str], timeout: float = 20.0) -> T:
    """Look until there is something true, and return it."""
    deadline = time.monotonic() + timeout
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            said = what if isinstance(what, str) else what()
            pytest.fail(f"not within {timeout:g} s: {said}")
        time.sleep(POLL)


def processes(mark: str) -> dict[int, str]:
    """Command line by process id, of every process that names `mark` in it."""
    listed = subprocess.run(["ps", "-ewwo", "pid=,args="], capture_output=True, text=True)
    rows = (line.split(None, 1) for line in listed.stdout.splitlines())
    mine = {int(row[0]): row[1] for row in rows if len(row) == 2 and mark in row[1]}
    return {pid: args for pid, args in mine.items() if not args.startswith(("tmux", "ps "))}


class Terminal:
    """A shell in a terminal of 120x40, with an empty home, in `home`."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._sockets = tempfile.mkdtemp(prefix="ctui-tmux-")  # a socket's path must be short
        env = {k: v for k, v in os.environ.items() if not k.startswith(("COSTTUI_", "TMUX"))}
        env |= {
            "HOME": str(home),
            "TMPDIR": str(home),
            "TMUX_TMPDIR": self._sockets,
            "LC_ALL": "C.UTF-8",
            "TZ": "UTC",
            "PS1": f"{PROMPT} ",
            "TERM": "xterm-256color",
        }
        env |= {
            "XDG_CONFIG_HOME": str(home / "config"),
            "XDG_DATA_HOME": str(home / "data"),
            "XDG_STATE_HOME": str(home / "state"),
        }
        self._env = env
        self._tmux("-f", "/dev/null", "new-session", "-d", "-x", "120", "-y", "40",
                   "-c", str(home), f"env PS1='{PROMPT} ' bash --norc --noprofile")  # fmt: skip
        until(lambda: PROMPT in self.screen, "a shell prompt", START_WAIT)

    def _tmux(self, *arguments: str) -> str:
        done = subprocess.run(
            ["tmux", "-u", *arguments], env=self._env, capture_output=True, text=True, timeout=20
        )
        return done.stdout

    @property
    def screen(self) -> str:
        return self._tmux("capture-pane", "-p")

    @property
    def line(self) -> list[str]:
        return self.screen.splitlines()

    def state(self, *names: str) -> list[str]:
        """What the terminal was told: `alternate_on`, `cursor_flag` and the like."""
        shown = self._tmux("display-message", "-p", " ".join(f"#{{{name}}}" for name in names))
        return shown.split()

    def keys(self, *keys: str) -> None:
        """Press keys by tmux's names."""
        self._tmux("send-keys", *keys)

    def type(self, text: str) -> None:
        self._tmux("send-keys", "-l", "--", text)

    def resize(self, width: int, height: int) -> None:
        self._tmux("resize-window", "-x", str(width), "-y", str(height))

    def start(self, *arguments: str) -> None:
        """Run costtui and print its exit code when it has ended."""
        self.type(f"'{sys.executable}' -m costtui {' '.join(arguments)}; echo co''de=$?")
        self.keys("Enter")

    def shows(self, *texts: str, timeout: float = 20.0) -> str:
        """Wait until all of `texts` are on screen; what else is on it."""
        seen = ""

        def look() -> bool:
            nonlocal seen
            seen = self.screen
            return all(text in seen for text in texts)

        until(look, lambda: f"{texts} on\n{seen}", timeout)
        return seen

    @property
    def shell(self) -> int:
        """Process id of the shell."""
        return int(self.state("pane_pid")[0])

    @property
    def program(self) -> int:
        """Process id of what runs in the shell, 0 when nothing does."""
        listed = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(self.shell)], capture_output=True, text=True
        )
        return int((listed.stdout.split() or ["0"])[0])

    def ended(self, timeout: float = 20.0) -> int:
        """Wait until the shell has its terminal back. The exit code."""
        screen = self.shows("code=", timeout=timeout)
        until(lambda: self.state("alternate_on") == ["0"], "the normal screen")
        return int(screen.rpartition("code=")[2].split()[0])

    def close(self) -> None:
        self._tmux("kill-server")
        shutil.rmtree(self._sockets, ignore_errors=True)
        for pid in processes(str(self.home)):  # a failed test must not leave a fleet behind
            os.kill(pid, signal.SIGKILL)


def need(program: str, without: str) -> None:
    """Skip the test where a program is missing; in CI that is a failure."""
    if shutil.which(program):
        return
    reason = f"{program} is not installed: {without}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    print(reason)
    pytest.skip(reason)


def need_tmux() -> None:
    need("tmux", "the screen is not tested in a real terminal")


@pytest.fixture
def terminals(tmp_path: Path) -> Iterator[Callable[[], Terminal]]:
    """Makes terminals that share one home; they are closed with the test."""
    need_tmux()
    made: list[Terminal] = []

    def make() -> Terminal:
        made.append(Terminal(tmp_path))
        return made[-1]

    yield make
    for terminal in made:
        terminal.close()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    """A terminal with the demo on it, as `costtui demo` starts it."""
    need_tmux()
    terminal = Terminal(tmp_path_factory.mktemp("demo"))
    terminal.start("demo")
    terminal.shows("spend 24h", "llm-proxy", timeout=START_WAIT)
    yield terminal
    terminal.close()


class Log:
    """An LLM proxy's log and what it really amounts to."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.requests = self.tokens = self.cost_nano = 0

    def grow(self, lines: int) -> None:
        """Append so many requests of this minute."""
        now = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
        text = []
        for _ in range(lines):
            self.requests += 1
            number = self.requests
            used, made = 100 + number % 900, 10 + number % 90
            # 2,000 and 10,000 nano-USD a token: every cost is a whole number of nanos.
            nano = used * 2_000 + made * 10_000
            self.tokens += used + made
            self.cost_nano += nano
            text.append(json.dumps(_record(now, number, used, made)))
        with self.path.open("a") as file:
            file.write("\n".join(text) + "\n")

    @property
    def truth(self) -> tuple[int, int, int]:
        return self.requests, self.tokens, self.cost_nano


def _record(moment: str, number: int, used: int, made: int) -> dict[str, Any]:
    def dollars(tokens: int, rate: int) -> float:
        return tokens * rate / 1_000_000_000

    return {
        "timestamp": f"{moment}.{number:09d}Z",
        "provider": "openai" if number % 3 else "anthropic",
        "model": "gpt-4o" if number % 3 else "claude-sonnet-4-5",
        "endpoint": "/v1/chat/completions",
        "user_id": f"team-{number % 4}",
        "is_streaming": False,
        "input_tokens": used,
        "output_tokens": made,
        "total_tokens": used + made,
        "input_cost": dollars(used, 2_000),
        "output_cost": dollars(made, 10_000),
        "total_cost": round(dollars(used, 2_000) + dollars(made, 10_000), 9),
        "is_estimate": False,
        "request_id": f"r{number}",
    }


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path / "cost-tracking.jsonl")


@pytest.fixture
def costtui(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs one command of costtui in a process, with the environment a new user has."""

    def run(*arguments: object, **env: str) -> subprocess.CompletedProcess[str]:
        words = [sys.executable, "-m", "costtui", *map(str, arguments)]
        given = {**os.environ, "TZ": "UTC", **env}
        return subprocess.run(
            words, env=given, capture_output=True, text=True, timeout=60, cwd=tmp_path
        )

    return run


@pytest.fixture
def totals(
    costtui: Callable[..., subprocess.CompletedProcess[str]],
) -> Callable[..., tuple[int, int, int]]:
    """(requests, tokens, nano-USD) that `costtui report` prints for the last 24 hours."""

    def read(*arguments: object, **env: str) -> tuple[int, int, int]:
        done = costtui("report", "--format", "json", *arguments, **env)
        assert done.returncode == 0, done.stderr
        total = json.loads(done.stdout)["total"]
        return total["requests"], total["tokens"]["total"], total["cost_nano"]

    return read


def holder(store: Path) -> int:
    """Process id of the collector that holds the lock of `store`, 0 when none does."""
    from costtui.store.lock import WriterLock

    held = WriterLock(store).holder()
    return held.pid if held else 0


def load(path: Path) -> ModuleType:
    """A module beside the tests: test directories are no packages."""
    name = path.stem
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


def load_bench() -> ModuleType:
    """benchmarks/bench_exactness.py: real servers, and gateways that keep their truth."""
    return load(Path(__file__).parents[2] / "benchmarks" / "bench_exactness.py")


PATCHED = """
import json, sys
from importlib import import_module
for name, value in json.loads(sys.argv.pop(1)).items():
    module = import_module("costtui.sources.prometheus." + name.partition(".")[0])
    assert hasattr(module, name.partition(".")[2]), name
    setattr(module, name.partition(".")[2], value)
from costtui.cli.main import entry
sys.exit(entry())
"""


class Collectors:
    """Collector processes, in which constants of the prometheus source can be others: what takes
    an hour or millions of samples otherwise is reached in seconds."""

    def __init__(self) -> None:
        self._made: list[subprocess.Popen[bytes]] = []

    def start(
        self, config: Path, *arguments: str, patches: dict[str, float] | None = None
    ) -> subprocess.Popen[bytes]:
        """`patches`: module.CONSTANT → value."""
        command = [sys.executable, "-c", PATCHED, json.dumps(patches or {}), "collect"]
        with (config.parent / "collect.log").open("ab") as log:
            child = subprocess.Popen(
                [*command, "--config", str(config), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._made.append(child)
        return child

    def close(self) -> None:
        for child in self._made:
            if child.poll() is None:
                child.kill()
            child.wait()


@pytest.fixture
def collectors() -> Iterator[Collectors]:
    made = Collectors()
    yield made
    made.close()


@pytest.fixture(scope="session")
def history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A real Prometheus with 30 days of history. Who uses it is in one xdist group, so that it is
    made once."""
    need("promtool", "the history of a real Prometheus is not tested")
    need("prometheus", "a real Prometheus is not tested")
    made = load_bench().History(tmp_path_factory.mktemp("history"), 30)
    made.server.start()
    yield made
    made.server.stop()


# Helpers reach the tests as fixtures: test directories are no packages.


@pytest.fixture(scope="session", name="bench")
def _bench() -> ModuleType:
    return load_bench()


@pytest.fixture(scope="session", name="new_terminal")
def _new_terminal() -> type[Terminal]:
    need_tmux()
    return Terminal


@pytest.fixture(scope="session", name="drawing")
def _drawing() -> ModuleType:
    return load(Path(__file__).with_name("drawn.py"))


@pytest.fixture(scope="session", name="need")
def _need() -> Callable[[str, str], None]:
    return need


@pytest.fixture(scope="session", name="until")
def _until() -> Callable[..., object]:
    return until


@pytest.fixture(scope="session", name="processes")
def _processes() -> Callable[[str], dict[int, str]]:
    return processes


@pytest.fixture(scope="session", name="holder")
def _holder() -> Callable[[Path], int]:
    return holder

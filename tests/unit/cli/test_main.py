"""The command line: which command, which exit code, which words."""

from __future__ import annotations

import argparse
import importlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from costtui import __version__
from costtui.cli import common
from costtui.cli import main as frame
from costtui.errors import ConfigError, Problem, StoreBusyError, UsageError


class Fake:
    """Do nothing.

    Only for these tests.
    """

    name = "fake"
    seen: list[argparse.Namespace]
    end: Callable[[], int]

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--window")
        parser.add_argument("--ascii", action="store_true")
        actions = parser.add_subparsers(dest="action")
        actions.add_parser("path")
        actions.add_parser("vacuum").add_argument("--force", action="store_true")

    def run(self, args: argparse.Namespace) -> int:
        type(self).seen.append(args)
        return type(self).end()


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> type[Fake]:
    """Every command is this one."""
    Fake.seen = []
    Fake.end = staticmethod(lambda: 0)
    module = type(sys)("fake_command")
    module.Fake = Fake  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "fake_command", module)
    for name in frame.COMMANDS:
        monkeypatch.setitem(frame.COMMANDS, name, frame.Entry("fake_command:Fake", "do nothing"))
    return Fake


@pytest.mark.parametrize(
    ("argv", "name", "rest"),
    [
        ([], None, []),
        (["report"], "report", []),
        (["report", "--by", "model"], "report", ["--by", "model"]),
        (["--config", "report", "db", "path"], "db", ["--config", "report", "path"]),
        (["--config=c.yml", "--debug", "db"], "db", ["--config=c.yml", "--debug"]),
        (["--window", "24h"], None, ["--window", "24h"]),
        (
            ["--config", "my.yml", "--window", "24h"],
            None,
            ["--config", "my.yml", "--window", "24h"],
        ),
        (["--config"], None, ["--config"]),
        (["--help"], None, ["--help"]),
        (["--", "report"], None, ["--", "report"]),
    ],
)
def test_the_command_is_found(argv: list[str], name: str | None, rest: list[str]) -> None:
    assert frame.split(argv) == (name, rest)


def test_the_global_options_are_those_that_split_knows() -> None:
    parser = common.Parser()
    common.add_globals(parser)
    found = {flag: a for a in parser._actions for flag in a.option_strings if a.dest != "help"}
    assert {flag for flag, action in found.items() if action.nargs is None} == set(
        frame.VALUE_OPTIONS
    )
    assert {flag for flag, action in found.items() if action.nargs == 0} == {
        *frame.SWITCHES,
        "--version",
    }


@pytest.mark.parametrize(
    "argv",
    [
        ["--config", "a.yml", "--db", "b.db", "db", "vacuum", "--force"],
        ["db", "--config", "a.yml", "vacuum", "--db", "b.db", "--force"],
        ["db", "vacuum", "--force", "--config=a.yml", "--db=b.db"],
    ],
)
def test_global_options_stand_anywhere(fake: type[Fake], argv: list[str]) -> None:
    assert frame.main(argv) == 0
    (args,) = fake.seen
    assert (args.config, args.db, args.action, args.force) == ("a.yml", "b.db", "vacuum", True)


def test_only_options_mean_run(fake: type[Fake], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in set(frame.COMMANDS) - {"run"}:
        monkeypatch.delitem(frame.COMMANDS, name)
    assert frame.main(["--config", "my.yml", "--window", "24h", "--ascii"]) == 0
    (args,) = fake.seen
    assert (args.config, args.window, args.ascii) == ("my.yml", "24h", True)


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["reprot"], '"reprot" is not a command (did you mean "report"?)'),
        (["xyzzy"], '"xyzzy" is not a command'),
        (["db", "--cofnig", "x"], 'unknown option "--cofnig" (did you mean "--config"?)'),
        (["db", "vacuum", "--forse"], 'unknown option "--forse" (did you mean "--force"?)'),
        (["db", "vacum"], '"vacum" is not one of path, vacuum (did you mean "vacuum"?)'),
        (["db", "--frob"], 'unknown option "--frob"\n'),  # no --db
        (["--xyz"], 'unknown option "--xyz"\n'),
        (["--wndow", "24h"], 'unknown option "--wndow" (did you mean "--window"?)'),
        (["db", "-x"], 'unknown option "-x"'),
        (["db", "--conf", "x"], 'unknown option "--conf" (did you mean "--config"?)'),
        (["db", "--config"], "argument --config: expected one argument"),
        (["\x1b[31mreport"], '"\\x1b[31mreport" is not a command'),
    ],
)
def test_a_wrong_command_line(
    fake: type[Fake], argv: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert frame.main(argv) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert "Traceback" not in err
    assert fake.seen == []


def test_a_command_behind_the_options_of_run(capsys: pytest.CaptureFixture[str]) -> None:
    class Plain(Fake):
        def add_arguments(self, parser: argparse.ArgumentParser) -> None:
            parser.add_argument("--window")

    parser = common.build_parser(Plain(), "costtui", frame.COMMANDS)
    with pytest.raises(UsageError, match=r'"report": a command goes before its options, `costtui'):
        parser.parse(["--window", "24h", "report"])


class TestEnds:
    """How a command ends is the exit code."""

    def end(self, fake: type[Fake], with_: BaseException) -> None:
        def end() -> int:
            raise with_

        fake.end = staticmethod(end)

    @pytest.mark.parametrize("code", [0, 1, 3])
    def test_a_code(self, fake: type[Fake], code: int) -> None:
        fake.end = staticmethod(lambda: code)
        assert frame.main(["report"]) == code

    def test_expected_errors_are_told_whole(
        self, fake: type[Fake], capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.end(fake, StoreBusyError("costs.db: another collector\x1b[2J is writing"))
        assert frame.main(["collect", "--debug"]) == 1
        assert capsys.readouterr().err == "costs.db: another collector\\x1b[2J is writing\n"

    def test_config_errors_are_two(
        self, fake: type[Fake], capsys: pytest.CaptureFixture[str]
    ) -> None:
        problems = [Problem("c.yml", 3, "a", "wrong"), Problem("c.yml", 0, "", "too")]
        self.end(fake, ConfigError(problems))
        assert frame.main(["collect"]) == 2
        assert capsys.readouterr().err == "c.yml:3: a: wrong\nc.yml: too\n"

    def test_interrupted(self, fake: type[Fake], capsys: pytest.CaptureFixture[str]) -> None:
        self.end(fake, KeyboardInterrupt())
        assert frame.main(["run"]) == 130
        assert capsys.readouterr() == ("", "")

    def test_an_unexpected_error_is_one_line(
        self, fake: type[Fake], capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.end(fake, ZeroDivisionError("by\nzero"))
        assert frame.main(["run"]) == 1
        err = capsys.readouterr().err
        assert err == "costtui: ZeroDivisionError: by zero (--debug shows where)\n"

    def test_debug_shows_the_traceback(
        self, fake: type[Fake], capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.end(fake, ZeroDivisionError("by zero"))
        assert frame.main(["run", "--debug"]) == 1
        err = capsys.readouterr().err
        assert err.startswith("Traceback (most recent call last):\n")
        assert err.endswith("costtui: ZeroDivisionError: by zero\n")


def test_log_file_is_private_and_written(fake: type[Fake], tmp_path: Path) -> None:
    import logging

    file = tmp_path / "log"
    root = logging.getLogger()
    before = root.handlers[:], root.level

    def end() -> int:
        logging.getLogger("costtui.test").warning("it \udcff happened")
        return 0

    fake.end = staticmethod(end)
    # pytest's own handlers would keep the lone surrogate for a report that cannot carry it.
    root.handlers = []
    try:
        assert frame.main(["collect", "--log-file", str(file)]) == 0
    finally:
        for handler in root.handlers:
            handler.close()
        root.handlers = before[0]
        root.setLevel(before[1])
    assert file.stat().st_mode & 0o777 == 0o600
    assert "WARNING costtui.test: it \\udcff happened" in file.read_text(encoding="utf-8")


def test_a_log_file_that_cannot_be_written(
    fake: type[Fake], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert frame.main(["collect", "--log-file", str(tmp_path)]) == 2
    assert capsys.readouterr().err == f"--log-file {tmp_path}: Is a directory\n"


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert frame.main(["--help"]) == 0
    out = capsys.readouterr().out
    for name, entry in frame.COMMANDS.items():
        assert f"  {name}" in out
        assert entry.help in out
    assert frame.main(["-h"]) == 0


def test_help_of_a_command_is_its_docstring(
    fake: type[Fake], capsys: pytest.CaptureFixture[str]
) -> None:
    assert frame.main(["db", "--help"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("usage: costtui db ")
    assert "Do nothing.\n\nOnly for these tests." in out
    assert "--log-file FILE" in out


def test_every_command_that_is_named_exists() -> None:
    for name, entry in frame.COMMANDS.items():
        module, _, cls = entry.where.partition(":")
        assert importlib.util.find_spec(module) is not None, entry
        command: Any = getattr(importlib.import_module(module), cls)()
        assert command.name == name
        assert common.help_of(command)
        common.build_parser(command, f"costtui {name}").format_help()


def test_overrides_are_the_flags_that_were_given() -> None:
    assert common.overrides_of(argparse.Namespace()) == common.overrides_of(
        argparse.Namespace(db=None, window=None, ascii=False)
    )
    flags = common.overrides_of(argparse.Namespace(db="x.db", window="1h", ascii=True, refresh=2.0))
    assert (flags.store_path, flags.window, flags.ascii) == (Path("x.db"), "1h", True)
    assert flags.refresh == 2.0


# --- as a process --------------------------------------------------------------------------------

HEAVY = ("textual", "rich", "yaml", "httpx", "sqlite3", "aiosqlite", "genai_prices", "plotext")


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("argv", "light"),
    [
        (["--version"], ("argparse", "dataclasses", "logging")),
        (["--help"], ("logging",)),
        (["reprot"], ("logging",)),
    ],
)
def test_nothing_heavy_is_imported(argv: list[str], light: tuple[str, ...]) -> None:
    done = python(
        "import sys\nfrom costtui.cli.main import main\n"
        f"main({argv!r})\n"
        f"print([m for m in {HEAVY + light!r} if m in sys.modules], file=sys.stderr)"
    )
    assert done.stderr.splitlines()[-1] == "[]"


def test_defaults_are_loaded_without_yaml() -> None:
    done = python(
        "import sys\nfrom costtui.config.load import load\n"
        "load(None, env={'HOME': '/nowhere', 'COST_TRACKING_FILE': '/x'})\n"
        f"print([m for m in {HEAVY!r} if m in sys.modules])"
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")


def run(*argv: str, **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "costtui", *argv],
        text=True,
        check=False,
        stderr=subprocess.PIPE,
        **more,
    )


def test_version() -> None:
    done = run("--version", stdout=subprocess.PIPE)
    assert (done.returncode, done.stdout) == (0, f"costtui {__version__}\n")
    done = run("config", "--version", stdout=subprocess.PIPE)
    assert (done.returncode, done.stdout) == (0, f"costtui {__version__}\n")


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("argv", [["--version"], ["--help"], ["config", "schema"]])
def test_a_closed_pipe_ends_it_quietly(argv: list[str], unbuffered: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = run(*argv, stdout=writer, env=os.environ | {"PYTHONUNBUFFERED": unbuffered})
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has /dev/full")
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_disk_is_told(unbuffered: str) -> None:
    with open("/dev/full", "wb") as full:
        env = os.environ | {"PYTHONUNBUFFERED": unbuffered}
        done = run("config", "schema", stdout=full, env=env)
    assert done.returncode == 1
    assert done.stderr == "costtui: [Errno 28] No space left on device\n"


def test_marks_on_a_terminal_that_has_no_utf8() -> None:
    env = os.environ | {"PYTHONIOENCODING": "ascii"}
    done = run("config", "schema", "--format", "markdown", stdout=subprocess.PIPE, env=env)
    assert (done.returncode, done.stderr) == (0, "")
    assert "tokens \\xd7 rate" in done.stdout

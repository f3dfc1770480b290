"""Programs as notifiers, real ones, and Apprise in a process of its own."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from costtui.alerts.notify import compose
from costtui.alerts.notify.programs import TAIL, clean_environment
from costtui.alerts.notify.senders import Outcome, build, secrets_of
from costtui.config.alert_schema import NotifierConfig
from costtui.config.secret import Secret
from costtui.model.alert import Parcel

Make = Callable[..., Parcel]


def script(*words: str, **given: Any) -> NotifierConfig:
    usual: dict[str, Any] = {"command": words, "timeout": 20.0}
    return NotifierConfig("n", "command", **(usual | given))


def shell(text: str, **given: Any) -> NotifierConfig:
    return script("/bin/sh", "-c", text, **given)


async def run(config: NotifierConfig, *parcels: Parcel, secrets: tuple[str, ...] = ()) -> Outcome:
    return await build(config, secrets).send(parcels, 1_790_000_000.0)


async def test_a_program_reads_the_document(parcel: Make, tmp_path: Path) -> None:
    out = tmp_path / "out"
    config = shell('cat > "$0"; echo noise', command=("/bin/sh", "-c", "cat > $0", str(out)))
    both = (parcel(), parcel(2, state="resolved"))
    assert await run(config, *both) == Outcome(True, "exit code 0")
    written = out.read_bytes()
    assert written == compose.for_program(config, both, 1_790_000_000.0)
    assert [a["state"] for a in json.loads(written)["alerts"]] == ["firing", "resolved"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("echo why >&2; exit 3", Outcome(False, "exit code 3: why", message=True)),
        ("exec kill -9 $$", Outcome(False, "killed by signal 9", message=True)),
        ("no-such-program-here 2>/dev/null", Outcome(False, "exit code 127", refused=True)),
        ("exec <&-; exit 0", Outcome(True, "exit code 0")),
        ("sleep 60 & exit 0", Outcome(True, "exit code 0")),
    ],
)
async def test_how_programs_end(text: str, expected: Outcome, parcel: Make) -> None:
    # More than a pipe holds.
    many = [parcel(n, id=f"e{n}", summary="x y" * 300) for n in range(200)]
    began = time.monotonic()
    assert await run(shell(text), *many) == expected
    assert time.monotonic() - began < 15


async def test_only_the_end_of_the_output_is_kept(parcel: Make) -> None:
    text = 'head -c 3000000 /dev/zero | tr "\\0" x; printf "\\033[2Jlast words"; exit 1'
    outcome = await run(shell(text), parcel())
    assert outcome.said.endswith("xx\\x1b[2Jlast words")
    assert len(outcome.said) < TAIL


@pytest.mark.parametrize("words", [("/no/such/program",), ("/",), ("\0",)])
async def test_what_cannot_be_started(words: tuple[str, ...], parcel: Make) -> None:
    outcome = await run(script(*words), parcel())
    assert outcome.said.startswith("cannot be started: ")
    assert outcome.refused


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("cancelled", [False, True])
async def test_one_that_hangs_is_killed_with_its_children(
    cancelled: bool, parcel: Make, tmp_path: Path
) -> None:
    pids = tmp_path / "pids"
    text = f"sleep 300 & echo $! >{pids}; echo $$ >>{pids}; echo working; wait"
    task = asyncio.create_task(run(shell(text, timeout=60.0 if cancelled else 0.7), parcel()))
    if cancelled:
        async with asyncio.timeout(20):
            while not (pids.exists() and len(pids.read_text().split()) == 2):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    else:
        assert (await task).said == "did not end within 0.7 s and was killed: working"
    found = [int(pid) for pid in pids.read_text().split()]
    async with asyncio.timeout(20):
        while any(map(_alive, found)):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_it_does_not_inherit_our_secrets(
    parcel: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SLACK_WEBHOOK", "https://hooks.slack.com/services/x")
    monkeypatch.setenv("TOKEN", "t0k3n-of-kong")
    monkeypatch.setenv("COSTTUI_DB", "/somewhere")
    monkeypatch.setenv("THEIRS", "needed-by-the-program")
    out = tmp_path / "env"
    config = script("/bin/sh", "-c", f"env >{out}")
    await run(
        config,
        parcel(),
        secrets=("https://hooks.slack.com/services/x", "Bearer t0k3n-of-kong"),
    )
    env = dict(line.partition("=")[::2] for line in out.read_text().splitlines())
    assert env["THEIRS"] == "needed-by-the-program"
    assert env["PATH"] == os.environ["PATH"]
    assert not {"SLACK_WEBHOOK", "TOKEN", "COSTTUI_DB"} & set(env)


def test_short_values_are_no_secrets() -> None:
    assert clean_environment({"LANG": "C", "X": "abcdef"}, {"abcdefC", ""}) == {"LANG": "C"}


def test_every_secret_of_a_configuration_is_found() -> None:
    from costtui.config.schema import Config, SourceConfig, StoreConfig

    config = Config(
        StoreConfig(Path("x")),
        sources=(SourceConfig("s", "metrics", "", bearer_token=Secret("one")),),
        notifiers=(
            NotifierConfig("n", "webhook", Secret("two"), Secret("three"), (("X", Secret("4")),)),
        ),
    )
    assert secrets_of(config) == {"one", "two", "three", "4"}


# Apprise ----------------------------------------------------------------------------------------


def _need_apprise() -> None:
    if importlib.util.find_spec("apprise"):
        return
    reason = "Apprise is not installed (the extra `notify`): it is tested as a stub only"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    print(reason)
    pytest.skip(reason)


def to_apprise(url: str) -> NotifierConfig:
    return NotifierConfig("n", "apprise", Secret(url), timeout=60.0)


@pytest.mark.slow
async def test_apprise_reaches_a_server(receiver: Any, parcel: Make) -> None:
    _need_apprise()
    config = to_apprise(f"json://127.0.0.1:{receiver.port}/hook")
    assert await run(config, parcel()) == Outcome(True, "exit code 0")
    (_, _, body) = receiver.got[0]
    told = json.loads(body)
    assert told["title"].startswith("FIRING (warning): daily: search spent $61.20")
    assert "gpt-4o: +$40" in told["message"]
    assert told["type"] == "warning"


@pytest.mark.slow
async def test_apprise_that_fails_gives_no_secret_away(receiver: Any, parcel: Make) -> None:
    _need_apprise()
    receiver.answers = [(500, {}, "")]
    config = to_apprise(f"json://user:pass-w0rd@127.0.0.1:{receiver.port}/t0psecret-path")
    outcome = await run(config, parcel())
    assert not outcome.ok
    assert outcome.said.startswith("exit code 1: ")
    assert "pass-w0rd" not in outcome.said
    assert "t0psecret" not in outcome.said
    outcome = await run(to_apprise("nonsense://x"), parcel())
    assert outcome.refused
    assert outcome.said.endswith("Apprise does not know such a URL")
    assert "nonsense" not in outcome.said


STUB = """
class NotifyFormat:
    TEXT = "text"
class Apprise:
    def add(self, url):
        return url == "stub://key"
    def notify(self, **told):
        print("told", sorted(told))
        return told["notify_type"] != "failure"
"""


@pytest.mark.parametrize(
    ("severity", "expected"),
    [
        ("warning", Outcome(True, "exit code 0")),
        (
            "critical",
            Outcome(
                False,
                "exit code 1: told ['body', 'body_format', 'notify_type', 'title']",
                message=True,
            ),
        ),
    ],
)
async def test_what_apprise_is_asked(
    severity: str, expected: Outcome, parcel: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "apprise.py").write_text(STUB)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert await run(to_apprise("stub://key"), parcel(severity=severity)) == expected


async def test_without_apprise_it_says_what_to_install(
    parcel: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "apprise.py").write_text("raise ImportError('no')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    outcome = await run(to_apprise("json://x"), parcel())
    said = "exit code 78: Apprise is not installed: pip install 'costtui[notify]'"
    assert outcome == Outcome(False, said, refused=True)
    assert sys.modules.get("apprise") is None

"""`costtui alerts`: the list, and a sample through the real way."""

from __future__ import annotations

import asyncio
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from costtui.cli.main import main
from costtui.model.snapshot import AlertStatus
from costtui.store.writer import Store

NOW = 1_790_000_000.0


@pytest.fixture
def server() -> Iterator[tuple[str, list[bytes]]]:
    """(address, what was posted); a path with `bad` in it is refused."""
    got: list[bytes] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(self.rfile.read(int(self.headers["Content-Length"])))
            text = b"no hook " + self.path.encode()
            self.send_response(404 if "bad" in self.path else 200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            pass

    made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{made.server_address[1]}", got
    made.shutdown()
    made.server_close()
    thread.join()


def config(folder: Path, text: str) -> list[str]:
    file = folder / "c.yml"
    file.write_text(text)
    return ["--config", str(file), "--db", str(folder / "store.db")]


def test_what_each_notifier_said(
    server: tuple[str, list[bytes]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url, got = server
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("GOOD", f"{url}/services/aBcDeFgHiJ123")
    monkeypatch.setenv("BAD", f"{url}/bad/aBcDeFgHiJ123")
    flags = config(
        tmp_path,
        "notifiers:\n"
        "  - {name: chat, type: slack, url: '${GOOD}', severity: critical, group_wait: 1h}\n"
        "  - {name: hook, type: webhook, url: '${BAD}'}\n"
        "  - {name: log, type: command, command: [cat]}\n",
    )
    assert main(["alerts", "test", *flags]) == 1
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[0].startswith("chat  slack         ok: HTTP 200 (")
    assert lines[1] == "hook  webhook       FAILED: HTTP 404: no hook ***"
    assert lines[2].startswith("log   command       ok: exit code 0 (")
    assert err == "1 of 3 could not be told\n"
    assert "aBcDeFg" not in out + err
    assert len(got) == 2
    assert all(b"This is a test of costtui" in body for body in got)

    assert main(["alerts", "test", "--notifier", "chat", "--resolve", *flags]) == 0
    (attachment,) = json.loads(got[2])["attachments"]
    assert attachment["title"] == "RESOLVED (critical): costtui test"
    assert main(["alerts", "test", "--notifier", "chet", *flags]) == 2
    assert 'did you mean "chat"?' in capsys.readouterr().err
    assert main(["alerts", "test", *config(tmp_path, "{}\n")]) == 2
    assert "nobody is told" in capsys.readouterr().err


def test_the_list(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = config(tmp_path, "alerts:\n  - {name: daily, cost_over: 50, window: 24h}\n")
    assert main(["alerts", *flags]) == 0
    assert "no alert has been evaluated yet" in capsys.readouterr().err

    async def fill() -> None:
        store = await Store.open(tmp_path / "store.db", now=NOW)
        ok = AlertStatus("calm", (), "inactive", "info", 0, 10**9, NOW, "1h")
        over = ("daily", (("team", "a\x1b[2Jb"),), "firing", "critical")
        await store.put_alerts([ok, AlertStatus(*over, 61 * 10**9, 50 * 10**9, NOW, "24h")])
        await store.close()

    asyncio.run(fill())
    assert main(["alerts", "--fail-on-alert", *flags]) == 3
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "firing    critical  daily (team=a\\x1b[2Jb): $61.00 of $50.00 in 24h,"
        " since 2026-09-21 14:13 UTC",
        "inactive  info      calm: $0.00 of $1.00 in 1h, since 2026-09-21 14:13 UTC",
    ]
    assert main(["alerts", "list", "--format", "json", *flags]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [a["state"] for a in document["alerts"]] == ["firing", "inactive"]
    assert document["alerts"][0]["value"] == 61 * 10**9
    assert document["alerts"][0]["unit"] == "cost"
    assert document["alerts"][0]["since"] == "2026-09-21T14:13:20Z"


# Muting -----------------------------------------------------------------------------------------

BUDGET = "budgets:\n  - {name: team, limit: 10, by: [team]}\n"


def fired(store: Path) -> None:
    """Two teams have reached a step, one of them two."""
    steps = (("a", "50%"), ("a", "80%"), ("b", "50%"))
    alerts = [
        AlertStatus("budget team", (("team", team), ("step", step)), "firing", "warning", 900_000,
                    int(step[:-1]) * 10_000, NOW, "month", unit="share", id=f"{team}{step}")
        for team, step in steps
    ]  # fmt: skip

    async def go() -> None:
        async with await Store.open(store, now=NOW) as opened:
            await opened.put_alerts(alerts, NOW)

    asyncio.run(go())


def test_a_silence_from_a_shell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUDO_USER", "ann")
    flags = config(tmp_path, BUDGET)
    fired(tmp_path / "store.db")
    command = ["alerts", "silence", "budget team", "--for", "2h", "--match", "team=b", *flags]
    assert main([*command, "--reason", "load \x1b[31mtest"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("silence 1 until ")
    assert said.endswith(": 1 present alerts fit, 1 fire\n")
    assert main(["alerts", "silences", *flags]) == 0
    line = capsys.readouterr().out
    assert "active" in line
    assert "alert=budget team team=b" in line
    assert "by ann: load \\x1b[31mtest" in line
    assert main(["alerts", "--format", "json", *flags]) == 0
    found = {tuple(a["labels"].values()): a["muted"]
             for a in json.loads(capsys.readouterr().out)["alerts"]}  # fmt: skip
    assert [m["by"] for m in found["b", "50%"]] == ["silenced"]
    assert found["b", "50%"][0]["author"] == "ann"
    assert [m["by"] for m in found["a", "50%"]] == ["inhibited"]
    assert found["a", "80%"] == []
    assert main(["alerts", "unsilence", "1", *flags]) == 0
    assert main(["alerts", "unsilence", "1", *flags]) == 2
    assert "no silence 1 that has not ended" in capsys.readouterr().err
    assert main(["alerts", "silences", "--format", "json", "--all", *flags]) == 0
    (ended,) = json.loads(capsys.readouterr().out)["silences"]
    assert (ended["state"], ended["id"]) == ("ended", 1)


def test_an_acknowledgement_from_a_shell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = config(tmp_path, BUDGET)
    fired(tmp_path / "store.db")
    ack = ["alerts", "ack", "budget team", "--match", "team=a", *flags]
    assert main([*ack, "--reason", "on it"]) == 0
    assert main(["alerts", *flags]) == 0
    out = capsys.readouterr().out
    assert out.startswith("2 acknowledged\n")
    assert out.count("acked by ") == 2
    assert ": on it" in out
    assert main([*ack, "--undo"]) == 0
    assert capsys.readouterr().out == "2 no longer acknowledged\n"
    assert main(["alerts", "ack", "budget nobody", *flags]) == 2


def test_a_name_that_no_alert_has_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = config(tmp_path, BUDGET)
    fired(tmp_path / "store.db")
    silence = ["alerts", "silence", "--for", "2h", *flags]
    for words in (["buget team"], ["team"], ["--match", "alert=budget tea"]):
        assert main([*silence, *words]) == 2
        said = capsys.readouterr().err
        assert 'did you mean "budget team"' in said
        assert "--anyway" in said
    assert main(["alerts", "silences", *flags]) == 0
    assert "no silence is active" in capsys.readouterr().err
    assert main([*silence, "--match", "alert=~bud.*"]) == 0
    assert main([*silence, "to come", "--anyway"]) == 0
    assert "0 present alerts fit" in capsys.readouterr().out
    assert main(["alerts", "ack", "buget team", *flags]) == 2
    assert 'did you mean "budget team"' in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["silence", "--for", "2h"], "mute everything"),
        (["silence", "x", "--for", "soon"], "--for soon is not a duration"),
        (["silence", "x", "--for", "5s"], "a minute or more"),
        (["silence", "--for", "2h", "--match", "team"], "is not LABEL=VALUE"),
        (["silence", "--for", "2h", "--match", "team=~("], "--match team=~("),
    ],
)
def test_what_is_no_silence(
    words: list[str], why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["alerts", *words, *config(tmp_path, BUDGET)]) == 2
    assert why in capsys.readouterr().err


def test_without_a_store_nothing_is_muted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = config(tmp_path, BUDGET)
    assert main(["alerts", "silences", *flags]) == 0
    assert "no silence is active" in capsys.readouterr().err
    assert main(["alerts", "silence", "budget team", "--for", "1h", *flags]) == 1
    assert "there is no store yet" in capsys.readouterr().err

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

"""A real Alertmanager: it takes our alerts, groups and silences them, and hears of the end."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from costtui.alerts.notify import lane
from costtui.alerts.notify.courier import Courier
from costtui.alerts.notify.senders import build
from costtui.config.alert_schema import NotifierConfig
from costtui.config.secret import Secret
from costtui.engine.clock import SystemClock
from costtui.model.alert import AlertEvent, Parcel
from costtui.model.charge import Exactness

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

HOSTILE = 'x"}\n\x1b[2J‮ <b>&amp; \ud800'


class Alertmanager:
    """One on a free port, grouped by team, with a webhook of the test's."""

    def __init__(self, folder: Path, hook: int) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        config = folder / "alertmanager.yml"
        config.write_text(
            "route: {receiver: hook, group_by: [team], group_wait: 1s, group_interval: 1s}\n"
            "receivers:\n- name: hook\n  webhook_configs:\n"
            f"  - {{url: 'http://127.0.0.1:{hook}/', send_resolved: true}}\n"
        )
        self.log = (folder / "alertmanager.log").open("wb")
        self.process = subprocess.Popen(
            [
                "prometheus-alertmanager",
                f"--config.file={config}",
                f"--storage.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{self.port}",
                "--cluster.listen-address=",
            ],
            stdout=self.log,
            stderr=self.log,
        )

    def api(self, path: str, data: Any = None) -> Any:
        """What its API answers; a POST where there is `data`."""
        body = None if data is None else json.dumps(data).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/api/v2/{path}",
            body,
            {"Content-Type": "application/json"},
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=10) as answer:
            return json.load(answer)

    def up(self) -> bool:
        try:
            return bool(self.api("status"))
        except OSError:
            return False

    def alerts(self) -> dict[str, Any]:
        """Active ones by their `consumer`."""
        return {alert["labels"]["consumer"]: alert for alert in self.api("alerts")}

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)
        self.log.close()


@pytest.fixture
def hook() -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """What Alertmanager itself sends on: (port, messages)."""
    import http.server
    import threading

    got: list[dict[str, Any]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_address[1], got
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def alertmanager(
    need: Callable[[str, str], None],
    until: Callable[..., object],
    tmp_path: Path,
    hook: tuple[int, list[dict[str, Any]]],
) -> Iterator[Alertmanager]:
    need("prometheus-alertmanager", "a real Alertmanager is not tested")
    made = Alertmanager(tmp_path, hook[0])
    try:
        until(made.up, "an Alertmanager that answers", 60.0)
        yield made
    finally:
        made.stop()


def event(consumer: str, team: str, state: str = "firing") -> AlertEvent:
    now = time.time()
    return AlertEvent(
        id=f"id-{consumer}",
        rule="daily spend",
        labels=(("consumer", consumer), ("team", team), ("tag:cost-center", "4711")),
        severity="warning",
        state=state,
        unit="cost",
        value=61_200_000_000,
        limit=50_000_000_000,
        window="24h",
        active_at=now - 60,
        fired_at=now - 30,
        resolved_at=now if state == "resolved" else 0.0,
        exactness=Exactness.LOWER_BOUND,
        summary=f"{consumer} spent a lot",
        cause="",
        extra=(("page", "finance"),),
        notify=None,
    )


class Outbox:
    def __init__(self) -> None:
        self.parcels: dict[int, Parcel] = {}
        self.left: set[int] = set()

    def put(self, *events: AlertEvent) -> None:
        for one in events:
            key = len(self.parcels) + 1
            self.parcels[key] = Parcel(key, "am", one, 0, time.time())
            self.left.add(key)

    async def due(self, now: float, limit: int) -> list[Parcel]:
        return [self.parcels[key] for key in sorted(self.left)]

    async def delivered(self, keys: Any) -> None:
        self.left -= set(keys)

    async def failed(self, keys: Any, error: str, retry_at: float) -> None:
        pytest.fail(error)


async def test_it_takes_groups_silences_and_resolves(
    alertmanager: Alertmanager,
    hook: tuple[int, list[dict[str, Any]]],
    until: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lane, "RESEND", 0.5)
    url = Secret(f"http://127.0.0.1:{alertmanager.port}/")
    config = NotifierConfig("am", "alertmanager", url)
    outbox = Outbox()
    outbox.put(event("alice", "search"), event("bob", "search"), event(HOSTILE, "data"))
    courier = Courier([config], outbox, SystemClock(), build=build)
    task = asyncio.create_task(courier.run())

    async def seen(look: Callable[[], Any], what: str) -> Any:
        return await asyncio.to_thread(until, look, what, 40.0)

    try:
        found = await seen(lambda: len(alertmanager.alerts()) == 3 and alertmanager.alerts(), "3")
        shown = "".join(found)
        assert "\\x1b[2J\\u202e <b>&amp; \\ud800" in shown
        alice = found["alice"]
        assert alice["labels"] == {
            "alertname": "daily spend", "severity": "warning", "consumer": "alice",
            "team": "search", "tag_cost_center": "4711", "page": "finance",
        }  # fmt: skip
        assert alice["annotations"]["value"] == "≥$61.20"
        assert alice["annotations"]["summary"] == "alice spent a lot"

        # Grouped, and told onwards.
        groups = alertmanager.api("alerts/groups")
        assert sorted((g["labels"]["team"], len(g["alerts"])) for g in groups) == [
            ("data", 1),
            ("search", 2),
        ]
        await seen(lambda: {m["groupLabels"]["team"] for m in hook[1]} == {"data", "search"}, "two")

        # Told again, so that it does not end by itself.
        end = alice["endsAt"]
        await seen(lambda: alertmanager.alerts()["alice"]["endsAt"] > end, "told again")

        # Silenced by a label of ours.
        matcher = {"name": "consumer", "value": "bob", "isRegex": False, "isEqual": True}
        silence = {
            "matchers": [matcher], "createdBy": "test", "comment": "test",
            "startsAt": _iso(time.time() - 1), "endsAt": _iso(time.time() + 600),
        }  # fmt: skip
        alertmanager.api("silences", silence)
        await seen(lambda: alertmanager.alerts()["bob"]["status"]["state"] == "suppressed", "quiet")

        # Resolved.
        outbox.put(event("alice", "search", "resolved"))
        courier.wake()
        await seen(lambda: "alice" not in alertmanager.alerts(), "the end")
        await seen(
            lambda: any(
                a["status"] == "resolved" and a["labels"]["consumer"] == "alice"
                for m in hook[1]
                for a in m["alerts"]
            ),
            "the end told onwards",
        )
        assert courier.health()[0].error == ""
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert outbox.left == set()


def _iso(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))

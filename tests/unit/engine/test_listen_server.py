"""The listener over real sockets: who is answered, what with, and what it puts up with."""

from __future__ import annotations

import argparse
import gzip
import json
import re
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from costtui.cli.collect import _listening
from costtui.config.alert_schema import BudgetConfig
from costtui.config.listen import echo_of, settled
from costtui.config.schema import ListenConfig, Secret, SourceConfig
from costtui.engine.listen import http
from costtui.engine.listen.server import Listener
from costtui.errors import UsageError
from tests.unit.engine.listening import (
    NANO,
    NOW,
    Collecting,
    ask,
    config_of,
    drain,
    fill,
    listening,
    parsed,
    used,
)

TOKEN = "a-token-of-thirty-characters-xx"
BUDGETS = (BudgetConfig("each", 2 * NANO, by=("consumer",)),)


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    path = tmp_path_factory.mktemp("listener") / "t.db"
    fill(path, used("alice"), used("bob", 2 * NANO))
    with listening(config_of(path, budgets=BUDGETS)) as found:
        yield found


def test_budget_from_the_store(port: int) -> None:
    status, headers, body = ask(port, "/budget?consumer=alice&estimate=1")
    told = json.loads(body)
    assert (status, headers["Content-Type"]) == (200, "application/json")
    assert told["budgets"][0]["spent"] == "1.00"
    assert ask(port, "/budget?consumer=bob")[0] == 402
    assert told["stale"] is False
    assert headers["Cache-Control"] == "no-store"


def test_pages_that_are_not_there_and_methods(port: int) -> None:
    assert ask(port, "/budgets")[0] == 404
    assert b'did you mean \\"/budget\\"' in ask(port, "/budgets")[2]
    status, headers, _ = ask(port, "/budget", method="POST")
    assert (status, headers["Allow"]) == (405, "GET, HEAD")
    assert ask(port, "http://localhost/health")[0] == 200


def test_head_is_the_same_without_a_body(port: int) -> None:
    status, headers, body = ask(port, "/budget?consumer=alice", method="HEAD")
    assert (status, body) == (200, b"")
    assert int(headers["Content-Length"]) > 100


def test_a_connection_is_kept_and_requests_are_answered_in_their_order(port: int) -> None:
    one = b"GET /budget?consumer=alice HTTP/1.1\r\nHost: localhost\r\n\r\n"
    page = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"
    five = b"Content-Length: 5\r\n"
    body = b"GET /health HTTP/1.1\r\nHost: x\r\n" + five + five + b"\r\nhello\r\n"
    last = b"GET /nothing HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=30) as sock:
        for piece in (one[:20], one[20:] + page + body + one, last):
            sock.sendall(piece)
        raw = drain(sock)
    found = []
    while raw:
        status, headers, rest = parsed(raw)
        length = int(headers["Content-Length"])
        found.append((status, headers["Connection"]))
        raw = rest[length:]
    kept = "keep-alive"
    assert found == [(200, kept), (200, kept), (421, kept), (200, kept), (404, "close")]


def test_who_has_asked_all_is_still_answered(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as sock:
        sock.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
        sock.shutdown(socket.SHUT_WR)
        status, headers, body = parsed(drain(sock))
    assert (status, int(headers["Content-Length"])) == (200, len(body))


@pytest.mark.parametrize(
    "accept", ["application/openmetrics-text;version=x", "text/plain;version=", ";;;,,", "\x7f"]
)
def test_whatever_is_accepted_there_is_a_page(port: int, accept: str) -> None:
    status, headers, _ = ask(port, "/metrics", Accept=accept)
    assert (status, headers["Content-Type"].split(";")[0]) == (200, "text/plain")


def test_http_1_0_is_closed(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as sock:
        sock.sendall(b"GET /health HTTP/1.0\r\n\r\n")
        assert parsed(drain(sock))[1]["Connection"] == "close"


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400),  # somebody speaks TLS
        (b"GET /health\r\n\r\n", 400),
        (b"GET /health HTTP/2.0\r\n\r\n", 400),
        (b"GET /hea lth HTTP/1.1\r\n\r\n", 400),
        (b"GET /health HTTP/1.1\r\nno header\r\n\r\n", 400),
        (b"GET /health HTTP/1.1\r\n folded: x\r\n\r\n", 400),
        (b"GET /health HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (
            b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\ncontent-length: 5\r\n\r\n",
            400,
        ),
        (b"GET /health HTTP/1.1\r\nHost: localhost\r\nHost: 127.0.0.1\r\n\r\n", 400),
        (b"GET /health HTTP/1.1\r\n\r\n", 400),
        (b"GET /health HTTP/1.0\r\n\r\n", 200),
        (b"GET /health HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", 413),
        (b"POST /health HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411),
        (b"GET /health HTTP/1.1\r\nX: " + b"a" * http.HEAD_LIMIT + b"\r\n\r\n", 431),
    ],
)
def test_what_is_no_request_ends_the_connection(port: int, raw: bytes, status: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as sock:
        sock.sendall(raw)
        found = parsed(drain(sock))
    assert (found[0], found[1]["Connection"]) == (status, "close")


@pytest.mark.parametrize(
    "query",
    [
        "consumer=%00%1b%5b31m",
        "consumer=" + "%f0%9f%92%b8" * 900,
        "consumer=%ed%a0%80",
        "consumer=..%2f..%2fetc%2fpasswd",
        "consumer='; DROP TABLE day; --".replace(" ", "+"),
        "&&&&=&=",
        "%",
        "estimate=1&estimate=2",
        "consumer=\u202eabc",
    ],
)
def test_hostile_queries_are_answered_in_plain_text(port: int, query: str) -> None:
    status, _, body = ask(port, f"/budget?{query}")
    assert status in (200, 400)
    assert body.decode("ascii").rstrip("\n").isprintable()
    json.loads(body)


def test_two_hundred_at_once(port: int) -> None:
    with ThreadPoolExecutor(200) as pool:
        gate = threading.Barrier(200)

        def one(number: int) -> int:
            gate.wait(30)
            return ask(port, f"/budget?consumer=c{number}&estimate=0.5")[0]

        assert set(pool.map(one, range(200))) == {200}


def test_a_slow_client_holds_nobody_up_and_is_dropped(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "REQUEST_S", 0.3)
    with socket.create_connection(("127.0.0.1", port), timeout=30) as slow:
        slow.sendall(b"GET /budget HT")
        assert ask(port, "/budget?consumer=alice")[0] == 200
        assert drain(slow) == b""


PAGE = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"
HEALTH = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"


def test_who_asks_on_and_reads_nothing_is_dropped(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what he asked is not answered into memory meanwhile."""
    monkeypatch.setattr(http, "UNREAD_S", 0.3)
    before = pages_served(port)
    for kind in (PAGE, HEALTH):
        with (
            socket.create_connection(("127.0.0.1", port), timeout=30) as sock,
            pytest.raises((BrokenPipeError, ConnectionResetError)),
        ):
            sock.sendall(kind * 1_000_000)
    assert pages_served(port) - before < 10_000
    assert ask(port, "/budget?consumer=alice")[0] == 200


def pages_served(port: int) -> float:
    page = ask(port, "/metrics")[2].decode()
    found = re.search(r'listener_requests_total\{path="/metrics",status="200"\} (\S+)', page)
    return float(found[1]) if found else 0.0


def test_requests_of_one_connection_go_on_after_a_pause(port: int) -> None:
    """More answers than all buffers hold, read when no more can be asked: all of them come."""
    count = 800
    last = HEALTH.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    with socket.create_connection(("127.0.0.1", port), timeout=30) as sock:
        sock.sendall((PAGE + HEALTH) * count + last)
        raw = drain(sock)
    assert raw.count(b"HTTP/1.1 200 OK\r\n") == 2 * count + 1


def test_above_the_limit_of_connections_is_told(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "CONNECTIONS", 0)
    with socket.create_connection(("127.0.0.1", port), timeout=30) as sock:
        assert parsed(drain(sock))[0] == 503
    monkeypatch.undo()
    assert ask(port, "/health")[0] == 200


def test_the_page_is_packed_where_that_is_understood(port: int) -> None:
    status, headers, body = ask(port, "/metrics", **{"Accept-Encoding": "gzip"})
    assert (status, headers["Content-Encoding"]) == (200, "gzip")
    assert b"costtui_cost_usd_total" in gzip.decompress(body)


@pytest.mark.parametrize(
    ("host", "status"), [("localhost:1", 200), ("127.0.0.1", 200), ("evil.example", 421)]
)
def test_without_a_token_only_this_machines_names_are_answered(
    port: int, host: str, status: int
) -> None:
    assert ask(port, "/health", Host=host)[0] == status


def test_a_token_is_asked_for_at_every_page_and_told_nowhere(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fill(tmp_path / "t.db")
    config = config_of(tmp_path / "t.db")
    with listening(config, token=TOKEN) as port:
        for path in ("/health", "/metrics", "/budget", "/nothing"):
            for given in ("", TOKEN[:-1], TOKEN + "x", "ÿ" * 20):
                headers = {"Authorization": f"Bearer {given}"} if given else {}
                status, told, body = ask(port, path, **headers)
                assert (status, told["WWW-Authenticate"]) == (401, 'Bearer realm="costtui"')
                assert TOKEN.encode() not in body
        assert ask(port, "/health", Authorization=f"Basic {TOKEN}")[0] == 401
        assert ask(port, "/health", token=TOKEN, Host="any.name")[0] == 200
        assert TOKEN.encode() not in ask(port, "/metrics", token=TOKEN)[2]
    assert TOKEN not in caplog.text
    assert TOKEN not in repr(ListenConfig(token=Secret(TOKEN)))


def test_an_address_that_others_reach_needs_a_token() -> None:
    with pytest.raises(UsageError, match="a token is needed: set COSTTUI_LISTEN_TOKEN"):
        settled(ListenConfig("0.0.0.0:1"), {}, None)
    found = settled(ListenConfig(), {"COSTTUI_LISTEN_TOKEN": TOKEN}, "0.0.0.0:8712")
    assert (found.address, found.token) == ("0.0.0.0:8712", Secret(TOKEN))
    assert settled(ListenConfig(), {}, "[::1]:1").address == "[::1]:1"
    assert settled(ListenConfig("10.0.0.1:1", Secret(TOKEN)), {}, "8712").address.startswith("127.")
    for wrong in ("x", "1:2:3", "localhost:99999", "", "[::1", ":8712", "localhost:"):
        with pytest.raises(UsageError, match=r"--listen .*is not \[HOST:\]PORT"):
            settled(ListenConfig(), {}, wrong)
    with pytest.raises(UsageError, match="16 characters") as caught:
        settled(ListenConfig(), {"COSTTUI_LISTEN_TOKEN": "short-secret"}, None)
    assert "short-secret" not in str(caught.value)


def test_a_source_that_reads_its_own_collectors_page_is_found() -> None:
    def source(url: str, **more: str) -> SourceConfig:
        return SourceConfig("far", "metrics", "far", url=url, **more)  # type: ignore[arg-type]

    for url in ("http://127.0.0.1:8712/metrics", "http://localhost:8712", "http://[::1]:8712/m"):
        assert echo_of("127.0.0.1:8712", [source(url)]) == "far"
    assert echo_of("10.0.0.7:8712", [source("http://10.0.0.7:8712/metrics")]) == "far"
    for url in ("http://127.0.0.1:8713/metrics", "http://other:8712/metrics", ""):
        assert echo_of("127.0.0.1:8712", [source(url)]) == ""
    compared = source("http://127.0.0.1:8712/metrics", role="reconcile")
    assert echo_of("127.0.0.1:8712", [compared]) == ""


def test_a_viewers_collector_goes_on_without_a_listener(caplog: pytest.LogCaptureFixture) -> None:
    config = config_of(Path("/none"), listen=ListenConfig("0.0.0.0:1"))
    args = argparse.Namespace(listen=None, with_parent=False)
    with pytest.raises(UsageError, match="a token is needed"):
        _listening(config, args)
    args.with_parent = True
    assert _listening(config, args) == ListenConfig()
    assert "a token is needed" in caplog.text


def test_a_port_in_use_is_one_clear_error(port: int, tmp_path: Path) -> None:
    listen = ListenConfig(f"127.0.0.1:{port}")
    second = Listener(config_of(tmp_path / "t.db"), listen, Collecting())
    with pytest.raises(UsageError, match=rf"^listen: 127.0.0.1:{port}: Address already in use$"):
        second.open()
    second.close()


def test_health_says_what_is_wrong(tmp_path: Path) -> None:
    fill(tmp_path / "t.db")
    collecting = Collecting()
    with listening(config_of(tmp_path / "t.db"), collecting=collecting) as port:
        status, _, body = ask(port, "/health")
        told = json.loads(body)
        assert (status, told["up"], told["reasons"]) == (200, True, [])
        assert told["sources"][0] | {"name": "log", "state": "ok"} == told["sources"][0]
        assert told["store_bytes"] > 0
        poller = collecting.pollers[0]
        good = poller.status
        poller.status = replace(good, failures=3, error="refused: Bearer sk-abcdefgh12345678")
        status, _, body = ask(port, "/health")
        assert (status, json.loads(body)["reasons"]) == (503, ["no source can be read"])
        assert b"sk-abcdefgh12345678" not in body
        poller.status = replace(good, last_ok=NOW - 300)
        assert json.loads(ask(port, "/health")[2])["sources"][0]["state"] == "late"
        poller.status = good
        collecting.looked_at = NOW - 100
        assert ask(port, "/health")[0] == 503
        collecting.looked_at, collecting.beat_at = NOW, NOW - 100
        assert json.loads(ask(port, "/health")[2])["reasons"] == ["the store takes no writes"]


def test_a_store_that_cannot_be_read_makes_answers_old_and_ends_nothing(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    path.write_bytes(b"this is no SQLite file, and it is longer than a header of one " * 20)
    config = config_of(path, budgets=BUDGETS)
    listener = Listener(config, ListenConfig("127.0.0.1:0"), Collecting(), now=lambda: NOW)
    listener.open()
    listener.start()
    port = int(listener.address.rpartition(":")[2])
    try:
        status, _, body = ask(port, "/budget?consumer=x")
        assert (status, json.loads(body)["stale"]) == (200, True)
        assert ask(port, "/metrics")[0] == 503
        assert ask(port, "/health")[0] == 200
    finally:
        listener.close()

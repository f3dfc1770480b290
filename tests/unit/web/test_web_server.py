"""The server with a viewer that is no screen: doors, bounds and ends."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, CookieJar, WSServerHandshakeError, web

from costtui.web.guard import Guard
from costtui.web.server import Server
from costtui.web.session import within

TOKEN = "correct-horse-battery"
VIEWER = """
import json, os, sys
out, inp = sys.stdout.buffer, sys.stdin.buffer
def say(text):
    data = text.encode()
    out.write(b"D" + len(data).to_bytes(4, "big") + data)
    out.flush()
out.write(b"__GANGLION__\\n")
say(f"hello {os.getpid()} {os.environ['COLUMNS']}x{os.environ['ROWS']}")
while head := inp.read(5):
    body = inp.read(int.from_bytes(head[1:], "big")).decode()
    if head[:1] == b"M" and json.loads(body)["type"] == "quit" and "stubborn" not in sys.argv:
        break
    say(head[:1].decode() + body)
"""
PATHS = ("/", "/ws", "/static/js/textual.js", "/static/", "/page/page.js", "/download/x", "/none",
         "/static/../../server.py", "/page/page.html")  # fmt: skip


@asynccontextmanager
async def serving(
    token: str | None = TOKEN, *, sessions: int = 3, arguments: tuple[str, ...] = ()
) -> AsyncIterator[tuple[Server, str]]:
    server = Server(
        [sys.executable, "-c", VIEWER, *arguments], Guard("127.0.0.1", token=token),
        sessions=sessions, colors=("black", "white"),
    )  # fmt: skip
    runner = web.AppRunner(server.application(), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    server.listening_on(port)
    try:
        yield server, f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


def client() -> ClientSession:
    return ClientSession(cookie_jar=CookieJar(unsafe=True))  # of an address without a name


async def text_of(socket: Any) -> str:
    return (await socket.receive(timeout=10)).data.decode()  # type: ignore[no-any-return]


async def test_every_path_is_closed_without_the_token() -> None:
    async with serving() as (_, url), client() as http:
        for path in PATHS:
            for query in ("", "?token=", "?token=wrong", f"?token={TOKEN}x"):
                async with http.get(url + path + query) as answer:
                    assert answer.status == 403, path
                    assert await answer.text() == "Forbidden\n"
                    assert "costtui" not in str(answer.headers.get("Set-Cookie"))
        # The token opens the front door alone.
        async with http.get(f"{url}/page/page.js?token={TOKEN}") as answer:
            assert answer.status == 403


async def test_the_token_becomes_a_cookie() -> None:
    async with serving() as (_, url), client() as http:
        async with http.get(f"{url}/?token={TOKEN}") as answer:
            assert answer.status == 200
            kept = answer.headers["Set-Cookie"]
            assert "HttpOnly" in kept
            assert "SameSite=Strict" in kept
            assert TOKEN not in kept
            assert TOKEN not in await answer.text()
        async with http.get(f"{url}/") as answer:
            page = await answer.text()
            assert answer.status == 200
            assert "://" not in page, "nothing of another host"
            policy = answer.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "script-src 'self';" in policy
            assert "frame-ancestors 'none'" in policy
            assert answer.headers["Referrer-Policy"] == "no-referrer"
            assert "aiohttp" not in answer.headers["Server"]
        for path in ("/static/js/textual.js", "/static/css/xterm.css", "/page/page.css",
                     "/static/fonts/RobotoMono-VariableFont_wght.ttf"):  # fmt: skip
            async with http.get(url + path) as answer:
                assert answer.status == 200, path
                assert "Content-Security-Policy" in answer.headers
        for path in ("/static/", "/static/../server.py", "/page/server.py", "/download/x"):
            async with http.get(url + path) as answer:
                assert answer.status in (403, 404), path


@pytest.mark.parametrize(
    "headers",
    [{"Host": "evil.example"}, {"Origin": "http://evil.example"}, {"Origin": "null"},
     {"Host": "evil.example", "Origin": "http://evil.example"}],
)  # fmt: skip
@pytest.mark.parametrize("token", [None, TOKEN])
async def test_other_sites_stay_out_on_loopback_too(
    token: str | None, headers: dict[str, str]
) -> None:
    async with serving(token) as (server, url), client() as http:
        if token:
            await http.get(f"{url}/?token={TOKEN}")
        for path in PATHS:
            async with http.get(url + path, headers=headers) as answer:
                assert answer.status == 403
        with pytest.raises(WSServerHandshakeError):
            await http.ws_connect(f"{url}/ws", headers=headers)
        assert not server.sessions


async def test_a_session_from_its_start_to_its_end() -> None:
    async with serving(None) as (server, url), client() as http:
        async with http.ws_connect(f"{url}/ws?width=132&height=999999999", origin=url) as socket:
            hello, pid, size = (await text_of(socket)).split()
            assert (hello, size) == ("hello", "132x200")
            await socket.send_json(["stdin", "5é"])
            assert await text_of(socket) == "D5é"
            await socket.send_json(["resize", {"width": 10**9, "height": -4}])
            assert json.loads((await text_of(socket))[1:]) == {
                "type": "resize", "width": 500, "height": 5,
            }  # fmt: skip
            for rubbish in ("", "{", "[]", '["stdin", 5]', '["resize", {"width": "x"}]', "[" * 9000,
                            '["nothing"]', "null", '{"stdin": 1}'):  # fmt: skip
                await socket.send_str(rubbish)
            await socket.send_json(["ping", "17"])
            assert (await socket.receive_json(timeout=10)) == ["pong", "17"]
        await gone(int(pid))
        await _empty(server)


async def test_no_more_sessions_than_allowed() -> None:
    async with serving(None, sessions=2) as (server, url), client() as http:
        first = await http.ws_connect(f"{url}/ws")
        second = await http.ws_connect(f"{url}/ws")
        with pytest.raises(WSServerHandshakeError):
            await http.ws_connect(f"{url}/ws")
        async with http.get(url) as answer:
            assert answer.status == 503
            assert "2 sessions are taken" in await answer.text()
        await first.close()
        while len(server.sessions) > 1:
            await asyncio.sleep(0.01)
        async with http.get(url) as answer:
            assert answer.status == 200
        await second.close()


async def test_the_servers_end_is_the_viewers_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("costtui.web.session.END_WAIT", 0.3)
    pids = []
    for arguments in ((), ("stubborn",)):
        async with serving(None, arguments=arguments) as (_, url), client() as http:
            socket = await http.ws_connect(f"{url}/ws")
            pids.append(int((await text_of(socket)).split()[1]))
    for pid in pids:
        await gone(pid)


async def test_a_viewer_that_dies_ends_its_page(tmp_path: Path) -> None:
    async with serving(None) as (server, url), client() as http:
        socket = await http.ws_connect(f"{url}/ws")
        os.kill(int((await text_of(socket)).split()[1]), 9)
        assert (await socket.receive(timeout=10)).data in (None, 1000)
        assert socket.closed
        await _empty(server)
        server.viewer = [str(tmp_path / "no-such-program")]
        socket = await http.ws_connect(f"{url}/ws")
        await socket.receive(timeout=10)
        assert socket.closed
        await _empty(server)


async def _empty(server: Server) -> None:
    while server.sessions:
        await asyncio.sleep(0.01)


async def gone(pid: int) -> None:
    """pytest's timeout is the limit."""
    while Path(f"/proc/{pid}").exists():
        await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("given", "size"),
    [((80, 24), (80, 24)), ((0, 0), (20, 5)), ((10**9, 10**9), (500, 200)), ((None, 3), (80, 24)),
     (("9", 9), (80, 24))],
)  # fmt: skip
def test_sizes_are_bounded(given: tuple[object, object], size: tuple[int, int]) -> None:
    assert within(*given) == size

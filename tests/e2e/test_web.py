"""`costtui web` in a real Chromium: what a person sees, and what is left when it ends."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import Log

pytestmark = [pytest.mark.flaky(reruns=1), pytest.mark.e2e, pytest.mark.timeout(120)]
TOKEN = "a-token-of-some-length-42"


def _load_browser() -> ModuleType:
    path = Path(__file__).with_name("browser.py")
    spec = importlib.util.spec_from_file_location("browser_for_web", path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


BROWSER = _load_browser()


class Web:
    """A server in a process of its own."""

    def __init__(self, folder: Path, log: Log, *arguments: str, **env: str) -> None:
        self.config = folder / "web-test.yml"
        self.config.write_text(
            f"store: {{path: {folder / 'costtui.db'}}}\n"
            "display: {refresh: 0.2}\n"
            "sources:\n"
            f"  - {{name: proxy, type: jsonl, preset: llm-proxy, paths: ['{log.path}'],"
            " interval: 0.2s}\n"
        )
        self._log = (folder / "web.err").open("w+b")
        words = ["web", "--port", "0", "--config", str(self.config), *arguments]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "costtui", *words], stdout=subprocess.PIPE,
            stderr=self._log, env={**os.environ, **env}, text=True,
            cwd=folder,
        )  # fmt: skip
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()
        assert self.url, (folder / "web.err").read_text()

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()
        self._log.close()

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(20)


@pytest.fixture
def web(tmp_path: Path, log: Log, need: Callable[[str, str], None]) -> Iterator[Callable[..., Web]]:
    need("chromium", "costtui web is not tested in a browser")
    made: list[Web] = []

    def make(*arguments: str, **env: str) -> Web:
        made.append(Web(tmp_path, log, *arguments, **env))
        return made[-1]

    yield make
    for one in made:
        one.close()


def dollars(nano: int) -> str:
    return f"${nano / 1e9:.3f}" if nano < 1_000_000_000 else f"${nano / 1e9:.2f}"


async def test_the_overview_in_a_browser(
    web: Callable[..., Web], log: Log, tmp_path: Path, processes: Callable[[str], dict[int, str]]
) -> None:
    log.grow(700)
    server = web("--theme", "costtui-dark", "--window", "1h")
    async with BROWSER.chromium() as page:
        await page.go(server.url)
        seen = await page.shows("spend 1h", f"{log.requests:,}", dollars(log.cost_nano), "gpt-4o")
        assert "collector" in seen
        await page.press("5")
        await page.shows("spend 7d", f"{log.requests:,}", dollars(log.cost_nano))
        log.grow(300)
        await page.shows(f"{log.requests:,}", dollars(log.cost_nano))

        # The list has the focus without a click, and a file comes to the browser, not to a disk.
        assert "▌" in await page.screen()
        await page.evaluate("window.open = (url) => { window.opened = url; }")
        await page.press("e")
        await page.shows("costtui-model-")
        while not (url := await page.evaluate("window.opened")):
            await asyncio.sleep(0.05)
        got = await page.call(
            "Runtime.evaluate", expression=f"fetch('{url}').then(r => r.text())",
            awaitPromise=True, returnByValue=True,
        )  # fmt: skip
        rows = got["result"]["value"].splitlines()
        assert rows[0].startswith("window_start,window_end,model,")
        assert {row.split(",")[2] for row in rows[1:]} == {"gpt-4o", "claude-sonnet-4-5"}
        assert not list(tmp_path.glob("*.csv"))

        await page.picture(tmp_path / "web.png")
        assert (tmp_path / "web.png").stat().st_size > 20_000, "an empty picture"
        hosts = {urlsplit(asked).netloc for asked in page.asked if asked[:5] != "data:"}
        assert hosts == {urlsplit(server.url).netloc}, "the page asked somebody else"
        assert page.said == []

        running = processes(str(server.config))
        assert sum(" collect " in args for args in running.values()) == 1
        assert sum("--in-browser" in args for args in running.values()) == 1
        assert server.end() == 0
        assert processes(str(server.config)) == {}


async def test_a_token_opens_the_door_once(
    web: Callable[..., Web], log: Log, processes: Callable[[str], dict[int, str]]
) -> None:
    log.grow(40)
    server = web("--token", TOKEN, "--sessions", "1")
    assert server.url.endswith(f"/?token={TOKEN}")
    assert not any(TOKEN in args for args in processes(str(server.config)).values())
    bare = server.url.partition("?")[0]
    async with BROWSER.chromium() as page:
        await page.go(bare)
        await _says(page, "Forbidden")
        await page.go(server.url.replace(TOKEN, TOKEN.upper()))
        await _says(page, "Forbidden")
        await page.go(server.url)
        await page.shows("spend 24h", str(log.requests))
        assert await page.evaluate("location.href") == bare
        assert await page.evaluate("document.cookie") == ""

        # What a page somewhere else would do: the browser has the cookie, and says whose page.
        async with BROWSER.aiohttp.ClientSession() as other:
            for headers in ({}, {"Origin": "http://evil.example"}, {"Host": "evil.example"}):
                async with other.get(f"{bare}ws", headers=headers) as answer:
                    assert (answer.status, await answer.text()) == (403, "Forbidden\n")

        # One session is taken; the next one is told, and the first goes on.
        found = await page.call("Network.getCookies")
        cookie = {c["name"]: c["value"] for c in found["cookies"]}
        assert all(c["httpOnly"] and c["sameSite"] == "Strict" for c in found["cookies"])
        async with (
            BROWSER.aiohttp.ClientSession(cookies=cookie) as other,
            other.get(bare) as answer,
        ):
            assert answer.status == 503
            assert "--sessions" in await answer.text()
        await page.press("q")
        await _says(page, "This session has ended.")
    server.end(signal.SIGKILL)
    deadline = time.monotonic() + 10
    while processes(str(server.config)):
        assert time.monotonic() < deadline, processes(str(server.config))
        await asyncio.sleep(0.05)


async def _says(page: Any, text: str) -> None:
    for _ in range(200):
        if text in (await page.evaluate("document.body ? document.body.innerText : ''") or ""):
            return
        await asyncio.sleep(0.05)
    pytest.fail(f"the page never said {text!r}")

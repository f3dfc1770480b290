"""A real Chromium, spoken to over its devtools websocket. No driver program is needed."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--no-proxy-server", "--mute-audio", "--remote-debugging-port=0",
)  # fmt: skip
START_WAIT = 30.0
# The terminal's object is in a closure. Its constructor assigns `fitAddon` to itself, which calls
# this setter of every object's prototype once.
CATCH_TERMINAL = """
Object.defineProperty(Object.prototype, "fitAddon", {configurable: true, set(value) {
  delete Object.prototype.fitAddon;
  this.fitAddon = value;
  window.caught = this;
}});
"""
READ_TERMINAL = """(() => {
  const buffer = window.caught ? window.caught.terminal.buffer.active : null;
  const lines = [];
  for (let y = 0; buffer && y < buffer.length; y++)
    lines.push(buffer.getLine(y).translateToString(true));
  return lines.join("\\n");
})()"""


class Page:
    """One tab."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._number = 0
        self.asked: list[str] = []
        """Every URL the page asked for."""
        self.said: list[str] = []
        """What the console and the content policy complained of."""

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command; events that come meanwhile are kept."""
        self._number += 1
        number = self._number
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        while True:
            message = json.loads((await self._socket.receive(timeout=20)).data)
            if message.get("id") == number:
                assert "error" not in message, message
                result: dict[str, Any] = message["result"]
                return result
            self._event(message)

    def _event(self, message: dict[str, Any]) -> None:
        match message:
            case {"method": "Network.requestWillBeSent", "params": {"request": {"url": str(url)}}}:
                self.asked.append(url)
            case {"method": "Network.webSocketCreated", "params": {"url": str(url)}}:
                self.asked.append(url)
            case {"method": "Log.entryAdded", "params": {"entry": {"level": "error"} as entry}}:
                self.said.append(entry["text"])
            case {"method": "Runtime.exceptionThrown", "params": {"exceptionDetails": details}}:
                self.said.append(str(details.get("exception", details)))

    async def evaluate(self, expression: str) -> Any:
        found = await self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        return found["result"].get("value")

    async def go(self, url: str) -> None:
        await self.call("Page.navigate", url=url)

    async def screen(self) -> str:
        """The text in the terminal."""
        text: str = await self.evaluate(READ_TERMINAL) or ""
        return text

    async def shows(self, *texts: str, timeout: float = 20.0) -> str:
        """Wait until the terminal shows all of `texts`; the whole of it."""
        deadline = asyncio.get_running_loop().time() + timeout
        while True:
            seen = await self.screen()
            if all(text in seen for text in texts):
                return seen
            assert asyncio.get_running_loop().time() < deadline, f"no {texts} in:\n{seen}"
            await asyncio.sleep(0.05)

    async def press(self, key: str) -> None:
        """A key with a character, as the keyboard gives it."""
        for kind in ("keyDown", "keyUp"):
            text = {"text": key} if kind == "keyDown" else {}
            await self.call("Input.dispatchKeyEvent", type=kind, key=key, **text)

    async def picture(self, path: Path) -> None:
        found = await self.call("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(found["data"]))


@asynccontextmanager
async def chromium(width: int = 1280, height: int = 800) -> AsyncIterator[Page]:
    """A browser with one empty tab, and everything it wrote gone at the end."""
    assert PROGRAM is not None
    home = Path(tempfile.mkdtemp(prefix="costtui-chromium-"))
    process = await asyncio.create_subprocess_exec(
        PROGRAM, *FLAGS, f"--user-data-dir={home}", f"--window-size={width},{height}",
        "about:blank",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True, env={**os.environ, "HOME": str(home)},
    )  # fmt: skip
    try:
        port = await _port(home / "DevToolsActivePort")
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
                tabs = await answer.json(content_type=None)
            url = next(t["webSocketDebuggerUrl"] for t in tabs if t["type"] == "page")
            async with session.ws_connect(url, max_msg_size=0) as socket:
                page = Page(socket)
                for domain in ("Page", "Network", "Runtime", "Log"):
                    await page.call(f"{domain}.enable")
                await page.call("Page.addScriptToEvaluateOnNewDocument", source=CATCH_TERMINAL)
                yield page
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        shutil.rmtree(home, ignore_errors=True)


async def _port(file: Path) -> int:
    for _ in range(int(START_WAIT / 0.05)):
        if file.is_file() and (lines := file.read_text().split()):
            return int(lines[0])
        await asyncio.sleep(0.05)
    raise AssertionError(f"Chromium did not start within {START_WAIT:g} s")

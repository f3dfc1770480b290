"""The HTTP server of `costtui web`: its doors, its pages, and one session a websocket.

textual-serve gives the terminal in the page (its script, style and fonts) and the protocol with a
viewer. Its own `Server` is not used: its page loads a font from another host, its addresses are
made from the name it was started with, it runs a shell, and nothing in it asks who is there.
"""

from __future__ import annotations

import asyncio
import html
import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path

import textual_serve
from aiohttp import WSMsgType, web
from textual_serve.download_manager import DownloadManager

from costtui.web.guard import COOKIE_DAYS, Guard
from costtui.web.session import Session, within

HERE = Path(__file__).parent
STATIC = Path(textual_serve.__file__).parent / "static"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
"""Everything from here and nothing from elsewhere. `unsafe-inline` is for the styles that the
terminal writes for its colours; it is not for scripts."""
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Server": "costtui",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
# Not a redirect: SameSite=Strict would withhold the cookie on one that began on another site,
# such as a link in a chat. A page that goes on by itself is ours.
INSIDE = '<!DOCTYPE html><meta http-equiv="refresh" content="0;url=/"><title>costtui</title>'
FONT_SIZES = (8, 16, 40)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
log = logging.getLogger(__name__)


class Server:
    """Sessions of one viewer command line, for those whom the guard lets in."""

    def __init__(
        self,
        viewer: Sequence[str],
        guard: Guard,
        *,
        sessions: int,
        colors: tuple[str, str],
        secure: bool = False,
    ) -> None:
        """`colors` are background and foreground of the page around the terminal; `secure` keeps
        the cookie to https."""
        self.viewer = list(viewer)
        self.guard = guard
        self.most = sessions
        self.sessions: set[Session] = set()
        self._colors = colors
        self._secure = secure
        self._downloads = DownloadManager()
        self._sockets: set[web.WebSocketResponse] = set()
        self._cookie = "costtui"

    def application(self) -> web.Application:
        app = web.Application(middlewares=[self._door])
        app.add_routes(
            [
                web.get("/", self._page),
                web.get("/ws", self._terminal),
                web.get("/download/{key}", self._download),
                web.static("/static", STATIC),
                *(web.get(f"/page/{name}", _file(name)) for name in ("page.css", "page.js")),
            ]
        )
        app.on_response_prepare.append(_headers)
        app.on_shutdown.append(self._shut)
        return app

    def listening_on(self, port: int) -> None:
        """Browsers share cookies between the ports of a host: each server has its own name."""
        self._cookie = f"costtui-{port}"

    # The door -------------------------------------------------------------------------------

    @web.middleware
    async def _door(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        host = request.headers.get("Host")
        guard = self.guard
        if not (guard.host_may(host) and guard.origin_may(request.headers.get("Origin"), host)):
            return _forbidden()
        known = guard.cookie_may(request.cookies.get(self._cookie, ""))
        if request.path == "/" and "token" in request.query:
            right = guard.token_may(request.query["token"])
            return self._let_in(right) if right or known else _forbidden()
        return await handler(request) if known else _forbidden()

    def _let_in(self, right: bool) -> web.Response:
        """Take the token out of the address, and leave a cookie in its place."""
        response = web.Response(text=INSIDE, content_type="text/html")
        response.headers["Cache-Control"] = "no-store"
        if right:
            response.set_cookie(
                self._cookie, self.guard.cookie, max_age=COOKIE_DAYS * 86_400, httponly=True,
                samesite="Strict", secure=self._secure,
            )  # fmt: skip
        return response

    # Pages ----------------------------------------------------------------------------------

    async def _page(self, request: web.Request) -> web.Response:
        if len(self.sessions) >= self.most:
            return self._full()
        least, usual, most = FONT_SIZES
        asked = request.query.get("fontsize", "")
        size = min(most, max(least, int(asked[:4]))) if asked.isdecimal() else usual
        text = (HERE / "page.html").read_text(encoding="utf-8")
        back, front = self._colors
        for mark, value in (("%FONT%", str(size)), ("%BACK%", back), ("%FRONT%", front)):
            text = text.replace(mark, html.escape(value))
        return web.Response(
            text=text, content_type="text/html", headers={"Cache-Control": "no-store"}
        )

    def _full(self) -> web.Response:
        what = "session is" if self.most == 1 else f"{self.most} sessions are"
        return web.Response(
            status=503,
            text=f"The {what} taken. Close a tab and load this page again "
            "(costtui web --sessions).\n",
            headers={"Cache-Control": "no-store"},
        )

    async def _download(self, request: web.Request) -> web.StreamResponse:
        """A file that a viewer delivers; its key is a fresh UUID that only its page was told."""
        key = request.match_info["key"]
        try:
            about = await self._downloads.get_download_metadata(key)
        except KeyError:
            raise web.HTTPNotFound from None
        name = "".join(c for c in about.file_name if c.isalnum() or c in "-_.") or "costtui"
        response = web.StreamResponse(
            headers={
                "Content-Type": "application/octet-stream",
                "Content-Disposition": f'attachment; filename="{name}"',
                "Cache-Control": "no-store",
            }
        )
        await response.prepare(request)
        async for chunk in self._downloads.download(key):
            await response.write(chunk)
        await response.write_eof()
        return response

    # A tab ----------------------------------------------------------------------------------

    async def _terminal(self, request: web.Request) -> web.StreamResponse:
        if len(self.sessions) >= self.most:
            return self._full()
        socket = web.WebSocketResponse(heartbeat=15, max_msg_size=1 << 20)
        session = Session(
            self.viewer, write_bytes=socket.send_bytes, write_str=socket.send_str,
            close=socket.close, downloads=self._downloads,
        )  # fmt: skip
        # Counted before anything is waited for: two tabs cannot both take the last place.
        self.sessions.add(session)
        try:
            await socket.prepare(request)
            self._sockets.add(socket)
            sizes = (request.query.get(name, "") for name in ("width", "height"))
            await session.start(*within(*(int(s[:6]) if s.isdecimal() else None for s in sizes)))
            async for message in socket:
                if message.type == WSMsgType.TEXT:
                    await self._said(session, socket, message.data)
        except (ConnectionError, OSError) as error:
            log.warning("a session ended: %s", error)
        finally:
            self._sockets.discard(socket)
            try:
                await asyncio.shield(asyncio.ensure_future(session.end()))
            finally:
                self.sessions.discard(session)
        return socket

    async def _said(self, session: Session, socket: web.WebSocketResponse, text: str) -> None:
        """One message of the page; what is none is passed over."""
        try:
            said = json.loads(text)
        except (ValueError, RecursionError):
            return
        match said:
            case ["stdin", str(data)]:
                await session.send_bytes(data.encode("utf-8", "replace"))
            case ["resize", {"width": int(width), "height": int(height)}]:
                await session.set_terminal_size(*within(width, height))
            case ["ping", str(data)]:
                await socket.send_json(["pong", data])
            case ["blur"]:
                await session.blur()
            case ["focus"]:
                await session.focus()

    async def _shut(self, _: web.Application) -> None:
        """Every viewer leaves when the server does."""
        for socket in list(self._sockets):
            with suppress(ConnectionError, TimeoutError):
                await asyncio.wait_for(socket.close(code=1001, message=b"the server ends"), 1.0)
        await asyncio.gather(*(session.end() for session in list(self.sessions)))


def _forbidden() -> web.Response:
    """The same for every reason: who has no token learns nothing by trying."""
    return web.Response(status=403, text="Forbidden\n")


def _file(name: str) -> Handler:
    async def handler(_: web.Request) -> web.StreamResponse:
        return web.FileResponse(HERE / name)

    return handler


async def _headers(_: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)

"""The fleet's pages over real HTTP on loopback, and a small control page for tests."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from costtui.demo import agentgateway, kong
from costtui.demo.fleet import Fleet
from costtui.demo.gateway import GatewayDownError
from costtui.demo.history import history_truth

_PATHS = ("/metrics", "/stats/prometheus")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # A fleet that was just stopped must be able to start on the same ports.
    allow_reuse_address = True


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "costtui-demo"
    # One segment an answer: headers and body apart cost 40 ms a scrape (delayed ACK), measured.
    wbufsize = 1 << 18

    def answer(self, status: int, content_type: str, body: str) -> None:
        data = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the terminal belongs to the screen."""


class FleetServer:
    """Serves a fleet. All access to the fleet goes through `lock`."""

    def __init__(self, fleet: Fleet, *, port_base: int = 0) -> None:
        """Binds and starts at once. `port_base` 0 takes free ports, else one after the other.

        Raises OSError when a port is taken.
        """
        self.fleet = fleet
        self.lock = threading.Lock()
        self._servers: list[_Server] = []
        self.urls: dict[str, str] = {}
        try:
            for name in fleet.gateways:
                self.urls[name] = f"{self._bind(self._page(name), port_base)}/metrics"
            self.control = self._bind(self._control(), port_base)
        except OSError:
            self.close()
            raise

    def _bind(self, handler: type[_Handler], port_base: int) -> str:
        port = port_base + len(self._servers) if port_base else 0
        server = _Server(("127.0.0.1", port), handler)
        self._servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}"

    def _page(self, name: str) -> type[_Handler]:
        fleet, lock = self.fleet, self.lock
        content_type = kong.CONTENT_TYPE if name == "kong" else agentgateway.CONTENT_TYPE
        openmetrics = "" if name == "kong" else agentgateway.OPENMETRICS

        class Page(_Handler):
            def do_GET(self) -> None:
                if urlsplit(self.path).path not in _PATHS:
                    self.answer(404, "text/plain", "not found\n")
                    return
                try:
                    with lock:
                        text = fleet.page(name)
                except GatewayDownError:
                    # As a process that is not there: the connection ends without an answer.
                    self.close_connection = True
                    return
                asked = "application/openmetrics-text" in self.headers.get("Accept", "")
                self.answer(200, (asked and openmetrics) or content_type, text)

        return Page

    def _control(self) -> type[_Handler]:
        actions: dict[str, Callable[[dict[str, str]], Any]] = {
            "/truth": lambda _: self.fleet.truth().to_dict(),
            "/truth/history": lambda _: history_truth(self.fleet).to_dict(),
            "/advance": lambda query: self.fleet.advance(float(query["to"])),
            "/restart": lambda query: self.fleet.restart(
                query["gateway"], graceful=query.get("graceful", "1") != "0"
            ),
            "/rotate": lambda query: str(self.fleet.rotate(query.get("how", "rename"))),
        }
        lock = self.lock

        class Control(_Handler):
            def do_GET(self) -> None:
                self._act(("/truth", "/truth/history"))

            def do_POST(self) -> None:
                self._act(("/advance", "/restart", "/rotate"))

            def _act(self, allowed: tuple[str, ...]) -> None:
                parts = urlsplit(self.path)
                if parts.path not in allowed:
                    self.answer(404, "text/plain", "not found\n")
                    return
                query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
                try:
                    with lock:
                        result = actions[parts.path](query)
                except (KeyError, ValueError) as error:
                    self.answer(400, "text/plain", f"{error!r}\n")
                    return
                self.answer(200, "application/json", json.dumps(result))

        return Control

    def close(self) -> None:
        """Stop answering. May be called twice."""
        for server in self._servers:
            server.shutdown()
            server.server_close()
        self._servers.clear()

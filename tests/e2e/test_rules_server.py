"""A real Prometheus loads exported rules, finds them healthy and fires for money that `increase()`
does not see: a series that begins at what it costs."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from costtui.cli.main import main

CONFIG = """
timezone: Europe/Berlin
alert_interval: 1s
sources:
  - {name: kong, type: metrics, preset: kong, gateway: kong, url: "http://127.0.0.1:8001/metrics"}
alerts:
  - preset: usual
  - {name: dear, cost_over: 2, window: 5m, by: [model], severity: critical}
  - {name: quiet, silent_for: 30m, by: [model]}
  - {name: down, source_down_for: 5m}
budgets:
  - {name: month, limit: 5, burn_over: 3, by: [gateway], forecast: false}
"""
LABELS = 'ai_provider="openai",cache_status="",workspace="default"'


@contextmanager
def kong() -> Iterator[tuple[int, list[str]]]:
    """(port, the lines of its page)."""
    lines = [f'kong_ai_llm_cost_total{{ai_model="old",{LABELS}}} 700']

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            text = ("# TYPE kong_ai_llm_cost_total counter\n" + "\n".join(lines) + "\n").encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_port, lines
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.e2e
def test_a_real_server_takes_the_rules_and_sees_a_first_value(
    tmp_path: Path,
    bench: ModuleType,
    need: Callable[[str, str], None],
    until: Callable[..., Any],
) -> None:
    need("prometheus", "the exported rules are not loaded into a real server")
    file, rules = tmp_path / "c.yml", tmp_path / "rules.yml"
    file.write_text(f'store: {{path: "{tmp_path}/s.db"}}\n{CONFIG}')
    assert main(["rules", "export", "--config", str(file), "--output", str(rules)]) == 0
    with kong() as (port, lines):
        server = bench.RealPrometheus(tmp_path / "server", {"kong": [f"127.0.0.1:{port}"]})
        settings = server.folder / "prometheus.yml"
        whole = json.loads(settings.read_text())
        whole["global"]["evaluation_interval"] = "1s"
        settings.write_text(json.dumps({**whole, "rule_files": [str(rules)]}))
        server.start()
        try:

            def evaluated() -> list[dict[str, Any]]:
                groups = json.loads(server._get("/api/v1/rules"))["data"]["groups"]
                found: list[dict[str, Any]] = groups[0]["rules"] if groups else []
                return found if all(rule["health"] == "ok" for rule in found) else []

            until(lambda: server.value('up{job="kong"}') == 1, "the page was scraped")
            found = until(evaluated, "every rule is healthy")
            alerts = [rule for rule in found if rule["type"] == "alerting"]
            assert {rule["name"] for rule in alerts} >= {"total 24h", "dear", "quiet", "down"}
            until(lambda: server.query("model_gateway:llm_cost_usd:total"), "a baseline")
            lines.append(f'kong_ai_llm_cost_total{{ai_model="new",{LABELS}}} 3.25')

            def firing() -> set[tuple[str, str]]:
                data = json.loads(server._get("/api/v1/alerts"))["data"]["alerts"]
                return {
                    (a["labels"]["alertname"], a["annotations"]["summary"])
                    for a in data
                    if a["state"] == "firing" and a["labels"].get("step") in (None, "50%")
                }

            wanted = {
                ("dear", "dear (model=new): $3.25 spent in 5m, limit $2.00"),
                ("budget month", "budget month (gateway=kong): 65% of the budget spent in this"
                 " month, step 50%"),
            }  # fmt: skip
            until(lambda: firing() >= wanted, lambda: f"{wanted} of {firing()}")
            assert firing() == wanted  # what was spent before is a baseline
            assert server.value("sum(increase(kong_ai_llm_cost_total[5m]))") == 0
        finally:
            server.stop()

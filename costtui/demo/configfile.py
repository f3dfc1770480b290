"""The configuration of the demo: what a user would write for such a fleet."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from costtui.demo.people import CONSUMERS, shown_consumer

INTERVAL = 2
"""Seconds between two scrapes."""

_PRESETS = {"kong": "kong", "agentgateway-eu": "agentgateway", "agentgateway-us": "agentgateway"}

_ALERTS = """\
alert_interval: 5s
display: {alerts: [bell]}  # its alerts fire all the time; F4 has them
alerts:
  - name: sonnet-hour
    cost_over: 0.50
    window: 1h
    where: {model: claude-sonnet-4-5}
    severity: critical
  - name: fleet-hour
    cost_over: 1.00
    window: 1h
    for: 30m
    severity: warning
  - name: consumer-day
    cost_over: 2000
    window: 24h
    by: [consumer]
    severity: info
budgets:
  - {name: company, limit: 13000}
  - {name: team, limit: 10000, by: [team], parent: company}
  - {name: anthropic, limit: 8000, where: {provider: anthropic}, parent: company}
  - {name: a day, limit: 600, period: day}
  - {name: thirty days, limit: 20000, rolling: 30d}
"""
"""The first fires with the first minutes' traffic at any hour of the day, the second is pending
for half an hour, the third sleeps. Of the budgets some are reached late in a month."""


def write_config(
    directory: Path,
    urls: Mapping[str, str],
    log_pattern: str,
    services: Mapping[str, Mapping[str, str]],
    *,
    interval: float = INTERVAL,
    store: Path | None = None,
) -> Path:
    """Write `config.yml` into `directory`, with the store beside it, and return its path.

    `urls` is the page of each scraped gateway, `log_pattern` the glob of the proxy's log,
    `services` what a gateway's failures are labelled with and the provider that means.
    """
    lines = [
        "# Made by `costtui demo`: a simulated fleet on this machine.",
        "store:",
        f"  path: {_text(store or directory / 'costtui.db')}",
        "sources:",
    ]
    for name, url in urls.items():
        lines += [
            f"  - name: {name}",
            "    type: metrics",
            f"    preset: {_PRESETS[name]}",
            f"    gateway: {name}",
            f"    url: {_text(url)}",
            f"    interval: {interval:g}s",
            "    services:",
        ]
        lines += [
            f"      {_text(service)}: {{provider: {provider}}}"
            for service, provider in services[name].items()
        ]
    lines += [
        "  - name: llm-proxy",
        "    type: jsonl",
        "    preset: llm-proxy",
        "    gateway: llm-proxy",
        f"    paths: [{_text(log_pattern)}]",
        f"    interval: {interval:g}s",
        "pricing:",
        '  - {provider: ollama, model: "*", free: true}',
        "consumers:",
    ]
    lines += [
        f"  {_text(shown_consumer(who.id))}: "
        f"{{name: {_text(who.name)}, team: {who.team}, org: demo}}"
        for who in CONSUMERS
    ]
    path = directory / "config.yml"
    path.write_text("\n".join(lines) + "\n" + _ALERTS, encoding="utf-8")
    return path


def _text(value: object) -> str:
    """A JSON string is a YAML string."""
    return json.dumps(str(value), ensure_ascii=False)

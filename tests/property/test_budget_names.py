"""Whoever is out of budget is refused, whatever the name holds: what `/budget` and `costtui check`
look up is what a source and the store made of it."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote_from_bytes

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from costtui.cli.main import main
from costtui.config.load import load
from costtui.config.people import People
from costtui.engine.listen.budget import answered, asked
from costtui.engine.standing import Standings, read_standings
from costtui.engine.zone import zone_of
from costtui.sources.metrics.mapping import Mapper
from costtui.sources.presets import shape_of
from costtui.store.counted import CountedReader

SECRET = "sk-proj-abcdefghijklmnopqrstuvwxyz0123456789"
NAMES = [
    "eve", "eve\u200b",
    "eve\ufeff", "\u202eeve", "eve\x1b[31m", "eve\0", "e\nve", "eve\u00a0", " eve ",
    "z" * 200, "z" * 201, "z" * 199 + "\u200b\u200b", "none", "-", "", SECRET, SECRET + "\0",
    "\u200b" + SECRET,
    "y" * 201 + SECRET, "\ufffd", "\\u200b", "💸", "a+b&c=d%", "10.0.0.1", "key:1",
]  # fmt: skip
CONFIG = """
store: {{path: {folder}/t.db}}
timezone: UTC
sources:
  - {{name: log, gateway: gw, type: jsonl, preset: llm-proxy, path: {folder}/log.jsonl}}
budgets:
  - {{name: each, limit: 1, by: [consumer], forecast: false}}
  - {{name: models, limit: 1, by: [model], forecast: false}}
  - {{name: places, limit: 1, by: [endpoint], forecast: false}}
"""
ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
DIMENSIONS = (("consumer", "each"), ("model", "models"), ("endpoint", "places"))


def spent(folder: Path, names: Sequence[str]) -> Standings:
    """Each name spent two dollars, as consumer, as model and as endpoint."""
    when = datetime.now(UTC).isoformat()
    lines = [
        {"timestamp": when, "model": n, "user_id": n, "endpoint": n, "input_tokens": 1,
         "total_cost": 2.0, "request_id": f"request-{i}"}
        for i, n in enumerate(names)
    ]  # fmt: skip
    (folder / "log.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))
    (folder / "c.yml").write_text(CONFIG.format(folder=folder))
    assert main(["collect", "--once", "--config", str(folder / "c.yml")]) == 0
    config = load(folder / "c.yml", env={})
    zone = zone_of("UTC")
    with CountedReader(config.store.path, zone=zone, consumers=()) as reader:
        return read_standings(reader, config.budgets, time.time(), zone, frozenset(["log"]))


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@example(NAMES)
@given(st.lists(ANY, min_size=1, max_size=40))
def test_whatever_a_name_holds_its_budget_is_found(
    capsys: pytest.CaptureFixture[str], names: list[str]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        standings = spent(Path(folder), names)
        for name in names:
            for dimension, budget in DIMENSIONS:
                question = asked(f"{dimension}={quote_from_bytes(name.encode())}", ())
                found = answered(question, standings, standings.at, People(()), on_stale="allow")
                assert (found.status, found.document["budget"]) == (402, budget), (name, dimension)
        for name in names[:25]:
            if "\0" in name:  # no argument of a program holds one
                continue
            capsys.readouterr()
            arguments = ["check", "--config", f"{folder}/c.yml", f"--consumer={name}"]
            assert main(arguments) == 2, (name, capsys.readouterr().out)


@given(st.one_of(ANY, st.sampled_from(NAMES)))
def test_a_page_of_metrics_gives_a_consumer_the_same_name(name: str) -> None:
    from costtui.config.schema import SourceConfig

    config = SourceConfig("m", "metrics", "gw", "kong", url="http://h", gateway_labels=("place",))
    mapper = Mapper(shape_of(config), config)
    labels = {"consumer": name, "ai_model": name, "ai_provider": "openai", "place": name}
    series = mapper.series("kong_ai_llm_cost_total", labels, "k", b"kong_ai_llm_cost_total")
    dims = series.placements[0].dims
    text = quote_from_bytes(name.encode())
    lookup = asked(f"consumer={text}&model={text}", ())
    assert {"consumer": dims.consumer, "model": dims.model} == lookup.given

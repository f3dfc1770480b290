"""The report command on a real store: priced, appended, read back."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from costtui.cli.common import build_parser
from costtui.cli.report import ReportCommand
from costtui.config.schema import Config, PriceOverride, StoreConfig
from costtui.errors import StoreError, UsageError
from costtui.model.charge import CostPolicy
from costtui.model.dimension import Dimensions
from costtui.model.usage import UsageRecord
from costtui.pricing.calculate import Pricer
from costtui.store.lock import WriterLock
from costtui.store.writer import Store

_spec = importlib.util.spec_from_file_location(
    "report_schema", Path(__file__).with_name("test_report_schema.py")
)
assert _spec is not None
assert _spec.loader is not None
_module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_module)
faults, SCHEMA = _module.faults, _module.SCHEMA

NOW = datetime(2026, 11, 2, 9, 59, 30, tzinfo=UTC).timestamp()
CONFIG = """\
consumers:
  alice: {name: Alice, team: checkout, tags: {env: prod, cost-center: "4711"}}
"""


def used(minutes_ago: int, provider: str, model: str, consumer: str, **values: Any) -> UsageRecord:
    ns = (int(NOW) - 60 * minutes_ago) * 10**9
    dims = Dimensions(provider, model, consumer, "eu")
    return UsageRecord(ns, ns, dims, request_id="r", part="log", **values)


RECORDS = [
    used(5, "openai", "gpt-4o", "alice", input=1000, output=100),  # $0.0035
    used(90, "openai", "gpt-4o", "alice", input=3000, output=100),  # $0.0085
    used(95, "anthropic", "claude-sonnet-4-5", "bob", input=1000, output=10),  # $0.00315
    used(10, "corp", "nobody-knows", "bob", input=77, output=3),
    used(11, "openai", "gpt-4o", "bob", throttled=1),
    used(2880, "openai", "gpt-4o", "bob", input=10**6),  # before the window
]


@pytest.fixture
async def store(tmp_path: Path) -> Path:
    path = tmp_path / "data" / "costtui.db"
    pricer = Pricer(Config(store=StoreConfig(path), pricing=(PriceOverride("none"),)))
    charges = [pricer.charge(record, CostPolicy.REPORTED) for record in RECORDS]
    path.parent.mkdir(mode=0o700)
    lock = WriterLock(path)
    lock.acquire()
    async with await Store.open(path, now=NOW) as opened:
        await opened.register("log", "jsonl", "eu")
        await opened.append("log", RECORDS, charges, now=NOW)
    lock.release()
    (tmp_path / "config.yml").write_text(CONFIG, encoding="utf-8")
    return path


def run(store: Path, *words: str) -> int:
    command = ReportCommand(clock=lambda: NOW)
    parser = build_parser(command, "costtui report")
    config = str(store.parent.parent / "config.yml")
    return command.run(parser.parse(["--db", str(store), "--config", config, *words]))


def test_the_figures_of_a_real_store(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(store, "--format", "json") == 0
    document = json.loads(capsys.readouterr().out)
    total = document["total"]
    assert total["cost"] == "0.01515"
    assert (total["requests"], total["throttled"]) == (5, 1)
    assert total["tokens"]["total"] == 1100 + 3100 + 1010 + 80
    assert total["unpriced"] == {"requests": 1, "tokens": 80}
    assert total["exactness"] == "lower_bound"
    assert document["unpriced_models"] == [
        {"provider": "corp", "model": "nobody-knows", "requests": 1, "tokens": 80}
    ]
    assert [(g["key"]["model"], g["cost"]) for g in document["groups"]] == [
        ("gpt-4o", "0.012"),
        ("claude-sonnet-4-5", "0.00315"),
        ("nobody-knows", "0.00"),
    ]


@pytest.mark.parametrize(
    ("words", "cost"),
    [
        (["--since", "3d"], "2.51515"),
        (["--since", "1"], "0.0035"),
        (["--where", "consumer=alice"], "0.012"),
        (["--where", "team=checkout", "--by", "team"], "0.012"),
        (["--where", "model!=gpt-4o"], "0.00315"),
        (["--where", "model~^claude"], "0.00315"),
        (["--where", "model!~^claude", "--where", "provider=openai"], "0.012"),
        (["--since", "2026-11-02T08:00", "--until", "2026-11-02T09:00"], "0.01165"),
    ],
)
def test_windows_and_filters(
    store: Path, words: list[str], cost: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run(store, "--format", "json", *words)
    assert json.loads(capsys.readouterr().out)["total"]["cost"] == cost


@pytest.mark.parametrize("name", ["summary", "detailed", "hourly", "csv"])
def test_every_format_works_on_a_real_store(
    store: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(store, "--format", name) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    if name != "csv":
        assert "≥$0.0152" in captured.out


def test_consumers_go_by_their_names(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(store, "--by", "consumer")
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines if line.endswith(("1,090", "4,200"))] == [
        "Alice",
        "bob",
    ]
    run(store, "--by", "consumer", "--format", "csv")
    assert ",alice,Alice,USD,0.012," in capsys.readouterr().out
    run(store, "--by", "consumer", "--format", "json")
    groups = json.loads(capsys.readouterr().out)["groups"]
    assert [(g["key"]["consumer"], g.get("consumer_name")) for g in groups] == [
        ("alice", "Alice"),
        ("bob", None),
    ]


def test_tags_are_dimensions(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(store, "--by", "tag:env,model", "--format", "json")
    document = json.loads(capsys.readouterr().out)
    assert list(faults(document, SCHEMA)) == []
    assert document["by"] == ["tag:env", "model"]
    assert [(g["key"]["tag:env"], g["key"]["model"], g["cost"]) for g in document["groups"]] == [
        ("prod", "gpt-4o", "0.012"),
        ("", "claude-sonnet-4-5", "0.00315"),
        ("", "nobody-knows", "0.00"),
        ("", "gpt-4o", "0.00"),
    ]
    run(store, "--by", "tag:env", "--format", "csv")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split(",")[2] == "x_Tag_env"
    assert [line.split(",")[2] for line in lines[1:]] == ["prod", ""]
    run(store, "--where", "tag:cost-center=4711", "--by", "consumer", "--format", "json")
    document = json.loads(capsys.readouterr().out)
    assert document["total"]["cost"] == "0.012"
    assert document["where"] == [{"dimension": "tag:cost-center", "op": "=", "value": "4711"}]
    run(store, "--where", "tag:env=(none)")
    out = capsys.readouterr().out
    assert "Only: tag:env=(none)" in out
    assert "≥$0.0032" in out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--by", "tag:enc"), r'no consumer has "tag:enc"; .* \(did you mean "tag:env"\?\)'),
        (("--where", "tag:cost=1"), "there are cost-center, env"),
        (("--by", "tags:env"), "is not one of .*tag:NAME"),
    ],
)
def test_a_tag_that_nobody_has(store: Path, arguments: tuple[str, str], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        run(store, *arguments)


def test_hours_add_up(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(store, "--format", "hourly", "--since", "3")
    lines = capsys.readouterr().out.splitlines()
    hours = [line.split() for line in lines if line.startswith("2026-")]
    assert [(line[1], line[3]) for line in hours] == [
        ("07:00", "$0.0000"),
        ("08:00", "$0.0116"),  # 0.01165, half to even
        ("09:00", "≥$0.0035"),
    ]


def test_a_file_that_is_no_store_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "costtui.db"
    path.write_bytes(b"this is no database, but it is long enough to be looked at" * 100)
    (tmp_path / "config.yml").write_text("{}", encoding="utf-8")
    command = ReportCommand(clock=lambda: NOW)
    args = build_parser(command, "costtui report").parse(["--db", str(path)])
    with pytest.raises(StoreError, match=r"costtui\.db"):
        command.run(args)


def test_report_imports_no_screen_and_no_network(store: Path) -> None:
    code = (
        "import sys\n"
        "from costtui.cli.main import main\n"
        f"code = main(['report', '--db', {str(store)!r}, '--format', 'json'])\n"
        "bad = {'textual', 'rich', 'httpx', 'genai_prices', 'plotext', 'prometheus_client'}\n"
        "sys.exit(', '.join(sorted(bad & set(sys.modules))) or code)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "PYTHONWARNINGS": "error"},
    )
    assert (done.returncode, done.stderr) == (0, "No usage in this window.\n")
    assert json.loads(done.stdout)["schema"] == 2

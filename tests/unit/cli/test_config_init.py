"""`costtui config init`: a first configuration that loads, written once."""

from __future__ import annotations

import os
import stat
from glob import escape
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costtui.cli import first_config
from costtui.cli.main import main
from costtui.config import starter
from costtui.config.load import load
from costtui.errors import UsageError
from costtui.model.found import Found, once
from costtui.sources import doubles

KONG = Found("127.0.0.1:8001", "kong", ("- name: kong", "  type: metrics", "  preset: kong",
             '  url: "http://127.0.0.1:8001/metrics"'), ("kong",))  # fmt: skip
PROM = Found("127.0.0.1:9090", "a server", (
    "- name: kong", "  type: prometheus", "  preset: kong",
    "  url: 'http://127.0.0.1:9090'"), ("kong",))  # fmt: skip
AGENT = Found("127.0.0.1:15020", "agentgateway", (
    "- name: agentgateway", "  type: metrics", "  preset: agentgateway",
    '  url: "http://127.0.0.1:15020/metrics"'), ("agentgateway",))  # fmt: skip


@pytest.fixture(autouse=True)
def _nothing_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("costtui.sources.local.PLACES", ())

    async def look() -> list[Found]:
        return []

    monkeypatch.setattr("costtui.sources.local.look", look)


def loaded(tmp_path: Path, text: str) -> list[str]:
    """Names of the sources of a configuration that must be right."""
    file = tmp_path / "made.yml"
    file.write_text(text, encoding="utf-8")
    config = load(file, env={"HOME": "/home/me"})
    doubles.check(config.sources)
    return [source.name for source in config.sources]


@pytest.mark.parametrize(
    ("found", "names"),
    [
        ([], []),
        ([KONG], ["kong"]),
        ([PROM, KONG, AGENT], ["kong", "agentgateway"]),
        ([KONG, KONG], ["kong"]),
        ([Found("x", "a stranger")], []),
    ],
)
def test_what_is_made_loads(tmp_path: Path, found: list[Found], names: list[str]) -> None:
    text = starter.starter(once(found), "/usr/share/costtui/sample-config.yml")
    assert loaded(tmp_path, text) == names
    if found[:2] == [PROM, KONG]:
        assert "# - name: kong" in text, "the same traffic again is there as a comment"


@pytest.mark.parametrize("drop", ["# ", "#"])
def test_the_examples_are_right_once_uncommented(tmp_path: Path, drop: str) -> None:
    text = starter.starter([], "sample.yml")
    body = "\n".join(
        line.removeprefix("# ") for line in text.splitlines()[4:] if "USD per" not in line
    )
    assert loaded(tmp_path, body) == ["proxy", "kong-edge", "fleet"]


@given(st.text(min_size=1, max_size=40))
def test_any_log_and_sample_path_make_a_configuration_that_loads(
    tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    name = "".join(c for c in name if c not in "\0/" and not 0xD800 <= ord(c) < 0xE000) or "x"
    env = {"COST_TRACKING_FILE": f"/var/log/{name}", "HOME": "/home/me"}
    log = starter.log_of(env)
    assert log is not None
    text = starter.starter([log], f"/opt/{name}/sample.yml")
    file = tmp_path_factory.getbasetemp() / "log.yml"
    file.write_text(text, encoding="utf-8")
    config = load(file, env=env)
    assert [s.name for s in config.sources] == ["llm-proxy"], "the variable adds no second one"
    assert log.good is os.path.abspath(f"/var/log/{name}").isprintable()
    assert config.sources[0].paths == (escape(os.path.abspath(f"/var/log/{name}")),)


def test_init_prints_and_writes_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("COST_TRACKING_FILE", str(tmp_path / "cost.jsonl"))
    assert main(["config", "init"]) == 0
    said = capsys.readouterr()
    assert loaded(tmp_path, said.out) == ["llm-proxy"]
    assert "cost.jsonl: the LLM proxy's log, not there yet" in said.err
    assert "--write" in said.err
    assert not first_config.target().exists()


def test_write_makes_a_private_file_once(capsys: pytest.CaptureFixture[str]) -> None:
    place = Path(os.environ["XDG_CONFIG_HOME"]) / "costtui" / "config.yml"
    assert main(["config", "init", "--write"]) == 0
    assert str(place) in capsys.readouterr().err
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert stat.S_IMODE(place.parent.stat().st_mode) == 0o700
    place.write_text("timezone: UTC\n")
    assert main(["config", "init", "--write"]) == 2
    assert "left alone" in capsys.readouterr().err
    assert place.read_text() == "timezone: UTC\n"
    other = place.with_name("other.yml")
    assert main(["config", "init", "--write", "--no-look", "--config", str(other)]) == 0
    assert other.is_file()


def test_a_link_to_nowhere_and_a_closed_folder_are_told(tmp_path: Path) -> None:
    link = tmp_path / "link.yml"
    link.symlink_to(tmp_path / "elsewhere.yml")
    with pytest.raises(UsageError, match="already"):
        starter.write_new(link, "x")
    assert not (tmp_path / "elsewhere.yml").exists()
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="file"):
        starter.write_new(tmp_path / "file" / "config.yml", "x")


async def test_the_screens_look_is_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COST_TRACKING_FILE", "/var/log/x.jsonl")
    first = first_config.for_screen(None)
    discovery = await first.look()
    assert discovery.found[0].where == "/var/log/x.jsonl"
    assert discovery.found[0].good
    assert "llm-proxy" in discovery.text
    assert first.write is not None
    assert first_config.for_screen(Path("there.yml")).write is None


async def test_a_look_that_fails_is_a_look_that_found_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("sys.executable", "/bin/false")
    discovery = await first_config.for_screen(None).look()
    assert discovery.found == ()
    assert loaded(tmp_path, discovery.text) == []

"""Each invalid file beside its whole message."""

from __future__ import annotations

from pathlib import Path

import pytest

from costtui.config import load, sections
from costtui.errors import ConfigError

FOLDER = Path(__file__).parents[2] / "fixtures" / "config" / "invalid"
NAMES = sorted(path.stem for path in FOLDER.glob("*.yml"))
ENV = {
    "HOME": "/home/nobody",
    "COSTTUI_STORE": "/srv",
    "ZONE": "Europe/Belin",
    "EMPTY": "",
    "TOKEN": "s3cr3t-from-the-environment",
    "TWO_LINES": "s3cr3t\nSet-Cookie: x",
}
PRESETS = {
    "agentgateway": "metrics",
    "kong": "metrics",
    "kong-requests": "metrics",
    "llm-proxy": "jsonl",
}


@pytest.fixture(autouse=True)
def _fixed_presets(monkeypatch: pytest.MonkeyPatch) -> None:
    """A new preset must not change the messages of these files."""
    monkeypatch.setattr(sections, "preset_types", lambda: PRESETS)
    monkeypatch.setattr("costtui.config.build.preset_types", lambda: PRESETS)


@pytest.mark.parametrize("name", NAMES)
def test_every_problem_is_told_with_file_line_and_key(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(FOLDER)
    with pytest.raises(ConfigError) as caught:
        load.load(Path(f"{name}.yml"), env=ENV)
    expected = (FOLDER / f"{name}.expected").read_text(encoding="utf-8")
    assert sorted(str(caught.value).splitlines()) == sorted(expected.splitlines())
    lines = [problem.line for problem in caught.value.problems]
    assert lines == sorted(lines)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("name", NAMES)
def test_no_message_repeats_a_secret(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FOLDER)
    with pytest.raises(ConfigError) as caught:
        load.load(Path(f"{name}.yml"), env=ENV)
    for secret in ("hunter2", "abcdef", "s3cr3t", "Bearer"):
        assert secret not in str(caught.value)


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(ConfigError, match=r"^/nowhere/c\.yml: no such file$"):
        load.load(Path("/nowhere/c.yml"), env={"HOME": "/h"})
    with pytest.raises(ConfigError, match=r"c\.yml: no such file \(named by COSTTUI_CONFIG\)$"):
        load.load(None, env={"HOME": "/h", "COSTTUI_CONFIG": "/nowhere/c.yml"})


def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load.load(tmp_path, env={"HOME": "/h"})


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "c.yml"
    file.write_bytes(b"#" * (1 << 20) + b"\n")
    with pytest.raises(ConfigError, match="is larger than 1 MiB"):
        load.load(file, env={"HOME": "/h"})
    with pytest.raises(ConfigError, match="is larger than 1 MiB"):
        load.load(Path("/dev/zero"), env={"HOME": "/h"})


def test_endless_problems_are_cut(tmp_path: Path) -> None:
    file = tmp_path / "c.yml"
    file.write_text("".join(f"k{n}: 1\n" for n in range(5000)), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load.load(file, env={"HOME": "/h"})
    told = str(caught.value).splitlines()
    assert len(told) == 101
    assert told[-1] == f"{file}: and 4900 more problems"

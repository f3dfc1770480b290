"""A pattern that would be looked through for ever is given up, and says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from costtui.cli.config_cmd import summary
from costtui.config.schema import Config, SourceConfig, StoreConfig
from costtui.sources.jsonl import paths


@pytest.fixture
def many(tmp_path: Path) -> str:
    for folder in "abc":
        (tmp_path / folder).mkdir()
        for number in range(4):
            (tmp_path / folder / f"x{number}").touch()
    return f"{tmp_path}/**/x*"


def test_so_many_names_and_no_more(many: str, monkeypatch: pytest.MonkeyPatch) -> None:
    problems: list[str] = []
    assert len(set(paths.expand(many, problems))) == 12
    assert problems == []
    monkeypatch.setattr(paths, "MAX_LOOKED", 15)
    assert 0 < len(set(paths.expand(many, problems))) < 12
    (said,) = problems
    assert said.startswith(f"{many}: not looked through to its end, after 15 names or 5 s")


def test_so_long_and_no_longer(many: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "MAX_SECONDS", -1.0)
    source = SourceConfig("s", "jsonl", "g", "llm-proxy", 1.0, paths=(many,))
    lines = list(summary(Config(StoreConfig(tmp_path / "c.db"), sources=(source,))))
    assert any("not looked through to its end" in line for line in lines)

"""A notifier's `template:`: what is wrong with it is told before the first alert."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costtui.config.load import load
from costtui.config.placeholders import PLACEHOLDERS, fill, is_json, placeholders
from costtui.errors import ConfigError


def read(folder: Path, type_: str, template: str) -> list[str]:
    file = folder / "c.yml"
    quoted = template.replace("'", "''")
    file.write_text(
        f"notifiers:\n  - {{name: n, type: {type_}, url: '${{HOOK}}', template: '{quoted}'}}\n"
    )
    try:
        load(file, env={"HOME": "/h", "HOOK": "https://hook/x"})
    except ConfigError as error:
        return [f"{problem.line} {problem.key}: {problem.message}" for problem in error.problems]
    return []


@pytest.mark.parametrize(
    ("type_", "template"),
    [
        ("slack", "*{rule}* is {state}: {value} > {limit} {labels.tag:cost-center}"),
        ("slack", "{ } {1} {{}} no placeholder at all {"),
        ("webhook", '{"text": "{summary}", "n": {value_number}, "deep": {"a": ["{id}"]}}'),
        ("webhook", '["{since}", "{until}"]'),
        ("webhook", "{summary} is no JSON"),
    ],
)
def test_good_ones(type_: str, template: str, tmp_path: Path) -> None:
    assert read(tmp_path, type_, template) == []


@pytest.mark.parametrize(
    ("type_", "template", "said"),
    [
        ("slack", "{sumary}", '"sumary" is not a placeholder (did you mean "summary"?)'),
        ("webhook", '{"a": "{Value}"}', '"Value" is not a placeholder (did you mean "value"?)'),
        ("slack", "{label.team}", '"label.team" is not a placeholder (did you mean "labels"?)'),
        ("webhook", '{"a": {summary}}', "begins like JSON and is none (line 1)"),
        ("webhook", '{"a": "{summary}"', "begins like JSON and is none (line 1)"),
    ],
)
def test_bad_ones(type_: str, template: str, said: str, tmp_path: Path) -> None:
    (problem,) = read(tmp_path, type_, template)
    assert problem.startswith("2 notifiers[0].template: ")
    if "label.team" not in said:
        assert problem.endswith(said)
    else:
        assert "did you mean" in problem


def test_one_that_is_like_none_names_them_all(tmp_path: Path) -> None:
    (problem,) = read(tmp_path, "slack", "{xyzzy} {xyzzy}")
    assert all(name in problem for name in (*PLACEHOLDERS, "labels.NAME"))


@given(st.text(), st.text())
def test_what_is_filled_in_is_not_looked_at_again(value: str, around: str) -> None:
    around = around.replace("{", "").replace("}", "")
    assert fill(around + "{summary}", lambda _: "{id}" + value) == around + "{id}" + value
    assert list(placeholders(around + "{summary}")) == ["summary"]
    assert not is_json("{summary}" + around)

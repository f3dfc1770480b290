"""Whatever a file holds, it loads or it is a `ConfigError` that points into the file."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from costtui.config import load, yamltree
from costtui.config.durations import UNITS, duration_text, parse_duration
from costtui.config.globs import matches
from costtui.config.keys import ROOT
from costtui.config.sections import ListOf, MapOf, Section, Shape
from costtui.config.words import Problems
from costtui.errors import ConfigError, Problem

ENV = {"HOME": "/h", "SET": "text", "EMPTY": "", "NUMBER": "5", "LINES": "a\nb"}
SAMPLE = (Path(__file__).parents[3] / "sample-config.yml").read_text(encoding="utf-8")
QUICK = settings(
    deadline=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def loads_or_explains(text: str | bytes, folder: Path) -> None:
    data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    file = folder / "c.yml"
    file.write_bytes(data)
    problems: list[Problem] = []
    try:
        load.load(file, env=ENV)
    except ConfigError as error:
        problems = error.problems or [Problem("", -1, "", "an error without a problem")]
    lines = max(1, len(data.decode("utf-8", "replace").splitlines()))
    for problem in problems:
        assert 0 <= problem.line <= lines
        assert problem.message
        assert str(problem).isprintable()


@QUICK
@given(st.text(max_size=200))
@example("\ufeff")
@example("a: &a\n  <<: *a")
@example('"\\ud800": 1')
@example('display: {theme: "\\uDEAD"}')
@example("%YAML 99999999999999999999.1\n---\na: 1")
@example("- \n- ")
@example("sources:\n  -")
@example("? ")
@example("\r\r\r:")
@example("a: \x85b: 1")
@example("display:\u2028  theme: x")
def test_any_text(tmp_path: Path, text: str) -> None:
    loads_or_explains(text, tmp_path)


@QUICK
@given(st.binary(max_size=200))
def test_any_bytes(tmp_path: Path, data: bytes) -> None:
    loads_or_explains(data, tmp_path)


# fmt: off
WORDS = [
    "jsonl", "metrics", "kong", "llm-proxy", "15s", "24h", "0", "-1", "1e9", ".inf", "${SET}",
    "${UNSET}", "${EMPTY}", "${LINES}", "$${x}", "${", "~/x", "**", "a/**/b", "[", "forever",
    "all", "1M", "1K", "provider", "count", "reconcile", "http://h/metrics", "http://u:p@h",
    "http://[", "UTC", "../..", "Europe",
]
# fmt: on

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.dates(),
    st.sampled_from(WORDS),
    st.text(max_size=12),
)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=6,
)


def shaped(shape: Shape) -> st.SearchStrategy[Any]:
    """Data of about the right shape, so that the deep checks are reached."""
    if isinstance(shape, Section):
        keys = {key.name: shaped(key.kind) for key in shape.keys}
        known = st.fixed_dictionaries({}, optional=keys)
        return known | st.tuples(known, anything).map(lambda pair: {**pair[0], "odd": pair[1]})
    if isinstance(shape, ListOf):
        return st.lists(shaped(shape.item), max_size=3) | anything
    if isinstance(shape, MapOf):
        return st.dictionaries(st.text(max_size=6), shaped(shape.item), max_size=3) | anything
    return scalars | anything


@QUICK
@given(shaped(ROOT))
def test_any_yaml_of_about_the_right_shape(tmp_path: Path, data: Any) -> None:
    loads_or_explains(yaml.safe_dump(data, allow_unicode=True), tmp_path)


@QUICK
@given(
    st.integers(0, len(SAMPLE)),
    st.integers(0, 200),
    st.text(max_size=8) | st.sampled_from(["\t", "*a", "&a ", "!!int ", "{", "}", "[", ": ", "- "]),
)
def test_a_damaged_sample(tmp_path: Path, at: int, cut: int, put: str) -> None:
    loads_or_explains(SAMPLE[:at] + put + SAMPLE[at + cut :], tmp_path)


@QUICK
@given(text=st.text(alphabet="a:-[]{}&*!|>'\"%@`# \n\t,?~<=\\ux0", max_size=40))
@pytest.mark.parametrize("loader", [yaml.SafeLoader, yaml.CSafeLoader])
def test_both_yaml_parsers_stay_inside(text: str, loader: Any) -> None:
    problems = Problems("f")
    with suppress(ConfigError):
        yamltree.parse(text, problems, loader=loader)
    assert all(0 <= p.line <= max(1, len(text.splitlines())) for p in problems.found)


@QUICK
@given(shaped(ROOT))
def test_the_tree_says_what_yaml_says(data: Any) -> None:
    text = yaml.safe_dump(data, allow_unicode=True)
    problems = Problems("f")
    try:
        tree = yamltree.parse(text, problems)
    except ConfigError:
        assume(False)
    assert texts(tree) == texts_of(yaml.compose(text, Loader=yaml.SafeLoader))


def texts(node: yamltree.Node | None) -> Any:
    if isinstance(node, yamltree.Sequence):
        return [texts(item) for item in node.items]
    if isinstance(node, yamltree.Mapping):
        return {key.text: texts(value) for key, value in node.items}
    return None if node is None or node.is_null else node.text


def texts_of(node: Any) -> Any:
    if isinstance(node, yaml.SequenceNode):
        return [texts_of(item) for item in node.value]
    if isinstance(node, yaml.MappingNode):
        return {key.value: texts_of(value) for key, value in reversed(node.value)}
    null = node is None or node.tag == "tag:yaml.org,2002:null"
    return None if null else node.value


@given(st.integers(1, 10**9), st.sampled_from(sorted(UNITS)))
def test_durations_are_read_and_written_back(number: int, unit: str) -> None:
    assume(number * UNITS[unit] <= 36500 * 86400)
    seconds = parse_duration(f"{number}{unit}")
    assert seconds == number * UNITS[unit]
    assert parse_duration(duration_text(int(seconds))) == seconds


names = st.sampled_from(["a", "b", "ab", ".a"])
patterns = st.sampled_from(["a", "*", "?", "a*", "**", "[ab]", ".*"])


@settings(deadline=None, max_examples=150)
@given(st.lists(names, min_size=1, max_size=4), st.lists(patterns, min_size=1, max_size=4))
def test_globs_match_what_glob_finds(
    tmp_path_factory: pytest.TempPathFactory, parts: list[str], pattern: list[str]
) -> None:
    import glob

    assume(pattern[-1] != "**")  # glob then finds folders too, which no source reads
    root = tmp_path_factory.mktemp("g")
    file = root.joinpath(*parts)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"")
    wanted = f"{root}/{'/'.join(pattern)}"
    hidden = any(part.startswith(".") for part in parts[:-1])
    assume(not hidden)  # `**` skips hidden folders in glob; taking them as read is the safe side
    assert matches(wanted, str(file)) == (str(file) in glob.glob(wanted, recursive=True))

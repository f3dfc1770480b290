"""Saved views and memory: files that two viewers share, and that may be damaged."""

from __future__ import annotations

import json
import multiprocessing
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costtui.config.schema import Config, DisplayConfig, SavedView, StoreConfig
from costtui.errors import UsageError
from costtui.model.snapshot import Filter
from costtui.tui.habits import REMEMBERED, VIEWS, Habits, of_config, told
from costtui.tui.place import FIELDS, filtered, filters_text, laid_on, taken
from costtui.tui.state import State, parse_filter

DAMAGED = ["", "{", "[1]", "null", '{"theme": 1}', '{"window": {"over": "x"}}', "\x00\xff",
           "[" * 9999,
           '{"window": {"value": ["x"]}, "group": {"value": {"a": 1}}}']  # fmt: skip


def habits(folder: Path, **more: object) -> Habits:
    return Habits(folder, file={"theme": "costtui-dark", "window": "24h"}, **more)  # type: ignore[arg-type]


def test_what_was_chosen_is_there_the_next_time(tmp_path: Path) -> None:
    one = habits(tmp_path / "state")
    one.note("theme", "dracula")
    one.note("unit", "tokens")
    one.keep()
    assert habits(tmp_path / "state").remembered() == {"theme": "dracula", "unit": "tokens"}
    file = tmp_path / "state" / REMEMBERED
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert [f.name for f in file.parent.iterdir()] == [REMEMBERED]


def test_it_holds_until_the_file_says_something_else(tmp_path: Path) -> None:
    one = habits(tmp_path)
    one.note("theme", "dracula")
    one.note("group", "team")
    one.keep()
    changed = Habits(tmp_path, file={"theme": "gruvbox-dark", "window": "24h"})
    assert changed.remembered() == {"group": "team"}
    changed.note("theme", "nord")
    changed.keep()
    assert Habits(tmp_path, file={"theme": "gruvbox-dark"}).remembered()["theme"] == "nord"
    assert "theme" not in habits(tmp_path).remembered()


def test_a_flag_wins_for_this_run_and_is_not_remembered(tmp_path: Path) -> None:
    one = habits(tmp_path)
    one.note("window", "7d")
    one.keep()
    flagged = habits(tmp_path, said={"window"})
    assert flagged.remembered() == {}
    flagged.keep()
    assert habits(tmp_path).remembered() == {"window": "7d"}


def test_off_is_off(tmp_path: Path) -> None:
    one = habits(tmp_path)
    one.note("window", "7d")
    one.keep()
    off = habits(tmp_path, remember=False)
    assert off.remembered() == {}
    before = (tmp_path / REMEMBERED).read_text()
    off.note("window", "1h")
    off.keep()
    assert (tmp_path / REMEMBERED).read_text() == before
    Habits().note("window", "1h")
    Habits().keep()


def test_two_viewers_keep_what_each_of_them_chose(tmp_path: Path) -> None:
    one, two = habits(tmp_path), habits(tmp_path)
    one.note("theme", "dracula")
    two.note("unit", "tokens")
    one.keep()
    two.keep()
    assert habits(tmp_path).remembered() == {"theme": "dracula", "unit": "tokens"}


@pytest.mark.parametrize("content", DAMAGED)
def test_a_damaged_file_is_no_file(tmp_path: Path, content: str) -> None:
    for name in (REMEMBERED, VIEWS):
        (tmp_path / name).write_bytes(content.encode("latin-1"))
    one = habits(tmp_path)
    assert laid_on(State(), one.remembered()) == State()
    assert one.remembered_theme() == ""
    one.note("window", "7d")
    one.keep()
    assert one.remembered()["window"] == "7d"
    one.save("eu", {"window": "7d"})
    assert one.view("eu") == {"window": "7d"}


def test_views_that_cannot_be_read_are_moved_aside_and_not_lost(tmp_path: Path) -> None:
    (tmp_path / VIEWS).write_text('{"eu": {"window": "7d"},}')
    habits(tmp_path).save("us", {})
    assert (tmp_path / f"{VIEWS}.damaged").read_text() == '{"eu": {"window": "7d"},}'


def test_a_folder_that_cannot_be_written_is_said_for_views_alone(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    one = habits(tmp_path / "state" / "below")
    one.note("window", "7d")
    one.keep()
    assert one.remembered() == {}
    with pytest.raises(ValueError, match=r"views\.json: (Not a directory|File exists)"):
        one.save("eu", {})


def test_views_come_and_go(tmp_path: Path) -> None:
    one = habits(tmp_path, configured={"team": {"group": "team"}, "eu": {"window": "1h"}})
    with pytest.raises(ValueError, match="eu is a view of the configuration"):
        one.save("eu", {})
    other = habits(tmp_path)
    assert other.save("eu", {"window": "7d", "chart": "lines"}) is False
    assert other.save("eu", {"window": "30d"}) is True
    assert other.view("eu") == {"window": "30d", "chart": "lines"}, "a newer costtui's key stays"
    assert one.view("eu") == {"window": "1h"}, "the configuration wins"
    assert list(one.views()) == ["eu", "team"]
    with pytest.raises(ValueError, match="team is a view of the configuration"):
        one.forget("team")
    other.forget("eu")
    with pytest.raises(ValueError, match="no view called eu"):
        other.forget("eu")
    with pytest.raises(UsageError, match=r'no view is called "taem" \(did you mean "team"\?\)'):
        one.view("taem")
    assert UsageError.exit_code == 2
    assert stat.S_IMODE((tmp_path / VIEWS).stat().st_mode) == 0o600


@pytest.mark.parametrize("name", ["", "   ", "x" * 41, "a\nb", "\x1b[2J", "a\x00"])
def test_names_that_cannot_be_shown_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="a name has 1 to 40 characters"):
        habits(tmp_path).save(name, {})


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b", "'; drop", "模型", "{}", "~", "=1+1"])
def test_names_are_never_paths(tmp_path: Path, name: str) -> None:
    habits(tmp_path / "s").save(name, {"window": "7d"})
    assert habits(tmp_path / "s").view(name) == {"window": "7d"}
    assert sorted(p.name for p in tmp_path.rglob("*")) == [f".{VIEWS}.lock", "s", VIEWS]


def _save_some(folder: str, first: int) -> None:
    one = Habits(Path(folder))
    for number in range(first, first + 20):
        one.save(f"view {number}", {"window": "7d"})


def test_two_viewers_at_once_lose_nothing(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    both = [context.Process(target=_save_some, args=(str(tmp_path), n)) for n in (0, 20)]
    for process in both:
        process.start()
    for process in both:
        process.join(60)
        assert process.exitcode == 0
    assert set(Habits(tmp_path).saved()) == {f"view {n}" for n in range(40)}


def test_a_link_in_place_of_the_file_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    folder = tmp_path / "state"
    folder.mkdir()
    for name in (REMEMBERED, VIEWS):
        os.symlink(victim, folder / name)
    one = habits(folder)
    one.note("window", "7d")
    one.keep()
    one.save("eu", {})
    assert victim.read_text() == "mine"


FILTERS = ["claude", "!claude", "~cl.*5", "!~cl.*5", "provider=anthropic", "model!=gpt-5",
           "model~^gpt", "model!~^gpt", "consumer="]  # fmt: skip


@given(st.lists(st.sampled_from(FILTERS), unique=True))
def test_filters_are_kept_as_they_are_typed(texts: list[str]) -> None:
    state = filtered(State(back=3, anchor=5.0), texts)
    assert filters_text(state) == texts
    assert [parse_filter(t) for t in texts] == list(state.filters)
    assert (state.back, len(state.trail)) == (0, len(texts))
    for _ in texts:
        step = state.climb()
        assert step is not None
        state, _ = step
    assert state.filters == ()


def test_filters_that_drilling_made_are_kept_too() -> None:
    state = State().drill("model", "gpt-5").drill("consumer", "")
    assert filtered(State(), filters_text(state)).filters == (
        Filter("model", "gpt-5"),
        Filter("consumer", ""),
    )


@given(st.dictionaries(st.sampled_from([*FIELDS, "paused", "filters", "back", "x"]),
                       st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5),
                                 st.sampled_from(["7d", "team", "tokens", "name"]),
                                 st.lists(st.integers(), max_size=2))))  # fmt: skip
def test_only_what_is_understood_is_taken(values: dict[str, object]) -> None:
    state = laid_on(State(), values)
    assert all(getattr(state, name) in FIELDS[name] for name in FIELDS)
    assert state._replace(**taken(State())) == State()


def test_the_configuration_says_what_is_kept_of_a_view() -> None:
    config = Config(
        StoreConfig(Path("/x")),
        views=(("eu", SavedView(window="7d", filters=("a", "!b"), compare=False)),),
        display=DisplayConfig(remember=False),
    )
    one = of_config(config, None, file=DisplayConfig())
    assert one.view("eu") == {"window": "7d", "filters": ("a", "!b"), "compare": False}
    assert told(one.view("eu")) == "7d · a · !b"
    assert not one.remember
    json.dumps(one.view("eu"))

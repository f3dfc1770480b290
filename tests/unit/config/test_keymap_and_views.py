"""`keymap:` and `views:`: held against what the screen knows, with file, line and key."""

from __future__ import annotations

import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.keys import _character_to_key

from costtui.config.keynames import name_of, parse_key, spelled, swallowed
from costtui.config.load import Loaded, load, load_traced
from costtui.config.schema import SavedView
from costtui.config.screen import ActionWords
from costtui.config.show import effective
from costtui.errors import ConfigError
from costtui.tui.bindings import KEYS
from costtui.tui.keymap import NO_KEY, applied, for_textual, screen_words


def traced(tmp_path: Path, text: str) -> Loaded:
    file = tmp_path / "c.yml"
    file.write_text(text, encoding="utf-8")
    return load_traced(file, env={"HOME": "/h"}, words=screen_words)


def problems(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        traced(tmp_path, text)
    return [str(p).removeprefix(str(tmp_path) + "/") for p in caught.value.problems]


# Names of keys ---------------------------------------------------------------------------------


@given(st.sampled_from(string.punctuation + string.ascii_letters + string.digits))
def test_characters_are_named_as_the_screen_names_them(character: str) -> None:
    assert name_of(character) == _character_to_key(character)
    assert parse_key(character) == _character_to_key(character)
    assert spelled(parse_key(character)) == character


@pytest.mark.parametrize(
    ("written", "name", "shown"),
    [
        ("Esc", "escape", "Esc"),
        ("PgUp", "pageup", "PgUp"),
        ("page-down", "pagedown", "PgDn"),
        ("ctrl-x", "ctrl+x", "ctrl+x"),
        ("Ctrl+X", "ctrl+x", "ctrl+x"),
        ("^X", "ctrl+x", "ctrl+x"),
        ("C-x", "ctrl+x", "ctrl+x"),
        ("shift+a", "A", "A"),
        ("Shift+Tab", "shift+tab", "Shift+Tab"),
        ("F5", "f5", "F5"),
        ("Space", "space", "Space"),
        ("question_mark", "question_mark", "?"),
        ("ctrl+]", "ctrl+right_square_bracket", "ctrl+]"),
        ("ctrl+i", "tab", "Tab"),
        ("ctrl+m", "enter", "Enter"),
        ("ctrl+[", "escape", "Esc"),
        ("ä", "ä", "ä"),
    ],
)
def test_keys_as_people_write_them(written: str, name: str, shown: str) -> None:
    assert parse_key(written) == name
    assert spelled(name) == shown
    assert parse_key(name) == name
    assert parse_key(shown) == name


@pytest.mark.parametrize(
    "written", ["alt+x", "meta-x", "super+x", "ctlr+x", "pageupp", "xx", "", "+x"]
)
def test_what_is_no_key(written: str) -> None:
    with pytest.raises(ValueError, match=r"is not a key|cannot be used"):
        parse_key(written)


@given(st.text(max_size=12))
def test_no_text_breaks_the_reading_of_keys(text: str) -> None:
    try:
        name = parse_key(text)
    except ValueError:
        return
    assert name
    assert "," not in name


# keymap ----------------------------------------------------------------------------------------


def test_keys_are_taken_and_shown(tmp_path: Path) -> None:
    text = "keymap:\n  next-panel: [tab, ctrl+n]\n  quit: Q\n  copy: []\n  help: ['?', F1]\n"
    loaded = traced(tmp_path, text)
    own = dict(loaded.config.keymap)
    assert own == {"next-panel": ("tab", "ctrl+n"), "quit": ("Q",), "copy": (),
                   "help": ("question_mark", "f1")}  # fmt: skip
    rows = {k.id: k for k in applied(own)}
    assert (rows["next-panel"].keys, rows["next-panel"].written) == ("tab,ctrl+n", "Tab ctrl+n")
    assert (rows["copy"].written, rows["copy"].first) == ("", "")
    assert [k.id for k in applied(own)] == [k.id for k in KEYS]
    assert for_textual(own)["copy"] == NO_KEY
    assert for_textual(own)["next-panel"] == "tab,ctrl+n"
    shown = effective(loaded)
    assert "  next-panel: [tab, ctrl+n]  # file line 2" in shown
    assert "  copy: []  # file line 4" in shown
    again = tmp_path / "again.yml"
    again.write_text(shown, encoding="utf-8")
    assert load(again, env={"HOME": "/h"}).keymap == loaded.config.keymap


def test_a_swap_is_no_conflict(tmp_path: Path) -> None:
    traced(tmp_path, "keymap: {group: u, rows: u, unit: g}")
    traced(tmp_path, "keymap: {theme: p, pause: t}")
    traced(tmp_path, "keymap: {group: d}")  # `d` is of the views


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("keymap:\n  nextpanel: n\n",
         ['c.yml:2: keymap.nextpanel: no action is called "nextpanel"'
          ' (did you mean "next-panel"?)']),
        ("keymap:\n  theme: ctlr+t\n",
         ['c.yml:2: keymap.theme: "ctlr+t" is not a key (did you mean "ctrl+t"?); write one such as'
          " x, G, ?, f5, tab or ctrl+x"]),
        ("keymap:\n  theme: p\n",
         ['c.yml:2: keymap.theme: "p" is theme and pause: give one of them another key, or [] for'
          " none"]),
        ("keymap:\n  theme: Q\n  copy: [y, Q]\n",
         ['c.yml:2: keymap.theme: "Q" is theme and copy (line 3): give one of them another key, or'
          " [] for none"]),
        ("keymap:\n  quit: []\n", ["c.yml:2: keymap.quit: must keep a key: it is a way out"]),
        ("keymap:\n  theme:\n", ["c.yml:2: keymap.theme: has no value: write [] for none"]),
        ("keymap:\n  theme: {a: b}\n",
         ["c.yml:2: keymap.theme: expected a list, not a mapping"]),
        ("keymap:\n  theme: alt+t\n",
         ['c.yml:2: keymap.theme: "alt+t" cannot be used: terminals send alt as Esc and the key,'
          " and keep super"]),
    ],
)  # fmt: skip
def test_what_is_wrong_has_its_line(tmp_path: Path, text: str, told: list[str]) -> None:
    assert problems(tmp_path, text) == told


def test_keys_that_terminals_keep_are_a_warning(tmp_path: Path) -> None:
    loaded = traced(tmp_path, "keymap:\n  theme: ctrl+s\n  copy: [y, ctrl+b]\n")
    told = [(w.line, w.key, w.message) for w in loaded.warnings]
    assert told == [
        (2, "keymap.theme", "ctrl+s stops the output of many terminals"),
        (3, "keymap.copy", "ctrl+b is tmux's own key"),
    ]
    # What we ourselves bind needs no warning, but for the second keys of help, and the key that
    # suspends every program.
    ours = {key for k in KEYS for key in k.keys.split(",") if swallowed(key)}
    assert ours <= {"f1", "ctrl+z"}


def test_a_collector_does_not_care(tmp_path: Path) -> None:
    """Without the screen's words only the keys' own names are checked."""
    file = tmp_path / "c.yml"
    file.write_text("keymap: {nonsense: x}\nviews: {a: {group: nonsense}}\n", encoding="utf-8")
    assert load(file, env={"HOME": "/h"}).keymap == (("nonsense", ("x",)),)


# views -----------------------------------------------------------------------------------------


def test_views_are_read(tmp_path: Path) -> None:
    loaded = traced(
        tmp_path,
        "views:\n"
        "  eu: {window: 7d, group: team, filters: [gateway=kong, '!test'], compare: false}\n"
        "  dear ones: {screen: requests, sort: cost, reverse: true}\n  nothing:\n"
        "  env: {group: 'tag:env', chart: cumulative, filters: ['tag:env=prod']}\n"
        "consumers: {a: {tags: {env: prod}}}\n",
    )
    assert dict(loaded.config.views) == {
        "eu": SavedView(
            window="7d", group="team", filters=("gateway=kong", "!test"), compare=False
        ),
        "dear ones": SavedView(screen="requests", sort="cost", reverse=True),
        "nothing": SavedView(),
        "env": SavedView(group="tag:env", chart="cumulative", filters=("tag:env=prod",)),
    }
    again = tmp_path / "again.yml"
    again.write_text(effective(loaded), encoding="utf-8")
    assert load(again, env={"HOME": "/h"}).views == loaded.config.views


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("views:\n  eu: {group: taem}\n",
         'c.yml:2: views.eu.group: "taem" is not one of model, provider, consumer, gateway,'
         ' endpoint, service, team, org (did you mean "team"?)'),
        ("views:\n  eu:\n    filters:\n      - gateway=kong\n      - ~(\n",
         'c.yml:5: views.eu.filters[1]: "~(": not a regular expression: missing ), unterminated'
         " subpattern at position 0"),
        ("views: {eu: {group: 'tag:evn'}}\nconsumers: {a: {tags: {env: x}}}\n",
         '"tag:evn" is not one of model, provider, consumer, gateway, endpoint, service, team, org,'
         ' tag:env (did you mean "tag:env"?)'),
        ("views: {eu: {filters: ['tag:evn=x']}}\nconsumers: {a: {tags: {env: x}}}\n",
         "no consumer has tag:evn; there are env"),
        ("views:\n  eu:\n    chart: stacked\n",
         '"stacked" is not one of time, groups, tokens, cumulative'),
        ("views:\n  eu:\n    screen: request\n", '(did you mean "requests"?)'),
        ("views:\n  eu:\n    windows: 7d\n",
         'c.yml:3: views.eu.windows: unknown key (did you mean "window"?)'),
        ("views:\n  eu:\n    window: 8d\n", "c.yml:3: views.eu.window: "),
        ("views: [eu]\n", "c.yml:1: views: expected a mapping, not a list"),
    ],
)  # fmt: skip
def test_a_wrong_view_has_its_line(tmp_path: Path, text: str, told: str) -> None:
    (found,) = problems(tmp_path, text)
    assert told in found


def test_what_shares_a_key_from_the_start_is_no_conflict(tmp_path: Path) -> None:
    """A screen's own binding goes before the one of everywhere, as it does without a keymap."""
    words = screen_words()
    own = ActionWords("restore", ("escape", "q"), frozenset({"themes"}))
    both = words._replace(actions=[*words.actions, own])
    file = tmp_path / "c.yml"
    file.write_text("keymap: {quit: [q, Q]}\n", encoding="utf-8")
    load(file, env={"HOME": "/h"}, words=lambda: both)
    file.write_text("keymap: {restore: t}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match='"t" is restore and theme'):
        load(file, env={"HOME": "/h"}, words=lambda: both)

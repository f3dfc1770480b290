"""What a typed line means, and the keys of the line: no screen, no waiting."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costtui.tui.commands import Command, find
from costtui.tui.prompt import HISTORY, LIMIT, Prompt, Search, remembered

DONE: list[tuple[str, str]] = []


def command(name: str, *values: str, argument: str = "", **more: object) -> Command:
    return Command(
        name,
        f"does {name}",
        lambda argument: DONE.append((name, argument)),
        argument or ("X" if values else ""),
        (lambda: [(v, f"is {v}") for v in values]) if values else None,
        **more,  # type: ignore[arg-type]
    )


COMMANDS = [
    command("view", "eu", "eu-west", "us"),
    command("views"),
    command("save", argument="NAME", free=True),
    command("theme", "nord", "dracula", "costtui-dark", needed=False),
    command("window", "15m", "1h", "7d", "today"),
    command("window-7d", label="7d"),
    command("next-panel", label="panel"),
    command("previous-panel", label="previous panel"),
    command("quit", also=("q",)),
    command("pause")._replace(what="Freeze the display"),
]


def sure(text: str) -> str:
    found = find(text, COMMANDS)
    if found.sure < 0:
        return ""
    hit = found.hits[found.sure]
    return f"{hit.command.name} {hit.argument}".strip()


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("view eu", "view eu"),
        ("view EU", "view eu"),
        ("view us", "view us"),
        ("view u", "view us"),
        ("vie west", "view eu-west"),
        ("  view   eu  ", "view eu"),
        ("th nord", "theme nord"),
        ("th", "theme"),
        ("theme ", "theme"),
        ("save my own name", "save my own name"),
        ("q", "quit"),
        ("qu", "quit"),
        ("views", "views"),
        ("view", "view"),
        ("7d", "window-7d"),
        ("previous panel", "previous-panel"),
        ("freeze", "pause"),
        ("wi 7d", "window 7d"),
        # not certain
        ("", ""),
        ("vi", ""),
        ("view e", ""),
        ("view nowhere", ""),
        ("panel", "next-panel"),
        ("w", ""),
        ("xyzzy", ""),
        ("pause now", ""),
    ],
)
def test_enter_does_what_is_certain(text: str, meant: str) -> None:
    assert sure(text) == meant


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("thme", 'no command "thme" (did you mean "theme"?)'),
        ("thme nord", 'no command "thme" (did you mean "theme"?)'),
        ("theme nrd", 'theme: no "nrd" (did you mean "nord"?)'),
        ("view xyzzy", 'view: no "xyzzy"; there are eu, eu-west, us'),
        ("vi", '"vi" begins view, views: type on, or choose with the arrows'),
        ("pause now", "pause takes no argument"),
        ("save ", "save X: which one?"),
    ],
)
def test_it_says_why_not(text: str, why: str) -> None:
    assert find(text, COMMANDS).why == why.replace("save X", "save NAME")


@given(st.text(max_size=40))
def test_any_text_has_an_answer(text: str) -> None:
    found = find(text, COMMANDS)
    assert -1 <= found.sure < max(1, len(found.hits))
    assert found.hits or found.why or not text.strip()
    if found.sure < 0 and text.strip():
        assert found.why


def typed(prompt: Prompt, text: str) -> str:
    came = ""
    for char in text:
        key = {"\r": "enter", "\t": "tab", "\b": "backspace", "↑": "up", "↓": "down"}.get(
            char, char
        )
        came = prompt.press(key, char if key == char else None)
    return came


def meant(prompt: Prompt) -> str:
    """The command that Enter would do."""
    return prompt.hit.command.name if prompt.hit is not None else ""


def test_a_burst_ends_with_what_it_says() -> None:
    prompt = Prompt(COMMANDS)
    assert typed(prompt, "view eu\r") == "enter"
    assert prompt.hit is not None
    assert (prompt.hit.command.name, prompt.hit.argument) == ("view", "eu")


def test_tab_completes_as_far_as_it_is_known() -> None:
    prompt = Prompt(COMMANDS)
    typed(prompt, "vi\t")
    assert prompt.text == "view"
    typed(prompt, " e\t")
    assert prompt.text == "view eu"
    typed(prompt, "-\t")
    assert prompt.text == "view eu-west"
    prompt.put("")
    typed(prompt, "the")
    assert prompt.ghost == "me "
    typed(prompt, "\t")
    assert prompt.text == "theme "
    prompt.press("right", None)
    typed(prompt, "dr\t")
    assert prompt.text == "theme dracula"
    assert prompt.ghost == ""


def test_tab_takes_the_spelling_that_was_meant() -> None:
    prompt = Prompt(COMMANDS)
    typed(prompt, "thme nord")
    assert prompt.ghost == ""
    typed(prompt, "\t")
    assert prompt.text == "theme nord"
    prompt.put("theme nrd")
    typed(prompt, "\t")
    assert (prompt.text, meant(prompt)) == ("theme nord", "theme")


def test_down_chooses_and_enter_takes_it() -> None:
    prompt = Prompt(COMMANDS)
    typed(prompt, "vi")
    assert meant(prompt) == ""
    typed(prompt, "↓↓")
    assert meant(prompt) == "views"
    typed(prompt, "↓↓↓↓")
    assert prompt.chosen == len(prompt.found.hits) - 1
    typed(prompt, "x")
    assert prompt.chosen == -1, "typing on is not choosing"


def test_up_walks_the_history_of_what_begins_so() -> None:
    history: list[str] = []
    for line in ("view eu", "theme nord", "  ", "view us", "theme nord"):
        remembered(history, line)
    assert history == ["view eu", "view us", "theme nord"]
    prompt = Prompt(COMMANDS, history)
    typed(prompt, "↑")
    assert prompt.text == "theme nord"
    typed(prompt, "↑↑↑↑")
    assert prompt.text == "view eu"
    typed(prompt, "↓")
    assert prompt.text == "view us"
    typed(prompt, "↓↓")
    assert prompt.text == ""
    typed(prompt, "view↑")
    assert prompt.text == "view us"
    for number in range(300):
        remembered(history, f"save {number}")
    assert len(history) == HISTORY


def test_keys_of_a_line_editor() -> None:
    prompt = Prompt(COMMANDS)
    typed(prompt, "view eu")
    prompt.press("ctrl+w", None)
    assert prompt.text == "view "
    prompt.press("home", None)
    typed(prompt, "x")
    assert (prompt.text, prompt.at) == ("xview ", 1)
    prompt.press("backspace", None)
    prompt.press("delete", None)
    assert prompt.text == "iew "
    prompt.press("ctrl+k", None)
    assert prompt.text == ""
    assert prompt.press("backspace", None) == "leave"
    assert prompt.press("escape", None) == "leave"
    prompt.insert("view eu\nquit\n")
    assert prompt.text == "view eu", "of a paste one line"
    prompt.insert("\x1b[2J\x00")
    assert prompt.text == "view eu[2J"
    prompt.insert("x" * 1000)
    assert len(prompt.text) == LIMIT


KEYS = st.sampled_from(
    [*"vieqx ", "tab", "up", "down", "backspace", "left", "right", "home", "end", "ctrl+w",
     "ctrl+u", "ctrl+k", "delete", "pageup", "pagedown", "shift+tab"]
)  # fmt: skip


@given(st.lists(KEYS, max_size=30))
def test_no_keys_leave_the_line_in_disorder(keys: list[str]) -> None:
    prompt = Prompt(COMMANDS, ["view eu", "quit"])
    for key in keys:
        prompt.press(key, key if len(key) == 1 else None)
        assert 0 <= prompt.at <= len(prompt.text)
        assert -1 <= prompt.marked < max(1, len(prompt.found.hits))
        assert prompt.found == find(prompt.text, COMMANDS)


def test_a_search_is_no_command() -> None:
    search = Search()
    typed(search, "pause")
    assert search.text == "pause"
    assert search.hit is None
    assert not search.found.hits

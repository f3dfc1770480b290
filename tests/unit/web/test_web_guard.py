"""Who may come in."""

from __future__ import annotations

import argparse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costtui.cli import web
from costtui.errors import UsageError
from costtui.web.guard import Guard, check_token, is_loopback, make_token, origin_of

TOKEN = "correct-horse-battery"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "[::1]", "localhost"])
def test_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "10.0.0.1", "ops-box", "localhost.evil"])
def test_not_loopback(host: str) -> None:
    assert not is_loopback(host)
    with pytest.raises(UsageError):
        Guard(host, token=None)


def test_a_public_url_needs_a_token_too() -> None:
    with pytest.raises(UsageError):
        Guard("127.0.0.1", token=None, public="https://costs.example.com")


@pytest.mark.parametrize(
    ("host", "local", "everywhere"),
    [
        ("127.0.0.1:8711", True, True),
        ("localhost:9999", True, True),
        ("LOCALHOST", True, True),
        ("[::1]:8711", True, True),
        ("10.1.2.3:8711", False, True),
        ("ops-box:8711", False, True),
        ("costs.example.com", True, True),
        ("evil.example", False, False),
        ("127.0.0.1.evil.example", False, False),
        ("evil.example@127.0.0.1", False, False),
        ("localhost/evil", False, False),
        ("[::1", False, False),
        ("", False, False),
        (None, False, False),
    ],
)
def test_hosts(host: str | None, local: bool, everywhere: bool) -> None:
    public = "https://costs.example.com"
    near = Guard("127.0.0.1", token=TOKEN, public=public, machine="ops-box")
    far = Guard("0.0.0.0", token=TOKEN, public=public, machine="ops-box")
    assert near.host_may(host) is local
    assert far.host_may(host) is everywhere


def test_origins() -> None:
    guard = Guard("127.0.0.1", token=TOKEN, public="https://costs.example.com")
    assert guard.origin_may(None, "127.0.0.1:8711")
    assert guard.origin_may("http://127.0.0.1:8711", "127.0.0.1:8711")
    assert guard.origin_may("https://costs.example.com", "127.0.0.1:8711")
    wrong = ("null", "", "http://127.0.0.1:9", "https://127.0.0.1:8711", "http://evil.example",
             "http://costs.example.com", "https://costs.example.com.evil.example")  # fmt: skip
    for origin in wrong:
        assert not guard.origin_may(origin, "127.0.0.1:8711"), origin


@given(st.text())
def test_nothing_but_the_token_and_its_cookie_open(text: str) -> None:
    guard = Guard("127.0.0.1", token=TOKEN)
    assert guard.token_may(text) is (text == TOKEN)
    assert guard.cookie_may(text) is (text == guard.cookie)
    assert not Guard("127.0.0.1", token=None).token_may(text)
    guard.host_may(text)
    guard.origin_may(text, text)


def test_the_cookie_does_not_tell_the_token() -> None:
    one, two = Guard("::1", token=TOKEN), Guard("::1", token=TOKEN + "x")
    assert TOKEN not in one.cookie
    assert one.cookie != two.cookie
    assert not two.cookie_may(one.cookie)
    assert one.cookie == Guard("127.0.0.1", token=TOKEN).cookie
    assert len({make_token() for _ in range(50)}) == 50


@pytest.mark.parametrize(
    "token", ["", "short", "fifteen-chars-x", "a token with blanks", "ümlaut" * 4]
)
def test_weak_tokens_are_refused_and_not_repeated(token: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_token(token, "--token")
    assert not token or token not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://costs.example.com", "https://costs.example.com"),
        ("https://Costs.example.com:443/", "https://costs.example.com"),
        ("http://[fe80::1]:8080", "http://[fe80::1]:8080"),
    ],
)
def test_public_urls(url: str, origin: str) -> None:
    assert origin_of(url) == origin


@pytest.mark.parametrize(
    "url", ["costs.example.com", "ftp://x", "https://", "https://x/path", "https://u:p@x",
            "https://x?token=1", "https://x:99999", "http://[::1"],
)  # fmt: skip
def test_wrong_public_urls(url: str) -> None:
    with pytest.raises(UsageError, match="--public-url"):
        origin_of(url)


# The command ---------------------------------------------------------------------------------


def arguments(*words: str) -> argparse.Namespace:
    from costtui.cli.common import build_parser

    return build_parser(web.WebCommand(), "costtui web").parse(words)


def test_where_the_token_comes_from(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object, capsys: pytest.CaptureFixture[str]
) -> None:
    import os
    from pathlib import Path

    assert isinstance(tmp_path, Path)
    assert web.guard_of(arguments())[1] is None
    made = web.guard_of(arguments("--host", "0.0.0.0"))[1]
    assert made is not None
    assert len(made) > 40
    assert web.guard_of(arguments("--token"))[1] not in (None, made)
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    file.chmod(0o600)
    assert web.guard_of(arguments("--token-file", str(file)))[1] == TOKEN
    assert capsys.readouterr().err == ""
    file.chmod(0o644)
    web.guard_of(arguments("--token-file", str(file)))
    assert "chmod 600" in capsys.readouterr().err
    monkeypatch.setenv(web.VARIABLE, TOKEN)
    assert web.guard_of(arguments())[1] == TOKEN
    assert web.VARIABLE not in os.environ, "children must not have it"
    for bad in (tmp_path / "none", tmp_path):
        with pytest.raises(UsageError, match="--token-file"):
            web.guard_of(arguments("--token-file", str(bad)))


def test_what_a_tab_is_started_with() -> None:
    words = web.viewer_words(
        arguments("--theme", "nord", "--window=7d", "--ascii", "--db", "/x.db")
    )
    assert words[1:6] == ["-m", "costtui", "run", "--readonly", "--in-browser"]
    assert words[6:] == ["--db", "/x.db", "--window=7d", "--theme=nord", "--ascii"]


def test_without_the_extra_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import importlib.util

    from costtui.cli.main import main

    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert main(["web"]) == 2
    said = capsys.readouterr().err
    assert "pip install 'costtui[web]'" in said
    assert said.count("\n") == 1

"""Themes: complete, readable, and harmless when they are wrong."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from costtui.tui import themes
from costtui.tui.palette import ROLES, Palette

ROOT = Path(__file__).resolve().parents[3]
BUILTIN = sorted((ROOT / "themes").glob("*.yml"))
NAMES = {
    "costtui-dark", "costtui-light", "high-contrast", "colour-blind", "ansi-16", "monochrome",
    "nord", "gruvbox-dark", "gruvbox-light", "dracula",
}  # fmt: skip


def test_they_are_all_there() -> None:
    loaded = themes.load_all(None)
    assert loaded.failures == []
    assert set(loaded.themes) == NAMES
    assert {path.stem for path in BUILTIN} == NAMES


@pytest.mark.parametrize("path", BUILTIN, ids=lambda p: p.stem)
def test_our_reader_and_pyyaml_agree(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert themes.parse_simple(text) == yaml.safe_load(text)


@pytest.mark.parametrize("path", BUILTIN, ids=lambda p: p.stem)
def test_every_role_has_a_colour(path: Path) -> None:
    theme = themes.read(path)
    assert theme.name == path.stem
    palette = Palette({**theme.colors, **theme.variables})
    for role in (*ROLES, "alarm", "chip"):
        assert palette.style(role)
    assert len(palette.gradient(8)) == 8


def test_a_small_theme_is_completed() -> None:
    theme = themes.validate({"name": "x", "primary": "#112233", "foreground": "#fff",
                             "background": "#000"})  # fmt: skip
    assert set(themes.VARIABLES) <= set(theme.variables)
    assert theme.variables["cost-over"] == theme.colors["error"] == "#112233"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("name: x\n", "primary: missing"),
        ("name: x\nprimry: '#fff'\n", 'did you mean "primary"'),
        ("name: x\nprimary: notacolour\nforeground: '#fff'\nbackground: '#000'\n", "not a colour"),
        ("name: x\nvariables:\n  cost-okay: '#fff'\n", 'did you mean "cost-ok"'),
        ("name: x\nvariables: 3\n", "must be a mapping"),
        ("name: x\ndark: maybe\n", "must be true or false"),
        ("- a\n- b\n", "not a mapping"),
        ("{{{", "not YAML"),
        ("name: x\nvariables:\n  emphasis: loud\n", "must be one of color, attributes"),
    ],
)
def test_a_bad_theme_is_named_with_its_reason(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "bad.yml").write_text(text)
    loaded = themes.load_all(tmp_path)
    assert set(loaded.themes) == NAMES
    assert len(loaded.failures) == 1
    assert str(tmp_path / "bad.yml") in loaded.failures[0]
    assert reason in loaded.failures[0]


def test_a_binary_or_unreadable_file_is_a_failure_too(tmp_path: Path) -> None:
    (tmp_path / "binary.yml").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "folder.yml").mkdir()
    assert len(themes.load_all(tmp_path).failures) == 2


def test_full_yaml_is_fine_in_a_users_file(tmp_path: Path) -> None:
    text = "{name: mine, primary: '#123456', foreground: '#fff', background: '#000'}"
    (tmp_path / "other-name.yml").write_text(text)
    theme, reason = themes.load_one("mine", tmp_path)
    assert (theme.name, reason) == ("mine", "")


def test_an_unknown_theme_is_the_default_and_says_so(tmp_path: Path) -> None:
    theme, reason = themes.load_one("nope", tmp_path)
    assert theme.name == themes.DEFAULT
    assert "nope" in reason
    assert "nord" in reason
    assert themes.load_one("../../etc/passwd", tmp_path)[0].name == themes.DEFAULT


def test_a_users_file_may_replace_ours(tmp_path: Path) -> None:
    text = "name: nord\nprimary: '#123456'\nforeground: '#ffffff'\nbackground: '#000000'\n"
    (tmp_path / "nord.yml").write_text(text)
    assert themes.load_one("nord", tmp_path)[0].colors["primary"] == "#123456"


def test_no_colour_is_written_anywhere_but_in_themes() -> None:
    named = r"\b(?:red|green|blue|yellow|cyan|magenta|white|black|orange|purple|gr[ae]y)\b"
    literal = re.compile(
        rf"#[0-9a-fA-F]{{3,8}}\b|\brgba?\(|\bhsla?\(|\bansi_(?!color|theme)\w+|['\"]{named}['\"]"
    )
    for path in (ROOT / "costtui" / "tui").rglob("*"):
        if path.suffix in (".py", ".tcss"):
            found = literal.findall(path.read_text(encoding="utf-8"))
            assert found == [], f"{path}: {found}"


def test_nothing_heavy_is_imported_before_first_paint() -> None:
    code = (
        "import sys; import costtui.tui.app; from costtui.tui import themes;"
        "themes.load_one(themes.DEFAULT, None);"
        "heavy = ('yaml', 'plotext', 'httpx', 'prometheus_client', 'genai_prices', 'sqlite3',"
        " 'aiosqlite', 'csv', 'textual.widgets._data_table');"
        "print([m for m in heavy if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_the_manual_has_every_variable_and_every_theme() -> None:
    page = (ROOT / "docs" / "themes.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([a-z0-9-]+)` \|.*\| `([^`]+)` \|$", page, re.MULTILINE))
    assert rows.pop("emphasis") == "color"
    rows = {name: rule for name, rule in rows.items() if name in themes.VARIABLES}
    assert rows == themes.VARIABLES
    listed = page.partition("## Your own")[0]
    assert {name for name in NAMES if f"`{name}`" in listed} == NAMES

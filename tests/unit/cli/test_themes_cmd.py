"""`costtui themes`, and that no file can keep costtui from starting."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costtui.cli.main import main
from costtui.tui import themes

GOOD = 'name: mine\nprimary: "#99ddee"\nforeground: "#f0f0f0"\nbackground: "#101010"\n'


@pytest.fixture
def folder() -> Path:
    found = Path(os.environ["XDG_CONFIG_HOME"]) / "costtui" / "themes"
    found.mkdir(parents=True)
    return found


def test_the_list_says_where_each_is_from(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "mine.yml").write_text(GOOD)
    (folder / "bad.yaml").write_text("name: bad\nprimery: x\n")
    assert main(["themes"]) == 0
    said = capsys.readouterr()
    rows = {line.split()[0]: line.split()[1:] for line in said.out.splitlines()}
    assert rows["mine"] == ["dark", str(folder / "mine.yml")]
    assert rows["nord"] == ["dark", "built", "in"]
    assert rows["ansi-16"][0] == "terminal"
    assert rows["costtui-light"][0] == "light"
    assert said.err.startswith(f"{folder / 'bad.yaml'}: line 2: primery: unknown key (did you mean")
    assert main(["themes", "list"]) == 0


def test_check_tells_every_problem_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "x.yml"
    file.write_text(
        'name: my theme\nprimry: "#fff"\nforeground: "#777"\nbackground: "#000"\ndark: maybe\n'
        "variables:\n  cost-okay: red\n  cost-over: rde\n  emphasis: loud\n"
    )
    assert main(["themes", "check", str(file)]) == 2
    assert sorted(capsys.readouterr().err.splitlines()) == sorted([
        f"{file}:1: name: letters, digits, '.', '_' and '-' only, at most 40",
        f'{file}:2: primry: unknown key (did you mean "primary"?)',
        f"{file}: primary: missing",
        f"{file}:5: dark: must be true or false",
        f'{file}:7: variables.cost-okay: unknown variable (did you mean "cost-ok"?)',
        f"{file}:8: variables.cost-over: 'rde' is not a colour",
        f"{file}:9: variables.emphasis: must be one of color, attributes",
    ])  # fmt: skip


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{name: x, primary: #fff\n}", "primary: empty; a colour with # goes in quotes"),
        ("[1, 2", "not YAML"),
        ("name: x\nprimary:\n  - 1\n", ":2: primary: '[1]' is not a colour"),
        ("a: 2026-99-99\n", "unknown key"),
        ("? [[[a: b", "not YAML"),
        ("", "name: missing"),
        ("x" * 200_000, "larger than"),
    ],
)
def test_check_survives(
    text: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "x.yml"
    file.write_text(text)
    assert main(["themes", "check", str(file)]) == 2
    assert said in capsys.readouterr().err


def test_what_is_no_file_is_not_opened(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(tmp_path / "pipe.yml")
    for name in ("pipe.yml", "none.yml", "."):
        assert main(["themes", "check", str(tmp_path / name)]) == 2
    assert len(themes.load_all(tmp_path).failures) == 1


def test_check_measures_what_can_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "x.yml"
    file.write_text(GOOD)
    assert main(["themes", "check", str(file)]) == 0
    assert capsys.readouterr().out == "mine: a dark theme\n"
    file.write_text(GOOD.replace("#f0f0f0", "#404040"))
    assert main(["themes", "check", str(file)]) == 0
    assert "- text-main: 1.8:1 on the background; 4.5:1 can be read" in capsys.readouterr().out


@pytest.mark.parametrize("name", sorted(themes.load_all(None).themes))
def test_ours_leave_nothing_to_remark(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = themes.builtin_dir() / f"{name}.yml"
    assert main(["themes", "check", str(path)]) == 0
    found = [line for line in capsys.readouterr().out.splitlines() if line.startswith("- text")]
    assert found == []


KEYS = st.sampled_from([*themes.BASE_COLORS, "name", "variables", "dark", "ansi", "x"])
LINES = st.lists(
    st.one_of(
        st.builds("{}: {}".format, KEYS, st.text(max_size=12)),
        st.builds("  {}: {}".format, st.sampled_from([*themes.VARIABLES, "y"]),
                  st.sampled_from(["red", "none", "#12", "ansi_red", "{", "hsl(1,2%,3%)", "auto"])),
        st.text(max_size=20),
    ),
    max_size=12,
)  # fmt: skip


@given(LINES)
def test_any_file_is_a_theme_or_says_why_not(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str]
) -> None:
    file = tmp_path_factory.getbasetemp() / "any-theme.yml"
    file.write_text("\n".join(lines), encoding="utf-8", errors="surrogatepass")
    try:
        theme = themes.read(file)
    except themes.ThemeError:
        return
    assert set(themes.VARIABLES) <= set(theme.variables)
    theme.textual()

"""What the repository promises about itself: README, change log, sample, sizes, colours."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from costtui.cli import main as frame
from costtui.cli.common import build_parser
from costtui.config.load import load

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
MOST_LINES = 400
COLOR = re.compile(r"#(?:[0-9a-fA-F]{3,4}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8})\b|\brgba?\(|\bhsla?\(")

HOME = re.compile(r"/(?:work|root|home/(?!you|user|someone|me)[a-z]+)/")


def sources(folder: str, *suffixes: str) -> list[Path]:
    found = [p for p in sorted((ROOT / folder).rglob("*")) if p.suffix in suffixes]
    assert found
    return found


def shell_lines(text: str) -> Iterator[str]:
    """Lines of the ```sh blocks, without comments."""
    for block in re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            if line.strip() and not line.startswith("#"):
                yield line.partition("  #")[0].strip()


def simple_commands(line: str) -> Iterator[list[str]]:
    """The words of each command in a line with pipes and `&&`, environment settings left out."""
    for part in re.split(r"\s*(?:&&|\||;)\s*", line):
        words = [w for w in shlex.split(re.sub(r"[<>]\s*\S+", "", part)) if w]
        while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
            del words[0]
        if words:
            yield words


def command_lines() -> set[tuple[str, ...]]:
    """Every `costtui …` in README and in the pages it leads to, without the program."""
    found = set()
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        text = page.read_text()
        spans = re.findall(r"(?<!`)`(costtui(?: [^`…]+)?)`", text)
        for line in (*shell_lines(text), *spans):
            for words in simple_commands(line):
                if Path(words[0]).name == "costtui" and "…" not in line:
                    found.add(tuple(words[1:]))
    return found


def test_there_are_command_lines_to_check() -> None:
    found = command_lines()
    assert () in found
    assert ("demo",) in found
    assert ("collect", "--once") in found
    assert len(found) > 8


@pytest.mark.parametrize("words", sorted(command_lines()), ids=" ".join)
def test_every_documented_command_line_parses(words: tuple[str, ...]) -> None:
    name, rest = frame.split(words)
    entry = frame.COMMANDS[name or frame.DEFAULT]
    module, _, cls = entry.where.partition(":")
    parser = build_parser(getattr(import_module(module), cls)(), "costtui", frame.COMMANDS)
    if rest and rest[-1] in ("--help", "--version"):
        return
    groups = parser._subparsers is not None
    if groups and not rest:
        return  # `costtui db`, as the name of a group of commands
    parser.parse(rest)


def test_readme_commands_exist() -> None:
    programs = {words[0] for line in shell_lines(README) for words in simple_commands(line)}
    programs -= {"mail"}
    assert programs <= {"python3", ".venv/bin/pip", ".venv/bin/costtui", "make", "costtui"}
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    wanted = {
        words[1] for line in shell_lines(README) for words in simple_commands(line)
        if words[0] == "make"
    }  # fmt: skip
    assert wanted <= set(targets)
    ci = (ROOT / ".ci" / "run").read_text()
    assert "make check" in ci
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111


@pytest.mark.parametrize(
    "page", [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))], ids=lambda p: p.name
)
def test_linked_files_exist(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text())
    local = [link for link in links if "://" not in link]
    assert [link for link in local if not (page.parent / link).exists()] == []


def test_the_change_log_has_what_is_not_released() -> None:
    text = (ROOT / "CHANGELOG.md").read_text()
    unreleased = text.partition("## Unreleased")[2].partition("\n## ")[0]
    assert re.search(r"^- \S", unreleased, re.MULTILINE)


def test_the_sample_configuration_loads() -> None:
    config = load(ROOT / "sample-config.yml", env={"HOME": "/home/someone"})
    assert {source.type for source in config.sources} == {"jsonl", "metrics", "prometheus"}


@pytest.mark.parametrize("folder", ["costtui", "tests", "benchmarks"])
def test_no_file_has_two_subjects(folder: str) -> None:
    limit = MOST_LINES if folder == "costtui" else 2 * MOST_LINES
    long = {
        str(p.relative_to(ROOT)): n
        for p in sources(folder, ".py", ".tcss")
        if (n := len(p.read_text().splitlines())) > limit
    }
    assert long == {}


def test_colours_come_from_themes() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in sources("costtui/tui", ".py", ".tcss")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if COLOR.search(line)
    ]
    assert found == []


def test_no_path_of_a_developers_machine() -> None:
    found = [
        str(path.relative_to(ROOT))
        for folder in ("costtui", "tests", "docs", "benchmarks", "themes")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".py", ".md", ".yml", ".sql", ".tcss")
        and HOME.search(path.read_text(errors="replace"))
    ]
    assert found == []

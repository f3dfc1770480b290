"""What a user can name as a file: it ends, and says what is wrong."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from costtui.config import files
from costtui.config.load import load
from costtui.config.yamltree import read_text
from costtui.errors import ConfigError


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "PATIENCE", 0.2)


def problem(path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        read_text(path)
    return str(caught.value)


def test_a_pipe_into_which_nobody_writes_is_no_configuration(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "nothing came out of it" in problem(tmp_path / "pipe")


def test_a_pipe_that_brings_something_is_one(tmp_path: Path) -> None:
    """`--config <(make-it)`."""
    reading, writing = os.pipe()
    os.write(writing, b"timezone: UTC\n")
    os.close(writing)
    try:
        assert read_text(Path(f"/dev/fd/{reading}")) == "timezone: UTC\n"
    finally:
        os.close(reading)


def test_a_pipe_that_was_closed_without_a_word_is_none(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=lambda: path.open("wb").close())
    writer.start()
    said = problem(path)
    writer.join()
    assert "pipe" in said or "nothing came" in said


def test_a_device_without_an_end_is_too_large(tmp_path: Path) -> None:
    assert "larger than 1 MiB" in problem(Path("/dev/zero"))
    assert read_text(Path("/dev/null")) == ""
    (tmp_path / "link").symlink_to("/dev/zero")
    assert "larger than 1 MiB" in problem(tmp_path / "link")


def test_a_folder_a_loop_and_a_huge_file(tmp_path: Path) -> None:
    assert "Is a directory" in problem(tmp_path)
    (tmp_path / "loop").symlink_to("loop")
    assert "symbolic links" in problem(tmp_path / "loop")
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(1 << 33)
    assert "larger than 1 MiB" in problem(tmp_path / "huge")


def test_what_libraries_open_must_be_a_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").write_text("")
    files.must_be_file(str(tmp_path / "file"))
    for name in ("pipe", "."):
        with pytest.raises(OSError, match="is not a file"):
            files.must_be_file(str(tmp_path / name))


SOURCE = """
sources:
  - name: prom
    type: prometheus
    url: http://127.0.0.1:9090
    preset: litellm
    match: {}
"""


@pytest.mark.parametrize(
    ("match", "reason"),
    [
        (""" 'job=~"(ab"' """, "unterminated subpattern"),
        (""" 'a="b",job!~"*x"' """, "nothing to repeat"),
        (""" 'job=~"a(?=b)"' """, "no look-around"),
        (""" 'job=~"a(?<!b)"' """, "no look-around"),
        (r""" 'job=~"(a)\\1"' """, "no back-references"),
        (r""" 'job=~"llm-\d+"' """, r"write \\\\d"),
        (""" 'job=~`[z-a]`' """, "bad character range"),
    ],
)
def test_a_match_that_prometheus_would_refuse_is_refused_here(
    match: str, reason: str, tmp_path: Path
) -> None:
    file = tmp_path / "c.yml"
    file.write_text(SOURCE.format(match.strip()))
    with pytest.raises(ConfigError, match=r"c\.yml:7: sources\[0\]\.match: .*" + reason):
        load(file, env={})


@pytest.mark.parametrize(
    "match",
    [
        """ 'job=~"llm-.*"' """,
        r""" 'job=~"llm-\\d+\\.x"' """,
        r""" 'job=~`llm-\d+`,a!~"\\pL+|\\p{Greek}"' """,
        """ 'a=~"(?i)x(?s-i:y)(?U)[[:alpha:]]+"' """,
        r""" 'a=~`\Qa(b\E\z\x{10FFFF}(?<n>c)`' """,
        r""" 'a=~`a\(?=b`' """,
        """ 'a="(not a pattern"' """,
    ],
)
def test_what_only_prometheus_knows_is_let_pass(match: str, tmp_path: Path) -> None:
    file = tmp_path / "c.yml"
    file.write_text(SOURCE.format(match.strip()))
    assert load(file, env={}).sources[0].match


def test_a_pipe_for_a_certificate_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "ca.pem")
    (tmp_path / "c.yml").write_text("pricing_file: ca.pem\n")
    with pytest.raises(ConfigError, match=r"pricing_file: .ca.pem. is not a file"):
        load(tmp_path / "c.yml", env={})


def test_many_values_need_no_alias(tmp_path: Path) -> None:
    (tmp_path / "c.yml").write_text("a:\n" + "- {a: 1, b: 2, c: 3}\n" * 10_000)
    with pytest.raises(ConfigError, match="more than 50000 values: not a configuration"):
        load(tmp_path / "c.yml", env={})

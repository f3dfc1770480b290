"""Rotation, by every way there is: nothing twice, nothing lost."""

from __future__ import annotations

import gzip
import os
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Tails = Callable[..., Any]
Lines = Callable[..., bytes]


def once(*numbers: int) -> Counter[str]:
    return Counter(str(n) for n in numbers)


def add(path: Path, *pieces: bytes) -> None:
    with path.open("ab") as out:
        out.write(b"".join(pieces))


def pack(path: Path, target: Path) -> None:
    with gzip.open(target, "wb") as out:
        out.write(path.read_bytes())


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "app.log"


@pytest.mark.parametrize("pattern", ["app.log", "app.log*", "*"])
def test_rename_the_writer_goes_on_in_the_renamed_file(
    tail: Tails, line: Lines, log: Path, pattern: str
) -> None:
    add(log, line(1), line(2))
    reader = tail(pattern)
    reader.poll()
    log.rename(log.with_name("app.log.1"))
    add(log.with_name("app.log.1"), line(3))
    add(log, line(4))
    reader.drain()
    add(log.with_name("app.log.1"), line(5))
    add(log, line(6))
    reader.drain()
    assert reader.ids == once(1, 2, 3, 4, 5, 6)


@pytest.mark.parametrize("restart", [False, True])
@pytest.mark.parametrize("pattern", ["app.log", "app.log*"])
def test_several_renames_between_two_polls(
    tail: Tails, line: Lines, log: Path, pattern: str, restart: bool
) -> None:
    add(log, line(1))
    reader = tail(pattern)
    reader.poll()
    for number in (2, 3, 4):
        for older in (3, 2, 1):
            name = log.with_name(f"app.log.{older}")
            if name.exists():
                name.rename(log.with_name(f"app.log.{older + 1}"))
        log.rename(log.with_name("app.log.1"))
        add(log, line(number))
    if restart:
        reader.restart()
    reader.drain()
    assert reader.ids == once(1, 2, 3, 4)


def test_generations_from_before_the_first_start_are_not_taken(
    tail: Tails, line: Lines, log: Path
) -> None:
    """A plain path is that file; what was rotated away before is only read if it is configured."""
    old = log.with_name("app.log.1")
    add(old, line(1))
    os.utime(old, (1_700_000_000, 1_700_000_000))
    add(log, line(2))
    reader = tail("app.log")
    reader.drain()
    log.rename(log.with_name("app.log.2"))
    add(log, line(3))
    reader.drain()
    assert reader.ids == once(2, 3)


@pytest.mark.parametrize("pattern", ["app.log", "app.log*"])
@pytest.mark.parametrize("regrown", [0, 1, 10])
def test_copytruncate_recovers_what_was_written_before_it(
    tail: Tails, line: Lines, log: Path, pattern: str, regrown: int
) -> None:
    add(log, line(1), line(2))
    reader = tail(pattern)
    reader.poll()
    add(log, line(3))
    shutil.copyfile(log, log.with_name("app.log.1"))
    os.truncate(log, 0)
    # Also when the log has grown past the old offset again.
    numbers = range(4, 4 + regrown)
    add(log, *(line(n) for n in numbers))
    reader.drain()
    reader.restart()
    reader.drain()
    assert reader.ids == once(1, 2, 3, *numbers)


@pytest.mark.parametrize("restart", [False, True])
def test_a_copy_that_is_seen_before_the_truncation(
    tail: Tails, line: Lines, log: Path, restart: bool
) -> None:
    add(log, line(1), line(2))
    reader = tail("app.log*")
    reader.poll()
    copy = log.with_name("app.log.1")
    whole = log.read_bytes() + line(3)
    add(log, line(3))
    # Also while the copy is still being made, at any byte.
    for size in (1, 40, 150, len(whole) - 1, len(whole)):
        copy.write_bytes(whole[:size])
        reader.poll()
        if restart:
            reader.restart()
    assert reader.ids == once(1, 2, 3)
    os.truncate(log, 0)
    reader.poll()
    add(log, line(4))
    add(copy, line(5))
    reader.drain()
    assert reader.ids == once(1, 2, 3, 4, 5)


def test_truncation_after_a_full_read_says_so(tail: Tails, line: Lines, log: Path) -> None:
    add(log, line(1), line(2), line(3))
    reader = tail("app.log")
    reader.poll()
    os.truncate(log, 0)
    add(log, line(4))
    batches = reader.poll()
    assert reader.ids == once(1, 2, 3, 4)
    assert sum(b.resets for b in batches) == 1
    assert "truncated" in batches[-1].note


def test_a_hole_in_front(tail: Tails, line: Lines, log: Path) -> None:
    """copytruncate under a writer without O_APPEND leaves zero bytes, here 3 GB of them."""
    add(log, line(1))
    reader = tail("app.log*")
    reader.poll()
    shutil.copyfile(log, log.with_name("app.log.1"))
    os.truncate(log, 0)
    os.truncate(log, 3 * 2**30)
    reader.poll()
    add(log, line(2), line(3))
    reader.drain()
    assert reader.ids == once(1, 2, 3)
    assert reader.skipped_count == 0
    assert reader.records[-1].offset > 3 * 2**30


def test_an_inode_that_is_used_again(tail: Tails, line: Lines, log: Path) -> None:
    """Rewritten in place: the same inode, at least as long, other content."""
    add(log, line(1), line(2))
    reader = tail("app.log")
    reader.poll()
    reader.restart()  # no descriptor is held, so the inode is free
    log.write_bytes(line(3) + line(4) + line(5))
    reader.drain()
    assert reader.ids == once(1, 2, 3, 4, 5)


def test_deleted_before_it_was_read_to_its_end(tail: Tails, line: Lines, log: Path) -> None:
    add(log, line(1))
    reader = tail("app.log")
    reader.poll()
    add(log, line(2), line(3, end=b""))
    log.unlink()
    reader.drain()
    assert reader.ids == once(1, 2, 3)
    reader.drain()
    add(log, line(4))
    reader.drain()
    assert reader.ids == once(1, 2, 3, 4)


def test_moved_out_of_sight_it_is_still_followed(
    tail: Tails, line: Lines, log: Path, tmp_path: Path
) -> None:
    add(log, line(1))
    reader = tail("app.log")
    reader.poll()
    away = tmp_path / "archive" / "old"
    away.parent.mkdir()
    log.rename(away)
    add(away, line(2))
    reader.poll()
    add(away, line(3))
    reader.poll()
    assert reader.ids == once(1, 2, 3)


def test_appears_late(tail: Tails, line: Lines, log: Path) -> None:
    reader = tail("app.log")
    assert "no such file yet" in reader.poll()[-1].note
    add(log, line(1))
    assert reader.poll()[-1].note == ""
    assert reader.ids == once(1)


@pytest.mark.parametrize("restart", [False, True])
@pytest.mark.parametrize("pattern", ["app.log", "app.log*"])
@pytest.mark.parametrize("read_first", [False, True])
def test_compressed_after_rotation(
    tail: Tails, line: Lines, log: Path, pattern: str, restart: bool, read_first: bool
) -> None:
    add(log, line(1), line(2))
    reader = tail(pattern)
    reader.poll()
    add(log, line(3))
    if read_first:
        reader.poll()
    log.rename(log.with_name("app.log.1"))
    add(log, line(4))
    if read_first:
        reader.poll()
    if restart:
        reader.restart()
    pack(log.with_name("app.log.1"), log.with_name("app.log.2.gz"))
    log.with_name("app.log.1").unlink()
    reader.drain()
    reader.restart()
    log.with_name("app.log.2.gz").rename(log.with_name("app.log.3.gz"))
    reader.drain()
    assert reader.ids == once(1, 2, 3, 4)


def test_gzip_at_work(tail: Tails, line: Lines, log: Path) -> None:
    """The .gz grows beside the file it is made of, which then vanishes."""
    old = log.with_name("app.log.1")
    add(old, *(line(n) for n in range(300)))
    reader = tail("app.log*")
    reader.drain()
    packed = gzip.compress(old.read_bytes())
    target = log.with_name("app.log.1.gz")
    for size in (0, 1, 5, 30, len(packed) // 2, len(packed) - 4, len(packed)):
        target.write_bytes(packed[:size])
        reader.poll()
    old.unlink()
    reader.drain()
    reader.restart()
    reader.drain()
    assert reader.ids == once(*range(300))


def test_gz_files_of_their_own(tail: Tails, line: Lines, tmp_path: Path) -> None:
    """Several members in one file, a last line without newline, and a file that is cut off."""
    members = gzip.compress(line(1) + line(2)) + gzip.compress(line(3) + line(4, end=b""))
    (tmp_path / "a.gz").write_bytes(members + b"\0" * 100)
    whole = gzip.compress(b"".join(line(n) for n in range(10, 200)))
    (tmp_path / "b.gz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "c.gz").write_bytes(b"\x1f\x8b\x08 this is no gzip at all")
    reader = tail("*.gz")
    reader.drain()
    some = set(reader.ids)
    assert {"1", "2", "3", "4", "10", "11"} <= some
    (tmp_path / "b.gz").write_bytes(whole)
    reader.drain()
    assert reader.ids == once(1, 2, 3, 4, *range(10, 200))


def test_a_gz_that_only_begins_alike(tail: Tails, line: Lines, log: Path) -> None:
    """The same first KiB, then something else: taken over by its head, found out, read whole."""
    head = [line(n) for n in range(20)]
    add(log, *head, *(line(n) for n in range(100, 120)))
    reader = tail("app.log*")
    reader.drain()
    log.unlink()
    reader.restart()
    other = log.with_name("app.log.9.gz")
    other.write_bytes(gzip.compress(b"".join([*head, *(line(n) for n in range(200, 260))])))
    for _ in range(4):
        reader.drain()
    assert all(reader.ids[str(n)] == 1 for n in range(200, 260))


def test_the_same_file_by_links_and_by_two_paths(
    tail: Tails, line: Lines, log: Path, tmp_path: Path
) -> None:
    add(log, line(1))
    (tmp_path / "soft.log").symlink_to(log)
    (tmp_path / "hard.log").hardlink_to(log)
    (tmp_path / "again").symlink_to(tmp_path)
    reader = tail("*.log", "app.log", "**/*.log", "again/*.log")
    reader.drain()
    add(log, line(2))
    reader.drain()
    assert reader.ids == once(1, 2)


def test_identical_copies_count_once_and_different_files_each(
    tail: Tails, line: Lines, tmp_path: Path
) -> None:
    """The same bytes are the same requests; once a file goes on alone, its own lines count."""
    a, b = tmp_path / "a.log", tmp_path / "b.log"
    add(a, line(1), line(2))
    add(b, line(1))
    reader = tail("*.log")
    reader.drain()
    assert reader.ids == once(1, 2)
    add(b, line(3))
    reader.drain()
    add(b, line(4))
    add(a, line(5))
    reader.drain()
    reader.restart()
    reader.drain()
    assert reader.ids == once(1, 2, 3, 4, 5)


def test_empty_files_and_folders(tail: Tails, line: Lines, tmp_path: Path) -> None:
    (tmp_path / "empty.log").touch()
    (tmp_path / "folder.log").mkdir()
    os.mkfifo(tmp_path / "pipe.log")
    reader = tail("*.log")
    reader.drain()
    add(tmp_path / "empty.log", line(1))
    reader.drain()
    assert reader.ids == once(1)


def test_a_folder_that_appears(tail: Tails, line: Lines, tmp_path: Path) -> None:
    reader = tail("logs/**/*.jsonl")
    reader.poll()
    (tmp_path / "logs/a/b").mkdir(parents=True)
    add(tmp_path / "logs/a/b/x.jsonl", line(1))
    add(tmp_path / "logs/y.jsonl", line(2))
    reader.drain()
    assert reader.ids == once(1, 2)
    assert {r.part for r in reader.records} == {"a/b/x.jsonl", "y.jsonl"}

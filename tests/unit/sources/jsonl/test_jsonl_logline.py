"""Back from a request to the line it was read from: after rotation, compression, truncation, and
where the line is gone."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from costtui.model.usage import UsageRecord
from costtui.sources.jsonl.logline import KEPT, LogLine, Wanted, find

NOW = 1_795_000_000.0
Line = Callable[..., bytes]
Tails = Callable[..., Any]


def wanted(record: UsageRecord) -> Wanted:
    return Wanted(record.part, record.offset, record.end_ns, str(record.request_id))


def found(tail: Any, record: UsageRecord) -> LogLine:
    line = find(tail.checkpoint.items(), wanted(record))
    assert isinstance(line, LogLine), line
    return line


def log(path: Path, lines: list[bytes]) -> None:
    path.write_bytes(b"".join(lines))
    os.utime(path, (NOW, NOW))


def all_are_found(tail: Any) -> set[str]:
    """Every request's own line comes back; where they were."""
    places = set()
    for record in tail.records:
        line = found(tail, record)
        assert json.loads(line.line)["request_id"] == record.request_id
        assert line.proof in ("request id", "timestamp")
        places.add(Path(line.path).name)
    return places


@pytest.fixture
def filled(tail: Tails, line: Line, tmp_path: Path) -> Any:
    """Sixty requests of `app.log`, read."""
    log(tmp_path / "app.log", [line(100_000 + n, NOW - 600 + n) for n in range(60)])
    made = tail("app.log")
    made.drain()
    assert len(made.records) == 60
    return made


def test_where_it_was_read(filled: Any, line: Line) -> None:
    assert all_are_found(filled) == {"app.log"}
    middle = sorted(filled.records, key=lambda r: r.offset)[30]
    there = found(filled, middle)
    assert there.line + b"\n" == line(100_030, NOW - 570)
    assert there.before[-1] + b"\n" == line(100_029, NOW - 571)
    assert there.after[0] + b"\n" == line(100_031, NOW - 569)
    assert (there.length, there.more, there.packed) == (len(there.line), False, False)
    assert len(there.before) == 30
    assert len(there.after) == 29


def test_rotated_by_name(filled: Any, line: Line, tmp_path: Path) -> None:
    (tmp_path / "app.log").rename(tmp_path / "app.log.1")
    log(tmp_path / "app.log", [line(200_000 + n, NOW - 100 + n) for n in range(60)])
    # before the collector has noticed, and after
    assert all_are_found(filled) == {"app.log.1"}
    filled.drain()
    assert len(filled.records) == 120
    assert all_are_found(filled) == {"app.log", "app.log.1"}
    (tmp_path / "app.log.1").rename(tmp_path / "app.log.2")
    (tmp_path / "app.log").rename(tmp_path / "app.log.1")
    assert all_are_found(filled) == {"app.log.1", "app.log.2"}


def test_compressed(filled: Any, line: Line, tmp_path: Path) -> None:
    plain = tmp_path / "app.log"
    with gzip.open(tmp_path / "app.log.1.gz", "wb") as packed:
        packed.write(plain.read_bytes())
    plain.unlink()
    assert all_are_found(filled) == {"app.log.1.gz"}
    assert found(filled, filled.records[0]).packed
    log(plain, [line(200_000, NOW - 5)])
    filled.drain()
    assert all_are_found(filled) == {"app.log", "app.log.1.gz"}


def test_copied_and_truncated(filled: Any, line: Line, tmp_path: Path) -> None:
    plain = tmp_path / "app.log"
    (tmp_path / "app.log.1").write_bytes(plain.read_bytes())
    log(plain, [line(200_000 + n, NOW - 100 + n) for n in range(90)])
    assert all_are_found(filled) == {"app.log.1"}


def test_written_anew_without_a_copy(filled: Any, line: Line, tmp_path: Path) -> None:
    log(tmp_path / "app.log", [line(200_000 + n, NOW - 100 + n) for n in range(90)])
    first = min(filled.records, key=lambda r: r.offset)
    there = found(filled, first)
    assert there.proof == ""
    assert json.loads(there.line)["request_id"] == "200000"


def test_truncated_before_it(filled: Any, tmp_path: Path) -> None:
    os.truncate(tmp_path / "app.log", 100)
    last = max(filled.records, key=lambda r: r.offset)
    said = find(filled.checkpoint.items(), wanted(last))
    assert isinstance(said, str)
    assert "end before byte" in said


def test_deleted_forgotten_and_never_a_log(filled: Any, tmp_path: Path) -> None:
    record = wanted(filled.records[0])
    (tmp_path / "app.log").unlink()
    said = find(filled.checkpoint.items(), record)
    assert isinstance(said, str)
    assert "app.log is gone" in said
    assert "remembers no log called app.log" in str(find([], record))
    assert "not read from a log" in str(find([], record._replace(part="")))
    assert "not read from a log" in str(find([], record._replace(offset=-1)))
    assert "remembers no log" in str(find([("app.log", "{broken")], record))


def test_a_line_that_cannot_be_opened_is_said(filled: Any, tmp_path: Path) -> None:
    (tmp_path / "app.log").unlink()
    (tmp_path / "app.log").mkdir()
    said = find(filled.checkpoint.items(), wanted(filled.records[0]))
    assert isinstance(said, str)
    assert "gone" in said


def test_hostile_bytes_and_a_huge_neighbour(tail: Tails, line: Line, tmp_path: Path) -> None:
    nasty = b'{"\x1b[2J\xff\xfe": "\x00"' + b"\x1b]0;x\x07" * 40 + b"\n"
    good = line(300_000, NOW - 50)
    log(tmp_path / "app.log", [nasty, b"A" * 6_000_000 + b"\n", good, nasty, b"B" * 300_000])
    made = tail("app.log")
    made.drain()
    (record,) = made.records
    there = found(made, record)
    assert there.line + b"\n" == good
    assert all(len(part) <= 500 for part in (*there.before, *there.after))


def test_a_huge_line_is_cut_and_proven(tail: Tails, line: Line, tmp_path: Path) -> None:
    big = line(400_000, NOW - 50, prompt="x" * 3_000_000)
    log(tmp_path / "app.log", [line(1, NOW - 60), big, line(2, NOW - 40)])
    made = tail("app.log", chunk_bytes=4_000_000)
    made.drain()
    record = next(r for r in made.records if r.request_id == "400000")
    there = found(made, record)
    assert (len(there.line), there.length) == (KEPT, len(big) - 1)
    assert there.proof == "request id"
    assert there.after[0] + b"\n" == line(2, NOW - 40)


def test_fifty_megabytes_in_one_line_are_not_read(filled: Any, tmp_path: Path) -> None:
    with (tmp_path / "app.log").open("wb") as file:
        file.write(b"{")
        file.truncate(50_000_000)
    there = found(filled, min(filled.records, key=lambda r: r.offset))
    assert there.more
    assert there.proof == ""
    assert there.length <= 4 * 1024 * 1024


def test_no_time_for_what_is_far_into_a_compressed_log(filled: Any, tmp_path: Path) -> None:
    plain = tmp_path / "app.log"
    with gzip.open(tmp_path / "app.log.1.gz", "wb", compresslevel=1) as packed:
        packed.write(plain.read_bytes() + b"\n" * 3_000_000)
    plain.unlink()
    record = wanted(filled.records[0])._replace(offset=2_900_000)
    said = find(filled.checkpoint.items(), record, seconds=0.0)
    assert isinstance(said, str)
    assert "no time" in said or "too far" in said


def test_a_moment_is_proof_where_there_is_no_id(tail: Tails, line: Line, tmp_path: Path) -> None:
    log(tmp_path / "app.log", [line(7, NOW - 50 + n) for n in range(3)])
    made = tail("app.log")
    made.drain()
    middle = sorted(made.records, key=lambda r: r.offset)[1]
    assert found(made, middle._replace(request_id="")).proof == "timestamp"
    # a short number is also a count of something: without its moment it proves nothing
    other = wanted(middle)._replace(request_id="5", time_ns=1)
    there = find(made.checkpoint.items(), other)
    assert isinstance(there, LogLine)
    assert there.proof == ""

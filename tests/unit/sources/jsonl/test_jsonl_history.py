"""Newest first, resumable, in bounded pieces; and lines that are torn, too long or no lines."""

from __future__ import annotations

import gzip
import os
import tracemalloc
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from costtui.errors import SourceFormatError, SourceUnreachableError
from costtui.sources.jsonl import begin, search

Tails = Callable[..., Any]
Lines = Callable[..., bytes]
NOW = 1_795_000_000.0


@pytest.fixture
def small_files_are_split(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(begin, "SMALL", 0)
    monkeypatch.setattr(search, "_CLOSE_ENOUGH", 400)
    monkeypatch.setattr(search, "_PROBE", 400)


def backlog(line: Lines, count: int, days: float) -> list[bytes]:
    return [line(n, NOW - days * 86400 * (count - n) / count) for n in range(count)]


@pytest.mark.usefixtures("small_files_are_split")
def test_the_last_day_comes_first_and_the_rest_newest_first(
    tail: Tails, line: Lines, tmp_path: Path
) -> None:
    lines = backlog(line, 1000, 10)
    (tmp_path / "a.log").write_bytes(b"".join(lines))
    os.utime(tmp_path / "a.log", (NOW, NOW))
    reader = tail("a.log", chunk_bytes=5000)
    reader.drain()
    order = [int(r.request_id) for r in reader.records]
    assert sorted(order) == list(range(1000))
    live = [int(r.request_id) for b in reader.batches if not b.history for r in b.records]
    assert set(live) >= set(range(900, 1000))
    assert len(live) < 130
    starts = [int(b.records[0].request_id) for b in reader.batches if b.history and b.records]
    assert starts == sorted(starts, reverse=True)
    done = [b.backfill_done for b in reader.batches]
    assert done == sorted(done)
    assert reader.batches[-1].backfill_done == reader.batches[-1].backfill_total > 0


@pytest.mark.usefixtures("small_files_are_split")
@pytest.mark.parametrize("chunk", [100, 777, 20_000])
def test_history_resumes_at_any_chunk(tail: Tails, line: Lines, tmp_path: Path, chunk: int) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(b"".join(backlog(line, 200, 5)))
    os.utime(log, (NOW, NOW))
    reader = tail("a.log", chunk_bytes=chunk)
    number = 200
    for turn in range(2000):
        reader.poll(at_most=1 + turn % 7)
        if turn % 3 == 0:
            reader.restart()
        if turn in (5, 9):
            with log.open("ab") as out:
                out.write(line(number))
            number += 1
            os.utime(log, (NOW, NOW))
        if turn == 7:
            log.rename(tmp_path / "a.log.1")
        if turn == 8:
            (tmp_path / "a.log.1").rename(log)
        if turn > 10 and not reader.source.has_more and sum(reader.ids.values()) >= number:
            break
    reader.drain()
    assert reader.ids == Counter(str(n) for n in range(number))


@pytest.mark.usefixtures("small_files_are_split")
def test_history_of_a_log_that_is_compressed_meanwhile(
    tail: Tails, line: Lines, tmp_path: Path
) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(b"".join(backlog(line, 300, 5)))
    os.utime(log, (NOW, NOW))
    reader = tail("a.log", chunk_bytes=1000)
    reader.poll(at_most=12)
    assert 0 < len(reader.records) < 300
    reader.restart()
    (tmp_path / "a.log.1.gz").write_bytes(gzip.compress(log.read_bytes()))
    log.write_bytes(line(300))
    reader.poll(at_most=3)
    reader.restart()
    reader.drain()
    assert reader.ids == Counter(str(n) for n in range(301))
    assert reader.batches[-1].backfill_done == reader.batches[-1].backfill_total


@pytest.mark.usefixtures("small_files_are_split")
def test_since_limits_how_far_back_is_read(tail: Tails, line: Lines, tmp_path: Path) -> None:
    lines = backlog(line, 1000, 10)
    (tmp_path / "a.log").write_bytes(b"".join(lines))
    (tmp_path / "old.log").write_bytes(line(5000, NOW - 9 * 86400))
    (tmp_path / "old.gz").write_bytes(gzip.compress(line(5001, NOW - 9 * 86400)))
    os.utime(tmp_path / "a.log", (NOW, NOW))
    for name in ("old.log", "old.gz"):
        os.utime(tmp_path / name, (NOW - 8 * 86400, NOW - 8 * 86400))
    reader = tail("*", since=3 * 86400, chunk_bytes=5000)
    reader.drain()
    assert reader.ids == Counter(str(n) for n in range(700, 1000))


def test_old_gz_files_are_history_newest_file_first(
    tail: Tails, line: Lines, tmp_path: Path
) -> None:
    for day in (3, 9, 5):
        path = tmp_path / f"{day}.gz"
        path.write_bytes(gzip.compress(line(day, NOW - day * 86400)))
        os.utime(path, (NOW - day * 86400, NOW - day * 86400))
    reader = tail("*.gz")
    reader.drain()
    assert [r.request_id for r in reader.records] == ["3", "5", "9"]
    assert all(b.history for b in reader.batches if b.records)
    assert reader.batches[-1].backfill_done == reader.batches[-1].backfill_total > 0


def test_one_poll_does_not_wait_for_history(
    tail: Tails, line: Lines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(b"".join(line(n, NOW - 9 * 86400) for n in range(500)))
    os.utime(path, (NOW - 5 * 86400, NOW - 5 * 86400))
    monkeypatch.setattr("costtui.sources.jsonl.source.HISTORY_S", 0.0)
    reader = tail("a.log")
    assert sum(b.history for b in reader.poll()) == 1
    assert reader.source.has_more
    with path.open("ab") as out:
        out.write(line(1000))
    first = reader.poll()[0]
    assert [r.request_id for r in first.records] == ["1000"]
    assert not first.history
    reader.drain()
    assert sum(reader.ids.values()) == 501


def test_a_log_in_order_whatever_the_chunk(tail: Tails, line: Lines, tmp_path: Path) -> None:
    lines = [line(n, end=b"\r\n" if n % 3 else b"\n") for n in range(50)]
    data = b"\xef\xbb\xbf\n\n" + b"".join(lines) + b"  \n\n"
    (tmp_path / "a.log").write_bytes(data)
    for chunk in (1, 10, 150, 10**6):
        reader = tail("a.log", chunk_bytes=chunk)
        reader.drain()
        assert [r.request_id for r in reader.records] == [str(n) for n in range(50)]
        assert reader.skipped_count == 0
        for record in reader.records:
            assert data[record.offset :].startswith(lines[int(record.request_id)].rstrip())


def test_a_torn_line_waits_for_its_newline(tail: Tails, line: Lines, tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    whole = line(1)
    reader = tail("a.log")
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        os.utime(path, (NOW, NOW))
        reader.poll()
        assert not reader.records
    path.write_bytes(whole)
    reader.poll()
    assert reader.ids == Counter(["1"])


@pytest.mark.parametrize("then", [b"", b"\n", b"\r\n", b"more\n"])
def test_a_last_line_without_newline_counts_once_when_nobody_writes(
    tail: Tails, line: Lines, tmp_path: Path, then: bytes
) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(line(1) + line(2, end=b""))
    os.utime(path, (NOW, NOW))
    reader = tail("a.log")
    reader.poll(NOW)
    assert reader.ids == Counter(["1"])
    reader.poll(NOW + 61)
    assert reader.ids == Counter(["1", "2"])
    with path.open("ab") as out:
        out.write(then + line(3))
    reader.poll(NOW + 62)
    reader.restart()
    reader.poll(NOW + 200)
    assert reader.ids == Counter(["1", "2", "3"])
    assert reader.skipped_count == (then == b"more\n")


def test_a_torn_line_that_is_no_json_never_counts(tail: Tails, line: Lines, tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(line(1) + line(2)[:60])
    os.utime(path, (NOW, NOW))
    reader = tail("a.log")
    reader.poll(NOW + 1000)
    assert reader.ids == Counter(["1"])
    # The writer starts again behind its torn line: the whole line is saved.
    with path.open("ab") as out:
        out.write(line(3))
    reader.poll(NOW + 1001)
    assert reader.ids == Counter(["1", "3"])
    assert [(s.line, s.reason) for s in reader.skipped] == [(2, "this is not JSON")]


@pytest.mark.parametrize("chunk", [1000, 10**6, 10**8])
def test_a_line_of_10_mb(tail: Tails, line: Lines, tmp_path: Path, chunk: int) -> None:
    path = tmp_path / "a.log"
    long = b'{"timestamp":"x' + b"y" * 10_000_000 + b'"}\n'
    just = line(2, endpoint="e" * (4 * 1024 * 1024 - 400))
    path.write_bytes(line(1) + long + just + line(3))
    os.utime(path, (NOW, NOW))
    reader = tail("a.log", chunk_bytes=chunk)
    if chunk == 1000:
        begin.SMALL, small = 10**9, begin.SMALL
        for _ in range(40):
            reader.poll(at_most=1000)
            reader.restart()
        begin.SMALL = small
    reader.drain()
    assert reader.ids == Counter(["1", "2", "3"])
    assert reader.skipped_count == 1
    assert reader.skipped[0].reason == "the line is longer than 4 MB"
    assert reader.skipped[0].offset == len(line(1))
    assert len(reader.skipped[0].text) <= 200


def test_a_line_of_10_mb_in_the_history(tail: Tails, line: Lines, tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(line(1) + b"x" * 10_000_000 + b"\n" + line(2))
    os.utime(path, (1_700_000_000, 1_700_000_000))
    reader = tail("a.log", chunk_bytes=1_000_000)
    for _ in range(30):
        reader.poll(at_most=1)
        reader.restart()
    reader.drain()
    assert reader.ids == Counter(["1", "2"])
    assert reader.skipped_count == 1
    assert reader.skipped[0].offset == len(line(1))


def test_memory_does_not_grow_with_the_log(tail: Tails, line: Lines, tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    block = b"".join(line(n, NOW - 9 * 86400) for n in range(2000))
    with path.open("wb") as out:
        for _ in range(100):
            out.write(block)
    (tmp_path / "b.gz").write_bytes(gzip.compress(path.read_bytes()[:-1], 1))
    for name in ("a.log", "b.gz"):
        os.utime(tmp_path / name, (1_700_000_000, 1_700_000_000))
    reader = tail("b.gz", chunk_bytes=500_000)
    tracemalloc.start()
    for _ in range(3):
        for batch in reader.poll(at_most=5):
            batch.records = ()
        reader.records.clear()
        reader.batches.clear()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 30_000_000


def test_what_cannot_be_read_is_said_and_the_rest_goes_on(
    tail: Tails, line: Lines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "good.log").write_bytes(line(1))
    (tmp_path / "bad.log").write_bytes(line(2))
    (tmp_path / "shut").mkdir()
    real_open, real_scan = os.open, os.scandir
    shut = True

    def guarded_open(path: Any, *rest: Any, **named: Any) -> int:
        if shut and str(path).endswith("bad.log"):
            raise PermissionError(13, "Permission denied", path)
        return real_open(path, *rest, **named)

    def guarded_scan(path: Any) -> Any:
        if shut and str(path).endswith("shut"):
            raise PermissionError(13, "Permission denied", path)
        return real_scan(path)

    monkeypatch.setattr(os, "open", guarded_open)
    monkeypatch.setattr(os, "scandir", guarded_scan)
    reader = tail("**/*.log")
    note = reader.poll()[-1].note
    assert reader.ids == Counter(["1"])
    assert "bad.log: Permission denied" in note
    assert "shut: Permission denied" in note
    alone = tail("bad.log")
    with pytest.raises(SourceUnreachableError, match=r"bad\.log: Permission denied"):
        alone.poll()
    shut = False
    assert reader.poll()[-1].note == ""
    reader.drain()
    alone.drain()
    assert reader.ids == Counter(["1", "2"])
    assert alone.ids == Counter(["2"])


def test_an_error_is_not_a_change(
    tail: Tails, line: Lines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a known file cannot be read, a copy of it is not taken for something new."""
    log = tmp_path / "app.log"
    log.write_bytes(line(1) + line(2))
    reader = tail("app.log*")
    reader.poll()
    reader.restart()
    real_open = os.open
    shut = True

    def guarded(path: Any, *rest: Any, **named: Any) -> int:
        if shut and str(path) == str(log):
            raise OSError(5, "Input/output error", path)
        return real_open(path, *rest, **named)

    monkeypatch.setattr(os, "open", guarded)
    (tmp_path / "app.log.1").write_bytes(log.read_bytes())
    with pytest.raises(SourceUnreachableError):
        reader.poll()
    shut = False
    reader.drain()
    assert reader.ids == Counter(["1", "2"])


def test_a_checkpoint_that_cannot_be_read(tail: Tails) -> None:
    reader = tail("a.log")
    for text in ("", "[]", '{"live":"x"}', "null"):
        reader.checkpoint = {"a.log": text}
        with pytest.raises(SourceFormatError, match=r"a\.log"):
            reader.restart()
    reader.checkpoint = {}


def test_a_name_that_is_no_utf8(tail: Tails, line: Lines, tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/caf\xe9.log"
    with open(name, "wb") as out:
        out.write(line(1))
    reader = tail("*.log")
    reader.drain()
    reader.restart()
    reader.drain()
    assert reader.ids == Counter(["1"])
    for key, text in reader.checkpoint.items():
        (key + text).encode()


def test_closed_between_two_batches(tail: Tails, line: Lines, tmp_path: Path) -> None:
    """Memory is what the last batch said, so the next poll goes on behind it."""
    (tmp_path / "a.log").write_bytes(b"".join(line(n) for n in range(100)))
    reader = tail("a.log", chunk_bytes=300)
    for _ in range(200):
        reader.poll(at_most=1)
    assert reader.ids == Counter(str(n) for n in range(100))


def test_close_twice_leaves_no_descriptor(tail: Tails, line: Lines, tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(line(1))
    before = len(os.listdir("/proc/self/fd"))
    reader = tail("a.log")
    reader.poll()
    reader.close()
    reader.close()
    assert len(os.listdir("/proc/self/fd")) <= before + 5  # the event loop's own

"""costtui without a configuration, and what it says when something is in its way.

A log and `COST_TRACKING_FILE` is all there is. The sums are the tests' own, from what they wrote.
"""

from __future__ import annotations

import json
import os
import resource
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import Log

pytestmark = pytest.mark.e2e

Run = Callable[..., "subprocess.CompletedProcess[str]"]
Totals = Callable[..., tuple[int, int, int]]


@pytest.fixture
def env(log: Log) -> dict[str, str]:
    """All the configuration there is."""
    return {"COST_TRACKING_FILE": str(log.path)}


@pytest.fixture
def store() -> Path:
    return Path(os.environ["XDG_DATA_HOME"]) / "costtui" / "costtui.db"


def test_a_log_is_all_it_needs(
    log: Log, env: dict[str, str], costtui: Run, totals: Totals, store: Path
) -> None:
    log.grow(500)
    done = costtui("collect", "--once", **env)
    assert (done.returncode, done.stdout) == (0, "")
    assert totals(**env) == log.truth
    assert store.stat().st_mode & 0o777 == 0o600

    text = costtui("report", **env)
    assert text.returncode == 0
    assert f"{log.requests:,}" in text.stdout
    assert f"{log.tokens:,}" in text.stdout
    assert f"${log.cost_nano / 1e9:,.4f}" in text.stdout

    rows = json.loads(costtui("report", "--format", "json", "--by", "consumer", **env).stdout)
    names = {row["key"]["consumer"] for row in rows["groups"]}
    assert names == {"team-0", "team-1", "team-2", "team-3"}
    assert sum(row["cost_nano"] for row in rows["groups"]) == log.cost_nano

    log.grow(70)
    assert costtui("collect", "--once", **env).returncode == 0
    assert costtui("collect", "--once", **env).returncode == 0
    assert totals(**env) == log.truth
    assert costtui("db", "check", **env).stdout == "ok\n"


def test_before_the_first_collect_a_report_is_empty_and_says_why(
    log: Log, env: dict[str, str], costtui: Run, store: Path
) -> None:
    log.grow(1)
    done = costtui("report", **env)
    assert done.returncode == 0
    assert "nothing has been collected yet" in done.stderr
    assert "costtui collect" in done.stderr
    for action in ("stats", "check", "prune", "vacuum"):
        missing = costtui("db", action, **env)
        assert missing.returncode == 1, action
        assert str(store) in missing.stderr
        assert "Traceback" not in missing.stderr
    assert not store.exists(), "reading makes no store"


def test_a_wrong_configuration_is_told_whole(tmp_path: Path, costtui: Run) -> None:
    config = tmp_path / "my.yml"
    config.write_text(
        "sources:\n"
        "  - {name: a, type: jsonl, preset: llm-proxi, paths: [x.jsonl]}\n"
        "refresh: 1\n"
        "store:\n  path: ${COSTTUI_TEST_NOT_SET}\n"
    )
    for command in (["report"], ["collect", "--once"], ["config", "check"], ["db", "path"]):
        done = costtui(*command, "--config", config)
        assert done.returncode == 2, command
        assert f"{config}:2" in done.stderr
        assert "llm-proxy" in done.stderr
        assert f"{config}:3" in done.stderr
        assert f"{config}:5" in done.stderr
        assert "COSTTUI_TEST_NOT_SET" in done.stderr
    missing = costtui("report", "--config", tmp_path / "no.yml")
    assert missing.returncode == 2
    assert "no.yml" in missing.stderr


def test_without_a_terminal_the_screen_says_what_to_run(costtui: Run) -> None:
    done = costtui()
    assert done.returncode == 2
    assert "costtui report" in done.stderr


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """A small file system of its own. Needs root."""
    disk = Disk(tmp_path / "disk")
    if not disk.made:
        pytest.skip("only root may mount a file system")
    yield disk
    disk.close()


class Disk:
    """A tmpfs of 512 KiB."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.made = os.geteuid() == 0 and self._mount("size=512k")

    def _mount(self, options: str) -> bool:
        words = ["mount", "-t", "tmpfs", "-o", options, "costtui-test", str(self.folder)]
        return subprocess.run(words, capture_output=True).returncode == 0

    def remount(self, options: str) -> None:
        assert self._mount(f"remount,{options}")

    def close(self) -> None:
        if self.made:
            subprocess.run(["umount", "-l", str(self.folder)], capture_output=True, check=True)


def test_a_store_that_may_not_be_written_is_still_read(
    log: Log, env: dict[str, str], costtui: Run, totals: Totals, tmp_path: Path
) -> None:
    # Permissions mean nothing to root, a read-only file system does.
    disk = Disk(tmp_path / "disk")
    folder = disk.folder
    store = folder / "costtui.db"
    try:
        log.grow(20)
        assert costtui("collect", "--once", "--db", store, **env).returncode == 0
        before = store.read_bytes()
        if disk.made:
            disk.remount("ro")
        elif os.geteuid() == 0:
            pytest.skip("root may write anywhere, and this one may not mount")
        for file in () if disk.made else (*folder.iterdir(), folder):
            file.chmod(0o555)

        log.grow(20)
        refused = costtui("collect", "--once", "--db", store, **env)
        assert refused.returncode == 1, refused.stderr
        assert str(store) in refused.stderr
        assert "cannot be written" in refused.stderr
        assert "--db" in refused.stderr
        assert "Traceback" not in refused.stderr

        assert totals("--db", store, **env)[0] == 20
        assert costtui("db", "check", "--db", store, **env).stdout == "ok\n"
        assert store.read_bytes() == before
    finally:
        disk.close()
        folder.chmod(0o755)


def test_random_bytes_in_the_store_are_told_and_left_alone(
    log: Log, env: dict[str, str], costtui: Run, totals: Totals, store: Path, tmp_path: Path
) -> None:
    log.grow(2_000)
    assert costtui("collect", "--once", **env).returncode == 0
    size = store.stat().st_size
    with store.open("r+b") as file:
        # From the third page on: the header and the schema still say that it is a store.
        file.seek(2 * 4096)
        file.write(os.urandom(size - 3 * 4096))
    damaged = store.read_bytes()

    for words in (["report"], ["db", "check"], ["collect", "--once"]):
        done = costtui(*words, **env)
        assert done.returncode == 1, (words, done.stdout, done.stderr)
        said = done.stderr + done.stdout
        assert "Traceback" not in said
        assert "damaged" in said or "malformed" in said or "corrupt" in said, (words, said)
    assert store.read_bytes() == damaged, "a damaged store is evidence"

    # What the message says to do: move it away, and everything is read again.
    for part in store.parent.glob("costtui.db*"):
        part.rename(tmp_path / part.name)
    assert costtui("collect", "--once", **env).returncode == 0
    assert totals(**env) == log.truth


def test_another_programs_database_is_left_alone(
    env: dict[str, str], costtui: Run, tmp_path: Path
) -> None:
    theirs = tmp_path / "theirs.db"
    with sqlite3.connect(theirs) as db:
        db.execute("CREATE TABLE notes(text)")
        db.execute("INSERT INTO notes VALUES ('mine')")
    db.close()
    before = theirs.read_bytes()
    for words in (["report"], ["collect", "--once"], ["db", "stats"], ["db", "prune"]):
        done = costtui(*words, "--db", theirs, **env)
        assert done.returncode == 1, words
        assert "another program" in done.stderr
    assert theirs.read_bytes() == before

    text = tmp_path / "notes.txt"
    text.write_text("no database at all\n" * 300)
    for words in (["report"], ["collect", "--once"]):
        done = costtui(*words, "--db", text, **env)
        assert done.returncode == 1, words
        assert str(text) in done.stderr
        assert "Traceback" not in done.stderr
    assert text.read_text() == "no database at all\n" * 300


def test_the_store_of_a_newer_costtui_is_refused(
    log: Log, env: dict[str, str], costtui: Run, store: Path
) -> None:
    log.grow(10)
    assert costtui("collect", "--once", **env).returncode == 0
    db = sqlite3.connect(store)
    db.execute("PRAGMA user_version = 999")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    before = store.read_bytes()
    for words in (["report"], ["collect", "--once"], ["db", "stats"], ["db", "prune"]):
        done = costtui(*words, **env)
        assert done.returncode == 1, words
        assert "newer costtui" in done.stderr
        assert "999" in done.stderr
    assert store.read_bytes() == before


def test_a_second_collector_is_told_who_has_the_store(
    log: Log, env: dict[str, str], costtui: Run, store: Path
) -> None:
    from costtui.store.lock import WriterLock

    log.grow(1)
    lock = WriterLock(store)
    assert lock.acquire()
    try:
        done = costtui("collect", "--once", **env)
    finally:
        lock.release()
    assert done.returncode == 1
    assert f"{os.getpid()}" in done.stderr
    assert costtui("collect", "--once", **env).returncode == 0


def test_when_files_may_not_grow_nothing_is_lost(
    log: Log, env: dict[str, str], costtui: Run, totals: Totals, store: Path
) -> None:
    """As a full disk: every write past so many bytes fails, in the middle of a transaction."""
    log.grow(200)
    assert costtui("collect", "--once", **env).returncode == 0
    first = log.truth
    log.grow(6_000)
    limit = store.stat().st_size + 64 * 1024

    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    full = subprocess.run(
        [sys.executable, "-m", "costtui", "collect", "--once"],
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=60,
        preexec_fn=small_files,
    )
    assert full.returncode == 1, full.stderr
    assert str(store) in full.stderr
    assert "Traceback" not in full.stderr
    kept = totals(**env)
    assert first <= kept <= log.truth
    assert kept[0] < log.requests, "the limit was never met"

    assert costtui("collect", "--once", **env).returncode == 0
    assert totals(**env) == log.truth
    assert costtui("db", "check", **env).stdout == "ok\n"


def test_a_full_disk_is_told_and_nothing_is_lost(
    log: Log, env: dict[str, str], costtui: Run, totals: Totals, disk: Disk
) -> None:
    store = disk.folder / "costtui.db"
    log.grow(10_000)
    full = costtui("collect", "--once", "--db", store, **env)
    assert full.returncode == 1, full.stderr
    assert "the disk is full" in full.stderr
    assert "Traceback" not in full.stderr
    disk.remount("size=64m")
    assert costtui("collect", "--once", "--db", store, **env).returncode == 0
    assert totals("--db", store, **env) == log.truth
    assert costtui("db", "check", "--db", store, **env).stdout == "ok\n"

"""Whatever happens to a log between two polls, every whole line is counted exactly once.

The truth is what the test wrote. The store is a dictionary that takes a batch whole or not at
all, as the real one does; a lost batch is followed by `restore`, as after a crash.
"""

from __future__ import annotations

import asyncio
import gzip
import os
import shutil
import tempfile
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from unittest import mock

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from costtui.config.schema import SourceConfig
from costtui.sources.jsonl import begin, search
from costtui.sources.jsonl.source import JsonlSource

START = 1_795_000_000


def line(number: int, pad: int, newline: bytes = b"\n") -> bytes:
    """A line that says which one it is. They are small, so that a fingerprint covers many, and
    all begin alike, so that it must."""
    when = datetime.fromtimestamp(START + 60 * number, UTC).isoformat()
    text = f'{{"timestamp":"{when}","model":"m{"x" * pad}"'
    return f'{text},"input_tokens":1,"request_id":"{number}"}}'.encode() + newline


class FakeStore:
    """Counts what was stored, and forgets what was not."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()
        self.checkpoint: dict[str, str] = {}
        self.skipped = 0


class LogMachine(RuleBasedStateMachine):
    """A writer, a rotating administrator, and a reader that crashes."""

    pattern = "app.log*"
    horizon_s = 86400

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.log = self.folder / "app.log"
        self.store = FakeStore()
        self.truth: Counter[str] = Counter()
        self.number = 0
        self.torn = b""
        self.generation = 0
        self.source: JsonlSource | None = None
        self.runner = asyncio.Runner()
        self.chunk = 4096

    @initialize(chunk=st.sampled_from([150, 1000, 4096, 100_000]))
    def begin(self, chunk: int) -> None:
        self.chunk = chunk
        self.start()

    def start(self) -> None:
        if self.source is not None:
            self.runner.run(self.source.close())
        config = SourceConfig(
            "log", "jsonl", "gw", "llm-proxy", paths=(str(self.folder / self.pattern),)
        )
        self.source = JsonlSource(config, chunk_bytes=self.chunk, history_horizon_s=self.horizon_s)
        self.source.restore(self.store.checkpoint)

    # the writer

    def write(self, data: bytes) -> None:
        with self.log.open("ab") as out:
            out.write(data)

    @rule(count=st.integers(1, 12), pad=st.integers(0, 120), cut=st.integers(0, 10_000))
    def append(self, count: int, pad: int, cut: int) -> None:
        """Whole lines, and the last one perhaps torn at any byte."""
        if self.torn:
            self.write(self.torn)
            self.torn = b""
        for _ in range(count - 1):
            self.number += 1
            self.truth[str(self.number)] += 1
            self.write(line(self.number, pad, b"\r\n" if self.number % 7 == 0 else b"\n"))
        self.number += 1
        self.truth[str(self.number)] += 1
        last = line(self.number, pad)
        cut %= len(last) + 1
        self.write(last[:cut])
        self.torn = last[cut:]

    @rule()
    def finish_line(self) -> None:
        self.write(self.torn)
        self.torn = b""

    # the administrator; lines are whole when logs are rotated, except by rename

    def next_name(self) -> Path:
        self.generation += 1
        return self.folder / f"app.log.{self.generation}"

    @precondition(lambda self: self.log.exists())
    @rule(torn=st.booleans())
    def rotate_by_rename(self, torn: bool) -> None:
        """The writer keeps its handle: it finishes its line in the renamed file."""
        name = self.next_name()
        self.log.rename(name)
        with name.open("ab") as out:
            out.write(self.torn)
        self.torn = b""

    @precondition(lambda self: self.log.exists())
    @rule()
    def copytruncate(self) -> None:
        self.finish_line()
        shutil.copyfile(self.log, self.next_name())
        os.truncate(self.log, 0)

    @precondition(lambda self: self.log.exists())
    @rule()
    def copy_then_poll_then_truncate(self) -> None:
        self.finish_line()
        shutil.copyfile(self.log, self.next_name())
        self.poll(lose=False, at_most=1000)
        os.truncate(self.log, 0)

    @precondition(lambda self: self.log.exists())
    @rule()
    def truncate_after_full_read(self) -> None:
        self.finish_line()
        self.drain()
        os.truncate(self.log, 0)

    @rule(hole=st.integers(1, 5000))
    def copytruncate_with_hole(self, hole: int) -> None:
        """A writer without O_APPEND goes on where it was: zero bytes in front."""
        if not self.log.exists():
            return
        self.copytruncate()
        os.truncate(self.log, hole)

    @rule(keep=st.booleans())
    def compress(self, keep: bool) -> None:
        rotated = sorted(p for p in self.folder.glob("app.log.*") if p.suffix != ".gz")
        if rotated:
            target = rotated[0].with_name(rotated[0].name + ".gz")
            with gzip.open(target, "wb") as out:
                out.write(rotated[0].read_bytes())
            if keep:
                self.poll(lose=False, at_most=1000)
            rotated[0].unlink()

    @precondition(lambda self: self.log.exists())
    @rule()
    def delete_after_full_read(self) -> None:
        self.finish_line()
        self.drain()
        self.log.unlink()

    # the reader

    @rule(lose=st.booleans(), at_most=st.integers(1, 5))
    def poll(self, lose: bool, at_most: int) -> None:
        """One poll of at most so many batches; the last one may not reach the store."""
        self.runner.run(self._poll(lose, at_most))

    async def _poll(self, lose: bool, at_most: int) -> None:
        assert self.source is not None
        batches = self.source.poll(START + 60 * self.number)
        count = 0
        async for batch in batches:
            count += 1
            if lose and count == at_most:
                self.source.restore(self.store.checkpoint)
                break
            self.store.seen.update(str(r.request_id) for r in batch.records)
            self.store.skipped += batch.skipped_count
            for part, state in batch.checkpoint.items():
                if state is None:
                    self.store.checkpoint.pop(part, None)
                else:
                    self.store.checkpoint[part] = state
            if count == at_most:
                break
        await batches.aclose()  # type: ignore[attr-defined]

    @rule()
    def restart(self) -> None:
        self.start()

    def drain(self) -> None:
        for _ in range(6):
            self.poll(lose=False, at_most=100_000)

    @invariant()
    def never_twice(self) -> None:
        assert max(self.store.seen.values(), default=0) <= 1

    def teardown(self) -> None:
        try:
            self.finish_line()
            self.drain()
            assert self.store.seen == self.truth
            assert self.store.skipped == 0
            self.start()
            self.drain()
            assert self.store.seen == self.truth
        finally:
            if self.source is not None:
                self.runner.run(self.source.close())
            self.runner.close()
            shutil.rmtree(self.folder)


class PlainPathMachine(LogMachine):
    """Only the log itself is configured; its generations are found beside it."""

    pattern = "app.log"

    @initialize(chunk=st.sampled_from([150, 1000, 4096, 100_000]))
    def begin(self, chunk: int) -> None:
        """The log was there, if empty, before anything happened to it."""
        self.log.touch()
        super().begin(chunk)
        self.poll(lose=False, at_most=10)


class HistoryMachine(LogMachine):
    """Even a small log has a last day (here ten lines) and a history behind it."""

    horizon_s = 600

    def __init__(self) -> None:
        super().__init__()
        self.patches = [
            mock.patch.object(begin, "SMALL", 0),
            mock.patch.object(search, "_CLOSE_ENOUGH", 200),
            mock.patch.object(search, "_PROBE", 300),
            mock.patch.object(search, "MARGIN_S", 60),
        ]
        for patch in self.patches:
            patch.start()

    def teardown(self) -> None:
        try:
            super().teardown()
        finally:
            for patch in self.patches:
                patch.stop()


CALM = settings(
    max_examples=150,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestAnyRotation = LogMachine.TestCase
TestAnyRotation.settings = CALM
TestPlainPath = PlainPathMachine.TestCase
TestPlainPath.settings = CALM
TestHistory = HistoryMachine.TestCase
TestHistory.settings = CALM

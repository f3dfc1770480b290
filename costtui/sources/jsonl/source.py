"""The `jsonl` source: polls log files and yields what was appended, exactly once."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from typing import ParamSpec, TypeVar

from costtui.config.schema import SourceConfig
from costtui.errors import SourceUnreachableError
from costtui.sources.base import Batch, Checkpoint
from costtui.sources.jsonl.begin import Beginner
from costtui.sources.jsonl.decoders import build_decoder
from costtui.sources.jsonl.follow import Follower
from costtui.sources.jsonl.handles import FileMovedError, Handles
from costtui.sources.jsonl.packed import GzipReader
from costtui.sources.jsonl.reading import IDLE_S, PlainReader, Step
from costtui.sources.jsonl.state import FileState, load
from costtui.sources.jsonl.timestamps import SECOND_NS
from costtui.sources.jsonl.turn import Turn

DAY_S = 86400
CHUNK = 2 * 1024 * 1024
"""Bytes of one batch, about 5,000 lines: 25 ms of decoding, 10 MB of records at most."""
HISTORY_S = 0.25
"""Seconds of filling in history (storing included) before live data is looked at again."""

P = ParamSpec("P")
T = TypeVar("T")


class JsonlSource:
    """Tails files and globs, plain and .gz. See `docs/sources-jsonl.md` for what it promises.

    Raises ConfigError for a `fields:` mapping or preset it does not understand.
    """

    def __init__(
        self,
        config: SourceConfig,
        *,
        chunk_bytes: int = CHUNK,
        history_horizon_s: int = DAY_S,
    ) -> None:
        self.name = config.name
        self.has_more = False
        """History was left for the next poll, which may come at once."""
        decoder = build_decoder(config)
        self._handles = Handles()
        begin = Beginner(config.paths, decoder.moment, history_horizon_s, config.since)
        self._follower = Follower(config.paths, self._handles, begin)
        self._plain = PlainReader(decoder, self._handles, chunk_bytes)
        self._packed = GzipReader(decoder, self._handles, chunk_bytes)
        self._enough = max(1, chunk_bytes // 2)
        self._states: dict[str, FileState] = {}
        self._note = ""
        # A poll that is cancelled leaves its thread running; the next one waits for it here.
        self._busy = threading.Lock()

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on from `checkpoint`. Raises SourceFormatError when it cannot be read."""
        states = {key: load(key, text) for key, text in checkpoint.items()}
        with self._busy:
            self._states = states
            self._packed.forget()
            self._handles.keep_only(states)

    async def close(self) -> None:
        """Close all files. May be called twice."""
        with self._busy:
            self._packed.forget()
            self._handles.keep_only({})

    async def poll(self, now: float) -> AsyncIterator[Batch]:
        """Live data to its end, then about a quarter second of history.

        Raises SourceUnreachableError when none of the files can be read.
        """
        self.has_more = False
        turn = await self._thread(self._look, now)
        while (batch := await self._thread(self._live_batch, turn)) is not None:
            self._keep(batch, turn)
            yield batch
        until = time.monotonic() + HISTORY_S
        while (batch := await self._thread(self._history_batch, turn, until)) is not None:
            self._keep(batch, turn)
            yield batch
            if time.monotonic() > until:
                break
        self.has_more = turn.unfinished
        last = turn.rest()
        if last.checkpoint or last.resets or last.note != self._note:
            self._keep(last, turn)
            yield last
        if turn.errors and not turn.files:
            raise SourceUnreachableError(turn.note)

    def _keep(self, batch: Batch, turn: Turn) -> None:
        """Memory becomes what `batch` says, just before it is handed over."""
        for key, text in batch.checkpoint.items():
            if text is None:
                self._states.pop(key, None)
            else:
                self._states[key] = turn.states[key]
        self._note = batch.note

    async def _thread(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        def alone() -> T:
            with self._busy:
                return work(*args, **kwargs)

        return await asyncio.to_thread(alone)

    def _look(self, now: float) -> Turn:
        plan = self._follower.scan(self._states, now)
        return Turn(self.name, plan, self._states, self._enough)

    def _live_batch(self, turn: Turn) -> Batch | None:
        """The next batch of what was appended; None at the end of all files."""
        until = time.monotonic() + HISTORY_S
        while turn.live:
            key = turn.live[0]
            step = self._live(turn, key)
            if step is None:
                turn.live.popleft()
            elif not turn.take(key, step) and time.monotonic() > until:
                turn.live.popleft()  # far into a .gz; its stream stays open for the next poll
            if turn.full:
                break
        return turn.flush(history=False)

    def _history_batch(self, turn: Turn, until: float) -> Batch | None:
        """The next batch of history; None where there is none, or it is far into a .gz."""
        while turn.history:
            key = turn.history[0]
            step = self._history(turn, key) if turn.has_history(key) else None
            if step is None:
                turn.history.popleft()
                turn.passed.add(key)
            else:
                turn.take(key, step)
            if turn.full or time.monotonic() > until:
                break
        return turn.flush(history=True)

    def _live(self, turn: Turn, key: str) -> Step | None:
        if key not in turn.files:
            return None
        state, file = turn.states[key], turn.files[key]
        if state.gz:
            if state.done == file.size:
                return None
            return self._guarded(turn, key, lambda: self._packed.step(state, file))
        idle = turn.now - file.mtime_ns / SECOND_NS > IDLE_S
        settled = idle or not file.configured or file.path != state.origin
        step = self._guarded(turn, key, lambda: self._plain.live(state, file, settled))
        if step is None:
            self._follower.ended(state, file)
        return step

    def _history(self, turn: Turn, key: str) -> Step | None:
        state, file = turn.states[key], turn.files[key]
        if state.gz:
            return self._guarded(turn, key, lambda: self._packed.step(state, file))
        return self._guarded(turn, key, lambda: self._plain.history(state, file))

    def _guarded(self, turn: Turn, key: str, read: Callable[[], Step | None]) -> Step | None:
        try:
            step = read()
        except FileMovedError:
            return None  # the next poll finds it where it is
        except OSError as error:
            turn.trouble(turn.files[key].path, error)
            return None
        if step is not None and step.state.ino == 0:
            self._follower.refuse(key, turn.files[key].inode)
        return step

"""One poll's bookkeeping: what is still to be read, and what the next batch has to say."""

from __future__ import annotations

from collections import deque

from costtui.model.requests import Requests
from costtui.model.safetext import visible
from costtui.model.snapshot import SkippedLine
from costtui.model.usage import UsageRecord
from costtui.sources.base import Batch
from costtui.sources.jsonl.plan import Plan
from costtui.sources.jsonl.reading import Step
from costtui.sources.jsonl.state import FileState, dump
from costtui.sources.jsonl.timestamps import SECOND_NS
from costtui.sources.jsonl.values import EXAMPLES, Skip

_NOTE_LIMIT = 500


class Turn:
    """One poll: what the scan found, and what was read since."""

    def __init__(self, name: str, plan: Plan, before: dict[str, FileState], enough: int) -> None:
        """`enough` bytes are worth a batch of their own."""
        self._name = name
        self.now = plan.now
        self.states = plan.states
        self.files = plan.files
        self.errors = plan.errors
        self._notes = plan.notes
        self._resets = plan.resets
        self._changed = {k for k in plan.states if plan.states[k] is not before.get(k)}
        self._changed |= before.keys() - plan.states.keys()
        self._open: Batch | None = None
        self._enough = enough
        self._records: list[UsageRecord] | Requests = []
        self._read = 0
        newest = sorted(plan.files, key=lambda k: (-plan.files[k].mtime_ns, k))
        self.live = deque(sorted(filter(self._has_grown, newest), key=lambda k: self.states[k].gz))
        """Keys of what may have grown: plain files first, in each kind the one written last."""
        self.history = deque(newest)
        """Keys of what may have history, newest first."""
        self.passed: set[str] = set()
        """Keys of which nothing more can be read in this poll."""

    def _has_grown(self, key: str) -> bool:
        state, size = self.states[key], self.files[key].size
        return state.done != size and not state.old if state.gz else state.live < size

    def has_history(self, key: str) -> bool:
        """Is there older data to be read in this file?"""
        state, file = self.states[key], self.files.get(key)
        if file is None:
            return False
        return state.history_left > 0 or (state.gz and state.done != file.size)

    @property
    def unfinished(self) -> bool:
        """Is there anything that the next poll could read at once?"""
        return any(k not in self.passed and self.has_history(k) for k in self.history)

    @property
    def full(self) -> bool:
        """Is the open batch large enough for a transaction of its own?"""
        return self._read >= self._enough

    def trouble(self, path: str, error: OSError) -> None:
        self.errors.append(f"{path}: {error.strerror or error}")

    @property
    def note(self) -> str:
        """What the user should know, bounded and safe to show."""
        lines = list(dict.fromkeys(self.errors + self._notes))
        more = f" (and {len(lines) - 3} more)" if len(lines) > 3 else ""
        return visible("; ".join(lines[:3]) + more, _NOTE_LIMIT)

    def take(self, key: str, step: Step) -> bool:
        """Add a step to the open batch; False where it only got nearer to what is to be read."""
        before, decoded = self.states[key], step.decoded
        if step.state == before and not decoded.records:
            return False
        file = self.files[key]
        self.states[key] = step.state
        self._read += step.state.live - before.live + before.history_left - step.state.history_left
        self._changed.add(key)
        if not step.state.ino:  # the file turned out to hold something else
            del self.files[key]
        batch = self._open = self._open or Batch()
        # Small files share a batch: a transaction each would take longer than reading them.
        self._records = _joined(self._records, decoded.records)
        batch.newest_ns = max(batch.newest_ns, decoded.newest_ns)
        behind = not before.gz and before.live < step.state.live < file.size
        lag_ns = file.mtime_ns - decoded.newest_ns if behind and decoded.newest_ns else 0
        batch.lag_s = max(0.0, lag_ns / SECOND_NS)
        batch.skipped_count += decoded.skipped_count
        if decoded.skipped and len(batch.skipped) < EXAMPLES:
            shown = [self._line(before, step, skip) for skip in decoded.skipped]
            batch.skipped = [*batch.skipped, *shown]
        return True

    def _line(self, before: FileState, step: Step, skip: Skip) -> SkippedLine:
        forward = before.lines >= 0 and skip.line >= 0 and before.live != step.state.live
        return SkippedLine(
            source=self._name,
            part=before.part,
            offset=skip.offset,
            line=before.lines + 1 + skip.line if forward else 0,
            reason=skip.reason,
            text=skip.text,
            at=self.now,
        )

    def flush(self, *, history: bool) -> Batch | None:
        """The open batch with everything that changed, or None when nothing was read."""
        batch, self._open, self._read = self._open, None, 0
        if batch is not None:
            rest = self.rest()
            batch.checkpoint, batch.resets, batch.note = rest.checkpoint, rest.resets, rest.note
            batch.backfill_done, batch.backfill_total = rest.backfill_done, rest.backfill_total
            batch.history = history
            batch.records, self._records = self._records, []
        return batch

    def rest(self) -> Batch:
        """Everything that changed and was not handed over yet, without records."""
        checkpoint = {
            key: dump(self.states[key]) if key in self.states else None for key in self._changed
        }
        self._changed.clear()
        resets, self._resets = self._resets, 0
        done, total = self._progress()
        return Batch(
            checkpoint=checkpoint,
            resets=resets,
            backfill_done=done,
            backfill_total=total,
            note=self.note,
        )

    def _progress(self) -> tuple[int, int]:
        done = total = 0
        for key, state in self.states.items():
            if state.of or not state.hist:
                continue
            total += state.hist
            if state.gz and state.old:
                file = self.files.get(key)
                whole = file is None or state.done == file.size
                done += state.hist if whole else min(state.live, state.hist)
            else:
                done += state.hist - min(state.hist, state.history_left)
        return done, total


def _joined(
    before: list[UsageRecord] | Requests, more: list[UsageRecord] | Requests
) -> list[UsageRecord] | Requests:
    """Both, in one of them: a decoder makes only one of the two kinds."""
    if not before:
        return more
    if isinstance(before, Requests) and isinstance(more, Requests):
        before.rows += more.rows
        return before
    return [*before, *more]

"""One poll's bookkeeping: what is still to be read, and what the next batch has to say."""

from __future__ import annotations

from costtui.model.safetext import visible
from costtui.model.snapshot import SkippedLine
from costtui.sources.base import Batch
from costtui.sources.jsonl.plan import Plan
from costtui.sources.jsonl.reading import Step
from costtui.sources.jsonl.state import FileState, dump
from costtui.sources.jsonl.timestamps import SECOND_NS

_NOTE_LIMIT = 500


class Turn:
    """One poll: what the scan found, and what was read since."""

    def __init__(self, name: str, plan: Plan, before: dict[str, FileState]) -> None:
        self._name = name
        self.now = plan.now
        self.states = plan.states
        self.files = plan.files
        self.errors = plan.errors
        self._notes = plan.notes
        self._resets = plan.resets
        self._changed = {k for k in plan.states if plan.states[k] is not before.get(k)}
        self._changed |= before.keys() - plan.states.keys()
        self._left: set[str] = set()

    def live(self) -> list[str]:
        """What may have grown: plain files first, in each kind the one written last first."""
        keys = [k for k in self.files if self._has_grown(k)]
        return sorted(keys, key=lambda k: (self.states[k].gz, -self.files[k].mtime_ns, k))

    def _has_grown(self, key: str) -> bool:
        state, size = self.states[key], self.files[key].size
        return state.done != size and not state.old if state.gz else state.live < size

    def _waiting(self) -> list[str]:
        return [k for k in self.files if k not in self._left and self._has_history(k)]

    def _has_history(self, key: str) -> bool:
        state = self.states[key]
        unread = state.gz and state.done != self.files[key].size
        return unread or state.history_left > 0

    def next_history(self) -> str | None:
        """The file with the newest history that is still to be read."""
        waiting = self._waiting()
        return max(waiting, key=lambda k: (self.files[k].mtime_ns, k)) if waiting else None

    def leave(self, key: str) -> None:
        """Nothing more of this file in this poll."""
        self._left.add(key)

    @property
    def unfinished(self) -> bool:
        """Is there anything that the next poll could read at once?"""
        return bool(self._waiting())

    def trouble(self, path: str, error: OSError) -> None:
        self.errors.append(f"{path}: {error.strerror or error}")

    @property
    def note(self) -> str:
        """What the user should know, bounded and safe to show."""
        lines = list(dict.fromkeys(self.errors + self._notes))
        more = f" (and {len(lines) - 3} more)" if len(lines) > 3 else ""
        return visible("; ".join(lines[:3]) + more, _NOTE_LIMIT)

    def take(self, key: str, step: Step, *, history: bool) -> Batch | None:
        """The batch of a step, or None where it only got nearer to what is to be read."""
        before = self.states[key]
        if step.state == before and not step.decoded.records:
            return None
        self.states[key] = step.state
        self._changed.add(key)
        decoded, file = step.decoded, self.files[key]
        if not step.state.ino:  # the file turned out to hold something else
            del self.files[key]
        lag = 0.0
        if not history and decoded.newest_ns and step.state.live < file.size and not before.gz:
            lag = max(0.0, (file.mtime_ns - decoded.newest_ns) / SECOND_NS)
        first_line = before.lines + 1 if before.lines >= 0 and not history else 0
        skipped = [
            SkippedLine(
                source=self._name,
                part=before.part,
                offset=skip.offset,
                line=first_line + skip.line if first_line and skip.line >= 0 else 0,
                reason=skip.reason,
                text=skip.text,
                at=self.now,
            )
            for skip in decoded.skipped
        ]
        batch = self.rest()
        batch.records = decoded.records
        batch.skipped = skipped
        batch.skipped_count = decoded.skipped_count
        batch.newest_ns = decoded.newest_ns
        batch.lag_s = lag
        batch.history = history
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

"""What every source is: something that is polled and yields batches of usage.

A batch carries the records *and* the checkpoint that says "everything up to here was read".
The pipeline stores both in one transaction, which is the whole exactly-once mechanism: a crash
before it reads the batch again, a crash after it does not.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from costtui.model.snapshot import SkippedLine
from costtui.model.usage import UsageRecord

Checkpoint = Mapping[str, str]
"""part → state. A part is a file or one counter series; what the state means is the source's
own business. The store keeps it as it is."""


@dataclass(slots=True)
class Batch:
    """What one step of a poll read."""

    records: Sequence[UsageRecord] = ()
    checkpoint: dict[str, str | None] = field(default_factory=dict)
    """Changed parts only; None removes one."""
    skipped: Sequence[SkippedLine] = ()
    """At most a few examples; `skipped_count` is the number."""
    skipped_count: int = 0
    resets: int = 0
    """Counter resets seen in this batch."""
    newest_ns: int = 0
    """Timestamp of the newest usage read, 0 for none."""
    lag_s: float = 0.0
    backfill_done: int = 0
    backfill_total: int = 0
    unread: Sequence[tuple[float, float]] | None = None
    """Stretches of time (epoch seconds) that the source knows of and has not read yet: gaps until
    it has. None says that they are as they were."""
    history: bool = False
    """True for older data that is filled in behind: the pipeline may let live data overtake it."""
    note: str = ""


class Source(Protocol):
    """One configured source.

    `poll` is an asynchronous generator. It must read the next batch only after the consumer
    asked for it (the consumer asks once the last one is durable), must keep its in-memory state
    equal to the last batch it yielded, and may be closed between two batches. It raises
    `SourceError` for a poll that failed; whatever it yielded before that stands. Work that
    holds the processor longer than 10 ms runs in a thread.
    """

    name: str

    def restore(self, checkpoint: Checkpoint) -> None:
        """Called once before the first poll, and again after a failed append: forget what is in
        memory and go on from this checkpoint."""

    def poll(self, now: float) -> AsyncIterator[Batch]:
        """Read what is new. `now` is epoch seconds from the injected clock."""

    async def close(self) -> None:
        """Release files and connections. May be called twice."""

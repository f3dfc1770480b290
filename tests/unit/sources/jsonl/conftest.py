"""A reader of logs with a store that takes a batch whole or not at all."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from costtui.config.schema import SourceConfig
from costtui.model.snapshot import SkippedLine
from costtui.model.usage import UsageRecord
from costtui.sources.base import Batch
from costtui.sources.jsonl.source import JsonlSource

NOW = 1_795_000_000.0


class Tail:
    """One source, polled by hand."""

    def __init__(self, patterns: tuple[str, ...], **options: Any) -> None:
        self.patterns = patterns
        self.chunk_bytes = options.pop("chunk_bytes", 1000)
        self.horizon = options.pop("history_horizon_s", 86400)
        self.options = {"preset": "llm-proxy", **options}
        self.records: list[UsageRecord] = []
        self.skipped: list[SkippedLine] = []
        self.skipped_count = 0
        self.checkpoint: dict[str, str] = {}
        self.batches: list[Batch] = []
        self.runner = asyncio.Runner()
        self.source: JsonlSource | None = None
        self.restart()

    def restart(self) -> None:
        """As after a crash: only the checkpoint is left."""
        self.close()
        config = SourceConfig("log", "jsonl", "gw", paths=self.patterns, **self.options)
        self.source = JsonlSource(
            config, chunk_bytes=self.chunk_bytes, history_horizon_s=self.horizon
        )
        self.source.restore(self.checkpoint)

    def close(self) -> None:
        if self.source is not None:
            self.runner.run(self.source.close())

    def poll(self, now: float = NOW, at_most: int = 10**9) -> list[Batch]:
        """One poll; its batches are stored, at most so many."""
        return self.runner.run(self._poll(now, at_most))

    async def _poll(self, now: float, at_most: int) -> list[Batch]:
        assert self.source is not None
        found: list[Batch] = []
        batches = self.source.poll(now)
        try:
            async for batch in batches:
                found.append(batch)
                self._store(batch)
                if len(found) >= at_most:
                    break
        finally:
            await batches.aclose()  # type: ignore[attr-defined]
        return found

    def _store(self, batch: Batch) -> None:
        self.batches.append(batch)
        self.records += batch.records
        self.skipped += batch.skipped
        self.skipped_count += batch.skipped_count
        for part, state in batch.checkpoint.items():
            if state is None:
                del self.checkpoint[part]
            else:
                self.checkpoint[part] = state

    def drain(self, now: float = NOW) -> None:
        """Poll until there is nothing more."""
        for _ in range(1000):
            self.poll(now)
            assert self.source is not None
            if not self.source.has_more:
                break

    @property
    def ids(self) -> Counter[str]:
        """How often each request was counted."""
        return Counter(str(r.request_id) for r in self.records)

    def state(self, key: str) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads(self.checkpoint[key])
        return loaded


@pytest.fixture
def tail(tmp_path: Path) -> Iterator[Callable[..., Tail]]:
    """`tail("app.log", "*.gz", since=60)`: paths are below `tmp_path`."""
    made: list[Tail] = []

    def make(*patterns: str, **options: Any) -> Tail:
        made.append(Tail(tuple(str(tmp_path / p) for p in patterns), **options))
        return made[-1]

    yield make
    for one in made:
        one.close()
        one.runner.close()


@pytest.fixture
def line() -> Callable[..., bytes]:
    """`line(7)`: an LLM-proxy line with request id 7; the second argument is its time."""

    def make(number: int, at: float = NOW - 60, end: bytes = b"\n", **fields: Any) -> bytes:
        when = datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")
        entry: dict[str, object] = {
            "timestamp": when,
            "request_id": str(number),
            "provider": "openai",
        }
        entry |= {"model": "gpt-4o", "input_tokens": 10, "output_tokens": 5, **fields}
        return json.dumps(entry, separators=(",", ":")).encode() + end

    return make

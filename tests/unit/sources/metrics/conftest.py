"""A target whose page the test writes, with the store's part played by a dictionary."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from costtui.config.schema import SourceConfig
from costtui.model.usage import UsageRecord
from costtui.sources.base import Batch, Source
from costtui.sources.factory import build

PAGES = Path(__file__).parents[3] / "fixtures" / "metrics"


class Target:
    """Polled every 15 seconds unless the test says otherwise; `stored` is the checkpoint."""

    def __init__(self, preset: str = "", **more: Any) -> None:
        self.page = b""
        self.status = 200
        self.stored: dict[str, str] = {}
        self.now = 1_000_000.0
        self.requests: list[httpx.Request] = []
        self.config = SourceConfig(
            "src", "metrics", "gw", preset=preset, url="http://gw.test/metrics", **more
        )
        self.source: Source
        self.reopen()

    def reopen(self) -> None:
        """A new process."""
        self.source = build(self.config, transport=httpx.MockTransport(self._answer))
        self.source.restore(self.stored)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return httpx.Response(self.status, content=self.page)

    async def poll(
        self, page: str | bytes | None = None, *, after: float = 15.0, append: bool = True
    ) -> Batch:
        """One good scrape `after` seconds."""
        if page is not None:
            self.page = page.encode() if isinstance(page, str) else page
        self.now += after
        batches = [batch async for batch in self.source.poll(self.now)]
        assert len(batches) == 1
        if append:
            for part, state in batches[0].checkpoint.items():
                if state is None:
                    self.stored.pop(part, None)
                else:
                    self.stored[part] = state
        return batches[0]

    async def from_zero(self, page: str | bytes) -> list[UsageRecord]:
        """What a page holds, as increments of a target that showed nothing before. Read twice,
        for what waits one scrape."""
        records: list[UsageRecord] = []
        for text in (b"# nothing yet\n# EOF\n", page, page):
            batch = await self.poll(text)
            assert batch.skipped_count == 0, batch.skipped
            records += batch.records
        return records


@pytest.fixture
def target_of() -> Callable[..., Target]:
    return Target


@pytest.fixture
def captured() -> Callable[[str], bytes]:
    """The bytes of a page in tests/fixtures/metrics."""

    def read(name: str) -> bytes:
        raw = (PAGES / name).read_bytes()
        return gzip.decompress(raw) if name.endswith(".gz") else raw

    return read

"""costtui's own sources and prices, fed by the fleet, find the truth to the nano-dollar.

The store is left out: what the sources yield is added up here as it comes.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from costtui.config.load import load
from costtui.config.schema import Config, SourceConfig
from costtui.demo.configfile import write_config
from costtui.demo.fleet import Fleet
from costtui.demo.pages import FleetServer
from costtui.demo.rhythm import Script
from costtui.demo.truth import Amounts, Cell, Truth
from costtui.errors import SourceError
from costtui.model.charge import CostBasis
from costtui.model.usage import UsageRecord
from costtui.pricing.calculate import Pricer
from costtui.sources import factory
from costtui.sources.base import Source

START = 1_795_340_000


class Reader:
    """Polls every source and adds up."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.pricer = Pricer(config)
        self.sources: list[tuple[SourceConfig, Source]] = []
        self.checkpoints: dict[str, dict[str, str]] = {s.name: {} for s in config.sources}
        self.truth = Truth()
        self.failures = self.resets = self.lower_bounds = self.skipped = 0
        self.open()

    def open(self) -> None:
        """As a new process does: from the checkpoints alone."""
        self.sources = [(c, factory.build(c)) for c in self.config.sources]
        for config, source in self.sources:
            source.restore(self.checkpoints[config.name])

    async def poll(self, now: float) -> None:
        for config, source in self.sources:
            try:
                async for batch in source.poll(now):
                    self._add(config, batch.records)
                    self.resets += batch.resets
                    self.skipped += batch.skipped_count
                    kept = self.checkpoints[config.name]
                    for part, state in batch.checkpoint.items():
                        if state is None:
                            kept.pop(part, None)
                        else:
                            kept[part] = state
            except SourceError:
                self.failures += 1

    def _add(self, config: SourceConfig, records: Iterable[UsageRecord]) -> None:
        for r in records:
            charge = self.pricer.charge(r, config.cost)
            self.lower_bounds += r.lower_bounds
            amounts = Amounts(
                requests=r.requests,
                errors=r.errors,
                throttled=r.throttled,
                input=r.input,
                cache_read=r.cache_read,
                cache_write=r.cache_write,
                cache_write_1h=r.cache_write_1h,
                output=r.output,
                reasoning=r.reasoning,
                effective_nano=charge.effective_nano,
            )
            if charge.basis is CostBasis.UNPRICED:
                amounts.unpriced_requests, amounts.unpriced_tokens = r.requests, amounts.tokens
            if charge.basis is CostBasis.ESTIMATED:
                amounts.estimated_requests = r.requests
                amounts.estimated_nano = charge.effective_nano
            dims = r.dims
            self.truth.cell(Cell(dims.provider, dims.model, dims.consumer, dims.gateway)).add(
                amounts
            )

    async def close(self) -> None:
        for _, source in self.sources:
            await source.close()


async def test_an_hour_with_restarts_and_rotations_is_read_to_the_nano(tmp_path: Path) -> None:
    script = Script(period=600, rename_at=100, copytruncate_at=400, restart_at=200)
    fleet = Fleet(tmp_path, start=START, rate=8, days=1, script=script)
    fleet.proxy.write_backlog(fleet.history_start, fleet.start)
    server = FleetServer(fleet)
    path = write_config(tmp_path, server.urls, fleet.proxy.pattern, fleet.services)
    reader = Reader(load(path, env={}))
    try:
        await reader.poll(START)
        for step in range(1, 241):
            with server.lock:
                fleet.advance(START + 15 * step)
            if step % 60 == 0:
                await reader.close()
                reader.open()
            await reader.poll(START + 15 * step)
        # A new combination without a price waits one scrape for its cost.
        await reader.poll(START + 3601)
    finally:
        await reader.close()
        server.close()
        fleet.close()
    expected = fleet.truth()
    expected.add(fleet.proxy.history_truth())
    assert fleet.gateways["agentgateway-us"].restarts >= 4
    assert fleet.proxy.rotations >= 10
    assert reader.resets == fleet.gateways["agentgateway-us"].restarts
    assert reader.skipped == 0
    for dimension in ("provider", "model", "consumer", "gateway"):
        assert reader.truth.by(dimension) == expected.by(dimension), dimension
    assert reader.truth.to_dict() == expected.to_dict()
    assert expected.total.requests > 15_000
    assert reader.lower_bounds > 0, "a restart may have swallowed something: that is shown"

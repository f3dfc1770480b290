"""A store made by hand, and a look at it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any

import pytest

from costtui.alerts.look import Look
from costtui.alerts.observe import Observation, observe
from costtui.alerts.watches import watches
from costtui.config.alert_schema import AlertRule, BudgetConfig
from costtui.config.schema import Consumer, Retention
from costtui.model.charge import Charge, CostBasis
from costtui.model.dimension import Dimensions
from costtui.model.snapshot import SourceStatus
from costtui.model.usage import UsageRecord
from costtui.store.watching import WatchReader
from costtui.store.writer import Store

NOW = 1_789_387_200.0 + 36_000 + 30  # Monday 2026-09-14 22:00:30 UTC


@dataclass
class World:
    """Usage is kept as plain rows, too: (time, consumer, nano-USD), for the truth."""

    path: Path
    now: float = NOW
    zone: tzinfo = UTC
    rows: list[tuple[float, str, int]] = field(default_factory=list)
    usage: dict[str, list[tuple[UsageRecord, Charge]]] = field(default_factory=dict)
    states: dict[str, SourceStatus] = field(default_factory=dict)
    roles: dict[str, str] = field(default_factory=dict)
    people: tuple[tuple[str, Consumer], ...] = ()
    retention: Retention = field(default_factory=Retention)
    forecast: Any = None
    started: float = 0.0

    def use(self, ago: float, consumer: str = "ann", nano: int = 0, *, source: str = "s",
            tokens: int = 0, basis: CostBasis = CostBasis.COMPUTED, model: str = "m",
            gateway: str = "gw", **fields: Any) -> None:  # fmt: skip
        """Usage `ago` seconds before now."""
        moment = self.now - ago
        ns = int(moment * 1e9)
        dims = Dimensions("p", model, consumer, gateway)
        record = UsageRecord(ns, ns, dims, input=tokens, request_id="r", **fields)
        self.usage.setdefault(source, []).append((record, Charge(nano, nano, basis)))
        self.rows.append((moment, consumer, nano))

    def source(self, name: str, **fields: Any) -> None:
        """How a source is doing; times are ago."""
        for key in ("last_ok", "last_attempt"):
            if key in fields:
                fields[key] = self.now - fields[key]
        self.states[name] = SourceStatus(name, "metrics", "gw", **fields)

    def store(self) -> None:
        asyncio.run(self._store())

    async def _store(self) -> None:
        async with await Store.open(self.path, self.retention, now=self.now) as store:
            for name in {**self.usage, **self.states}:
                await store.register(name, "metrics", "gw", self.roles.get(name, "count"))
                pairs = self.usage.pop(name, [])
                await store.append(name, [r for r, _ in pairs], [c for _, c in pairs], now=self.now)
                if name in self.states:
                    await store.set_status(self.states[name])

    def look(self, *what: AlertRule | BudgetConfig) -> list[Observation | None]:
        """What the rules and budgets see."""
        self.store()
        with WatchReader(self.path, zone=self.zone, consumers=self.people) as reader:
            return self.observed(reader, what)

    def observed(
        self, reader: WatchReader, what: Sequence[AlertRule | BudgetConfig]
    ) -> list[Observation | None]:
        rules = [one for one in what if isinstance(one, AlertRule)]
        budgets = [one for one in what if isinstance(one, BudgetConfig)]
        with reader.watching() as sight:
            look = Look(sight, self.now, self.zone, None, self.started, self.forecast)
            return observe(look, watches(rules, budgets))

    def see(self, what: AlertRule) -> Observation:
        """What one rule sees."""
        (found,) = self.look(what)
        assert found is not None
        return found

    def values(self, what: AlertRule) -> dict[str, int]:
        """Label values, joined → value."""
        seen = self.see(what).seen
        return {"/".join(v for _, v in labels): one.value for labels, one in seen.items()}

    def over(self, what: AlertRule) -> set[str]:
        seen = self.see(what).seen
        return {"/".join(v for _, v in labels) for labels, one in seen.items() if one.over}


@pytest.fixture
def world(store_path: Path) -> World:
    return World(store_path)

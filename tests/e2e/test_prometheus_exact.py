"""A real Prometheus: what costtui counts from it is what gateways used, to the nano-dollar.

The truth is the gateways' own integers. `increase()` of the same server is shown beside it, and is
not equal.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(300)]


def _differs(row: dict[str, Any]) -> None:
    """`increase()` is off by more than any rounding: a thousandth, in the better case."""
    usd = row["truth"]["nano"] / 1e9
    worst = max(abs(v / usd - 1) for name, v in row["increase"].items() if name.startswith("usd"))
    assert worst > 1e-3, row["increase"]


@pytest.mark.xdist_group("prometheus-history")
@pytest.mark.parametrize("raw_samples", [2_000_000, 60_000])
def test_thirty_days_of_history(
    raw_samples: int, history: Any, bench: ModuleType, collectors: Any, tmp_path: Path
) -> None:
    """Sample by sample; and in steps of ten minutes and of an hour, as for a larger fleet."""
    path = history.config(tmp_path)
    patches = {"plan.RAW_SAMPLES": raw_samples}
    assert collectors.start(path, "--once", patches=patches).wait(60) == 0
    row = bench.compare(history.truth, bench.stored(path), history.increase())
    print("\n".join(bench.table("history", row)))
    assert row["equal"], row["by_gateway"]
    assert row["truth"]["requests"] > 50_000
    _differs(row)
    assert row["increase"]["tokens"] != int(row["increase"]["tokens"])


def test_live_with_a_restart_and_new_series(
    bench: ModuleType, need: Callable[[str, str], None], tmp_path: Path
) -> None:
    need("prometheus", "a real Prometheus is not tested")
    row = bench.run_live(tmp_path, 14.0)
    print("\n".join(bench.table("live", row)))
    assert row["equal"], row["by_gateway"]
    assert row["restarts"] == 1
    assert row["born"] > 0
    assert row["truth"]["requests"] > 30
    _differs(row)

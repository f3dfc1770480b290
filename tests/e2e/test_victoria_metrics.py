"""A real VictoriaMetrics asked as a Prometheus: live, in history, beside what counts already."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from costtui.config.load import load
from costtui.engine.collector import Collector

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(300)]

DAYS = 16
"""More than fourteen: steps are ten minutes, and an hour before that."""

Until = Callable[..., object]
Costtui = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def victoria(
    bench: ModuleType, need: Callable[[str, str], None], tmp_path: Path
) -> Iterator[Callable[..., Any]]:
    """Starts a server that scrapes `hosts`."""
    need("victoria-metrics", "a real VictoriaMetrics is not tested")
    made = []

    def start(*hosts: str) -> Any:
        made.append(bench.RealVictoria(tmp_path / "victoria", {"agw": list(hosts)}))
        made[-1].start()
        return made[-1]

    yield start
    for server in made:
        server.kill()


def _equal(counted: dict[str, Counter[str]], truth: dict[str, Counter[str]]) -> bool:
    return all(counted.get(n, Counter())[k] == v for n, t in truth.items() for k, v in t.items())


def test_live(
    victoria: Callable[..., Any], bench: ModuleType, until: Until, collectors: Any, tmp_path: Path
) -> None:
    """One collector asks at the root and one at /prometheus; both see the same. One is killed, and
    a gateway starts again meanwhile."""
    with bench.planes() as fleet:
        hosts = {plane.host: name for name, plane in fleet.items()}
        server = victoria(*hosts)
        paths = {
            prefix: bench.config(tmp_path / f"costtui{number}", server.url + prefix, "agw", hosts)
            for number, prefix in enumerate(("", "/prometheus"))
        }
        children = {prefix: collectors.start(path) for prefix, path in paths.items()}
        until(lambda: len(server.query("up[1m]")) == 3, "three gateways scraped", 30)
        moving = {name: plane for name, plane in fleet.items() if name != "ap"}
        traffic = bench.Traffic(moving, 6.0)
        try:

            def requests() -> int:
                return sum(plane.truth["requests"] for plane in fleet.values())

            until(lambda: requests() > 60, "traffic", 30)
            moving["ap"] = fleet["ap"]  # scraped from the beginning, its first series come now
            children["/prometheus"].kill()
            children["/prometheus"].wait()
            fleet["us"].restart()
            until(lambda: fleet["us"].gateway.restarts, "a restart", 30)
            until(lambda: requests() > 140, "traffic", 30)
            collectors.start(paths["/prometheus"])
            until(lambda: requests() > 180, "traffic", 30)
        finally:
            traffic.stop()
        truth = {name: plane.truth for name, plane in fleet.items()}
        for prefix, path in paths.items():
            until(
                lambda: _equal(bench.stored(path), truth),  # noqa: B023
                lambda: f"{prefix!r}: {bench.stored(path)}, used {truth}",  # noqa: B023
                30,
            )
        print(f"{requests()} requests, all counted twice: {truth}")


@pytest.fixture(scope="module")
def generated() -> tuple[Any, dict[str, dict[str, int]]]:
    """Samples by day, and the truth by instance."""
    path = Path(__file__).parents[2] / "benchmarks" / "gen_prometheus_history.py"
    spec = importlib.util.spec_from_file_location("gen_prometheus_history", path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["gen_prometheus_history"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    samples, truth = module.generate(DAYS, int(time.time()) // 60 * 60 - 120, 120, 20261126)
    return samples, truth


def test_history(
    generated: tuple[Any, dict[str, dict[str, int]]],
    victoria: Callable[..., Any],
    bench: ModuleType,
    until: Until,
    collectors: Any,
    tmp_path: Path,
) -> None:
    """Sample by sample, and in steps of ten minutes and of an hour."""
    samples, by_instance = generated
    server = victoria()
    for day in samples.days.values():
        server.take("".join(f"{line}000\n" for lines in day.values() for line in lines))
    count = f"sum(count_over_time({{job='agw'}}[{DAYS + 1}d]))"
    until(lambda: server.value(count, time.time()) == samples.samples, "everything imported", 30)
    names = {host: host.partition(".")[0] for host in by_instance}
    truth = {names[host]: Counter(amounts) for host, amounts in by_instance.items()}
    for raw_samples in (2_000_000, 30_000):
        folder = tmp_path / str(raw_samples)
        path = bench.config(folder, server.url, "agw", names, since=f"{DAYS + 2}d")
        patches = {"plan.RAW_SAMPLES": raw_samples, "plan.PIECE_SAMPLES": 50_000}
        assert collectors.start(path, "--once", patches=patches).wait(60) == 0
        increase = server.value(f"sum(increase({bench.COST}[{DAYS + 1}d]))", time.time())
        row = bench.compare(truth, bench.stored(path), {"usd": increase})
        print("\n".join(bench.table(f"VictoriaMetrics, {raw_samples} samples one by one", row)))
        assert row["equal"], row["by_gateway"]


class PastClock:
    """Time that the test moves."""

    def __init__(self, now: float) -> None:
        self.time = now

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += seconds


def _two_ways(folder: Path, server: str, fleet: dict[str, Any], role: str) -> Path:
    """The three pages count; the server that scrapes them, if it is given, has `role`."""
    services = "".join(
        f"      ai/{s}: {{provider: {s}}}\n" for s in ("openai", "anthropic", "gemini")
    )
    lines = [f"store: {{path: {folder / 'costtui.db'}}}", "sources:"]
    for name, plane in fleet.items():
        lines += [
            f"  - name: page-{name}",
            *("    type: metrics", "    preset: agentgateway", "    interval: 15s"),
            *(f"    gateway: {name}", f"    url: http://{plane.host}/metrics"),
            f"    services:\n{services}",
        ]
    if server:
        lines += [
            *("  - name: fleet", "    type: prometheus", "    preset: agentgateway"),
            *(f"    url: {server}", f"    role: {role}", "    interval: 15s", "    since: 2h"),
            f"    gateways: {json.dumps({p.host: n for n, p in fleet.items()})}",
            f"    services:\n{services}",
        ]
    path = folder / "config.yml"
    path.write_text("\n".join(lines) + "\n")
    return path


def _stamped(page: str, host: str, ms: int) -> str:
    """A page as a server stores it that scraped `host`."""
    place = f'job="agw",instance="{host}"'
    found = re.findall(r"^(\w+)\{(.*)\} (\S+)$", page, re.MULTILINE)
    lines = [f"{name}{{{labels},{place}}} {value} {ms}\n" for name, labels, value in found]
    return f"up{{{place}}} 1 {ms}\n" + "".join(lines)


NOON = 1_795_000_000.0
"""A moment of a working day, for the demo's rhythm."""


async def test_the_same_gateways_counted_by_their_pages_too(
    victoria: Callable[..., Any],
    bench: ModuleType,
    until: Until,
    collectors: Any,
    costtui: Costtui,
    tmp_path: Path,
) -> None:
    """Half an hour of the past: the pages are polled, and the server scrapes them three seconds
    later. Then the server is added, which is refused while both count, and agrees when compared."""
    began = time.time() - 1800
    server = victoria()
    with bench.planes() as fleet:
        path = _two_ways(tmp_path, "", fleet, "")
        clock = PastClock(began)
        async with Collector(load(path, env={}), clock=clock, jitter=False) as running:
            taken: list[str] = []

            def scrape() -> None:
                ms = round(clock.time * 1000)
                pages = [(plane.gateway.page(), plane.host) for plane in fleet.values()]
                taken.extend(_stamped(page, host, ms) for page, host in pages)

            scrape()
            while clock.time < began + 1770:
                for poller in running.pollers:
                    await poller.poll_once()
                for second in range(15):
                    clock.time += 1
                    for plane in fleet.values():
                        # The rhythm of one moment, whatever the time of day: the same traffic.
                        plane.gateway.tick(int(clock.time), NOON + clock.time - began, 0.3)
                    if second == 2:
                        scrape()
            scrape()
        server.take("".join(taken))
        lines = [line for line in "".join(taken).splitlines() if line and line[0] != "#"]
        # What was taken is found only bit by bit.
        found = 'sum(count_over_time({__name__=~"up|agentgateway.*"}[2h]))'
        until(lambda: server.value(found) >= len(lines), "everything imported", 60)
        truth = {name: plane.truth for name, plane in fleet.items()}

        # Both count: the server's part is refused whole, the pages go on.
        path = _two_ways(tmp_path, server.url, fleet, "count")
        assert collectors.start(path, "--once").wait(60) == 1
        said = (tmp_path / "collect.log").read_text()
        assert "is already counted by source page-" in said
        assert "role: reconcile" in said
        assert bench.stored(path).keys() == truth.keys()
        assert _equal(bench.stored(path), truth)
        print(said.splitlines()[-1])

        path = _two_ways(tmp_path, server.url, fleet, "reconcile")
        assert collectors.start(path, "--once").wait(60) == 0
        # The server saw the same: stored twice, counted once.
        assert _equal(bench.stored(path), {n: t + t for n, t in truth.items()})
        report = costtui("--config", path, "report", "--since", "1h", "--format", "json")
        document = json.loads(report.stdout)
        print(costtui("--config", path, "report", "--since", "1h", "--reconcile").stdout)
    total: Counter[str] = sum(truth.values(), Counter())
    assert document["total"]["cost_nano"] == total["nano"]
    assert document["total"]["requests"] == total["requests"]
    assert {row["gateway"]: row["verdict"] for row in document["reconciled"]} == dict.fromkeys(
        truth, "agrees"
    )
    for row in document["reconciled"]:
        assert row["counted_by"] == [f"page-{row['gateway']}"]
        assert row["seen"]["requests"] > 20

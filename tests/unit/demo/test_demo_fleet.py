"""The fleet is a pure function of its seed and its clock, and its restarts lose what they say."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from costtui.demo.fleet import Fleet
from costtui.demo.gateway import GatewayDownError, Phase
from costtui.demo.history import preload
from costtui.demo.people import SECRET_USER, shown_consumer
from costtui.demo.rhythm import Script
from costtui.demo.truth import Amounts, Cell, Truth
from costtui.model.safetext import safe_name

START = 1_795_340_000
US = "agentgateway-us"


def _fleet(path: Path, *, seed: int = 1, rate: float = 20, script: Script | None = None) -> Fleet:
    return Fleet(path, start=START, seed=seed, rate=rate, script=script)


def _everything(fleet: Fleet) -> tuple[object, ...]:
    fleet.close()
    logs = {p.name: p.read_bytes() for p in sorted(fleet.proxy.path.parent.iterdir())}
    return logs, fleet.truth().to_dict(), [g.render() for g in fleet.gateways.values()]


@settings(max_examples=12)
@given(steps=st.lists(st.integers(1, 90), min_size=1, max_size=12))
def test_the_size_of_the_steps_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, steps: list[int]
) -> None:
    script = Script(rename_at=40, copytruncate_at=75, restart_at=10_000)
    stepped = _fleet(tmp_path_factory.mktemp("a"), script=script)
    for moment in range(1, len(steps) + 1):
        stepped.advance(START + sum(steps[:moment]) + 0.5)
    once = _fleet(tmp_path_factory.mktemp("b"), script=script)
    once.advance(START + sum(steps))
    assert _everything(stepped) == _everything(once)


def test_another_seed_is_other_traffic(tmp_path: Path) -> None:
    made: list[tuple[object, ...]] = []
    for seed in (1, 1, 2):
        fleet = _fleet(tmp_path / str(len(made)), seed=seed)
        fleet.advance(START + 60)
        made.append(_everything(fleet))
    assert made[0] == made[1]
    assert made[0] != made[2]


def test_the_past_does_nothing(tmp_path: Path) -> None:
    fleet = _fleet(tmp_path)
    assert fleet.advance(START + 10) > 0
    assert fleet.advance(START + 5) == 0
    assert fleet.now == START + 10
    fleet.close()


def test_speed_brings_more_traffic_in_the_same_clock_time(tmp_path: Path) -> None:
    slow = Fleet(tmp_path / "slow", start=START, speed=1, rate=5)
    fast = Fleet(tmp_path / "fast", start=START, speed=60, rate=5)
    a, b = slow.advance(START + 60), fast.advance(START + 60)
    assert 30 * a < b < 120 * a
    lines = fast.proxy.path.read_text().splitlines()
    assert all('"timestamp":"2026-11-22' in line for line in lines)
    slow.close()
    fast.close()


def _counted(page: str) -> Amounts:
    """Requests and money of an agentgateway page."""
    out = Amounts()
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            if sample.name == "agentgateway_requests_total":
                out.requests += int(sample.value)
            if sample.name == "agentgateway_gen_ai_client_cost_usd_total":
                out.effective_nano += round(sample.value * 10**9)
    return out


def test_a_graceful_restart_waits_until_everything_was_scraped(tmp_path: Path) -> None:
    fleet = _fleet(tmp_path, script=Script(restart_at=60))
    gateway = fleet.gateways[US]
    fleet.advance(START + 90)
    drained = gateway.truth.copy()
    fleet.advance(START + 120)
    assert gateway.phase is Phase.DRAINING
    assert gateway.truth.to_dict() == drained.to_dict()
    before = _counted(fleet.page(US))
    assert before.requests == drained.total.requests
    assert before.effective_nano == drained.total.effective_nano
    fleet.advance(START + 125)
    assert gateway.phase is Phase.DRAINING, "one scrape may not have been kept"
    fleet.page(US)
    fleet.advance(START + 126)
    with pytest.raises(GatewayDownError):
        fleet.page(US)
    fleet.advance(START + 150)
    after = _counted(fleet.page(US))
    assert gateway.restarts == 1
    assert 0 < after.requests < before.requests
    total = gateway.truth.total
    assert before.requests + after.requests == total.requests
    assert before.effective_nano + after.effective_nano == total.effective_nano
    assert gateway.swallowed.total == Amounts()
    fleet.close()


def test_a_crash_swallows_what_nobody_scraped_and_says_how_much(tmp_path: Path) -> None:
    fleet = _fleet(tmp_path)
    gateway = fleet.gateways[US]
    fleet.advance(START + 60)
    before = _counted(fleet.page(US))
    fleet.advance(START + 90)
    fleet.restart(US, graceful=False)
    fleet.advance(START + 150)
    after = _counted(fleet.page(US))
    lost = gateway.swallowed.total
    assert lost.requests > 0
    total = gateway.truth.total
    assert before.requests + lost.requests + after.requests == total.requests
    assert (
        before.effective_nano + lost.effective_nano + after.effective_nano == total.effective_nano
    )
    fleet.close()


def test_held_gateways_take_nothing_before_their_first_scrape(tmp_path: Path) -> None:
    fleet = _fleet(tmp_path)
    preload(fleet, 0.5)
    fleet.hold()
    fleet.advance(START + 60)
    assert fleet.truth().by("gateway").keys() == {"llm-proxy"}
    baseline = _counted(fleet.page(US))
    assert baseline.requests > 1000
    fleet.advance(START + 120)
    gained = _counted(fleet.page(US))
    truth = fleet.gateways[US].truth.total
    assert gained.requests - baseline.requests == truth.requests > 0
    assert gained.effective_nano - baseline.effective_nano == truth.effective_nano
    assert set(fleet.truth().by("gateway")) == {US, "llm-proxy"}
    fleet.close()


def test_scraping_does_not_change_the_traffic_of_others(tmp_path: Path) -> None:
    a, b = _fleet(tmp_path / "a"), _fleet(tmp_path / "b")
    a.restart(US)
    for fleet in (a, b):
        fleet.advance(START + 100)
    for name in ("kong", "agentgateway-eu"):
        assert a.page(name) == b.page(name)
    a.page(US), a.page(US)
    for fleet in (a, b):
        fleet.advance(START + 200)
        fleet.close()
    assert a.page("kong") == b.page("kong")


def test_the_script_brings_its_bursts(tmp_path: Path) -> None:
    script = Script(restart_at=10_000)
    fleet = _fleet(tmp_path, script=script)
    fleet.advance(START + script.throttled[0])
    calm = fleet.gateways["kong"].truth.total
    fleet.advance(START + script.throttled[1])
    burst = fleet.gateways["kong"].truth.total
    assert burst.throttled - calm.throttled > 20 * max(1, calm.throttled)
    fleet.advance(START + script.failing[0])
    before = fleet.gateways["agentgateway-eu"].truth.total.errors
    fleet.advance(START + script.failing[1])
    assert fleet.gateways["agentgateway-eu"].truth.total.errors > before + 20
    fleet.close()


@pytest.mark.parametrize(
    ("before", "until", "expected"),
    [(0, 149, False), (149, 150, True), (150, 151, False), (1049, 1050, True), (0, 5000, True)],
)
def test_a_scripted_moment_comes_once_a_period(before: float, until: float, expected: bool) -> None:
    assert Script(period=900).due(150, before, until) is expected


def test_the_key_among_the_consumers_is_shown_as_costtui_shows_it() -> None:
    assert shown_consumer(SECRET_USER) == safe_name(SECRET_USER)
    assert shown_consumer("r&d") == safe_name("r&d") == "r&d"


@pytest.mark.parametrize("bad", [{"speed": 0}, {"rate": -1}, {"days": -1}])
def test_nonsense_is_refused(tmp_path: Path, bad: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must"):
        Fleet(tmp_path, start=START, **bad)  # type: ignore[arg-type]


def test_truth_survives_its_file(tmp_path: Path) -> None:
    fleet = _fleet(tmp_path)
    fleet.advance(START + 30)
    fleet.close()
    truth = fleet.truth()
    path = tmp_path / "truth.json"
    truth.write(path)
    assert Truth.read(path).to_dict() == truth.to_dict()
    for dimension in ("provider", "model", "consumer", "gateway"):
        total = Amounts()
        for amounts in truth.by(dimension).values():
            total.add(amounts)
        assert total == truth.total


def test_truth_can_rename_and_merge() -> None:
    truth = Truth()
    truth.cell(Cell("gemini", "m", "", "g")).add(Amounts(requests=1, input=2))
    truth.cell(Cell("gcp.gemini", "m", "", "h")).add(Amounts(requests=3, input=4))
    merged = truth.by("provider", {"gemini": "google", "gcp.gemini": "google"})
    assert merged == {"google": Amounts(requests=4, input=6)}

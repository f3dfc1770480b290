"""What an attacker found in the source, each with the figures worked out by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from costtui.config.schema import QueryConfig

Make = Callable[..., Any]
HOUR = 3600


# After an outage


@pytest.mark.parametrize("counter", [False, True])
async def test_a_gauge_costs_through_an_outage_and_after_it(
    prom_of: Make, series_of: Make, counter: bool
) -> None:
    fields = {
        "dimensions": {"model": "model"},
        "metrics": [
            {"name": "gw_usd_per_hour", "quantity": "cost_rate"},
            {"name": "gw_requests_total", "quantity": "requests"},
        ],
    }
    prom = prom_of(fields=fields, since=300)
    start = prom.now
    gauge, requests = series_of("gw_usd_per_hour"), series_of("gw_requests_total", model="a")
    rates = {turn: 60 if turn < 240 else 600 for turn in range(4 * 60 * 5 + 3)}
    for turn, rate in rates.items():
        more = [(requests, turn)] if counter else []
        prom.server.scrape(start + turn * 15, (gauge, rate), *more)
    for now in (2, 32, 5 * HOUR - 3, 5 * HOUR + 17, 5 * HOUR + 32):
        prom.now = start + now
        await prom.drain()
    area = sum((rates[turn] + rates[turn + 1]) * 15 / 2 / HOUR for turn in range(len(rates) - 1))
    assert prom.total("reported_nano") == round(area * 1_000_000_000)
    assert prom.total("lower_bounds") == 0


async def test_a_restart_in_an_outage_is_not_found_again_after_it(
    prom_of: Make, series_of: Make
) -> None:
    """The clock of the gateway is two hours ahead."""
    prom = prom_of(since=300)
    start = prom.now
    counter, begun = (
        series_of("gw_tokens_total", model="a"),
        series_of("process_start_time_seconds"),
    )
    for turn in range(4 * 60 * 5 + 3):
        again = turn >= 960
        value, since = (turn - 959, start + 6 * HOUR) if again else (turn, start - 1000)
        prom.server.scrape(start + turn * 15, (counter, value), (begun, since))
    for now in (2, 32, 5 * HOUR - 3, 5 * HOUR + 17, 5 * HOUR + 32):
        prom.now = start + now
        await prom.drain()
    assert prom.total() == 959 + (1202 - 959)
    assert prom.total("lower_bounds") == 1


# Another configuration


def _by_kind(kinds: dict[str, str]) -> dict[str, Any]:
    rule = {"name": "gw_t_total", "quantity": "tokens", "kind_label": "k", "kinds": kinds}
    return {"dimensions": {}, "metrics": [rule]}


async def test_a_kind_that_counts_only_now_is_a_baseline(prom_of: Make, series_of: Make) -> None:
    prom = prom_of(fields=_by_kind({"in": "input"}), since=300)
    used, made = series_of("gw_t_total", k="in"), series_of("gw_t_total", k="out")
    for turn in range(44):
        if turn == 40:
            prom.reopen(fields=_by_kind({"in": "input", "out": "output"}))
        prom.server.scrape(prom.now, (used, 1000 + turn), (made, 5000 + turn))
        prom.now += 15
        await prom.drain()
    # What the poll after the change reaches back to is the baseline.
    assert (prom.total("input"), prom.total("output")) == (43, 6)


async def test_another_unit_is_another_counter(prom_of: Make, series_of: Make) -> None:
    rule = {"name": "gw_cost_total", "quantity": "cost", "unit": "usd"}
    prom = prom_of(fields={"dimensions": {}, "metrics": [rule]}, since=300)
    counter = series_of("gw_cost_total")
    for turn in range(20):
        if turn == 10:
            prom.reopen(fields={"dimensions": {}, "metrics": [{**rule, "unit": "cents"}]})
        prom.server.scrape(prom.now, (counter, 1000 + turn))
        prom.now += 15
        await prom.drain()
    assert prom.total("reported_nano") == 9 * 10**9 + 12 * 10**7
    assert prom.total("lower_bounds") == 0


async def test_another_preset_while_history_is_read(prom_of: Make, series_of: Make) -> None:
    rule = {"name": "other_total", "quantity": "tokens", "kind": "input"}
    prom = prom_of(since=7200)
    first = prom.config.fields
    counter, other = series_of("gw_tokens_total", model="a"), series_of("other_total", model="x")
    t0 = prom.now - 7100
    for turn in range(460):
        prom.server.scrape(t0 + turn * 15, (counter, 1000 + turn), (other, 7000 + turn))
    poll = prom.source.poll(prom.now)
    for _ in range(2):
        prom.store(await anext(poll))
    await poll.aclose()
    read = prom.total()
    prom.reopen(fields={"dimensions": {"model": "model"}, "metrics": [rule]})
    prom.now += 5
    prom.server.scrape(prom.now - 1, (counter, 1459), (other, 7460))
    await prom.drain()
    assert (prom.total(model="a"), prom.total(model="x")) == (read, 460)
    prom.reopen(fields=first)
    prom.now += 30
    prom.server.scrape(prom.now - 1, (counter, 1461), (other, 7461))
    await prom.drain()
    assert (prom.total(model="a"), prom.total(model="x")) == (read + 2, 460)


# A gateway's new version


def _tokens(series_of: Make, kind: str) -> Any:
    return series_of(
        "agentgateway_gen_ai_client_token_usage_sum",
        gen_ai_token_type=kind,
        gen_ai_system="anthropic",
        gen_ai_request_model="claude",
        gen_ai_response_model="claude",
    )


@pytest.mark.parametrize("live", [False, True])
async def test_the_minute_of_an_upgrade_is_read_by_both_versions(
    prom_of: Make, series_of: Make, live: bool
) -> None:
    """Since 1.5 the input of this provider holds what came from a cache."""
    prom = prom_of(preset="agentgateway", fields={}, since=7200)
    used, cached = _tokens(series_of, "input"), _tokens(series_of, "input_cache_read")
    begun = series_of("process_start_time_seconds")
    t0 = prom.now - 7140
    for turn in range(60):
        new, now = turn >= 42, t0 + turn * 15
        n = turn - 41 if new else turn
        build = series_of("agentgateway_build_info", tag="1.5.0" if new else "1.4.1")
        prom.server.scrape(
            now,
            (used, (1100 if new else 100) * n),
            (cached, 1000 * n),
            (build, 1),
            (begun, t0 + 41 * 15 + 7 if new else t0 - 10),
        )
        if live:
            prom.now = now + 2
            await prom.drain()
    await prom.drain()
    assert (prom.total(), prom.total("cache_read")) == (59 * 100, 59 * 1000)


@pytest.mark.parametrize("live", [False, True])
async def test_what_was_used_before_a_gateway_told_costs_is_not_free(
    prom_of: Make, series_of: Make, live: bool
) -> None:
    fields = {
        "dimensions": {"model": "model"},
        "metrics": [
            {"name": "gw_tokens_total", "quantity": "tokens", "kind": "input"},
            {"name": "gw_usd_total", "quantity": "cost", "unit": "usd"},
        ],
    }
    prom = prom_of(fields=fields, since=7200)
    counter, cost = series_of("gw_tokens_total", model="a"), series_of("gw_usd_total", model="a")
    t0 = prom.now - 7140
    for turn in range(460):
        told = [(cost, turn - 300)] if turn >= 300 else []
        prom.server.scrape(t0 + turn * 15, (counter, turn), *told)
        if live:
            prom.now = t0 + turn * 15 + 2
            await prom.drain()
    await prom.drain()
    unpriced = sum(r.input for r in prom.records if r.reported_nano is None)
    assert 296 <= unpriced < 300  # to the minute
    assert prom.total() == 459
    assert prom.total("reported_nano") == 159 * 10**9


async def test_times_that_no_clock_has(prom_of: Make, series_of: Make) -> None:
    prom = prom_of(since=300)
    series = series_of("gw_tokens_total", model="a")
    times = (-1e308, -5.0, prom.now - 5, prom.now + 1e6, 1e308)
    row = {"metric": dict(series), "values": [[at, "7"] for at in times]}
    prom.server.hook = lambda *_: prom.server.matrix([row])
    await prom.poll()
    assert prom.stored["@prom"].startswith(f"[{(int(prom.now) - 5) * 1000},")


# Other labels for the same process


@pytest.mark.parametrize("way", ["live", "live, again", "history", "outage"])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"env": "prod"}),  # a label of the scrape configuration
        ({"pod": "x-1"}, {"pod": "x-2", "zone": "b"}),
        ({"instance": "a:1"}, {"instance": "b:1"}),
        ({"job": "gw"}, {"job": "gateways", "env": "prod"}),
    ],
)
async def test_a_series_that_is_called_otherwise_is_not_counted_again(
    prom_of: Make, series_of: Make, way: str, before: dict[str, str], after: dict[str, str]
) -> None:
    prom = prom_of(since=24 * HOUR if way == "history" else 300)
    t0 = prom.now = prom.now - 12 * HOUR
    began = t0 - 40 * HOUR + 0.37
    for turn in range(4 * 60 * 3):
        more = after if turn >= 300 else before
        counted = {model: series_of("gw_tokens_total", model=model, **more) for model in "abc"}
        target = {key: value for key, value in more.items() if key in ("job", "instance")}
        samples = [
            (counted["a"], 100_000 + turn * 7),
            (counted["b"], 50_000 + turn),
            (series_of("process_start_time_seconds", **target), began),
        ]
        if turn >= 320:
            samples.append((counted["c"], turn))
        now = t0 + turn * 15
        for series, value in samples:
            prom.server.put(series, now, value)
        prom.server.put(series_of("up", **target), now, 1)
        prom.now = now + 2
        if way.startswith("live") or (way == "outage" and turn in (0, 719)):
            if way == "live, again":
                prom.reopen()
            await prom.drain()
    await prom.drain()
    assert (prom.total(model="a"), prom.total(model="b")) == (719 * 7, 719)
    assert prom.total(model="c") == 719
    assert prom.total("lower_bounds") == 0


async def test_a_name_that_is_given_back_is_not_counted_again(
    prom_of: Make, series_of: Make
) -> None:
    prom = prom_of(since=300)
    for turn in range(60):
        more = {"env": "test"} if 20 <= turn < 40 else {}
        series = series_of("gw_tokens_total", model="a", **more)
        prom.server.scrape(prom.now, (series, 1_000 + turn))
        prom.now += 15
        if turn % 7 == 0:
            prom.reopen()
        await prom.drain()
    assert prom.total() == 59


async def test_a_process_that_began_again_under_another_name_counts_whole(
    prom_of: Make, series_of: Make
) -> None:
    prom = prom_of(since=300)
    start = prom.now
    for turn in range(40):
        new = turn >= 20
        more = {"instance": "b:1"} if new else {}
        began = series_of("process_start_time_seconds", **more)
        value = 100 * (turn - 19) if new else 10 + turn
        series = series_of("gw_tokens_total", model="a", **more)
        prom.server.scrape(start + turn * 15, (series, value), (began, start + 299.5 if new else 5))
        prom.now = start + turn * 15 + 2
        await prom.drain()
    assert prom.total() == 19 + 2000


@pytest.mark.parametrize("again", [False, True])
async def test_no_secret_waits_in_a_checkpoint_for_its_history(
    prom_of: Make, series_of: Make, again: bool
) -> None:
    secret, other = ("sk-ant-api03-" + letter * 8 + "0123456789abcdefGHIJ" for letter in "AB")
    prom = prom_of(since=7200)
    t0 = prom.now - 7100
    for turn in range(460):
        series = series_of("gw_tokens_total", model="a", team=secret, key=other)
        prom.server.scrape(t0 + turn * 15, (series, turn if turn != 440 else -7))
    for _ in range(60):
        poll = prom.source.poll(prom.now)
        prom.store(await anext(poll))
        prom.now += 1
        await poll.aclose()
        if again:
            prom.reopen()
        text = repr(prom.stored) + repr([batch.skipped for batch in prom.batches])
        assert secret not in text
        assert other not in text
    await prom.drain()
    assert prom.total() == 459
    assert len({record.dims for record in prom.records}) == 1


# Numbers and times that were not asked for


async def test_what_is_no_number_is_told_in_words(prom_of: Make, series_of: Make) -> None:
    prom = prom_of(since=300)
    counter = series_of("gw_tokens_total", model="a")
    for turn, value in enumerate(("5", " -5", "0x10", "1e400", "x\x1b", "6")):
        prom.server.scrape(prom.now - 100 + turn * 15, (counter, value))
    await prom.drain()
    reasons = [line.reason for batch in prom.batches for line in batch.skipped]
    assert sorted(reasons) == [
        " -5 is no counter value",
        "0x10 is not a number",
        "the number is too large",
        r"x\x1b is not a number",
    ]
    assert prom.total() == 1


async def test_a_bad_sample_is_told_once(prom_of: Make, series_of: Make) -> None:
    """Each poll reaches back half a minute."""
    prom = prom_of(since=300)
    counter = series_of("gw_tokens_total", model="a")
    prom.server.scrape(prom.now - 60, (counter, 1))
    await prom.drain()
    prom.server.scrape(prom.now, (counter, -4))
    for _ in range(8):
        prom.now += 2
        await prom.drain()
    assert sum(batch.skipped_count for batch in prom.batches) == 1


async def test_windows_that_were_not_asked_for_do_not_count(prom_of: Make) -> None:
    query = QueryConfig("rate", "cost", "minute")
    prom = prom_of(queries=(query,), since=3600)
    prom.server.hook = lambda form, _: prom.server.matrix(
        [{"metric": {}, "values": [[at, "1"] for at in (-1e300, float(form["end"]), 1e10, 1e300)]}]
    )
    await prom.drain()
    [batch] = [batch for batch in prom.batches if batch.records]
    assert [record.reported_nano for record in batch.records] == [10**9]


async def test_a_server_that_refuses_windows_is_asked_again(prom_of: Make) -> None:
    query = QueryConfig("rate", "cost", "minute")
    prom = prom_of(queries=(query,), since=3600)
    prom.server.warnings = ["a store is down"]
    prom.server.hook = lambda *_: prom.server.matrix([])
    await prom.drain()
    assert prom.source.refused_s == 30.0
    prom.server.warnings = []
    prom.now += 30
    await prom.drain()
    assert prom.source.refused_s == 0.0
    assert not prom.source.behind


async def test_a_series_that_made_room_for_another_is_not_its_predecessor(
    prom_of: Make, series_of: Make
) -> None:
    """LiteLLM deletes the idle series of an end user as another one's begins."""
    fields = {
        "idle_series_vanish": True,
        "dimensions": {"model": "model"},
        "metrics": [{"name": "gw_tokens_total", "quantity": "tokens", "kind": "input"}],
    }
    prom = prom_of(fields=fields, since=300)
    for turn in range(20):
        user = str(turn // 5)
        value = 100 * (turn // 5 + 1) + turn % 5
        told = [(series_of("gw_tokens_total", model="a", user=user), value)] if turn else []
        began = (series_of("process_start_time_seconds"), 5)
        prom.server.scrape(prom.now, *told, began)
        prom.now += 15
        await prom.drain()
    assert prom.total() == sum(100 * (user + 1) + 4 for user in range(4))

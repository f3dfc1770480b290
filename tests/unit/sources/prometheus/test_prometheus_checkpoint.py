"""What is stored of every kind, read back, and refused when it is not ours."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from costtui.errors import SourceFormatError
from costtui.sources.prometheus import plan
from costtui.sources.prometheus.checkpoint import META, Meta
from costtui.sources.prometheus.holes import Above, Head, Hole, State

Make = Callable[..., Any]


def test_each_part_reads_back_as_it_was() -> None:
    states = (State(1, 2, 0.0, "t"), State(10**13, 2**62, 1.5, "\x1b"))
    heads = (Head(1, 2, 0.0, -1, 0, {}), Head(5, 6, 7.5, 3, 4, {"__name__": "x", "a": '"\n'}))
    sides = (Above(), Above(1, 2, 3.25, "v1.2"))
    assert [State.load(state.dump()) for state in states] == list(states)
    assert [Head.load(head.dump()) for head in heads] == list(heads)
    assert [Above.load(side.dump()) for side in sides] == list(sides)
    for hole in (Hole(7, 1, 9, 5, samples=100), Hole(8, 1, 9, 5, first=True)):
        assert Hole.load(hole.part, hole.dump()) == hole
    meta = Meta(5, frozenset({"a tokens", "match x"}), 3, {"a tokens": 4}, 9)
    assert Meta.load(meta.dump()) == meta
    assert Meta.load(META.dump()) == META


async def test_everything_in_the_middle_of_everything(
    prom_of: Make, series_of: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two holes half filled: what is restored and written again is what was stored."""
    monkeypatch.setattr("costtui.sources.prometheus.source.TURN_S", 0.0)
    prom = prom_of(preset="agentgateway", fields={}, since=6 * 3600)
    begin = prom.now - 6 * 3600
    for turn in range(6 * 240):
        _scrape(prom, series_of, begin + 15 * turn, turn)
    await prom.poll()
    prom.now += 3 * 3600
    for turn in range(6 * 240, 9 * 240 - 2):
        _scrape(prom, series_of, begin + 15 * turn, turn)
    await prom.poll()
    await prom.poll()
    assert {part.partition(":")[0] for part in prom.stored} >= set("sThtHAB") | {"@prom"}
    stored = dict(prom.stored)
    prom.reopen()
    ledger = prom.source._ledger
    written: dict[str, str | None] = {"@prom": prom.source._meta.dump()}
    for key, state in ledger.states.items():
        written[f"s:{key}"] = state.dump()
    for target in ledger.tracks.targets.values():
        written[f"T:{target.key}"] = target.dump()
    for hole in ledger.holes:
        kept: dict[str, str | None] = {}
        hole.dump_all(kept)
        written.update({k: v for k, v in kept.items() if v is not None})
        written.update({f"h:{hole.number}:{k}": h.dump() for k, h in hole.heads.items()})
        written.update({f"A:{hole.number}:{k}": a.dump() for k, a in hole.above.items()})
    joiners = {part for part in stored if part[0] in "JK"}
    assert {k: v for k, v in stored.items() if k not in joiners} == written
    for _ in range(400):
        await prom.poll()
        if not prom.source.has_more:
            break
        prom.reopen()  # a new process after every poll
    last = 9 * 240 - 3
    assert prom.total("input") + prom.total("cache_read") == (last - 1) * 10
    assert prom.total("cache_read") == (last - 1) * 4
    assert [part for part in prom.stored if part[0] in "HhtABK"] == []


def _scrape(prom: Any, series_of: Make, at: float, turn: int) -> None:
    base = {
        "gen_ai_operation_name": "chat",
        "gen_ai_provider_name": "openai",
        "gen_ai_request_model": "m",
        "gen_ai_response_model": "m",
    }
    name = "agentgateway_gen_ai_client_token_usage_sum"
    prom.server.scrape(
        at,
        (series_of(name, gen_ai_token_type="input", **base), turn * 10),
        (series_of(name, gen_ai_token_type="input_cache_read", **base), turn * 4),
        (series_of("agentgateway_build_info", tag="1.4.2"), 1),
        (series_of("process_start_time_seconds"), prom.config.timeout),
    )


@pytest.mark.parametrize(
    ("part", "text"),
    [
        ("@prom", "nonsense"),
        ("@prom", "[1,2]"),
        ("@prom", '{"edge":1}'),
        ("@prom", '[1,["a"],2,["asked"],1]'),
        ("s:x", "12"),
        ("s:x", "[1,2]"),
        ("s:x", '["a",2,0,"t"]'),
        ("T:x", "[]"),
        ("T:x", '[["a"],1,2,3,"",[]]'),
        ("H:x", "[1,2,3,4]"),
        ("H:1", "[1,2,3]"),
        ("h:1:x", "[1,2,0,-1,0,{}]"),
        ("t:9:x", '[1,2,0,"t"]'),
        ("A:1:x", "[]"),
    ],
)
def test_a_part_that_is_not_ours_is_refused(part: str, text: str, prom_of: Make) -> None:
    prom = prom_of()
    good = {"@prom": META._replace(edge=5).dump()}
    with pytest.raises(SourceFormatError, match="the stored checkpoint cannot be read"):
        prom.source.restore({**good, part: text})


def test_what_another_kind_of_source_stored_under_the_name_is_not_used(prom_of: Make) -> None:
    prom = prom_of()
    prom.source.restore({"@target": '[1,2,3,"u"]', "s:abc": "55", "@names": "[]"})
    assert prom.source._ledger.states == {}
    assert prom.source._meta == META


async def test_parts_are_small(prom_of: Make, series_of: Make) -> None:
    """No names of models or consumers in what is stored for each series for ever."""
    prom = prom_of()
    for turn in range(100):
        prom.server.scrape(
            prom.now - 1495 + turn * 15, (series_of("gw_tokens_total", model="x" * 300), turn)
        )
    await prom.drain()
    assert max(len(text) for part, text in prom.stored.items() if part.startswith("s:")) < 80
    assert json.dumps(prom.stored).count("x" * 300) == 0
    assert plan.PIECE_SAMPLES > 0

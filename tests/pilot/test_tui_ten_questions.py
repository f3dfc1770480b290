"""docs/ten-questions.md: its keys are pressed on a real store, its answers read from the screen.

What must be there is worked out here from the records, without the store.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest

from costtui.analysis.forecast import forecast
from costtui.config.schema import Config, Consumer, PriceOverride
from costtui.model.charge import Charge, CostBasis
from costtui.model.dimension import Dimensions
from costtui.model.usage import UsageRecord
from costtui.store.reader import Reader
from costtui.store.writer import Store
from costtui.tui import format as fmt

Start = Any
PAGE = Path(__file__).parents[2] / "docs" / "ten-questions.md"
NOW = datetime(2026, 11, 22, 10, 57, 3, tzinfo=UTC).timestamp()
HOUR, DAY, NS = 3600, 86_400, 1_000_000_000
NAMES = {"[": "left_square_bracket", "<": "less_than_sign", "Enter": "enter"}
RATES = {"big": (3000, 300, 15_000), "small": (200, 50, 800)}
"""nano-USD a token of input, cache read, output."""
WHO = ("checkout", "search", "bot")
TEAMS = {"checkout": "payments", "search": "discovery", "bot": "payments"}
JUMP = datetime(2026, 11, 21, 14, 10, tzinfo=UTC).timestamp()


class Used(NamedTuple):
    """One record, as the test knows it."""

    at: float
    record: UsageRecord
    nano: int


def used(at: float, who: str, model: str, gateway: str, size: int, **more: Any) -> Used:
    dims = Dimensions("openai", model, who, gateway, "/v1/messages", "llm")
    kinds: dict[str, Any] = {"input": 40 * size, "cache_read": 25 * size, "output": 10 * size}
    ns = int(at) * NS
    request = more.pop("request_id", None)
    record = UsageRecord(ns, ns if request else ns + NS, dims, request_id=request)
    record = record._replace(**kinds, **more)
    rates = RATES.get(model, (0, 0, 0))
    return Used(at, record, sum(map(int.__mul__, rates, kinds.values())))


def fleet() -> Iterator[Used]:
    """Sixteen days of three consumers on a logged gateway and one of counters; at 14:10 yesterday
    one of them sends eight times as much."""
    first = int(NOW) // HOUR * HOUR - 16 * DAY
    for at in range(first, int(NOW) - HOUR, HOUR):
        for number, who in enumerate(WHO):
            size = 30 * (number + 1) + at // HOUR % 5 + (at - first) // DAY
            model = "small" if number == 2 else "big"
            yield used(at + 600, who, model, "proxy", size, request_id=f"{who}-{at}",
                       throttled=int(at % 7 == 0))  # fmt: skip
        yield used(at + 900, "", "big", "kong", 55, requests=9, throttled=2)
        if at % (5 * HOUR) == 0:
            yield used(at + 1200, "bot", "mystery", "proxy", 10, request_id=f"m-{at}")
    for second in range(4):
        yield used(JUMP + second, "search", "big", "proxy", 700 + second, request_id=f"j{second}")


EVERY = list(fleet())


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ten") / "store.db"
    asyncio.run(fill(path))
    return path


async def fill(path: Path) -> None:
    opened = await Store.open(path, now=NOW)
    for name, gateway, logged in (("log", "proxy", True), ("pages", "kong", False)):
        await opened.register(name, "jsonl" if logged else "metrics/kong", gateway)
        some = [u for u in EVERY if (u.record.request_id is not None) is logged]
        charges = [
            Charge(u.nano, u.nano, CostBasis.COMPUTED)
            if u.nano else Charge(0, None, CostBasis.UNPRICED) for u in some
        ]  # fmt: skip
        await opened.append(name, [u.record for u in some], charges, now=NOW)
    await opened.close()


def config(fakes: ModuleType) -> Config:
    def usd(nano: int) -> Decimal:
        return Decimal(nano) / 1000

    prices = tuple(
        PriceOverride(model=model, rates=(("input", usd(i)), ("cache_read", usd(r)),
                                          ("output", usd(o))))
        for model, (i, r, o) in RATES.items()
    )  # fmt: skip
    people = tuple((who, Consumer(team=team)) for who, team in TEAMS.items())
    found = replace(fakes.config(), pricing=prices, catalogue=False, consumers=people)
    assert isinstance(found, Config)
    return found


def spent(by: Callable[[Used], str], since: float, until: float = NOW) -> Counter[str]:
    found: Counter[str] = Counter()
    for u in EVERY:
        if since <= u.at < until:
            found[by(u)] += u.nano
    return found


def day(ago: int) -> float:
    return int(NOW) // DAY * DAY - ago * DAY


def answers() -> dict[int, list[str]]:
    """What must be read, by the number of the question; of a list all in one line."""
    end = (int(NOW) // 60 + 1) * 60
    who, most = spent(lambda u: u.record.dims.consumer, day(1), day(0)).most_common(1)[0]
    hour = int(JUMP) // HOUR * HOUR
    in_hour = spent(lambda _: "", hour, hour + HOUR)[""]
    before = spent(lambda _: "", hour - HOUR, hour)[""]
    limited = Counter[str]()
    for u in EVERY:
        if u.at >= end - DAY:
            limited[u.record.dims.gateway] += u.record.throttled
    requests = [u for u in EVERY if u.record.request_id is not None and u.at >= end - DAY]
    dearest = max(requests, key=lambda u: u.nano)
    by_gateway = spent(lambda u: u.record.dims.gateway, end - DAY)
    kong, whole = by_gateway["kong"], by_gateway.total()
    counters = f"{fmt.money(kong, 9)} of ≥{fmt.money(whole, 9)} comes from counters: kong has no"
    saved = sum(
        u.record.cache_read * (RATES[m][0] - RATES[m][1])
        for u in EVERY if u.at >= end - DAY and (m := u.record.dims.model) in RATES
    )  # fmt: skip
    week = spent(lambda _: "", end - 7 * DAY)[""]
    last_week = spent(lambda _: "", end - 14 * DAY, end - 7 * DAY)[""]
    team = spent(lambda u: TEAMS.get(u.record.dims.consumer, ""), end - DAY)
    del team[""]
    return {
        1: [who, fmt.money(most, 9)],
        2: [fmt.money(in_hour, 12), fmt.money(in_hour - before, 12), "14:00-15:00"],
        3: ["mystery", "unpriced"],
        4: [f"kong {limited['kong']}", f"proxy {limited['proxy']}"],
        5: [month_end()],
        6: [fmt.money(dearest.nano, 10), "search", "big", counters],
        7: [f"caching saved ~{fmt.money(saved, 9)}"],
        8: [fmt.change(week, last_week)],
        9: [team.most_common(1)[0][0]],
        10: ["log", "pages"],
    }


def month_end() -> str:
    """By the method of docs/forecast.md, of hours that are added up here."""
    first = min(int(u.at) // HOUR for u in EVERY) + 1
    last = int(NOW) // HOUR
    hours = spent(lambda u: str(int(u.at) // HOUR), 0)
    known = tuple(hours[str(hour)] for hour in range(first, last))
    until = int(datetime(2026, 12, 1, tzinfo=UTC).timestamp())
    made = forecast(known, first * HOUR, NOW, until, UTC).until(until)
    so_far = spent(lambda _: "", datetime(2026, 11, 1, tzinfo=UTC).timestamp())[""]
    return fmt.money(made.plus(so_far).nano, 8)


def questions() -> list[tuple[int, list[str]]]:
    rows = re.findall(r"^\| (\d+) \|[^|]*\| ([^|]*) \|", PAGE.read_text("utf-8"), re.MULTILINE)
    return [(int(number), re.findall(r"`([^`]+)`", keys)) for number, keys in rows]


@pytest.mark.parametrize("size", [(120, 40), (80, 24)], ids=["120x40", "80x24"])
async def test_ten_questions_are_answered_by_the_keys_of_the_page(
    start: Start, fakes: ModuleType, store: Path, size: tuple[int, int]
) -> None:
    asked, expected = questions(), answers()
    assert [number for number, _ in asked] == list(expected)
    wrong = []
    made = config(fakes)
    reader = Reader(store, zone=UTC, consumers=made.consumers)
    async with start(data=reader, config=made, size=size) as ui:
        for number, keys in asked:
            assert len(keys) <= 5, number
            await ui.press(*(NAMES.get(key, key.lower() if len(key) > 1 else key) for key in keys))
            lines = [" ".join(line.split()) for line in ui.lines]
            missing = [text for text in expected[number] if not found(number, text, lines)]
            wrong += [(number, text, "\n".join(ui.lines)) for text in missing]
            await ui.press("f2")
            if ui.app.state._replace(proposed=False) != ui.app.usual:
                await ui.press("0")
            assert ui.app.state == ui.app.usual
    assert not wrong, "\n\n".join(f"{n}: {text!r} is not in\n{seen}" for n, text, seen in wrong)


def found(number: int, text: str, lines: list[str]) -> bool:
    """Is `text` where the page says that the answer stands?"""
    rows = [line for line in lines if line.startswith("│")]
    cursor = next((line for line in rows if "▌" in line), "")
    match number:
        case 1 | 3 | 6 | 9 if "counters" not in text:
            return text in cursor
        case 2:
            return text in lines[1] or text in lines[2]
        case 4:
            name, count = text.split()
            return any(f" {name} " in r and r.rstrip(" │").endswith(f" {count}") for r in rows)
    return any(text in line for line in lines)

"""Lines of an LLM proxy's cost log, many and fast.

The format is that of a Go encoder: RFC 3339 times with up to nine digits and the server's own
offset, omitted empty fields, `&` as `\\u0026`, costs rounded *up* to four decimals each.

Everything that repeats is made once: sizes with their cost and their text, consumers with their
fields. What remains for a line is one formatted string.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from costtui.demo.people import ANTHROPIC, CONSUMERS, GEMINI, OLLAMA, Route, shown_consumer
from costtui.demo.sizes import CONSUMER_TABLE, token_sizes
from costtui.demo.truth import Amounts, Cell, Truth

UNIT = 100_000
"""nano-USD of one ten-thousandth of a dollar: the proxy's least amount."""

SECOND_NS = 1_000_000_000
_HOUR_MINUTE = tuple(f"{h:02d}:{m:02d}:" for h in range(24) for m in range(60))
_TWO = tuple(f"{s:02d}" for s in range(60))
_ADDRESSES = tuple(f"10.4.{a}.{b}" for a in (0, 1, 7, 12) for b in (11, 24, 38, 90))


def dollars(units: int) -> str:
    """Ten-thousandths of a dollar as Go's JSON encoder prints the float."""
    whole, rest = divmod(units, 10_000)
    return f"{whole}.{rest:04d}".rstrip("0") if rest else str(whole)


_DOLLARS = tuple(dollars(units) for units in range(20_000))


def go_escape(text: str) -> str:
    """A JSON string body as Go's encoder writes it."""
    for char in "<>&":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


class Stamp:
    """Epoch → local RFC 3339 text; the text of a day and its offset are looked up once."""

    def __init__(self, zone: str = "berlin") -> None:
        """`zone` is `utc` (written as `Z`) or `berlin` (+01:00, in summer +02:00)."""
        self._zone = zone
        self._hour = -1
        self._offset = 0
        self._suffix = '"'
        self._date = ""

    def prefix(self, second: int) -> tuple[str, str]:
        """(text up to the seconds, the offset and the closing quote)."""
        hour = second // 3600
        if hour != self._hour:
            self._turn(hour)
        local = second + self._offset
        return (
            self._date + _HOUR_MINUTE[local // 60 % 1440] + _TWO[local % 60],
            self._suffix,
        )

    def _turn(self, hour: int) -> None:
        self._hour = hour
        if self._zone == "utc":
            self._offset, suffix = 0, "Z"
        else:
            self._offset = 7200 if _summer(hour * 3600) else 3600
            suffix = f"+{self._offset // 3600:02d}:00"
        year, month, day = civil((hour * 3600 + self._offset) // 86_400)
        self._date = f'{{"timestamp":"{year:04d}-{month:02d}-{day:02d}T'
        self._suffix = suffix + '",'


def civil(days: int) -> tuple[int, int, int]:
    """(year, month, day) of a count of days since 1970-01-01, Gregorian."""
    era, day_of_era = divmod(days + 719_468, 146_097)
    year_of_era = (
        day_of_era - day_of_era // 1460 + day_of_era // 36_524 - day_of_era // 146_096
    ) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted = (5 * day_of_year + 2) // 153
    month = shifted + 3 if shifted < 10 else shifted - 9
    return (
        year_of_era + era * 400 + (month <= 2),
        month,
        day_of_year - (153 * shifted + 2) // 5 + 1,
    )


def _summer(second: int) -> bool:
    """European summer time: from the last Sunday of March to that of October, 01:00 UTC."""
    days, within = divmod(second, 86_400)
    _year, month, day = civil(days)
    if month != 3 and month != 10:
        return 3 < month < 10
    sunday = day - (days + 4) % 7  # the last Sunday at or before today; 1970-01-01 was a Thursday
    past = sunday >= 25 and (day > sunday or within >= 3600)
    return past if month == 3 else not past


class _Model:
    """What every line of one route has in common, and its size tables."""

    def __init__(self, route: Route, tables: random.Random) -> None:
        rates = route.rates if route.known and route.rates is not None else None
        self.route = route
        self.reported = rates is not None
        self.inputs = [
            (tokens, (rate := tokens * (rates.input if rates else 0)), _DOLLARS[-(-rate // UNIT)])
            for tokens in token_sizes(tables, route.mean_input)
        ]
        self.outputs = [
            (tokens, (rate := tokens * (rates.output if rates else 0)), _DOLLARS[-(-rate // UNIT)])
            for tokens in token_sizes(tables, route.mean_output)
        ]
        endpoint = {
            ANTHROPIC: "/anthropic/v1/messages",
            GEMINI: f"/gemini/v1beta/models/{route.model}:generateContent",
            OLLAMA: "/ollama/api/chat",
        }.get(route.provider, f"/{route.provider}/v1/chat/completions")
        head = f'"provider":"{route.provider}","model":"{route.model}","endpoint":"{endpoint}",'
        self.heads = (
            head + '"is_streaming":false,"input_tokens":',
            head + '"is_streaming":true,"input_tokens":',
        )
        self.hidden = round(route.hidden * 256)
        matched = route.matched or (route.model if self.reported else "")
        ending = f',"matched_model":"{matched}"}}\n' if matched else "}\n"
        guess = ',"is_estimate":' + ("true" if route.matched else "false")
        done = ("end_turn", "max_tokens") if route.provider == ANTHROPIC else ("stop", "length")
        self.tails = (
            guess + ending,  # a stream that ended without a reason
            *(f'{guess},"finish_reason":"{done[0]}"{ending}' for _ in range(6)),
            f'{guess},"finish_reason":"{done[1]}"{ending}',
        )


def _people() -> list[tuple[str, ...]]:
    """Per consumer, four forms of what a line says about the caller."""
    made = []
    for who in CONSUMERS:
        user = f'"user_id":"{go_escape(who.id)}",'
        key = f'"key_id":"sk-{who.team[0]}…{len(who.id):02d}f{who.weight:02x}",'
        made.append(
            tuple(
                user + (key if form < 3 else "") + f'"ip_address":"{address}",'
                for form, address in enumerate(_ADDRESSES[:: len(_ADDRESSES) // 4])
            )
        )
    return made


class LineMaker:
    """Makes lines of the routes and keeps their truth."""

    def __init__(
        self, routes: Sequence[Route], seed: int | str, gateway: str, zone: str = "berlin"
    ) -> None:
        tables = random.Random(f"{seed}/{gateway}/sizes")
        self.gateway = gateway
        self.routes = tuple(routes)
        self._models = [_Model(route, tables) for route in routes]
        self._people = _people()
        self._stamp = Stamp(zone)
        # [requests, input, output, units] per route and consumer
        self._sums = [[[0, 0, 0, 0] for _ in CONSUMERS] for _ in routes]

    def lines(self, route: int, moments: Sequence[int], dice: Sequence[int]) -> list[str]:
        """A line for each of `moments` (epoch nanoseconds); `dice` are random 64-bit words."""
        model = self._models[route]
        sums = self._sums[route]
        inputs, outputs, heads, tails = model.inputs, model.outputs, model.heads, model.tails
        hidden, reported, people = model.hidden, model.reported, self._people
        prefix, table, cheap = self._stamp.prefix, CONSUMER_TABLE, len(_DOLLARS)
        made: list[str] = []
        add = made.append
        for moment, word in zip(moments, dice, strict=True):
            second, nanos = divmod(moment, SECOND_NS)
            begin, zone = prefix(second)
            fraction = f".{nanos:09d}".rstrip("0") if nanos else ""
            consumer = table[word & 255]
            used, used_nano, used_cost = inputs[word >> 8 & 1023]
            out, out_nano, out_cost = outputs[word >> 18 & 1023]
            units = -(-(used_nano + out_nano) // UNIT)
            cost = _DOLLARS[units] if units < cheap else dollars(units)
            total = used + out
            if hidden:
                total += out * hidden >> 8
            request = f'"request_id":"req_{word:016x}",' if word >> 28 & 15 else ""
            add(
                f"{begin}{fraction}{zone}{request}{people[consumer][word >> 32 & 3]}"
                f'{heads[word >> 34 & 1]}{used},"output_tokens":{out},"total_tokens":{total},'
                f'"input_cost":{used_cost},"output_cost":{out_cost},"total_cost":{cost}'
                f"{tails[word >> 35 & 7]}"
            )
            cell = sums[consumer]
            cell[0] += 1
            cell[1] += used
            cell[2] += out
            if reported:
                cell[3] += units
        return made

    def truth(self) -> Truth:
        """What the lines made so far add up to, as costtui is to show it."""
        truth = Truth()
        for route, sums in zip(self.routes, self._sums, strict=True):
            for who, (requests, used, out, units) in zip(CONSUMERS, sums, strict=True):
                if not requests:
                    continue
                amounts = truth.cell(
                    Cell(route.provider, route.model, shown_consumer(who.id), self.gateway)
                )
                amounts.add(_amounts(route, requests, used, out, units))
        return truth


def _amounts(route: Route, requests: int, used: int, out: int, units: int) -> Amounts:
    made = Amounts(requests=requests, input=used, output=out)
    if route.rates is None:
        made.unpriced_requests, made.unpriced_tokens = requests, used + out
    elif not route.known:
        made.effective_nano = used * route.rates.input + out * route.rates.output
    else:
        made.effective_nano = units * UNIT
    if route.matched:
        made.estimated_nano, made.estimated_requests = made.effective_nano, requests
    return made

"""Numbers as text: pure, total, and never wider than asked.

A number that does not fit loses digits by rounding, never by cutting: `$12,345` in five cells is
`$12k`, not `$12,3`. Where nothing fits, the cell says so with `…`. All arithmetic is on integers;
a float would show $0.30000000000000004.
"""

from __future__ import annotations

from datetime import datetime, tzinfo

from costtui.model.charge import Exactness
from costtui.model.money import NANO, divide_half_even
from costtui.tui.glyphs import UNICODE, Glyphs

_SCALES = ((10**3, "k"), (10**6, "M"), (10**9, "B"), (10**12, "T"), (10**15, "P"), (10**18, "E"))
TOO_WIDE = "…"


def _fixed(numerator: int, denominator: int, decimals: int) -> str:
    """numerator / denominator with exactly `decimals` decimals, grouped by thousands."""
    scaled = divide_half_even(numerator * 10**decimals, denominator)
    whole, rest = divmod(scaled, 10**decimals)
    return f"{whole:,}.{rest:0{decimals}d}" if decimals else f"{whole:,}"


def _scaled(numerator: int, denominator: int) -> list[str]:
    """numerator / denominator with a scale letter, most precise first: `12.3k`, `12k`."""
    best = _SCALES[0]
    for scale in _SCALES:
        # 999.5 of one scale rounds to 1.00 of the next
        if 2 * numerator >= 2 * denominator * scale[0] - denominator * scale[0] // 1000:
            best = scale
    factor, letter = best
    candidates = []
    for decimals in (2, 1, 0):
        text = _fixed(numerator, denominator * factor, decimals)
        if sum(c.isdigit() for c in text) <= 3 or decimals == 0:
            candidates.append(text + letter)
    return candidates


def _first_that_fits(candidates: list[str], width: int, sign: str = "") -> str:
    for text in candidates:
        if len(sign) + len(text) <= width:
            return sign + text
    return TOO_WIDE[: max(0, width)]


def _money_candidates(nano: int) -> list[str]:
    """Texts without a sign for `nano` ≥ 0, most precise first."""
    if nano == 0:
        return ["$0.00", "$0"]
    if nano < NANO:
        # Two significant digits, at least three decimals: $0.000012, $0.423.
        zeros = 9 - len(str(nano))
        decimals = min(9, max(3, zeros + 2))
        text = _fixed(nano, NANO, decimals)
        if decimals > 3:
            whole, _, digits = text.partition(".")
            text = f"{whole}.{digits.rstrip('0').ljust(3, '0')}"
        texts = [f"${text}"]
        if nano >= NANO // 200:
            texts.append(f"${_fixed(nano, NANO, 2)}")
        elif decimals > 3:
            texts.append("<$0.001")
        return [*texts, "<$0.01", "<$1", "$1"][: 4 if nano < NANO // 2 else None]
    if nano < 1000 * NANO - NANO // 200:
        # no single decimal: $962.3 looks like $962.30 cut short
        texts = [f"${_fixed(nano, NANO, 2)}", f"${_fixed(nano, NANO, 0)}"]
        rounds_up = nano >= 1000 * NANO - NANO // 2
        return [*texts, *(f"${t}" for t in _scaled(nano, NANO) if rounds_up)]
    whole = f"${_fixed(nano, NANO, 0)}"
    return [whole, *(f"${t}" for t in _scaled(nano, NANO))]


def money(
    nano: int,
    width: int = 12,
    exactness: Exactness = Exactness.EXACT,
    glyphs: Glyphs = UNICODE,
    *,
    cents: bool = False,
) -> str:
    """nano-USD in at most `width` cells, with the mark of its exactness before it.

    `cents` shows cents of any amount where they fit. The mark is never dropped: it is part of
    the number.
    """
    sign = mark(exactness, glyphs) + ("-" if nano < 0 else "")
    amount = abs(nano)
    candidates = _money_candidates(amount)
    if cents and amount >= NANO:
        candidates = [f"${_fixed(amount, NANO, 2)}", *candidates]
    return _first_that_fits(candidates, width, sign)


def round_money(nano: int, width: int = 8) -> str:
    """A limit or a scale end: as `money`, whole dollars without cents."""
    if nano % NANO == 0 and abs(nano) < 1000 * NANO:
        whole = f"{'-' if nano < 0 else ''}${abs(nano) // NANO}"
        if len(whole) <= width:
            return whole
    if nano % (NANO // 100) == 0 and 0 < nano < NANO and width >= 5:
        return f"${_fixed(nano, NANO, 2)}"
    return money(nano, width)


def tiny_money(nano: int, width: int) -> str:
    """A limit of less than a cent, rounded up to one digit: `$1e-5` for $0.00001."""
    power = len(str(nano)) - 1
    digit = -(-nano // 10**power)
    if digit == 10:
        digit, power = 1, power + 1
    text = f"${digit}e{power - 9}"
    return text if len(text) <= width else money(nano, width)


def mark(exactness: Exactness, glyphs: Glyphs = UNICODE) -> str:
    """`≥`, `~`, both or nothing, in the terminal's characters."""
    least = glyphs.at_least if exactness & Exactness.LOWER_BOUND else ""
    about = glyphs.about if exactness & Exactness.ESTIMATE else ""
    return least + about


def count(number: int, width: int = 12) -> str:
    """A whole number: `182,331`, or `182k` where that is too wide."""
    sign = "-" if number < 0 else ""
    number = abs(number)
    candidates = [f"{number:,}"]
    if number >= 1000:
        candidates += _scaled(number, 1)
    return _first_that_fits(candidates, width, sign)


def compact(number: int, width: int = 7) -> str:
    """A whole number with three significant digits from 10,000 on: `1.23M`."""
    if abs(number) < 10_000:
        return count(number, width)
    sign = "-" if number < 0 else ""
    return _first_that_fits(_scaled(abs(number), 1), width, sign)


def share(part: int, whole: int, width: int = 5) -> str:
    """part of whole: `42%`, `4.2%`, `<1%`, `>99%`. `""` where there is no whole.

    Only everything is 100% and only nothing is 0%.
    """
    if whole <= 0 or part < 0:
        return ""
    if part == 0:
        text = "0%"
    elif part >= whole:
        text = f"{divide_half_even(part * 100, whole)}%"
    else:
        tenths = divide_half_even(part * 1000, whole)
        if tenths < 1:
            candidates = ["<0.1%", "<1%"]
        elif tenths < 100:
            candidates = [f"{tenths // 10}.{tenths % 10}%"]
            whole_percent = divide_half_even(part * 100, whole)
            candidates.append(f"{whole_percent}%" if whole_percent else "<1%")
        else:
            percent = divide_half_even(part * 100, whole)
            candidates = [">99%" if percent >= 100 else f"{percent}%"]
        return _first_that_fits(candidates, width)
    return _first_that_fits([text], width)


def change(now: int, before: int, glyphs: Glyphs = UNICODE, width: int = 7) -> str:
    """How much more or less than before: `▲ 12%`, `▼ 3%`, `new`, `= 0%`, `▲ ×14`."""
    if before <= 0:
        text = "new" if now > 0 else "-"
        return text if len(text) <= width else TOO_WIDE[:width]
    difference = now - before
    arrow = glyphs.up if difference > 0 else glyphs.down
    tenths = divide_half_even(abs(difference) * 1000, before)
    if difference == 0:
        return _first_that_fits([f"{glyphs.same} 0%", "0%"], width)
    if tenths >= 10_000 - 5:
        times = divide_half_even(now, before)
        candidates = [f"{arrow} {glyphs.times}{t}" for t in (f"{times}", compact(times, 5))]
        return _first_that_fits([*candidates, arrow], width)
    if tenths < 1:
        number = "<0.1%"
    elif tenths < 100:
        number = f"{tenths // 10}.{tenths % 10}%"
    elif now > 0 and difference < 0 and tenths >= 995:
        number = ">99%"
    else:
        number = f"{divide_half_even(tenths, 10)}%"
    return _first_that_fits([f"{arrow} {number}", f"{arrow}{number}", arrow], width)


def duration(seconds: float) -> str:
    """A length of time in at most seven cells: `45s`, `12m`, `3h 20m`, `12d 3h`."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole}s"
    minutes = whole // 60
    if minutes < 60:
        return f"{minutes}m"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours}h {minutes}m" if minutes else f"{hours}h"
    days, hours = divmod(hours, 24)
    if days < 100:
        return f"{days}d {hours}h" if hours else f"{days}d"
    return f"{min(days, 999_999)}d"


def milliseconds(value: int) -> str:
    """A latency: `850ms`, `12.3s`, `4m`; `-` where it is not known (negative)."""
    if value < 0:
        return "-"
    if value < 1000:
        return f"{value}ms"
    if value < 60_000:
        return f"{_fixed(value, 1000, 1)}s"
    return duration(value // 1000)


def size(count_of_bytes: int) -> str:
    """Bytes: `512 B`, `1.2 GB` (decimal units, as in `ls --si`)."""
    number = max(0, count_of_bytes)
    for factor, unit in ((10**12, "TB"), (10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if number >= factor:
            return f"{_fixed(number, factor, 1)} {unit}"
    return f"{number} B"


def time_of_day(moment: float, zone: tzinfo) -> str:
    """Local `HH:MM:SS`; `never` for 0."""
    return datetime.fromtimestamp(moment, zone).strftime("%H:%M:%S") if moment > 0 else "never"


def date_and_time(moment: float, zone: tzinfo) -> str:
    """Local `2026-11-22 10:57:03`."""
    return datetime.fromtimestamp(moment, zone).strftime("%Y-%m-%d %H:%M:%S")


def day_and_minute(moment: float, zone: tzinfo, *, seconds: bool = False) -> str:
    """Local `22 Nov 10:57` in at most twelve cells, fifteen with seconds."""
    local = datetime.fromtimestamp(moment, zone)
    return f"{local.day} {local.strftime('%b %H:%M:%S' if seconds else '%b %H:%M')}"


def span(start: float, end: float, zone: tzinfo, glyphs: Glyphs = UNICODE) -> str:
    """The exact local start and end of a window: `Sat 21 Nov 10:57 → Sun 22 Nov 10:57 CET`.

    Years are shown only where the two differ; the second date is left out on one day.
    """
    first, last = (datetime.fromtimestamp(t, zone) for t in (start, end))
    year = " %Y" if first.year != last.year else ""
    begin = first.strftime(f"%a %d %b{year} %H:%M")
    finish = last.strftime("%H:%M" if first.date() == last.date() else f"%a %d %b{year} %H:%M")
    return f"{begin} {glyphs.arrow} {finish} {last.strftime('%Z')}"


def window_name(name: str, back: int, start: float, zone: tzinfo) -> str:
    """What a window is called: `today` a period ago is `Sat 21 Nov`, and `month` is `Oct 2026`."""
    if name == "custom":
        return "zoom"
    first = datetime.fromtimestamp(start, zone)
    if back and name in ("today", "month"):
        return first.strftime("%a %d %b" if name == "today" else "%b %Y")
    return f"{name} -{back}" if back else name


def short_span(start: float, end: float, zone: tzinfo, glyphs: Glyphs = UNICODE) -> str:
    """As `span`, without weekday and zone, for narrow screens."""
    first, last = (datetime.fromtimestamp(t, zone) for t in (start, end))
    finish = last.strftime("%H:%M" if first.date() == last.date() else "%d %b %H:%M")
    return f"{first.strftime('%d %b %H:%M')}{glyphs.arrow}{finish}"

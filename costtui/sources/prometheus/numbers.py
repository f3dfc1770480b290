"""The numbers of samples, as text on the wire: some are no value that a counter or gauge has."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

from costtui.model.safetext import visible
from costtui.sources.metrics.counters import fell
from costtui.sources.metrics.gauges import level_text
from costtui.sources.metrics.mapping import Series, amount

Sample = tuple[int, int]
"""(epoch milliseconds, value in the counter's smallest unit)."""


def in_order(values: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """Each time once and in order. A sample out of order would look like a counter that fell."""
    if all(a[0] < b[0] for a, b in pairwise(values)):
        return values
    return sorted(dict(values).items())


def samples_of(
    series: Series, values: list[tuple[int, str]], bad: Callable[[int, str], None]
) -> list[Sample]:
    """A counter's samples. What cannot be read is left out and told to `bad`."""
    samples: list[Sample] = []
    append = samples.append
    plain = series.factor is None
    last, value = "", 0
    for ms, text in values:
        if text != last:
            try:
                if plain and text.isdigit() and len(text) < 19:
                    value = int(text)  # the usual form, in a fifth of the time
                elif text == "NaN":
                    continue
                elif text.endswith("Inf") or text.lstrip().startswith("-"):
                    raise ValueError(f"{visible(text, 40)} is no counter value")
                else:
                    value = amount(series, text)
            except (ValueError, ArithmeticError) as error:
                bad(ms, _reason(error, text))
                continue
            last = text
            if samples and value < samples[-1][1] and not fell(value, samples[-1][1]):
                value = samples[-1][1]  # a float sum that wobbles in its last digit
        append((ms, value))
    return samples


def levels_of(
    series: Series, values: list[tuple[int, str]], bad: Callable[[int, str], None]
) -> Iterator[tuple[int, str]]:
    """A gauge's values, as `samples_of` gives a counter's."""
    for ms, text in values:
        if text == "NaN":
            continue
        try:
            if text.lstrip().startswith("-") or text.endswith("Inf"):
                raise ValueError(f"{visible(text, 40)} is no level")
            yield ms, level_text(series, text)
        except (ValueError, ArithmeticError) as error:
            bad(ms, _reason(error, text))


def floats(values: list[tuple[int, str]]) -> list[tuple[int, float]]:
    """Values that are times, epoch seconds."""
    found = []
    for ms, text in values:
        try:
            number = float(text)
        except ValueError:
            continue
        if 0 < number < 1e12:
            found.append((ms, number))
    return found


def _reason(error: Exception, text: str) -> str:
    """Why `text` is no value; what `decimal` says is not for people."""
    if isinstance(error, ArithmeticError):
        return f"{visible(text, 40)} is not a number"
    return str(error)

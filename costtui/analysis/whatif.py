"""What usage would have cost at other rates: what was typed, the arithmetic, and the lines of YAML.

A total has lost the size of its requests, so the base tier is assumed: every such cost is an
estimate (`~`), however exactly it is multiplied. It is, though: integers over one power of ten, and
one rounding half-even a model.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Final, NamedTuple

from costtui.config.kinds import yaml_text
from costtui.config.words import did_you_mean
from costtui.errors import PricingError
from costtui.model.charge import Exactness, exactness
from costtui.model.snapshot import Totals
from costtui.pricing.calculate import Pricer
from costtui.pricing.rates import Compiled, RateCard, Rates, compile_card, product

HELP: Final = "3 15   3/0.3/3.75/15   like gpt-5-mini   all like openai/gpt-5   (empty: as it was)"
_NUMBER: Final = re.compile(r"\$?(\d{1,9}(?:\.\d{0,12})?|\.\d{1,12})", re.ASCII)
_ALL: Final = ("input", "cache_read", "cache_write", "output", "reasoning")
_KINDS: Final = {
    2: ("input", "output"),
    3: ("input", "cache_read", "output"),
    4: ("input", "cache_read", "cache_write", "output"),
    5: _ALL,
}
"""How many rates were typed → which."""


class Typed(NamedTuple):
    """What the line says."""

    everywhere: bool
    """For every model and not for one."""
    rates: Rates = ()
    name: str = ""
    """The model whose rates are wanted, where none were typed; both empty: none any more."""


class Assumed(NamedTuple):
    """Rates that somebody chose."""

    label: str
    card: RateCard
    compiled: Compiled


def parse(text: str) -> Typed:
    """What was typed. Raises ValueError with a reason to show.

    Rates are USD per 1M tokens between blanks or slashes: one of all tokens, input output,
    input/cached/output, input/cached/cache write/output, and reasoning behind them.
    """
    text = text.strip()
    everywhere = text.lower() == "all" or text.lower().startswith("all ")
    text = text[3:].strip() if everywhere else text
    if not text:
        return Typed(everywhere)
    name = re.sub(r"^like\s+", "", text, flags=re.IGNORECASE)
    words = [w for w in re.split(r"[\s/]+", text) if w]
    numbers = [found for w in words if (found := _NUMBER.fullmatch(w)) is not None]
    if name != text or not numbers or len(numbers) < len(words):
        if len(numbers) == len(words) - 1 > 0 and name == text:
            odd = next(w for w in words if _NUMBER.fullmatch(w) is None)
            raise ValueError(f"{odd} is not a rate: write USD per 1M tokens, as in 3 15")
        return Typed(everywhere, name=name)
    values = [Decimal(found[1]) for found in numbers]
    if len(values) == 1:
        return Typed(everywhere, tuple((kind, values[0]) for kind in _ALL))
    kinds = _KINDS.get(len(words))
    if kinds is None:
        raise ValueError("five rates at most, USD per 1M tokens: input and output, as in 3 15")
    return Typed(everywhere, tuple(zip(kinds, values, strict=True)))


def assume(label: str, card: RateCard) -> Assumed:
    """Raises ValueError for rates that no money needs."""
    try:
        return Assumed(label, card, compile_card(card))
    except PricingError as error:
        raise ValueError(str(error)) from None


def typed_rates(rates: Rates) -> Assumed:
    """Rates from the line."""
    label = " / ".join(f"${plain(rate)}" for _, rate in rates)
    if len(rates) == len(_ALL) and len({rate for _, rate in rates}) == 1:
        label = f"${plain(rates[0][1])} for all tokens"
    return assume(label, RateCard("what if", rates))


def like(
    pricer: Pricer, name: str, day: date, seen: Iterable[tuple[str, str]], near: str = ""
) -> Assumed:
    """The rates of another model on `day`: one that was seen, one that `near` (a provider) sells,
    or one whose name alone says whose it is. Raises ValueError with a reason to show."""
    wanted = name.strip().lower()
    head, slash, rest = wanted.partition("/")
    tries = [(p, m) for p, m in seen if wanted in (m.lower(), f"{p}/{m}".lower())]
    tries += [(head, rest)] if slash else []
    tries += [(near, wanted), ("", wanted)]
    for provider, model in tries:
        found = pricer.found(provider, model, day)
        if found is not None:
            source = found.card.source
            label = f"{provider}/{model}" if source is None or provider else source.entry
            return assume(label, found.card)
    known = pricer.known()
    sellers = sorted({p for p, m in known if m.lower() == wanted})
    if sellers:
        some = ", ".join(f"{p}/{wanted}" for p in sellers[:3])
        raise ValueError(f"{len(sellers)} sellers have it at their own rates: write {some}")
    names = {m for _, m in known} | {f"{p}/{m}" for p, m in known if slash}
    raise ValueError(f"no rate is known for {wanted[:60]}{did_you_mean(wanted, names)}")


def would_cost(assumed: Assumed, used: Totals) -> int | None:
    """nano-USD of `used` at the base tier of `assumed`; None where a kind of token that was used
    has no rate in it."""
    card = assumed.compiled
    billable = max(used.requests - used.errors - used.throttled, 0)
    return product(
        card.base, used[3:9], requests=billable, per_request=card.request, divisor=card.divisor
    )


def doubt(used: Totals) -> Exactness:
    """How right a would-be cost of `used` is: always an estimate, and a lower bound where a counter
    was lost in a reset, for then tokens are missing."""
    return exactness(lower_bound=bool(used.lower_bounds), estimate=True)


def plain(rate: Decimal) -> str:
    """A rate without an exponent and without zeros that say nothing."""
    text = f"{rate:f}"
    return text.rstrip("0").rstrip(".") or "0" if "." in text else text


def yaml_line(provider: str, model: str, card: RateCard | None) -> str:
    """The entry for `pricing:` that gives exactly this model the base rates of `card`; without one,
    the entry with its rates still to be filled in."""
    fields = [("provider", yaml_text(_literal(provider))), ("model", yaml_text(_literal(model)))]
    if card is None:
        fields += [("input", "…"), ("output", "…")]
    elif card.free:
        fields.append(("free", "true"))
    elif card.rates:
        fields += [(kind, plain(rate)) for kind, rate in card.rates]
    elif card.per_request is not None:
        fields.append(("per_request", plain(card.per_request)))
    return f"- {{{', '.join(f'{name}: {value}' for name, value in fields)}}}"


def _literal(text: str) -> str:
    """A glob that matches this text alone, `${NAME}` in it included. What the configuration does
    not take or a terminal does not hand on (characters that cannot be shown, variation selectors)
    is any one character (`?`).

    `glob.escape` would do for the first part, but it spares a drive letter.
    """
    escaped = re.sub(r"([*?[]|\$(?=\{))", r"[\1]", text)
    return "".join(c if c.isprintable() and c not in "\ufe0e\ufe0f" else "?" for c in escaped)


def nearest_names(
    pricer: Pricer, provider: str, model: str, most: int = 3
) -> Sequence[tuple[str, str]]:
    """Known models with a name like this one, those of its provider first."""
    from difflib import SequenceMatcher, get_close_matches

    wanted = model.strip().lower()[:60]
    bare = wanted.rpartition("/")[2]
    own = {p for p, _ in pricer.names(provider, model)}
    by_name: dict[str, list[str]] = {}
    for owner, name in pricer.known():
        by_name.setdefault(name.lower(), []).append(owner)
    close = get_close_matches(bare, by_name, n=4 * most, cutoff=0.6)
    found = [(owner, name) for name in close for owner in by_name[name]]
    found.sort(
        key=lambda f: (f[0] not in own, -SequenceMatcher(None, bare, f[1]).ratio(), f[1], f[0])
    )
    return found[:most]

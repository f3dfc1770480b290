"""Prices out of an LLM proxy's own configuration (`pricing_file:`).

The file belongs to another program, so it is read leniently: keys that are not about prices are
skipped over, and an entry that cannot be read costs that entry and is reported with its line.
Numbers are taken as the text they are written in; YAML would make them binary floats.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Final

import yaml

from costtui.config.files import read_bytes
from costtui.errors import PricingError, Problem
from costtui.model.safetext import visible
from costtui.pricing.aliases import canonical
from costtui.pricing.rates import Found, Layer, Origin, RateCard, Rates, Tier

_MAX_BYTES: Final = 16 * 2**20
_RATE_KEYS: Final = {
    "input": "input",
    "output": "output",
    "cache_read": "cache_read",
    "cached_input": "cache_read",
    "cache_write": "cache_write",
    "cache_write_1h": "cache_write_1h",
    "reasoning": "reasoning",
}


@dataclass(slots=True)
class ProxyPrices:
    """What a proxy's configuration says about prices."""

    digest: str
    """SHA-256 of the file: part of the pricing fingerprint."""
    cards: dict[tuple[str, str], RateCard] = field(default_factory=dict)
    """(lower-case provider, lower-case model) → card, under the proxy's own provider names."""
    problems: list[Problem] = field(default_factory=list)
    """Entries that could not be read; the rest of the file stands."""

    def find(
        self, provider: str, model: str, names: list[tuple[str, str]], configured: Mapping[str, str]
    ) -> Found | None:
        """The card for a name as the source wrote it, else for one of its `spellings` under any
        name of the same provider, else for a model without a provider that has only one price."""
        written = (provider.lower(), model.lower())
        own = self.cards.get(written)
        if own is not None:
            return Found(own, written)
        for wanted_provider, wanted_model in names:
            same = {
                card.rates + card.tiers: Found(card, (owner, name))
                for (owner, name), card in self.cards.items()
                if name == wanted_model
                and (not wanted_provider or canonical(owner, configured) == wanted_provider)
            }
            if len(same) == 1:
                return next(iter(same.values()))
        return None


def load(path: Path) -> ProxyPrices:
    """Read `providers.<p>.models.<m>.pricing`, USD per 1M tokens.

    Raises PricingError (`file:line: key: message`) when nothing of the file can be used: it
    cannot be opened, is no YAML, or has no providers.
    """
    try:
        data = read_bytes(path, _MAX_BYTES)
    except OSError as error:
        reason = error.strerror or error
        raise PricingError(f"{path}: cannot read the pricing file: {reason}") from None
    if len(data) > _MAX_BYTES:
        raise PricingError(f"{path}: larger than 16 MiB, that is no pricing file")
    try:
        root = yaml.compose(data.decode("utf-8", "replace"), Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise PricingError(str(Problem(str(path), line, "", f"no YAML: {error.problem}"))) from None
    except (yaml.YAMLError, RecursionError) as error:
        reason = visible(str(error).splitlines()[0], 120)
        raise PricingError(str(Problem(str(path), 0, "", f"no YAML: {reason}"))) from None
    reader = _Reader(path, ProxyPrices(digest=sha256(data).hexdigest()))
    reader.file(root)
    return reader.prices


class _Reader:
    def __init__(self, path: Path, prices: ProxyPrices) -> None:
        self._path = path
        self.prices = prices

    def _problem(self, node: yaml.Node, key: str, message: str) -> None:
        line = node.start_mark.line + 1
        self.prices.problems.append(Problem(str(self._path), line, visible(key, 200), message))

    def file(self, root: yaml.Node | None) -> None:
        providers = dict(self._pairs(root)).get("providers") if root is not None else None
        if not isinstance(providers, yaml.MappingNode):
            line = 0 if providers is None else providers.start_mark.line + 1
            message = "expected a mapping of providers with models and pricing"
            raise PricingError(str(Problem(str(self._path), line, "providers", message)))
        for provider, node in self._pairs(providers):
            models = dict(self._pairs(node)).get("models")
            if models is None:
                continue
            if not isinstance(models, yaml.MappingNode):
                if not _is_null(models):
                    self._problem(models, f"providers.{provider}.models", "expected a mapping")
                continue
            for model, entry in self._pairs(models):
                self._model(provider, model, dict(self._pairs(entry)))

    def _model(self, provider: str, model: str, entry: dict[str, yaml.Node]) -> None:
        pricing = entry.get("pricing")
        if pricing is None or _is_null(pricing):
            return
        key = f"providers.{provider}.models.{model}.pricing"
        card: RateCard | None
        if isinstance(pricing, yaml.SequenceNode):
            card = self._tiered(pricing, key, f"{provider}/{model}")
        elif isinstance(pricing, yaml.MappingNode):
            rates = self._rates(pricing, key)
            card = None if rates is None else self._card(pricing, f"{provider}/{model}", rates)
        else:
            self._problem(pricing, key, "expected input and output in USD per 1M tokens")
            card = None
        names = [model, *self._texts(entry.get("aliases"))]
        if card is not None:
            for name in names:
                self.prices.cards[provider.lower(), name.lower()] = card
        if isinstance(pricing, yaml.MappingNode):
            self._exceptions(provider, pricing, key)

    def _exceptions(self, provider: str, pricing: yaml.Node, key: str) -> None:
        """`pricing.overrides.<model>`: other rates for some of the aliases."""
        overrides = dict(self._pairs(pricing)).get("overrides")
        if overrides is None:
            return
        for name, node in self._pairs(overrides):
            rates = self._rates(node, f"{key}.overrides.{name}")
            if rates is not None:
                card = self._card(node, f"{provider}/{name}", rates)
                self.prices.cards[provider.lower(), name.lower()] = card

    def _tiered(self, pricing: yaml.SequenceNode, key: str, name: str) -> RateCard | None:
        """A list of `{threshold, input, output}`: a request with up to `threshold` input tokens
        pays that line, `threshold: 0` is everything above."""
        steps: list[tuple[int | None, Rates]] = []
        for index, node in enumerate(pricing.value):
            place = f"{key}[{index}]"
            rates = self._rates(node, place)
            threshold = dict(self._pairs(node)).get("threshold")
            limit = Decimal(0) if threshold is None else self._number(threshold, place)
            if rates is None or limit is None:
                return None
            steps.append((int(limit) or None, rates))
        if not steps:
            self._problem(pricing, key, "the list of tiers is empty")
            return None
        steps.sort(key=lambda step: (step[0] is None, step[0] or 0))
        tiers = tuple(
            Tier(below, rates) for (below, _), (_, rates) in pairwise(steps) if below is not None
        )
        return self._card(pricing, name, steps[0][1], tiers)

    def _card(
        self, node: yaml.Node, name: str, rates: Rates, tiers: tuple[Tier, ...] = ()
    ) -> RateCard:
        """`node` is where the price stands."""
        entry = visible(name, 200)
        place = f"pricing file {self._path.name}"
        source = Origin(Layer.PRICING_FILE, place, entry, node.start_mark.line + 1)
        return RateCard(f"{place}: {entry}", rates, tiers, source=source)

    def _rates(self, node: yaml.Node, key: str) -> Rates | None:
        if not isinstance(node, yaml.MappingNode):
            self._problem(node, key, "expected input and output in USD per 1M tokens")
            return None
        rates: dict[str, Decimal] = {}
        for name, value in self._pairs(node):
            kind = _RATE_KEYS.get(name)
            if kind is None:
                continue
            number = self._number(value, f"{key}.{name}")
            if number is None:
                return None
            rates[kind] = number
        if not rates:
            self._problem(node, key, "neither input nor output has a price")
            return None
        return tuple(rates.items())

    def _number(self, node: yaml.Node, key: str) -> Decimal | None:
        text = node.value if isinstance(node, yaml.ScalarNode) else ""
        try:
            number = Decimal(text.replace("_", "").strip())
        except InvalidOperation:
            self._problem(node, key, f"{visible(text, 60)!r} is not a number")
            return None
        if not number.is_finite() or number < 0 or number.adjusted() > 12:
            self._problem(node, key, f"{visible(text, 60)} is not a price")
            return None
        return number

    def _texts(self, node: yaml.Node | None) -> list[str]:
        if not isinstance(node, yaml.SequenceNode):
            return []
        return [item.value for item in node.value if isinstance(item, yaml.ScalarNode)]

    def _pairs(self, node: yaml.Node | None) -> Iterator[tuple[str, yaml.Node]]:
        """Keys and values of a mapping, `<<` merges first; nothing for any other node."""
        if not isinstance(node, yaml.MappingNode):
            return
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag.endswith(":merge"):
                merged = value.value if isinstance(value, yaml.SequenceNode) else [value]
                for each in merged:
                    if each is not node:
                        yield from self._pairs(each)
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode) and not key.tag.endswith(":merge"):
                yield key.value, value


def _is_null(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag.endswith(":null")

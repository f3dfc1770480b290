"""Which price belongs to a name: `pricing:` entries by glob, and spellings of a model."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from fnmatch import translate
from typing import Final

from costtui.config.schema import PriceOverride
from costtui.pricing.aliases import canonical
from costtui.pricing.rates import Found, Layer, Origin, RateCard

_BEDROCK_ARN: Final = re.compile(r"arn:aws[^:]*:bedrock:.*/([^/]+)$")
_PUBLISHER: Final = re.compile(r"(?:.*/)?publishers/[^/]+/models/([^/]+)$")


def spellings(provider: str, model: str, configured: Mapping[str, str]) -> list[tuple[str, str]]:
    """(catalogue provider id, lower-case model) to try for a name from outside, best first.

    The provider is `""` where nothing says whose model it is.
    """
    known = canonical(provider, configured)
    name = model.strip().lower()
    names = [name]
    found = _BEDROCK_ARN.match(name) or _PUBLISHER.match(name)
    if found is not None:
        names.append(found.group(1))
    if name.startswith("models/"):
        names.append(name.removeprefix("models/"))
    head, slash, rest = name.partition("/")
    result = [(known, each) for each in names]
    if slash and rest:
        owner = canonical(head, configured)
        if known in ("", owner):
            # A prefix is only believed where no provider contradicts it.
            result.append((owner, rest))
    if known == "fireworks" and not slash:
        result.append((known, f"accounts/fireworks/models/{name}"))
    return result


class Overrides:
    """The `pricing:` entries, compiled. The last one that matches wins."""

    def __init__(self, entries: Sequence[PriceOverride]) -> None:
        self._entries = [
            (
                re.compile(translate(entry.provider.lower())),
                re.compile(translate(entry.model.lower())),
                entry,
                _card(number, entry),
            )
            for number, entry in enumerate(entries, start=1)
        ]

    def find(
        self, provider: str, model: str, names: Sequence[tuple[str, str]], day: date
    ) -> Found | None:
        """The card of the last entry that holds on `day` for the name as the source wrote it or
        for one of its `spellings`."""
        candidates = [(provider.lower(), model.lower()), *names]
        for provider_glob, model_glob, entry, card in reversed(self._entries):
            if entry.start is not None and day < entry.start:
                continue
            if entry.until is not None and day >= entry.until:
                continue
            for p, m in candidates:
                if provider_glob.match(p) and model_glob.match(m):
                    return Found(card, (p, m))
        return None


def _card(number: int, entry: PriceOverride) -> RateCard:
    return RateCard(
        origin=f"pricing: entry {number}",
        rates=entry.rates,
        per_request=None if entry.free else entry.per_request,
        estimated=entry.per_request is not None and not entry.free,
        free=entry.free,
        valid_from=entry.start,
        valid_until=entry.until,
        source=Origin(
            Layer.PRICING, f"pricing[{number - 1}]", f"{entry.provider}/{entry.model}", entry.line
        ),
    )

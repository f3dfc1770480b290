"""What every rule and budget sees now: a value for each label set, in integers."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Set
from typing import NamedTuple

from costtui.alerts.look import Key, Look, Measured, Seen
from costtui.alerts.measures import MEASURED, names_of
from costtui.alerts.watches import Watch
from costtui.errors import UsageError
from costtui.model.alert import Labels

log = logging.getLogger(__name__)


class Observation(NamedTuple):
    """What one watch sees."""

    seen: Mapping[Labels, Seen]
    """Label sets that are not here spent nothing."""
    unknown: frozenset[Labels] = frozenset()
    """Those that cannot be judged, because their source was not read."""


def observe(look: Look, watches: Iterable[Watch]) -> list[Observation | None]:
    """What each watch sees, in their order; None for one that asks for what there is not (a tag
    that no consumer has any more). That one keeps its state, and the others are judged."""
    found: list[Observation | None] = []
    for watch in watches:
        try:
            measured, unknown = MEASURED[watch.measure](look, watch)
        except UsageError as error:
            log.warning("alert %s: %s", watch.name, error)
            found.append(None)
        else:
            found.append(_labelled(names_of(watch), watch.suffix, measured, unknown))
    return found


def _labelled(names: Key, suffix: Labels, measured: Measured, unknown: Set[Key]) -> Observation:
    def labels(key: Key) -> Labels:
        return (*zip(names, key, strict=True), *suffix)

    seen = {labels(key): one for key, one in measured.items()}
    return Observation(seen, frozenset(map(labels, unknown)))

"""What every rule and budget sees now: a value for each label set, in integers."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from costtui.alerts.look import Key, Look, Seen, Terms
from costtui.alerts.measures import MEASURED, names_of
from costtui.alerts.watches import Watch
from costtui.errors import UsageError
from costtui.model.alert import Labels

log = logging.getLogger(__name__)

_MISSING: Final = object()


class Observation(NamedTuple):
    """What one watch sees."""

    seen: Mapping[Labels, Seen]
    """Label sets that are not here spent nothing."""
    unknown: frozenset[Labels] = frozenset()
    """Those that cannot be judged, because their source was not read."""


@dataclass(slots=True)
class _Last:
    """What a watch saw at the last look, and by what."""

    watch: Watch
    of: Mapping[Key, Any]
    context: tuple[Any, ...]
    unknown: frozenset[Key]
    observation: Observation


@dataclass(slots=True)
class Kept:
    """The last look: what is the same is not judged again, of ten thousand label sets most. It
    changes no answer. Made for one list of watches."""

    last: dict[int, _Last] = field(default_factory=dict)
    labels: dict[tuple[Key, Labels], dict[Key, Labels]] = field(default_factory=dict)
    """(label names, suffix) → label sets by their values."""


def observe(
    look: Look, watches: Iterable[Watch], kept: Kept | None = None
) -> list[Observation | None]:
    """What each watch sees, in their order; None for one that asks for what there is not (a tag
    that no consumer has any more). That one keeps its state, and the others are judged."""
    kept = kept or Kept()
    found: list[Observation | None] = []
    for place, watch in enumerate(watches):
        try:
            terms = MEASURED[watch.measure](look, watch)
        except UsageError as error:
            log.warning("alert %s: %s", watch.name, error)
            found.append(None)
        else:
            now = _judged(watch, terms, kept.last.get(place), kept)
            kept.last[place] = now
            found.append(now.observation)
    return found


def _judged(watch: Watch, terms: Terms, last: _Last | None, kept: Kept) -> _Last:
    names = names_of(watch)
    known = kept.labels.setdefault((names, watch.suffix), {})

    def labels(key: Key) -> Labels:
        found = known.get(key)
        if found is None:
            found = known[key] = (*zip(names, key, strict=True), *watch.suffix)
        return found

    of, judge = terms.of, terms.judge
    if last is not None and last.watch is watch and last.context == terms.context:
        seen, before, unknown = last.observation.seen, last.of, last.observation.unknown
        if of is not before:
            seen = _changed(seen, before, terms, labels)
        if terms.unknown != last.unknown:
            unknown = frozenset(map(labels, terms.unknown))
    else:
        unknown = frozenset(map(labels, terms.unknown))
        pairs = ((labels(key), judge(key, one)) for key, one in of.items())
        seen = {own: one for own, one in pairs if one is not None}
    if len(known) > 2 * len(of) + 1000:  # of who has left; the next look puts the others back
        known.clear()
    if last is not None and seen is last.observation.seen and unknown is last.observation.unknown:
        observation = last.observation
    else:
        observation = Observation(seen, unknown)
    return _Last(watch, of, terms.context, terms.unknown, observation)


def _changed(
    seen: Mapping[Labels, Seen],
    before: Mapping[Key, Any],
    terms: Terms,
    labels: Any,
) -> Mapping[Labels, Seen]:
    """`seen` with what differs judged again; itself where nothing does."""
    of = terms.of
    moved = []
    new = 0
    for key, one in of.items():
        was = before.get(key, _MISSING)
        if was is not one and was != one:
            moved.append(key)
            new += was is _MISSING
    gone = before.keys() - of.keys() if len(before) + new > len(of) else ()
    if not moved and not gone:
        return seen
    out = dict(seen)
    for key in moved:
        now = terms.judge(key, of[key])
        if now is not None:
            out[labels(key)] = now
        else:
            out.pop(labels(key), None)
    for key in gone:
        out.pop(labels(key), None)
    return out

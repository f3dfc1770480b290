"""Joins the increments of one scrape into one record for each combination of dimensions.

Two things need memory between scrapes, and so live in the checkpoint:

- *carry*: a page read in the middle of a request can show cached tokens before the input tokens
  that contain them. The difference would be negative; it is carried to the next interval, so that
  totals stay exact.
- *held*: where a preset has a cost metric and traffic never seen before shows tokens but no cost,
  the gateway may just not have written the cost yet. Such a record waits for one more scrape.
  Deciding at once would price it from tokens and then count the reported money as well.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import NamedTuple

from costtui.model.dimension import Dimensions
from costtui.model.usage import UsageRecord
from costtui.sources.metrics.mapping import (
    COST,
    FIELDS,
    Placement,
)

CARRY = "c:"
HELD = "h:"

STUCK_AFTER = 3
"""Intervals in a row with a carry after which it is no coincidence but a wrong rule."""


class Carry(NamedTuple):
    """Tokens counted as a part before the whole was seen; both ≤ 0."""

    input: int = 0
    output: int = 0
    intervals: int = 0
    """How many intervals with traffic in a row left one."""


class Held(NamedTuple):
    """A record that waits one scrape."""

    start_ns: int
    lost: int
    amounts: tuple[int, ...]


class Increment(NamedTuple):
    """One series' increment and what it means."""

    placements: tuple[Placement, ...]
    delta: int
    known: bool
    lost: bool
    estimated: bool = False
    """A gauge's money: what was between two scrapes is not known."""


@dataclass(slots=True)
class Joined:
    """What one scrape adds. Nothing counts until it is committed."""

    records: list[UsageRecord] = field(default_factory=list)
    carries: dict[Dimensions, Carry | None] = field(default_factory=dict)
    held: dict[Dimensions, Held | None] = field(default_factory=dict)
    seen: set[Dimensions] = field(default_factory=set)


class Joiner:
    """The memory of one source between scrapes."""

    def __init__(
        self,
        includes: Callable[[Dimensions, str], tuple[bool, bool]],
        *,
        hold: bool,
        count_lookups: bool,
    ) -> None:
        """`includes` says for some traffic and gateway version what is inside what; `hold`:
        money is reported and tokens may come before it; `count_lookups`: failed price look-ups
        make reported money a lower bound."""
        self._includes = includes
        self._hold = hold
        self._count_lookups = count_lookups
        self._carries: dict[Dimensions, Carry] = {}
        self._held: dict[Dimensions, Held] = {}
        self._seen: set[Dimensions] = set()

    def restore(self, checkpoint: Mapping[str, str]) -> None:
        """Forget everything and go on from `checkpoint`."""
        self._carries = {}
        self._held = {}
        self._seen = set()
        for part, text in checkpoint.items():
            if part.startswith((CARRY, HELD)):
                self._load(part, text)

    def _load(self, part: str, text: str) -> None:
        try:
            dims, *rest = json.loads(text)
            dimensions = Dimensions(*map(str, dims))
            if part.startswith(CARRY):
                self._carries[dimensions] = Carry(*map(int, rest))
            else:
                start_ns, lost, amounts = rest
                values = tuple(map(int, amounts))
                if len(values) == FIELDS:
                    self._held[dimensions] = Held(int(start_ns), int(lost), values)
        except (ValueError, TypeError):
            # Not written by us. Without it at most one interval's split or one new
            # combination's first interval is lost; the counters do not depend on it.
            return

    @property
    def stuck(self) -> list[Dimensions]:
        """Traffic whose parts keep exceeding the whole: a rule does not fit the gateway."""
        return [dims for dims, carry in self._carries.items() if carry.intervals >= STUCK_AFTER]

    def join(
        self,
        increments: Iterable[Increment],
        active: Callable[[Placement], bool],
        costs: Callable[[Dimensions], bool],
        version: str,
        start_ns: int,
        end_ns: int,
    ) -> Joined:
        """`active` says whether a placement's metric is the one that counts on this page;
        `costs` whether the page has a cost series for some traffic."""
        result = Joined()
        sums: dict[Dimensions, list[int]] = {}
        lost: set[Dimensions] = set()
        known: set[Dimensions] = set()
        guessed: set[Dimensions] = set()
        settled = self._seen if self._hold else None
        for placements, delta, was_known, was_lost, estimated in increments:
            for placement in placements:
                if not active(placement):
                    continue
                dims = placement.dims
                if settled is not None and dims not in settled:
                    result.seen.add(dims)
                    if was_known:
                        known.add(dims)
                if was_lost:
                    lost.add(dims)
                elif not delta:
                    continue
                if estimated or placement.estimated:
                    guessed.add(dims)
                total = sums.get(dims)
                if total is None:
                    total = sums[dims] = [0] * FIELDS
                for number in placement.fields:
                    total[number] += delta
        for dims, held in self._held.items():
            total = sums.setdefault(dims, [0] * FIELDS)
            for number, amount in enumerate(held.amounts):
                total[number] += amount
            result.held[dims] = None
        for dims, total in sums.items():
            waited = self._held.get(dims) if self._held else None
            lower = 1 if lost and dims in lost else 0
            begin = start_ns
            if waited is not None:
                lower += waited.lost
                begin = waited.start_ns
            priced = total[COST] > 0 or costs(dims)
            if (
                self._hold
                and waited is None
                and not priced
                and any(total[:COST])
                and dims not in known
                and dims not in self._seen
            ):
                result.held[dims] = Held(begin, lower, tuple(total))
                continue
            record = self._record(
                dims, total, min(begin, end_ns), end_ns, priced, lower, version, result
            )
            if record is not None:
                if dims in guessed:
                    record = record._replace(estimated=True)
                result.records.append(record)
        return result

    def _record(
        self,
        dims: Dimensions,
        total: list[int],
        start_ns: int,
        end_ns: int,
        priced: bool,
        lower: int,
        version: str,
        result: Joined,
    ) -> UsageRecord | None:
        """The record, or None where there is nothing to say."""
        (  # in the order of mapping's INPUT … LOOKUPS
            used,
            cache_read,
            cache_write,
            cache_write_1h,
            made,
            reasoning,
            cost,
            requests,
            errors,
            throttled,
            lookups,
        ) = total
        input_includes, output_includes = self._includes(dims, version)
        carry = self._carries.get(dims) if self._carries else None
        if carry is not None:
            used += carry.input
            made += carry.output
        if input_includes:
            used -= cache_read + cache_write + cache_write_1h
        if output_includes:
            made -= reasoning
        if used < 0 or made < 0:
            intervals = carry.intervals + 1 if carry else 1
            result.carries[dims] = Carry(min(used, 0), min(made, 0), intervals)
            used, made = max(used, 0), max(made, 0)
        elif carry is not None:
            result.carries[dims] = None
        if priced and self._count_lookups:
            lower += lookups
        says = requests or used or made or cache_read or cache_write or cache_write_1h or reasoning
        if not (says or errors or throttled or lower or (priced and cost)):
            return None
        # By position: with names it takes twice as long.
        return UsageRecord(
            start_ns,
            end_ns,
            dims,
            requests,
            errors,
            throttled,
            used,
            cache_read,
            cache_write,
            cache_write_1h,
            made,
            reasoning,
            cost if priced else None,
            False,
            lower,
        )

    def checkpoint(self, joined: Joined) -> dict[str, str | None]:
        """The parts that `joined` changes."""
        parts: dict[str, str | None] = {}
        for dims, carry in joined.carries.items():
            parts[CARRY + _digest(dims)] = None if carry is None else _dump([dims, *carry])
        for dims, held in joined.held.items():
            parts[HELD + _digest(dims)] = None if held is None else _dump([dims, *held])
        return parts

    def commit(self, joined: Joined) -> None:
        """The batch of `joined` is yielded: memory follows."""
        self._seen |= joined.seen
        for dims, carry in joined.carries.items():
            if carry is None:
                self._carries.pop(dims, None)
            else:
                self._carries[dims] = carry
        for dims, held in joined.held.items():
            if held is None:
                self._held.pop(dims, None)
            else:
                self._held[dims] = held

    @property
    def waiting(self) -> bool:
        """Does a record wait for one more scrape?"""
        return bool(self._held)

    def parts(self) -> list[str]:
        """Every checkpoint part that is in use."""
        return [
            *(CARRY + _digest(dims) for dims in self._carries),
            *(HELD + _digest(dims) for dims in self._held),
        ]

    def settle(self) -> dict[Dimensions, Carry]:
        """Give away what is carried: there is no next interval."""
        carries, self._carries = self._carries, {}
        return carries


def _digest(dims: Dimensions) -> str:
    return blake2b("\0".join(dims).encode("utf-8", "replace"), digest_size=8).hexdigest()


def _dump(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=True)

"""A list of requests that is too long for memory: what is asked for, and the stretch of it that
comes back."""

from __future__ import annotations

from typing import Final, NamedTuple

from costtui.model.snapshot import RequestRow, Totals

ORDERS: Final = ("time", "status", "model", "consumer", "provider", "gateway", "endpoint", "tokens",
                 "input", "cached", "output", "latency", "speed", "cost")  # fmt: skip
"""What requests can be sorted by, in the order of the columns. The id that a provider gave a
request is in no order that says anything."""
NAMES: Final = frozenset({"model", "consumer", "provider", "gateway", "endpoint"})
"""Orders by a name."""
STATUSES: Final = ("all", "errors", "throttled", "unpriced")
"""Which requests a list holds, beside the filters of the view."""
START: Final = "start"
END: Final = "end"


class Listing(NamedTuple):
    """Which requests, and in which order. Both orders hold the same rows: one is the other from
    its end."""

    order: str = "time"
    reverse: bool = False
    """False is the newest or the most first; requests that are equal in it, newest first."""
    status: str = "all"


Amount = int | tuple[int, ...]
"""A number, or a name as one that sorts against it: the most is what comes first from A."""


class Spot(NamedTuple):
    """A place in a list: that of a request, whether or not it is (still) there."""

    amount: Amount
    id: int


class Counters(NamedTuple):
    """How much of a view has no single requests, because counters gave it."""

    total: Totals = Totals()
    """Of the whole view."""
    counted: Totals = Totals()
    """The part of counters."""
    gateways: tuple[str, ...] = ()
    """Those that are counted so, the dearest first."""


class Stretch(NamedTuple):
    """Rows that follow each other in a list."""

    rows: tuple[RequestRow, ...] = ()
    first: int = 0
    """Rows of the list before the first one here."""
    total: int = 0
    """Rows of the whole list."""
    exact: bool = True
    """Are `first` and `total` counts? Else they are near."""
    at_start: bool = True
    at_end: bool = True
    done: float = 1.0
    """How much of the list has been sorted, 0 to 1; what is here is sorted as far as that goes."""
    stale: bool = False
    """Something in the list has changed that is not in its order yet."""
    newer: int = 0
    """Requests newer than the one that was asked about."""


def name_amount(name: str) -> Amount:
    """A name so that the most is `a`, and the least to have none: in whatever order, requests that
    are equal are newest first, and both ways round a list is the same."""
    return (*(-ord(c) for c in name.casefold()), 1) if name else (-0x110000,)


def amount_of(row: RequestRow, order: str) -> Amount:
    """What `order` orders by. A consumer goes by its id here."""
    match order:
        case "model" | "consumer" | "provider" | "gateway" | "endpoint":
            return name_amount(str(getattr(row.dims, order)))
        case "input":
            return row.input + row.cache_write + row.cache_write_1h
        case "cached":
            return row.cache_read
        case "output":
            return row.output + row.reasoning
        case "speed":
            out = row.output + row.reasoning
            return out * 1_000_000 // row.latency_ms if row.latency_ms > 0 else 0
        case "cost":
            return row.effective_nano
        case "tokens":
            return row.tokens
        case "latency":
            return row.latency_ms
        case "status":
            return row.status
    return row.id


def spot_of(row: RequestRow, order: str) -> Spot:
    """Where `row` is in a list by `order`."""
    return Spot(amount_of(row, order), row.id)

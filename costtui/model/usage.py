"""Usage: disjoint quantities of one interval or one request."""

from __future__ import annotations

from typing import NamedTuple

from costtui.model.dimension import Dimensions

TOKEN_TYPES = ("input", "cache_read", "cache_write", "cache_write_1h", "output", "reasoning")
"""Disjoint leaves, in the order every row and tuple uses. They may be added up: an input token
that was read from a cache is `cache_read` and not `input`; a reasoning token is `reasoning`
and not `output`. Sources split inclusive counts on the way in."""


class UsageRecord(NamedTuple):
    """What was used between `start_ns` and `end_ns` by one combination of dimensions.

    A request is an instant (`start_ns == end_ns`, `request_id` not None); usage read from a
    counter is the interval between two scrapes (`request_id` None).
    """

    start_ns: int
    """Unix time in nanoseconds, inclusive."""
    end_ns: int
    """Unix time in nanoseconds: the moment of a request; exclusive end of an interval."""
    dims: Dimensions
    requests: int = 1
    """Requests, failed ones included."""
    errors: int = 0
    """Requests that failed for another reason than rate limiting."""
    throttled: int = 0
    """Requests answered 429. Never also counted in `errors`."""
    input: int = 0
    cache_read: int = 0
    cache_write: int = 0
    cache_write_1h: int = 0
    output: int = 0
    reasoning: int = 0
    reported_nano: int | None = None
    """Money the source itself reported; None when it reported none."""
    estimated: bool = False
    """The source says that its own money is a guess."""
    lower_bounds: int = 0
    """How many known losses (a counter reset, an unpriced look-up) this record hides: > 0
    makes every total that it touches a lower bound."""
    request_id: str | None = None
    """None: usage from a counter. A request without an id has `""`."""
    status: int = 0
    """HTTP status of a request; 0 when the source does not say."""
    latency_ms: int = -1
    """-1 when the source does not say."""
    part: str = ""
    """Which checkpoint part (file) the request came from."""
    offset: int = -1
    """Byte offset of its line in that file (of the decompressed text for .gz); -1 for none."""
    attrs: str = ""
    """What else the source said about the request, as a compact JSON object, or `""`."""

"""Requests in bulk: a log's requests without the sixteen fields that no log line fills.

A million `UsageRecord`s are a million tuples of 21 fields, made, copied into their class, unpacked
twice and thrown away; that was a third of the time of loading a log. What is loaded in bulk is
therefore ten fields in a plain tuple, and becomes a `UsageRecord` only where somebody looks at it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import overload

from costtui.model.charge import CostBasis
from costtui.model.dimension import Dimensions
from costtui.model.usage import UsageRecord

Request = tuple[int, Dimensions, int, int, int | None, bool, str, str, int, str]
"""(ns, dims, input, output, reported_nano, estimated, request_id, part, offset, attrs): one
successful request, with every other field of `UsageRecord` as its default."""

Priced = tuple[int, int | None, CostBasis, int]
"""A `Charge`, or its four fields as a plain tuple."""

_new = tuple.__new__


class Requests(Sequence[UsageRecord]):
    """Requests that are read as `UsageRecord`s and kept as `rows`."""

    __slots__ = ("rows",)

    def __init__(self, rows: list[Request] | None = None) -> None:
        self.rows: list[Request] = [] if rows is None else rows

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, index: int) -> UsageRecord: ...
    @overload
    def __getitem__(self, index: slice) -> Requests: ...
    def __getitem__(self, index: int | slice) -> UsageRecord | Requests:
        if isinstance(index, slice):
            return Requests(self.rows[index])
        return usage(self.rows[index])

    def __iter__(self) -> Iterator[UsageRecord]:
        return map(usage, self.rows)

    def __repr__(self) -> str:
        return f"Requests({list(self)!r})"


def usage(row: Request) -> UsageRecord:
    """The whole record of a row."""
    ns, dims, used, made, reported, estimated, request_id, part, offset, attrs = row
    return _new(
        UsageRecord,
        (
            ns, ns, dims, 1, 0, 0, used, 0, 0, 0, made, 0, reported, estimated, 0,
            request_id, 0, -1, part, offset, attrs,
        ),
    )  # fmt: skip

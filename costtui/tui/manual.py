"""The tables of docs/keys.md: `python -m costtui.tui.manual docs/keys.md` writes them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from costtui.tui.bindings import KEYS, Key, by_group

BEGIN, END = "<!-- made from the bindings: begin -->", "<!-- made from the bindings: end -->"
EVERYWHERE = {"app": "everywhere", "table": "every list"}


def tables() -> str:
    """Every key under its heading, as Markdown."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    places = {place for key in KEYS for place in key.where.split(",")}
    for group, keys in by_group(*sorted(places)):
        yield from (f"## {group}", "", "| key | id | action | where |", "|---|---|---|---|")
        yield from (_row(key) for key in keys)
        yield ""


def _row(key: Key) -> str:
    keys = " ".join(k if k == "or" else f"`{k}`" for k in (key.shown or key.keys).split())
    where = ", ".join(EVERYWHERE.get(place, place) for place in key.where.split(","))
    return f"| {keys} | `{key.id}` | {key.tooltip} | {where} |"


def rewritten(text: str) -> str:
    """`text` with fresh tables between the two marks. Raises ValueError without them."""
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError("the page has no marks to write between")
    return f"{head}{BEGIN}\n\n{tables()}\n{END}{tail}"


if __name__ == "__main__":
    page = Path(sys.argv[1])
    page.write_text(rewritten(page.read_text(encoding="utf-8")), encoding="utf-8")

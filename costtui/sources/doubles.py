"""Sources whose presets read the same metrics of one page or server.

The configuration alone cannot see that: it does not know what a preset reads. Two sources with
*one* preset are its business (`config.doubles`).
"""

from __future__ import annotations

from collections.abc import Iterable

from costtui.config.doubles import address_of, exclude
from costtui.config.schema import SourceConfig
from costtui.errors import ConfigError, Problem
from costtui.sources.metrics.mapping import Mapper
from costtui.sources.presets import shape_of


def check(sources: Iterable[SourceConfig]) -> None:
    """Raise ConfigError for sources that would count a metric twice, or whose preset cannot be
    used."""
    problems: list[Problem] = []
    before: list[tuple[SourceConfig, object, set[str]]] = []
    for source in sources:
        address = address_of(source)
        if address is None:
            continue
        counted = {name.partition(" ")[0] for name in Mapper(shape_of(source), source).counted()}
        for other, place, theirs in before:
            both = sorted(counted & theirs)
            if both and place == address and not exclude(other.match, source.match):
                what = "page" if source.type == "metrics" else "server"
                problems.append(
                    Problem(
                        f"source {source.name}",
                        0,
                        "preset",
                        f"counts {both[0]} of the same {what} as source {other.name}: give one of "
                        "them role: reconcile"
                        + ("" if what == "page" else ", or each a match: that excludes the other"),
                    )
                )
        before.append((source, address, counted))
    if problems:
        raise ConfigError(problems)

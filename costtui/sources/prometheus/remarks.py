"""What a server's answers say beside the numbers: what the user should know, and what must not be.

A note is one sentence for the sources screen; a refusal is a failed poll.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from costtui.config.schema import SourceConfig
from costtui.errors import SourceFormatError
from costtui.model.safetext import visible
from costtui.sources.metrics.mapping import Mapper, same_host
from costtui.sources.metrics.shape import Shape
from costtui.sources.prometheus.api import Result, quote
from costtui.sources.prometheus.tracks import UP, Reading, Stretch, Target

FAR_MS: Final = 60_000
"""A clock that is further off is worth a word: usage shows up in the past, or the future."""


def refuse_doubles(reading: Reading, config: SourceConfig) -> None:
    """Raise SourceFormatError where a target's traffic would be counted twice: by another source
    too, or by two Prometheus servers that keep their samples here."""
    hosts = {other.host: other for other in config.elsewhere if other.host}
    gateways = {other.gateway: other for other in config.elsewhere if other.gateway}
    seen: dict[tuple[str, ...], Target] = {}
    for stretch in reading.stretches.values():
        if not _counts(stretch):
            continue
        labels = dict(stretch.target.labels)
        instance = labels.get("instance", "")
        what = f"instance {instance}"
        other = hosts.get(same_host(instance))
        if other is None:
            known = sorted(_gateways(stretch) & gateways.keys())
            other = gateways[known[0]] if known else None
            what = f"gateway {known[0]}" if known else ""
        if other is not None:
            raise SourceFormatError(
                f"{visible(what, 100)} is already counted by source {other.source}: give one of "
                "them role: reconcile, or leave it out here with match:"
            )
        place = tuple(labels.get(name, "") for name in ("cluster", "job", "instance"))
        twin = seen.setdefault(place, stretch.target)
        differs = sorted({*stretch.target.labels} - {*twin.labels})
        if instance and differs:
            name, value = differs[0]
            raise SourceFormatError(
                f"instance {visible(instance, 100)} is scraped by two servers: choose one with "
                f"match: {name}={quote(visible(value, 60))}"
            )


def _counts(stretch: Stretch) -> bool:
    return bool(stretch.runs or stretch.gauges)


def _gateways(stretch: Stretch) -> set[str]:
    tracks = [run.track for run in stretch.runs] + [run.track for run in stretch.gauges]
    return {place.dims.gateway for track in tracks for place in track.series.placements}


def of_counts(mapper: Mapper, targets: Iterable[Target]) -> str:
    """What does not fit in what was counted, or nothing."""
    if mapper.unknown_kinds:
        kinds = ", ".join(sorted(mapper.unknown_kinds))
        return f"token kinds that are not known and not counted: {kinds}"
    for target in targets:
        if target.joiner.stuck:
            dims = target.joiner.stuck[0]
            return (
                f"cached tokens exceed the input of {dims.provider or 'unknown'} "
                f"{dims.model}: input_includes_cache does not fit {dims.gateway}"
            )
    return ""


def of_targets(result: Result, reading: Reading) -> str:
    """Which targets are down or doubtful, or nothing."""
    down = sorted(
        row.metric.get("instance", "")
        for row in result.rows
        if row.metric.get("__name__") == UP and row.values and row.values[-1][1] == "0"
    )
    if down:
        names = ", ".join(visible(name, 60) for name in down[:3])
        more = f" and {len(down) - 3} more" if len(down) > 3 else ""
        return f"the server cannot scrape {names}{more}"
    jobs: dict[str, set[str]] = {}
    for stretch in filter(_counts, reading.stretches.values()):
        labels = dict(stretch.target.labels)
        jobs.setdefault(labels.get("instance", ""), set()).add(labels.get("job", ""))
    for instance, several in sorted(jobs.items()):
        if instance and len(several) > 1:
            names = " and ".join(visible(job, 40) for job in sorted(several)[:3])
            return (
                f"{visible(instance, 60)} is scraped by the jobs {names}: if that is one process, "
                "it counts twice; leave one out with match:"
            )
    return ""


def of_clock(skew_ms: int) -> str:
    """That the server's clock is off, or nothing."""
    if abs(skew_ms) < FAR_MS:
        return ""
    which = "behind" if skew_ms < 0 else "ahead of"
    return f"the server's clock is {abs(skew_ms) // 1000} s {which} this one"


def nothing(config: SourceConfig, shape: Shape) -> str:
    """That the server has nothing of what is asked for."""
    which = f" with {config.match}" if config.match else ""
    return f"nothing that {shape.name or 'fields:'} counts is on this server{which} yet"

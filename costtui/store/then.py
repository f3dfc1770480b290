"""What is known of the sources at a moment of the past.

Their counters and errors are not kept, so they are not told. What is kept are the gaps, and the
usage: a source in a gap was down, one with usage before the moment and a good poll since then was
answering, of any other it is not known.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from costtui.model.snapshot import Gap, SourceStatus


def then(
    statuses: Iterable[SourceStatus],
    gaps: Sequence[Gap],
    seen: Collection[str],
    moment: float,
) -> tuple[SourceStatus, ...]:
    """The sources as they were at `moment`, epoch seconds, as far as that is known.

    `gaps` are those around the moment, `seen` the names of sources with usage shortly before it.
    Down has `failures` and the time it began as `last_ok`; answering has `last_ok` at the moment;
    what is not known has neither.
    """
    found = []
    for now in statuses:
        down = [g for g in gaps if g.source == now.name and g.start < moment <= g.end]
        last_ok, failures = 0.0, 0
        if down:
            last_ok, failures = min(g.start for g in down), 1
        elif now.name in seen and now.last_ok >= moment:
            last_ok = moment
        found.append(
            SourceStatus(
                now.name, now.kind, now.gateway, now.role,
                last_ok=last_ok, interval=now.interval, failures=failures,
            )
        )  # fmt: skip
    return tuple(found)

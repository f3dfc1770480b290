"""The peer of the ingest benchmark: what people write to analyse a cost log.

One pass with `json`, keeping separate summaries by provider, by model, by user and by hour beside
the totals, printed as JSON at the end; nothing is stored. With `--single` there is only one
grouping, by all four at once: less than what such scripts do, so the harder peer.

    python peer_simple_analysis.py [--single] LOG [LOG …]
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Any


def records(paths: list[str]) -> Iterator[dict[str, Any]]:
    for path in paths:
        with open(path, encoding="utf-8") as file:
            for line in file:
                line = line.strip()
                if not line:
                    continue
                try:
                    yield json.loads(line)
                except json.JSONDecodeError:
                    continue


def summary() -> dict[str, float]:
    return {"requests": 0, "input": 0, "output": 0, "cost": 0.0}


def separate(paths: list[str]) -> dict[str, Any]:
    """Totals and four summaries."""
    totals = summary()
    by: dict[str, defaultdict[str, dict[str, float]]] = {
        name: defaultdict(summary) for name in ("provider", "model", "user", "hour")
    }
    for record in records(paths):
        moment = datetime.fromisoformat(record["timestamp"])
        used = record.get("input_tokens", 0)
        made = record.get("output_tokens", 0)
        cost = record.get("total_cost", 0.0)
        for group in (
            totals,
            by["provider"][record.get("provider", "unknown")],
            by["model"][record.get("model", "unknown")],
            by["user"][record.get("user_id", "unknown")],
            by["hour"][moment.strftime("%Y-%m-%d %H:00")],
        ):
            group["requests"] += 1
            group["input"] += used
            group["output"] += made
            group["cost"] += cost
    return {**totals, **{f"by_{name}": groups for name, groups in by.items()}}


def single(paths: list[str]) -> dict[str, Any]:
    """One summary of every combination."""
    groups: defaultdict[tuple[str, str, str, str], list[float]] = defaultdict(lambda: [0, 0, 0, 0])
    for record in records(paths):
        moment = datetime.fromisoformat(record["timestamp"])
        group = groups[
            record.get("provider", ""),
            record.get("model", ""),
            record.get("user_id", ""),
            moment.strftime("%Y-%m-%d %H:00"),
        ]
        group[0] += 1
        group[1] += record.get("input_tokens", 0)
        group[2] += record.get("output_tokens", 0)
        group[3] += record.get("total_cost", 0.0)
    requests, used, made, cost = (sum(g[i] for g in groups.values()) for i in range(4))
    return {
        "requests": requests, "input": used, "output": made, "cost": cost, "groups": len(groups),
    }  # fmt: skip


def main(arguments: list[str]) -> None:
    paths = [a for a in arguments if a != "--single"]
    result = single(paths) if "--single" in arguments else separate(paths)
    print(json.dumps(result))


if __name__ == "__main__":
    main(sys.argv[1:])

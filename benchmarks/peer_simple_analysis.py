"""The peer of the ingest benchmark: what people write to analyse a cost log.

One pass with `json` and dictionaries, grouped by provider, model, user and hour; prints, stores
nothing. Usage: python peer_simple_analysis.py LOG [LOG …]
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from datetime import datetime


def main(paths: list[str]) -> None:
    groups: dict[tuple[str, str, str, str], list[float]] = defaultdict(lambda: [0, 0, 0, 0.0])
    for path in paths:
        with open(path, encoding="utf-8") as file:
            for line in file:
                line = line.strip()
                if not line:
                    continue
                try:
                    record = json.loads(line)
                except json.JSONDecodeError:
                    continue
                moment = datetime.fromisoformat(record["timestamp"])
                hour = moment.strftime("%Y-%m-%d %H:00")
                group = groups[
                    record.get("provider", ""),
                    record.get("model", ""),
                    record.get("user_id", ""),
                    hour,
                ]
                group[0] += 1
                group[1] += record.get("input_tokens", 0)
                group[2] += record.get("output_tokens", 0)
                group[3] += record.get("total_cost", 0.0)
    requests = sum(int(g[0]) for g in groups.values())
    used = sum(int(g[1]) for g in groups.values())
    made = sum(int(g[2]) for g in groups.values())
    print(json.dumps({"groups": len(groups), "requests": requests, "input": used, "output": made}))


if __name__ == "__main__":
    main(sys.argv[1:])

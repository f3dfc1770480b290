"""JSONL into the store, as a whole process, beside peers on the same file in the same run.

    python benchmarks/bench_ingest.py --records 1000000 --runs 3

`recent` is a log of the last hours (raw rows and every roll-up); `old` is a log whose lines are
beyond request and minute retention (hours and days only). Peers: the simple script that prints
and stores nothing, DuckDB's `read_json` with the same grouping (when it is installed), `wc -l`.
Equal sums are checked before any time is printed.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent

DUCKDB = """
import duckdb, json, sys
c = duckdb.connect(); c.execute("SET threads=2")
rows = c.execute('''SELECT provider, model, user_id, epoch(timestamp)::BIGINT // 3600 AS h, count(*),
  sum(input_tokens), sum(output_tokens), sum(total_cost)
  FROM read_json(?, format='newline_delimited', columns={timestamp:'TIMESTAMPTZ',
  provider:'VARCHAR', model:'VARCHAR', user_id:'VARCHAR',
  input_tokens:'BIGINT', output_tokens:'BIGINT',
  total_cost:'DOUBLE'}) GROUP BY ALL''', [sys.argv[1]]).fetchall()
print(json.dumps({"groups": len(rows), "requests": sum(r[4] for r in rows),
  "input": int(sum(r[5] for r in rows)), "output": int(sum(r[6] for r in rows))}))
"""


def timed(command: list[str]) -> tuple[float, int, str]:
    """(wall seconds, peak RSS bytes, standard output) of one finished process."""
    with tempfile.TemporaryFile() as out:
        began = time.perf_counter()
        child = subprocess.Popen(command, stdout=out)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - began
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            raise SystemExit(f"{command[0]} … ended with {child.returncode}")
        out.seek(0)
        return wall, usage.ru_maxrss * 1024, out.read().decode()


def costtui(log: Path, folder: Path) -> tuple[float, int, dict[str, int]]:
    """One cold ingest of `log` by a real `costtui collect --once`."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    config = folder / "config.yml"
    config.write_text(
        f"store: {{path: {folder / 'c.db'}}}\n"
        "sources:\n"
        f"  - {{name: log, type: jsonl, preset: llm-proxy, gateway: p, paths: ['{log}']}}\n"
    )
    wall, rss, _ = timed(
        [sys.executable, "-m", "costtui", "--config", str(config), "collect", "--once", "--quiet"]
    )
    db = sqlite3.connect(folder / "c.db")
    row = db.execute("SELECT sum(requests), sum(input), sum(output) FROM day").fetchone()
    raw = db.execute("SELECT count(*) FROM request").fetchone()[0]
    db.close()
    sums = dict(zip(("requests", "input", "output"), row, strict=True))
    return wall, rss, {**sums, "raw_rows": raw}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=None)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()

    folder = args.folder or Path(tempfile.mkdtemp(prefix="costtui-bench-"))
    folder.mkdir(exist_ok=True)
    now = time.time()
    logs = {"recent": (now - 20 * 3600, now), "old": (now - 100 * 86400, now - 40 * 86400)}
    results: dict[str, Any] = {"records": args.records}
    for name, (start, end) in logs.items():
        log = folder / f"{name}.jsonl"
        subprocess.run(
            [
                sys.executable,
                str(HERE / "gen_llm_proxy_log.py"),
                str(log),
                f"--records={args.records}",
                f"--days={(end - start) / 86400}",
                f"--end={int(end)}",
            ],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        times: dict[str, list[float]] = {}
        rss = 0
        for _ in range(args.runs):
            wall, _, out = timed([sys.executable, str(HERE / "peer_simple_analysis.py"), str(log)])
            times.setdefault("simple script", []).append(wall)
            truth = json.loads(out)
            wall, peak, sums = costtui(log, folder / "store")
            rss = max(rss, peak)
            times.setdefault("costtui", []).append(wall)
            for key in ("requests", "input", "output"):
                if sums[key] != truth[key]:
                    raise SystemExit(f"{name}: {key}: costtui {sums[key]}, script {truth[key]}")
            try:
                wall, _, out = timed([sys.executable, "-c", DUCKDB, str(log)])
                if json.loads(out)["input"] != truth["input"]:
                    raise SystemExit("DuckDB read something else")
                times.setdefault("DuckDB", []).append(wall)
            except SystemExit as error:
                print(f"DuckDB: {error}", file=sys.stderr)
            times.setdefault("wc -l", []).append(timed(["wc", "-l", str(log)])[0])
        medians = {k: statistics.median(v) for k, v in times.items()}
        results[name] = {
            "bytes": log.stat().st_size,
            "costtui_rss_mb": round(rss / 2**20),
            "store_raw_rows": sums["raw_rows"],
            "records_per_s": {k: round(args.records / v) for k, v in medians.items()},
            "costtui_over_simple_script": round(medians["simple script"] / medians["costtui"], 2),
        }
        if "DuckDB" in medians:
            results[name]["costtui_over_duckdb"] = round(medians["DuckDB"] / medians["costtui"], 2)
    if args.folder is None:
        shutil.rmtree(folder)
    print(json.dumps(results, indent=None if args.json else 2))


if __name__ == "__main__":
    main()

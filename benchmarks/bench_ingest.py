"""JSONL into the store, as a whole process, beside peers on the same file in the same run.

    python benchmarks/bench_ingest.py --records 1000000 --runs 3

`recent` is a log of the last hours (raw rows and every roll-up); `old` is a log whose lines are
beyond request and minute retention (hours and days only). Peers: the simple script that prints
and stores nothing, as people write it and with a single grouping; DuckDB's `read_json` with the
same grouping (when it is installed); `wc -l`. They take turns, equal sums are checked before any
time is printed, and CPU time is told beside wall time because other work disturbs it less.

Every Python process, ours and the peers', finds its modules compiled, as it does when installed.
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
from typing import Any, NamedTuple

HERE = Path(__file__).parent
SCRIPT = HERE / "peer_simple_analysis.py"
SCRIPTS: dict[str, list[str]] = {"simple script": [], "simple script, one group": ["--single"]}

DUCKDB = """
import duckdb, json, sys
c = duckdb.connect(); c.execute("SET threads=2"); c.execute("SET enable_progress_bar=false")
rows = c.execute('''SELECT
  provider, model, user_id, epoch(timestamp)::BIGINT // 3600 AS h, count(*),
  sum(input_tokens), sum(output_tokens), sum(total_cost)
  FROM read_json(?, format='newline_delimited', columns={timestamp:'TIMESTAMPTZ',
  provider:'VARCHAR', model:'VARCHAR', user_id:'VARCHAR',
  input_tokens:'BIGINT', output_tokens:'BIGINT',
  total_cost:'DOUBLE'}) GROUP BY ALL''', [sys.argv[1]]).fetchall()
print(json.dumps({"groups": len(rows), "requests": sum(r[4] for r in rows),
  "input": int(sum(r[5] for r in rows)), "output": int(sum(r[6] for r in rows))}))
"""


class Run(NamedTuple):
    """One finished process: seconds, seconds of CPU, peak bytes, standard output."""

    wall: float
    cpu: float
    rss: int
    out: str


def timed(command: list[str], compiled: Path) -> Run:
    """Run `command` to its end; `compiled` is a folder for compiled modules."""
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(compiled)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryFile() as out:
        began = time.perf_counter()
        child = subprocess.Popen(command, stdout=out, env=environment)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - began
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            raise SystemExit(f"{command[0]} … ended with {child.returncode}")
        out.seek(0)
        cpu = usage.ru_utime + usage.ru_stime
        return Run(wall, cpu, usage.ru_maxrss * 1024, out.read().decode())


def costtui(log: Path, folder: Path, compiled: Path) -> tuple[Run, dict[str, int]]:
    """One cold ingest of `log` by a real `costtui collect --once`."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    config = folder / "config.yml"
    config.write_text(
        f"store: {{path: {folder / 'c.db'}}}\n"
        "sources:\n"
        f"  - {{name: log, type: jsonl, preset: llm-proxy, gateway: p, paths: ['{log}']}}\n"
    )
    run = timed(
        [sys.executable, "-m", "costtui", "--config", str(config), "collect", "--once", "--quiet"],
        compiled,
    )
    db = sqlite3.connect(folder / "c.db")
    row = db.execute("SELECT sum(requests), sum(input), sum(output) FROM day").fetchone()
    raw = db.execute("SELECT count(*) FROM request").fetchone()[0]
    db.close()
    sums = dict(zip(("requests", "input", "output"), row, strict=True))
    return run, {**sums, "raw_rows": raw}


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
        runs: dict[str, list[Run]] = {}
        compiled = folder / "compiled"
        empty = folder / "empty.jsonl"
        empty.write_text("")
        costtui(empty, folder / "store", compiled)
        for _ in range(args.runs):
            for peer, options in SCRIPTS.items():
                run = timed([sys.executable, str(SCRIPT), *options, str(log)], compiled)
                runs.setdefault(peer, []).append(run)
                truth = json.loads(run.out)
            run, sums = costtui(log, folder / "store", compiled)
            runs.setdefault("costtui", []).append(run)
            for key in ("requests", "input", "output"):
                if sums[key] != truth[key]:
                    raise SystemExit(f"{name}: {key}: costtui {sums[key]}, script {truth[key]}")
            try:
                run = timed([sys.executable, "-c", DUCKDB, str(log)], compiled)
                if json.loads(run.out)["input"] != truth["input"]:
                    raise SystemExit("DuckDB read something else")
                runs.setdefault("DuckDB", []).append(run)
            except SystemExit as error:
                print(f"DuckDB: {error}", file=sys.stderr)
            runs.setdefault("wc -l", []).append(timed(["wc", "-l", str(log)], compiled))
        wall = {k: statistics.median(r.wall for r in v) for k, v in runs.items()}
        cpu = {k: min(r.cpu for r in v) for k, v in runs.items()}
        peers = [peer for peer in (*SCRIPTS, "DuckDB") if peer in wall]
        results[name] = {
            "bytes": log.stat().st_size,
            "costtui_rss_mb": round(max(r.rss for r in runs["costtui"]) / 2**20),
            "store_raw_rows": sums["raw_rows"],
            "records_per_s": {k: round(args.records / v) for k, v in wall.items()},
            "cpu_us_per_record": {k: round(v / args.records * 1e6, 2) for k, v in cpu.items()},
            "times_faster_than": {k: round(wall[k] / wall["costtui"], 2) for k in peers},
            "times_less_cpu_than": {k: round(cpu[k] / cpu["costtui"], 2) for k in peers},
        }
    if args.folder is None:
        shutil.rmtree(folder)
    print(json.dumps(results, indent=None if args.json else 2))


if __name__ == "__main__":
    main()

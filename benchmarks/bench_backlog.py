"""A log of many gigabytes and an empty store: when are the last 24 hours right on the screen?

    python benchmarks/bench_backlog.py --bytes 10G --days 90

Starts the real `costtui` in tmux on a store that does not exist and watches its screen until the
number of requests of the 24 h window is the one that a plain reading of the log's end gives.
Then it lets the history fill in for `--watch` seconds and prints how fast it does, the
collector's peak memory, and how long a window key takes to be answered meanwhile.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

HERE = Path(__file__).parent
BLOCK = 1 << 24


def lines_from_the_end(path: Path) -> Iterator[bytes]:
    """Lines, last first."""
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        rest = b""
        while end > 0:
            start = max(0, end - BLOCK)
            file.seek(start)
            data = file.read(end - start) + rest
            first, _, whole = data.partition(b"\n") if start else (b"", b"", data)
            rest = first + b"\n" if start else b""
            yield from reversed(whole.splitlines())
            end = start


def truth_since(path: Path, start: int, margin: int = 3600) -> tuple[int, int]:
    """(requests, input tokens) of the lines not older than `start`, epoch seconds."""
    requests = used = 0
    for line in lines_from_the_end(path):
        record = json.loads(line)
        moment = datetime.fromisoformat(record["timestamp"]).timestamp()
        if moment >= start:
            requests += 1
            used += record["input_tokens"]
        elif moment < start - margin:
            break
    return requests, used


def until(done: Callable[[], bool], seconds: float) -> float:
    """Seconds until `done()`; looks every 20 ms."""
    began = time.perf_counter()
    while not done():
        if time.perf_counter() - began > seconds:
            raise SystemExit("it never came")
        time.sleep(0.02)
    return time.perf_counter() - began


def peak_rss_mb(pid: int) -> int:
    text = Path(f"/proc/{pid}/status").read_text()
    return int(text.split("VmHWM:")[1].split()[0]) // 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bytes", default="10G")
    parser.add_argument("--days", type=float, default=90.0)
    parser.add_argument("--watch", type=float, default=60.0)
    parser.add_argument("--folder", type=Path, default=None, help="keep and reuse the log here")
    args = parser.parse_args()
    if shutil.which("tmux") is None:
        raise SystemExit("tmux is needed")
    folder = args.folder or Path(tempfile.mkdtemp(prefix="costtui-backlog-"))
    folder.mkdir(exist_ok=True)
    log = folder / f"log-{args.bytes}-{args.days:g}d.jsonl"
    if not log.exists():
        command = [str(HERE / "gen_llm_proxy_log.py"), str(log)]
        options = [f"--bytes={args.bytes}", f"--days={args.days}"]
        subprocess.run([sys.executable, *command, *options], check=True, stdout=sys.stderr)
    for old in folder.glob("c.db*"):
        old.unlink()
    config = folder / "config.yml"
    config.write_text(
        f"store: {{path: {folder / 'c.db'}}}\n"
        "sources:\n"
        f"  - {{name: log, type: jsonl, preset: llm-proxy, gateway: p, paths: ['{log}']}}\n"
    )
    tmux = ["tmux", "-L", f"costtui-bench-{os.getpid()}", "-f", "/dev/null"]

    def screen() -> str:
        shown = subprocess.run([*tmux, "capture-pane", "-p"], capture_output=True, check=False)
        return shown.stdout.decode("utf-8", "replace")

    start = (int(time.time()) // 60 + 1) * 60 - 86400
    requests, used = truth_since(log, start)
    try:
        environment = {**os.environ, "XDG_STATE_HOME": str(folder), "TERM": "xterm-256color"}
        began = time.perf_counter()
        subprocess.run(
            [*tmux, "new-session", "-d", "-x", "120", "-y", "40",
             f"{sys.executable} -m costtui --config {config} --window 24h"],
            check=True, env=environment,
        )  # fmt: skip
        until(lambda: f"{requests:,}" in screen(), 120)
        on_screen = time.perf_counter() - began
        pid = int(
            subprocess.run(
                ["pgrep", "-f", f"collect --with-parent.*{config}"], capture_output=True, check=True
            ).stdout.split()[0]
        )
        db = sqlite3.connect(f"file:{folder / 'c.db'}?mode=ro", uri=True)
        count = "SELECT sum(requests) FROM day"
        first, since = db.execute(count).fetchone()[0], time.perf_counter()
        answers = []
        while time.perf_counter() - since < args.watch:
            for key, name in (("2", "1h"), ("5", "7d"), ("4", "24h")):
                subprocess.run([*tmux, "send-keys", key], check=True)
                answers.append(until(lambda n=name: f"spend {n}" in screen(), 10))  # type: ignore[misc]
                time.sleep(0.5)
        now = db.execute(count).fetchone()[0]
        rate = (now - first) / (time.perf_counter() - since)
        answers.sort()
        result = {
            "log_bytes": log.stat().st_size,
            "requests_24h": requests,
            "input_tokens_24h": used,
            "seconds_to_right_24h_on_screen": round(on_screen, 2),
            "history_records_per_s": round(rate),
            "collector_peak_rss_mb": peak_rss_mb(pid),
            "key_to_screen_ms": {
                "median": round(answers[len(answers) // 2] * 1000),
                "worst": round(answers[-1] * 1000),
                "note": "includes tmux and a 20 ms look",
            },
        }
        db.close()
        print(json.dumps(result, indent=2))
    finally:
        subprocess.run([*tmux, "kill-server"], check=False)
        if args.folder is None:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()

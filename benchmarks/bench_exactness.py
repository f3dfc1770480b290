"""Ground truth, costtui and `sum(increase(...))` of the same real Prometheus, in one run.

Two fleets behind one server: 30 days of history made with promtool (restarts, failed scrapes, new
models, a gateway that came later; see gen_prometheus_history.py), and three simulated agentgateways
that the server scrapes live, with a restart and series born in the middle. costtui reads the first
with `collect --once` and the second with a running collector.

    python benchmarks/bench_exactness.py [--json] [--days 30] [--live 20] [--keep DIR]

Needs `prometheus` and `promtool`.
"""

from __future__ import annotations

import argparse
import http.server
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from costtui.demo.agentgateway import CONTENT_TYPE, OPENMETRICS, Agentgateway
from costtui.demo.gateway import GatewayDownError
from costtui.demo.people import EU_ROUTES, US_ROUTES, Route
from costtui.demo.rhythm import Rhythm
from costtui.demo.truth import Amounts

HERE = Path(__file__).parent
TOKENS = "agentgateway_gen_ai_client_token_usage_sum"
COST = "agentgateway_gen_ai_client_cost_usd_total"


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def until(look: Callable[[], Any], what: str, seconds: float = 30.0) -> Any:
    """Look until there is something true. Raises TimeoutError."""
    end = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > end:
            raise TimeoutError(f"not within {seconds:g} s: {what}")
        time.sleep(0.05)


class RealPrometheus:
    """A Prometheus on a free port of this machine."""

    ready = "/-/ready"

    def __init__(
        self, folder: Path, targets: dict[str, list[str]], *, interval: str = "1s"
    ) -> None:
        """`targets`: job → host:port."""
        self.folder = folder
        self.data = folder / "data"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None
        self._log = folder / "prometheus.log"
        folder.mkdir(parents=True, exist_ok=True)
        jobs = [
            {"job_name": job, "static_configs": [{"targets": hosts}]}
            for job, hosts in targets.items()
        ]
        config = {"global": {"scrape_interval": interval}, "scrape_configs": jobs}
        (folder / "prometheus.yml").write_text(json.dumps(config))

    def start(self) -> None:
        """Start, and wait until it answers."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self.command(), stdout=log, stderr=log)
        until(lambda: self._get(self.ready) is not None, f"a server ({self._log})", 60)

    def command(self) -> list[str]:
        return [
            "prometheus",
            f"--config.file={self.folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={self.data}",
            "--storage.tsdb.retention.time=400d",
            f"--web.listen-address=127.0.0.1:{self.port}",
        ]

    def _get(self, path: str) -> bytes | None:
        try:
            with urllib.request.urlopen(self.url + path, timeout=30) as answer:
                return bytes(answer.read())
        except (urllib.error.URLError, OSError):
            return None

    def query(self, promql: str, at: float | None = None) -> list[dict[str, Any]]:
        """The vector that an instant query gives."""
        form = {"query": promql, **({} if at is None else {"time": f"{at:.3f}"})}
        body = self._get("/api/v1/query?" + urllib.parse.urlencode(form))
        if body is None:
            return []
        return list(json.loads(body)["data"]["result"])

    def value(self, promql: str, at: float | None = None) -> float:
        rows = self.query(promql, at)
        return float(rows[0]["value"][1]) if rows else 0.0

    @property
    def pid(self) -> int:
        return self._process.pid if self._process else 0

    def cpu(self) -> float:
        """Processor seconds it has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def kill(self) -> None:
        """kill -9."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)
            self._process = None


class RealVictoria(RealPrometheus):
    """A VictoriaMetrics of one process."""

    ready = "/health"

    def command(self) -> list[str]:
        return [
            "victoria-metrics",
            f"-promscrape.config={self.folder / 'prometheus.yml'}",
            f"-storageDataPath={self.data}",
            f"-httpListenAddr=127.0.0.1:{self.port}",
            "-retentionPeriod=1y",
            "-memory.allowedBytes=200MB",
        ]

    def take(self, text: str) -> None:
        """Import samples in the text format, with times in milliseconds."""
        url = f"{self.url}/api/v1/import/prometheus"
        with urllib.request.urlopen(url, data=text.encode(), timeout=60) as answer:
            answer.read()


class Plane:
    """One simulated agentgateway with a page over HTTP. Its truth is its own integers."""

    def __init__(self, name: str, routes: tuple[Route, ...], seed: int) -> None:
        rhythm = Rhythm(seed, name, 0.5, [route.weight for route in routes], 1_795_600_000, 0, None)
        self.gateway = Agentgateway(name, routes, rhythm, seed)
        self.gateway.hold()
        self.lock = threading.Lock()
        self.reachable = True
        plane = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                try:
                    if not plane.reachable:
                        raise GatewayDownError(name)
                    with plane.lock:
                        text = plane.gateway.page().encode()
                except GatewayDownError:
                    self.close_connection = True
                    return
                self.send_response(200)
                asked = "application/openmetrics-text" in self.headers.get("Accept", "")
                self.send_header("Content-Type", OPENMETRICS if asked else CONTENT_TYPE)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.host = f"127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True).start()

    def tick(self, factor: float) -> None:
        now = int(time.time())
        with self.lock:
            self.gateway.tick(now, float(now), factor)

    def restart(self, *, graceful: bool = True) -> None:
        """All counters to zero: gracefully once everything was scraped, else at once."""
        with self.lock:
            self.gateway.restart(int(time.time()), graceful=graceful)

    @property
    def truth(self) -> Counter[str]:
        with self.lock:
            return _amounts(self.gateway.truth.total)

    @property
    def swallowed(self) -> Counter[str]:
        """What restarts that were not graceful took before anybody had scraped it."""
        with self.lock:
            return _amounts(self.gateway.swallowed.total)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _amounts(total: Amounts) -> Counter[str]:
    return Counter(
        requests=total.requests,
        input=total.input,
        output=total.output,
        cache_read=total.cache_read,
        nano=total.effective_nano,
    )


@contextmanager
def planes(seed: int = 3) -> Iterator[dict[str, Plane]]:
    """Three agentgateways."""
    made = {
        "eu": Plane("eu", EU_ROUTES, seed),
        "us": Plane("us", US_ROUTES, seed + 1),
        "ap": Plane("ap", EU_ROUTES, seed + 2),
    }
    try:
        yield made
    finally:
        for plane in made.values():
            plane.close()


class Traffic:
    """Moves planes on, a second of traffic each half second, until it is stopped."""

    def __init__(self, fleet: dict[str, Plane], factor: float) -> None:
        self._fleet = fleet
        self._factor = factor
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.wait(0.5):
            for plane in list(self._fleet.values()):
                plane.tick(self._factor)

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()


def config(folder: Path, server: str, job: str, gateways: dict[str, str], **more: str) -> Path:
    """A configuration with one source that asks `server`. `more` are further keys of it."""
    folder.mkdir(parents=True, exist_ok=True)
    services = {"ai/openai", "ai/anthropic", "ai/gemini", "ai/mistral"}
    lines = [
        f"store: {{path: {folder / 'costtui.db'}}}",
        "sources:",
        "  - name: fleet",
        "    type: prometheus",
        "    preset: agentgateway",
        f"    url: {server}",
        f"    match: 'job=\"{job}\"'",
        "    interval: 1s",
        *(f"    {key}: {value}" for key, value in more.items()),
        f"    gateways: {json.dumps(gateways)}",
        "    services:",
        *(f"      {s}: {{provider: {s.partition('/')[2]}}}" for s in sorted(services)),
    ]
    path = folder / "config.yml"
    path.write_text("\n".join(lines) + "\n")
    return path


def collect(path: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """A collector process."""
    command = [sys.executable, "-m", "costtui", "collect", "--config", str(path), *arguments]
    with (path.parent / "collect.log").open("ab") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)


def stored(path: Path) -> dict[str, Counter[str]]:
    """gateway → what the store of a configuration has counted, read from its days."""
    found: dict[str, Counter[str]] = {}
    names = ("requests", "input", "output", "cache_read", "nano", "lower_bounds")
    store = path.parent / "costtui.db"
    if not store.exists():
        return found
    db = sqlite3.connect(f"file:{store}?mode=ro", uri=True, timeout=10)
    try:
        rows = db.execute(
            "SELECT gateway, sum(requests), sum(input), sum(output), sum(cache_read), "
            "sum(effective), sum(lower_bounds) FROM day JOIN series ON series.id = series "
            "GROUP BY gateway"
        ).fetchall()
    except sqlite3.OperationalError:
        return found
    finally:
        db.close()
    for gateway, *sums in rows:
        found[gateway] = Counter(dict(zip(names, sums, strict=True)))
    return found


def compare(
    truth: dict[str, Counter[str]], counted: dict[str, Counter[str]], increase: dict[str, float]
) -> dict[str, Any]:
    """One fleet's row: totals, and whether every gateway is equal in everything."""
    keys = ("requests", "input", "output", "cache_read", "nano")
    equal = all(
        counted.get(name, Counter())[key] == true[key]
        for name, true in truth.items()
        for key in keys
    )
    total = sum(truth.values(), Counter())
    mine = sum(counted.values(), Counter())
    return {
        "equal": equal,
        "truth": {key: total[key] for key in keys},
        "costtui": {key: mine[key] for key in keys},
        "by_gateway": {
            name: {"truth": dict(true), "costtui": dict(counted.get(name, Counter()))}
            for name, true in truth.items()
        },
        "increase": increase,
    }


class History:
    """Days of history in a server, made with promtool before costtui looks at it."""

    def __init__(self, folder: Path, days: int, interval: int = 120) -> None:
        self.days = days
        self.end = int(time.time()) // 60 * 60 - 120
        self.server = RealPrometheus(folder / "history", {})
        began = time.monotonic()
        subprocess.run(
            [
                *(sys.executable, str(HERE / "gen_prometheus_history.py"), str(folder / "om")),
                *("--days", str(days), "--end", str(self.end), "--blocks", str(self.server.data)),
                *("--interval", str(interval)),
            ],
            check=True,
        )
        self.made_s = time.monotonic() - began
        data = json.loads((folder / "om" / "truth.json").read_text())
        self.samples = int(data["samples"])
        self.names = {host: host.partition(".")[0] for host in data["gateways"]}
        self.truth = {self.names[h]: Counter(values) for h, values in data["gateways"].items()}

    def config(self, folder: Path) -> Path:
        since = f"{self.days + 2}d"
        return config(folder, self.server.url, "agw", self.names, since=since)

    def increase(self) -> dict[str, float]:
        """What the server itself makes of it."""
        at, days = self.end + 30.0, self.days
        tokens = f'sum(increase({TOKENS}{{job="agw"}}[{days + 1}d]))'
        cost = f'sum(increase({COST}{{job="agw"}}[{days + 1}d]))'
        daily = f'sum(sum_over_time((sum(increase({COST}{{job="agw"}}[1d])))[{days}d:1d]))'
        panel = f'sum(sum_over_time((sum(increase({COST}{{job="agw"}}[5m])))[{days}d:5m]))'
        return {
            "usd": self.server.value(cost, at),
            "usd_by_5m": self.server.value(panel, at),
            "usd_by_day": self.server.value(daily, at),
            "tokens": self.server.value(tokens, at),
        }


def run_history(folder: Path, days: int, interval: int = 120) -> dict[str, Any]:
    """30 days that exist before costtui does."""
    history = History(folder, days, interval)
    history.server.start()
    try:
        path = history.config(folder / "h")
        cpu = history.server.cpu()
        began = time.monotonic()
        _, status, used = os.wait4(collect(path, "--once").pid, 0)
        code = os.waitstatus_to_exitcode(status)
        took = time.monotonic() - began
        server_cpu = history.server.cpu() - cpu
        increase = history.increase()
    finally:
        history.server.stop()
    kinds = ("input", "output", "cache_read")
    return {
        **compare(history.truth, stored(path), increase),
        "exit_code": code,
        "made_s": round(history.made_s, 1),
        "samples": history.samples,
        "backfill_s": round(took, 2),
        "collector_cpu_s": round(used.ru_utime + used.ru_stime, 2),
        "collector_rss_mb": round(used.ru_maxrss / 1024, 1),
        "server_cpu_s": round(server_cpu, 2),
        "tokens": sum(sum(c[k] for k in kinds) for c in history.truth.values()),
    }


def run_live(folder: Path, seconds: float) -> dict[str, Any]:
    """Three agentgateways scraped every second, one of them restarted."""
    with planes() as fleet:
        hosts = {plane.host: name for name, plane in fleet.items()}
        server = RealPrometheus(folder / "live", {"agw": list(hosts)})
        server.start()
        path = config(folder / "l", server.url, "agw", hosts)
        collector = collect(path)
        traffic = None
        try:
            until(lambda: server.value('sum(up{job="agw"})') == 3, "three targets")
            began = time.time()
            moving = {name: plane for name, plane in fleet.items() if name != "ap"}
            traffic = Traffic(moving, 4.0)
            time.sleep(seconds / 2)
            moving["ap"] = fleet["ap"]  # scraped from the beginning, its first series come now
            series = f"count(last_over_time({COST}[1h]))"
            before = server.value(series)
            fleet["us"].restart()
            until(lambda: fleet["us"].gateway.restarts, "a restart")
            time.sleep(seconds / 2)
            traffic.stop()
            truth = {name: plane.truth for name, plane in fleet.items()}

            def same() -> bool:
                counted = stored(path)
                return all(
                    counted.get(n, Counter())[k] == t[k] for n, t in truth.items() for k in t
                )

            with suppress(TimeoutError):
                until(same, "the totals", 20)
            window = int(time.time() - began) + 5
            increase = {
                "usd": server.value(f"sum(increase({COST}[{window}s]))"),
                "usd_by_10s": server.value(
                    f"sum(sum_over_time((sum(increase({COST}[10s])))[{window}s:10s]))"
                ),
            }
            born = server.value(series) - before
        finally:
            collector.send_signal(signal.SIGTERM)
            collector.wait(20)
            server.stop()
        row = compare(truth, stored(path), increase)
        return {**row, "restarts": fleet["us"].gateway.restarts, "born": int(born)}


def table(name: str, row: dict[str, Any]) -> list[str]:
    truth, mine = row["truth"], row["costtui"]
    usd = truth["nano"] / 1e9

    def share(value: float) -> str:
        return f"{100 * value / usd:.2f} %" if usd else "-"

    lines = [
        f"{name}: every gateway, every kind: {'EQUAL' if row['equal'] else 'DIFFERENT'}",
        f"  truth                       ${usd:.9f}   {truth['requests']} requests",
        f"  costtui                     ${mine['nano'] / 1e9:.9f}   {mine['requests']} requests"
        f"   {share(mine['nano'] / 1e9)}",
    ]
    for what, value in row["increase"].items():
        if what.startswith("usd"):
            words = {
                "usd": "increase(), one window",
                "usd_by_5m": "increase(), each 5 minutes",
                "usd_by_day": "increase(), each day",
                "usd_by_10s": "increase(), each 10 s",
            }[what]
            lines.append(f"  {words:<27} ${value:.9f}   {share(value)}")
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--interval", type=int, default=120, help="seconds between old scrapes")
    parser.add_argument("--live", type=float, default=20.0, help="seconds of live traffic, 0: none")
    parser.add_argument("--keep", type=Path, help="work there and leave everything")
    args = parser.parse_args()
    for program in ("prometheus", "promtool"):
        if shutil.which(program) is None:
            print(f"{program} is not installed", file=sys.stderr)
            return 2
    folder = args.keep or Path(tempfile.mkdtemp(prefix="costtui-exact-"))
    result: dict[str, Any] = {}
    try:
        if args.days:
            result["history"] = run_history(folder, args.days, args.interval)
        if args.live:
            result["live"] = run_live(folder, args.live)
    finally:
        if args.keep is None:
            shutil.rmtree(folder, ignore_errors=True)
    if args.json:
        print(json.dumps(result))
    else:
        for name, row in result.items():
            print("\n".join(table(name, row)))
            if "samples" in row:
                rate = f"{row['samples'] / row['backfill_s']:,.0f}/s"
                print(
                    f"  {row['samples']:,} samples, back-fill {row['backfill_s']} s ({rate}):"
                    f" collector {row['collector_cpu_s']} s CPU, {row['collector_rss_mb']} MB;"
                    f" server {row['server_cpu_s']} s CPU"
                )
    return 0 if all(row["equal"] for row in result.values()) else 1


if __name__ == "__main__":
    os.environ.setdefault("TZ", "UTC")
    sys.exit(main())

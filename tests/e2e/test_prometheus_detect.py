"""`costtui presets detect` on a real Prometheus below a path prefix."""

from __future__ import annotations

import gzip
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from costtui.cli.main import main

pytestmark = pytest.mark.e2e
PAGES = Path(__file__).parents[1] / "fixtures" / "metrics"
LITELLM = gzip.decompress((PAGES / "litellm-1.106.2.text004.txt.gz").read_bytes())


def need_prometheus() -> str:
    """Skip the test without a Prometheus; in CI that is a failure."""
    found = shutil.which("prometheus")
    if found:
        return found
    reason = "prometheus is not installed: detection is not tested on a real one"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    print(reason)
    pytest.skip(reason)


@contextmanager
def gateway() -> Iterator[int]:
    """A page to scrape; yields its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(LITELLM)))
            self.end_headers()
            self.wfile.write(LITELLM)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_real_server(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    binary = need_prometheus()
    with gateway() as page:
        config = tmp_path / "prometheus.yml"
        job = {"job_name": "litellm", "scrape_interval": "1s", "scrape_timeout": "1s",
               "static_configs": [{"targets": [f"127.0.0.1:{page}"]}]}  # fmt: skip
        config.write_text(yaml.safe_dump({"scrape_configs": [job]}), encoding="utf-8")
        port = free_port()
        url = f"http://127.0.0.1:{port}/prom"
        server = subprocess.Popen(
            [binary, f"--config.file={config}", f"--storage.tsdb.path={tmp_path / 'data'}",
             f"--web.listen-address=127.0.0.1:{port}", f"--web.external-url={url}"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            out = err = ""
            waiting = threading.Event()
            for _ in range(300):
                code = main(["presets", "detect", f"{url}/graph"])
                out, err = capsys.readouterr()
                # A scrape shows up bit by bit.
                if code == 0 and "preset: litellm" in err:
                    break
                waiting.wait(0.1)
        finally:
            server.terminate()
            server.wait(20)
    version = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True)
    said = (version.stdout + version.stderr).split("version ")[1].split()[0]
    assert out.splitlines()[0] == f"{url} is Prometheus {said}: a source of type: prometheus"
    assert "litellm: has " in out
    assert "of 1 instance)" in out
    [source] = yaml.safe_load(err[err.index("sources:") :])["sources"]
    assert source == {
        "name": "litellm",
        "type": "prometheus",
        "preset": "litellm",
        "url": url,
        "match": 'job="litellm"',
    }

"""`costtui presets detect URL` where the URL is a Prometheus or a look-alike."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
import yaml

from costtui.cli.main import main

Read = Callable[[str], bytes]
AGENT = "agentgateway_gen_ai_client_token_usage_sum"


class Fake:
    """A server below a path, with a page of its own beside it."""

    def __init__(self) -> None:
        self.prefix = ""
        self.buildinfo: dict[str, str] | None = {"version": "2.53.1"}
        self.names: list[str] | None = [AGENT, "up", "go_goroutines"]
        self.rows: list[tuple[dict[str, str], str]] = [
            ({"job": "gw", "instance": "a:1"}, "12"),
            ({"job": "gw", "instance": "b:1"}, "3"),
        ]
        self.token = ""
        self.series: list[dict[str, str]] | None = None
        self.asked: list[str] = []

    def answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        self.asked.append(path)
        if self.token and request.headers.get("authorization") != f"Bearer {self.token}":
            return httpx.Response(401, text="who?")
        if path == f"{self.prefix}/metrics":
            return httpx.Response(200, text='prometheus_build_info{version="x"} 1\n')
        if not path.startswith(f"{self.prefix}/api/v1/"):
            return httpx.Response(200, text="<!DOCTYPE html><html>")
        path = path.removeprefix(f"{self.prefix}/api/v1/")
        data: Any = None
        if path == "status/buildinfo":
            data = self.buildinfo
        elif path == "label/__name__/values":
            data = self.names
        elif path == "series":
            data = self.series
        elif path == "query":
            text = request.content.decode() or request.url.query.decode()
            form = {k: v[0] for k, v in parse_qs(text).items()}
            rows = self.rows if form["query"].startswith("count by") else [({}, "1")]
            result = [{"metric": m, "value": [1.0, v]} for m, v in rows]
            data = {"resultType": "vector", "result": result}
        if data is None:
            return httpx.Response(404, text="404 page not found\n")
        return httpx.Response(200, json={"status": "success", "data": data})


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Fake:
    fake = Fake()
    monkeypatch.setattr(httpx, "AsyncHTTPTransport", lambda **_: httpx.MockTransport(fake.answer))
    return fake


def sources_of(text: str) -> list[dict[str, Any]]:
    found = yaml.safe_load(text[text.index("sources:") :])
    assert isinstance(found["sources"], list)
    return list(found["sources"])


@pytest.mark.parametrize(
    "tail", ["", "/", "/graph", "/metrics", "/api/v1", "/api/v1/query?query=up", "/query"]
)
@pytest.mark.parametrize("prefix", ["", "/prometheus", "/select/0/prometheus"])
def test_any_url_of_a_server(
    prefix: str, tail: str, server: Fake, capsys: pytest.CaptureFixture[str]
) -> None:
    server.prefix = prefix
    assert main(["presets", "detect", f"http://prom.test:9090{prefix}{tail}"]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines() == [
        f"http://prom.test:9090{prefix} is Prometheus 2.53.1: a source of type: prometheus",
        f"agentgateway: has {AGENT}; not (yet) on the page: reported money"
        " (15 series of 2 instances)",
    ]
    assert sources_of(err) == [
        {
            "name": "agentgateway",
            "type": "prometheus",
            "preset": "agentgateway",
            "url": f"http://prom.test:9090{prefix}",
            "match": 'job="gw"',
        }
    ]


def test_the_snippet_is_a_configuration(
    server: Fake, capsys: pytest.CaptureFixture[str], tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.rows = [({"job": 'it\'s "x" \\ \n', "instance": "a:1"}, "1")]
    server.token = "s3cr3t-token"
    monkeypatch.setenv("PROM_TOKEN", server.token)
    url = "http://prom.test:9090"
    assert main(["presets", "detect", "--bearer-env", "PROM_TOKEN", "--insecure", url]) == 0
    out, err = capsys.readouterr()
    assert server.token not in out + err
    file = tmp_path / "c.yml"
    file.write_text(err[err.index("sources:") :], encoding="utf-8")
    assert main(["config", "check", "--config", str(file)]) == 0
    [source] = sources_of(err)
    assert source["bearer_token"] == "${PROM_TOKEN}"
    assert source["insecure"] is True


def test_jobs_that_differ_have_no_match_and_each_preset_its_source(
    server: Fake, capsys: pytest.CaptureFixture[str]
) -> None:
    server.names = [AGENT, "litellm_spend_metric_total", "litellm_total_tokens_metric_total",
                    "litellm_input_tokens_metric_total", "kong_http_requests_total"]  # fmt: skip
    server.rows = [({"job": "a", "instance": "a:1"}, "1"), ({"job": "b", "instance": "a:1"}, "2")]
    assert main(["presets", "detect", "http://prom.test:9090/"]) == 0
    out, err = capsys.readouterr()
    assert "(3 series of 1 instance)" in out
    assert [s["preset"] for s in sources_of(err)] == ["litellm", "agentgateway"]
    assert all("match" not in source for source in sources_of(err))
    assert "kong" in out  # told with its reason, and no source: it has neither tokens nor money


def test_a_look_alike_without_build_information(
    server: Fake, capsys: pytest.CaptureFixture[str]
) -> None:
    server.buildinfo = None
    server.names = None
    server.series = [{"__name__": AGENT, "job": "gw"}]
    assert main(["presets", "detect", "http://prom.test:9090/"]) == 0
    assert "is Prometheus's API, of no known version" in capsys.readouterr().out
    server.buildinfo = {"version": "2.9.0\x1b[2J", "application": "Grafana Mimir"}
    assert main(["presets", "detect", "http://prom.test:9090/"]) == 0
    assert "is Grafana Mimir 2.9.0" in capsys.readouterr().out


def test_a_server_that_has_nothing_to_count(
    server: Fake, capsys: pytest.CaptureFixture[str]
) -> None:
    server.names = ["up"]
    assert main(["presets", "detect", "http://prom.test:9090/"]) == 0
    out, err = capsys.readouterr()
    assert "no preset fits the metrics of its last day; `fields:` can map them" in out
    assert "sources:" not in err


def test_dots_and_native_histograms(server: Fake, capsys: pytest.CaptureFixture[str]) -> None:
    server.names = ["gen_ai.client.token.usage"]
    assert main(["presets", "detect", "http://prom.test:9090/"]) == 0
    out, err = capsys.readouterr()
    assert "otel-genai: has gen_ai_client_token_usage_count, gen_ai_client_token_usage_sum" in out
    assert len(sources_of(err)) == 1  # two presets that read the same would count it twice


def test_what_is_no_prometheus_is_told_as_before(
    server: Fake, capsys: pytest.CaptureFixture[str]
) -> None:
    server.prefix = "/elsewhere"
    assert main(["presets", "detect", "http://prom.test:9090/"]) != 0
    assert "HTML" in capsys.readouterr().err
    server.prefix = ""
    server.token = "x"
    assert main(["presets", "detect", "http://prom.test:9090/"]) != 0
    assert "--bearer-env VARIABLE" in capsys.readouterr().err
    assert len([path for path in server.asked if "buildinfo" in path]) == 1  # not after a 401


def test_a_server_that_tells_no_names(server: Fake, capsys: pytest.CaptureFixture[str]) -> None:
    server.names = None
    assert main(["presets", "detect", "http://prom.test:9090/"]) != 0
    assert "tells neither the names of its metrics nor its series" in capsys.readouterr().err


def test_a_captured_build_information(
    server: Fake, captured: Read, capsys: pytest.CaptureFixture[str]
) -> None:
    server.buildinfo = json.loads(captured("status_buildinfo.json"))["data"]
    server.series = json.loads(captured("series_spend.json"))["data"]
    server.names = None
    assert main(["presets", "detect", "http://prom.test:9090/"]) == 0
    out, _ = capsys.readouterr()
    assert "is Prometheus 2.42.0+ds" in out
    assert "litellm: has litellm_spend_metric_total" in out

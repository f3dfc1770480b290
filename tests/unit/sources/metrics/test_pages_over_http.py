"""Presets against pages that real servers serve: the name filter, and `costtui presets detect`."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.exposition import start_http_server

from costtui.cli.common import build_parser
from costtui.cli.presets import PresetsCommand
from costtui.config.schema import SourceConfig
from costtui.errors import SourceRefusedError, UsageError
from costtui.sources.base import Batch
from costtui.sources.factory import build

PAGES = Path(__file__).parents[3] / "fixtures" / "metrics"
LABELS = ("model", "api_provider", "api_key_alias")


@pytest.fixture
def litellm() -> Iterator[tuple[CollectorRegistry, str]]:
    """prometheus_client's own server, which LiteLLM's page is made by."""
    registry = CollectorRegistry(auto_describe=True)
    ProcessCollector(registry=registry)
    server, thread = start_http_server(0, "127.0.0.1", registry=registry)
    yield registry, f"http://127.0.0.1:{server.server_port}/metrics"
    server.shutdown()
    server.server_close()
    thread.join(10)


async def poll(url: str, stored: dict[str, str], now: float) -> tuple[Batch, bytes]:
    """One poll of a source that goes on from `stored`; the batch and the page it read."""
    source = build(SourceConfig("s", "metrics", "g", preset="litellm", url=url))
    source.restore(stored)
    batches = [batch async for batch in source.poll(now)]
    page = (await source._fetcher.fetch()).body()  # type: ignore[attr-defined]
    await source.close()
    stored.update({k: v for k, v in batches[0].checkpoint.items() if v is not None})
    return batches[0], page


async def test_only_wanted_names_are_asked_for(litellm: tuple[CollectorRegistry, str]) -> None:
    registry, url = litellm
    spend = Counter("litellm_spend_metric", "USD", LABELS, registry=registry)
    tokens = Counter("litellm_input_tokens_metric", "tokens", LABELS, registry=registry)
    slow = Histogram("litellm_llm_api_latency_metric", "s", LABELS, registry=registry)
    who = ("gpt-4o", "openai", "checkout")
    for counter, amount in ((spend, 0.5), (tokens, 100)):
        counter.labels(*who).inc(amount)
    slow.labels(*who).observe(1)
    stored: dict[str, str] = {}
    await poll(url, stored, 1_000.0)  # a baseline: this process is older than the first attempt
    spend.labels(*who).inc(0.25)
    tokens.labels(*who).inc(7)
    spend.labels("new", "openai", "checkout").inc(1)
    batch, page = await poll(url, stored, 1_015.0)
    found = {r.dims.model: (r.reported_nano, r.input) for r in batch.records}
    assert found == {"gpt-4o": (250_000_000, 7), "new": (1_000_000_000, 0)}
    assert b"latency" not in page
    for name in (b"process_start_time_seconds ", b"litellm_spend_metric_created{"):
        assert b"\n" + name in page, name  # what tells a restart
    assert stored["@target"].split(",")[2] != "0.0"


def test_a_query_of_ones_own_is_kept(litellm: tuple[CollectorRegistry, str]) -> None:
    import asyncio

    registry, url = litellm
    Counter("litellm_spend_metric", "USD", LABELS, registry=registry).labels("m", "p", "k").inc(1)
    wanted = f"{url}?name%5B%5D=litellm_spend_metric_total&x=1"
    _, page = asyncio.run(poll(wanted, {}, 1_000.0))
    assert b"litellm_spend_metric_total{" in page
    assert b"process_start_time_seconds" not in page


# --- costtui presets detect ----------------------------------------------------------------------


@contextmanager
def serving(page: bytes, token: str = "") -> Iterator[tuple[str, list[str]]]:
    """A page that wants a token; yields its URL and what was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            right = not token or self.headers.get("Authorization") == f"Bearer {token}"
            body = page if right else b"no"
            self.send_response(200 if right else 401)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/metrics", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def run(*argv: str) -> int:
    command = PresetsCommand()
    return command.run(build_parser(command, "costtui presets").parse(argv))


LITELLM = gzip.decompress((PAGES / "litellm-1.106.2.text004.txt.gz").read_bytes())


def test_detect_with_a_token(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LITELLM_KEY", "sk-right-key-0123456789")
    with serving(LITELLM, "sk-right-key-0123456789") as (url, _):
        assert run("detect", "--bearer-env", "LITELLM_KEY", url) == 0
    out, err = capsys.readouterr()
    assert out.startswith("litellm: has litellm_")
    assert "What litellm cannot know:\n- Old versions have no provider label" in out
    assert 'bearer_token: "${LITELLM_KEY}"' in err
    assert "sk-right" not in out + err


def test_detect_says_what_to_do_when_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LITELLM_KEY", "sk-wrong-key-0123456789")
    with serving(LITELLM, "sk-right-key-0123456789") as (url, _):
        with pytest.raises(SourceRefusedError) as without:
            run("detect", url)
        with pytest.raises(SourceRefusedError) as wrong:
            run("detect", "--bearer-env", "LITELLM_KEY", url)
        with pytest.raises(UsageError, match="LITELM_KEY is not set"):
            run("detect", "--bearer-env", "LITELM_KEY", url)
    assert "HTTP 401" in str(without.value)
    assert f"costtui presets detect --bearer-env VARIABLE {url}" in str(without.value)
    assert "asked with this token" in str(wrong.value)
    assert "sk-wrong" not in str(wrong.value)


@pytest.mark.parametrize(
    ("page", "first", "words"),
    [
        (
            b'cost_provider_tokens_total{type="input"} 1\ncost_request_cost_usd_sum 1\n',
            "app-cost",
            "cost_request_cost_usd_sum",
        ),
        (b'llm_cost_total{provider="a",type="input"} 1\n', "llm-cost", "It has no tokens"),
        (b'kong_node_info{version="3.9.1"} 1\n', "kong", "ai_metrics is off"),
        (
            b'kong_node_info{version="3.9.1"} 1\nkong_http_requests_total{code="200"} 1\n',
            "kong-requests",
            "kong: this is Kong, but ai_metrics is off",
        ),
        (b'kong_http_status{code="200"} 1\n', "kong-2.8", "requests only"),
        (b'vllm:prompt_tokens_total{model_name="m"} 1\n', "vllm", "GPU-hours are an estimate"),
    ],
)
def test_detect_tells_pages_apart(
    page: bytes, first: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(page) as (url, asked):
        assert run("detect", url) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"{first}: ")
    assert words in out
    (path,) = asked
    assert not parse_qs(urlsplit(path).query)  # the whole page: nothing is known about it yet

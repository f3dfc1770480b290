"""A look around this machine, at real listeners on free ports."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costtui.model.found import Found
from costtui.sources import local
from costtui.sources.local import Place, listening, look

PAGES = Path(__file__).parents[2] / "fixtures" / "metrics"


class Answers:
    """What a listener says, by path; `""` is for any other."""

    def __init__(self) -> None:
        self.pages: dict[str, tuple[int, bytes]] = {}
        self.asked: list[str] = []
        self.kind = "text/plain; version=0.0.4"


@contextmanager
def listener(**pages: bytes) -> Iterator[tuple[int, Answers]]:
    """A server of 200s; `metrics=` is `/metrics`, `any=` is every path."""
    answers = Answers()
    answers.pages = {f"/{name}" if name != "any" else "": (200, b) for name, b in pages.items()}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0].rstrip("/")
            answers.asked.append(path)
            code, body = answers.pages.get(path, answers.pages.get("", (404, b"no")))
            self.send_response(code)
            self.send_header("Content-Type", answers.kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = False  # closing waits for them
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server.server_port, answers
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def page(name: str) -> bytes:
    return (PAGES / name).read_bytes()


def here(*ports: int) -> dict[int, str]:
    return dict.fromkeys(ports, "127.0.0.1")


async def test_gateways_are_recognised_and_counted() -> None:
    kong, agent = page("derived-kong-oss-3.9.txt"), page("derived-agentgateway-1.4.1.txt")
    with (
        listener(metrics=kong) as (one, asked),
        listener(metrics=kong) as (two, _),
        listener(metrics=agent) as (three, _),
        listener() as (four, _),
        listener(metrics=b"# TYPE up gauge\nup 1\n") as (five, _),
    ):
        places = [Place(n, "Kong") for n in (one, two, three, four, five)]
        found = await look(places, here(one, two, three, four, five))
        assert asked.asked == ["/metrics"], "one GET, and no more"
    assert [f.where for f in found] == [f"127.0.0.1:{n}" for n in (one, two, three, four, five)]
    wanted = {"kong_ai_llm_requests_total", "kong_ai_llm_cost_total", "kong_ai_llm_tokens_total",
              "kong_http_requests_total"}  # fmt: skip
    series = sum(line.split("{")[0] in wanted for line in kong.decode().splitlines())
    assert found[0].text == f"recognised: preset kong, {series} series"
    assert found[0].source[-1] == f'  url: "http://127.0.0.1:{one}/metrics"'
    assert found[0].good
    assert found[1].again
    assert not found[1].good
    assert found[2].presets == ("agentgateway",)
    assert found[3].text == "Kong's usual port: something else answers"
    assert "none of LLM traffic" in found[4].text


async def test_a_prometheus_tells_what_it_has() -> None:
    def data(value: object) -> bytes:
        return json.dumps({"status": "success", "data": value}).encode()

    metric = "agentgateway_gen_ai_client_token_usage_sum"
    with listener() as (port, answers):
        api = "/api/v1"
        row = {"metric": {"job": "g${HOME}w", "instance": "a:1"}, "value": [1, "12"]}
        answers.pages = {
            f"{api}/status/buildinfo": (200, data({"version": "3.1.0"})),
            f"{api}/label/__name__/values": (200, data([metric, "up"])),
            f"{api}/query": (200, data({"resultType": "vector", "result": [row]})),
        }
        answers.kind = "application/json"
        (found,) = await look([Place(port, "Prometheus", server=True)], here(port))
    assert found.text == "Prometheus 3.1.0: preset agentgateway, 12 series"
    assert found.source[:2] == ("- name: agentgateway", "  type: prometheus")
    assert "$${HOME}" in found.source[-1], "a label is no variable of ours"


async def test_strangers_are_named_and_left_alone() -> None:
    with listener(any=b"<html>hello</html>") as (one, html), listener() as (two, locked):
        html.kind = "text/html"
        locked.pages = {"": (401, b"who?")}
        places = [Place(one, "Prometheus", server=True), Place(one, "vLLM"), Place(two, "LiteLLM")]
        found = await look(places, here(one, two))
    assert [f.source for f in found] == [(), (), ()]
    assert found[0].text == "a server, but not a Prometheus"
    assert found[1].text == "vLLM's usual port: something else answers"
    assert "wants a login" in found[2].text


async def test_silence_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "TIMEOUT", 0.2)
    came: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _, writer: came.append(writer), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    found = await look([Place(port, "Kong"), Place(port, "Prometheus", server=True)], here(port))
    server.close()
    for writer in came:
        writer.close()
        await writer.wait_closed()
    assert "no answer within 0.2 s" in found[0].text
    assert not found[1].good


async def test_without_tables_it_knocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "listening", lambda: None)
    with listener(metrics=page("derived-kong-ee-3.13.txt")) as (port, _):
        with listener() as (closed, _):
            pass
        found = await look([Place(closed, "LiteLLM"), Place(port, "Kong")])
    assert [f.presets for f in found] == [("kong",)]


async def test_what_does_not_listen_is_not_asked() -> None:
    with listener(metrics=page("derived-kong-oss-3.9.txt")) as (port, answers):
        assert await look([Place(port, "Kong")], {}) == []
        assert answers.asked == []
        own = listening()
        if own is not None:
            assert own[port] == "127.0.0.1"
            assert [f.presets for f in await look([Place(port, "Kong")])] == [("kong",)]


WEIRD = st.one_of(
    st.binary(max_size=300),
    st.text(max_size=200).map(lambda t: t.encode("utf-8", "replace")),
    st.sampled_from([b'{"status":"success","data":', b"[]", b"kong_ai_llm_cost_total{",
                     b"\x00" * 99,
                     b'{"status":"success","data":{"version":"\\u001b[2J"}}',
                     b"agentgateway_gen_ai_client_token_usage_sum{a=\"\xff\"} 1\n" * 3]),
)  # fmt: skip


@settings(max_examples=40)
@given(body=WEIRD, code=st.sampled_from([200, 200, 204, 301, 401, 404, 500]))
def test_no_page_is_too_weird(body: bytes, code: int) -> None:
    with listener() as (port, answers):
        answers.pages = {"": (code, b"" if code == 204 else body)}
        places = [Place(port, "Kong"), Place(port, "Prometheus", server=True)]
        found = asyncio.run(look(places, here(port)))
    assert len(found) == 2
    for one in found:
        assert one.text.isprintable()
        assert all(line.isprintable() for line in one.source)


HEADER = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when\n"


def row(address: str, port: int, state: str = "0A") -> str:
    return f"   0: {address}:{port:04X} 00000000:0000 {state} 00000000:00000000 00:00000000\n"


def test_the_kernels_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert listening(tmp_path) is None
    (tmp_path / "tcp").write_text(
        HEADER + row("0100007F", 8001) + row("00000000", 9090) + row("0501A8C0", 4000)
        + row("7F01A8C0", 4001) + row("0100007F", 8100, "01") + "garbage\n\n  1: x:y z 0A\n"
    )  # fmt: skip
    (tmp_path / "tcp6").write_text(
        HEADER + row("00000000000000000000000001000000", 15020) + row("0" * 32, 1064)
        + row("0000000000000000FFFF00000100007F", 8007) + row("B80D0120" + "0" * 24, 8000)
    )  # fmt: skip
    monkeypatch.setattr(local._host, "__defaults__", ("little",))
    assert listening(tmp_path) == {
        8001: "127.0.0.1", 9090: "127.0.0.1", 15020: "[::1]", 1064: "127.0.0.1", 8007: "127.0.0.1",
    }  # fmt: skip
    assert local._host("7F000001", "127.0.0.1", "big") == "127.0.0.1"
    assert local._host("C0A8017F", "127.0.0.1", "big") == ""
    assert local._host("0" * 31 + "1", "[::1]", "big") == "[::1]"


@given(st.binary(max_size=400))
def test_any_table_is_read(tmp_path_factory: pytest.TempPathFactory, text: bytes) -> None:
    folder = tmp_path_factory.getbasetemp() / "tables"
    folder.mkdir(exist_ok=True)
    (folder / "tcp").write_bytes(text)
    (folder / "tcp6").write_bytes(HEADER.encode() + text)
    assert listening(folder) is not None


def test_found_reads_as_what_it_is() -> None:
    assert not Found("x", "y").good
    assert Found("x", "y", ("- name: a",)).good

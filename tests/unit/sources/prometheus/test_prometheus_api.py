"""Every answer that a server (or what stands in front of it) can give, and what we make of it."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from costtui.config.schema import SourceConfig
from costtui.errors import (
    SourceError,
    SourceFormatError,
    SourceOverloadedError,
    SourceRefusedError,
    SourceTimeoutError,
    SourceTooLargeError,
    SourceUnreachableError,
)
from costtui.sources.metrics import http as metrics_http
from costtui.sources.prometheus import api as module
from costtui.sources.prometheus.api import Api, Result

Read = Callable[[str], bytes]
Answer = Callable[[httpx.Request], httpx.Response]


def api(answer: Answer | httpx.Response, **more: Any) -> Api:
    more.setdefault("url", "http://prom.test:9090")
    respond = answer if callable(answer) else lambda _request: answer
    config = SourceConfig("p", "prometheus", "p", **more)
    return Api(config, httpx.MockTransport(respond))


async def ask(answer: Answer | httpx.Response, **more: Any) -> Result:
    asked = api(answer, **more)
    try:
        return await asked.instant("up", 1_000)
    finally:
        await asked.close()


def ok(data: object, **more: object) -> httpx.Response:
    return httpx.Response(200, json={"status": "success", "data": data, **more})


# Answers of a real 2.42


@pytest.mark.parametrize(
    ("name", "rows", "first"),
    [
        ("query_empty.json", 0, None),
        ("query_instant_spend.json", 70, "0.0081975"),
        ("query_instant_increase_spend.json", 6, "0.01277174530030061"),
        ("query_instant_tokens_otel.json", 9, "95573"),
        ("query_nan_inf.json", 2, "NaN"),
        ("query_scalar.json", 1, "0.309582215"),
        ("query_string.json", 1, "hello"),
        ("timeout_1ms.txt", 3, "1"),
    ],
)
async def test_a_captured_vector(name: str, rows: int, first: str | None, captured: Read) -> None:
    body = captured(name)
    found = await ask(httpx.Response(200, content=body))
    truth = json.loads(body)["data"]["result"]
    if name in ("query_scalar.json", "query_string.json"):
        assert [row.value for row in found.rows] == [tuple(truth)]
    else:
        assert [(r.metric, r.value) for r in found.rows] == [
            (r["metric"], tuple(r["value"])) for r in truth
        ]
    assert len(found.rows) == rows
    if found.rows:
        assert found.rows[0].value is not None
        assert found.rows[0].value[1] == first
    assert found.warnings == []


@pytest.mark.parametrize(
    "name", ["query_matrix.json", "query_range_rate.json", "query_range_spend.json"]
)
async def test_a_captured_matrix(name: str, captured: Read) -> None:
    body = captured(name)
    found = await ask(httpx.Response(200, content=body))
    truth = json.loads(body)["data"]["result"]
    assert [(r.metric, r.values) for r in found.rows] == [
        (r["metric"], [tuple(pair) for pair in r["values"]]) for r in truth
    ]
    assert sum(len(row.values) for row in found.rows) > 3


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("error_bad_query.txt", "bad_data: .*unclosed left parenthesis"),
        ("error_too_many_points.txt", "exceeded maximum resolution of 11,000 points"),
        ("error_utf8_name_on_2.42.txt", "unexpected string"),
    ],
)
async def test_a_captured_error_is_told_in_the_servers_words(
    name: str, reason: str, captured: Read
) -> None:
    with pytest.raises(SourceFormatError, match=reason) as caught:
        await ask(httpx.Response(400, content=captured(name)))
    assert "http://prom.test:9090" in str(caught.value)
    assert not isinstance(caught.value, SourceTooLargeError)


async def test_an_api_that_is_not_there(captured: Read) -> None:
    with pytest.raises(SourceUnreachableError, match="HTTP 404: no Prometheus API here"):
        await ask(httpx.Response(404, content=captured("error_404_api.txt")))


# Errors


@pytest.mark.parametrize(
    ("status", "kind"),
    [(422, "execution"), (503, "timeout"), (429, "too_many_requests"), (503, "unavailable")],
)
async def test_a_server_that_has_enough_is_overloaded(status: int, kind: str) -> None:
    body = {"status": "error", "errorType": kind, "error": "query processing would load too many"}
    with pytest.raises(SourceOverloadedError, match="would load too many"):
        await ask(httpx.Response(status, json=body))


@pytest.mark.parametrize("status", [422, 429, 503, 504])
async def test_a_proxy_that_has_enough_says_it_without_json(status: int) -> None:
    with pytest.raises(SourceOverloadedError, match=f"HTTP {status}"):
        await ask(httpx.Response(status, text="upstream is busy"))


@pytest.mark.parametrize(
    ("status", "hint"),
    [(401, "wants a bearer_token or username and password"), (403, "may not read it")],
)
async def test_a_refused_login_says_what_to_do(status: int, hint: str) -> None:
    with pytest.raises(SourceRefusedError, match=hint):
        await ask(httpx.Response(status, text="no"))


async def test_an_internal_error_is_told_in_the_servers_words() -> None:
    body = {"status": "error", "errorType": "internal", "error": "head truncated"}
    with pytest.raises(SourceError, match="internal: head truncated"):
        await ask(httpx.Response(500, json=body))
    with pytest.raises(SourceUnreachableError, match=r"HTTP 500$"):
        await ask(httpx.Response(500, text="Internal Server Error"))


async def test_no_word_of_a_server_reaches_a_terminal_as_it_is() -> None:
    evil = "\x1b]0;pwn\x07"
    body = {"status": "error", "errorType": evil * 50, "error": evil}
    with pytest.raises(SourceError) as caught:
        await ask(httpx.Response(400, json=body))
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("whole", [False, True])
async def test_an_answer_of_brackets_is_no_answer(whole: bool) -> None:
    deep = "[" * 100_000
    data = f'{{"resultType":"matrix","result":{deep}{"]" * 100_000}}}'
    text = f'{{"status":"success","data":{data}}}' if whole else deep
    with pytest.raises(SourceFormatError):
        await ask(httpx.Response(200, text=text))


@pytest.mark.parametrize("rows", ["{},", '{"values":[[1,""]]},', '{"metric":{"a":""}},'])
async def test_an_answer_of_a_million_objects_is_not_decoded(
    rows: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST", {b"{": 3000, b"[": 1500, b'"': 3500})
    text = f'{{"status":"success","data":{{"resultType":"matrix","result":[{rows * 999}{{}}]}}}}'
    if rows == "{},":
        assert len((await ask(httpx.Response(200, text=text))).rows) == 1000
        text = text.replace("[{}", "[" + "{}," * 2500 + "{}")
    with pytest.raises(SourceTooLargeError, match="too many series or samples"):
        await ask(httpx.Response(200, text=text))


async def test_a_400_of_a_proxy_is_no_bad_query() -> None:
    with pytest.raises(SourceUnreachableError, match=r"HTTP 400$"):
        await ask(httpx.Response(400, text="<html>bad request</html>"))


async def test_get_where_post_is_not_allowed() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        if request.method == "POST":
            return httpx.Response(405, text="Method Not Allowed")
        return ok({"resultType": "vector", "result": []})

    asked = api(answer)
    await asked.instant('sum(rate(x{a="b&c"}[5m]))', 1_500)
    await asked.instant("up", 2_000)
    await asked.close()
    assert [request.method for request in seen] == ["POST", "GET", "GET"]
    form = {k: v[0] for k, v in parse_qs(seen[0].content.decode()).items()}
    assert dict(seen[1].url.params) == form
    assert form["query"] == 'sum(rate(x{a="b&c"}[5m]))'
    assert form["time"] == "1.500"


async def test_a_server_that_allows_neither_is_an_error() -> None:
    with pytest.raises(SourceUnreachableError, match="HTTP 405"):
        await ask(httpx.Response(405, text="Method Not Allowed"))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("<!DOCTYPE html><html>", "an HTML page, not Prometheus's API: is there a path prefix"),
        ("  <html>log in</html>", "an HTML page"),
        ("# HELP up is it up\nup 1\n", "not Prometheus's API: url is the server"),
        ("404 page not found\n", "not Prometheus's API"),
        ("", "an answer that is not Prometheus's API"),
        ("[]", "an answer that is not Prometheus's API"),
        ('{"status":"success","data":{"resultType":"vector","result":[', "not Prometheus's API"),
        ('{"status":"success"}', "an answer that is not"),
        ('{"ok":true}', "an answer that is not"),
        ('{"status":"success","data":{"resultType":"vector","result":{}}}', "without numbers"),
        ('{"status":"success","data":{"resultType":"matrix","result":[{"values":[["x",1]]}]}}',
         "without numbers"),
        ('{"status":"success","data":{"resultType":"scalar","result":[1]}}', "without numbers"),
        ('{"status":"success","data":{"resultType":"streams","result":[]}}', "without numbers"),
        ("\x00\xff garbage", "an answer that is not Prometheus's API"),
    ],
)  # fmt: skip
async def test_an_answer_of_something_else(body: str, reason: str) -> None:
    with pytest.raises(SourceError, match=reason):
        await ask(httpx.Response(200, text=body))


async def test_what_a_lenient_server_leaves_out() -> None:
    found = await ask(ok({"resultType": "matrix", "result": None}, warnings=None))
    assert (found.rows, found.warnings) == ([], [])


async def test_a_native_histogram_is_its_sum_and_count_and_infos_are_read_over() -> None:
    result = [
        {"metric": {"__name__": "h"}, "histograms": [[1.0, {"count": "3", "sum": "4"}]]},
        {"metric": {"__name__": "c"}, "values": [[1.0, "5"]]},
    ]
    found = await ask(ok({"resultType": "matrix", "result": result}, infos=["PromQL info: x"]))
    assert [(row.metric["__name__"], row.values) for row in found.rows] == [
        ("h_sum", [(1.0, "4")]),
        ("h_count", [(1.0, "3")]),
        ("c", [(1.0, "5")]),
    ]
    assert found.warnings == []


async def test_warnings_are_kept_clean_and_short() -> None:
    said = ["store down: \x1b[31mtoken=sk-abcdefghijklmnopqrstuvwxyz0123456789\x1b[0m", "y" * 9_999]
    found = await ask(ok({"resultType": "vector", "result": []}, warnings=said))
    assert "\x1b" not in found.warnings[0]
    assert "abcdefghijklmnop" not in found.warnings[0]
    assert len(found.warnings[1]) <= 200


# The connection


async def test_a_gzipped_answer() -> None:
    body = json.dumps({"status": "success", "data": {"resultType": "vector", "result": []}})
    zipped = gzip.compress(body.encode())

    async def stream() -> AsyncIterator[bytes]:
        yield zipped[:20]
        yield zipped[20:]

    headers = {"content-encoding": "gzip"}
    assert (await ask(httpx.Response(200, headers=headers, content=stream()))).rows == []


async def test_half_a_gzipped_answer() -> None:
    zipped = gzip.compress(b'{"status":"success"}')

    async def stream() -> AsyncIterator[bytes]:
        yield zipped[:-9]

    with pytest.raises(SourceFormatError, match="half a page"):
        await ask(httpx.Response(200, headers={"content-encoding": "gzip"}, content=stream()))


async def test_a_huge_answer_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics_http, "MAX_BYTES", 1 << 20)
    sent = 0

    async def stream() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 65_536
            yield b" " * 65_536

    with pytest.raises(SourceTooLargeError, match="larger than 1 MB"):
        await ask(httpx.Response(200, content=stream()))
    assert sent < 2 << 20


async def test_a_server_that_never_ends_its_answer() -> None:
    async def stream() -> AsyncIterator[bytes]:
        yield b'{"status"'
        await asyncio.Event().wait()

    with pytest.raises(SourceTimeoutError, match=r"within 0\.05 s"):
        await ask(httpx.Response(200, content=stream()), timeout=0.05)


async def test_a_server_that_hangs_up_twice() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadError("reset by peer", request=request)

    with pytest.raises(SourceUnreachableError, match="the connection broke"):
        await ask(answer)


async def test_a_connection_that_was_just_closing_is_asked_again() -> None:
    tries = 0

    def answer(request: httpx.Request) -> httpx.Response:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise httpx.RemoteProtocolError("server disconnected", request=request)
        return ok({"resultType": "vector", "result": []})

    assert (await ask(answer)).rows == []
    assert tries == 2


async def test_redirects_keep_the_query_on_the_same_host_only() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        if not request.url.path.startswith("/prometheus/"):
            return httpx.Response(308, headers={"location": f"/prometheus{request.url.path}"})
        return ok({"resultType": "vector", "result": []})

    await ask(answer)
    assert [r.url.path for r in seen] == ["/api/v1/query", "/prometheus/api/v1/query"]
    assert seen[0].content == seen[1].content
    for status, place in ((302, "/login"), (307, "http://elsewhere.test/api/v1/query")):
        moved = httpx.Response(status, headers={"location": place})
        with pytest.raises(SourceUnreachableError, match="redirects to"):
            await ask(moved)

"""What is asked of a server: URLs, forms, headers; and no secret in any message."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from costtui.config.schema import Secret, SourceConfig
from costtui.errors import SourceFormatError, SourceRefusedError
from costtui.sources.prometheus.api import Api, Result, api_base, quote

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


# What is sent


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("http://p:9090", "http://p:9090/api/v1"),
        ("http://p:9090/", "http://p:9090/api/v1"),
        ("https://p/prometheus", "https://p/prometheus/api/v1"),
        ("https://p/prometheus/", "https://p/prometheus/api/v1"),
        ("http://p/select/0/prometheus", "http://p/select/0/prometheus/api/v1"),
        ("http://p:9090/api/v1", "http://p:9090/api/v1"),
        ("http://p:9090/api/v1/", "http://p:9090/api/v1"),
        ("http://p:9090/api/v1/query", "http://p:9090/api/v1"),
        ("http://p/x/api/v1/query_range", "http://p/x/api/v1"),
        ("http://p:9090/graph", "http://p:9090/api/v1"),
        ("http://p/x/graph?g0.expr=up#tab", "http://p/x/api/v1"),
        ("http://p:9090/query", "http://p:9090/api/v1"),
    ],
)
def test_urls_that_people_copy(url: str, base: str) -> None:
    assert api_base(url) == base


async def test_the_form_of_both_queries() -> None:
    seen: list[dict[str, str]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        form = {k: v[0] for k, v in parse_qs(request.content.decode()).items()}
        seen.append({"path": request.url.path, **form})
        data = {"resultType": "matrix", "result": []}
        return httpx.Response(200, json={"status": "success", "data": data})

    asked = api(answer, url="http://p/pre", timeout=7.5)
    await asked.raw('{a="b"}', 1_000_000, 1_060_500)
    await asked.steps("up", 1_000_000, 1_600_000, 600_000)
    assert [{k: v for k, v in form.items() if k != "nocache"} for form in seen] == [
        {"path": "/pre/api/v1/query", "query": '{a="b"}[60500ms]', "time": "1060.500",
         "timeout": "6s"},
        {"path": "/pre/api/v1/query_range", "query": "up", "start": "1000.000",
         "end": "1600.000", "step": "600", "timeout": "6s"},
    ]  # fmt: skip
    assert asked.queries == 2
    await asked.close()
    await asked.close()


async def test_headers_and_logins_are_sent_and_never_shown() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, text="<html>who are you?</html>")

    with pytest.raises(SourceFormatError) as caught:
        await ask(
            answer,
            url="https://prom.test/p?token=geheim-in-der-url",
            username="instance-7",
            password=Secret("geheim-pw"),
            headers=(("X-Scope-OrgID", Secret("team-a|team-b")),),
            insecure=True,
        )
    headers = seen[0].headers
    assert headers["X-Scope-OrgID"] == "team-a|team-b"
    assert headers["Authorization"] == "Basic " + base64.b64encode(b"instance-7:geheim-pw").decode()
    assert headers["Accept-Encoding"] == "gzip"
    assert "geheim" not in str(caught.value)
    assert "team-a" not in str(caught.value)
    with pytest.raises(SourceRefusedError) as refused:
        await ask(httpx.Response(401), bearer_token=Secret("geheim-token"))
    assert "geheim" not in str(refused.value)


async def test_a_secret_in_the_servers_words_is_masked() -> None:
    body = {"status": "error", "errorType": "bad_data",
            "error": 'error at "api_key=sk-abcdefghijklmnopqrstuvwxyz" \x1b[2J'}  # fmt: skip
    with pytest.raises(SourceFormatError) as caught:
        await ask(httpx.Response(400, json=body))
    assert "abcdefghijklmnop" not in str(caught.value)
    assert "\x1b" not in str(caught.value)


def test_quoting() -> None:
    assert quote('a"b\\c\nd') == '"a\\"b\\\\c\\nd"'

"""A hostile or broken endpoint is one failed scrape with one short sentence."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from costtui.config.schema import Secret, SourceConfig
from costtui.errors import SourceError, SourceFormatError, SourceUnreachableError
from costtui.sources.metrics import http
from costtui.sources.metrics.http import Fetcher, shown_url

Answer = Callable[[str, asyncio.StreamWriter], Awaitable[None]]
PAGE = b"# TYPE a_total counter\na_total 1\n"


@asynccontextmanager
async def server(answer: Answer) -> Any:
    """A raw HTTP server; `answer` gets the request's head and writes whatever it likes."""
    heads: list[str] = []
    running: set[asyncio.Task[Any]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        running.add(task)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                heads.append(head.decode())
                await answer(heads[-1], writer)
                await writer.drain()
                if writer.is_closing():
                    break
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # the client left, which several tests are about, or the test is over
        finally:
            writer.transport.abort()
            await asyncio.sleep(0)

    listener = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}", heads
    finally:
        listener.close()
        for task in running:
            task.cancel()
        await asyncio.gather(*running)
        for _ in range(5):
            await asyncio.sleep(0)  # transports close in the loop's next turns


def config(url: str, **more: Any) -> SourceConfig:
    return SourceConfig("s", "metrics", "g", url=url, **{"timeout": 5.0, **more})


async def fetch(url: str, **more: Any) -> bytes:
    fetcher = Fetcher(config(url, **more))
    try:
        return (await fetcher.fetch()).body()
    finally:
        await fetcher.close()
        await fetcher.close()


def response(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def always(raw: bytes, *, close: bool = False) -> Answer:
    async def answer(_: str, writer: asyncio.StreamWriter) -> None:
        writer.write(raw)
        if close:
            await writer.drain()
            writer.close()

    return answer


async def test_asks_for_gzip_and_reads_it() -> None:
    packed = gzip.compress(PAGE[:10]) + gzip.compress(PAGE[10:])
    async with server(always(response(packed, "Content-Encoding: gzip"))) as (url, heads):
        assert await fetch(url + "/metrics") == b"\n" + PAGE
    assert "accept-encoding: gzip\r\n" in heads[0].lower()
    assert "application/openmetrics-text" in heads[0]


async def test_credentials_travel_and_stay_on_redirect_within_the_host() -> None:
    async def answer(head: str, writer: asyncio.StreamWriter) -> None:
        if head.startswith("GET /metrics "):
            writer.write(response(b"", "Location: /metrics/", status="307 Temporary Redirect"))
        else:
            writer.write(response(PAGE))

    async with server(answer) as (url, heads):
        body = await fetch(
            url + "/metrics",
            bearer_token=Secret("s3cr3t"),
            headers=(("X-Scope-OrgID", Secret("tenant")),),
        )
    assert body == b"\n" + PAGE
    assert heads[1].startswith("GET /metrics/ ")
    assert all("Bearer s3cr3t" in h and "tenant" in h for h in heads)


async def test_keeps_its_connection_and_opens_a_new_one_when_it_was_closed() -> None:
    count = 0

    async def answer(_: str, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        count += 1
        writer.write(response(PAGE))
        await writer.drain()
        if count == 2:
            writer.close()

    async with server(answer) as (url, heads):
        fetcher = Fetcher(config(url))
        for _ in range(4):
            assert (await fetcher.fetch()).body() == b"\n" + PAGE
        await fetcher.close()
    assert len(heads) == 4


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (response(b"", status="401 Unauthorized"), "HTTP 401: it wants a bearer_token"),
        (response(b"", status="404 Not Found"), "HTTP 404: is the path right?"),
        (response(b"", status="500 Oops"), "HTTP 500"),
        (response(b"", status="204 No Content"), "HTTP 204"),
        (response(PAGE, "Content-Encoding: br"), "answers in 'br', not in gzip"),
        (
            response(b"", "Location: http://example.org/metrics", status="302 Found"),
            "redirects to another place (http://example.org/metrics)",
        ),
        (response(b"", "Location: /again", status="302 Found"), "more than 3 redirects"),
        (b"garbage\r\n\r\n", "connection broke"),
    ],
)
async def test_what_is_not_a_page_is_said_shortly(raw: bytes, words: str) -> None:
    async with server(always(raw)) as (url, _):
        with pytest.raises(SourceError) as caught:
            await fetch(url.replace("//", "//user:hunter2@") + "/m?key=hunter2")
    assert words in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert len(str(caught.value)) < 250


async def test_a_page_cut_short_is_a_failed_scrape() -> None:
    cut = response(PAGE)[:-5]
    async with server(always(cut, close=True)) as (url, _):
        with pytest.raises(SourceUnreachableError, match="before the page was complete"):
            await fetch(url)
    packed = gzip.compress(PAGE)[:-9]
    async with server(always(response(packed, "Content-Encoding: gzip"))) as (url, _):
        with pytest.raises(SourceFormatError, match="gzip data ends early"):
            await fetch(url)
    async with server(always(response(b"x" * 50, "Content-Encoding: gzip"))) as (url, _):
        with pytest.raises(SourceFormatError, match="gzip data is damaged"):
            await fetch(url)


async def test_an_endless_page_meets_its_deadline() -> None:
    async def answer(_: str, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"2\r\na\n\r\n")
            await writer.drain()
            await asyncio.sleep(0.01)

    async with server(answer) as (url, _):
        with pytest.raises(SourceUnreachableError, match=r"within 0\.2 s"):
            await fetch(url, timeout=0.2)


async def test_a_page_that_is_too_large_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MAX_BYTES", 1 << 20)
    async with server(always(response(b"a\n" * (1 << 20)))) as (url, _):
        with pytest.raises(SourceFormatError, match="larger than 1 MB"):
            await fetch(url)


async def test_headers_that_come_a_byte_at_a_time_meet_the_deadline() -> None:
    async def answer(_: str, writer: asyncio.StreamWriter) -> None:
        for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"a" * 10_000:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.01)

    async with server(answer) as (url, _):
        with pytest.raises(SourceUnreachableError, match=r"within 0\.3 s"):
            await fetch(url, timeout=0.3)


async def test_endless_headers_stop() -> None:
    async def answer(_: str, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while not writer.is_closing():
            writer.write(b"X-More: " + b"a" * 1000 + b"\r\n")
            await writer.drain()

    async with server(answer) as (url, _):
        with pytest.raises(SourceUnreachableError, match="connection broke"):
            await fetch(url)


async def test_an_endless_page_stops_at_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a length and as fast as it can: the bytes kept are bounded, not only the time."""
    monkeypatch.setattr(http, "MAX_BYTES", 1 << 20)

    async def answer(_: str, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"a_total 1\n" * 5000)
            await writer.drain()

    async with server(answer) as (url, _):
        with pytest.raises(SourceFormatError, match="larger than 1 MB"):
            await fetch(url)


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"])
@pytest.mark.parametrize(
    "form", ["http://127.0.0.1:{}/m", "//127.0.0.1:{}/m", "http://u@127.0.0.1:{}/"]
)
async def test_credentials_do_not_follow_a_redirect_to_another_place(
    status: str, form: str
) -> None:
    async with server(always(response(PAGE))) as (thief, stolen):
        port = thief.rpartition(":")[2]
        raw = response(b"", f"Location: {form.format(port)}", status=status)
        async with server(always(raw)) as (url, heads):
            for login in (
                {"bearer_token": Secret("s3cr3t")},
                {"username": "u", "password": Secret("s3cr3t")},
                {"headers": (("X-Key", Secret("s3cr3t")),)},
            ):
                with pytest.raises(SourceUnreachableError, match="redirects to another place"):
                    await fetch(url + "/metrics", **login)
    assert len(heads) == 3
    assert not stolen


async def test_two_pages_that_point_at_each_other_stop() -> None:
    async def answer(head: str, writer: asyncio.StreamWriter) -> None:
        there = "/b" if head.startswith("GET /a") else "/a"
        writer.write(response(b"", f"Location: {there}", status="302 Found"))

    async with server(answer) as (url, heads):
        with pytest.raises(SourceUnreachableError, match="more than 3 redirects"):
            await fetch(url + "/a")
    assert len(heads) == 4


async def test_a_gzip_bomb_on_the_wire_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    packer = zlib.compressobj(9, wbits=31)
    bomb = packer.compress(b"\n" * (80 << 20)) + packer.flush()
    async with server(always(response(bomb, "Content-Encoding: gzip"))) as (url, _):
        with pytest.raises(SourceFormatError, match="larger than 64 MB"):
            await fetch(url)


def test_a_gzip_bomb_stops_at_the_limit() -> None:
    packer = zlib.compressobj(9, wbits=31)
    bomb = packer.compress(b"\n" * (80 << 20)) + packer.flush()
    assert len(bomb) < 100_000
    with pytest.raises(SourceFormatError, match="larger than 64 MB"):
        http.Fetched([bomb], gzipped=True).body()


async def test_nobody_listens() -> None:
    async with server(always(b"")) as (url, _):
        pass
    with pytest.raises(SourceUnreachableError, match="connection refused"):
        await fetch(url)
    with pytest.raises(SourceUnreachableError):
        await fetch("http://")
    with pytest.raises(SourceUnreachableError, match="ca_file"):
        await fetch("https://127.0.0.1:1/", ca_file="/nowhere/ca.pem")


async def test_plain_http_behind_https_is_said() -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(response(PAGE))
        await writer.drain()
        writer.close()

    listener = await asyncio.start_server(handle, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    with pytest.raises(SourceUnreachableError, match="does not speak TLS"):
        await fetch(f"https://127.0.0.1:{port}")
    listener.close()


async def test_a_handshake_that_never_ends_meets_its_deadline() -> None:
    async with server(always(b"")) as (url, _):
        with pytest.raises(SourceUnreachableError, match=r"within 0\.5 s"):
            await fetch(url.replace("http:", "https:"), timeout=0.5)


async def test_a_wrong_clock_is_measured() -> None:
    async with server(always(response(PAGE, "Date: Thu, 01 Jan 1970 00:00:10 GMT"))) as (url, _):
        fetcher = Fetcher(config(url))
        assert (await fetcher.fetch()).skew < -1e9
        await fetcher.close()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://u:p@h:1/m?token=x#f", "http://h:1/m"),
        ("http://h/metrics", "http://h/metrics"),
        ("http://[bad", "(not a URL)"),
    ],
)
def test_a_shown_url_has_no_secret(url: str, shown: str) -> None:
    assert shown_url(url) == shown

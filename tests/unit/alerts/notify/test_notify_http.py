"""Webhooks and chats over real sockets, with a server that does what servers do."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
import os
import time
from collections.abc import Callable
from email.utils import formatdate
from typing import Any

import pytest

from costtui.alerts.notify import lane
from costtui.alerts.notify.courier import Courier
from costtui.alerts.notify.senders import HttpSender, Outcome, build
from costtui.config.alert_schema import NotifierConfig
from costtui.config.secret import Secret
from costtui.engine.clock import SystemClock
from costtui.model.alert import Parcel

Make = Callable[..., Parcel]
PATH = "/services/T0AAAAAAA/B0BBBBBBB/cCcCcCcCcCcCcCcCcCcCcCcC"


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)


def to(receiver: Any, type_: str = "webhook", **given: Any) -> NotifierConfig:
    usual: dict[str, Any] = {"group_wait": 0, "timeout": 5.0}
    url = Secret(f"http://127.0.0.1:{receiver.port}{PATH}")
    return NotifierConfig("n", type_, url, **(usual | given))


async def send(config: NotifierConfig, *parcels: Parcel, now: float = 1_790_000_000.0) -> Outcome:
    sender = build(config)
    try:
        return await sender.send(parcels, now)
    finally:
        await sender.close()


async def test_a_webhook_gets_the_document_signed(receiver: Any, parcel: Make) -> None:
    config = to(receiver, secret=Secret("k3y"), headers=(("X-Team", Secret("platform")),))
    assert await send(config, parcel()) == Outcome(True, "HTTP 200")
    ((path, headers, body),) = receiver.got
    assert path == PATH
    assert headers["content-type"] == "application/json"
    assert headers["x-team"] == "platform"
    assert headers["x-costtui-delivery"] == "e1:firing"
    signed = hmac.new(b"k3y", b"1790000000." + body, hashlib.sha256).hexdigest()
    assert headers["x-costtui-signature"] == f"t=1790000000,v1={signed}"
    document = json.loads(body)
    assert document["version"] == 1
    assert document["alerts"][0]["value"] == 61_200_000_000
    assert document["alerts"][0]["value_text"] == "$61.20"


async def test_a_chat_gets_text_and_attachments(receiver: Any, parcel: Make) -> None:
    assert (await send(to(receiver, "slack"), parcel())).ok
    message = json.loads(receiver.got[0][2])
    assert message["text"].startswith("FIRING (warning): daily: search spent $61.20")
    assert message["attachments"][0]["color"] == "warning"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ((500, {}, "oops"), Outcome(False, "HTTP 500: oops", message=True)),
        ((429, {"Retry-After": "7"}, ""), Outcome(False, "HTTP 429", retry_after=7.0)),
        ((503, {"Retry-After": "soon"}, ""), Outcome(False, "HTTP 503", message=True)),
        ((404, {}, "no_service"), Outcome(False, "HTTP 404: no_service", refused=True)),
        ((400, {}, "bad"), Outcome(False, "HTTP 400: bad", refused=True, message=True)),
        ((408, {}, ""), Outcome(False, "HTTP 408")),
        (
            (302, {"Location": "http://127.0.0.1:1/"}, ""),
            Outcome(False, "HTTP 302: redirects are not followed", refused=True),
        ),
        ("close", Outcome(False, "it closed the connection without an answer")),
        ("hang", Outcome(False, "no answer within 0.3 s")),
        ("slow", Outcome(False, "no answer within 0.3 s")),
    ],
)
async def test_what_a_server_says(
    answer: Any, expected: Outcome, receiver: Any, parcel: Make
) -> None:
    timeout = 0.3 if answer in ("hang", "slow") else 5.0
    sender = HttpSender(to(receiver))
    await sender.send([parcel()], 0.0)  # the first one imports httpx
    receiver.answers = [answer]
    sender._config = to(receiver, timeout=timeout)
    assert await sender.send([parcel()], 0.0) == expected
    assert (await sender.send([parcel()], 0.0)).ok
    await sender.close()
    await sender.close()


async def test_retry_after_may_be_a_date(receiver: Any, parcel: Make) -> None:
    now = time.time()
    receiver.answers = [(429, {"Retry-After": formatdate(now + 100, usegmt=True)}, "")]
    assert 90 < (await send(to(receiver), parcel())).retry_after <= 100


async def test_nobody_there(receiver: Any, parcel: Make) -> None:
    config = to(receiver)
    await receiver.stop()
    assert (await send(config, parcel())).said == "connection refused"
    unknown = NotifierConfig("n", "webhook", Secret("http://no-such-host.invalid/"), timeout=5.0)
    assert (await send(unknown, parcel())).said == "the host name is not known"
    await receiver.start()


async def test_tls_where_there_is_none(parcel: Make) -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(plain, "127.0.0.1", 0)
    url = Secret(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
    said = (await send(NotifierConfig("n", "webhook", url), parcel())).said
    server.close()
    assert said == "it does not speak TLS; is the URL http:// rather than https://?"


async def test_a_proxy_of_the_environment_that_is_none(
    receiver: Any, parcel: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "nonsense://proxy:s3cr3t@host")
    outcome = await send(to(receiver), parcel())
    assert outcome.said == "the proxy or the certificates of the environment cannot be used"


async def test_an_answer_that_repeats_the_secrets_gives_none_away(
    receiver: Any, parcel: Make, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "costtui")
    caplog.set_level(logging.INFO, "httpx")
    receiver.answers = [(404, {}, f"no such hook {PATH} for s3cr3t-token and k3y-k3y")]
    config = to(
        receiver,
        secret=Secret("k3y-k3y"),
        headers=(("Authorization", Secret("s3cr3t-token")),),
    )
    outcome = await send(config, parcel())
    assert outcome.said == "HTTP 404: no such hook *** for *** and ***"
    assert "cCcC" not in caplog.text + repr(config)


async def test_an_answer_without_end_is_not_read_to_its_end(receiver: Any, parcel: Make) -> None:
    receiver.answers = [(500, {}, "\x1b[2J" + "x" * 5_000_000)]
    outcome = await send(to(receiver), parcel())
    assert outcome.said.startswith("HTTP 500: \\x1b[2Jxxx")
    assert len(outcome.said) < 250


async def test_all_of_it_over_a_server_that_is_ill(
    receiver: Any, outbox: Any, parcel: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole way: 500, a closed connection, 429, then it is well. Told once each, in order."""
    monkeypatch.setattr(lane, "FIRST_RETRY", 0.01)
    receiver.answers = [(500, {}, ""), "close", (429, {"Retry-After": "0"}, "")]
    outbox.put(parcel(1), parcel(2, id="b"), parcel(3, state="resolved"))
    courier = Courier([to(receiver)], outbox, SystemClock())
    task = asyncio.create_task(courier.run())
    await receiver.count(4)
    async with asyncio.timeout(10):
        await outbox.empty.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    told = [json.loads(body)["alerts"] for _, _, body in receiver.got]
    assert [a["delivery"] for a in told[-1]] == ["e1:firing", "b:firing", "e1:resolved"]
    assert len({headers["x-costtui-delivery"] for _, headers, _ in receiver.got}) == 1
    assert len(receiver.got) == 4

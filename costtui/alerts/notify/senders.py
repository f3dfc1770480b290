"""Sending one message. What the other side does (refuses, hangs, answers nonsense) is an `Outcome`,
never an exception; and no outcome says anything of a secret."""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import fields, is_dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol
from urllib.parse import urlsplit

from costtui.alerts.notify import compose
from costtui.config.alert_schema import NotifierConfig
from costtui.config.secret import Secret
from costtui.model.alert import Parcel
from costtui.model.safetext import redact, visible

if TYPE_CHECKING:
    import httpx

SAID_LIMIT: Final = 200
"""Characters of an answer that are kept."""
ANSWER_LIMIT: Final = 2048
"""Bytes of an answer that are read."""
MESSAGE: Final = (400, 413, 415, 422)
"""HTTP statuses that find fault with the message rather than with the address or the sender."""
RETRY_LATER: Final = (408, 425, 429)
"""HTTP statuses below 500 that say "not now" rather than "no"."""


class Outcome(NamedTuple):
    """What became of one message."""

    ok: bool
    said: str
    """For people, short, without secrets."""
    refused: bool = False
    """It will say the same of the same message: a "no", not a "not now"."""
    message: bool = False
    """It may be this message that it cannot take, and others it can."""
    retry_after: float = 0.0
    """Seconds that it asks us to wait; 0 when it does not."""


class Sender(Protocol):
    """Sends messages of one notifier."""

    async def send(self, parcels: Sequence[Parcel], now: float) -> Outcome:
        """Send one message. Only cancellation is raised."""

    async def close(self) -> None:
        """Give connections back. May be called twice."""


def secrets_of(config: object) -> frozenset[str]:
    """Every secret in a configuration, or in a part of one."""
    if isinstance(config, Secret):
        return frozenset({config.reveal()})
    if is_dataclass(config):
        return secrets_of(tuple(getattr(config, field.name) for field in fields(config)))
    if isinstance(config, tuple | list):
        return frozenset().union(*map(secrets_of, config))
    return frozenset()


def build(config: NotifierConfig, secrets: Collection[str] = ()) -> Sender:
    """`secrets` are all of the configuration, which a program must not inherit."""
    if config.type in ("command", "apprise"):
        from costtui.alerts.notify.programs import ProgramSender

        return ProgramSender(config, {*secrets, *secrets_of(config)})
    return HttpSender(config)


class Mask:
    """Takes a notifier's secrets out of what is said of it."""

    def __init__(self, config: NotifierConfig) -> None:
        found = set(secrets_of(config))
        if config.url is not None:
            url = config.url.reveal()
            parts = urlsplit(url)
            found |= {parts.netloc.rpartition("@")[0], parts.query}
            found |= {part for part in parts.path.split("/") if len(part) >= 8}
            found.add(parts.path if len(parts.path) >= 8 else "")
        self._hidden = sorted((text for text in found if text), key=len, reverse=True)

    def __call__(self, text: str, limit: int = SAID_LIMIT) -> str:
        for hidden in self._hidden:
            text = text.replace(hidden, "***")
        return visible(redact(" ".join(text.split())), limit)


class HttpSender:
    """Posts to a webhook, Slack or Alertmanager."""

    def __init__(self, config: NotifierConfig, *, wall: Callable[[], float] = time.time) -> None:
        self._config = config
        self._mask = Mask(config)
        self._client: httpx.AsyncClient | None = None
        self._wall = wall

    async def send(self, parcels: Sequence[Parcel], now: float) -> Outcome:
        posted = compose.posted(self._config, parcels, now)
        if self._client is None:
            try:
                # httpx and the certificates take 50–300 ms, which the event loop does not have.
                self._client = await asyncio.to_thread(_client)
            except (ImportError, ValueError, OSError):
                said = "the proxy or the certificates of the environment cannot be used"
                return Outcome(False, said, refused=True)
        try:
            async with asyncio.timeout(self._config.timeout):
                return await self._post(self._client, posted)
        except TimeoutError:
            # Its connections are in an unknown state.
            await self.close()
            return Outcome(False, f"no answer within {self._config.timeout:g} s")

    async def _post(self, client: httpx.AsyncClient, posted: compose.Posted) -> Outcome:
        import httpx

        try:
            async with client.stream(
                "POST", posted.url, content=posted.body, headers=posted.headers
            ) as response:
                answer = b""
                if not response.is_success:
                    async for chunk in response.aiter_bytes():
                        answer += chunk
                        if len(answer) >= ANSWER_LIMIT:
                            break
                return self._outcome(response, answer[:ANSWER_LIMIT])
        except httpx.TimeoutException:
            return Outcome(False, "no answer in time")
        except httpx.InvalidURL:
            return Outcome(False, "its URL is none", refused=True)
        except httpx.HTTPError as error:
            return Outcome(False, _reason(error))
        except (UnicodeError, ValueError):
            return Outcome(False, "a header has characters that HTTP cannot carry", refused=True)

    def _outcome(self, response: httpx.Response, answer: bytes) -> Outcome:
        status = response.status_code
        if response.is_success:
            return Outcome(True, f"HTTP {status}")
        if response.is_redirect:
            # A redirect would take the message, its signature and its headers somewhere else.
            return Outcome(False, f"HTTP {status}: redirects are not followed", refused=True)
        text = self._mask(answer.decode("utf-8", "replace"))
        said = f"HTTP {status}: {text}" if text else f"HTTP {status}"
        refused = 400 <= status < 500 and status not in RETRY_LATER
        wait = _retry_after(response.headers.get("retry-after", ""), self._wall())
        about_it = status >= 500 or status in MESSAGE
        return Outcome(False, said, refused, about_it, wait)

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()


def _client() -> httpx.AsyncClient:
    import httpx

    # At INFO it logs each URL, and these URLs are keys.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    return httpx.AsyncClient(
        verify=ssl.create_default_context(),
        timeout=None,  # one limit over all, `timeout:`
        limits=httpx.Limits(max_connections=2, keepalive_expiry=60),
        # Whoever needs a proxy to reach a chat has HTTPS_PROXY; scrapes are never sent through one.
        trust_env=True,
    )


def _reason(error: Exception) -> str:
    text, cause = "", error
    seen: Any = cause
    while seen is not None:
        text += f" {seen}".lower()
        seen = seen.__cause__ or seen.__context__
    if "name or service" in text or "resolution" in text or "nodename" in text:
        return "the host name is not known"
    if "certificate" in text:
        return "its TLS certificate is not trusted"
    if "ssl" in text:
        return "it does not speak TLS; is the URL http:// rather than https://?"
    if "refused" in text or "attempts failed" in text:
        return "connection refused"
    if "disconnected" in text or "reset" in text or "broken pipe" in text:
        return "it closed the connection without an answer"
    return f"no connection ({type(error).__name__})"


def _retry_after(header: str, now: float) -> float:
    """Seconds of a Retry-After header, which holds seconds or a date (RFC 9110, 10.2.3)."""
    text = header.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now) if text else 0.0
    except (ValueError, TypeError, OverflowError):
        return 0.0

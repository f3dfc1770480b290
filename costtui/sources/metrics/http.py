"""Fetches one page: bounded in time, in bytes on the wire and in bytes unpacked.

The endpoint is not trusted: it may never end, unpack to gigabytes, redirect elsewhere or stop in
the middle. Each of these is a failed scrape with one short sentence, and no sentence carries a
header, a password or the user part of a URL.
"""

from __future__ import annotations

import asyncio
import ssl
import sys
import time
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from costtui.config.schema import SourceConfig
from costtui.errors import (
    SourceFormatError,
    SourceRefusedError,
    SourceTimeoutError,
    SourceTooLargeError,
    SourceUnreachableError,
)
from costtui.sources.metrics.exposition import framed
from costtui.sources.metrics.pagetext import WINDOW, PageText

if TYPE_CHECKING:
    import httpx

MAX_BYTES = 128 * 1024 * 1024
"""Of a page on the wire, which is held until it is read. 500,000 series are 74 MB without gzip."""

MAX_UNPACKED = 512 * 1024 * 1024
"""Of a page that came with gzip: it is never whole in memory, so this bounds time (0.6 s)."""

MAX_WHOLE = 64 * 1024 * 1024
"""Of a page with gzip that is wanted whole in memory."""

MAX_REDIRECTS = 3

ACCEPT = (
    "application/openmetrics-text;version=1.0.0;q=0.8,"
    "text/plain;version=0.0.4;q=0.6,text/plain;q=0.5,*/*;q=0.1"
)


@dataclass(slots=True)
class Fetched:
    """A page as it came over the wire."""

    chunks: list[bytes] = field(default_factory=list)
    content_type: str = ""
    gzipped: bool = False
    length_known: bool = False
    """The connection said where the page ends, so it came whole."""
    skew: float = 0.0
    """The other clock minus ours, seconds; 0 where they agree within two seconds."""
    status: int = 200

    def text(self) -> PageText:
        """The page, to be read window by window: in a thread, for it unpacks while it is read."""
        return PageText(lambda: self._pieces(MAX_UNPACKED))

    def body(self) -> bytes:
        """The whole page with a newline in front. Unpacks, so call it in a thread."""
        return framed(self._pieces(MAX_WHOLE))

    def _pieces(self, limit: int) -> Iterable[bytes]:
        return _unpack(self.chunks, limit) if self.gzipped else self.chunks


def _unpack(chunks: list[bytes], limit: int) -> Iterator[bytes]:
    """Gunzip with a limit: httpx unpacks a whole network read at once, and 64 KB can become
    64 MB. Raises SourceFormatError for a broken, cut or too large stream."""
    unpacker = zlib.decompressobj(wbits=31)
    total = 0
    try:
        for chunk in chunks:
            while chunk:
                piece = unpacker.decompress(chunk, WINDOW)
                total += len(piece)
                if total > limit:
                    raise SourceTooLargeError(f"the page is larger than {limit >> 20} MB")
                yield piece
                chunk = unpacker.unconsumed_tail
                if unpacker.eof and unpacker.unused_data:
                    # gzip allows several members one after another.
                    chunk = unpacker.unused_data
                    unpacker = zlib.decompressobj(wbits=31)
    except zlib.error:
        raise SourceFormatError("the gzip data is damaged") from None
    if not unpacker.eof:
        raise SourceFormatError("half a page: the gzip data ends early")


@dataclass(frozen=True, slots=True)
class _Ask:
    url: str
    form: Mapping[str, str] | None
    answers: Collection[int]


class Fetcher:
    """One keep-alive connection to one endpoint."""

    def __init__(
        self,
        config: SourceConfig,
        transport: httpx.AsyncBaseTransport | None = None,
        query: Iterable[tuple[str, str]] = (),
    ) -> None:
        """`transport` replaces the network in tests; `query` is added to the URL's own, except
        for parameters that it already has."""
        self._config = config
        self._query = tuple(query)
        self._transport = transport
        self._own = {name for name, _ in parse_qsl(_query_of(config.url), keep_blank_values=True)}
        self._client: httpx.AsyncClient | None = None
        self.shown = shown_url(config.url)
        """The URL without user part and query: they may hold secrets."""

    async def fetch(
        self,
        url: str = "",
        form: Mapping[str, str] | None = None,
        answers: Collection[int] = (200,),
    ) -> Fetched:
        """GET the source's page, or `url`; with `form`, POST it. Statuses outside `answers` are
        errors. Raises SourceUnreachableError or SourceFormatError."""
        if self._client is None:
            # Importing httpx and loading CA certificates takes 100 ms.
            self._client = await asyncio.to_thread(self._open)
        client = self._client
        try:
            async with asyncio.timeout(self._config.timeout):
                return await self._fetch(client, _Ask(url or self._config.url, form, answers))
        except TimeoutError:
            raise SourceTimeoutError(
                f"{self.shown}: no complete answer within {self._config.timeout:g} s"
            ) from None

    async def _fetch(self, client: httpx.AsyncClient, ask: _Ask) -> Fetched:
        import httpx

        try:
            try:
                return await self._get(client, ask)
            except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
                # A kept-alive connection that the other side was just closing. A GET may be
                # asked again, and a query's POST changes nothing; a second failure stands.
                return await self._get(client, ask)
        except httpx.TimeoutException:
            raise SourceTimeoutError(
                f"{self.shown}: no answer within {self._config.timeout:g} s"
            ) from None
        except httpx.ConnectError as error:
            await self._forget()
            raise SourceUnreachableError(f"{self.shown}: {self._reason(error)}") from None
        except (httpx.ReadError, httpx.WriteError, ssl.SSLError) as error:
            # TLS 1.3 says that it refuses a client's certificate only after the handshake, and
            # httpx lets that alert through as it is.
            await self._forget()
            reason = self._tls_reason(error) or "the connection broke before the page was complete"
            raise SourceUnreachableError(f"{self.shown}: {reason}") from None
        except httpx.RemoteProtocolError:
            raise SourceUnreachableError(
                f"{self.shown}: the connection broke before the page was complete"
            ) from None
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            raise SourceUnreachableError(f"{self.shown}: {type(error).__name__}") from None

    async def _get(self, client: httpx.AsyncClient, ask: _Ask) -> Fetched:
        method = "GET" if ask.form is None else "POST"
        url = client.build_request(method, ask.url).url
        for name, value in self._query:
            if name not in self._own:
                url = url.copy_add_param(name, value)
        for _ in range(MAX_REDIRECTS + 1):
            async with client.stream(method, url, data=ask.form) as response:
                if response.has_redirect_location:
                    target = url.join(response.headers["location"])
                    if (target.scheme, target.host, target.port) != (
                        url.scheme,
                        url.host,
                        url.port,
                    ):
                        raise SourceUnreachableError(
                            f"{self.shown}: redirects to another place "
                            f"({shown_url(str(target))}); if that is right, set url to it"
                        )
                    if ask.form is not None and response.status_code not in (307, 308):
                        raise SourceUnreachableError(
                            f"{self.shown}: redirects to {shown_url(str(target))}; set url to it"
                        )
                    url = target
                    continue
                if response.status_code not in ask.answers:
                    self._check_status(response.status_code)
                return await self._receive(response)
        raise SourceUnreachableError(f"{self.shown}: more than {MAX_REDIRECTS} redirects")

    def _check_status(self, status: int) -> None:
        if status == 200:
            return
        wanted = ""
        if status == 400 and self._config.url.startswith("https:") and not self._config.cert_file:
            wanted = ": does it want a client certificate (cert_file)?"
        hint = {
            400: wanted,
            401: ": it wants a bearer_token or username and password",
            403: ": these credentials may not read it",
            404: ": is the path right?",
            500: ": the gateway itself fails to write the page",
        }.get(status, "")
        kind = SourceRefusedError if status in (401, 403) else SourceUnreachableError
        raise kind(f"{self.shown}: HTTP {status}{hint}")

    async def _receive(self, response: httpx.Response) -> Fetched:
        headers = response.headers
        coding = headers.get("content-encoding", "identity").strip().lower()
        if coding not in ("identity", "", "gzip", "x-gzip"):
            raise SourceFormatError(f"{self.shown}: it answers in {coding[:20]!r}, not in gzip")
        fetched = Fetched(
            content_type=headers.get("content-type", "")[:200],
            gzipped=coding.endswith("gzip"),
            length_known="content-length" in headers
            or "chunked" in headers.get("transfer-encoding", "").lower(),
            skew=_skew(headers.get("date", "")),
            status=response.status_code,
        )
        if response.is_stream_consumed:  # a test's transport hands the page over whole
            fetched.chunks.append(response.content)
            fetched.gzipped = False
            return fetched
        total = 0
        async for chunk in response.aiter_raw():
            total += len(chunk)
            if total > MAX_BYTES:
                raise SourceTooLargeError(
                    f"{self.shown}: the page is larger than {MAX_BYTES >> 20} MB"
                )
            fetched.chunks.append(chunk)
        return fetched

    async def _forget(self) -> None:
        """Files of certificates are read again for the next poll: they are renewed while we run."""
        if self._config.url.startswith("https:"):
            await self.close()

    def _tls_reason(self, error: Exception) -> str:
        if not self._config.url.startswith("https:"):
            return ""
        from costtui.sources.metrics.tls import refusal

        return refusal(error)

    def _reason(self, error: Exception) -> str:
        text = str(error).lower()
        if reason := self._tls_reason(error):
            return reason
        socket = self._config.unix_socket
        if socket and "no such file" in text:
            return f"there is no unix_socket {socket}"
        if socket and "permission" in text:
            return f"the unix_socket {socket} may not be opened"
        return _connect_reason(text)

    def _open(self) -> httpx.AsyncClient:
        import httpx

        _prepare_imports()
        config = self._config
        headers = {"Accept": ACCEPT, "Accept-Encoding": "gzip", "User-Agent": "costtui"}
        headers.update((name, secret.reveal()) for name, secret in config.headers)
        if config.bearer_token is not None:
            headers["Authorization"] = f"Bearer {config.bearer_token.reveal()}"
        auth = None
        if config.username:
            password = config.password.reveal() if config.password else ""
            auth = httpx.BasicAuth(config.username, password)
        verify: ssl.SSLContext | bool = False
        if config.url.startswith("https:"):
            from costtui.sources.metrics.tls import context

            verify = context(config)
        limits = httpx.Limits(max_connections=1, keepalive_expiry=3600)
        transport = self._transport
        if transport is None:
            transport = httpx.AsyncHTTPTransport(
                verify=verify, limits=limits, trust_env=False, uds=config.unix_socket or None
            )
        try:
            return httpx.AsyncClient(
                headers=headers,
                auth=auth,
                # Below the deadline over all: httpcore closes a TLS connection whose handshake
                # timed out, but not one that was cancelled in it.
                timeout=config.timeout * 0.9,
                transport=transport,
                trust_env=False,  # a proxy for the web must not see scrapes, nor .netrc speak
            )
        except (ValueError, httpx.InvalidURL):
            raise SourceUnreachableError(
                f"{self.shown}: a header or password has characters that HTTP cannot carry"
            ) from None

    async def close(self) -> None:
        """Close the connection. May be called twice."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()


def _prepare_imports() -> None:
    """In this thread, what httpx would import on the event loop at its first request (15–50 ms).

    And once and for all that there is no sniffio: httpcore tries to import it four times a
    request, and each time Python looks through every folder again: 0.2 of 4.5 ms a scrape.
    """
    for module in ("httpcore._backends.anyio", "anyio._backends._asyncio", "h11"):
        with suppress(ImportError):
            import_module(module)
    if "sniffio" not in sys.modules and find_spec("sniffio") is None:
        sys.modules["sniffio"] = None  # type: ignore[assignment]  # "not to be found"


def shown_url(url: str) -> str:
    """`url` without user part, query and fragment, which may hold secrets."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "(not a URL)"
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))[:200]


def _query_of(url: str) -> str:
    try:
        return urlsplit(url).query
    except ValueError:
        return ""  # the first request says that it is no URL


def _connect_reason(text: str) -> str:
    if "name or service" in text or "resolution" in text or "nodename" in text:
        return "the host name is not known"
    return (
        "connection refused" if "refused" in text or "attempts failed" in text else "no connection"
    )


def _skew(date: str) -> float:
    """The other machine's clock minus this one's. Both are real clocks, so the injected one has
    no part in it; a difference below two seconds is what a whole-second header cannot tell."""
    if not date:
        return 0.0
    try:
        skew = parsedate_to_datetime(date).timestamp() - time.time()
    except (ValueError, TypeError, OverflowError):
        return 0.0
    return skew if abs(skew) > 2.0 else 0.0

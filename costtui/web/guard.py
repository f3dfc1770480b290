"""Who may come in by a browser: beside the rules of `model.access`, cookies and origins.

Pure: nothing here knows the HTTP library. Three attacks are meant. Somebody on the network without
the token. A page of another site that opens our websocket with the user's cookie (browsers let
any page open any websocket; the `Origin` header tells). A name of another site that was made to
point at this address after it was loaded (DNS rebinding; the `Host` header tells). The last two
work against loopback too, so they are checked there as well.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from urllib.parse import urlsplit

from costtui.errors import UsageError
from costtui.model.access import Door
from costtui.model.access import check_token as check_token
from costtui.model.access import is_loopback as is_loopback

COOKIE_DAYS = 30


def make_token() -> str:
    """256 bits, safe in an address."""
    return secrets.token_urlsafe(32)


def origin_of(url: str) -> str:
    """`scheme://host[:port]` of a public URL. Raises UsageError for what has more or less."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise UsageError(f"--public-url {url[:100]}: not like https://costs.example.com")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise UsageError(f"--public-url {url[:100]}: must be the root of a host, without a path")
    usual = {"http": 80, "https": 443}[parts.scheme]
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" + ("" if port in (None, usual) else f":{port}")


class Guard(Door):
    """The rules for one server."""

    def origin_may(self, origin: str | None, host: str | None) -> bool:
        """May a page of `origin` ask? No header at all: it is no page (or the page itself)."""
        if origin is None:
            return True
        return origin == f"http://{host}" or (self._public is not None and origin == self._public)

    @property
    def cookie(self) -> str:
        """What a browser keeps instead of the token: made from it, and of no other use. It stays
        good after a restart with the same token."""
        return hmac.new(self._token, b"costtui web cookie 1", hashlib.sha256).hexdigest()

    def cookie_may(self, given: str) -> bool:
        """Does this cookie let its owner in?"""
        if self.open:
            return True
        return hmac.compare_digest(given.encode("utf-8", "replace"), self.cookie.encode())

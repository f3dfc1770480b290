"""Who may come in: the token, and which hosts and origins a request may name.

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
from ipaddress import ip_address
from urllib.parse import urlsplit

from costtui.errors import UsageError

SHORTEST = 16
"""Characters of a token. It is all that stands between a network and the screen."""
COOKIE_DAYS = 30


def make_token() -> str:
    """256 bits, safe in an address."""
    return secrets.token_urlsafe(32)


def check_token(token: str, where: str) -> str:
    """A token somebody chose. Raises UsageError; the message never holds it."""
    token = token.strip()
    if len(token) < SHORTEST:
        raise UsageError(f"{where}: a token of at least {SHORTEST} characters is needed")
    if not token.isascii() or not token.isprintable() or " " in token:
        raise UsageError(f"{where}: a token is printable ASCII without blanks")
    return token


def is_loopback(host: str) -> bool:
    """Is this an address that only this machine can reach? Names are not looked up: a name that
    is not `localhost` may mean anything tomorrow."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


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


class Guard:
    """The rules for one server."""

    def __init__(
        self, host: str, *, token: str | None, public: str | None = None, machine: str = ""
    ) -> None:
        """`host` is what the server listens on, `public` the origin of its public URL, `machine`
        the name of this machine. Raises UsageError where a token is needed and there is none."""
        self.open = token is None
        """No token is asked for."""
        self._loopback = is_loopback(host)
        self._public = public
        if token is None and (not self._loopback or public):
            raise UsageError("a server that others can reach needs a token")
        self._token = (token or "").encode()
        names = {"localhost", host.lower()}
        if public:
            names.add((urlsplit(public).hostname or "").lower())
        if not self._loopback and machine:
            names.add(machine.lower())
        self._names = names

    def host_may(self, host: str | None) -> bool:
        """May a request name this `Host`? Another port is no other site: `ssh -L` changes it.

        An address is always true: rebinding needs a name. Where only this machine can come in,
        only its own addresses are.
        """
        try:
            parts = urlsplit(f"//{host or ''}")
            name = (parts.hostname or "").lower()
        except ValueError:
            return False
        if parts.username is not None or parts.path or parts.query or parts.fragment:
            return False
        if name in self._names:
            return True
        try:
            address = ip_address(name)
        except ValueError:
            return False
        return address.is_loopback or not self._loopback

    def origin_may(self, origin: str | None, host: str | None) -> bool:
        """May a page of `origin` ask? No header at all: it is no page (or the page itself)."""
        if origin is None:
            return True
        return origin == f"http://{host}" or (self._public is not None and origin == self._public)

    def token_may(self, given: str) -> bool:
        """Is this the token? Takes as long for any wrong one."""
        return not self.open and hmac.compare_digest(given.encode("utf-8", "replace"), self._token)

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

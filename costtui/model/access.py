"""Who may ask one of our HTTP servers: the token, and the names by which a request may call it.

Pure: nothing here knows an HTTP library. `costtui web` and the collector's listener share these
rules. Two attacks are meant: somebody on the network without the token, and a name of another site
that was made to point at this address after it was loaded (DNS rebinding; the `Host` header tells),
which works against loopback too.
"""

from __future__ import annotations

import hmac
from ipaddress import ip_address
from urllib.parse import urlsplit

from costtui.errors import UsageError

SHORTEST = 16
"""Characters of a token. It is all that stands between a network and what is served."""


def token_fault(token: str) -> str:
    """Why `token` is none, or "". Never holds it."""
    if len(token) < SHORTEST:
        return f"a token of at least {SHORTEST} characters is needed"
    if not token.isascii() or not token.isprintable() or " " in token:
        return "a token is printable ASCII without blanks"
    return ""


def check_token(token: str, where: str) -> str:
    """A token somebody chose. Raises UsageError; the message never holds it."""
    token = token.strip()
    if fault := token_fault(token):
        raise UsageError(f"{where}: {fault}")
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


class Door:
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

    def token_may(self, given: str) -> bool:
        """Is this the token? Takes as long for any wrong one."""
        return not self.open and hmac.compare_digest(given.encode("utf-8", "replace"), self._token)

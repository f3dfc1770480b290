"""`listen:`, the collector's HTTP listener: its keys, its address, what they mean together."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlsplit

from costtui.config.checks import Checks, direct
from costtui.config.kinds import ENV_SCHEMA, Choice, Kind, Written
from costtui.config.number_kinds import Count
from costtui.config.reader import Values
from costtui.config.schema import STALE, ListenConfig, Secret, SourceConfig
from costtui.config.secret_kinds import SecretFile
from costtui.config.sections import Key, Section
from costtui.errors import UsageError
from costtui.model.access import check_token, is_loopback, token_fault

HOST: Final = "127.0.0.1"
VARIABLE: Final = "COSTTUI_LISTEN_TOKEN"
MOST_SERIES: Final = 10_000_000

_ADDRESS: Final = re.compile(
    r"(?:(?P<host>\[[0-9A-Fa-f:.%a-z]{2,60}\]|[A-Za-z0-9._-]{1,253}):)?(?P<port>\d{1,5})", re.ASCII
)


def address_of(text: str) -> tuple[str, int]:
    """`[HOST:]PORT` → (host, port); without a host it is this machine alone. Raises ValueError."""
    found = _ADDRESS.fullmatch(text.strip())
    if found is None or int(found["port"]) > 65_535:
        raise ValueError("is not [HOST:]PORT: write 8712, 0.0.0.0:8712 or [::1]:8712")
    return (found["host"] or HOST).strip("[]"), int(found["port"])


def address_text(host: str, port: int) -> str:
    """The one way in which an address is written."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class Address(Kind):
    """Where to listen."""

    label = "`[HOST:]PORT`"

    def parse(self, written: Written) -> str:
        return address_text(*address_of(written.text))

    def schema(self) -> dict[str, Any]:
        text = {"type": "string", "pattern": r"^(\S+:)?\d{1,5}$"}
        return {"anyOf": [{"type": "number", "minimum": 0}, text, ENV_SCHEMA]}


LISTEN: Final = Section(
    ListenConfig,
    (
        Key(
            "address",
            Address(),
            "Where `costtui collect` answers `/health`, `/metrics` and `/budget`; without a host"
            " on this machine alone. Also `--listen`. Without it, nowhere.",
        ),
        Key(
            "token_file",
            SecretFile(),
            "A file that holds nothing but the token that is asked for, as `Authorization: Bearer`;"
            f" needed where others can reach it. Or `{VARIABLE}` in the environment.",
            ("token",),
        ),
        Key(
            "series",
            Count(),
            "The most series of usage on `/metrics`; what is beyond is counted together.",
        ),
        Key(
            "on_stale",
            Choice(STALE),
            "What `/budget` answers while it does not know the newest usage.",
        ),
        Key(
            "on_missing",
            Choice(STALE),
            "What `/budget` answers where the question lacks a parameter that a budget needs, such"
            " as `consumer`.",
        ),
    ),
)


class ListenBuilder(Checks):
    def build(self, values: Values) -> ListenConfig:
        listen = ListenConfig(**direct(values, LISTEN))
        if listen.token is not None and (fault := token_fault(listen.token.reveal())):
            self._wrong(values, "token_file", fault)
        if not 1 <= listen.series <= MOST_SERIES:
            self._wrong(values, "series", f"is not between 1 and {MOST_SERIES}")
        return listen


def echo_of(address: str, sources: Iterable[SourceConfig]) -> str:
    """The name of a source that reads the page that is served at `address`, or "": it would count
    what it counts, again and again. What is known by another name or port is not found."""
    host, port = address_of(address)
    for source in sources:
        if source.type != "metrics" or source.role != "count" or not source.url:
            continue
        parts = urlsplit(source.url)
        named = parts.hostname or ""
        here = named in (host, socket.gethostname()) or is_loopback(named)
        if here and parts.port == port:
            return source.name
    return ""


def settled(listen: ListenConfig, env: Mapping[str, str], address: str | None) -> ListenConfig:
    """`listen` with what the flag and the environment say. Raises `UsageError` where a token is
    needed and there is none, or the flag is no address.

    Only who listens asks: a viewer that reads the same file need not have the token.
    """
    if address is not None:
        try:
            listen = replace(listen, address=address_text(*address_of(address)))
        except ValueError as error:
            raise UsageError(f"--listen {address[:100]}: {error}") from None
    if env.get(VARIABLE):
        listen = replace(listen, token=Secret(check_token(env[VARIABLE], VARIABLE)))
    if listen.address and listen.token is None and not is_loopback(address_of(listen.address)[0]):
        raise UsageError(
            f"listen: others can reach {listen.address}, so a token is needed: set {VARIABLE}, or "
            "listen.token_file in the configuration (or listen on 127.0.0.1)"
        )
    return listen

"""The shape of the configuration, its defaults and what each key means.

These classes are the manual: `costtui config schema` and the sample are tested against them.
Values are already validated and in one unit (seconds, nano-USD, Decimal); `load` does that.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from costtui.config.alert_schema import AlertRule as AlertRule
from costtui.config.alert_schema import BudgetConfig as BudgetConfig
from costtui.config.alert_schema import NotifierConfig as NotifierConfig
from costtui.config.secret import Secret as Secret
from costtui.model.charge import CostPolicy
from costtui.model.usage import TOKEN_TYPES

RATE_KEYS = TOKEN_TYPES
"""The rates an override may give, one a token kind."""


@dataclass(frozen=True, slots=True)
class Retention:
    """How long each level of detail is kept, seconds; None is for ever."""

    requests: int | None = 30 * 86400
    minute: int | None = 14 * 86400
    hour: int | None = 400 * 86400
    day: int | None = None


@dataclass(frozen=True, slots=True)
class StoreConfig:
    path: Path
    retention: Retention = field(default_factory=Retention)


@dataclass(frozen=True, slots=True)
class PriceOverride:
    """One entry of `pricing:`. The last entry that matches wins."""

    provider: str = "*"
    """Glob, case-insensitive."""
    model: str = "*"
    """Glob, case-insensitive."""
    start: date | None = None
    """`from:`, the first day it holds (UTC)."""
    until: date | None = None
    """The first day it no longer holds (UTC)."""
    rates: tuple[tuple[str, Decimal], ...] = ()
    """(token kind, USD per 1M tokens), whatever `unit` the file used."""
    per_request: Decimal | None = None
    """USD per successful request: an estimate."""
    free: bool = False
    line: int = field(default=0, compare=False, repr=False)
    """Where it stands in the file. Not a part of its value: an entry that only moves has not
    changed (`Pricer.fingerprint` is made of its repr), and nothing is re-priced."""


@dataclass(frozen=True, slots=True)
class Consumer:
    """Who a consumer id is; joined when shown, so a re-mapping is retroactive."""

    name: str = ""
    team: str = ""
    org: str = ""
    tags: tuple[tuple[str, str], ...] = ()
    """(name, value) of whatever else it is reported by."""

    def tag(self, name: str) -> str:
        """The value of a tag, `""` where it has none."""
        return next((value for key, value in self.tags if key == name), "")


def tag_names(consumers: Iterable[tuple[str, Consumer]]) -> tuple[str, ...]:
    """Every tag that some consumer has, by name."""
    return tuple(sorted({name for _, who in consumers for name, _ in who.tags}))


@dataclass(frozen=True, slots=True)
class ServiceMapping:
    """What a gateway's `service` label stands for (preset `kong-requests`)."""

    provider: str
    model: str = ""


QUERY_QUANTITIES = ("cost", *TOKEN_TYPES, "requests")
"""What a query's value may be a rate of."""

PER_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}


@dataclass(frozen=True, slots=True)
class QueryConfig:
    """One entry of a prometheus source's `queries:`."""

    query: str
    quantity: str
    """One of `QUERY_QUANTITIES`; cost is USD."""
    per: str = "second"
    """One of `PER_SECONDS`."""
    dimensions: tuple[tuple[str, str], ...] = ()
    """(dimension, label)."""
    values: tuple[tuple[str, str], ...] = ()
    """(dimension, fixed value)."""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Traffic that another source counts already."""

    source: str
    gateway: str
    """ "" where labels of the page name it."""
    host: str = ""
    """`host:port` of the page it scrapes, or ""."""


@dataclass(frozen=True, slots=True)
class SourceConfig:
    """One entry of `sources:`."""

    name: str
    type: str
    """`jsonl`, `metrics` or `prometheus`."""
    gateway: str
    """The gateway whose traffic this source counts."""
    preset: str = ""
    interval: float = 15.0
    """Seconds between two polls (1 for jsonl)."""
    timeout: float = 10.0
    role: str = "count"
    """`count`, or `reconcile`: read and compared, never added."""
    cost: CostPolicy = CostPolicy.REPORTED
    fields: dict[str, Any] = field(default_factory=dict)
    """A mapping for a shape that no preset knows; laid over the preset where both are given."""
    # jsonl
    paths: tuple[str, ...] = ()
    """Files or globs (`**` too), `~` and `${ENV}` already expanded."""
    since: int | None = None
    """Seconds of history to read; None reads all."""
    # metrics and prometheus
    url: str = ""
    headers: tuple[tuple[str, Secret], ...] = ()
    bearer_token: Secret | None = None
    username: str = ""
    password: Secret | None = None
    ca_file: str = ""
    insecure: bool = False
    """Do not verify TLS."""
    cert_file: str = ""
    """The client's certificate (PEM), for servers that ask who we are."""
    key_file: str = ""
    """Its private key, where that is not in `cert_file`."""
    key_password: Secret | None = None
    unix_socket: str = ""
    """Connect to this socket; the host of `url` then only names whom to ask."""
    services: tuple[tuple[str, ServiceMapping], ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    """Switches and numbers of a preset, for example `legacy_token_semantics: true`."""
    gateway_labels: tuple[str, ...] = ()
    """The gateway is the first of these labels with a value; () is always `gateway`."""
    gateways: tuple[tuple[str, str], ...] = ()
    """(glob on that value, what it is called)."""
    # prometheus
    match: str = ""
    """Label matchers, without braces."""
    mode: str = "raw"
    """`raw` or `aggregate`."""
    queries: tuple[QueryConfig, ...] = ()
    elsewhere: tuple[Elsewhere, ...] = ()
    """What the other sources that count see; filled in when the file is read."""


ALARMS: Final = ("bell", "toast", "title")


@dataclass(frozen=True, slots=True)
class DisplayConfig:
    theme: str = "costtui-dark"
    window: str = "24h"
    refresh: float = 1.0
    """The least seconds between two repaints with new data."""
    ascii: bool = False
    remember: bool = True
    """Start with the theme, window, order and screen that were on at the last end."""
    alerts: tuple[str, ...] = ("bell", "toast")
    """What happens when an alert begins to fire: `ALARMS`."""


STALE: Final = ("allow", "deny")


@dataclass(frozen=True, slots=True)
class ListenConfig:
    """`listen:`, the collector's HTTP listener."""

    address: str = ""
    """`HOST:PORT`; "" is off."""
    token: Secret | None = None
    series: int = 50_000
    """The most series of usage on `/metrics`."""
    on_stale: str = "allow"
    """`allow` or `deny`: what `/budget` says while it does not know the newest usage."""
    on_missing: str = "allow"
    """The same where the question lacks a dimension that a budget needs."""


@dataclass(frozen=True, slots=True)
class SavedView:
    """One entry of `views:`. What it does not say stays as it is; filters are always replaced."""

    screen: str = ""
    window: str = ""
    group: str = ""
    filters: tuple[str, ...] = ()
    """As typed behind `/`."""
    sort: str = ""
    reverse: bool | None = None
    unit: str = ""
    compare: bool | None = None
    chart: str = ""


@dataclass(frozen=True, slots=True)
class Config:
    """Everything, validated. `files` are the files it came from (for messages)."""

    store: StoreConfig
    sources: tuple[SourceConfig, ...] = ()
    pricing: tuple[PriceOverride, ...] = ()
    pricing_file: Path | None = None
    provider_aliases: tuple[tuple[str, str], ...] = ()
    """(name a gateway uses, catalogue name), laid over the built-in table."""
    catalogue: bool = True
    """Use the built-in offline price catalogue below `pricing:`."""
    consumers: tuple[tuple[str, Consumer], ...] = ()
    alerts: tuple[AlertRule, ...] = ()
    """Those of a preset too, in its place."""
    alert_interval: int = 15
    """Seconds between two evaluations of the rules and budgets."""
    budgets: tuple[BudgetConfig, ...] = ()
    notifiers: tuple[NotifierConfig, ...] = ()
    display: DisplayConfig = field(default_factory=DisplayConfig)
    keymap: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """(action id, keys as the screen names them), for the actions that the user gave other keys."""
    views: tuple[tuple[str, SavedView], ...] = ()
    listen: ListenConfig = field(default_factory=ListenConfig)
    timezone: str = "local"
    """IANA name or `local`: where days and months begin."""
    files: tuple[Path, ...] = ()

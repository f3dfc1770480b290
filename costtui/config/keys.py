"""Every key of the configuration, once.

Reading and validation, `costtui config show` and `schema`, and the reference in
`docs/configuration.md` are all made from this table; a test holds it against the dataclasses of
`schema` and against the sample, so a key cannot exist in one of them only. Defaults are not
repeated here: they come from the dataclasses.
"""

from __future__ import annotations

from dataclasses import MISSING, dataclass, field, fields
from typing import Any, Final

from costtui.config.kinds import (
    Bool,
    Choice,
    Day,
    Duration,
    File,
    Glob,
    Kind,
    Money,
    Text,
    Written,
    Zone,
)
from costtui.config.presets import preset_types
from costtui.config.schema import (
    RATE_KEYS,
    AlertRule,
    Config,
    Consumer,
    DisplayConfig,
    PriceOverride,
    Retention,
    ServiceMapping,
    SourceConfig,
    StoreConfig,
)
from costtui.config.secret_kinds import HeaderValue, Masked, SecretFile
from costtui.config.words import did_you_mean
from costtui.model.charge import CostPolicy
from costtui.model.dimension import DIMENSIONS, MAPPED_DIMENSIONS
from costtui.model.timewindow import WINDOW_BY_NAME


@dataclass(eq=False, repr=False)
class Preset(Text):
    """The name of a preset."""

    def parse(self, written: Written) -> str:
        text = super().parse(written)
        known = preset_types()
        if text not in known:
            near = did_you_mean(text, known)
            raise ValueError(f"is not a preset{near}; there are {', '.join(sorted(known))}")
        return text


@dataclass(slots=True, eq=False, repr=False)
class Key:
    """One key of a section."""

    name: str
    kind: Shape
    doc: str
    fields: tuple[str, ...] = ()
    """The fields of the section's dataclass that it fills; () is the field of its own name."""
    required: bool = False
    default: str | None = None
    """What the manual says, where the dataclass cannot say it."""
    only: str = ""
    """The source type it is for; "" is every type."""
    shown: bool = True
    """False for another way to write a field that `config show` prints under its first key."""

    @property
    def targets(self) -> tuple[str, ...]:
        return self.fields or (self.name,)


@dataclass(slots=True, eq=False, repr=False)
class Section:
    """A mapping with known keys."""

    cls: type
    keys: tuple[Key, ...]
    by_name: dict[str, Key] = field(init=False)

    def __post_init__(self) -> None:
        self.by_name = {key.name: key for key in self.keys}

    def default(self, key: Key) -> Any:
        """The dataclass's default for `key`, or MISSING."""
        for one in fields(self.cls):
            if one.name == key.targets[0]:
                return one.default_factory() if callable(one.default_factory) else one.default
        return MISSING


@dataclass(slots=True, eq=False, repr=False)
class ListOf:
    item: Shape


@dataclass(slots=True, eq=False, repr=False)
class MapOf:
    """A mapping whose keys the user chooses."""

    key: Kind
    item: Shape
    placeholder: str
    """How the manual calls a key."""


@dataclass(slots=True, eq=False, repr=False)
class Free:
    """A mapping that its source understands; kept as it is, with `${NAME}` filled in."""


Shape = Kind | Section | ListOf | MapOf | Free

DIMENSION: Final = Choice(DIMENSIONS + MAPPED_DIMENSIONS)

RETENTION: Final = Section(
    Retention,
    (
        Key("requests", Duration(never="forever"), "Single requests: the list you drill down to."),
        Key("minute", Duration(never="forever"), "Sums per minute: exact edges of any window."),
        Key("hour", Duration(never="forever"), "Sums per hour."),
        Key("day", Duration(never="forever"), "Sums per day: the totals of past years."),
    ),
)

STORE: Final = Section(
    StoreConfig,
    (
        Key(
            "path",
            File(),
            "The SQLite file that holds what was collected. Also `--db` and `COSTTUI_DB`.",
            default="~/.local/share/costtui/costtui.db",
        ),
        Key("retention", RETENTION, "How long each level of detail is kept."),
    ),
)

SERVICE: Final = Section(
    ServiceMapping,
    (
        Key("provider", Text(), "The provider behind this service.", required=True),
        Key("model", Text(), "The model behind it, where it is always the same."),
    ),
)

SOURCE: Final = Section(
    SourceConfig,
    (
        Key("name", Text(limit=100), "What you call it; each name once.", required=True),
        Key(
            "type",
            Choice(("jsonl", "metrics")),
            "`jsonl` tails log files, `metrics` scrapes a Prometheus exposition page.",
            required=True,
        ),
        Key(
            "gateway",
            Text(limit=100),
            "The gateway whose traffic it counts. Two sources may not count the same gateway.",
            default="the name",
        ),
        Key("preset", Preset(), "A shape that costtui knows. This, or `fields`, or both."),
        Key(
            "fields",
            Free(),
            "A mapping for any other shape; laid over the preset where both are given.",
        ),
        Key(
            "interval",
            Duration(plain=True, least="0.1s", fraction=True),
            "Time between two polls.",
            default="1s for jsonl, 15s for metrics",
        ),
        Key("timeout", Duration(plain=True, least="0.1s", fraction=True), "Limit for one poll."),
        Key(
            "role",
            Choice(("count", "reconcile")),
            "`reconcile` is read and compared with what counts, never added.",
        ),
        Key(
            "cost",
            Choice(tuple(policy.name.lower() for policy in CostPolicy), CostPolicy),
            "Which money counts: what the source reports, tokens × rate, or the same marked `~`.",
        ),
        Key(
            "paths",
            ListOf(File(glob=True)),
            "Files and globs (`**` too), plain or `.gz`.",
            only="jsonl",
        ),
        Key(
            "path",
            File(glob=True),
            "One file or glob, instead of `paths`.",
            ("paths",),
            default="",
            only="jsonl",
            shown=False,
        ),
        Key("since", Duration(never="all"), "How much history to read.", only="jsonl"),
        Key("url", Text(), "The page to scrape, `http://` or `https://`.", only="metrics"),
        Key(
            "headers",
            MapOf(Text(limit=200), HeaderValue(), "header"),
            "Sent with each request. One that can be a secret takes its value from `${NAME}`.",
            only="metrics",
        ),
        Key("bearer_token", Masked(), "From `${NAME}` only.", only="metrics"),
        Key(
            "bearer_token_file",
            SecretFile(),
            "A file that holds nothing but the token.",
            ("bearer_token",),
            only="metrics",
            shown=False,
        ),
        Key("username", Text(), "For HTTP basic authentication.", only="metrics"),
        Key("password", Masked(), "From `${NAME}` only.", only="metrics"),
        Key(
            "password_file",
            SecretFile(),
            "A file that holds nothing but the password.",
            ("password",),
            only="metrics",
            shown=False,
        ),
        Key(
            "ca_file",
            File(must_exist=True),
            "Certificates (PEM) to trust beside the system's.",
            only="metrics",
        ),
        Key("insecure", Bool(), "Do not verify TLS certificates.", only="metrics"),
        Key(
            "cert_file",
            File(must_exist=True),
            "Our own certificate (PEM), for a server that asks for one.",
            only="metrics",
        ),
        Key(
            "key_file",
            File(must_exist=True),
            "Its private key, where it is not in `cert_file`.",
            only="metrics",
        ),
        Key("key_password", Masked(), "Of an encrypted key. From `${NAME}` only.", only="metrics"),
        Key(
            "key_password_file",
            SecretFile(),
            "A file that holds nothing but that password.",
            ("key_password",),
            only="metrics",
            shown=False,
        ),
        Key(
            "unix_socket",
            File(),
            "Connect to this socket instead of the host of `url`.",
            only="metrics",
        ),
        Key(
            "services",
            MapOf(Text(), SERVICE, "service"),
            "What a gateway's `service` label stands for (preset `kong-requests`).",
            only="metrics",
        ),
        Key("options", Free(), "Switches and numbers of the preset."),
    ),
)

PRICE: Final = Section(
    PriceOverride,
    (
        Key("provider", Glob(empty=True), "Which provider, upper or lower case."),
        Key("model", Glob(empty=True), 'Which model; "" is usage without one.'),
        Key("from", Day(), "The first day it holds (UTC).", ("start",)),
        Key("until", Day(), "The first day it no longer holds (UTC)."),
        Key(
            "unit",
            Choice(("1M", "1K")),
            "How many tokens the rates are for.",
            ("rates",),
            default="1M",
        ),
        *(
            Key(rate, Money(), f"USD per unit of {rate} tokens.", ("rates",), default="")
            for rate in RATE_KEYS
        ),
        Key("per_request", Money(), "USD per successful request, whatever its size: an estimate."),
        Key("free", Bool(), "It costs nothing: $0, and exact."),
    ),
)

CONSUMER: Final = Section(
    Consumer,
    (
        Key("name", Text(empty=True), "Shown instead of the id."),
        Key("team", Text(empty=True), "What `team` groups by."),
        Key("org", Text(empty=True), "What `org` groups by."),
    ),
)

ALERT: Final = Section(
    AlertRule,
    (
        Key("name", Text(limit=100), "Each name once.", required=True),
        Key(
            "cost_over",
            Money(),
            "USD; it fires above this, not at it.",
            ("cost_over_nano",),
            required=True,
        ),
        Key(
            "window",
            Duration(least="1m", whole_minutes=True),
            "The time up to now that is summed.",
            ("window", "window_name"),
            required=True,
        ),
        Key("by", ListOf(DIMENSION), "One alert for each value or combination of these."),
        Key("where", MapOf(DIMENSION, Text(empty=True), "dimension"), "Only this usage."),
        Key("for", Duration(least="0s"), "How long it must hold before it fires.", ("hold",)),
        Key("severity", Choice(("info", "warning", "critical")), "How loud it is."),
    ),
)

DISPLAY: Final = Section(
    DisplayConfig,
    (
        Key("theme", Text(), "Also `--theme` and `COSTTUI_THEME`."),
        Key(
            "window",
            Choice(tuple(WINDOW_BY_NAME)),
            "The first window. Also `--window` and `COSTTUI_WINDOW`.",
        ),
        Key(
            "refresh",
            Duration(plain=True, least="0.1s", fraction=True),
            "The least time between two repaints with new data. Also `--refresh`.",
        ),
        Key("ascii", Bool(), "Draw with ASCII only. Also `--ascii`."),
    ),
)

ROOT: Final = Section(
    Config,
    (
        Key("store", STORE, "Where usage is kept, and how long."),
        Key("sources", ListOf(SOURCE), "What is read."),
        Key(
            "pricing",
            ListOf(PRICE),
            "Your own prices, over the catalogue. The last entry that matches wins. "
            "An entry prices in one way: by rates, `per_request` or `free`.",
        ),
        Key(
            "pricing_file",
            File(must_exist=True),
            "An LLM proxy's own `config.yml` with `providers.<p>.models.<m>.pricing`.",
        ),
        Key(
            "provider_aliases",
            MapOf(Text(), Text(), "name"),
            "A gateway's name for a provider, and the catalogue's.",
        ),
        Key("catalogue", Bool(), "Use the built-in price catalogue (it works offline)."),
        Key("consumers", MapOf(Glob(), CONSUMER, "id or glob"), "Who a consumer id is."),
        Key("alerts", ListOf(ALERT), "Cost over a rolling window."),
        Key("display", DISPLAY, "The screen."),
        Key("timezone", Zone(), "Where days and months begin."),
    ),
)

"""The keys of `sources:`."""

from __future__ import annotations

from typing import Final

from costtui.config.kinds import (
    Bool,
    Choice,
    Duration,
    File,
    Glob,
    Text,
)
from costtui.config.schema import (
    PER_SECONDS,
    QUERY_QUANTITIES,
    QueryConfig,
    ServiceMapping,
    SourceConfig,
)
from costtui.config.secret_kinds import HeaderValue, Masked, SecretFile
from costtui.config.sections import Free, Key, ListOf, MapOf, Preset, Section
from costtui.model.charge import CostPolicy
from costtui.model.dimension import DIMENSIONS

LOGS: Final = ("jsonl",)
SERVERS: Final = ("metrics", "prometheus")
PROMETHEUS: Final = ("prometheus",)
SOURCE_TYPES: Final = ("jsonl", "metrics", "prometheus")

SERVICE: Final = Section(
    ServiceMapping,
    (
        Key("provider", Text(), "The provider behind this service.", required=True),
        Key("model", Text(), "The model behind it, where it is always the same."),
    ),
)

QUERY: Final = Section(
    QueryConfig,
    (
        Key("query", Text(), "The PromQL, one series a combination of labels.", required=True),
        Key(
            "quantity",
            Choice(QUERY_QUANTITIES),
            "What its value is a rate of: USD, tokens of one kind, or requests.",
            required=True,
        ),
        Key("per", Choice(tuple(PER_SECONDS)), "The time that the rate is for."),
        Key(
            "dimensions",
            MapOf(
                Choice(("provider", "model", "consumer", "gateway", "endpoint")),
                Text(),
                "dimension",
            ),
            "Which label holds a dimension.",
        ),
        Key("values", MapOf(Choice(DIMENSIONS), Text(), "dimension"), "Dimensions that are fixed."),
    ),
)

SOURCE: Final = Section(
    SourceConfig,
    (
        Key("name", Text(limit=100), "What you call it; each name once.", required=True),
        Key(
            "type",
            Choice(SOURCE_TYPES),
            "`jsonl` tails log files, `metrics` scrapes an exposition page, `prometheus` asks a "
            "Prometheus server (or Thanos, Mimir, VictoriaMetrics) that scrapes such pages.",
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
            default="1s for jsonl, else 15s",
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
            only=LOGS,
        ),
        Key(
            "path",
            File(glob=True),
            "One file or glob, instead of `paths`.",
            ("paths",),
            default="",
            only=LOGS,
            shown=False,
        ),
        Key(
            "since",
            Duration(never="all"),
            "How much history to read.",
            default="`all`, of a Prometheus `30d`",
            only=LOGS + PROMETHEUS,
        ),
        Key(
            "url",
            Text(),
            "The page to scrape, or the server to ask; `http://` or `https://`.",
            only=SERVERS,
        ),
        Key(
            "match",
            Text(empty=True),
            'Which series: label matchers such as `job="agentgateway"`.',
            only=PROMETHEUS,
        ),
        Key(
            "mode",
            Choice(("raw", "aggregate")),
            "`raw` counts every sample exactly; `aggregate` lets the server add up, an estimate, "
            "for fleets too large for that.",
            only=PROMETHEUS,
        ),
        Key(
            "queries",
            ListOf(QUERY),
            "PromQL of your own for rates of cost or tokens, summed over time: an estimate.",
            only=PROMETHEUS,
        ),
        Key(
            "gateway_labels",
            ListOf(Text(limit=200)),
            "Labels that name the gateway: the first that has a value, else `gateway`.",
            default="`[instance]` for prometheus without `gateway`",
            only=SERVERS,
        ),
        Key(
            "gateways",
            MapOf(Glob(), Text(limit=100), "value or glob"),
            "What a value of `gateway_labels` is called.",
            only=SERVERS,
        ),
        Key(
            "headers",
            MapOf(Text(limit=200), HeaderValue(), "header"),
            "Sent with each request. One that can be a secret takes its value from `${NAME}`.",
            only=SERVERS,
        ),
        Key("bearer_token", Masked(), "From `${NAME}` only.", only=SERVERS),
        Key(
            "bearer_token_file",
            SecretFile(),
            "A file that holds nothing but the token.",
            ("bearer_token",),
            only=SERVERS,
            shown=False,
        ),
        Key("username", Text(), "For HTTP basic authentication.", only=SERVERS),
        Key("password", Masked(), "From `${NAME}` only.", only=SERVERS),
        Key(
            "password_file",
            SecretFile(),
            "A file that holds nothing but the password.",
            ("password",),
            only=SERVERS,
            shown=False,
        ),
        Key(
            "ca_file",
            File(must_exist=True),
            "Certificates (PEM) to trust beside the system's.",
            only=SERVERS,
        ),
        Key("insecure", Bool(), "Do not verify TLS certificates.", only=SERVERS),
        Key(
            "cert_file",
            File(must_exist=True),
            "Our own certificate (PEM), for a server that asks for one.",
            only=SERVERS,
        ),
        Key(
            "key_file",
            File(must_exist=True),
            "Its private key, where it is not in `cert_file`.",
            only=SERVERS,
        ),
        Key("key_password", Masked(), "Of an encrypted key. From `${NAME}` only.", only=SERVERS),
        Key(
            "key_password_file",
            SecretFile(),
            "A file that holds nothing but that password.",
            ("key_password",),
            only=SERVERS,
            shown=False,
        ),
        Key(
            "unix_socket",
            File(),
            "Connect to this socket instead of the host of `url`.",
            only=SERVERS,
        ),
        Key(
            "services",
            MapOf(Text(), SERVICE, "service"),
            "What a gateway's `service` label stands for (preset `kong-requests`).",
            only=SERVERS,
        ),
        Key("options", Free(), "Switches and numbers of the preset."),
    ),
    choices=SOURCE_TYPES,
)

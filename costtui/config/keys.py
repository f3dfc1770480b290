"""Every key of the configuration, once.

Reading and validation, `costtui config show` and `schema`, and the reference in
`docs/configuration.md` are all made from this table; a test holds it against the dataclasses of
`schema` and against the sample, so a key cannot exist in one of them only. Defaults are not
repeated here: they come from the dataclasses.
"""

from __future__ import annotations

from typing import Final

from costtui.config.alert_keys import ALERT, BUDGET, NOTIFIER
from costtui.config.keynames import KeyName
from costtui.config.kinds import (
    Bool,
    Choice,
    Day,
    Duration,
    File,
    Glob,
    Money,
    TagName,
    Text,
    Zone,
)
from costtui.config.listen import LISTEN
from costtui.config.schema import (
    ALARMS,
    RATE_KEYS,
    Config,
    Consumer,
    DisplayConfig,
    PriceOverride,
    Retention,
    SavedView,
    StoreConfig,
)
from costtui.config.sections import Key, ListOf, MapOf, Section
from costtui.config.source_keys import SOURCE
from costtui.model.timewindow import WINDOW_BY_NAME

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
        Key(
            "tags",
            MapOf(TagName(), Text(empty=True, limit=200), "tag"),
            "What `tag:NAME` groups by: any names of your own.",
        ),
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
        Key(
            "remember",
            Bool(),
            "Start with the theme, window, group, order, unit, chart and screen of the last end.",
        ),
        Key(
            "alerts",
            ListOf(Choice(ALARMS)),
            "When one begins to fire: ring the `bell`, say so above the keys (`toast`), put it"
            " into the `title` of the terminal.",
            default="`[bell, toast]`",
        ),
    ),
)

VIEW: Final = Section(
    SavedView,
    (
        Key("screen", Text(), "`overview`, `requests`, `fleet` … : where it opens."),
        Key("window", Choice(tuple(WINDOW_BY_NAME)), "How much time it shows."),
        Key("group", Text(), "What the big panel shows: a dimension, or `tag:NAME`."),
        Key("filters", ListOf(Text()), "Each as typed behind `/`, for example `provider=openai`."),
        Key("sort", Text(), "The column that rows are sorted by."),
        Key("reverse", Bool(), "The other way round."),
        Key("unit", Text(), "`cost`, `tokens`, `requests` or `rate` ($ per 1M tokens)."),
        Key("compare", Bool(), "Show the change against the period before."),
        Key("chart", Text(), "`time`, `groups`, `tokens` or `cumulative`: what the chart shows."),
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
        Key("alerts", ListOf(ALERT), "What is watched. A rule has exactly one measure."),
        Key(
            "alert_interval",
            Duration(plain=True),
            "Time between two evaluations of alerts and budgets.",
        ),
        Key("budgets", ListOf(BUDGET), "What may be spent in a period."),
        Key("notifiers", ListOf(NOTIFIER), "Who is told of alerts."),
        Key("listen", LISTEN, "What the collector answers over HTTP (docs/listener.md)."),
        Key("display", DISPLAY, "The screen."),
        Key(
            "keymap",
            MapOf(Text(), ListOf(KeyName(), single=True), "action"),
            "Your own keys, by the action's id (docs/keys.md); `[]` takes all keys from it.",
        ),
        Key("views", MapOf(Text(limit=40), VIEW, "name"), "Places to go to by name: `:view NAME`."),
        Key("timezone", Zone(), "Where days and months begin."),
    ),
)

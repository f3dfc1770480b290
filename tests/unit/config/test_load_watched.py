"""What `alerts:`, `budgets:` and `notifiers:` of a file with everything become."""

from __future__ import annotations

from pathlib import Path

from costtui.config.load import load
from costtui.config.schema import AlertRule, BudgetConfig, NotifierConfig, Secret

FILE = Path(__file__).parents[2] / "fixtures" / "config" / "valid" / "everything.yml"
ENV = {"HOME": "/home/me", "LOGS": "/srv/logs", "TOKEN": "t0ken", "ONLY": "ai"}


def test_what_is_watched_and_who_is_told() -> None:
    everything = load(FILE, env=ENV)
    assert everything.alerts == (
        AlertRule("all", "cost_over", 50_000_000_000, 86400, "24h"),
        AlertRule(
            "by two",
            "cost_over",
            100_000_000,
            5400,
            "90m",
            by=("consumer", "model"),
            where=(("provider", "openai"), ("consumer", "")),
            hold=300,
            keep=600,
            severity="critical",
            labels=(("page", "finance"),),
            notify=("chat",),
            no_data="ok",
        ),
        AlertRule("tokens", "tokens_over", 1_500_000, 3600, "1h", notify=()),
        AlertRule("errors", "error_share_over", 25_000, 900, "15m", min_requests=50),
        AlertRule("rate", "projected_over", 100_000_000, 3600, "1h", per=7 * 86400),
        AlertRule("spike", "spike_over", 2_500, 3600, "1h", min_cost_nano=10_000_000),
        AlertRule("silent", "silent_for", 5400, 86400, "1d", by=("consumer",)),
        AlertRule("down", "source_down_for", 300, 60, "1m"),
    )
    assert everything.alert_interval == 60
    assert everything.budgets == (
        BudgetConfig("org", 1000 * 10**9, by=("org",), notify=("chat", "hook")),
        BudgetConfig(
            "team",
            99_990_000_000,
            "rolling",
            30 * 86400,
            ("org", "team"),
            (("provider", "openai"),),
            (500_000, 900_000, 1_200_000),
            forecast=False,
            burn_over=14_400,
            burn_window=7200,
            burn_short_window=600,
            parent="org",
            severity="warning",
            labels=(("page", "finance"),),
        ),
    )
    assert everything.notifiers == (
        NotifierConfig(
            "chat",
            "slack",
            Secret("https://hooks.slack.com/t0ken"),
            severity="warning",
            resolved=False,
        ),
        NotifierConfig(
            "hook",
            "webhook",
            Secret("https://hook.internal/costtui"),
            Secret("pass word"),
            (("Authorization", Secret("Bearer t0ken")),),
            '{"text": "{summary}"}\n',
            group_by=("alertname", "team"),
            group_wait=0,
            repeat=None,
            timeout=2.5,
        ),
        NotifierConfig("am", "alertmanager", Secret("http://am:9093")),
        NotifierConfig("phone", "apprise", Secret("tgram://t0ken/1")),
        NotifierConfig("program", "command", command=("logger", "-t", "costtui")),
    )

"""The alerts of a report: rows of one rule are told apart in 78 columns."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from costtui.cli.report_text import _alerts
from costtui.cli.report_words import WIDTH
from costtui.model.snapshot import AlertStatus


def lines_of(*alerts: AlertStatus) -> list[str]:
    report: Any = SimpleNamespace(alerts=alerts, mutes={})
    return list(_alerts(report))[3:]


def test_what_is_too_long_leaves_out_the_names_of_labels() -> None:
    people = ("search-indexing-team", "search-ranking-team", "")
    alerts = tuple(
        AlertStatus("budget per head and per team", (("consumer", who), ("step", step)), "firing",
                    "warning", 900_000, 800_000, 1.0, "month", unit="share")
        for who in people for step in ("80%", "forecast")
    )  # fmt: skip
    lines = lines_of(*alerts)
    assert len(set(lines)) == len(alerts)
    assert all(len(line) <= WIDTH for line in lines)
    assert any(line.endswith("(search-indexing-team, 80%)") for line in lines)


def test_what_fits_has_them_with_the_step_last() -> None:
    labels = (("step", "80%"), ("team", "a"))
    one = AlertStatus("b", labels, "firing", "info", 9, 8, 1.0, "day", unit="share")
    (line,) = lines_of(one)
    assert line.endswith(": b (team=a, step=80%)")

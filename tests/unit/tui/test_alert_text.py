"""Rows of one rule are told apart by their label sets, however little room there is."""

from __future__ import annotations

from datetime import UTC

import pytest

from costtui.model.snapshot import AlertStatus
from costtui.tui import themes
from costtui.tui.cells import cell_len
from costtui.tui.glyphs import UNICODE
from costtui.tui.look import Look
from costtui.tui.palette import Palette
from costtui.tui.widgets.alert_lists import AlertsInFull
from costtui.tui.widgets.alerts import Alerts, alert_text


@pytest.fixture
def look() -> Look:
    theme = themes.read(themes.builtin_dir() / "costtui-dark.yml")
    return Look(Palette({**theme.colors, **theme.variables}), UNICODE, UTC)


def status(rule: str, *labels: tuple[str, str]) -> AlertStatus:
    return AlertStatus(rule, labels, "firing", "warning", 9, 8, 1.0, "month", unit="share")


def per_head(who: str, step: str = "80%") -> AlertStatus:
    return status("budget per head", ("consumer", who), ("step", step))


@pytest.mark.parametrize(
    ("width", "text"),
    [
        (40, "budget per head alice 80%"), (25, "budget per head alice 80%"),
        (24, "per head alice 80%"), (18, "per head alice 80%"), (17, "per he… alice 80%"),
    ],
)  # fmt: skip
def test_what_tells_them_apart_is_cut_last(look: Look, width: int, text: str) -> None:
    found = alert_text(per_head("alice"), look, width)
    assert found == text
    assert cell_len(found) <= width


@pytest.mark.parametrize("width", range(14, 40))
def test_rows_differ_in_every_width(look: Look, width: int) -> None:
    rows = [per_head(w, s) for w in ("alice", "bob", "") for s in ("50%", "forecast")]
    texts = [alert_text(row, look, width) for row in rows]
    assert all(cell_len(text) <= width for text in texts)
    assert len(set(texts)) == len(rows)


def test_names_of_labels_where_there_are_several_and_room(look: Look) -> None:
    two = status("opus", ("model", "claude-opus-4-1"), ("team", "search"))
    assert alert_text(two, look, 60) == "opus model=claude-opus-4-1 team=search"
    assert alert_text(two, look, 30) == "opus claude-opus-4-1 search"
    assert alert_text(status("budget"), look, 30) == "budget"
    assert alert_text(status("a week", ("step", "80%")), look, 30) == "a week 80%"


def test_severity_and_bar_make_way_for_long_names(look: Look) -> None:
    full, small = AlertsInFull(look), Alerts(look)

    def limit() -> int:
        return next(c.width for c in small.columns(55) if c.id == "limit")

    for table in (full, small):
        table.set_items([per_head("alice")])
    assert {"severity", "bar"} <= {c.id for c in full.columns(118)}
    assert limit() == 14, "its window, as the names fit"
    small.set_items([per_head("alice-and-bob")])
    assert limit() == 9
    for table in (full, small):
        table.set_items([per_head("a-service-account-with-a-long-name")])
    assert limit() == 14, "five cells more would not help"
    assert not {"severity", "bar"} & {c.id for c in full.columns(118)}
    (name,) = [c for c in full._fitted(118) if c.id == "rule"]
    assert name.width >= cell_len("budget per head a-service-account-with-a-long-name 80%")

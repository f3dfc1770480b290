"""What rings, what is said and what the terminal is called when an alert begins to fire."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from costtui.config.load import load
from costtui.config.schema import DisplayConfig
from costtui.errors import ConfigError
from costtui.model.snapshot import AlertStatus
from costtui.tui.alarm import Alarm
from costtui.tui.app import CosttuiApp


def alert(rule: str, state: str = "firing", since: float = 1.0) -> AlertStatus:
    return AlertStatus(rule, (), state, "warning", 2, 1, since, "24h")


class FakeApp:
    """Counts what it is asked for; it is its own driver."""

    is_headless = False

    def __init__(self) -> None:
        self.bells = 0
        self.said: list[str] = []
        self.written = ""
        self._driver = self

    def bell(self) -> None:
        self.bells += 1

    def notify(self, text: str, **_: Any) -> None:
        self.said.append(text)

    def write(self, text: str) -> None:
        self.written += text

    def flush(self) -> None:
        pass


def make(ways: Sequence[str]) -> tuple[FakeApp, Alarm]:
    app = FakeApp()
    return app, Alarm(cast("CosttuiApp", app), ways)


def test_what_fires_at_the_start_rings_and_what_begins_later_is_said() -> None:
    app, alarm = make(DisplayConfig().alerts)
    alarm.look([alert("old"), alert("calm", "pending")], past=False)
    assert (app.bells, app.said) == (1, [])
    alarm.look([alert("old")], past=False)
    assert app.bells == 1
    alarm.look([alert("old"), alert("a\x1b[2Jb")], past=False)
    assert app.bells == 2
    assert app.said == ["old, a\\x1b[2Jb: firing now. F4 lists the alerts."]
    alarm.look([alert(f"r{n}") for n in range(5)], past=True)
    assert app.said[1:] == [
        "r0, r1, r2 and 2 more: firing now. L goes back to now, F4 lists the alerts."
    ]
    alarm.close()
    assert app.written == ""


def test_the_title_is_that_of_the_terminal_again_at_the_end() -> None:
    app, alarm = make(["title"])
    alarm.look([], past=False)
    alarm.look([alert("x\x07\x1b]2;evil\x07")], past=False)
    alarm.look([alert("x\x07\x1b]2;evil\x07")], past=False)
    alarm.close()
    alarm.close()
    assert app.bells == 0
    assert app.said == []
    assert app.written == (
        "\x1b[22;2t\x1b]2;costtui\x07"
        "\x1b]2;(1) x\\x07\\x1b]2;evil\\x07 - costtui\x07"
        "\x1b]2;\x07\x1b[23;2t"
    )


def test_none_of_it_and_no_terminal() -> None:
    app, alarm = make([])
    alarm.look([alert("a")], past=True)
    assert (app.bells, app.said, app.written) == (0, [], "")
    app, alarm = make(["title"])
    app.is_headless = True
    alarm.look([alert("a")], past=False)
    assert app.written == ""


def test_the_configuration_says_which(tmp_path: Path) -> None:
    file = tmp_path / "c.yml"
    for text, ways in (
        ("display: {}", ("bell", "toast")),
        ("display: {alerts: []}", ()),
        ("display: {alerts: [title, bell]}", ("title", "bell")),
    ):
        file.write_text(text)
        assert load(file, env={"HOME": "/h"}).display.alerts == ways
    file.write_text("display: {alerts: [bel]}")
    with pytest.raises(ConfigError, match='did you mean "bell"'):
        load(file, env={"HOME": "/h"})

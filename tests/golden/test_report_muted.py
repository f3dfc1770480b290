"""`costtui report` says of an alert whether anybody is told of it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace

import pytest

from costtui.model.alert import Ack, Matcher, Silence
from costtui.model.snapshot import AlertStatus
from tests.golden.test_report_golden import NOW, Store, report


def test_an_alert_says_that_nobody_is_told_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    class Quiet(Store):
        def alerts(self) -> Sequence[AlertStatus]:
            return [replace(alert, id="e1") for alert in super().alerts()]

        def silences(self) -> Sequence[Silence]:
            return [Silence(1, (Matcher("alert", "=", "daily"),), NOW - 9, NOW + 60, "known", "bo")]

        def acks(self) -> Sequence[Ack]:
            return [Ack("daily", (("model", "gpt-4o"),), "e1", NOW - 5, "ann")]

    code, _ = report("--format", "summary", "--fail-on-alert", store=Quiet())
    out = capsys.readouterr().out
    assert code == 3
    assert re.search(
        r"\nfiring .*daily.*\n {9}acked by ann\n {9}silenced by bo until .*: known", out
    )
    report("--format", "json", store=Quiet())
    (alert, calm) = json.loads(capsys.readouterr().out)["alerts"]
    assert [mute["by"] for mute in alert["muted"]] == ["acked", "silenced"]
    assert calm["muted"] == []

"""What messages say: numbers, times, templates, chats, labels of Alertmanager."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from costtui.alerts.notify import compose, slack, words
from costtui.config.alert_schema import NotifierConfig
from costtui.config.placeholders import PLACEHOLDERS
from costtui.config.secret import Secret
from costtui.model.alert import AlertEvent, Parcel
from costtui.model.charge import Exactness

NOW = 1_790_000_000.0
URL = Secret("http://127.0.0.1:9/hook?x=1")
Make = Callable[..., Parcel]


def config(type_: str = "webhook", **given: Any) -> NotifierConfig:
    return NotifierConfig("n", type_, URL, **given)


def test_a_value_just_above_its_limit_is_not_shown_as_the_same(
    event: Callable[..., AlertEvent],
) -> None:
    near = event(value=50_000_000_001, exactness=Exactness.LOWER_BOUND)
    assert words.values(near) == ("≥$50.000000001", "$50.00")


def test_the_document_as_documented(parcel: Make) -> None:
    """A reader relies on these keys: one that goes or changes needs another `version`."""
    made = compose.document(config(group_by=("team",)), [parcel(7, resolved_at=0.5)], NOW + 0.25)
    assert made == {
        "version": 1,
        "source": "costtui",
        "notifier": "n",
        "state": "firing",
        "group": {"team": "search"},
        "sent_at": "2026-09-21T14:13:20.250Z",
        "alerts": [
            {
                "id": "e1",
                "delivery": "e1:firing",
                "state": "firing",
                "severity": "warning",
                "rule": "daily",
                "labels": {"team": "search"},
                "rule_labels": {"page": "finance"},
                "summary": "search spent $61.20 in 24h, more than $50.00",
                "cause": "gpt-4o: +$40",
                "unit": "cost",
                "value": 61_200_000_000,
                "limit": 50_000_000_000,
                "value_text": "$61.20",
                "limit_text": "$50.00",
                "exactness": "exact",
                "window": "24h",
                "active_at": "2026-09-21T14:12:20Z",
                "fired_at": "2026-09-21T14:13:20Z",
                "resolved_at": "1970-01-01T00:00:00.500Z",
                "created_at": "2026-09-21T14:13:20Z",
            }
        ],
    }


def test_machines_get_every_state_and_people_the_last(parcel: Make) -> None:
    both = [parcel(1), parcel(2, state="resolved", resolved_at=NOW + 600)]
    document = compose.document(config(), both, NOW)
    assert [a["state"] for a in document["alerts"]] == ["firing", "resolved"]
    assert document["state"] == "resolved"
    message = slack.message(config("slack"), both)
    (attachment,) = message["attachments"]
    assert attachment["color"] == "good"
    assert "It fired for 10 min." in attachment["text"]
    (alert,) = compose.alertmanager(both, NOW)
    assert alert["endsAt"] == "2026-09-21T14:23:20Z"


def test_several_alerts_in_a_chat_are_bounded(parcel: Make) -> None:
    many = [parcel(n, id=f"e{n}", summary="long " * 200) for n in range(50)]
    message = slack.message(config("slack"), many)
    assert message["text"] == "costtui: 50 firing … and 30 more"
    assert len(message["attachments"]) == 20
    mixed = [parcel(1), parcel(2, id="b", state="resolved")]
    assert slack.message(config("slack"), mixed)["text"] == "costtui: 1 firing, 1 resolved"
    critical = slack.message(config("slack"), [parcel(severity="critical")])
    assert critical["attachments"][0]["color"] == "danger"
    assert (
        "color" not in slack.message(config("slack"), [parcel(severity="info")])["attachments"][0]
    )


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("<!channel>", "&lt;!channel&gt;"),
        ("a & b", "a &amp; b"),
        ("@all", "@\u200ball"),
        ("x @here", "x @\u200bhere"),
        ("alice@example.com", "alice@example.com"),
        ("![x](https://evil)", "![x]\u200b(https:\u200b//evil)"),
    ],
)
def test_a_name_rings_nobody_and_leads_nowhere(name: str, shown: str, parcel: Make) -> None:
    message = slack.message(config("slack"), [parcel(rule=name)])
    assert shown in message["text"]
    assert message["mrkdwn"] is False


def test_a_template_of_a_chat(parcel: Make) -> None:
    template = "*{rule}* {labels.team}/{labels.nobody}: {value} > {limit} <https://wiki|look>"
    message = slack.message(config("slack", template=template), [parcel(rule="<a>")])
    assert message == {"text": "*&lt;a&gt;* search/: $61.20 > $50.00 <https://wiki|look>"}


def test_a_template_of_a_webhook_is_filled_in_as_json(parcel: Make) -> None:
    template = '{"text": "{rule}: {summary}", "n": {value_number}, "in": {"l": "{labels}"}}'
    one = parcel(rule='quote " back \\ brace {summary}', summary="line\nbreak")
    posted = compose.posted(config(template=template), [one], NOW)
    assert json.loads(posted.body) == {
        "text": 'quote " back \\ brace {summary}: line\\nbreak',
        "n": 61_200_000_000,
        "in": {"l": "team=search, page=finance"},
    }
    assert posted.headers["Content-Type"] == "application/json"
    assert posted.headers["X-Costtui-Delivery"] == "e1:firing"
    plain = compose.posted(config(template="{state} {since} {until}"), [one], NOW)
    assert plain.body == b"firing 2026-09-21T14:13:20Z "
    assert plain.headers["Content-Type"].startswith("text/plain")
    assert compose.most(config(template=template)) == 1


def test_every_placeholder_has_a_value(event: Callable[..., AlertEvent]) -> None:
    for name in PLACEHOLDERS:
        assert isinstance(words.placeholder(event(), name), str)


def test_labels_become_valid_and_stay_apart(event: Callable[..., AlertEvent]) -> None:
    labels = (("tag:a.b", "1"), ("tag:a_b", "2"), ("severity", "x"), ("9", ""), ("__x", "3"))
    assert compose.labels_of(event(labels=labels, extra=(("é", "4"),))) == {
        "alertname": "daily", "severity": "warning", "tag_a_b": "1", "tag_a_b_2": "2",
        "severity_2": "x", "label_9": "(none)", "label___x": "3", "_": "4",
    }  # fmt: skip


def test_a_firing_alert_ends_by_itself_unless_told_again(parcel: Make) -> None:
    (alert,) = compose.alertmanager([parcel()], NOW + 100)
    assert alert["startsAt"] == "2026-09-21T14:13:20Z"
    assert alert["endsAt"] == "2026-09-21T14:20:00Z"
    assert "generatorURL" not in alert
    assert alert["annotations"]["costtui_id"] == "e1"


@pytest.mark.parametrize(
    ("url", "posted"),
    [
        ("http://h:9093", "http://h:9093/api/v2/alerts"),
        ("http://h/am/", "http://h/am/api/v2/alerts"),
        ("https://u:p@h/api/v2/alerts?x=1", "https://u:p@h/api/v2/alerts?x=1"),
    ],
)
def test_where_alertmanager_is(url: str, posted: str, parcel: Make) -> None:
    made = compose.posted(NotifierConfig("n", "alertmanager", Secret(url)), [parcel()], NOW)
    assert made.url == posted


def test_a_group_has_one_delivery_whatever_the_try(parcel: Make) -> None:
    two = [parcel(1), parcel(2, id="b")]
    tried = [p._replace(attempts=9) for p in two]
    first = compose.posted(config(), two, NOW).headers["X-Costtui-Delivery"]
    assert compose.posted(config(), tried, NOW + 9).headers["X-Costtui-Delivery"] == first
    assert compose.posted(config(), two[:1], NOW).headers["X-Costtui-Delivery"] != first


HOSTILE = st.text(st.characters(), max_size=400) | st.sampled_from(
    ["\ud800", "\r\nX-Evil: 1", "\x1b]2;x\x07", "token:sk-abcdefghijklmnop1234567890", "{summary}"]
)


@given(
    text=HOSTILE,
    other=HOSTILE,
    type_=st.sampled_from(["webhook", "slack", "alertmanager"]),
    number=st.integers(-(2**63), 2**63 - 1),
    at=st.floats(allow_nan=False, allow_infinity=False),
    unit=st.sampled_from(["cost", "tokens", "requests", "share", "factor", "seconds"]),
    template=st.sampled_from(["", '{"a": "{summary}", "b": "{labels}{id}"}', "{rule} {cause}"]),
)
@example("\r\nX-Evil: 1", "\ud800", "webhook", 0, 0.0, "cost", "")
def test_no_name_breaks_a_message(
    text: str, other: str, type_: str, number: int, at: float, unit: str, template: str
) -> None:
    """JSON that a strict reader reads, headers of one line, and a bounded size."""
    event = AlertEvent(
        text, other, ((text, other), (other, text)), "warning", "firing", unit, number, number,
        text, at, at, at, Exactness.EXACT, other, text, ((text, text),), None,
    )  # fmt: skip
    parcels = [Parcel(n, "n", event._replace(id=f"{text}{n}"), 0, at) for n in range(3)]
    given = config(type_, template=template, secret=Secret("k")) if type_ != "alertmanager" else (
        config(type_)
    )  # fmt: skip
    parcels = parcels[: compose.most(given)]
    posted = compose.posted(given, parcels, NOW)
    for name, value in posted.headers.items():
        assert re.fullmatch(r"[ -~]+", f"{name}{value}")
    assert len(posted.body) < 100_000
    posted.body.decode("utf-8")
    if posted.headers["Content-Type"] != "application/json":
        return
    data = json.loads(posted.body)
    for found in _texts(data):
        found.encode("utf-8")  # no lone surrogates
        assert found.replace("\n", "").replace("\u200b", "").isprintable()
        assert "sk-abcdefghijklmnop" not in found
    for program in (compose.for_program(given, parcels, NOW), compose.for_apprise(given, parcels)):
        json.loads(program)


def _texts(data: Any) -> list[str]:
    if isinstance(data, dict):
        return [*data, *(text for value in data.values() for text in _texts(value))]
    if isinstance(data, list):
        return [text for value in data for text in _texts(value)]
    return [data] if isinstance(data, str) else []

"""What mutes an alert, and the writes of a viewer."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path

import pytest

from costtui.config.alert_schema import SHARE, AlertRule, BudgetConfig
from costtui.engine import muting
from costtui.errors import StoreError
from costtui.model.alert import Ack, AlertStatus, Labels, Matcher, Silence
from costtui.store.reader import Reader
from costtui.store.silences import silence as store_silence
from costtui.store.writer import Store

NOW = 1_790_000_000.0
RULE = AlertRule("spend", "cost_over", 10**9, 3600, "1h", labels=(("page", "night"),))
BUDGET = BudgetConfig("team", 10**12, by=("team",))


def alert(
    rule: str = "spend", labels: Labels = (), state: str = "firing", limit: int = 10**9
) -> AlertStatus:
    return AlertStatus(
        rule, labels, state, "warning", 2 * 10**9, limit, NOW - 60, "1h",
        id=f"{rule}{labels}" if state == "firing" else "",
    )  # fmt: skip


def step(name: str, team: str = "a") -> AlertStatus:
    labels = (("team", team), ("step", name))
    return alert("budget team", labels, limit=int(name[:-1]) * SHARE // 100)


def silence(*matchers: tuple[str, str, str], start: float = -60, end: float = 60) -> Silence:
    return Silence(7, tuple(Matcher(*m) for m in matchers), NOW + start, NOW + end, "why", "bob")


def kinds(*statuses: AlertStatus, silences: tuple[Silence, ...] = (),
          acks: tuple[Ack, ...] = ()) -> list[list[str]]:  # fmt: skip
    found = muting.muted((RULE,), (BUDGET,), statuses, silences, acks, NOW)
    return [[m.kind for m in found.get((a.rule, a.labels), ())] for a in statuses]


def test_nothing_is_muted_where_nobody_said_so() -> None:
    assert kinds(alert(), alert(state="inactive")) == [[], []]


@pytest.mark.parametrize(
    ("matchers", "expected"),
    [
        ((("alert", "=", "spend"),), ["silenced"]),
        ((("page", "=", "night"),), ["silenced"]),
        ((("severity", "=~", "warn.*"),), ["silenced"]),
        ((("alert", "=", "spend"), ("team", "=", "a")), []),
        ((("alert", "=~", "spen"),), []),
        ((("alert", "=~", "("),), []),
    ],
)
def test_a_silence_fits_by_name_severity_and_labels_of_the_rule(
    matchers: tuple[tuple[str, str, str], ...], expected: list[str]
) -> None:
    assert kinds(alert(), silences=(silence(*matchers),)) == [expected]


def test_a_silence_holds_from_its_start_to_before_its_end() -> None:
    by_name = ("alert", "=", "spend")
    for start, end, fits in ((0, 10, True), (1, 10, False), (-10, 0, False)):
        held = silence(by_name, start=start, end=end)
        assert bool(kinds(alert(), silences=(held,))[0]) is fits


def test_an_acknowledgement_is_of_one_episode() -> None:
    mine = alert()
    other = Ack("spend", (), "another", NOW, "ann")
    own = Ack("spend", (), mine.id, NOW - 1, "ann", "on it")
    assert kinds(mine, acks=(other,)) == [[]]
    (found,) = muting.muted((RULE,), (), (mine,), (), (own,), NOW).values()
    assert found == (muting.Mute("acked", "ann", NOW - 1, 0.0, "on it"),)


def test_an_acknowledgement_of_later_is_none_of_the_past() -> None:
    assert kinds(alert(), acks=(Ack("spend", (), alert().id, NOW + 1, "ann"),)) == [[]]


def test_a_higher_step_says_it_for_the_lower_ones_of_the_same_label_set() -> None:
    assert kinds(step("50%"), step("80%"), step("50%", "b")) == [["inhibited"], [], []]


def test_all_reasons_are_given() -> None:
    held = silence(("alert", "=", "budget team"))
    ack = Ack("budget team", step("50%").labels, step("50%").id, NOW, "ann")
    assert kinds(step("50%"), step("80%"), silences=(held,), acks=(ack,)) == [
        ["acked", "silenced", "inhibited"], ["silenced"],
    ]  # fmt: skip


def test_what_a_silence_would_mute_is_what_it_mutes() -> None:
    alerts = [alert(), step("50%"), step("50%", "b")]
    for matchers in ([("alert", "=", "spend")], [("team", "=", "b")], [("team", "!=", "b")]):
        wanted = [Matcher(*m) for m in matchers]
        fit = muting.fitting((RULE,), (BUDGET,), alerts, wanted)
        held = silence(*matchers)
        muted = muting.muted((RULE,), (BUDGET,), alerts, (held,), (), NOW)
        assert {(a.rule, a.labels) for a in fit} == set(muted)
    assert muting.fitting((RULE,), (), alerts, ()) == []


def test_matchers_of_an_alert_fit_it_alone() -> None:
    alerts = [alert(), step("50%"), step("50%", "b")]
    for one in alerts:
        assert muting.fitting((RULE,), (BUDGET,), alerts, muting.matchers_of(one)) == [one]


@pytest.mark.parametrize(
    ("env", "name"),
    [
        ({"SUDO_USER": "ann", "LOGNAME": "root", "USER": "root"}, "ann"),
        ({"LOGNAME": "bob", "USER": "carl"}, "bob"),
        ({"SUDO_USER": " ", "USER": "carl"}, "carl"),
    ],
)
def test_who_signs(env: dict[str, str], name: str) -> None:
    assert muting.author(env) == name


def test_who_signs_without_an_environment() -> None:
    assert muting.author({})


async def test_a_viewer_writes_and_takes_back(store_path: Path) -> None:
    one = alert()
    async with await Store.open(store_path, now=NOW) as store:
        await store.put_alerts([one, alert("quiet", state="inactive")], NOW)
        before = store.revision
        several = [one, alert("quiet", state="pending")]
        assert muting.acknowledge(store_path, several, NOW, by="x") == 1
        identity = muting.silence(store_path, muting.matchers_of(one), NOW, 3600, "r", "ann")
        with Reader(store_path, zone=UTC) as reader:
            (ack,), (held,) = reader.acks(), reader.silences()
            assert (ack.episode, ack.author) == (one.id, "x")
            assert (held.id, held.ends, held.author) == (identity, NOW + 3600, "ann")
            assert reader.revision() > before
            assert muting.unacknowledge(store_path, [one]) == 1
            assert muting.unacknowledge(store_path, [one]) == 0
            assert muting.end_silence(store_path, identity, NOW + 1)
            assert not muting.end_silence(store_path, identity, NOW + 2)
            assert reader.acks() == ()
            assert reader.silences()[0].ends == NOW + 1


def test_without_a_store_nothing_is_written(store_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no store yet"):
        muting.silence(store_path, (Matcher("alert", "=", "x"),), NOW, 60)
    with pytest.raises(ValueError, match="a silence needs a matcher"):
        store_silence(store_path, Silence(0, (), NOW, NOW + 1))

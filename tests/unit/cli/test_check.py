"""`costtui check`: the line, the exit code, and that hostile names stay in one line."""

from __future__ import annotations

import asyncio
import json
import re
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costtui.cli.check import label_of
from costtui.cli.main import main
from costtui.config.alert_schema import BudgetConfig
from costtui.model.alert import Ack, AlertStatus, Matcher, Silence
from costtui.model.budget import BudgetLine
from costtui.model.charge import Exactness
from costtui.store.silences import acknowledge, silence
from costtui.store.writer import Store
from tests.unit.engine.listening import NANO, fill, used

NOW = 1_795_000_000.0  # 18 November 2026, 11:06:40 UTC
CENT = NANO // 100
BUDGETS = """
consumers:
  alice: {team: search}
budgets:
  - {name: everything, limit: 1000, forecast: false}
  - {name: teams, limit: 500, by: [team]}
  - {name: of bob, limit: 10, where: {consumer: bob}}
"""
LINE = re.compile(
    r"COSTTUI (OK|WARNING|CRITICAL|UNKNOWN) - [^|\n]+"
    r"( \| ('([^'\n]|'')*'=-?[\d.]+USD(;[\d.]+){2};0;[\d.]+ ?)+)?\n"
)


@pytest.fixture(autouse=True)
def at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("costtui.cli.check.time.time", lambda: NOW)
    for name in ("COSTTUI_CONFIG", "COSTTUI_DB", "COST_TRACKING_FILE"):
        monkeypatch.delenv(name, raising=False)


class Site:
    """A configuration and its store."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.path = folder / "t.db"
        self.file = folder / "c.yml"
        self._capsys = capsys
        self.configure(BUDGETS)

    def configure(self, text: str) -> None:
        log = "sources: [{name: log, gateway: gw, type: jsonl, preset: llm-proxy, path: /none}]\n"
        store = f"timezone: UTC\nstore: {{path: {self.path}}}\n"
        self.file.write_text(store + log + text, encoding="utf-8")

    def spend(self, *pairs: tuple[str, int], ago: float = 10, now: float = NOW) -> None:
        """(consumer, cents), read at `now`."""
        fill(self.path, *(used(c, n * CENT, at=NOW - ago) for c, n in pairs), now=now)

    def spend_evenly(self, *pairs: tuple[str, int], hours: int = 419) -> None:
        """(consumer, cents) since the month began: without a day of history nobody says when a
        budget ends."""
        rows = []
        for who, cents in pairs:
            parts = [cents // hours + (at < cents % hours) for at in range(hours)]
            rows += [used(who, n * CENT, at=NOW - 10 - at * 3600) for at, n in enumerate(parts)]
        fill(self.path, *rows, now=NOW)

    def fires(self, *alerts: AlertStatus) -> None:
        async def run() -> None:
            async with await Store.open(self.path, now=NOW) as store:
                await store.put_alerts(alerts, NOW)

        asyncio.run(run())

    def check(self, *words: str) -> tuple[int, str]:
        code = main(["check", "--config", str(self.file), *words])
        out = self._capsys.readouterr()
        if "--json" not in words and code != 64:
            assert LINE.fullmatch(out.out), out.out
        return code, out.out if code != 64 else out.err


@pytest.fixture
def site(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Site:
    return Site(tmp_path, capsys)


def test_the_line_of_a_warning(site: Site) -> None:
    """415.20 of 500 in 17.46 days: 84.80 more take 3.57, from 11:06 on the 18th."""
    site.spend_evenly(("alice", 41_520))
    assert site.check("--budget", "teams") == (
        1,
        "COSTTUI WARNING - team search 83 % of $500.00 (month), ends 22 Nov"
        " | 'teams search'=415.20USD;400;500;0;500\n",
    )


@pytest.mark.parametrize(
    ("cents", "words", "code"),
    [
        (39_999, (), 0),
        (40_000, (), 1),  # exactly reached
        (49_999, (), 1),
        (50_000, (), 2),
        (60_000, (), 2),
        (30_000, ("--warn", "60%"), 1),
        (30_000, ("--warn", "0.6"), 1),
        (30_000, ("--warn", "50%", "--crit", "60%"), 2),
        (60_000, ("--warn", "130%", "--crit", "150%"), 0),
    ],
)
def test_shares_are_reached_at_exactly_them(
    site: Site, cents: int, words: tuple[str, ...], code: int
) -> None:
    site.spend(("alice", cents))
    assert site.check("--budget", "teams", *words)[0] == code


def test_without_options_all_budgets_and_alerts(site: Site) -> None:
    site.spend(("alice", 1_000), ("bob", 200))
    code, line = site.check()
    assert code == 0
    assert line.startswith("COSTTUI OK - 4 budgets, the fullest: of bob 20 % of $10.00 (month)")
    assert (
        "; no alert fires | 'of bob'=2.00USD;8;10;0;10 'teams search'=10.00USD;400;500;0;500 "
        in line
    )
    site.spend(("bob", 900))
    code, line = site.check()
    assert code == 2
    assert line.startswith("COSTTUI CRITICAL - of bob 110 % of $10.00 (month); no alert fires |")


def test_budgets_that_apply_to_a_consumer(site: Site) -> None:
    site.spend_evenly(("alice", 45_000), ("bob", 900))
    assert site.check("--consumer", "bob")[1].startswith(
        "COSTTUI WARNING - of bob 90 % of $10.00 (month), ends 20 Nov | 'of bob'=9.00USD;8;10;0;10 "
    )
    assert "team search 90 %" in site.check("--consumer", "alice")[1]
    assert "'teams search'=450.00USD" in site.check("--team", "search")[1]
    assert site.check("--team", "nobody")[0] == 0
    site.configure("budgets: [{name: x, limit: 1, where: {provider: anthropic}}]")
    assert site.check("--provider", "openai") == (
        3,
        "COSTTUI UNKNOWN - no budget applies to that\n",
    )


def test_alerts(site: Site) -> None:
    site.configure("alerts: [{name: dear, cost_over: 10, window: 24h, by: [consumer]}]")
    site.spend(("alice", 10))
    labels = (("consumer", "alice"),)
    status = AlertStatus("dear", labels, "firing", "warning", 12 * NANO, 10 * NANO, NOW, "24h")
    site.fires(status)
    told = "dear (consumer=alice): $12.00 spent in 24h, limit $10.00"
    assert site.check() == (1, f"COSTTUI WARNING - {told}\n")
    assert site.check("--alerts")[0] == 1
    silence(site.path, Silence(0, (Matcher("alert", "=", "dear"),), NOW - 1, NOW + 60))
    assert site.check() == (0, "COSTTUI OK - no alert fires (1 muted)\n")


def test_what_is_muted_does_not_count(site: Site) -> None:
    """Acknowledged, and the lower step of a budget of which a higher one fires."""
    site.configure("""
alerts: [{name: dear, cost_over: 10, window: 24h, by: [consumer]}]
budgets: [{name: all, limit: 10, steps: [50%, 100%], forecast: false, severity: critical}]
""")
    site.spend(("alice", 10))
    money = 12 * NANO, 10 * NANO, NOW, "24h"

    def one(rule: str, identity: str, *labels: tuple[str, str]) -> AlertStatus:
        return AlertStatus(rule, labels, "firing", "critical", *money, id=identity)

    ann, bob = one("dear", "1", ("consumer", "ann")), one("dear", "2", ("consumer", "bob"))
    site.fires(ann, bob, one("budget all", "3", ("step", "50%")),
               one("budget all", "4", ("step", "100%")))  # fmt: skip
    assert json.loads(site.check("--alerts", "--budget", "all", "--json")[1])["alerts_muted"] == 0
    acknowledge(site.path, Ack(ann.rule, ann.labels, ann.id, NOW - 1, "me"))
    code, line = site.check("--alerts")
    assert code == 2
    assert "consumer=ann" not in line
    assert "consumer=bob" in line
    assert "50%" not in line
    assert line.endswith("; 2 muted\n")
    acknowledge(site.path, Ack(bob.rule, bob.labels, bob.id, NOW - 1, "me"))
    acknowledge(site.path, Ack("budget all", (("step", "100%"),), "4", NOW - 1, "me"))
    assert site.check("--alerts") == (0, "COSTTUI OK - no alert fires (4 muted)\n")
    told = json.loads(site.check("--alerts", "--json")[1])
    assert (told["alerts"], told["alerts_muted"]) == ([], 4)


@pytest.mark.parametrize(("number", "says"), [(4, "; 1 more alert fires"),
                                              (5, "; 2 more alerts fire")])  # fmt: skip
def test_how_many_more_fire(site: Site, number: int, says: str) -> None:
    site.configure("alerts: [{name: dear, cost_over: 10, window: 24h, by: [consumer]}]")
    site.spend(("alice", 10))
    site.fires(*(
        AlertStatus("dear", (("consumer", str(n)),), "firing", "warning", 9, 8, NOW, "24h")
        for n in range(number)
    ))  # fmt: skip
    assert says + "\n" in site.check()[1]


@pytest.mark.parametrize(("severity", "code"), [("info", 0), ("warning", 1), ("critical", 2)])
def test_severities(site: Site, severity: str, code: int) -> None:
    site.configure(f"alerts: [{{name: a, cost_over: 10, window: 24h, severity: {severity}}}]")
    site.spend(("alice", 10))
    site.fires(AlertStatus("a", (), "firing", severity, 12 * NANO, 10 * NANO, NOW, "24h"))
    assert site.check()[0] == code


def test_what_is_not_known(site: Site) -> None:
    assert site.check() == (
        3,
        f"COSTTUI UNKNOWN - {site.path}: there is no store yet; `costtui collect` makes it\n",
    )
    fill(site.path, now=NOW - 3600)
    assert site.check()[1].startswith("COSTTUI UNKNOWN - nothing was collected for 1h; ")
    assert site.check("--stale", "2h")[0] == 0
    site.path.unlink()
    site.spend(("alice", 60_000), now=NOW - 3600)
    code, line = site.check()
    assert code == 2  # more than all of it is spent, however old that is
    assert "nothing was collected for 1h" in line
    site.path.unlink()
    site.spend(("alice", 45_000), now=NOW - 3600)
    assert site.check("--budget", "teams")[0] == 3
    site.configure("")
    assert site.check() == (3, "COSTTUI UNKNOWN - no budgets are configured and no alerts\n")
    site.configure("budgets: [{nam: x}]")
    code, line = site.check()
    assert (code, "unknown key" in line) == (3, True)
    site.configure(BUDGETS)
    site.path.write_bytes(b"this is no SQLite file " * 100)
    assert site.check()[0] == 3


def test_a_source_that_is_not_read_any_more(site: Site) -> None:
    site.spend(("alice", 10))

    async def later() -> None:
        async with await Store.open(site.path, now=NOW) as store:
            status = (await store.statuses())[0]
            await store.set_status(
                replace(status, last_ok=NOW - 900, last_attempt=NOW - 1, failures=9)
            )
            await store.heartbeat(NOW)

    asyncio.run(later())
    assert site.check("--budget", "everything") == (
        3,
        "COSTTUI UNKNOWN - source log not read for 15m; everything ≥0 % of $1,000.00 (month)"
        " | 'everything'=0.10USD;800;1000;0;1000\n",
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--budget", "tems"), 'there is no budget "tems" (did you mean "teams"?)'),
        (("--warn", "90%", "--crit", "80%"), "--warn must not be above --crit (90% and 80%)"),
        (("--warn", "x"), "is not a share"),
        (("--stale", "soon"), "--stale"),
        (("--bugdet", "x"), 'did you mean "--budget"'),
        (("--budget",), "expected"),
        (("word",), "unknown argument"),
    ],
)
def test_wrong_options_are_64(site: Site, words: tuple[str, ...], told: str) -> None:
    code, text = site.check(*words)
    assert code == 64
    assert told in text


def test_hostile_names_stay_on_one_line(site: Site) -> None:
    site.configure("budgets: [{name: each, limit: 1, by: [consumer]}]")
    names = ("a'b=c|d\n\x1b[31m;", "\u202eevil", "sk-proj-abcdefghijklmnop1234567890", "💸 x")
    site.spend(*((name, 90) for name in names))
    code, line = site.check()
    assert code == 1
    assert line.count("\n") == line.count("|") == 1
    assert line.rstrip("\n").isprintable()
    assert "sk-proj" not in line
    assert re.search(r"'each a''b_c¦d\\n\\x1b\[31m; #[0-9a-f]{8}'=0.90USD;", line)


def test_json(site: Site) -> None:
    site.spend(("alice", 41_520))
    code, text = site.check("--json", "--budget", "teams")
    told = json.loads(text)
    assert (code, told["code"], told["status"]) == (1, 1, "warning")
    assert told["budgets"][0] == {
        "name": "teams", "labels": {"team": "search"}, "period": "month",
        "period_start": "2026-11-01T00:00:00Z", "period_end": "2026-12-01T00:00:00Z",
        "limit": "500.00", "spent": "415.20", "left": "84.80", "exactness": "exact",
        "status": "warning",
    }  # fmt: skip
    assert told["alerts"] == []


def test_many_budgets_are_a_line_all_the_same(site: Site) -> None:
    site.configure("budgets: [{name: each, limit: 1, by: [consumer]}]")
    site.spend(*((f"consumer-{n}", n % 120) for n in range(2000)))
    began = time.perf_counter()
    code, line = site.check()
    assert time.perf_counter() - began < 5
    assert code == 2
    assert len(line) < 4000
    assert "more budgets" in line


def test_a_label_does_not_change_with_what_is_fuller(site: Site) -> None:
    site.configure(
        "budgets:\n  - {name: user, limit: 100, by: [consumer], forecast: false}\n"
        "  - {name: small, limit: 50, by: [consumer], forecast: false, where: {model: gpt-4o}}\n"
    )
    site.spend(("bob", 1_000))
    first = set(re.findall(r"'([^']+)'=", site.check()[1]))
    assert first == {"user bob", "small bob"}
    site.configure(
        "budgets:\n  - {name: user, limit: 20, by: [consumer], forecast: false}\n"
        "  - {name: small, limit: 50, by: [consumer], forecast: false, where: {model: gpt-4o}}\n"
    )
    assert set(re.findall(r"'([^']+)'=", site.check()[1])) == first


@settings(max_examples=300)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["user", "user bob", "two", "one", "a=b", "a_b", "n" * 81]),
            st.lists(
                st.sampled_from(
                    ["bob", "a=b", "a_b", "", "(none)", "x y", "y z", "x", "z", "|", "¦", "'",
                     "z" * 80, "z" * 81, "z" * 90, "\u200b", "\\u200b", "bob two"]
                ) | st.text(max_size=4),
                min_size=2, max_size=2,
            ),
        ),
        max_size=40,
    )
)  # fmt: skip
def test_no_two_budgets_have_one_label(found: list[tuple[str, list[str]]]) -> None:
    by = {"user": 1, "user bob": 0, "two": 2, "one": 0, "a=b": 0, "a_b": 0, "n" * 81: 1}
    budgets = [BudgetConfig(n, NANO, by=("consumer", "model")[:size]) for n, size in by.items()]
    lines = {
        BudgetLine(
            n, tuple(zip(("consumer", "model")[: by[n]], values, strict=False)), (), "", "month",
            0, 1, NANO, 0, Exactness.EXACT,
        )
        for n, values in found
    }  # fmt: skip
    assert len({label_of(line, budgets) for line in lines}) == len(lines)

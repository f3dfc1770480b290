"""The demo in a real terminal: what a person sees and presses, and what is left afterwards."""

from __future__ import annotations

import csv
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import Log, Terminal

    Until = Callable[..., object]
    Processes = Callable[[str], dict[int, str]]

pytestmark = [
    pytest.mark.flaky(reruns=1),  # a real terminal on a busy machine
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.timeout(240),
    pytest.mark.xdist_group("tmux-demo"),
]

WINDOWS = ("15m", "1h", "6h", "24h", "7d", "30d", "today", "month")
GATEWAYS = ("agentgateway-eu", "agentgateway-us", "kong", "llm-proxy")
SPEND = re.compile(r"^ [≥~]*\$([\d,]+(?:\.\d\d)?) ", re.MULTILINE)
"""The first figure of the strip. With both marks there is no room for the cents of thousands."""


def spend(screen: str) -> str:
    """The first figure of the strip: what the window cost."""
    found = SPEND.search(screen)
    return found[1] if found else ""


def amount(screen: str) -> float:
    return float(spend(screen).replace(",", "") or "nan")


def cursor(terminal: Terminal) -> str:
    """The name in the row of the cursor."""
    found = re.search(r"▌(\S+)", terminal.screen)
    return found[1] if found else ""


def gateways(terminal: Terminal) -> list[str]:
    """The rows of that panel, in order."""
    return re.findall(rf"[▌ ]({'|'.join(GATEWAYS)})  +[≥~]*\$", terminal.screen)


def crumbs(terminal: Terminal) -> str:
    return terminal.line[1]


@pytest.fixture
def screen(demo: Terminal, until: Until) -> Terminal:
    """The demo's overview, with no filter and the cursor in the first panel."""
    demo.keys("F2")
    until(lambda: "spend" in demo.screen, "the overview")
    demo.keys("Escape")  # a line that a test before has left open
    for _ in range(8):
        before = crumbs(demo)
        if before.startswith(" all  "):
            break
        demo.keys("Escape")
        until(lambda before=before: crumbs(demo) != before, "one step up")
    demo.keys("4")
    demo.shows("spend 24h", "anthropic", "openai", "agentgateway-us")  # the answer, unfiltered
    return demo


def test_numbers_appear_and_every_window_has_its_own(screen: Terminal, until: Until) -> None:
    first = screen.shows("spend 24h", "burn /h", "claude-sonnet-4-5", "alerts", "sources 4")
    assert amount(first) > 1
    spent: list[float] = []
    spans: set[str] = set()
    for number, name in enumerate(WINDOWS, 1):
        screen.keys(str(number))
        label = f"spend {name}" if name not in ("today", "month") else "spend  "
        before = spans.copy()

        def its_own(label: str = label, before: set[str] = before) -> str:
            shown = screen.screen
            span = shown.partition("month ")[2].partition(" UTC")[0]
            # On the first of a month, today is the month to date.
            new = span not in before or label == "spend  "
            return shown if label in shown and span and new and spend(shown) else ""

        shown = str(until(its_own, lambda n=name: f"the window {n}, on\n{screen.screen}"))
        spans.add(shown.partition("month ")[2].partition(" UTC")[0])
        spent.append(amount(shown))
    assert spent[:6] == sorted(spent[:6]), "a longer window cannot cost less"
    assert len(spans) >= 7


def test_drill_to_one_request_of_the_log_and_climb_back(screen: Terminal, until: Until) -> None:
    whole = amount(screen.screen)
    while cursor(screen) not in GATEWAYS:
        before = cursor(screen)
        screen.keys("Tab")
        until(lambda before=before: cursor(screen) not in ("", before), "the next panel")
    # Its backlog is read behind the numbers that are there already.
    until(lambda: "llm-proxy" in gateways(screen), "usage of the log")
    rows = gateways(screen)
    steps = rows.index("llm-proxy") - rows.index(cursor(screen))
    screen.keys(*(["j"] * steps or ["k"] * -steps))
    screen.shows("▌llm-proxy")
    screen.keys("Enter")
    until(lambda: "gateway=llm-proxy" in crumbs(screen), "the first step")
    steps = 1
    while "requests ›" not in screen.screen.splitlines()[0]:
        before = crumbs(screen)
        screen.keys("Enter")
        until(lambda before=before: crumbs(screen) != before, f"step {steps + 1}")
        steps += 1
        assert steps < 8
    assert steps >= 3

    listed = screen.shows("▌", "took", "cost")
    row = next(line for line in listed.splitlines() if "▌" in line)
    clock, model = row.split("▌")[1].split()[0], row.split()[2]
    screen.keys("Enter")
    record = screen.shows("request id", "read from", "cost-tracking.jsonl")
    assert clock in record
    assert model in record
    assert "sk-" not in record or "…" in record, "a key is never shown whole"

    screen.keys("Escape")
    screen.shows("took", "requests ›")
    for _ in range(steps + 1):
        screen.keys("Escape")
    until(lambda: crumbs(screen).startswith(" all  "), "the top again")
    until(lambda: amount(screen.screen) >= whole, "all of it again")
    screen.keys("Escape")  # at the top it does not quit

    def another_window() -> bool:
        # A key in the same moment as Esc is Alt with that key to any terminal program.
        screen.keys("3")
        return "spend 6h" in screen.screen

    until(another_window, "that it still runs")


def test_an_export_is_what_is_on_screen(screen: Terminal, until: Until) -> None:
    screen.keys("Enter")
    until(lambda: "=" in crumbs(screen), "a drill")
    screen.keys("p")
    shown = screen.shows("PAUSED")
    before = set(screen.home.glob("costtui-*.csv"))  # of a first try
    screen.keys("e")
    said = screen.shows("rows in " if " model 1 " not in shown else "row", ".csv")
    files = list(set(screen.home.glob("costtui-*.csv")) - before)
    assert len(files) == 1, said
    assert files[0].stat().st_mode & 0o777 == 0o600
    with files[0].open(newline="") as file:
        rows = list(csv.DictReader(file))
    nano = sum(int(row["cost_nano"]) for row in rows)
    assert f"{nano / 1e9:,.2f}" == spend(shown)
    assert all(row["window_start"].endswith("Z") for row in rows)
    screen.keys("p")
    until(lambda: "PAUSED" not in screen.screen, "live again")


def test_filter_and_help(screen: Terminal, until: Until) -> None:
    whole = amount(screen.screen)
    screen.keys("/")
    screen.shows("~regex")
    screen.type("provider=openai")
    screen.keys("Enter")
    until(lambda: "provider=openai" in crumbs(screen), "the filter")
    shown = str(
        until(lambda: amount(screen.screen) < whole and screen.screen, "less than all of it")
    )
    assert "claude" not in shown

    screen.keys("?")
    screen.shows("keys:", "Narrow to this row", "Filter: text")
    screen.keys("Escape")
    until(lambda: "provider=openai" in crumbs(screen), "back where it was")
    screen.keys("/")
    screen.shows("~regex")
    screen.keys("Escape")
    until(lambda: "~regex" not in screen.screen, "no filter line")
    assert "provider=openai" in crumbs(screen), "leaving the line changes nothing"


def test_leaving_the_filter_line_gives_the_cursor_back(screen: Terminal, until: Until) -> None:
    before = str(until(lambda: cursor(screen), "a cursor"))
    screen.keys("/")
    screen.shows("~regex")
    screen.keys("Escape")
    until(lambda: "~regex" not in screen.screen, "no filter line")
    until(
        lambda: cursor(screen) == before,
        lambda: f"the cursor on {before} again, on\n{screen.screen}",
    )


def test_it_follows_the_size_of_the_terminal(screen: Terminal, until: Until) -> None:
    def fits(width: int, height: int) -> bool:
        lines = screen.line
        footer = "1-8 window" in lines[-1]
        return len(lines) == height and footer and max(map(len, lines)) <= width

    for width, height in ((80, 24), (200, 60), (40, 10), (80, 24), (120, 40)):
        screen.resize(width, height)
        if width >= 80:
            until(
                lambda w=width, h=height: fits(w, h),
                lambda w=width: f"{w} wide, on\n{screen.screen}",
            )
            screen.shows("costtui", "spend", "$")


def test_q_leaves_nothing_behind(
    terminals: Callable[[], Terminal], until: Until, processes: Processes
) -> None:
    terminal = terminals()
    terminal.start("demo", "--days", "2")
    terminal.shows("spend 24h", "llm-proxy", timeout=60)
    assert terminal.state("alternate_on") == ["1"]
    (place,) = terminal.home.glob("costtui-demo-*")
    until(lambda: len(processes(str(place))) >= 2, "the fleet and a collector")
    terminal.keys("q")
    assert terminal.ended() == 0
    assert terminal.state("alternate_on", "cursor_flag", "mouse_any_flag") == ["0", "1", "0"]
    assert not place.exists()
    assert [path for path in terminal.home.rglob("*") if path.is_file()] == []
    assert not processes(str(place))
    terminal.type("stty -a | grep -c ' echo '")
    terminal.keys("Enter")
    terminal.shows("stty", "\n1\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_demo_as_q_does(
    number: signal.Signals,
    terminals: Callable[[], Terminal],
    until: Until,
    processes: Processes,
) -> None:
    terminal = terminals()
    terminal.start("demo", "--days", "1")
    terminal.shows("spend 24h", timeout=60)
    (place,) = terminal.home.glob("costtui-demo-*")
    os.kill(terminal.program, number)
    assert terminal.ended() == 128 + number
    assert terminal.state("alternate_on", "cursor_flag", "mouse_any_flag") == ["0", "1", "0"]
    assert not place.exists()
    assert not processes(str(place))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_the_collector_goes_with_its_viewer(
    number: signal.Signals,
    terminals: Callable[[], Terminal],
    log: Log,
    until: Until,
    processes: Processes,
    holder: Callable[[Path], int],
) -> None:
    """After SIGKILL nobody is left to tell it: the end of its standard input is what it sees."""
    log.grow(100)
    terminal = terminals()
    store = terminal.home / "data" / "costtui" / "costtui.db"
    terminal.type(f"export COST_TRACKING_FILE={log.path}")
    terminal.keys("Enter")
    terminal.start("--db", str(store))
    terminal.shows("spend", "openai", timeout=60)
    collector = int(str(until(lambda: holder(store), "a collector")))
    os.kill(terminal.program, number)
    until(lambda: not holder(store), "the lock given back")
    until(lambda: collector not in processes(str(store)), "the end of the collector")
    if number == signal.SIGTERM:
        assert terminal.ended() == 143
    else:
        terminal.shows("code=137")  # what it drew is the user's to `reset`: nobody is left to

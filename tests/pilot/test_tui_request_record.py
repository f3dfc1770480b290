"""From the list of requests to one in full, to its line in the log, and into a file."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from types import ModuleType
from typing import Any

from costtui.model.listing import Listing
from costtui.sources.jsonl.state import FileState, dump

Start = Callable[..., AbstractAsyncContextManager[Any]]


def many(fakes: ModuleType, number: int = 5000) -> Any:
    return fakes.Growing(number)


def truth(data: Any, listing: Listing) -> list[int]:
    """The ids of a list, by sorting everything."""
    found: list[int] = data.ordered(listing)
    return found


def files_in(folder: Path) -> list[Path]:
    return sorted(folder.iterdir(), key=lambda path: path.suffix)


def write_log(path: Path, lines: list[str]) -> FileState:
    """A log with `lines`, and what its source remembers of it."""
    path.write_text("\n".join(lines) + "\n")
    found = path.stat()
    return FileState(path.name, str(path), part=path.name, dev=found.st_dev, ino=found.st_ino)


def remove(path: Path) -> None:
    path.unlink()


def table_of(ui: Any) -> Any:
    return ui.app.screen.query_one("#requests")


async def test_from_record_to_record(start: Start, fakes: ModuleType) -> None:
    data = many(fakes)
    every = truth(data, Listing())
    async with start(data=data) as ui:
        await ui.press("f3", "end", "enter")
        assert "request 5,000 of 5,000" in ui.text
        await ui.press("n")
        await ui.until(lambda: "last request" in ui.toasts)
        await ui.press("N", "N", "N")
        assert "request 4,997 of 5,000" in ui.text
        assert ui.app.screen.row.id == every[-4]
        await ui.press("n", "escape")
        assert table_of(ui).current.id == every[-3]
        await ui.press("home", "enter", "n", "n")
        for _ in range(250):
            ui.app.screen.action_neighbour(1)
        await ui.until(lambda: ui.app.screen.row.id == every[252])
        await ui.settle()
        await ui.press("escape")
        assert table_of(ui).current.id == every[252]


async def test_a_record_tells_its_price_and_its_nested_attributes(
    start: Start, fakes: ModuleType
) -> None:
    data = many(fakes, 1)
    long = "x" * 3000
    nested = {"usage": {"prompt": {"cached": 12}}, "tags": ["a", "b"], "parts": [{"n": 1}],
              "text": long, "deep": json.loads('{"a":' * 12 + "1" + "}" * 12)}  # fmt: skip
    data.every[0] = data.every[0]._replace(
        input=1000, cache_read=0, output=500, effective_nano=3_000_000, list_nano=1_500_000,
        latency_ms=2000, attrs=json.dumps(nested),
    )  # fmt: skip
    async with start(data=data, size=(120, 60)) as ui:
        await ui.press("f3", "enter")
        text = ui.text
        assert "$2.0000 = $0.003 / 1,500 tokens" in text
        assert "250.0 tokens/s" in text
        assert "usage.prompt.cached" in text
        assert "parts[0].n" in text
        assert '["a", "b"]' in text
        assert "67%" in text
        table = ui.app.screen.query_one("#record")
        table.select(next(e.key for e in table.items if e.key.endswith(" text")))
        await ui.press("enter")
        assert "╭─ text ─" in ui.text
        assert ui.text.count("x") > 2900
        await ui.press("end", "y", "escape", "escape")  # what was said, then the text
        assert ui.app.clipboard.startswith("xxxx")
        assert "usage.prompt.cached" in ui.text


async def test_the_whole_list_is_exported(start: Start, fakes: ModuleType, tmp_path: Path) -> None:
    data = many(fakes)
    async with start(data=data, export_dir=tmp_path) as ui:
        await ui.press("f3", "less_than_sign", "e", "E")
        await ui.until(lambda: "5,000 rows in" in ui.toasts)
        await ui.settle()
        written, other = files_in(tmp_path)
        assert (written.suffix, other.suffix) == (".csv", ".json")
        rows = list(csv.DictReader(written.read_text().splitlines()))
        costs = [int(r["cost_nano"] or 0) for r in rows]
        assert len(rows) == 5000
        want = {r.id: r for r in data.every}
        assert [r["request_id"] for r in rows] == [
            want[i].request_id for i in truth(data, Listing("cost"))
        ]
        assert costs[0] == max(costs)
        document = json.loads(other.read_text())
        assert [r["request_id"] for r in document["rows"]] == [r["request_id"] for r in rows]


async def test_an_export_that_fails_leaves_nothing(
    start: Start, fakes: ModuleType, tmp_path: Path
) -> None:
    data = many(fakes)
    whole = data.request_list

    def fails(view: Any, listing: Any, at: Any, limit: int, since: int = 0) -> Any:
        if limit > 2000:
            raise OSError("the disk is gone")
        return whole(view, listing, at, limit, since)

    data.request_list = fails
    async with start(data=data, export_dir=tmp_path) as ui:
        await ui.press("f3", "e")
        assert "the disk is gone" in ui.toasts
        assert files_in(tmp_path) == []


async def test_the_line_of_the_log(start: Start, fakes: ModuleType, tmp_path: Path) -> None:
    data = many(fakes, 3)
    path = tmp_path / "app.log"
    lines = [json.dumps({"n": n, "request_id": f"req_{n:04x}", "key": "Bearer sk-live-abc123def",
                         "odd": "\x1b[2J"}) for n in range(9)]  # fmt: skip
    state = write_log(path, lines)
    data.checkpoint = lambda source: [("app.log", dump(state))]
    offset = sum(len(line) + 1 for line in lines[:4])
    data.every = [
        data.every[0]._replace(part="app.log", offset=offset, request_id="req_0004"),
        data.every[1]._replace(part="app.log", offset=offset, request_id="other"),
        data.every[2]._replace(part="", offset=-1),
    ]
    async with start(data=data) as ui:
        await ui.press("f3", "o")
        await ui.until(lambda: "the same request id" in ui.text)
        assert f"byte {offset:,}" in ui.text
        assert '"n": 3' in ui.text
        assert '▌{"n": 4' in ui.text
        assert "abc123def" not in ui.text
        assert "\x1b" not in ui.text
        await ui.press("y")
        assert '"request_id": "req_0004"' in ui.app.clipboard
        assert "abc123def" not in ui.app.clipboard
        await ui.press("enter")
        assert '  "request_id": "req_0004"' in ui.text
        assert '"n": 3' not in ui.text
        await ui.press("enter", "escape", "j", "o")
        await ui.until(lambda: "not request other" in ui.text)
        await ui.press("escape", "j", "enter", "o")
        assert "was not read from a log" in ui.text
        remove(path)
        await ui.press("escape", "escape", "home", "o")
        await ui.until(lambda: "is gone" in ui.text)

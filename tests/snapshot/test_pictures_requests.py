"""Pictures of the list of requests, of one in full, and of its line in the log."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from textual.pilot import Pilot

from costtui.model.dimension import Dimensions
from costtui.sources.jsonl.logline import LogLine
from costtui.tui.app import CosttuiApp

Compare = Callable[..., bool]
SIZES = pytest.mark.parametrize("size", [(120, 40), (80, 24)], ids=["120x40", "80x24"])


def _load_fakes() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "tui_fakes_for_request_pictures", Path(__file__).with_name("fakes.py")
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


FAKES = _load_fakes()
ATTRS = {
    "session": "s-81",
    "stream": True,
    "usage": {"prompt_tokens_details": {"cached_tokens": 1200}, "service_tier": "default"},
    "tags": ["checkout", "eu"],
}


def data_of(state: str) -> Any:
    data = FAKES.Growing(1_900)
    match state:
        case "empty":
            data.every = []
        case "hostile":
            data.every = [
                row._replace(dims=Dimensions(n, n, n, n, n), request_id=n, attrs=json.dumps({n: n}))
                for row, n in zip(data.every, FAKES.HOSTILE, strict=False)
            ]
        case "sorting":
            whole = data.request_list
            data.request_list = lambda *args: whole(*args)._replace(
                done=0.42, exact=False, total=412_000, first=0
            )
        case "million":
            whole = data.request_list

            def far(*args: Any) -> Any:
                found = whole(*args)
                return found._replace(first=found.first + 411_000, total=1_048_576, newer=12)

            data.request_list = far
        case _:
            data.every[4] = data.every[4]._replace(attrs=json.dumps(ATTRS))
    return data


@pytest.fixture
def picture(snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Take the picture and compare it."""
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setenv("TERM", "xterm-256color")

    def take(
        state: str = "normal",
        size: tuple[int, int] = (120, 40),
        keys: tuple[str, ...] = (),
        line: LogLine | str = "",
    ) -> None:
        data = data_of(state)
        monkeypatch.setattr("costtui.sources.jsonl.logline.find", lambda *_: line)
        app = CosttuiApp(
            lambda: data, config=FAKES.config(), clock=FAKES.FrozenClock(), theme="costtui-dark",
            wait_for_first=5.0,
        )  # fmt: skip

        async def prepare(pilot: Pilot[int]) -> None:
            for key in ("f3", *keys):
                await pilot.press(key)
                await app.settled()
                await pilot.pause()
            await app.workers.wait_for_complete()
            app.clear_notifications()
            await app.settled()
            await pilot.pause()

        assert snap_compare(app, terminal_size=size, run_before=prepare)

    return take


@SIZES
def test_following(picture: Callable[..., None], size: tuple[int, int]) -> None:
    picture(size=size)


@SIZES
def test_in_the_middle_of_a_million(picture: Callable[..., None], size: tuple[int, int]) -> None:
    picture("million", size, (*["pagedown"] * 18, "j"))


@pytest.mark.parametrize("width", [60, 200, 260])
def test_widths(picture: Callable[..., None], width: int) -> None:
    picture(size=(width, 20), keys=("5", "less_than_sign"))


def test_only_errors(picture: Callable[..., None]) -> None:
    picture(size=(120, 24), keys=("s",))


def test_nothing(picture: Callable[..., None]) -> None:
    picture("empty", size=(80, 24), keys=("s",))


@SIZES
def test_hostile(picture: Callable[..., None], size: tuple[int, int]) -> None:
    picture("hostile", size)


@SIZES
def test_record(picture: Callable[..., None], size: tuple[int, int]) -> None:
    picture(size=size, keys=("j", "j", "j", "j", "enter", *["j"] * 6))


def test_full_text(picture: Callable[..., None]) -> None:
    picture("hostile", (80, 24), (*["j"] * 5, "enter", *["j"] * 11, "enter"))


def found(proof: str) -> LogLine:
    entry = {
        "timestamp": "2026-11-22T10:57:03.1Z",
        "request_id": "req_0000",
        "model": "gpt-5",
        "usage": {"input": 1811, "output": 96},
        "key": "Bearer sk-live-9a8b7c6d5e4f",
    }
    line = json.dumps(entry).encode()
    around = tuple(line.replace(b"req_0000", b"req_%04x" % n)[:500] for n in range(30))
    return LogLine("/var/log/llm/costs.jsonl", False, 4096, line, len(line), False, around,
                   (b"\x1b[2J\xff\x00 torn", *around[:4]), proof)  # fmt: skip


@SIZES
def test_source_line(picture: Callable[..., None], size: tuple[int, int]) -> None:
    picture(size=size, keys=("o",), line=found("request id"))


def test_source_line_of_another(picture: Callable[..., None]) -> None:
    picture(size=(80, 24), keys=("o",), line=found(""))


def test_source_line_pretty(picture: Callable[..., None]) -> None:
    picture(size=(80, 24), keys=("o", "enter"), line=found("timestamp"))


def test_source_line_gone(picture: Callable[..., None]) -> None:
    said = "/var/log/llm/costs.jsonl is gone, and so are its rotated generations"
    picture(size=(80, 24), keys=("o",), line=said)

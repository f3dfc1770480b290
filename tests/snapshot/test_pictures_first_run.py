"""Pictures of a start without a configuration, and of the wait for the first usage."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from textual.pilot import Pilot

from costtui.model.found import Discovery, Found
from costtui.tui.app import CosttuiApp
from costtui.tui.firstrun import FirstConfig

SIZES = pytest.mark.parametrize("size", [(120, 40), (80, 24)], ids=["120x40", "80x24"])
PLACE = Path("/home/me/.config/costtui/config.yml")
SAMPLE = "/usr/lib/python3/dist-packages/costtui/sample-config.yml"
PROM = Found("127.0.0.1:9090", "Prometheus 2.53.1: preset agentgateway, 1,204 series",
             ("- name: agentgateway",))  # fmt: skip
HERE = (
    PROM,
    Found("127.0.0.1:8001", "recognised: preset kong, 214 series", ("- name: kong",)),
    Found("127.0.0.1:8100", "recognised: preset kong, 214 series; the same again?",
          ("- name: kong",), ("kong",), again=True),
    Found("127.0.0.1:4000", "LiteLLM's usual port: it wants a login (bearer_token)"),
    Found("127.0.0.1:8000", "vLLM's usual port: something else answers"),
    Found("127.0.0.1:1064", "metrics, but none of LLM traffic that a preset knows"),
)  # fmt: skip
HOSTILE = (
    Found("[::1]:8001", "\x1b[2J[red]模型\u202e" + "x" * 300, ("- a",)),
    Found("/var/log/" + "p" * 300, "the LLM proxy's cost log", ("- b",)),
)
Picture = Callable[..., None]


def _load_fakes() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "fakes_for_first_pictures", Path(__file__).with_name("fakes.py")
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


FAKES = _load_fakes()


@pytest.fixture
def picture(snap_compare: Callable[..., bool], monkeypatch: pytest.MonkeyPatch) -> Picture:
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("HOME", "/home/me")

    def take(
        size: tuple[int, int],
        found: tuple[Found, ...],
        *,
        waiting: bool = False,
        files: tuple[Path, ...] = (),
        theme: str = "costtui-dark",
        **more: object,
    ) -> None:
        async def look() -> Discovery:
            return Discovery(found, "")

        data = FAKES.FakeData(FAKES.empty(configured=waiting))
        config = replace(FAKES.config(configured=waiting), files=files)
        first = FirstConfig(PLACE, look, None if files else lambda _: None)
        app = CosttuiApp(
            lambda: data, config=config, clock=FAKES.FrozenClock(), theme=theme, first=first,
            wait_for_first=5.0, sample_config=SAMPLE, **more,  # type: ignore[arg-type]
        )  # fmt: skip

        async def prepare(pilot: Pilot[int]) -> None:
            await app.workers.wait_for_complete()
            await app.settled()
            await pilot.pause()
            app.clear_notifications()
            await pilot.pause()

        assert snap_compare(app, terminal_size=size, run_before=prepare)

    return take


@SIZES
def test_found(picture: Picture, size: tuple[int, int]) -> None:
    picture(size, HERE)


@SIZES
def test_nothing_found(picture: Picture, size: tuple[int, int]) -> None:
    picture(size, ())


@SIZES
def test_hostile(picture: Picture, size: tuple[int, int]) -> None:
    picture(size, HOSTILE)


@SIZES
def test_waiting_for_a_log_that_only_the_environment_names(
    picture: Picture, size: tuple[int, int]
) -> None:
    picture(size, (Found("/var/log/llm/cost.jsonl", "the LLM proxy's cost log", ("- a",)), PROM),
            waiting=True)  # fmt: skip


@SIZES
def test_a_file_without_sources(picture: Picture, size: tuple[int, int]) -> None:
    picture(size, HERE[:2], files=(PLACE,))


def test_ascii(picture: Picture) -> None:
    picture((80, 24), HERE, ascii_only=True)


def test_light(picture: Picture) -> None:
    picture((80, 24), HERE, theme="gruvbox-light")

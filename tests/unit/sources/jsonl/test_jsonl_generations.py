"""A generation written and rotated away between two polls is read, whatever lies beside it."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path

import pytest

from costtui.config.schema import SourceConfig
from costtui.sources.jsonl.source import JsonlSource

NOW = 1_795_352_000.0


class World:
    """A log under a plain path, and what was read of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "cost-tracking.jsonl"
        self.log.touch()
        self.checkpoint: dict[str, str] = {}
        self.read: list[int] = []
        self.written = self.rotations = 0
        self.start()

    def start(self) -> None:
        config = SourceConfig("log", "jsonl", "g", "llm-proxy", 1.0, paths=(str(self.log),))
        self.source = JsonlSource(config)
        self.source.restore(dict(self.checkpoint))

    def poll(self) -> None:
        async def once() -> None:
            async for batch in self.source.poll(NOW):
                self.read += [record.input for record in batch.records]
                for key, state in batch.checkpoint.items():
                    if state is None:
                        self.checkpoint.pop(key, None)
                    else:
                        self.checkpoint[key] = state

        asyncio.run(once())

    def line(self) -> str:
        self.written += 1
        return (
            json.dumps(
                {
                    "timestamp": f"2026-11-22T09:00:00.{self.written:09d}Z",
                    "provider": "p",
                    "model": "m",
                    "input_tokens": self.written,
                    "output_tokens": 1,
                    "total_cost": 0,
                }
            )
            + "\n"
        )

    def append(self, text: str) -> None:
        with self.log.open("a") as file:
            file.write(text)

    def rename(self) -> None:
        self.rotations += 1
        self.log.rename(self.folder / f"cost-tracking.jsonl.{self.rotations}")
        self.log.touch()

    def copy_and_truncate(self) -> None:
        self.rotations += 1
        shutil.copyfile(self.log, self.folder / f"cost-tracking.jsonl.{self.rotations}")
        with self.log.open("r+b") as file:
            file.truncate(0)


def test_a_torn_fingerprint_hides_no_generation(tmp_path: Path) -> None:
    """Twenty bytes of a torn line begin every line of that day alike."""
    world = World(tmp_path)
    world.poll()
    world.rename()
    torn = world.line()
    world.append(torn[:20])
    world.poll()
    world.append(torn[20:])
    for _ in range(3):
        world.copy_and_truncate()
    world.rename()
    world.append("".join(world.line() for _ in range(8)))
    world.start()
    world.rename()
    for _ in range(3):
        world.poll()
    assert sorted(world.read) == list(range(1, world.written + 1))


def test_two_generations_while_costtui_was_down(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.append(world.line())
    world.poll()
    for _ in range(3):
        world.append(world.line() + world.line())
        world.rename()
    world.append(world.line())
    world.start()
    for _ in range(3):
        world.poll()
    assert sorted(world.read) == list(range(1, world.written + 1))


PROMPT = "You are a helpful assistant. " * 60


def test_what_is_written_anew_under_a_long_common_start_counts(tmp_path: Path) -> None:
    """More than a kilobyte of every first line is the same; the old text was truncated away."""
    world = World(tmp_path)

    def prompt_line() -> str:
        return world.line().replace('{"timestamp"', f'{{"prompt": "{PROMPT}", "timestamp"', 1)

    world.append("".join(prompt_line() for _ in range(20)))
    world.poll()
    for more in (5, 20):
        if more == 5:
            world.log.write_text("".join(prompt_line() for _ in range(more)))
        else:
            world.append("".join(prompt_line() for _ in range(more)))
        world.start()
        world.poll()
    assert sorted(world.read) == list(range(1, world.written + 1))


@pytest.mark.parametrize("torn", [0, 1, 20, 100])
@pytest.mark.parametrize("hole", [0, 1])
@pytest.mark.parametrize("twice", [False, True])
def test_a_line_torn_at_the_last_poll_is_found_in_the_copy(
    tmp_path: Path, torn: int, hole: int, twice: bool
) -> None:
    """Nothing whole was read before the truncation, and the next first line begins alike."""
    world = World(tmp_path)
    world.poll()
    world.copy_and_truncate()
    line = world.line()
    world.append(line[:torn])
    world.poll()
    world.append(line[torn:])
    world.copy_and_truncate()
    world.append("\0" * hole)
    if twice:
        world.copy_and_truncate()
    world.append(world.line())
    for _ in range(3):
        world.poll()
    assert sorted(world.read) == [1, 2]

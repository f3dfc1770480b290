"""What one look at the files found, before anything of it is remembered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from costtui.sources.jsonl.match import Known
from costtui.sources.jsonl.paths import Seen
from costtui.sources.jsonl.state import FileState

Inode = tuple[int, int]


@dataclass
class Plan:
    """What one look at the files found."""

    states: dict[str, FileState]
    """All content as it is now known."""
    before: Mapping[str, FileState]
    now: float
    files: dict[str, Seen] = field(default_factory=dict)
    """Where content is, by state key; only what may be read."""
    lost: dict[str, FileState] = field(default_factory=dict)
    """Content that is in no file, by state key."""
    errors: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    resets: int = 0
    """Files that were truncated without a copy of what was in them."""
    undecided: set[str] = field(default_factory=set)
    """Keys of copies of which nobody can say now whether they still are."""
    touched: set[Inode] = field(default_factory=set)
    """Inodes whose content is accounted for, or that cannot be read now."""

    later: bool = False
    """Some file could not be decided about: the next look goes beside the configured paths, too."""
    held: Mapping[str, int] = field(default_factory=dict)
    """`newest` of the look that first could not decide."""
    starts: dict[str, bytes] = field(default_factory=dict)
    """How known content begins, by state key."""

    @cached_property
    def known(self) -> Known:
        """All content, by how it begins."""
        return Known(self.states.values(), self.starts)

    @cached_property
    def newest(self) -> dict[str, int]:
        """When what was under each configured path was modified, when it was looked at last."""
        found: dict[str, int] = {}
        for state in self.before.values():
            if state.origin and state.seen_ns:
                found[state.origin] = max(found.get(state.origin, 0), state.seen_ns)
        return found | {origin: min(ns, found.get(origin, ns)) for origin, ns in self.held.items()}

    def free(self, key: str) -> bool:
        """May new content be called `key`? What was nothing so far gives its key away."""
        state = self.states.get(key)
        return state is None or (key in self.lost and not state.known)

    def trouble(self, path: str, error: OSError) -> None:
        self.errors.append(f"{path}: {error.strerror or error}")

    def add(self, state: FileState, file: Seen) -> None:
        """This content is in this file."""
        self.states[state.key] = state
        if state.known and not state.of:
            self.files[state.key] = file
        self.lost.pop(state.key, None)
        self.touched.add(file.inode)

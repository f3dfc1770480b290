"""What is in a file that no state is for: known content in a new place, a copy, or something new.

The rules and their reasons are in docs/decisions/020-jsonl-identity.md.
"""

from __future__ import annotations

from costtui.sources.jsonl import content, paths
from costtui.sources.jsonl.begin import Beginner
from costtui.sources.jsonl.handles import FileMovedError, is_file
from costtui.sources.jsonl.match import (
    START,
    Head,
    Verdict,
    against_lost,
    against_present,
    best_first,
    head_of,
)
from costtui.sources.jsonl.paths import Seen
from costtui.sources.jsonl.plan import Inode, Plan
from costtui.sources.jsonl.state import FileState


class Identifier:
    """Decides about files; what it cannot decide now it leaves for the next poll."""

    def __init__(self, beginner: Beginner) -> None:
        self._begin = beginner
        self._refused: set[tuple[str, Inode]] = set()
        self._compared: dict[str, Seen] = {}

    def refuse(self, key: str, inode: Inode) -> None:
        """This file turned out not to hold that content."""
        self._refused.add((key, inode))

    def identify(self, file: Seen, plan: Plan) -> None:
        """What is in a file that no state is for?"""
        try:
            with content.opened(file.path) as fd:
                if not is_file(fd, file):
                    return
                head = head_of(fd, file)
                self._decide(file, fd, head, plan)
        except FileNotFoundError:
            return  # gone again; the next poll finds it where it is
        except OSError as error:
            if file.configured:
                plan.trouble(file.path, error)

    def _decide(self, file: Seen, fd: int, head: Head, plan: Plan) -> None:
        if not head.data:
            # Empty, or a hole: remembered, so that what is written to it and rotated away before
            # the next poll is missed.
            if file.configured and not head.gz:
                self._start(file, fd, head, file.path, plan)
            return
        alike = best_first(plan.states[key] for key in plan.known.alike(head) if key in plan.states)
        covering = None
        for state in alike:
            if state.key not in plan.lost or (state.key, file.inode) in self._refused:
                continue
            verdict = against_lost(state, head, fd, file)
            if verdict is Verdict.SAME:
                self._adopt(state, file, head, plan)
                return
            if verdict is Verdict.COVERED:
                covering = state
        if covering is not None:
            copy = self._begin.known(file, fd, head, plan.free, file.size)
            self._add(copy._replace(of=covering.key), file, head, plan)
            return
        for state in alike:
            if state.key in plan.undecided:
                plan.later = True
                return
            if state.key in plan.lost or state.of:
                continue
            there = plan.files.get(state.key)
            if there is None:
                # It cannot be looked at now, so whether this is a copy of it cannot be told.
                verdict, shared = Verdict.LATER, 0
            else:
                verdict, shared = against_present(state, there, head, fd, file)
            if verdict is Verdict.LATER:
                plan.later = True
                return
            if verdict is Verdict.COPY:
                copy = self._begin.known(file, fd, head, plan.free, shared)
                self._add(copy._replace(of=state.key), file, head, plan)
                return
            if verdict is Verdict.LONGER:
                self._add(self._begin.known(file, fd, head, plan.free, shared), file, head, plan)
                return
        if not file.configured and any(
            not plan.states[key].known and there.size > plan.states[key].begin
            for key, there in plan.files.items()
        ):
            # Content that is read for the first time, through the descriptor of a deleted file:
            # this may be its copy, which can be told once it has a fingerprint.
            plan.later = True
            return
        origin = file.path if file.configured else self._missed_origin(file, plan)
        if origin:
            self._start(file, fd, head, origin, plan)

    def _start(self, file: Seen, fd: int, head: Head, origin: str, plan: Plan) -> None:
        self._add(self._begin.new(file, fd, head, plan.free, origin, plan.now), file, head, plan)

    def _missed_origin(self, file: Seen, plan: Plan) -> str:
        """The configured path under which this content was written while nobody looked, or ""."""
        for origin, seen_ns in plan.newest.items():
            if file.mtime_ns >= seen_ns and paths.is_generation(file.path, origin):
                return origin
        return ""

    def _adopt(self, state: FileState, file: Seen, head: Head, plan: Plan) -> None:
        moved = self._begin.moved(state, file)._replace(
            dev=file.dev, ino=file.ino, gz=head.gz, gone=0, done=0, of=""
        )
        if head.gz and not state.gz:
            moved = moved._replace(check=state.tail_len > 0, long=False)
        self._add(moved, file, head, plan)

    def _add(self, state: FileState, file: Seen, head: Head, plan: Plan) -> None:
        plan.add(state, file)
        plan.starts[state.key] = head.data[:START]
        plan.known.add(state, head.data[:START])

    def copies(self, plan: Plan) -> None:
        """Copies: let go of those that went their own way, or whose original is no more."""
        for key, state in list(plan.states.items()):
            if not state.of or key not in plan.files:
                continue
            file = plan.files.pop(key)
            try:
                decided = self._copy(state, file, plan)
            except (FileNotFoundError, FileMovedError):
                decided = False  # the next poll finds it where it is
            except OSError as error:
                decided = False
                plan.trouble(file.path, error)
            if not decided:
                plan.undecided.add(key)

    def _copy(self, state: FileState, file: Seen, plan: Plan) -> bool:
        """Is a copy still one? False when that cannot be told now. Raises OSError."""
        original = plan.states.get(state.of)
        if original is None:
            self._alone(state._replace(of=""), file, plan)
            return True
        lost = original.key in plan.lost
        if not lost and self._compared.get(state.key) == file:
            return True
        with content.opened(file.path) as fd:
            if not is_file(fd, file):
                return False
            head = head_of(fd, file)
            # A .gz that goes its own way is read from its beginning.
            alone = state._replace(of="", done=0)
            if lost:
                verdict = against_lost(original, head, fd, file)
                if (original.key, file.inode) in self._refused:
                    verdict = Verdict.OTHER
                if verdict is Verdict.SAME:
                    del plan.states[state.key]
                    self._adopt(original, file, head, plan)
                elif verdict is not Verdict.COVERED:
                    low = min(original.low, state.live)
                    floor = min(original.floor, low)
                    self._alone(alone._replace(low=low, floor=floor, hist=low - floor), file, plan)
                return True
            there = plan.files.get(original.key)
            if there is None:
                return False
            verdict, shared = against_present(original, there, head, fd, file)
            if verdict is Verdict.COPY:
                if shared > state.live and not head.gz:
                    longer = self._begin.known(file, fd, head, plan.free, shared)
                    plan.states[state.key] = longer._replace(key=state.key, of=state.of)
                self._compared[state.key] = file
            elif verdict is Verdict.LONGER:
                longer = self._begin.known(file, fd, head, plan.free, shared)
                self._alone(longer._replace(key=state.key), file, plan)
            elif verdict is Verdict.OTHER:
                self._alone(alone, file, plan)
            return verdict is not Verdict.LATER

    def _alone(self, state: FileState, file: Seen, plan: Plan) -> None:
        plan.states[state.key] = state
        plan.files[state.key] = file

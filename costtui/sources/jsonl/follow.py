"""Which content is in which file: rotation by rename, by copy, by truncation and by gzip.

Looks, compares and decides; it neither reads lines nor changes what is remembered. The decisions
are explained in docs/decisions/020-jsonl-identity.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from costtui.sources.jsonl import content, paths
from costtui.sources.jsonl.begin import Beginner
from costtui.sources.jsonl.handles import FileMovedError, Handles, is_file
from costtui.sources.jsonl.match import (
    Head,
    Verdict,
    against_lost,
    against_present,
    begins_alike,
    best_first,
    head_of,
)
from costtui.sources.jsonl.paths import Seen
from costtui.sources.jsonl.reading import intact
from costtui.sources.jsonl.state import FileState

FORGET_S = 30 * 86400
"""How long content that is in no file is remembered, in case a copy turns up."""
FORGET_ABOVE = 1000
"""Pieces of such content that are remembered at most."""

Inode = tuple[int, int]


@dataclass(slots=True)
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
    touched: set[Inode] = field(default_factory=set)
    """Inodes whose content is accounted for, or that cannot be read now."""

    def trouble(self, path: str, error: OSError) -> None:
        self.errors.append(f"{path}: {error.strerror or error}")


class Follower:
    """Looks at the configured paths, and at what lies beside them when something moved."""

    def __init__(
        self,
        patterns: tuple[str, ...],
        handles: Handles,
        beginner: Beginner,
    ) -> None:
        self._patterns = patterns
        self._handles = handles
        self._begin = beginner
        self._checked: dict[str, tuple[object, ...]] = {}
        self._refused: set[tuple[str, Inode]] = set()

    def refuse(self, key: str, inode: Inode) -> None:
        """This file turned out not to hold that content."""
        self._refused.add((key, inode))

    def scan(self, states: Mapping[str, FileState], now: float) -> Plan:
        """Where everything is now. The plan's states differ from `states` where that changed."""
        plan = Plan(dict(states), states, now)
        seen = self._configured(plan)
        replaced: list[tuple[str, Seen]] = []
        missing: list[FileState] = []
        for state in states.values():
            if state.gone:
                plan.lost[state.key] = state
                continue
            file = self._place(state, seen, plan)
            if file is None:
                if (state.dev, state.ino) not in plan.touched:
                    missing.append(state)
            elif not self._settle(state, file, plan):
                replaced.append((state.key, file))
        unknown = [f for f in seen.values() if f.inode not in plan.touched]
        unknown += [f for _, f in replaced if f.inode not in seen]
        if missing or unknown:
            near = self._near(plan, missing, unknown, seen)
            for state in missing:
                self._search(state, near, plan)
            unknown += [f for f in near.values() if f.inode not in plan.touched]
            for file in sorted(unknown, key=lambda f: (not f.configured, f.mtime_ns)):
                self._identify(file, plan)
        self._copies(plan)
        for key, file in replaced:
            if key in plan.lost and plan.lost[key].known and not plan.lost[key].of:
                plan.resets += 1
                plan.notes.append(f"{file.path} was truncated, and no copy of it is there")
        self._forget(plan, states)
        return plan

    def _configured(self, plan: Plan) -> dict[Inode, Seen]:
        """The configured files that are there; one that two paths name is there once."""
        found: dict[Inode, Seen] = {}
        for pattern in self._patterns:
            there = False
            for path in paths.expand(pattern, plan.errors):
                try:
                    file = paths.look(path, True)
                except OSError as error:
                    plan.trouble(path, error)
                    continue
                if file is not None and len(found) < paths.MAX_FILES:
                    there = True
                    found.setdefault(file.inode, file)
            if len(found) >= paths.MAX_FILES:
                plan.notes.append(f"only the first {paths.MAX_FILES} files are followed")
                break
            if not there:
                plan.notes.append(f"{pattern}: no such file yet")
        return found

    def _place(self, state: FileState, seen: dict[Inode, Seen], plan: Plan) -> Seen | None:
        """Where `state`'s inode is, as far as its last path and the configured ones tell."""
        inode = (state.dev, state.ino)
        if (file := seen.get(inode)) is not None:
            return file
        try:
            file = paths.look(state.path, False)
        except OSError as error:
            plan.trouble(state.path, error)
            plan.touched.add(inode)
            return None
        return file if file is not None and file.inode == inode else None

    def _settle(self, state: FileState, file: Seen, plan: Plan) -> bool:
        """Is the content still in `file`? If so the plan says so, else it is lost."""
        try:
            holds = self._holds(state, file)
        except FileMovedError:
            plan.touched.add(file.inode)
            return True
        except OSError as error:
            plan.trouble(file.path, error)
            plan.touched.add(file.inode)
            return True
        if holds:
            plan.touched.add(file.inode)
            if state.known:
                plan.files[state.key] = file
            if state.path != file.path:
                plan.states[state.key] = self._moved(state, file)
        else:
            self._handles.close(state.key)
            plan.lost[state.key] = state
        return holds

    def _moved(self, state: FileState, file: Seen) -> FileState:
        return state._replace(
            path=file.path,
            part=self._begin.part(file.path),
        )

    def _holds(self, state: FileState, file: Seen) -> bool:
        stamp = (file, state.live, state.head_len, state.tail, state.gz)
        if self._checked.get(state.key) == stamp:
            return True
        with self._handles.use(state, file) as fd:
            if not state.known:
                # It was empty or a hole; if it was touched, who knows what it is now.
                holds = (file.size, file.mtime_ns) == (state.begin, state.seen_ns)
            elif state.gz != content.is_gzip(fd):
                holds = False
            elif state.gz:
                begin, head = content.gzip_head(fd)
                holds = (
                    begin == state.begin and content.digest(head[: state.head_len]) == state.head
                )
            else:
                holds = file.size >= state.live and intact(fd, state)
        if holds:
            self._checked[state.key] = stamp
        return holds

    def _near(
        self,
        plan: Plan,
        missing: Iterable[FileState],
        unknown: Iterable[Seen],
        seen: dict[Inode, Seen],
    ) -> dict[Inode, Seen]:
        """Files beside those that moved, vanished or are new, which no path is configured for."""
        places = {s.path for s in missing} | {s.origin for s in missing if s.origin}
        places |= {f.path for f in unknown}
        near: dict[Inode, Seen] = {}
        for path in paths.siblings(places):
            try:
                file = paths.look(path, False)
            except OSError:
                continue  # not configured, so not missed
            if file is not None and file.inode not in seen and file.inode not in plan.touched:
                near.setdefault(file.inode, file)
        return near

    def _search(self, state: FileState, near: dict[Inode, Seen], plan: Plan) -> None:
        """Find a file that left its place; else what the open descriptor still gives."""
        file = near.get((state.dev, state.ino))
        if file is not None and self._settle(state, file, plan):
            return
        held = self._handles.look(state)
        if held is not None and state.key not in plan.lost:
            file, named = held
            # A deleted file is read to its end before its content counts as lost.
            stamp = (file.size, state.live)
            if named or self._checked.get(state.key) != stamp:
                plan.files[state.key] = file
                plan.touched.add(file.inode)
                if not named:
                    self._checked[state.key] = stamp
                return
        self._handles.close(state.key)
        plan.lost[state.key] = state

    def _identify(self, file: Seen, plan: Plan) -> None:
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
        covering = None
        for state in best_first(plan.lost.values()):
            if (state.key, file.inode) in self._refused:
                continue
            verdict = against_lost(state, head, fd, file)
            if verdict is Verdict.SAME:
                self._adopt(state, file, head, plan)
                return
            if verdict is Verdict.COVERED:
                covering = state
        if covering is not None:
            copy = self._begin.known(file, fd, head, plan.states, file.size)
            self._add(copy._replace(of=covering.key), file, plan)
            return
        for state in plan.states.values():
            # What cannot be looked at now may be what this is a copy of.
            hidden = state.key not in plan.files and state.key not in plan.lost
            if hidden and begins_alike(state, head):
                return
        for state in best_first(s for k, s in plan.states.items() if k in plan.files and not s.of):
            verdict, shared = against_present(state, plan.files[state.key], head, fd, file)
            if verdict is Verdict.LATER:
                return
            if verdict is Verdict.COPY:
                copy = self._begin.known(file, fd, head, plan.states, shared)
                self._add(copy._replace(of=state.key), file, plan)
                return
            if verdict is Verdict.LONGER:
                self._add(self._begin.known(file, fd, head, plan.states, shared), file, plan)
                return
        origin = file.path if file.configured else self._missed_origin(file, plan)
        if origin:
            self._start(file, fd, head, origin, plan)

    def _start(self, file: Seen, fd: int, head: Head, origin: str, plan: Plan) -> None:
        # Content that was nothing so far gives its key to what it became.
        taken = {k for k, s in plan.states.items() if s.known or k not in plan.lost}
        self._add(self._begin.new(file, fd, head, taken, origin, plan.now), file, plan)

    def _missed_origin(self, file: Seen, plan: Plan) -> str:
        """The configured path under which this content was written while nobody looked, or ""."""
        newest: dict[str, int] = {}
        for state in plan.before.values():
            if state.origin and state.seen_ns:
                newest[state.origin] = max(newest.get(state.origin, 0), state.seen_ns)
        for origin, seen_ns in newest.items():
            if file.mtime_ns >= seen_ns and paths.is_generation(file.path, origin):
                return origin
        return ""

    def _adopt(self, state: FileState, file: Seen, head: Head, plan: Plan) -> None:
        moved = self._moved(state, file)._replace(
            dev=file.dev, ino=file.ino, gz=head.gz, gone=0, done=0, of=""
        )
        if head.gz and not state.gz:
            moved = moved._replace(check=state.tail_len > 0, long=False)
        self._add(moved, file, plan)

    def _add(self, state: FileState, file: Seen, plan: Plan) -> None:
        plan.states[state.key] = state
        if state.known:
            plan.files[state.key] = file
        plan.lost.pop(state.key, None)
        plan.touched.add(file.inode)

    def _copies(self, plan: Plan) -> None:
        """Copies: let go of those that went their own way, or whose original is no more."""
        for key, state in list(plan.states.items()):
            if not state.of or key not in plan.files:
                continue
            file = plan.files.pop(key)
            try:
                self._copy(state, file, plan)
            except (FileNotFoundError, FileMovedError):
                continue  # the next poll finds it where it is
            except OSError as error:
                plan.trouble(file.path, error)

    def _copy(self, state: FileState, file: Seen, plan: Plan) -> None:
        original = plan.states.get(state.of)
        alone = state._replace(of="")
        if original is None:
            plan.states[state.key] = alone
            plan.files[state.key] = file
            return
        stamp = (file, original.key in plan.lost)
        if original.key not in plan.lost and self._checked.get("of:" + state.key) == stamp:
            return
        with content.opened(file.path) as fd:
            if not is_file(fd, file):
                raise FileMovedError
            head = head_of(fd, file)
            if original.key in plan.lost:
                verdict = against_lost(original, head, fd, file)
                if verdict is Verdict.SAME and (original.key, file.inode) not in self._refused:
                    del plan.states[state.key]
                    self._adopt(original, file, head, plan)
                    return
                if verdict is Verdict.COVERED:
                    return
                low = min(original.low, state.live)
                floor = min(original.floor, low)
                plan.states[state.key] = alone._replace(low=low, floor=floor, hist=low - floor)
                plan.files[state.key] = file
                return
            there = plan.files.get(original.key)
            if there is None:
                return
            verdict, shared = against_present(original, there, head, fd, file)
            if verdict is Verdict.COPY:
                if shared > state.live and not head.gz:
                    longer = self._begin.known(file, fd, head, plan.states, shared)
                    plan.states[state.key] = longer._replace(key=state.key, of=state.of)
                self._checked["of:" + state.key] = stamp
            elif verdict is Verdict.LONGER:
                longer = self._begin.known(file, fd, head, plan.states, shared)
                plan.states[state.key] = longer._replace(key=state.key)
                plan.files[state.key] = file
            elif verdict is Verdict.OTHER:
                plan.states[state.key] = alone
                plan.files[state.key] = file

    def _forget(self, plan: Plan, before: Mapping[str, FileState]) -> None:
        """Mark what is lost, and forget what has been lost for long."""
        for key, state in plan.lost.items():
            # A path at which there was nothing is remembered too: see `_missed_origin`.
            if state.of or not (state.known or state.origin):
                plan.states.pop(key, None)
            elif not state.gone:
                plan.states[key] = state._replace(gone=max(1, int(plan.now)))
        gone = sorted((s.gone, k) for k, s in plan.states.items() if s.gone)
        for position, (since, key) in enumerate(reversed(gone)):
            if position >= FORGET_ABOVE or plan.now - since > FORGET_S:
                del plan.states[key]
        for key in before.keys() - plan.states.keys():
            self._checked.pop(key, None)
            self._handles.close(key)

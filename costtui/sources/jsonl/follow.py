"""Which content is in which file: rotation by rename, by copy, by truncation and by gzip.

Looks, compares and decides; it neither reads lines nor changes what is remembered. The decisions
are explained in docs/decisions/020-jsonl-identity.md.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from costtui.sources.jsonl import content, paths
from costtui.sources.jsonl.begin import Beginner
from costtui.sources.jsonl.handles import FileMovedError, Handles
from costtui.sources.jsonl.identify import Identifier
from costtui.sources.jsonl.match import START
from costtui.sources.jsonl.paths import Seen
from costtui.sources.jsonl.plan import Inode, Plan
from costtui.sources.jsonl.reading import intact
from costtui.sources.jsonl.state import FileState

FORGET_S = 30 * 86400
"""How long content that is in no file is remembered, in case a copy turns up."""
FORGET_ABOVE = 1000
"""Pieces of such content that are remembered at most."""


class Follower:
    """Looks at the configured paths, and at what lies beside them when something moved."""

    def __init__(self, patterns: tuple[str, ...], handles: Handles, beginner: Beginner) -> None:
        self._patterns = patterns
        self._handles = handles
        self._begin = beginner
        self._identifier = Identifier(beginner)
        self._checked: dict[str, tuple[object, ...]] = {}
        self._starts: dict[str, bytes] = {}
        self._ended: dict[str, tuple[int, int]] = {}
        self._wanted: dict[str, bool] = {}
        self._held: Mapping[str, int] = {}
        self._later = False

    def refuse(self, key: str, inode: Inode) -> None:
        """This file turned out not to hold that content."""
        self._identifier.refuse(key, inode)

    def ended(self, state: FileState, file: Seen) -> None:
        """There was no further whole line in this file."""
        self._ended[state.key] = (file.size, state.live)

    def scan(self, states: Mapping[str, FileState], now: float) -> Plan:
        """Where everything is now. The plan's states differ from `states` where that changed."""
        plan = Plan(dict(states), states, now, held=self._held, starts=self._starts)
        seen = self._configured(plan)
        replaced: list[tuple[str, Seen]] = []
        missing: list[FileState] = []
        for state in states.values():
            if state.gone:
                plan.lost[state.key] = state
                continue
            file = self._place(state, seen, plan)
            if file is None:
                if not self._is_wanted(state):
                    continue
                if (state.dev, state.ino) not in plan.touched:
                    missing.append(state)
            elif not self._settle(state, file, plan):
                replaced.append((state.key, file))
        unknown = [f for f in seen.values() if f.inode not in plan.touched]
        unknown += [f for _, f in replaced if f.inode not in seen]
        # Where no whole line was read yet, a torn one is all there is to know the content by, and
        # another log's first line may begin alike: its place may be beside it by now.
        barely = [
            file
            for key, file in plan.files.items()
            if (state := plan.states[key]).live == state.begin and not state.history_left
        ]
        near: dict[Inode, Seen] = {}
        if missing or unknown or barely or self._later:
            near = self._near(plan, missing, [*unknown, *barely], seen)
        for state in missing:
            self._search(state, near, plan)
        # Copies first: one that went its own way is itself something to be a copy of.
        self._identifier.copies(plan)
        unknown += [f for f in near.values() if f.inode not in plan.touched]
        for file in sorted(unknown, key=lambda f: (not f.configured, f.mtime_ns)):
            if file.inode not in plan.touched:
                self._identifier.identify(file, plan)
        for key, file in replaced:
            if key in plan.lost and plan.lost[key].known and not plan.lost[key].of:
                plan.resets += 1
                plan.notes.append(f"{file.path} was truncated, and no copy of it is there")
        self._forget(plan, states)
        self._later = plan.later
        self._held = plan.newest if plan.later else {}
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
        if not self._is_wanted(state):
            return None
        try:
            file = paths.look(state.path, False)
        except OSError as error:
            plan.trouble(state.path, error)
            plan.touched.add(inode)
            return None
        return file if file is not None and file.inode == inode else None

    def _is_wanted(self, state: FileState) -> bool:
        """Is the path under which it was written still configured?"""
        origin = state.origin
        if origin not in self._wanted:
            found = any(paths.names(pattern, origin) for pattern in self._patterns)
            self._wanted[origin] = found or not origin
        return self._wanted[origin]

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
                plan.states[state.key] = self._begin.moved(state, file)
        else:
            self._handles.close(state.key)
            plan.lost[state.key] = state
        return holds

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
                self._starts[state.key] = head[:START]
                holds = (
                    begin == state.begin and content.digest(head[: state.head_len]) == state.head
                )
            else:
                holds = file.size >= state.live and intact(fd, state)
                if state.key not in self._starts:
                    self._starts[state.key] = os.pread(fd, min(START, state.head_len), state.begin)
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
        if self._later:
            places |= {s.origin for s in plan.states.values() if s.origin}
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
            ended = file.size <= state.live or self._ended.get(state.key) == (file.size, state.live)
            unread = state.history_left or (state.gz and state.done != file.size)
            if named or unread or not ended:
                plan.files[state.key] = file
                plan.touched.add(file.inode)
                return
        self._handles.close(state.key)
        plan.lost[state.key] = state

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
            self._starts.pop(key, None)
            self._ended.pop(key, None)
            self._handles.close(key)

"""The screen without numbers: what is the matter, and what to do next."""

from __future__ import annotations

import os
from collections.abc import Mapping

from textual.geometry import Size

from costtui.model.found import Found
from costtui.tui import format as fmt
from costtui.tui.cells import cell_len, fit, outside
from costtui.tui.look import Line
from costtui.tui.shown import Shown
from costtui.tui.widgets.health import backfill, health, troubles
from costtui.tui.widgets.lines import Lines

FOUND_SHOWN = 5
"""Lines of what a look around found."""
SHORT = 24
"""Lines of this widget up to which one of them is left out: the sample's path may take two."""


class Notice(Lines):
    """Loading, welcome, waiting for data, or an error; centred."""

    DEFAULT_CSS = "Notice { height: 1fr; }"

    shown: Shown | None = None

    def lines(self, size: Size) -> list[Line]:
        shown = self.shown
        if shown is None:
            return []
        width, height = size
        text = self._text(shown, width)
        block = max((line.width for line in text), default=0)
        left = max(1, (width - block) // 2)
        top = max(0, (height - len(text)) // 3)
        return [Line(self.look) for _ in range(top)] + [
            Line(self.look).to(left).extend(line) for line in text
        ]

    def _text(self, shown: Shown, width: int) -> list[Line]:
        match shown.condition:
            case "error":
                return self._error(shown, width)
            case "welcome":
                return self._welcome(shown, width)
            case "waiting":
                return self._waiting(shown, width)
            case "loading":
                return [
                    self._line("costtui", "title"),
                    self._line(),
                    self._line("Reading the store …", "quiet"),
                ]
        return []

    def _line(self, text: str = "", role: str = "text") -> Line:
        return Line(self.look).put(text, role)

    def _command(self, command: str, what: str) -> Line:
        return Line(self.look).put("  ").cell(command, 30, "key").put(what, "quiet")

    def _error(self, shown: Shown, width: int) -> list[Line]:
        lines = [
            self._line().styled(" The store cannot be read ", self.look.palette.style("alarm")),
            self._line(),
        ]
        lines += [self._line(part) for part in wrapped(outside(shown.error, 800), width - 8)]
        lines += [
            self._line(),
            self._line("Nothing was changed. It is tried again every few seconds.", "quiet"),
            self._line(),
            self._command("costtui db check", "what is wrong with the file"),
            self._command("costtui db path", "which file it is"),
            self._command("R", "try again now"),
        ]
        return lines

    def _welcome(self, shown: Shown, width: int) -> list[Line]:
        lines = [
            self._line("No source is configured yet.", "title"),
            self._line(),
            self._line("costtui reads what is already there: Prometheus servers, metrics pages"),
            self._line("of gateways such as Kong or agentgateway, and JSONL cost logs."),
            self._line(),
            *self._begin(shown, width),
            self._command("costtui demo", "see it work, on a simulated fleet"),
            self._command("costtui presets detect URL", "what is at an address elsewhere?"),
            self._command("export COST_TRACKING_FILE=…", "all that an LLM proxy's log needs"),
            self._line(),
            self._line("A complete, commented example:", "quiet"),
        ]
        return lines + [
            self._line(f"  {part}", "key") for part in wrapped(shown.sample_config, width - 8)
        ]

    def _begin(self, shown: Shown, width: int) -> list[Line]:
        """What a look around found, and the key that makes a configuration of it."""
        if not shown.begin:
            return []
        lines = [self._line("On this machine:", "title")]
        if shown.found is None:
            lines.append(self._line("  looking around …", "quiet"))
        elif not shown.found:
            lines.append(self._line("  nothing answers where gateways usually do", "quiet"))
        found = shown.found or ()
        room = FOUND_SHOWN if self.content_size.height > SHORT else FOUND_SHOWN - 1
        place = min(26, max((cell_len(outside(one.where, 60)) for one in found), default=0))
        lines += [self._found(one, width, place) for one in found[:room]]
        more = len(found) - room
        if more > 0:
            lines.append(self._line(f"  and {more} more", "quiet"))
        path = homely(shown.begin, os.environ)
        if shown.config_file:
            what, does = f"{path} has no source yet:", "read it again, once you have edited it"
        else:
            good = any(one.good for one in found)
            what = f"There is no {path}:"
            does = "write it with this, and begin" if good else "write one to fill in"
        lines += [self._line(), *(self._line(p, "quiet") for p in wrapped(what, width - 8))]
        return [*lines, self._command("i", does)]

    def _found(self, one: Found, width: int, place: int) -> Line:
        g = self.look.glyphs
        light, role = (g.dot, "ok") if one.good else (g.middle, "quiet")
        line = Line(self.look).put("  ").put(light, role).put(" ")
        line.cell(outside(one.where, 60), place, "value")
        room = max(8, width - 6 - line.width)
        return line.put("  ").put(fit_text(outside(one.text, 200), room, g.cut),
                                  "text" if one.good else "quiet")  # fmt: skip

    def _waiting(self, shown: Shown, width: int) -> list[Line]:
        lines = [self._line("Waiting for the first usage.", "title"), self._line()]
        overview = shown.overview
        now = overview.taken_at if overview else 0.0
        for source in overview.sources if overview else ():
            state, role = health(source, now)
            line = Line(self.look).cell(outside(source.name), 22, "text").cell(state, 6, role)
            when = fmt.time_of_day(source.last_ok, self.look.zone)
            line.put(f"read {when}  ", "quiet").extend(backfill(source, self.look, 30))
            lines.append(line)
            lines += [
                self._line(f"    {part}", "warn")
                for text in troubles(source)
                for part in wrapped(text, max(20, width - 16))
            ]
        if shown.collector:
            lines += [self._line(), self._line("The collector does not run:", "over")]
            lines += [self._line(p) for p in wrapped(outside(shown.collector, 400), width - 8)]
        elif overview is not None and not overview.sources:
            lines.append(self._line("The collector is starting.", "quiet"))
        lines.append(self._line())
        if shown.begin and not shown.config_file:
            lines += [*self._begin(shown, width), self._line()]
        elif shown.config_file:
            path = homely(shown.config_file, os.environ)
            lines += [self._line(p, "quiet") for p in wrapped(f"Configured in {path}", width - 8)]
        lines += [
            self._line("Usage appears here within a second of being read.", "quiet"),
            self._command(self.look.key("sources"), "sources, errors, skipped lines"),
            self._command("costtui config check", "is the configuration right?"),
        ]
        return lines


def fit_text(text: str, room: int, cut: str) -> str:
    """`text` in at most `room` cells."""
    return text if cell_len(text) <= room else fit(text, room, cut)


def homely(path: str, env: Mapping[str, str]) -> str:
    """A path as people write it, with `~` for their home."""
    home = env.get("HOME", "").rstrip("/")
    return outside(f"~{path[len(home) :]}" if home and path.startswith(f"{home}/") else path, 300)


def wrapped(text: str, width: int) -> list[str]:
    """`text` in lines of at most `width` cells, broken at blanks where there are any."""
    lines, line = [], ""
    for word in text.split(" "):
        while cell_len(word) > width:
            if line:
                lines.append(line)
                line = ""
            take = word[:width]
            while cell_len(take) > width:
                take = take[:-1]
            lines.append(take)
            word = word[len(take) :]
        if line and cell_len(line) + 1 + cell_len(word) > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    return [*lines, line] if line else lines

"""The screen without numbers: what is the matter, and what to do next."""

from __future__ import annotations

from textual.geometry import Size

from costtui.tui import format as fmt
from costtui.tui.cells import cell_len, outside
from costtui.tui.look import Line
from costtui.tui.shown import Shown
from costtui.tui.widgets.health import backfill, health, troubles
from costtui.tui.widgets.lines import Lines


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
        return [
            self._line("No source is configured yet.", "title"),
            self._line(),
            self._line("costtui reads what is already there: JSONL cost logs of an LLM proxy,"),
            self._line("and the metrics pages of Kong, agentgateway and others."),
            self._line(),
            self._command("costtui demo", "see it work, on a simulated fleet"),
            self._command("costtui --config my.yml", "watch your own"),
            self._command("costtui config check", "is a configuration right?"),
            self._line(),
            self._line("A complete, commented example to start from:", "quiet"),
            *(self._line(f"  {part}", "key") for part in wrapped(shown.sample_config, width - 8)),
            self._line(),
            self._line("With an LLM proxy no configuration is needed:", "quiet"),
            self._command("export COST_TRACKING_FILE=…", "the proxy's JSONL cost log"),
        ]

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
        lines += [
            self._line(),
            self._line("Usage appears here within a second of being read.", "quiet"),
            self._command(self.look.key("sources"), "sources, errors, skipped lines"),
            self._command("costtui config check", "is the configuration right?"),
        ]
        return lines


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

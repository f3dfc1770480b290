"""The form of a silence: how long, which alerts, and why. Nothing is stored before a second Enter,
which comes after it was said how many present alerts that mutes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from textual.app import ComposeResult
from textual.events import Key, Paste
from textual.geometry import Size
from textual.screen import ModalScreen

from costtui.config.durations import parse_duration
from costtui.model.alert import AlertStatus, Matcher
from costtui.tui import format as fmt
from costtui.tui.bindings import textual_bindings
from costtui.tui.cells import cell_len, fit, outside
from costtui.tui.look import Line, Look, frame
from costtui.tui.prompt import Search
from costtui.tui.screens.repainting import Repainting
from costtui.tui.shown import Shown
from costtui.tui.widgets.alerts import alert_text
from costtui.tui.widgets.lines import Lines
from costtui.tui.widgets.notice import wrapped

if TYPE_CHECKING:
    from costtui.tui.app import CosttuiApp

LENGTHS = ("1h", "4h", "24h", "7d")
LEAST = 60
"""Seconds of a silence."""
LENGTH, REASON = "length", "reason"
_LABEL = 11
_EDITS = ("backspace", "ctrl+h", "delete", "left", "right", "home", "end", "ctrl+a", "ctrl+e",
          "ctrl+u", "ctrl+k", "ctrl+w")  # fmt: skip
NAMED = 3
"""Alerts that are named before it is stored."""


class Form(Lines, can_focus=True):
    """Draws the form and takes what is typed. The screen has the other keys."""

    def __init__(self, look: Look, matchers: Sequence[Matcher]) -> None:
        super().__init__(look, id="form")
        self.matchers = tuple(matchers)
        self.dropped: set[int] = set()
        self.length, self.reason = Search(), Search()
        self.length.put(LENGTHS[0])
        self.fresh = True
        """The length was not typed yet, so that the first character takes its place."""
        self.field = 0
        self.error = ""
        self.asking = False
        """It is said what would be muted, and Enter stores it."""
        self.fits: Sequence[AlertStatus] = ()
        self.narrow = 0
        """How many fit with every matcher: what it began with."""
        self.until = 0.0

    # What it says ---------------------------------------------------------------------------

    @property
    def fields(self) -> tuple[str, ...]:
        return (LENGTH, *map(str, range(len(self.matchers))), REASON)

    @property
    def current(self) -> str:
        return self.fields[self.field]

    @property
    def kept(self) -> tuple[Matcher, ...]:
        return tuple(m for n, m in enumerate(self.matchers) if n not in self.dropped)

    def seconds(self) -> int:
        """Raises ValueError with what is wrong."""
        text = self.length.text.strip()
        if not text:
            raise ValueError("how long? For example 90m")
        try:
            found = int(parse_duration(text))
        except ValueError as error:
            raise ValueError(f"{text} {error}") from None
        if found < LEAST:
            raise ValueError("a silence lasts a minute or more")
        return found

    # Typing ---------------------------------------------------------------------------------

    def check_consume_key(self, key: str, character: str | None) -> bool:  # noqa: ARG002
        """Letters are text here, and not keys of the app."""
        return character is not None and character.isprintable()

    def _line(self) -> Search | None:
        if self.asking:
            return None
        return {LENGTH: self.length, REASON: self.reason}.get(self.current)

    def on_key(self, event: Key) -> None:
        """All keys of the form, also those of the bindings: Textual looks for a binding three
        message queues later, and what is typed behind a Tab in one packet would be in the field
        before it."""
        line = self._line()
        typed = event.character is not None and event.is_printable
        walks = self.current == LENGTH and event.key in ("left", "right")
        if line is not None and (typed or (event.key in _EDITS and not walks)):
            self._edit(line, event, typed=typed)
        elif not self._act(event.key):
            if line is not None or not typed or self.asking:
                return
            self._to_reason()
            self._edit(self.reason, event, typed=typed)
        event.stop()
        event.prevent_default()

    def _to_reason(self) -> None:
        """What is typed on a matcher is the reason, begun a Tab too early: were it lost, its spaces
        would untick the matcher and widen the silence."""
        self.field = self.fields.index(REASON)

    def _edit(self, line: Search, event: Key, *, typed: bool) -> None:
        if line is self.length:
            if typed and self.fresh:
                line.put("")
            self.fresh = False
        line.press(event.key, event.character)
        self.edited()

    def _act(self, key: str) -> bool:
        """Do what the key is bound to; False where that is nothing here."""
        for one in self.look.keys:
            if one.where == "silencing" and key in one.keys.split(","):
                name, _, argument = one.action.partition("(")
                action = getattr(self.screen, f"action_{name}")
                action(*([int(argument.rstrip(")"))] if argument else []))
                return True
        return False

    def on_paste(self, event: Paste) -> None:
        if self.asking:
            return
        line = self._line()
        if line is None:
            self._to_reason()
        event.stop()
        (line or self.reason).insert(event.text)
        self.edited()

    def edited(self) -> None:
        self.error = ""
        cast("SilenceForm", self.screen).counted()

    # Drawing --------------------------------------------------------------------------------

    def height_for(self, width: int) -> int:
        return len(self._body(width - 2)) + 2

    def lines(self, size: Size) -> list[Line]:
        width, height = size
        title = Line(self.look).put("silence", "focus-title")
        body = self._body(width - 2)
        return frame(self.look, body, width, height, title=title, note=self._note(), focus=True)

    def _note(self) -> Line:
        line = Line(self.look)
        keys = [("Enter", "stores it"), ("Esc", "changes it")] if self.asking else [
            ("Tab", "next"), ("Enter", "silence"), ("Esc", "leaves")]  # fmt: skip
        for key, what in keys:
            line.put("  " if line.width else "").put(key, "key").put(f" {what}", "quiet")
        return line

    def _body(self, width: int) -> list[Line]:
        out = [self._length(), self._ends()]
        for number, matcher in enumerate(self.matchers):
            out.append(self._matcher(number, matcher, width))
        out += [self._typed("why", REASON, self.reason, width), Line(self.look)]
        return out + self._outcome(width)

    def _start(self, label: str, field: str) -> Line:
        here = self.current == field and not self.asking
        line = Line(self.look).put(self.look.glyphs.cursor if here else " ", "accent")
        return line.cell(label, _LABEL, "accent" if here else "quiet")

    def _length(self) -> Line:
        line = self._start("how long", LENGTH)
        known = self.length.text in LENGTHS
        for name in LENGTHS:
            if name == self.length.text:
                line.styled(f" {name} ", self.look.palette.style("chip"))
            else:
                line.put(f" {name} ", "text")
        if known:
            return line.put("   or type it: 90m", "faint")
        line.put("  ")
        return self._text(line, self.length, self.current == LENGTH, 20)

    def _ends(self) -> Line:
        line = Line(self.look).to(1).cell("until", _LABEL, "quiet")
        if not self.until:
            return line.put("-", "quiet")
        return line.put(f" {fmt.date_and_time(self.until, self.look.zone)[:16]}", "text")

    def _matcher(self, number: int, matcher: Matcher, width: int) -> Line:
        dropped = number in self.dropped
        line = self._start("of" if number == 0 else "", str(number))
        line.put(" [ ] " if dropped else " [x] ", "quiet" if dropped else "key")
        name, op, value = matcher
        shown = outside(self.look.named(name, value), 120) or "(none)"
        text = f"{outside(name, 40)} {op} {shown}"
        line.put(fit(text, min(cell_len(text), max(4, width - line.width - 12)),
                     self.look.glyphs.cut), "faint" if dropped else "value")  # fmt: skip
        if self.current == str(number) and not self.asking:
            line.put("  space ", "key").put("takes it" if dropped else "drops it", "quiet")
        return line

    def _typed(self, label: str, field: str, typed: Search, width: int) -> Line:
        line = self._start(label, field).put(" ")
        if not typed.text and self.current != field:
            return line.put("for whoever wonders", "faint")
        return self._text(line, typed, self.current == field, width - line.width - 2)

    def _text(self, line: Line, typed: Search, here: bool, room: int) -> Line:
        """What is typed, with its cursor in sight."""
        text = "".join(c if c.isprintable() else "?" for c in typed.text)
        before, after = text[: typed.at], text[typed.at :]
        while before and cell_len(before) + 1 > room:
            before = before[1:]
        line.put(outside(before, 400), "value")
        if here and not self.asking:
            line.styled(outside(after[:1], 4) or "_", self.look.palette.style("chip"))
            after = after[1:]
        after = fit(after, min(cell_len(after), max(1, room - cell_len(before) - 1)),
                    self.look.glyphs.cut) if after else ""  # fmt: skip
        return line.put(outside(after, 400), "value")

    def _outcome(self, width: int) -> list[Line]:
        look, number = self.look, len(self.fits)
        if self.error:
            return [Line(look).put(f" {part}", "over")
                    for part in wrapped(outside(self.error, 300), width - 3)]  # fmt: skip
        firing = sum(a.state == "firing" for a in self.fits)
        what = f"{number} alert{'' if number == 1 else 's'} that {'is' if number == 1 else 'are'}"
        wider = f" (was {self.narrow})" if number > self.narrow else ""
        verb = "fits" if number == 1 else "fit"
        text = f"{what} there now {verb}{wider}, {firing} of them firing"
        if not number:
            text = "no alert that is there now fits: it mutes what comes"
        if not self.kept:
            text = "without a matcher it would mute everything: keep one"
        role = "warn" if wider else "quiet"
        any_name = self.kept and all(self.matchers[n].name != "alert" or n in self.dropped
                                     for n in range(len(self.matchers)))  # fmt: skip
        loose = [Line(look).put(" of whatever name: also alerts of other rules, and those to come",
                                "warn")] if any_name else []  # fmt: skip
        if not self.asking:
            return [Line(look).put(f" {text}", role if self.kept else "over"), *loose]
        out = [*loose, Line(look).put(f" {text}:" if number else f" {text}", "warn")]
        for alert in self.fits[:NAMED]:
            text = alert_text(alert, look, width - 5)
            out.append(Line(look).put("   ").put(fit(text, min(cell_len(text), width - 5),
                                                     look.glyphs.cut), "text"))  # fmt: skip
        if number > NAMED:
            out.append(Line(look).put(f"   and {number - NAMED} more", "quiet"))
        return out


class SilenceForm(Repainting, ModalScreen[None]):
    """`z`. What is under it stays visible."""

    where = "silencing"
    BINDINGS = textual_bindings("silencing")
    CSS = """
    SilenceForm { align: center top; background: $background 40%; }
    SilenceForm:ansi { background: transparent; }
    SilenceForm Form { margin: 2 0 0 0; }
    """
    SCOPED_CSS = False

    def __init__(self, look: Look, shown: Shown, matchers: Sequence[Matcher]) -> None:
        super().__init__()
        self.look = look
        self.shown = shown
        self._matchers = tuple(matchers)

    def compose(self) -> ComposeResult:
        yield Form(self.look, self._matchers)

    def on_mount(self) -> None:
        self.set_focus(self.form)
        self.counted()

    @property
    def form(self) -> Form:
        return self.query_one(Form)

    @property
    def owner(self) -> CosttuiApp:
        return cast("CosttuiApp", self.app)

    def show(self, shown: Shown) -> None:
        """The alerts may be others now."""
        self.shown = shown
        self.counted()

    def counted(self) -> None:
        """What it would mute, as it is filled in now."""
        from costtui.engine.muting import fitting

        form, shown = self.form, self.shown
        present = shown.overview.alerts if shown.overview is not None else ()
        active = [a for a in present if a.state in ("firing", "pending")]
        form.fits = fitting(shown.alert_rules, shown.budgets, active, form.kept)
        form.narrow = len(fitting(shown.alert_rules, shown.budgets, active, form.matchers))
        try:
            form.until = self.owner.clock.now() + form.seconds()
        except ValueError:
            form.until = 0.0
        self.fit()

    def fit(self) -> None:
        form = self.form
        width = min(76, self.app.size.width - 2)
        form.styles.width = width
        form.styles.height = min(self.app.size.height - 3, form.height_for(width))
        form.redraw()

    # Keys -----------------------------------------------------------------------------------

    def action_field(self, step: int) -> None:
        form = self.form
        form.asking = False
        form.field = (form.field + step) % len(form.fields)
        self.fit()

    def action_length(self, step: int) -> None:
        form = self.form
        if form.current != LENGTH or form.asking:
            return
        text = form.length.text
        at = LENGTHS.index(text) + step if text in LENGTHS else 0
        form.length.put(LENGTHS[at % len(LENGTHS)])
        form.fresh = True
        form.edited()

    def action_matcher(self) -> None:
        form = self.form
        if form.current.isdecimal() and not form.asking:
            form.dropped ^= {int(form.current)}
            form.edited()

    def action_take(self) -> None:
        """Ask, then store."""
        form = self.form
        try:
            seconds = form.seconds()
        except ValueError as error:
            form.error, form.field = str(error), 0
            self.fit()
            return
        if not form.kept:
            form.error = "without a matcher it would mute everything: keep one"
        elif not form.asking:
            form.asking = True
        else:
            self.dismiss()
            self.owner.silence(form.kept, seconds, form.reason.text.strip())
            return
        self.fit()

    def action_close(self) -> None:
        form = self.form
        if form.asking:
            form.asking = False
            self.fit()
        else:
            self.dismiss()

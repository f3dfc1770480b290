"""Every key, once. The footer, the help screen, the palette and docs/keys.md are made from it.

No action hangs on a key that terminals, tmux or screen swallow: there is no ctrl+s, ctrl+q,
ctrl+b, ctrl+a, alt or ctrl+Enter here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from costtui.model.timewindow import WINDOWS

if TYPE_CHECKING:
    from textual.binding import BindingType


class Key(NamedTuple):
    """One action and the keys that call it."""

    id: str
    """Stable: what a user's `keymap:` refers to."""
    keys: str
    """Textual's key names, comma-separated."""
    action: str
    label: str
    """One or two words, for the footer."""
    tooltip: str
    """One line, for help and palette."""
    where: str = "app"
    """The screens it belongs to, comma-separated; `app` is everywhere, `table` in every list."""
    shown: str = ""
    """How the keys are written for people; made from `keys` where empty."""
    footer: int = 0
    """Order in the footer; 0 leaves it out."""
    group: str = "General"
    """Heading on the help screen."""

    def on(self, where: str) -> bool:
        """Does it do something on the screen `where`?"""
        return bool({"app", where} & set(self.where.split(",")))

    @property
    def first(self) -> str:
        """The key to name where there is room for one; `""` without a key."""
        return self.written.partition(" ")[0]

    @property
    def written(self) -> str:
        """All its keys, as people write them."""
        return self.shown or self.keys


_LENGTHS = {
    "15m": "the last 15 minutes",
    "1h": "the last hour",
    "6h": "the last 6 hours",
    "24h": "the last 24 hours",
    "7d": "the last 7 days",
    "30d": "the last 30 days",
    "today": "today, from midnight",
    "month": "this month to date",
}

# fmt: off
_TABLE: dict[str, tuple[tuple[str, str, str, str, str, str, str, int], ...]] = {
    # id, keys, action, label, tooltip, where, shown, place in the footer
    "Time": (
        *((f"window-{w.name}", w.key, f"window('{w.name}')", w.name, f"Show {_LENGTHS[w.name]}",
           "app", "", 0) for w in WINDOWS),
        ("earlier", "left_square_bracket", "earlier", "earlier", "Go back one period",
         "app", "[", 0),
        ("later", "right_square_bracket", "later", "later", "Go forward one period",
         "app", "]", 0),
        ("at", "at", "at", "at",
         "Go to a moment: 14:10, yesterday 14:10, monday, 2026-11-20 14:10, -3h", "app", "@", 0),
        ("live", "L", "live", "live", "Back to now", "app", "L", 0),
        ("reset", "0", "reset", "as at start",
         "Everything as configured: no filter, period, group, unit, order, chart; :back undoes it",
         "app", "0", 0),
        ("pause", "p", "pause", "pause", "Freeze the display; collecting goes on",
         "app", "p", 0),
        ("refresh", "R", "refresh", "refresh", "Read everything again now", "app", "R", 0),
    ),
    "Look": (
        ("drill", "enter", "drill", "drill",
         "Narrow to this row and show the next dimension, down to one request",
         "overview", "Enter", 2),
        ("gateway", "enter", "drill", "drill", "Narrow to this gateway and go to the overview",
         "fleet", "Enter", 2),
        ("part", "enter", "drill", "drill", "Narrow to this row and go to the overview",
         "forecast", "Enter", 2),
        ("open", "enter", "open", "record", "Show everything known about this request",
         "requests", "Enter", 2),
        ("detail", "enter", "detail", "full text", "Show the whole text of this row",
         "sources,request", "Enter", 2),
        ("keep-theme", "enter", "keep", "keep", "Keep this theme", "themes", "Enter", 2),
        ("restore-theme", "escape,backspace,q,T", "restore", "back",
         "Close the list; the theme is as it was before", "themes", "Esc", 3),
        ("price", "enter", "detail", "in full", "How this model's rate and its cost come about",
         "prices", "Enter", 2),
        ("finding", "enter", "drill", "show it", "Open the overview on what this is about",
         "advice", "Enter", 2),
        ("what-if", "equals_sign", "what_if", "what if",
         "What this model would have cost at other rates: 3 15, or like gpt-5-mini",
         "prices", "=", 5),
        ("usage", "enter", "drill", "usage",
         "Show the usage that this alert is about, in its window", "alerts", "Enter", 2),
        ("budget-usage", "enter", "drill", "usage",
         "Show the usage that this budget is about, over its period", "budgets", "Enter", 2),
        ("fold", "space", "fold", "fold",
         "Show all label sets of this budget, none, or the first of them", "budgets", "space", 6),
        ("numbers", "n", "numbers", "numbers",
         "What was spent a day and a month, to choose a limit by; and back", "budgets", "n", 6),
        ("acknowledge", "a", "acknowledge", "acknowledge",
         "Acknowledge what fires here: it is not told again. Once more on it takes it back",
         "alerts,budgets", "a", 4),
        ("silence", "z", "silence", "silence",
         "Silence this alert, and others like it, for a time", "alerts,budgets", "z", 5),
        ("silences", "Z", "silences", "silences", "Go to the silences", "alerts", "Z", 0),
        ("end-silence", "d,delete", "end_silence", "end silence",
         "End the silence under the cursor", "alerts", "d Del", 0),
        ("silence-it", "enter", "take", "silence", "Ask how many it mutes; once more stores it",
         "silencing", "Enter", 0),
        ("silence-next", "tab,down", "field(1)", "next", "To the next field", "silencing",
         "Tab ↓", 0),
        ("silence-previous", "shift+tab,up", "field(-1)", "previous", "To the field before",
         "silencing", "Shift+Tab ↑", 0),
        ("silence-length", "right", "length(1)", "longer", "1h, 4h, 24h, 7d; or type it",
         "silencing", "→", 0),
        ("silence-shorter", "left", "length(-1)", "shorter", "The length before", "silencing",
         "←", 0),
        ("silence-matcher", "space,delete", "matcher", "drop",
         "Drop this matcher, or take it again", "silencing", "space Del", 0),
        ("silence-leave", "escape", "close", "leave", "Leave without having stored anything",
         "silencing", "Esc", 0),
        ("narrow", "enter", "drill", "narrow",
         "Show who moved; then narrow the overview to one of them, at that time",
         "why", "Enter", 2),
        ("pretty", "enter", "pretty", "pretty", "The line as it is, or its JSON one key a line",
         "line", "Enter", 2),
        ("source-line", "o", "source_line", "source line",
         "Open the log at the line this request was read from", "requests", "o", 0),
        ("record-line", "o", "source_line", "source line",
         "Open the log at the line this request was read from", "request", "o", 6),
        ("next-request", "n", "neighbour(1)", "next", "Next request of the list",
         "request", "n", 4),
        ("previous-request", "N", "neighbour(-1)", "previous", "Previous request of the list",
         "request", "N", 5),
        ("follow", "F", "follow", "follow",
         "Go to where new requests come in, and stay there as they do", "requests", "F", 6),
        ("status", "s", "status", "status",
         "Only failed, only throttled, only unpriced, all requests", "requests", "s", 5),
        ("climb", "escape,backspace", "climb", "back", "Undo the last drill or filter",
         "app", "Esc", 3),
        ("filter", "slash", "filter", "filter",
         "Filter: text, !text, ~regex, !~regex, provider=openai, model!=gpt-5",
         "overview,requests,fleet,cross,forecast,prices,advice,budgets", "/", 4),
        ("group", "g", "group", "group", "Give the big panel to the next dimension",
         "overview,forecast", "g", 5),
        ("rows", "g", "rows", "rows", "Give the rows to the next dimension", "cross", "g", 5),
        ("swap", "X", "swap", "swap", "Make rows of the columns and columns of the rows",
         "cross", "X", 0),
        ("cell", "enter", "drill", "drill",
         "Narrow to the row and the column of this cell and go to the overview",
         "cross", "Enter", 2),
        ("column-left", "left,less_than_sign", "column(-1)", "column left",
         "One column to the left", "cross", "← <", 0),
        ("column-right", "right,greater_than_sign", "column(1)", "column right",
         "One column to the right", "cross", "→ >", 0),
        ("sort-here", "s", "sort_here", "sort", "Sort by this column; again, by the total",
         "cross", "s", 0),
        ("take", "enter", "take", "take", "Group by the dimension under the cursor",
         "chooser", "Enter", 0),
        ("axis", "tab,shift+tab", "axis", "axis", "Choose for the other axis", "chooser", "Tab", 0),
        ("remove-filter", "enter,delete", "remove", "remove", "Take this filter out of the stack",
         "filters", "Enter Del", 0),
        ("invert-filter", "exclamation_mark", "invert", "invert",
         "Let pass what it did not, and not what it did", "filters", "!", 0),
        ("close", "escape", "close", "close", "Close the list", "chooser,filters", "Esc", 0),
        ("group-by", "b", "group_by", "group by", "Choose what the rows are from a list",
         "overview,cross", "b", 0),
        ("filters", "backslash", "filters", "filters",
         "The filters in a list: take one out, or turn it round",
         "app", "\\", 0),
        ("unit", "u", "unit", "unit", "Show dollars, tokens, requests or dollars per 1M tokens",
         "overview,fleet,cross", "u", 8),
        ("chart-kind", "v", "chart", "chart",
         "Next chart: over time, by group, token mix, cumulative", "overview", "v", 0),
        ("crosshair", "C", "crosshair", "crosshair",
         "Go to the chart and point at its newest bar", "overview", "C", 0),
        ("cross-left", "left,h", "cross(-1)", "bar left",
         "In the chart: point at the bar to the left; Enter zooms into it",
         "overview", "← h", 0),
        ("cross-right", "right,l", "cross(1)", "bar right",
         "In the chart: point at the bar to the right; Enter zooms into it",
         "overview", "→ l", 0),
        ("mark", "space", "mark", "mark",
         "In the chart: begin a range here, that Enter zooms into", "overview", "space", 0),
        ("compare", "c", "compare", "compare", "Show or hide the change against before",
         "overview,fleet,cross", "c", 0),
        ("sort-left", "less_than_sign", "sort(-1)", "sort left",
         "Sort by the column to the left", "overview,requests,fleet,prices,budgets", "<", 0),
        ("sort-right", "greater_than_sign", "sort(1)", "sort right",
         "Sort by the column to the right; ids of requests have no order",
         "overview,requests,fleet,prices,budgets", ">", 0),
        ("reverse", "r", "reverse", "reverse", "Reverse the order",
         "overview,requests,fleet,cross,prices,budgets", "r", 0),
        ("next-panel", "tab", "panel(1)", "panel", "Next panel",
         "overview,alerts,why,price,sources", "Tab", 0),
        ("previous-panel", "shift+tab", "panel(-1)", "previous panel", "Previous panel",
         "overview,alerts,why,price,sources", "Shift+Tab", 0),
        ("why", "w", "why", "why", "Why cost moved: the greatest steps, and who made them",
         "overview,fleet,alerts", "w", 6),
        ("history-of", "h", "history_of", "this rule",
         "History of the rule under the cursor, or of all", "alerts", "h", 6),
        ("maximise", "M", "maximise", "maximise",
         "Give the whole screen to this panel, and back", "overview,forecast,budgets", "M", 0),
    ),
    "Move": (
        ("up", "up,k", "up", "up", "Up", "table", "↑ k", 0),
        ("down", "down,j", "down", "down", "Down", "table", "↓ j", 0),
        ("page-up", "pageup,ctrl+u", "page(-1)", "page up", "A page up", "table", "PgUp", 0),
        ("page-down", "pagedown,ctrl+d", "page(1)", "page down", "A page down",
         "table", "PgDn", 0),
        ("top", "home", "top", "top", "First row", "table", "Home", 0),
        ("bottom", "end,G", "bottom", "bottom", "Last row", "table", "End G", 0),
    ),
    "Screens": (
        ("overview", "f2", "overview", "overview", "The overview", "app", "F2", 0),
        ("requests", "f3", "goto('requests')", "requests", "The requests behind these numbers",
         "app", "F3", 0),
        ("fleet", "f", "goto('fleet')", "fleet",
         "All gateways: day, week, month, rate, tokens, trend", "app", "f", 0),
        ("cross", "x", "goto('cross')", "heat table", "Two dimensions at once, shaded by cost",
         "app", "x", 0),
        ("alerts", "f4", "goto('alerts')", "alerts", "Alerts as they are, and as they were",
         "app", "F4", 0),
        ("budgets", "f5", "goto('budgets')", "budgets",
         "What is left of each budget, and when it ends", "app", "F5", 0),
        ("forecast", "f6", "goto('forecast')", "forecast",
         "What this month will have cost, and how sure that is", "app", "F6", 0),
        ("advice", "f7", "goto('advice')", "advice",
         "What is worth a look, with the money at stake", "app", "F7", 0),
        ("prices", "f8", "goto('prices')", "prices",
         "The rates of every model, where they come from, and what if they were others",
         "app", "F8", 0),
        ("sources", "f9", "goto('sources')", "sources", "Sources, skipped lines, unpriced models",
         "app", "F9", 0),
        ("help", "question_mark,f1", "help", "help", "All keys", "app", "?", 9),
    ),
    "Take away": (
        ("export-csv", "e", "export('csv')", "export",
         "Write exactly what is shown to a CSV file", "app", "e", 0),
        ("export-json", "E", "export('json')", "export JSON",
         "Write exactly what is shown to a JSON file", "app", "E", 0),
        ("copy", "y", "copy", "copy", "Copy the value under the cursor (OSC 52)",
         "app", "y", 0),
    ),
    "General": (
        ("find", "slash", "app.find", "find", "Keep the rows with these words", "help", "/", 2),
        ("views", "V", "views", "views", "Saved views: go to one, or forget it", "app", "V", 0),
        ("forget-view", "d", "forget", "forget", "Forget the view under the cursor",
         "views", "d", 3),
        ("open-view", "enter", "open", "go there", "Go to the view under the cursor",
         "views", "Enter", 2),
        ("theme", "t", "next_theme", "theme", "Next theme", "app", "t", 0),
        ("choose-theme", "T", "choose_theme", "themes", "Choose a theme and see each at once",
         "app", "T", 0),
        ("start-config", "i", "start_config", "begin",
         "Without a configuration: write one with what was found here, and begin",
         "overview", "i", 0),
        ("palette", "colon,ctrl+p", "command_palette", "commands",
         "Type a command; finds any action by name", "app", ": or ctrl+p", 7),
        ("suspend", "ctrl+z", "suspend_process", "suspend",
         "Back to the shell for a while; fg comes back", "app", "ctrl+z", 0),
        ("redraw", "ctrl+l", "redraw", "redraw",
         "Paint the whole screen again, after something else wrote on it", "app", "ctrl+l", 0),
        ("quit", "q", "back_or_quit", "quit", "Back; quit on the overview", "app", "q", 0),
        ("stop", "ctrl+c", "stop", "quit now", "Quit from anywhere", "app", "ctrl+c", 0),
    ),
}
# fmt: on

KEYS: tuple[Key, ...] = tuple(Key(*row, group) for group, rows in _TABLE.items() for row in rows)

WINDOW_HINT = Key("windows", "", "", "window", "", "app", "1-8", 1, "Time")
"""Eight keys, one entry in the footer."""


def textual_bindings(where: str) -> list[BindingType]:
    """The table's rows for one place, as Textual wants them."""
    from textual.binding import Binding

    return [
        Binding(
            key.keys,
            key.action,
            key.label,
            show=False,
            id=key.id,
            tooltip=key.tooltip,
            priority=key.id in ("stop", "redraw"),
        )
        for key in KEYS
        if where in key.where.split(",")
    ]


def footer_keys(where: str, keys: Sequence[Key] = KEYS) -> list[Key]:
    """At most eight keys that matter most on a screen, in order."""
    rows = [k for k in (windows_hint(keys), *keys) if k.footer and k.shown and k.on(where)]
    if where == "help":  # there is no data on it
        rows = [k for k in rows if k.group not in ("Time", "Take away")]
    if where in ("forecast", "budgets"):  # they have periods of their own
        rows = [k for k in rows if k.group != "Time"]
    rows.sort(key=lambda k: k.footer)
    return [*(k for k in rows if k.id != "help")][:7] + [k for k in rows if k.id == "help"]


def windows_hint(keys: Sequence[Key]) -> Key:
    """The footer's one entry for all windows, with the user's keys."""
    written = [k.first for k in keys if k.id.startswith("window-")]
    usual = written == [w.key for w in WINDOWS]
    some = [k for k in written if k]
    mine = f"{some[0]}…{some[-1]}" if len(some) > 1 else "".join(some)
    return WINDOW_HINT._replace(shown=WINDOW_HINT.shown if usual else mine)


def by_group(*where: str, keys: Sequence[Key] = KEYS) -> Iterator[tuple[str, list[Key]]]:
    """Help: the headings in order, each with its keys."""
    for group in _TABLE:
        rows = [k for k in keys if k.group == group and any(k.on(w) for w in where)]
        if rows:
            yield group, rows

"""Budgets as rows of a tree: which of them are shown, in which order, and how their alerts stand.

Nothing here draws. What needs all label sets is added up once, in the reader's thread (`stand`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import inf
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from costtui.config.alert_schema import BudgetConfig
from costtui.model.alert import AlertStatus, Labels
from costtui.model.budget import BudgetLine
from costtui.model.charge import Exactness
from costtui.tui.cells import outside

if TYPE_CHECKING:
    from costtui.engine.muting import Mute

FEW = 10
"""Label sets of a budget that are shown until one asks for all."""
SORTS = ("order", "name", "limit", "spent", "used", "left", "burn", "forecast", "ends", "alert")
"""`order` is that of the configuration, and of the label sets by what they spent."""
CLOSED, SOME, ALL = "closed", "some", "all"
NONE = "(none)"


class BudgetData(Protocol):
    """What is asked of the reader."""

    def budgets(
        self, budgets: Sequence[BudgetConfig], now: float, sources: frozenset[str] | None = None
    ) -> Sequence[BudgetLine]: ...


class Whole(NamedTuple):
    """One budget and all of its lines. Money is nano-USD."""

    budget: BudgetConfig
    lines: tuple[BudgetLine, ...]
    """The one that has spent most is first."""
    spent: int
    exactness: Exactness
    passed: int
    """Lines above the limit."""
    reached: int
    """Lines exactly at it."""
    next_end: int
    """When the first of the others is forecast to be reached, epoch seconds; 0 for none."""


class Stood(NamedTuple):
    """How all budgets stood at one moment, epoch seconds."""

    at: float
    live: bool
    wholes: tuple[Whole, ...]


def stand(
    data: BudgetData,
    budgets: Sequence[BudgetConfig],
    moment: float,
    sources: frozenset[str] | None,
    *,
    live: bool,
) -> Stood:
    """Read them. Called in the reader's thread: 0.2 s for ten thousand label sets. Which sources
    were read is known of now alone, so of the past nothing is called incomplete for that."""
    found = data.budgets(budgets, moment, sources if live else frozenset())
    by_name: dict[str, list[BudgetLine]] = {}
    for line in found:
        by_name.setdefault(line.name, []).append(line)
    wholes = tuple(_whole(one, by_name.get(one.name, [])) for one in budgets)
    return Stood(moment, live, wholes)


def _whole(budget: BudgetConfig, lines: Sequence[BudgetLine]) -> Whole:
    spent, exact, passed, reached, ends = 0, 0, 0, 0, 0
    for line in lines:
        spent += line.spent
        exact |= line.exactness
        passed += line.spent > line.limit
        reached += line.spent == line.limit
        if line.reaches and (not ends or line.reaches < ends):
            ends = line.reaches
    return Whole(budget, tuple(lines), spent, Exactness(exact), passed, reached, ends)


# How its alerts stand -----------------------------------------------------------------------------


class Step(NamedTuple):
    """One alert of a budget."""

    status: AlertStatus
    mutes: tuple[Mute, ...] = ()

    @property
    def name(self) -> str:
        """`80%`, `forecast` or `burn`."""
        return self.status.labels[-1][1] if self.status.labels else ""


class Standing(NamedTuple):
    """The alerts of one line in a word."""

    word: str
    """`firing`, `acked`, `silenced`, `inhibited`, `pending`, `resolved`, `ok`, or "" where they
    have not been looked at."""
    step: str = ""
    """Which alert the word is of."""


_RANK = {"firing": 0, "acked": 1, "silenced": 2, "inhibited": 3, "pending": 4, "resolved": 5,
         "ok": 6, "": 7}  # fmt: skip
_KINDS = {"burn": 0, "forecast": 1}
"""Of several that fire, a step of what is spent says more than where it is going."""


class Alerts:
    """The alerts of all budgets, by budget and label set."""

    def __init__(
        self,
        statuses: Iterable[AlertStatus],
        mutes: Mapping[tuple[str, Labels], tuple[Mute, ...]],
    ) -> None:
        self._steps: dict[tuple[str, Labels], list[Step]] = {}
        self._rules: dict[str, list[Step]] = {}
        for status in statuses:
            step = Step(status, mutes.get((status.rule, status.labels), ()))
            self._rules.setdefault(status.rule, []).append(step)
            if status.labels and status.state != "inactive":
                self._steps.setdefault((status.rule, status.labels[:-1]), []).append(step)

    def steps(self, budget: BudgetConfig, labels: Labels) -> list[Step]:
        """What fires, is pending or was resolved, of one label set; the most telling first."""
        found = self._steps.get((budget.alert, labels), [])
        return sorted(found, key=_telling)

    def standing(self, budget: BudgetConfig, labels: Labels) -> Standing:
        found = self.steps(budget, labels)
        if not found:
            return Standing("ok" if budget.alert in self._rules else "")
        best = min(found, key=lambda s: (_RANK[word_of(s)], *_telling(s)))
        return Standing(word_of(best), best.name)

    def active(self, budget: BudgetConfig) -> list[Step]:
        """Everything that fires or is pending, of all label sets."""
        steps = self._rules.get(budget.alert, [])
        return [s for s in steps if s.status.state in ("firing", "pending")]

    def whole(self, budget: BudgetConfig) -> Standing:
        """Of a budget with label sets: the worst of them."""
        steps = [s for s in self._rules.get(budget.alert, []) if s.status.state != "inactive"]
        if not steps:
            return Standing("ok" if budget.alert in self._rules else "")
        best = min(steps, key=lambda s: (_RANK[word_of(s)], *_telling(s)))
        return Standing(word_of(best), best.name)


def _telling(step: Step) -> tuple[int, int]:
    """Shares before the others, the greatest first."""
    share = step.status.limit if step.status.unit == "share" else _KINDS.get(step.name, 0)
    return (0 if step.status.unit == "share" else 1, -share)


def word_of(step: Step) -> str:
    """`firing` where somebody is told of it, else what mutes it; or the state."""
    if step.status.state == "firing" and step.mutes:
        return step.mutes[0].kind
    return step.status.state


# The tree -----------------------------------------------------------------------------------------


class Row(NamedTuple):
    """One row. Of a budget with `by:` the first row is of all its label sets, without a line."""

    key: str
    whole: Whole
    depth: int
    line: BudgetLine | None = None
    standing: Standing = Standing("")
    head: bool = False
    """The first row of a budget."""
    fold: str = ""
    """`closed`, `some` or `all` of the label sets and parts, where there are any."""
    more: int = 0
    """This row stands for so many label sets that are not shown."""


class Wanted(NamedTuple):
    """What the user chose."""

    sort: str = SORTS[0]
    reverse: bool = False
    words: str = ""
    folds: tuple[tuple[str, str], ...] = ()


def rows(
    stood: Stood, alerts: Alerts, wanted: Wanted, named: Callable[[str, str], str]
) -> list[Row]:
    """The tree from the roots down. `named` gives what is shown for a label's value."""
    return _Tree(stood, alerts, wanted, named).rows()


def key_of(name: str, labels: Labels) -> str:
    return "\0".join((name, *(f"{k}={v}" for k, v in labels)))


class _Tree:
    def __init__(
        self, stood: Stood, alerts: Alerts, wanted: Wanted, named: Callable[[str, str], str]
    ) -> None:
        self.alerts, self.wanted, self.named = alerts, wanted, named
        self.folds = dict(wanted.folds)
        self.words = wanted.words.casefold().split()
        names = {whole.budget.name for whole in stood.wholes}
        self.parts: dict[str, list[Whole]] = {}
        for whole in stood.wholes:
            parent = whole.budget.parent
            self.parts.setdefault(parent if parent in names else "", []).append(whole)

    def rows(self) -> list[Row]:
        return self._below("", 0)

    def _below(self, name: str, depth: int) -> list[Row]:
        wholes = self.parts.get(name, [])
        heads = [self._head(whole, depth) for whole in wholes]
        out: list[Row] = []
        for head in self._sorted(heads):
            out += self._budget(head)
        return out

    def _head(self, whole: Whole, depth: int) -> Row:
        budget = whole.budget
        line = whole.lines[0] if whole.lines and not budget.by else None
        standing = self.alerts.standing(budget, ()) if not budget.by else self.alerts.whole(budget)
        return Row(key_of(budget.name, ()), whole, depth, line, standing, head=True)

    def _budget(self, head: Row) -> list[Row]:
        """A budget with what is below it; nothing where a filter leaves nothing of it."""
        whole, budget = head.whole, head.whole.budget
        own = self._fits(self._text(budget))
        lines = whole.lines if budget.by else ()
        if self.words and not own:
            lines = tuple(line for line in lines if self._fits(self._text(budget, line.labels)))
        parts = self._below(budget.name, head.depth + 1)
        if self.words and not (own or lines or parts):
            return []
        fold = self.folds.get(budget.name, SOME if len(lines) > FEW else ALL)
        if not (lines or parts):
            return [head]
        head = head._replace(fold=fold)
        if fold == CLOSED and not self.words:
            return [head]
        sets = self._sets(whole, lines, head.depth + 1, fold)
        return [head, *sets, *parts]

    def _sets(self, whole: Whole, lines: Sequence[BudgetLine], depth: int, fold: str) -> list[Row]:
        budget = whole.budget
        number = len(lines)
        cut = number if fold == ALL or number <= FEW else FEW
        plain = self.wanted.sort == SORTS[0]
        if plain:  # as they are read: no row is made of one that is not shown
            lines = (lines[::-1] if self.wanted.reverse else lines)[:cut]
        found = [
            Row(key_of(budget.name, line.labels), whole, depth, line,
                self.alerts.standing(budget, line.labels))
            for line in lines
        ]  # fmt: skip
        if not plain:
            found = self._sorted(found)
        if cut == number:
            return found
        more = Row(key_of(budget.name, (("", "more"),)), whole, depth, more=number - cut)
        return [*found[:cut], more]

    def _sorted(self, found: list[Row]) -> list[Row]:
        sort, reverse = self.wanted.sort, self.wanted.reverse
        if sort == SORTS[0]:
            return found[::-1] if reverse else found
        down = sort not in ("name", "left", "ends", "alert")
        return sorted(found, key=lambda r: self._value(r, sort), reverse=down is not reverse)

    def _value(self, row: Row, sort: str) -> Any:
        line, whole = row.line, row.whole
        if sort == "name":
            return self._name(row).casefold()
        if sort == "alert":
            return _RANK[row.standing.word], -(line.share if line else 0)
        if line is None:
            line = max(whole.lines, key=lambda one: one.share, default=None)
            if line is None:
                return whole.budget.limit_nano if sort == "limit" else 0
        match sort:
            case "limit":
                return line.limit
            case "spent":
                return whole.spent if row.line is None else line.spent
            case "used":
                return line.share
            case "left":
                return line.left
            case "burn":
                return line.burn
            case "forecast":
                return line.ahead.nano if line.ahead is not None else -1
        ends = whole.next_end if row.line is None else line.reaches
        passed = whole.passed + whole.reached if row.line is None else line.left <= 0
        return (0 if passed else 1), (ends or inf), -line.share

    def _name(self, row: Row) -> str:
        if row.head or row.line is None:
            return row.whole.budget.name
        return labels_text(row.line.labels, self.named)

    def _text(self, budget: BudgetConfig, labels: Labels = ()) -> str:
        """What words are looked for in."""
        pairs = [*budget.where, *labels]
        parts = [budget.name, *(f"{k}={v}" for k, v in pairs)]
        parts += [self.named(k, v) for k, v in labels]
        if not labels and budget.by:
            parts.append("by " + ",".join(budget.by))
        return " ".join(parts).casefold()

    def _fits(self, text: str) -> bool:
        """Has it all words, and none of those behind a `!`?"""
        return all(
            (word[1:] not in text) if word[0] == "!" and len(word) > 1 else word in text
            for word in self.words
        )


def labels_text(labels: Labels, named: Callable[[str, str], str]) -> str:
    """A label set as one would say it: the value alone where there is one label."""
    values = [(outside(k, 40), outside(named(k, v), 80) or NONE) for k, v in labels]
    if len(values) == 1:
        return values[0][1]
    return " ".join(f"{k}={v}" for k, v in values)


def next_fold(row: Row) -> str:
    """What `space` makes of it."""
    if row.fold == CLOSED:
        return SOME if len(row.whole.lines) > FEW and row.whole.budget.by else ALL
    return ALL if row.fold == SOME else CLOSED

"""`alerts:`, `budgets:` and `notifiers:` of the file → the dataclasses of `alert_schema`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from costtui.config.alert_keys import ALERT, BUDGET
from costtui.config.alert_schema import (
    MEASURES,
    ROLLING,
    SHARE,
    AlertRule,
    BudgetConfig,
    Measure,
    NotifierConfig,
)
from costtui.config.checks import Checks, direct
from costtui.config.durations import duration_text
from costtui.config.kinds import Place
from costtui.config.notifier_build import NotifierBuilder
from costtui.config.reader import Reader, Value, Values
from costtui.config.words import Problems, did_you_mean, nearest, quoted
from costtui.config.yamltree import parse, read_text

MOST_STEPS: Final = 10
"""Steps of one budget; each is an alert for every value of its `by`."""

_RULE_COMPOSED: Final = {*MEASURES, "preset", "by", "where", "labels", "notify"}
_BUDGET_COMPOSED: Final = {"by", "where", "labels", "notify", "steps"}
_ENTRY: Final = re.compile(r"(alerts\[\d+\])(.*)")


class Watched(NamedTuple):
    """What is watched, and whom it is told."""

    alerts: tuple[AlertRule, ...]
    budgets: tuple[BudgetConfig, ...]
    notifiers: tuple[NotifierConfig, ...]
    lines: Mapping[str, int]
    """Dotted path → line, by the places that the rules have in `alerts`."""
    origins: Mapping[str, str]
    """Dotted path → origin, of what came from a preset."""


class _Entry(NamedTuple):
    """One rule to be, of the file or of a preset."""

    values: Values
    preset: str = ""
    line: int = 0
    """Of the entry that names the preset."""


class AlertBuilder(Checks):
    """Builds what is watched."""

    def __init__(self, problems: Problems) -> None:
        super().__init__(problems)
        self._notifiers: tuple[str, ...] = ()

    def build(self, root: Values, lines: Mapping[str, int]) -> Watched:
        """`lines` are those of the whole file."""
        notifiers = NotifierBuilder(self._problems).notifiers(root.get("notifiers", []))
        self._notifiers = tuple(one.name for one in notifiers)
        written: list[Value] = root.get("budgets", [])
        budgets = self._budgets(written)
        entries = self._entries(root.get("alerts", []))
        for entry in entries:
            for budget, value in zip(budgets, written, strict=True):
                if budget.name and entry.values.get("name") == budget.alert:
                    named = f"budget {quoted(budget.name)} on line {value.line}"
                    message = f"{quoted(budget.alert)} is what the alert of the {named} is called"
                    self._wrong(entry.values, "name", message)
        rules = tuple(self._rule(entry.values) for entry in entries)
        return Watched(rules, budgets, notifiers, *_placed(entries, lines))

    # Rules ----------------------------------------------------------------------------------

    def _entries(self, written: list[Value]) -> list[_Entry]:
        """Each rule of the file, and those of presets that it has no rule of its own for."""
        own = [value for value in written if "preset" not in value.data]
        self._once(own, "name", "alert")
        names = {value.data.get("name") for value in own}
        entries: list[_Entry] = []
        first: dict[str, int] = {}
        for value in written:
            values: Values = value.data
            if "preset" not in values:
                entries.append(_Entry(values))
                continue
            preset = values.get("preset")
            if len(values.given) + len(values.broken) > 1:
                self._wrong(values, "preset", "stands alone: a rule is an entry of its own")
            if preset is None or preset in first:
                if preset is not None:
                    message = f"is given twice: first on line {first[preset]}"
                    self._wrong(values, "preset", message)
                continue
            first[preset] = values.line_of("preset")
            entries += [
                _Entry(rule, preset, first[preset])
                for rule in self._preset(preset)
                if rule.get("name") not in names
            ]
        return entries

    def _preset(self, name: str) -> list[Values]:
        """The rules of a preset. Raises `ConfigError` where its file is not as it was made."""
        from costtui.config.keys import ROOT

        file = Path(__file__).parent / "alert_presets" / f"{name}.yml"
        problems = Problems(str(file))
        reader = Reader(Place({}, file.parent), problems)
        root = reader.section(parse(read_text(file), problems), ROOT)
        problems.raise_any()
        return [value.data for value in root.get("alerts", [])]

    def _rule(self, values: Values) -> AlertRule:
        fields = direct(values, ALERT, _RULE_COMPOSED)
        fields.setdefault("name", "")
        if "name" not in values:
            self._wrong(values, "name", "is missing")
        given = [m for m in MEASURES.values() if m.key in values]
        if not given and not any(nearest(word, MEASURES) for word in values.unknown):
            message = f"measures nothing: give one of {', '.join(MEASURES)}"
            self._problems.add(values.line, values.key, message)
        if len(given) > 1:
            named = ", ".join(m.key for m in given)
            message = f"measures {len(given)} things ({named}): give each a rule of its own"
            self._problems.add(values.line, values.key, message)
        measure = given[0] if given else MEASURES["cost_over"]
        fields.setdefault("window", measure.window)
        if len(given) == 1:
            self._beside(values, measure)
            self._reachable(values, measure, fields["window"])
        written = values.given.get("window")
        as_written = written is not None and "$" not in written.raw
        by = self._by(values)
        self._labels(values, by)
        return AlertRule(
            **fields,
            measure=measure.key,
            limit=values.get(measure.key) or 0,
            window_name=written.raw if written and as_written else duration_text(fields["window"]),
            by=by,
            where=_pairs(values, "where"),
            labels=_pairs(values, "labels"),
            notify=self._notify(values),
        )

    def _beside(self, values: Values, measure: Measure) -> None:
        """Keys that mean nothing beside this measure, and the window it needs."""
        for name in [*values.given, *values.broken]:
            key = ALERT.by_name[name]
            if name in MEASURES or not ALERT.foreign(key, measure.key):
                continue
            message = f"is for {' or '.join(key.only)}, and this rule has {measure.key}"
            if not measure.usage:
                message = f"means nothing beside {measure.key}: it alerts for each source by itself"
            self._wrong(values, name, message)
        if not measure.window and "window" not in values:
            self._wrong(values, "window", "is missing")

    def _reachable(self, values: Values, measure: Measure, window: int) -> None:
        """A rule that can never fire is a mistake."""
        limit: int | None = values.get(measure.key)
        if limit is None:
            return
        if "min_requests" in measure.extra and limit >= SHARE:
            self._wrong(values, measure.key, "can never be exceeded: write less than 100%")
        if measure.key == "silent_for" and limit >= window and "window" not in values.broken:
            spelled = duration_text(window)
            message = f"must be shorter than window ({spelled}), in which there must be usage"
            self._wrong(values, measure.key, message)

    # Budgets --------------------------------------------------------------------------------

    def _budgets(self, entries: list[Value]) -> tuple[BudgetConfig, ...]:
        self._once(entries, "name", "budget")
        built = [(entry.data, self._budget(entry.data)) for entry in entries]
        self._parents(built)
        return tuple(budget for _, budget in built)

    def _budget(self, values: Values) -> BudgetConfig:
        fields = direct(values, BUDGET, _BUDGET_COMPOSED)
        fields.setdefault("name", "")
        if fields.setdefault("limit_nano", 0) == 0 and "limit" in values.given:
            self._wrong(values, "limit", "must be more than 0")
        if "rolling" in values:
            fields["period"] = ROLLING
            if "period" in values:
                self._wrong(values, "rolling", "give period or rolling, not both")
        if "steps" in values.given:
            fields["steps"] = self._steps(values, values.get("steps"))
        by = self._by(values)
        self._labels(values, by)
        budget = BudgetConfig(
            **fields,
            by=by,
            where=_pairs(values, "where"),
            labels=_pairs(values, "labels"),
            notify=self._notify(values),
        )
        windows = [name for name in ("burn_window", "burn_short_window") if name in values]
        if budget.burn_over is None and "burn_over" not in values.broken:
            for name in windows:
                self._wrong(values, name, "means nothing without burn_over")
        elif windows and budget.burn_short_window >= budget.burn_window:
            short, long = (duration_text(s) for s in (budget.burn_short_window, budget.burn_window))
            message = f"burn_short_window ({short}) must be shorter than burn_window ({long})"
            self._wrong(values, windows[-1], message)
        return budget

    def _steps(self, values: Values, written: list[Value]) -> tuple[int, ...]:
        for before, step in zip([None, *written], written, strict=False):
            message = ""
            if step.data == 0:
                message = "must be more than 0"
            elif before is not None and step.data <= before.data:
                message = f"must be more than the step before it ({before.raw})"
            if message:
                self._problems.add(step.line, step.key, message)
        if len(written) > MOST_STEPS:
            self._wrong(values, "steps", f"are more than {MOST_STEPS}")
        return tuple(step.data for step in written)

    def _parents(self, built: Sequence[tuple[Values, BudgetConfig]]) -> None:
        known = {budget.name: budget for _, budget in built if budget.name}
        told: set[str] = set()
        for values, budget in built:
            if not budget.parent:
                continue
            parent = known.get(budget.parent)
            if parent is None:
                near = did_you_mean(budget.parent, known)
                self._wrong(values, "parent", f"{quoted(budget.parent)} is not a budget{near}")
                continue
            lacking = [name for name in parent.by if name not in budget.by]
            if lacking and "by" not in values.broken:
                message = f"{quoted(parent.name)} is by {', '.join(parent.by)}: then this one must"
                self._wrong(values, "parent", f"{message} be by {', '.join(lacking)}, too")
            way = _way_up(budget, known)
            if way[-1] == budget.name and not told.intersection(way):
                told.update(way)
                way_text = " → ".join(quoted(name) for name in way)
                self._wrong(values, "parent", f"is a part of itself: {way_text}")

    # Both -----------------------------------------------------------------------------------

    def _by(self, values: Values) -> tuple[str, ...]:
        dimensions = tuple(value.data for value in values.get("by", []))
        if len(set(dimensions)) < len(dimensions):
            self._wrong(values, "by", "names a dimension twice")
        return dimensions

    def _labels(self, values: Values, by: Iterable[str]) -> None:
        labels = values.get("labels", {})
        for name in sorted({*by} & {*labels}):
            message = "is a dimension of by, which is a label already"
            self._problems.add(labels[name].line, labels[name].key, message)

    def _notify(self, values: Values) -> tuple[str, ...] | None:
        if "notify" not in values.given:
            return None
        for value in values.get("notify"):
            if value.data not in self._notifiers:
                near = did_you_mean(value.data, self._notifiers)
                message = f"{quoted(value.data)} is not one of notifiers{near}"
                self._problems.add(value.line, value.key, message)
        return tuple(value.data for value in values.get("notify"))


def _placed(
    entries: Sequence[_Entry], lines: Mapping[str, int]
) -> tuple[dict[str, int], dict[str, str]]:
    """Lines and origins by the places of the rules: a preset moves those behind it."""
    placed: dict[str, int] = {}
    origins: dict[str, str] = {}
    inside: dict[str, dict[str, int]] = {}
    for path, line in lines.items():
        found = _ENTRY.fullmatch(path)
        if found is None:
            placed[path] = line
        else:
            inside.setdefault(found[1], {})[found[2]] = line
    for index, entry in enumerate(entries):
        place = f"alerts[{index}]"
        if not entry.preset:
            for rest, line in inside.get(entry.values.key, {}).items():
                placed[place + rest] = line
            continue
        placed[place] = entry.line
        for name in entry.values.given:
            placed[f"{place}.{name}"] = entry.line
            origins[f"{place}.{name}"] = f"preset {entry.preset}"
    return placed, origins


def _pairs(values: Values, name: str) -> tuple[tuple[str, Any], ...]:
    return tuple((key, value.data) for key, value in values.get(name, {}).items())


def _way_up(budget: BudgetConfig, known: Mapping[str, BudgetConfig]) -> list[str]:
    """The names from a budget up to one without a parent, or to the first that comes again."""
    way = [budget.name]
    while budget.parent in known:
        budget = known[budget.parent]
        way.append(budget.name)
        if budget.name in way[:-1]:
            break
    return way

"""A configuration as a rule file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import tzinfo
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from costtui.alerts.promrules.clock import YEARS, offsets
from costtui.alerts.promrules.pages import COST, Page
from costtui.alerts.promrules.recording import Recorder
from costtui.alerts.promrules.text import Group, Rule, rendered
from costtui.alerts.promrules.watched import Remark, Watcher
from costtui.alerts.watches import Watch, watches
from costtui.config.schema import Config, SourceConfig
from costtui.errors import UsageError
from costtui.model.charge import CostPolicy
from costtui.sources import presets
from costtui.sources.metrics.options import settle

GROUP: Final = "costtui"

HEAD: Final = (
    "Rules of costtui for Prometheus 2.42 or newer, made by `costtui rules export`. Do not edit:",
    "change the configuration and export again. docs/rules.md of costtui says what differs.",
    "",
    "Counting begins when these rules are first loaded: windows and periods fill up from then on.",
    "What a gateway uses while it cannot be scraped is counted when it answers again, at once.",
    "While it cannot, these rules see nothing spent (costtui keeps the state instead).",
)


class Exported(NamedTuple):
    text: str
    remarks: tuple[Remark, ...]
    pages: tuple[Page, ...]
    watches: tuple[Watch, ...]
    """Those that have an alert."""
    alerts: tuple[tuple[Rule, ...], ...]
    """Of each of them."""


def exported(
    config: Config, zone: tzinfo, now: float, *, preset: str = "", source: str = ""
) -> Exported:
    """The rules for the metrics of the configured sources, of one of them (`source`), or of a
    `preset`. Raises `UsageError` where there is nothing to export, and `ConfigError`."""
    pages, remarks = _pages(config, preset, source)
    recorder = Recorder(pages, config.consumers, config.alert_interval, zone, now)
    watcher = Watcher(recorder)
    wanted = watches(config.alerts, config.budgets)
    if not wanted:
        raise UsageError("no alerts: and no budgets: are configured, so there are no rules")
    kept: list[Watch] = []
    for watch in wanted:
        why = watcher.why_not(watch)
        if why:
            step = f" {watch.step}" if watch.step else ""
            remarks.append(Remark(watch.name + step, why))
        else:
            kept.append(watch)
    remarks += _of_pages(pages, recorder)
    alerts: list[tuple[Rule, ...]] = []
    for watch in kept:
        rules, said = watcher.rules(watch)
        alerts.append(tuple(rules))
        remarks += said
    remarks += _muted(config)
    remarks = list(dict.fromkeys(remarks))
    group = Group(GROUP, config.alert_interval, recorder.rules())
    group.rules += [rule for rules in alerts for rule in rules]
    text = rendered([*HEAD, *_clock(recorder), *_told(remarks)], [group] if group.rules else [])
    if not group.rules:
        text = text.replace("\ngroups:\n", "\ngroups: []\n")
    return Exported(text, tuple(remarks), tuple(pages), tuple(kept), tuple(alerts))


def _pages(config: Config, preset: str, source: str) -> tuple[list[Page], list[Remark]]:
    if preset:
        if preset not in presets.names():
            raise UsageError(
                f"{preset!r} is no preset of metrics: there are {', '.join(presets.names())}"
            )
        if source:
            raise UsageError("give --preset or --source, not both")
        shape = settle(presets.load(preset), {})
        return [Page(SourceConfig(preset, "metrics", preset, preset), shape)], []
    chosen = [s for s in config.sources if not source or s.name == source]
    if source and not chosen:
        raise UsageError(f"{source!r} is not one of sources")
    remarks = []
    found: list[tuple[SourceConfig, Page]] = []
    for one in chosen:
        if one.role != "count":
            continue
        if one.type == "jsonl" or not (one.preset or one.fields):
            what = "a log" if one.type == "jsonl" else "queries of its own"
            text = f"usage of source {one.name} ({what}) is not in these rules"
            remarks.append(Remark("", text))
        else:
            found.append((one, Page(one, presets.shape_of(one))))
    if not found:
        raise UsageError(
            "no source here reads metrics: --preset NAME says which gateway's metrics the"
            f" Prometheus has; there are {', '.join(presets.names())}"
        )
    return [_told_apart(page, [p for _, p in found]) for _, page in found], remarks


def _told_apart(page: Page, every: Sequence[Page]) -> Page:
    """Two sources with the same metrics are told apart by the address of their page."""
    names = {*page.names}
    same = [p for p in every if p is not page and names & {*p.names}]
    if not same or page.config.match or page.config.type != "metrics":
        return page
    return Page(page.config, page.shape, urlsplit(page.config.url).netloc.rpartition("@")[2])


def _of_pages(pages: Iterable[Page], recorder: Recorder) -> list[Remark]:
    """What of the sources is counted otherwise, as far as a rule asks for it."""
    out = []

    def differs(text: str) -> None:
        out.append(Remark("", text, left_out=False))

    for page in pages:
        offers = {part.quantity for part in page.parts()}
        for quantity in recorder.needed:
            if quantity not in offers:
                word = "money" if quantity == COST else quantity
                differs(f"source {page.name} has no {word}: it counts as none")
        if COST in recorder.needed and COST in offers:
            if page.config.cost is not CostPolicy.REPORTED:
                differs(
                    f"source {page.name} has cost: {page.config.cost.value}; these rules see the"
                    " money that the gateway reports"
                )
            elif page.shape.zero_cost_is_unknown or len(offers) > 1:
                differs(
                    f"what the gateway of source {page.name} has no price for is nothing here;"
                    " costtui takes its tokens at their price"
                )
        if "tokens" in recorder.needed and page.by_version():
            differs(
                f"source {page.name} is taken for newer than the versions that count cached"
                " tokens beside input"
            )
        if page.instance:
            differs(
                f"source {page.name} is told from others by instance={page.instance}, the address"
                " that costtui reads; the server may call it otherwise"
            )
    return out


def _muted(config: Config) -> list[Remark]:
    children = [b for b in config.budgets if b.parent]
    if not children and all(len(b.steps) < 2 for b in config.budgets):
        return []
    text = "lower steps and parts of a budget are not muted by the alert above them"
    return [Remark("", f"{text}: that is what inhibit_rules of Alertmanager are for", False)]


def _clock(recorder: Recorder) -> list[str]:
    if not any(needed.periods for needed in recorder.needed.values()):
        return []
    _, changes = offsets(recorder.zone, recorder.now)
    if not changes:
        return [f"Days, weeks and months begin at midnight in {recorder.zone}."]
    text = f"Days, weeks and months begin at midnight in {recorder.zone}, with the changes of its"
    return [text, f"clock for {YEARS} years from the export."]


def _told(remarks: Sequence[Remark]) -> list[str]:
    out = []
    for head, left_out in (("Left out:", True), ("Not quite the same:", False)):
        of = [r for r in remarks if r.left_out is left_out]
        if of:
            out += ["", head, *(f"- {told(r)}" for r in of)]
    return out


def told(remark: Remark) -> str:
    return f"{remark.name}: {remark.text}" if remark.name else remark.text

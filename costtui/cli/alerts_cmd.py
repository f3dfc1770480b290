"""`costtui alerts`: what fires, and whether those who are to be told of it can be."""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, Final

from costtui.cli import alerts_mute
from costtui.cli.common import load_config, say
from costtui.errors import UsageError
from costtui.model.safetext import visible

if TYPE_CHECKING:
    from costtui.alerts.notify.senders import Outcome, Sender
    from costtui.config.alert_schema import NotifierConfig
    from costtui.config.schema import Config
    from costtui.model.alert import AlertEvent, Parcel
    from costtui.model.notifier import NotifierHealth
    from costtui.model.snapshot import AlertStatus

_Told = tuple["NotifierConfig", bool, str, float]
"""A notifier, whether it took the sample, what it said, seconds."""
ORDER: Final = ("firing", "pending", "resolved", "inactive")
ALERT_FIRING: Final = 3
"""Exit code of `--fail-on-alert`, as of `costtui report`."""


class AlertsCommand:
    """List the alerts, mute them, or send a sample to those who are told of them.

    list       every alert and its state, as text or JSON (also without a word)
    test       send a sample alert through each notifier, as a real one goes, and say what each
               answered; exit code 1 when one failed
    silence    tell nobody of some alerts for a time: alerts silence "budget team" --for 2h
    silences   the silences that there are
    unsilence  end one: what still fires is told then
    ack        acknowledge what fires of an alert: it is not told again
    """

    name = "alerts"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        actions = parser.add_subparsers(
            dest="action", metavar="list|test|silence|silences|unsilence|ack"
        )
        listed = actions.add_parser("list", help="every alert and its state (also without a word)")
        for one, default in ((parser, False), (listed, argparse.SUPPRESS)):
            kept = "text" if default is False else default
            one.add_argument("--format", choices=("text", "json"), default=kept)
            one.add_argument(
                "--fail-on-alert",
                action="store_true",
                default=default,
                help="exit with 3 when one is firing",
            )
        test = actions.add_parser("test", help="send a sample through each notifier")
        test.add_argument("--notifier", metavar="NAME", help="only through this one")
        test.add_argument(
            "--resolve", action="store_true", help="send the end of the sample alert, too"
        )

        alerts_mute.add_arguments(actions)

    def run(self, args: argparse.Namespace) -> int:
        """Raises `UsageError` and `StoreError`."""
        config = load_config(args)
        if args.action not in ("list", "test", None):
            return alerts_mute.run(config, args)
        return _test(config, args) if args.action == "test" else _list(config, args)


# list -----------------------------------------------------------------------------------------


def _list(config: Config, args: argparse.Namespace) -> int:
    from costtui.cli.report import open_reader
    from costtui.engine.zone import zone_of

    zone = zone_of(config.timezone)
    with open_reader(config, zone) as reader:
        found = sorted(reader.alerts(), key=lambda a: (ORDER.index(a.state), a.rule, a.labels))
        names = {notifier.name for notifier in config.notifiers}
        told = [health for health in reader.notifiers() if health.name in names]
    mutes = alerts_mute.mutes(config, found)
    if args.format == "json":
        from costtui.cli.report_data import alert_data

        document = {
            "schema": 2,
            "alerts": [
                {**alert_data(alert), "muted": alerts_mute.mute_data(mutes, alert)}
                for alert in found
            ],
            "notifiers": [_health_data(health) for health in told],
        }
        print(json.dumps(document, indent=2))
    elif found:
        print("\n".join(_lines(found, zone, mutes)))
    elif not config.alerts and not config.budgets:
        say("no alerts: and no budgets: are configured; `preset: usual` is a beginning")
    else:
        say("no alert has been evaluated yet: `costtui collect` does it")
    if args.format == "text":
        for line in _troubles(told, zone):
            say(line)
    firing = any(alert.state == "firing" for alert in found)
    return ALERT_FIRING if firing and args.fail_on_alert else 0


def _lines(found: Sequence[AlertStatus], zone: tzinfo, mutes: alerts_mute.Mutes) -> Iterator[str]:
    from costtui.cli.report_words import moment, safe
    from costtui.model.quantity import quantity_text

    for alert in found:
        where = ", ".join(f"{name}={safe(name, value)}" for name, value in alert.labels)
        rule = visible(alert.rule, 60) + (f" ({where})" if where else "")
        value = quantity_text(alert.unit, alert.value, alert.exactness)
        value += f" of {quantity_text(alert.unit, alert.limit)}"
        since = moment(int(alert.since), zone)
        window = f" in {alert.window}" if alert.window else ""
        yield f"{alert.state:8}  {alert.severity:8}  {rule}: {value}{window}, since {since}"
        for one in mutes.get((alert.rule, alert.labels), ()):
            yield f"{'':20}{alerts_mute.in_words(one, zone)}"
        if alert.cause and alert.state == "firing":
            yield f"{'':20}{visible(alert.cause, 200)}"


def _health_data(health: NotifierHealth) -> dict[str, object]:
    data: dict[str, object] = health._asdict()
    for name in ("last_ok", "last_failed", "retry_at"):
        at = data[name]
        data[name] = datetime.fromtimestamp(float(str(at)), UTC).isoformat() if at else None
    return data


def _troubles(told: Sequence[NotifierHealth], zone: tzinfo) -> Iterator[str]:
    """Notifiers that are not told what they should be."""
    from costtui.cli.report_words import moment

    for health in told:
        if health.error:
            last = moment(int(health.last_ok), zone) if health.last_ok else "never"
            name, error = visible(health.name, 60), visible(health.error, 200)
            yield f"notifier {name}: {health.waiting} waiting, last told {last}: {error}"


# test -----------------------------------------------------------------------------------------


class _Once:
    """An outbox for one try: it is over when each parcel was taken, or failed."""

    def __init__(self, parcels: Sequence[Parcel]) -> None:
        self._waiting = {parcel.key: parcel for parcel in parcels}
        self.errors: dict[int, str] = {}
        self.over = asyncio.Event()

    async def due(self, now: float, limit: int) -> list[Parcel]:  # noqa: ARG002
        return list(self._waiting.values())[:limit]

    async def delivered(self, keys: Sequence[int]) -> None:
        self._end(keys)

    async def failed(self, keys: Sequence[int], error: str, retry_at: float) -> None:  # noqa: ARG002
        # What is offered once more at once, each alone, was refused as a message of several.
        self.errors.update((key, error) for key in keys)
        self._end(keys)

    def _end(self, keys: Sequence[int]) -> None:
        for key in keys:
            self._waiting.pop(key, None)
        if not self._waiting:
            self.over.set()


def _test(config: Config, args: argparse.Namespace) -> int:
    chosen = _chosen(config, args.notifier)
    from costtui.alerts.notify.senders import secrets_of

    width = max(len(visible(one.name, 40)) for one in chosen)
    states = ("firing", "resolved") if args.resolve else ("firing",)
    failed = 0
    for one, ok, said, seconds in asyncio.run(_tried(chosen, states, secrets_of(config))):
        told = f"ok: {said} ({seconds:.1f} s)" if ok else f"FAILED: {said}"
        print(f"{visible(one.name, 40):<{width}}  {one.type:<12}  {told}")
        failed += not ok
    if failed:
        say(f"{failed} of {len(chosen)} could not be told")
    return 1 if failed else 0


def _chosen(config: Config, name: str | None) -> list[NotifierConfig]:
    if not config.notifiers:
        raise UsageError("no notifiers: are configured, so nobody is told of any alert")
    if name is None:
        return list(config.notifiers)
    found = [one for one in config.notifiers if one.name == name]
    if not found:
        from costtui.config.words import did_you_mean, quoted

        known = [one.name for one in config.notifiers]
        near = did_you_mean(name, known) or f": there are {', '.join(known)}"
        raise UsageError(f"{quoted(name)} is not one of notifiers{near}")
    return found


async def _tried(
    chosen: Sequence[NotifierConfig], states: Sequence[str], secrets: frozenset[str]
) -> list[_Told]:
    return await asyncio.gather(*(_one(one, states, secrets) for one in chosen))


class _Listening:
    """A sender that remembers what was said."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self.said = ""
        self.close = sender.close

    async def send(self, parcels: Sequence[Parcel], now: float) -> Outcome:
        outcome = await self._sender.send(parcels, now)
        self.said = outcome.said
        return outcome


async def _one(notifier: NotifierConfig, states: Sequence[str], secrets: frozenset[str]) -> _Told:
    """Through a courier, as a real alert goes."""
    from costtui.alerts.notify import senders
    from costtui.alerts.notify.courier import Courier
    from costtui.engine.clock import SystemClock
    from costtui.model.alert import Parcel

    now = time.time()
    outbox = _Once(
        [
            Parcel(number, notifier.name, _sample(now, state, notifier.severity), 0, now)
            for number, state in enumerate(states, 1)
        ]
    )
    listening = _Listening(senders.build(notifier, secrets))
    courier = Courier(
        [replace(notifier, group_wait=0)], outbox, SystemClock(), build=lambda _: listening
    )
    began = time.monotonic()
    task = asyncio.create_task(courier.run())
    try:
        # A defect that says nothing is no reason to wait for ever.
        async with asyncio.timeout(notifier.timeout * (len(states) + 1) + 10):
            await outbox.over.wait()
    except TimeoutError:
        return notifier, False, "nothing was sent", 0.0
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    error = next(iter(outbox.errors.values()), "")
    return notifier, not error, error or listening.said, time.monotonic() - began


def _sample(now: float, state: str, severity: str) -> AlertEvent:
    """Of the least severity that the notifier is told of."""
    from costtui.model.alert import AlertEvent
    from costtui.model.charge import Exactness

    return AlertEvent(
        id=f"test-{int(now)}",
        rule="costtui test",
        labels=(("provider", "openai"), ("consumer", "nobody")),
        severity=severity,
        state=state,
        unit="cost",
        value=12_340_000_000,
        limit=10_000_000_000,
        window="24h",
        active_at=now - 60,
        fired_at=now - 30,
        resolved_at=now if state == "resolved" else 0.0,
        exactness=Exactness.EXACT,
        summary="This is a test of costtui: nothing is wrong and nothing was spent.",
        cause="",
        extra=(("test", "true"),),
        notify=None,
    )

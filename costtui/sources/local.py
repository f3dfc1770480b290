"""What on this machine could be collected: listening ports where gateways usually are.

Passive as far as it goes: which ports listen is read from the kernel's tables, and only a port
that listens on loopback is asked, once, for the one page that its usual owner has there.
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from costtui.config.schema import SourceConfig
from costtui.errors import CosttuiError, SourceRefusedError, SourceTimeoutError
from costtui.model.found import Found, once
from costtui.model.safetext import redact, visible

TIMEOUT: Final = 2.0
"""Seconds for one request; all places are asked at once."""
KNOCK: Final = 0.3
"""Seconds to connect, where the kernel has no tables to read."""
COUNTS: Final = 50
"""The score of a preset that finds money or tokens on a page."""


class Place(NamedTuple):
    """Where something usually is."""

    port: int
    what: str
    path: str = "/metrics"
    server: bool = False
    """It speaks Prometheus's API."""


# Servers first: they have history, and all gateways. Each port is from the software's own source:
# Kong's Admin API and Status API (8007 since 3.6, 8100 in Kubernetes and Konnect guides),
# agentgateway's stats server, LiteLLM, Envoy AI Gateway's processor, vLLM's API.
PLACES: Final = (
    Place(9090, "Prometheus", server=True),
    Place(8428, "VictoriaMetrics", server=True),
    Place(8001, "Kong"),
    Place(8007, "Kong"),
    Place(8100, "Kong"),
    Place(15020, "agentgateway"),
    Place(4000, "LiteLLM", "/metrics/"),
    Place(1064, "Envoy AI Gateway"),
    Place(8000, "vLLM"),
)


def listening(tables: Path = Path("/proc/net")) -> dict[int, str] | None:
    """Port → the loopback address to reach it at; None where the kernel has no such tables."""
    found: dict[int, str] = {}
    known = False
    for name, usual in (("tcp6", "[::1]"), ("tcp", "127.0.0.1")):
        try:
            text = (tables / name).read_text(encoding="ascii", errors="replace")
        except OSError:
            continue
        known = True
        for line in text.splitlines()[1:]:
            words = line.split()
            if len(words) > 3 and words[3] == "0A":  # TCP_LISTEN
                address, _, port = words[1].rpartition(":")
                host = _host(address, usual)
                if host and re.fullmatch(r"[0-9A-Fa-f]{1,4}", port):
                    found[int(port, 16)] = host
    return found if known else None


def _host(address: str, usual: str, order: str = sys.byteorder) -> str:
    """Where an address of the kernel's table can be reached from here; "" for another machine's.

    The kernel writes each 32-bit word in the order of this processor.
    """
    step = 2 if order == "big" else -2
    words = [address[i : i + 8] for i in range(0, len(address), 8)]
    plain = "".join("".join(w[i : i + 2] for i in range(0, 8, 2)[:: step // 2]) for w in words)
    if set(plain) == {"0"}:
        return "127.0.0.1"
    if usual == "127.0.0.1":
        return usual if plain[:2] == "7F" else ""
    if plain.startswith("0" * 20 + "FFFF"):
        return "127.0.0.1" if plain[24:26] == "7F" else ""
    return usual if plain == "0" * 31 + "1" else ""


async def look(
    places: Sequence[Place] = PLACES, ports: dict[int, str] | None = None
) -> list[Found]:
    """What is at those of `places` that listen, in their order. Raises nothing.

    `ports` as `listening` gives them; without them each place is knocked at.
    """
    if ports is None:
        ports = listening()
    if ports is None:
        open_ones = await asyncio.gather(*(_knock(place.port) for place in places))
        ports = {
            p.port: "127.0.0.1" for p, is_open in zip(places, open_ones, strict=True) if is_open
        }
    there = [
        (place, f"{ports[place.port]}:{place.port}") for place in places if place.port in ports
    ]
    found = await asyncio.gather(*(_ask(place, where) for place, where in there))
    return once(one for one in found if one is not None)


async def _knock(port: int) -> bool:
    try:
        async with asyncio.timeout(KNOCK):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return True


async def _ask(place: Place, where: str) -> Found | None:
    try:
        return await (_server(where) if place.server else _page(place, where))
    except SourceRefusedError:
        return Found(where, f"{place.what}'s usual port: it wants a login (bearer_token)")
    except SourceTimeoutError:
        return Found(where, f"{place.what}'s usual port: no answer within {TIMEOUT:g} s")
    except CosttuiError:
        return Found(where, f"{place.what}'s usual port: something else answers")
    except Exception as error:  # noqa: BLE001 - a stranger's answer must not end the look around
        kind = visible(type(error).__name__, 40)
        return Found(where, f"{place.what}'s usual port: not understood ({kind})")


def _config(url: str) -> SourceConfig:
    return SourceConfig("look", "metrics", "", url=url, timeout=TIMEOUT)


async def _page(place: Place, where: str) -> Found:
    from costtui.sources.metrics.detect import detect
    from costtui.sources.metrics.exposition import check_kind
    from costtui.sources.metrics.http import Fetcher

    url = f"http://{where}{place.path}"
    fetcher = Fetcher(_config(url))
    try:
        fetched = await fetcher.fetch()
    finally:
        await fetcher.close()
    body = await asyncio.to_thread(fetched.body)
    check_kind(body, fetched.content_type)
    findings = await asyncio.to_thread(detect, body)
    if not findings:
        return Found(where, "metrics, but none of LLM traffic that a preset knows")
    best = findings[0]
    if best.score < COUNTS:
        reason = f": {best.reason}" if not best.score else ": it tells requests only"
        return Found(where, visible(f"{best.preset}{reason}", 160))
    series = _series(body, best.preset)
    lines = (f"- name: {best.preset}", "  type: metrics", f"  preset: {best.preset}",
             f'  url: "{redact(url)}"')  # fmt: skip
    return Found(
        where, f"recognised: preset {best.preset}, {_counted(series)}", lines,
        (best.preset,),
    )  # fmt: skip


def _series(body: bytes, preset: str) -> int:
    """Lines of metrics that the preset counts."""
    from costtui.sources import presets

    names = {name for rule in presets.load(preset).metrics for name in rule.names}
    found = re.findall(rb'\n[ \t]*(?:\{"([^"\\\n]+)"|([^\s{#"]+)[{ \t])', body)
    return sum((a or b).decode("utf-8", "replace").replace(".", "_") in names for a, b in found)


async def _server(where: str) -> Found:
    from costtui.sources.prometheus.detect import probe, snippet

    server = await probe(_config(f"http://{where}"))
    if server is None:
        return Found(where, "a server, but not a Prometheus")
    what = visible(server.version, 60)
    fits = [fit for fit in server.fits if fit.finding.score >= COUNTS and fit.series]
    if not fits:
        return Found(where, f"{what}, with no LLM metrics of the last day")
    lines = snippet(server, {})[3:]
    named = [line.split()[-1] for line in lines if line.lstrip().startswith("preset:")]
    many = f"{len({fit.finding.preset for fit in fits}):,} presets"
    how = f"preset {named[0]}" if len(named) == 1 else many
    text = f"{what}: {how}, {_counted(sum(fit.series for fit in fits))}"
    # A label of the server's may look like a variable of the configuration.
    plain = tuple(line.removeprefix("  ").replace("${", "$${") for line in lines)
    return Found(where, text, plain, tuple(named))


def _counted(series: int) -> str:
    return f"{series:,} series"

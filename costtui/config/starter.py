"""The first configuration: what was found on this machine, written once and never over another."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from glob import escape
from pathlib import Path

from costtui.config import locate
from costtui.config.load import PROXY
from costtui.errors import UsageError
from costtui.model.found import Found

EXAMPLES = """\
# - name: proxy                    # an LLM proxy's cost log; rotated files too
#   type: jsonl
#   preset: llm-proxy
#   paths: [/var/log/llm-proxy/cost-tracking.jsonl*]
# - name: kong-edge                # a gateway's metrics page
#   type: metrics
#   preset: kong
#   url: http://127.0.0.1:8001/metrics
# - name: fleet                    # a Prometheus that scrapes gateways
#   type: prometheus
#   preset: agentgateway
#   url: http://127.0.0.1:9090
"""
MORE = """
# Prices of your own, over the built-in catalogue; USD per 1M tokens:
# pricing:
#   - {provider: ollama, free: true}
#   - {provider: openai, model: "our-finetune-*", input: 3.00, output: 12.00}

# alerts:
#   - preset: usual                # spend, pace, throttling and spikes; or rules of your own:
#   - {name: daily, cost_over: 50, window: 24h, severity: critical}
"""


def log_of(env: Mapping[str, str]) -> Found | None:
    """The LLM proxy's log that the environment names."""
    named = env.get("COST_TRACKING_FILE", "")
    if not named:
        return None
    path = os.path.abspath(locate.expand_home(named, env))
    if not path.isprintable():
        shown = path.encode("unicode_escape").decode()
        return Found(shown, "a log whose name no configuration can hold")
    lines = (
        f"- name: {PROXY}",
        "  type: jsonl",
        f"  preset: {PROXY}",
        f"  paths: [{quoted(escape(path))}]",
    )
    state = (
        "the LLM proxy's cost log" if os.path.exists(path) else "the LLM proxy's log, not there yet"
    )
    return Found(path, state, lines, (PROXY,))


def quoted(text: str) -> str:
    """Printable text as a YAML scalar, in which `${` is text."""
    safe = text.replace("\\", "\\\\").replace('"', '\\"').replace("${", "$${")
    return f'"{safe}"'


def starter(found: Sequence[Found], sample: str) -> str:
    """A whole configuration for what was found. `sample` is where every key is explained.

    What may be the same traffic again stands there as a comment.
    """
    lines = [
        "# costtui's configuration, begun with what was found on this machine.",
        f"# Every key with its meaning: {sample.encode('unicode_escape').decode()}",
        "# `costtui config check` says everything that is wrong with it.",
        "",
    ]
    entries = [line for one in found if one.source for line in _entry(one)]
    if entries:
        lines += ["sources:", *(f"  {line}" for line in entries)]
    else:
        lines += ["# sources:", EXAMPLES.rstrip("\n")]
    return "\n".join(lines) + "\n" + MORE


def _entry(found: Found) -> Iterable[str]:
    if found.good:
        yield from found.source
        return
    yield "# The same traffic again, most likely; only one of the two may count it:"
    yield from (f"# {line}" for line in found.source)


def write_new(path: Path, text: str) -> None:
    """Write the file, readable by its owner alone. Raises UsageError where there is one already,
    or none can be made."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        raise UsageError(f"{path}: there is a configuration already; it was left alone") from None
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from None
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise UsageError(f"{path}: {error.strerror or error}") from None

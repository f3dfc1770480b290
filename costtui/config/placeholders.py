"""The `{placeholders}` of a notifier's `template:`: their names, and filling them in.

`{name}` is one only with letters, digits and `_` (and `.` behind `labels`) between the braces, so
the braces of JSON need no escaping.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

PLACEHOLDERS: Final = {
    "summary": "What happened, in a sentence.",
    "cause": "Why it moved, where that is known.",
    "state": "`firing` or `resolved`.",
    "severity": "`info`, `warning` or `critical`.",
    "rule": "The name of the rule.",
    "value": "With its unit: `$61.20`.",
    "limit": "With its unit.",
    "value_number": "A whole number: nano-USD, tokens, requests, millionths, thousandths, seconds.",
    "limit_number": "As `value_number`.",
    "unit": "`cost`, `tokens`, `requests`, `share`, `factor` or `seconds`.",
    "window": "As written, for example `24h`.",
    "exactness": "`exact`, `lower_bound`, `estimate` or `estimated_lower_bound`.",
    "labels": "All of them: `team=search, provider=openai`.",
    "since": "When it fired, as `2026-11-26T15:20:00Z`.",
    "until": "When it ended, or nothing.",
    "id": "The same for the beginning and the end of one episode.",
}
"""Name → meaning. `labels.NAME` is one label, or nothing where the alert does not have it."""
ONE_LABEL: Final = "labels."

_FOUND: Final = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_:./-]*)?)\}")


def placeholders(template: str) -> Iterator[str]:
    """The names in `template`, in their order."""
    return (found[1] for found in _FOUND.finditer(template))


def fill(template: str, value: Callable[[str], str]) -> str:
    """`template` with each placeholder replaced, once: what is filled in is not looked at."""
    return _FOUND.sub(lambda found: value(found[1]), template)


def is_placeholder(name: str) -> bool:
    return name in PLACEHOLDERS or (name.startswith(ONE_LABEL) and len(name) > len(ONE_LABEL))


def is_json(template: str) -> bool:
    """Is it to be JSON? Then what is filled in is escaped for it."""
    return template.lstrip()[:1] in ("{", "[") and not _FOUND.match(template.lstrip())

"""The label matchers of a `match:`, and what Prometheus would refuse in them."""

from __future__ import annotations

import re
import warnings
from typing import Final

MATCHER: Final = re.compile(
    r"""\s*([A-Za-z_][A-Za-z0-9_]*)\s*(=~|!~|!=|=)\s*("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`)\s*(,|$)"""
)
"""One label matcher."""

_ESCAPE: Final = re.compile(r"""\\(?:[abfnrtv\\'"]|x[0-9a-fA-F]{2}|[0-7]{3}|u[0-9a-fA-F]{4}|(.))""")
"""A backslash in quotation marks; group 1 is what may not follow it."""

_RE2_ONLY: Final = (
    (r"\\Q.*?(\\E|$)", "q"),
    (r"\\[pP](\{\^?\w+\}|\w)", r"\\w"),
    (r"\\x\{[0-9a-fA-F]+\}", "x"),
    (r"\\z", r"\\Z"),
    (r"\\C", "."),
    (r"\[:\^?\w+:\]", "a"),
    (r"\(\?[imsU-]+\)", ""),
    (r"\(\?[imsU-]*:", "(?:"),
    (r"\(\?<(?=\w)", "(?P<"),
)
"""What Prometheus's RE2 knows and Python's `re` does not, and what is as good to check the rest."""


def wrong(text: str) -> str:
    """Why `text` is no list of label matchers, or `""`."""
    text = text.rstrip(", ")
    at = 0
    while at < len(text):
        found = MATCHER.match(text, at)
        if found is None:
            return 'is not a list of label matchers: write job="agentgateway",namespace=~"llm-.*"'
        label, operator, written = found[1], found[2], found[3]
        if label == "__name__":
            return "must not name the metric: the preset does"
        value, reason = _unquoted(written)
        if not reason and "~" in operator:
            reason = _bad_pattern(value)
        if reason:
            return f"{label}{operator}{written}: {reason}"
        at = found.end()
    return ""


def _unquoted(written: str) -> tuple[str, str]:
    """(the value, what is wrong with its backslashes or `""`)."""
    inner = written[1:-1]
    if written[0] == "`":
        return inner, ""
    for found in _ESCAPE.finditer(inner):
        if found[1]:
            known = f"\\{found[1]} is not known in quotation marks"
            return "", f"{known}: write \\\\{found[1]}, or the value in backticks"
    return re.sub(r"\\(.)", r"\1", inner), ""


def _bad_pattern(text: str) -> str:
    """Why RE2 would not take `text`, as far as that is known here; or `""`."""
    plain = text
    for theirs, ours in _RE2_ONLY:
        plain = re.sub(theirs, ours, plain)
    bare = re.sub(r"\\\\", "", plain)
    if re.search(r"(?<!\\)\(\?<?[=!]", bare):
        return "Prometheus has no look-around ((?=…), (?!…))"
    if re.search(r"\\[1-9]", bare):
        return r"Prometheus has no back-references (\1)"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a [ inside of a set
            re.compile(plain)
    except (re.error, OverflowError, RecursionError) as error:
        return f"is not a regular expression: {getattr(error, 'msg', error)}"
    return ""

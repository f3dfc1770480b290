"""Text from outside, made harmless.

Model names, consumers and log lines come from the internet: an escape sequence in one would move
the cursor, a bidi override would reorder a row, a CSV cell could start a formula, and a consumer
can be an API key. Every place that stores, shows or exports such text goes through here, so there
is one opinion on what is harmless.
"""

from __future__ import annotations

import re
from hashlib import sha256
from itertools import pairwise
from typing import Final

CSV_CELL_LIMIT: Final = 4096
"""Characters of one exported cell."""

_SCAN_LIMIT: Final = 16_384
"""Characters in which a secret is looked for; sources cut their text far below this."""

_FORMULA_STARTS: Final = frozenset("=+-@\t\r\n＝＋－＠")

_PREFIXED: Final = r"""
    (?<![A-Za-z0-9])(?:
        token:\s*[^\s"',;]+
      | (?i:bearer|basic)(?:\s+|[:=]\s*)[A-Za-z0-9+/_.=~-]{6,}
      | (?i:api[_-]?key|password|passwd|secret|access[_-]?token)\s*[:=]\s*[^\s"',;]{6,}
      | sk-(?=[A-Za-z_-]{0,40}[0-9])[A-Za-z0-9_-]{6,}
      | sk-[A-Za-z0-9_-]{16,}
      | (?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{10,}
      | (?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9])
      | AIza[A-Za-z0-9_-]{30,}
      | ya29\.[A-Za-z0-9_-]{20,}
      | gh[pousr]_[A-Za-z0-9]{20,}
      | github_pat_[A-Za-z0-9_]{20,}
      | glpat-[A-Za-z0-9_-]{16,}
      | xox[abeprs]-[A-Za-z0-9-]{10,}
      | (?:hf|gsk|r8|npm|whsec)_[A-Za-z0-9]{20,}
      | (?:xai|pplx|nvapi|tgp_v1|fw|csk)-[A-Za-z0-9_-]{20,}
      | eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]*
    )
    | -----BEGIN\ [A-Z ]*PRIVATE\ KEY-----
    | (?<=://)[^\s/@:]{0,200}:[^\s/@]{1,200}(?=@)
"""
"""Shapes that say by themselves that they are secrets. `sk-learn` is a name: a short `sk-` text
needs a digit."""

_SHAPES: Final = re.compile(_PREFIXED, re.VERBOSE)
_RUNS: Final = re.compile(r"[A-Za-z0-9+/_-]{20,}")
_HEX: Final = re.compile(r"[0-9a-fA-F-]+")
_ULID: Final = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
_IDENTIFIER: Final = re.compile(
    r"(?:user|usr|org|team|proj|project|cus|acct|asst|thread|req|msg|run|wrkspc|chatcmpl)[_-]"
)
_SEPARATORS: Final = re.compile(r"[+/_-]")
_MASKED: Final = re.compile(r"…|\*{3}|\.{3}")


def visible(text: str, limit: int) -> str:
    """`text` with everything that is not a plain printable character spelled out.

    Control characters, escape sequences, bidi overrides, zero-width characters, lone surrogates
    and code points without a known width become `\\x1b`, `\\u202e` and so on. At most `limit`
    (≥ 1) characters come back; a cut text ends with `…`.
    """
    if text.isprintable() and len(text) <= limit:
        return text
    pieces: list[str] = []
    room = limit
    # Each character needs at least one of the room, so the rest of a huge text is never looked at.
    for char in text[: limit + 1]:
        piece = char if char.isprintable() else _spelled(char)
        if len(piece) > room:
            break
        pieces.append(piece)
        room -= len(piece)
    else:
        if len(text) <= limit + 1:
            return "".join(pieces)
    while pieces and room < 1:
        room += len(pieces.pop())
    return "".join(pieces) + "…"


def _spelled(char: str) -> str:
    code = ord(char)
    if code < 0x100:
        return {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(char, f"\\x{code:02x}")
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def csv_cell(text: str) -> str:
    """`text` for a CSV file: visible, bounded, and not a formula in any spreadsheet.

    A cell that would start with `=`, `+`, `-`, `@`, a tab or a line break (leading spaces aside,
    which spreadsheets drop) gets a leading apostrophe. Quoting is the csv writer's business.
    """
    shown = visible(text, CSV_CELL_LIMIT)
    bare = text.lstrip(" ")
    if text[:1] in _FORMULA_STARTS or bare[:1] in _FORMULA_STARTS:
        return "'" + shown if text else shown
    return shown


def fingerprint(secret: str) -> str:
    """`key:` and 12 hexadecimal digits: short, stable across runs, and not reversible.

    48 bits: ten thousand keys collide with a chance of one in five million. `token:sk-x`,
    `Bearer sk-x` and `sk-x` are the same key and get the same fingerprint.
    """
    bare = re.sub(r"^\s*(?:token:|bearer\s|basic\s)\s*", "", secret, flags=re.IGNORECASE).strip()
    return "key:" + sha256(bare.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def looks_secret(text: str) -> bool:
    """Does `text` hold something that may open a door?

    True for `token:…`, `sk-…`, `Bearer …`, the key shapes of the well-known makers, passwords in
    URLs and long random-looking texts. False for names, e-mail addresses, UUIDs, ULIDs, hex
    hashes and keys that are already masked.
    """
    if len(text) < 6:
        return False
    if len(text) <= 64 and _MASKED.search(text):
        return False
    scanned = text[:_SCAN_LIMIT]
    if _SHAPES.search(scanned):
        return True
    return any(_random(run.group()) for run in _RUNS.finditer(scanned))


def safe_name(text: str) -> str:
    """A name as it may be stored: the fingerprint of a secret, anything else as it is."""
    return fingerprint(text) if looks_secret(text) else text


def redact(text: str) -> str:
    """Free text (a log line, a message) with each secret in it replaced by its fingerprint."""
    scanned = text[:_SCAN_LIMIT]
    shaped = _SHAPES.sub(lambda found: fingerprint(found.group()), scanned)
    return _RUNS.sub(
        lambda found: fingerprint(found.group()) if _random(found.group()) else found.group(),
        shaped,
    )


def _random(run: str) -> bool:
    """Is this run of key characters more like a random key than like words or an identifier?

    Counted are changes between upper case, lower case and digit: random base62 changes at six
    places of ten, `MarketingTeam2025ProductionCluster` at two of ten. Shannon entropy was tried
    and does not tell these two apart (3.9 against 4.1 bits).
    """
    if _HEX.fullmatch(run) or _ULID.fullmatch(run) or _IDENTIFIER.match(run):
        return False
    if max(map(len, _SEPARATORS.split(run))) < 14:
        return False  # words with hyphens: `Meta-Llama-3.1-405B-Instruct-Turbo`
    kinds = [0 if c.isdigit() else 1 if c.islower() else 2 if c.isupper() else 3 for c in run]
    present = set(kinds)
    if 0 not in present or not present & {1, 2}:
        return False
    changes = sum(1 for a, b in pairwise(kinds) if a != b) / (len(run) - 1)
    if {1, 2} <= present:
        return changes >= (0.4 if 3 in present else 0.35)
    return len(run) >= 32 and 3 not in present and changes >= 0.25

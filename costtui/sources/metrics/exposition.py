"""Reads what is wanted from an exposition page (text 0.0.4 and OpenMetrics), and only what changed.

A gateway's page is mostly histograms of latency. Three filters keep the cost at what changed:

1. one regular expression picks the lines of wanted metrics out of the bytes (13 ms for 15.8 MB;
   splitting the page into lines alone takes 22 ms, and one `bytes.find` a name 4 ms each);
2. wanted lines that are all identical to last time end there;
3. else a known identity (`name{labels}`, as bytes) costs a dictionary look-up, and only a
   never-seen one goes through prometheus_client's parser (40–100 µs each).

The identity is parsed with a number of our own behind it, so that neither timestamps nor
exemplars, which the two formats write differently, reach that parser: one code path reads both
formats and a line that it refuses costs one line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Generic, NamedTuple, TypeVar

from costtui.errors import SourceFormatError
from costtui.model.safetext import redact, visible
from costtui.sources.metrics.pagetext import PageText

T = TypeVar("T")

MAX_LINE = 32_768
"""Bytes of one wanted line; real ones are below 2,000. Bounds what one hostile label costs."""

BAD_EXAMPLES = 5
"""How many bad lines a page keeps as examples; all are counted."""

_IDENTITY = re.compile(
    rb"""[ \t]*(
        [^\s{]+[ \t]*\{(?:[^"}]|"(?:[^"\\]|\\.)*+")*+\}
      | \{(?:[^"}]|"(?:[^"\\]|\\.)*+")*+\}
      | [^\s{]++(?=[ \t]+[^\s{])
    )""",
    re.VERBOSE | re.DOTALL,
)
"""Up to the first `}` outside quotes. Possessive, so that hostile quotes cannot make it slow."""

_NUMBER = re.compile(
    rb"[ \t]+([+-]?(?:\d[^\s_]*|\.\d[^\s_]*|nan|inf|infinity))(?=[ \t\r]|$)", re.IGNORECASE
)
"""Behind at least one blank. Some parsers need none, but nobody writes it so, and one damaged byte
would make `} 5` another number."""

MAX_WANTED = 64 * 1024 * 1024
"""Bytes of all wanted lines, which are kept in memory, unlike the page."""

_JSON = re.compile(rb"""\[|"|\{\s*(?:"[^"]*"\s*:|\})""")
"""A page may begin with `{` too: `{"a.name",label="x"} 1`."""


class BadLine(NamedTuple):
    """A wanted line that could not be read."""

    offset: int
    """Byte offset in the page."""
    line: int
    """1-based."""
    reason: str
    text: str
    """The start of the line, safe to show."""


@dataclass(slots=True, eq=False)
class Entry(Generic[T]):
    """One series of a target, known from its first sight on."""

    identity: bytes
    name: str
    """Sample name, dots of a UTF-8 name as underscores."""
    item: T
    """What the caller made of name and labels."""
    text: bytes = b""
    """What stood behind the identity in the last committed page."""
    now: bytes = b""
    """The same in the page that was read last."""
    seen: int = 0
    """The number of the page that had it last; not kept up while pages stay identical."""


@dataclass(slots=True)
class Page(Generic[T]):
    """What `PageReader.read` found. Nothing of it counts until it is committed."""

    number: int
    changed: list[Entry[T]] = field(default_factory=list)
    """Entries whose text is another than at the last commit, or that were not on the page read
    before this one, each once."""
    unchanged: bool = False
    """Every wanted line is byte for byte as it was: nothing was looked at."""
    wanted: bytes = b""
    """Every wanted line, each with the newline before it."""
    fresh: list[Entry[T]] = field(default_factory=list)
    """Entries never seen before."""
    bad: list[BadLine] = field(default_factory=list)
    """A few examples of lines that could not be read."""
    bad_count: int = 0
    """How many there were. A page is a state and not a log, so the same bad series is counted
    when it first shows and not at every scrape."""


class PageReader(Generic[T]):
    """The memory of one target's page.

    `read` may run in a thread. It changes nothing that the next `read` relies on until `commit`,
    so a page whose batch was never stored is simply read again.
    """

    def __init__(
        self, names: Iterable[str], make: Callable[[str, dict[str, str], bytes], T]
    ) -> None:
        """`names` are the wanted sample names (with `_total`, `_sum` …); `make` is called once
        for each never-seen identity with its name, labels and the identity itself."""
        self._names = frozenset(names)
        self._make = make
        self._wanted = _wanted_lines(self._names)
        self._entries: dict[bytes, Entry[T]] = {}
        self._ignored: set[bytes] = set()
        self._complained: set[bytes] = set()
        self._last = b""
        """Every wanted line of the last committed page."""
        self._number = 0
        self._read_last = 0
        """The number of the page that was last read line by line."""
        self.generation = 0
        """Changes when entries were forgotten: indexes on them must be built again."""

    def find(self, text: PageText) -> list[bytes]:
        """The wanted lines, in runs. In windows: one search over the whole page holds the
        interpreter until it ends, and the event loop in the other thread must not wait 13 ms.
        Raises SourceFormatError when the page cannot be unpacked."""
        return text.find(self._wanted, MAX_WANTED)

    def read(self, body: bytes | PageText, runs: list[bytes] | None = None) -> Page[T]:
        """Read a page: a `PageText`, or bytes that begin with a newline (see `framed`). `runs` is
        what `find` found on it."""
        text = PageText.whole(body) if isinstance(body, bytes) else body
        if runs is None:
            runs = self.find(text)
        self._number += 1
        # Joined, because where runs are cut depends on the lines between them.
        page: Page[T] = Page(self._number, wanted=b"".join(runs))
        if page.wanted == self._last:
            page.unchanged = True
            return page
        entries = self._entries
        number = self._number
        # A series that was away in between may have restarted and come back to the same number.
        before, self._read_last = self._read_last, number
        changed = page.changed
        for run in runs:
            for line in run[1:].split(b"\n"):
                end = line.rfind(b"}") + 1
                entry = entries.get(line[:end])
                if entry is None:
                    found = self._careful(line, page)
                    if found is None:
                        continue
                    if isinstance(found, str):
                        self._note_bad(page, text, line, found)
                        continue
                    entry, value = found
                else:
                    value = line[end:]
                if entry.seen == number:
                    if entry.now != value:
                        self._note_bad(page, text, line, "this series stands twice on the page")
                    continue
                if value != entry.text or entry.seen != before:
                    changed.append(entry)
                entry.seen = number
                entry.now = value
        return page

    def commit(self, page: Page[T]) -> None:
        """The page's batch is stored: what it said is now "last time"."""
        if page.unchanged:
            return
        for entry in page.changed:
            entry.text = entry.now
        self._last = page.wanted
        if len(self._entries) > 10_000:
            self._forget_absent(page.number)

    def present(self, page: Page[T]) -> Iterator[Entry[T]]:
        """Every series on this page (which must not be `unchanged`)."""
        return (entry for entry in self._entries.values() if entry.seen == page.number)

    def entries(self) -> Iterable[Entry[T]]:
        """Every series known."""
        return self._entries.values()

    def reset(self) -> None:
        """Forget every page; identities stay known."""
        self._last = b""
        for entry in self._entries.values():
            entry.text = b""

    def _forget_absent(self, number: int) -> None:
        """Keep the cache of identities at most about twice what one page shows."""
        here = sum(entry.seen == number for entry in self._entries.values())
        if len(self._entries) > 2 * here + 10_000:
            self._entries = {k: e for k, e in self._entries.items() if e.seen == number}
            self._ignored.clear()
            self.generation += 1

    def _careful(self, line: bytes, page: Page[T]) -> tuple[Entry[T], bytes] | str | None:
        """The entry of a line that the short way did not find, or why the line is bad, or None
        for a line that is not wanted after all."""
        if line[:1] in b" \t" and line.lstrip()[:1] in (b"", b"#", b"\r"):
            return None
        if len(line) > MAX_LINE:
            return f"the line is longer than {MAX_LINE} bytes"
        match = _IDENTITY.match(line)
        if match is None:
            return "name or labels are malformed"
        identity = match[1]
        text = line[match.end() :]
        if identity in self._ignored:
            return None
        entry = self._entries.get(identity)
        if entry is not None:
            return entry, text
        try:
            name, labels = parse_identity(identity)
        except ValueError as error:
            return str(error)
        if name not in self._names:
            if len(self._ignored) < 10_000:
                self._ignored.add(identity)
            return None
        entry = Entry(identity, name, self._make(name, labels, identity))
        self._entries[identity] = entry
        page.fresh.append(entry)
        return entry, text

    def _note_bad(self, page: Page[T], text: PageText, line: bytes, reason: str) -> None:
        about = line[: line.rfind(b"}") + 1 or 100]
        if about in self._complained:
            return
        if len(self._complained) >= 1000:
            self._complained.clear()
        self._complained.add(about)
        page.bad_count += 1
        if len(page.bad) < BAD_EXAMPLES:
            page.bad.append(BadLine(*text.place(line), reason, _shown(line)))


def framed(chunks: Iterable[bytes]) -> bytes:
    """The page as one piece, with the newline in front that lets every line be found alike."""
    return b"".join((b"\n", *chunks))


def _wanted_lines(names: Iterable[str]) -> re.Pattern[bytes]:
    """Runs of neighbouring wanted lines, at most 2,000 each, so that nothing done with one run
    holds the interpreter for long. Each match begins with the newline before it.

    A line that begins with a brace has its name inside, quoted, and one that begins with a blank
    has it later: such lines are rare and all are looked at. Not possessive, though no way back is
    needed: on Python 3.11.2 that leaves half a name at the end of a match. It is as fast.
    """
    words = sorted({name.encode() for name in names})
    start = rb"\n(?:(?:" + _alternatives(words) + rb")(?=[{ \t])|[{ \t])" if words else rb"\n[{ \t]"
    return re.compile(start + rb"[^\n]*(?:" + start + rb"[^\n]*){0,1999}")


def _alternatives(words: list[bytes]) -> bytes:
    """An expression for sorted words that shares what they have in common at their beginnings:
    all of a gateway's names begin alike, and each line would be compared with each of them."""
    pieces = []
    for _, group in groupby(words, key=lambda word: word[:1]):
        same = list(group)
        if len(same) == 1:
            pieces.append(re.escape(same[0]))
            continue
        # Sorted, so what the first and the last share, all share.
        pairs = zip(same[0], same[-1], strict=False)
        shared = next((i for i, (a, b) in enumerate(pairs) if a != b), len(same[0]))
        rest = _alternatives([word[shared:] for word in same])
        pieces.append(re.escape(same[0][:shared]) + b"(?:" + rest + b")")
    return b"|".join(pieces)


def parse_identity(identity: bytes) -> tuple[str, dict[str, str]]:
    """`name{labels}` → name and labels; dots in names become underscores, as every translator of
    OpenTelemetry names writes them. Raises ValueError with a reason that can be shown."""
    from prometheus_client.parser import text_string_to_metric_families

    text = identity.decode("utf-8", "replace")
    try:
        samples = [s for f in text_string_to_metric_families(text + " 1\n") for s in f.samples]
    except (ValueError, IndexError, KeyError):
        samples = []
    # The parser is lenient with what follows a stray brace: it must have read our own 1.
    if len(samples) != 1 or samples[0].value != 1 or not samples[0].name:
        raise ValueError("name or labels are malformed")
    sample = samples[0]
    labels = {key.replace(".", "_"): value for key, value in sample.labels.items()}
    return sample.name.replace(".", "_"), labels


def number_text(text: bytes) -> str | None:
    """The number that stands behind an identity; None for NaN. Raises ValueError when there is
    none. A timestamp or an exemplar behind it is left alone."""
    match = _NUMBER.match(text)
    if match is None:
        raise ValueError("no number behind the labels")
    number = match[1].decode("ascii", "replace")
    value = float(number)
    if value != value:
        return None
    if value < 0 or value == float("inf"):
        raise ValueError(f"{visible(number, 40)} is no counter value")
    return number


def check_complete(body: bytes, content_type: str, length_known: bool) -> None:
    """Raise SourceFormatError for half a page: missing series would look like resets.

    An OpenMetrics page ends with `# EOF`. A text page of which the connection did not say how
    long it is must end with a line feed, as the format demands; its last number could be cut.
    """
    claims_openmetrics = content_type.lower().startswith("application/openmetrics-text")
    if claims_openmetrics:
        if body[-64:].rstrip().rpartition(b"\n")[2].rstrip() != b"# EOF":
            raise SourceFormatError("half a page: it claims OpenMetrics but has no # EOF")
    elif not length_known and not body.endswith(b"\n"):
        raise SourceFormatError("half a page: the last line has no end")


def check_kind(body: bytes, content_type: str) -> None:
    """Raise SourceFormatError for an HTML, JSON or binary page, saying so."""
    start = body[:512].lstrip().lower()
    kind = content_type.lower().partition(";")[0].strip()
    if start.startswith((b"<!doctype", b"<html")) or kind == "text/html":
        raise SourceFormatError(
            "an HTML page, not metrics: is the path right? (a server: type: prometheus)"
        )
    if kind.endswith("json") or _JSON.match(start):
        raise SourceFormatError("a JSON document, not metrics: is the path right?")
    if "protobuf" in kind or b"\0" in start:
        raise SourceFormatError("a binary page, not the text format")


def note_bad_number(page: Page[T], entry: Entry[T], reason: str) -> None:
    """Record that the number of `entry` could not be read."""
    page.bad_count += 1
    if len(page.bad) < BAD_EXAMPLES:
        page.bad.append(BadLine(-1, 0, reason, _shown(entry.identity + entry.now)))


def _shown(line: bytes) -> str:
    return visible(redact(line[:400].decode("utf-8", "replace")), 200)

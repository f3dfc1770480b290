"""Themes are data: one YAML file each, validated, with derived defaults.

A bad theme is named with its reason and skipped; it never keeps costtui from starting. The
default theme is read before first paint, so built-in files keep to `key: value` lines, which
twenty lines here read in a tenth of a millisecond; importing PyYAML alone takes 17 ms. A test
reads each of them with PyYAML, too, and compares.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from textual.color import Color, ColorParseError

from costtui.errors import CosttuiError

if TYPE_CHECKING:
    from textual.theme import Theme

DEFAULT = "costtui-dark"
BASE_COLORS = (
    "primary",
    "secondary",
    "accent",
    "success",
    "warning",
    "error",
    "foreground",
    "background",
    "surface",
    "panel",
)
REQUIRED = ("name", "primary", "foreground", "background")
VARIABLES: dict[str, str] = {
    "text-main": "foreground",
    "text-strong": "foreground",
    "text-title": "foreground",
    "text-quiet": "foreground 62%",
    "text-faint": "foreground 38%",
    "text-key": "accent",
    "frame": "foreground 26%",
    "frame-focus": "accent",
    "bar-full": "primary",
    "bar-rest": "foreground 14%",
    "cursor-text": "none",
    "cursor-back": "primary 30%",
    "alarm-text": "background",
    "alarm-back": "error",
    "chip-text": "background",
    "chip-back": "accent",
    "cost-ok": "success",
    "cost-warn": "warning",
    "cost-over": "error",
    "spark-low": "primary",
    "spark-high": "accent",
    "chart-1": "primary",
    "chart-2": "success",
    "chart-3": "warning",
    "chart-4": "accent",
    "chart-5": "secondary",
    "chart-6": "error",
}
"""Our variable → what it is where a theme does not give it: a base colour, with a percentage
where it is mixed with the background."""
LARGEST = 100_000
"""Bytes of a theme file; ours have 800."""
OPTIONS = ("dark", "ansi")
EMPHASIS = ("color", "attributes")
"""`emphasis: attributes` marks with bold, dim, underline and reverse instead of colour."""

_LINE = re.compile(r"( *)([A-Za-z0-9_-]+):(?: +(.*?))?\s*")


class ThemeError(CosttuiError):
    """One theme file cannot be used; the message says which line and key, and why."""

    def __init__(self, problems: Sequence[tuple[int, str, str]]) -> None:
        """`problems`: (line or 0, key or "", reason)."""
        self.problems = tuple(problems)
        super().__init__("; ".join(map(_problem, problems)))


def _problem(problem: tuple[int, str, str]) -> str:
    line, key, reason = problem
    return (f"line {line}: " if line else "") + (f"{key}: " if key else "") + reason


class ThemeData(NamedTuple):
    """A validated theme, every variable filled in."""

    name: str
    dark: bool
    ansi: bool
    colors: dict[str, str]
    variables: dict[str, str]
    path: Path | None = None
    """The file it was read from."""

    def textual(self) -> Theme:
        """As Textual wants it."""
        from textual.theme import Theme

        return Theme(
            name=self.name,
            dark=self.dark,
            ansi=self.ansi,
            primary=self.colors["primary"],
            secondary=self.colors["secondary"],
            accent=self.colors["accent"],
            success=self.colors["success"],
            warning=self.colors["warning"],
            error=self.colors["error"],
            foreground=self.colors["foreground"],
            background=self.colors["background"],
            surface=self.colors["surface"],
            panel=self.colors["panel"],
            variables={**self._frameworks(), **self.variables},
        )

    def _frameworks(self) -> dict[str, str]:
        """Textual's own variables (of its palette, toasts and input field) in our colours."""
        front, back = self.colors["foreground"], self.colors["background"]
        text = self.variables["cursor-text"]
        return {
            "ansi-background": back,
            "ansi-foreground": front,
            "block-cursor-foreground": front if text == "none" else text,
            "block-cursor-background": self.variables["cursor-back"],
            "border": self.variables["frame-focus"],
            "border-blurred": self.variables["frame"],
            "input-cursor-foreground": back,
            "input-cursor-background": front,
            "input-cursor-text-style": "reverse" if self.ansi else "none",
        }


def kind_of(theme: ThemeData) -> str:
    """`dark`, `light`, or `terminal` for the terminal's own colours."""
    return "terminal" if theme.ansi else "dark" if theme.dark else "light"


class Loaded(NamedTuple):
    """What a look into the theme folders found."""

    themes: dict[str, ThemeData]
    failures: list[str]
    """One line for each file that cannot be used: path and reason."""


def builtin_dir() -> Path:
    """Where the themes that come with costtui are.

    Beside the package in a checkout, inside it in a wheel. The checkout wins: an editable
    install leaves a stale copy of the wheel's folder in site-packages.
    """
    package = Path(__file__).resolve().parent.parent
    checkout = package.parent / "themes"
    if checkout.is_dir() and (package.parent / "pyproject.toml").is_file():
        return checkout
    return package / "themes"


def parse_simple(text: str) -> dict[str, object]:
    """The YAML of our own theme files: `key: value`, one level of nesting, comments.

    Raises ThemeError for anything else; a user's file is then read by PyYAML.
    """
    result: dict[str, object] = {}
    target: dict[str, object] = result
    for number, raw in enumerate(text.splitlines(), 1):
        line = re.sub(r"(^|\s)#\s.*$", "", raw).rstrip()
        if not line.strip() or line.strip() in ("#", "---"):
            continue
        found = _LINE.fullmatch(line)
        if found is None:
            raise ThemeError([(number, "", "not `key: value`")])
        indent, key, value = found.group(1), found.group(2), found.group(3)
        if not indent:
            target = result
        elif target is result:
            raise ThemeError([(number, "", "unexpected indent")])
        if value is None:
            target = {}
            result[key] = target
        elif value in ("true", "false"):
            target[key] = value == "true"
        elif len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
            target[key] = value[1:-1]
        elif value[0] in "\"'[]{}&*!|>%@`":
            raise ThemeError([(number, "", "not a plain value")])
        else:
            target[key] = value
    return result


def validate(data: Mapping[str, object], text: str = "") -> ThemeData:
    """A theme file's content, checked and completed. Raises ThemeError with every problem, each
    with its line in `text`."""
    problems: list[tuple[str, str]] = []
    given = data.get("variables", {})
    if not isinstance(given, Mapping):
        problems.append(("variables", "must be a mapping"))
        given = {}
    known = (*BASE_COLORS, "name", "variables", *OPTIONS)
    problems += [(k, f"unknown key{_nearest(k, known)}") for k in data if k not in known]
    for key in REQUIRED:
        if key not in data:
            problems.append((key, "missing"))
    if "name" in data and not isinstance(data["name"], str):
        problems.append(("name", "must be a text"))
    name = data.get("name")
    if isinstance(name, str) and not re.fullmatch(r"[A-Za-z0-9._-]{1,40}", name):
        problems.append(("name", "letters, digits, '.', '_' and '-' only, at most 40"))
    problems += [
        (k, "must be true or false") for k in OPTIONS if not isinstance(data.get(k, False), bool)
    ]
    problems += [
        (f"variables.{k}", f"unknown variable{_nearest(str(k), VARIABLES)}")
        for k in given
        if k not in VARIABLES and k != "emphasis"
    ]
    if given.get("emphasis", "color") not in EMPHASIS:
        problems.append(("variables.emphasis", f"must be one of {', '.join(EMPHASIS)}"))
    texts = {key: data[key] for key in BASE_COLORS if key in data}
    texts.update({f"variables.{k}": v for k, v in given.items() if k in VARIABLES})
    told = {key for key, _ in problems}
    problems += [
        (key, _no_color(value))
        for key, value in texts.items()
        if not (key == "variables.cursor-text" and value == "none")
        and not _is_color(value)
        and key not in told
    ]
    if problems:
        raise ThemeError([(_line_of(text, key), key, reason) for key, reason in problems])
    return _complete(data, {str(k): str(v) for k, v in given.items()})


def _no_color(value: object) -> str:
    if value is None:
        return "empty; a colour with # goes in quotes"
    return f"{str(value)[:40]!r} is not a colour"


def _line_of(text: str, key: str) -> int:
    """The line of `key`, or of `variables` for one of those; 0 where it cannot be told."""
    _, inside, name = key.rpartition("variables.")
    indent = r"[ \t]+" if inside else ""
    found = re.search(rf"^{indent}[\"']?{re.escape(name)}[\"']?[ \t]*:", text, re.MULTILINE)
    return text.count("\n", 0, found.start()) + 1 if found else 0


def _is_color(value: object) -> bool:
    if not isinstance(value, str):
        return False
    try:
        Color.parse(value)
    except ColorParseError:
        return False
    return True


def _nearest(key: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches

    found = get_close_matches(key, list(known), 1)
    return f' (did you mean "{found[0]}"?)' if found else ""


def _complete(data: Mapping[str, object], given: dict[str, str]) -> ThemeData:
    colors = {key: str(data[key]) for key in BASE_COLORS if key in data}
    primary = colors["primary"]
    for key in ("secondary", "accent", "success", "warning", "error"):
        colors.setdefault(key, primary)
    for key in ("surface", "panel"):
        colors.setdefault(key, colors["background"])
    background = Color.parse(colors["background"])
    variables = dict(given)
    for name, rule in VARIABLES.items():
        if name in variables:
            continue
        base, _, percent = rule.partition(" ")
        if base == "none":
            variables[name] = "none"
            continue
        color = Color.parse(colors[base])
        if percent and color.ansi is None and background.ansi is None:
            color = background.blend(color, int(percent.rstrip("%")) / 100)
            variables[name] = color.hex
        else:
            variables[name] = colors[base]
    variables.setdefault("emphasis", "color")
    return ThemeData(
        name=str(data["name"]),
        dark=bool(data.get("dark", True)),
        ansi=bool(data.get("ansi", False)),
        colors=colors,
        variables=variables,
    )


def read(path: Path) -> ThemeData:
    """One theme file. Raises ThemeError with the reason."""
    try:
        if not path.is_file():  # opening a pipe would wait for ever
            raise ThemeError([(0, "", "is not a file" if path.exists() else "no such file")])
        if path.stat().st_size > LARGEST:
            raise ThemeError([(0, "", f"is larger than {LARGEST:,} bytes")])
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ThemeError([(0, "", f"cannot be read: {_reason(error)}")]) from error
    try:
        data = parse_simple(text)
    except ThemeError:
        data = _parse_yaml(text)
    return validate(data, text)._replace(path=path)


def _reason(error: OSError | UnicodeDecodeError) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else "it is not UTF-8 text"


def _parse_yaml(text: str) -> dict[str, object]:
    import yaml

    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 0
        said = getattr(error, "problem", None) or "it cannot be parsed"
        raise ThemeError([(line, "", f"not YAML: {said}")]) from error
    except (ValueError, RecursionError) as error:  # a date that is none, a thousand brackets
        raise ThemeError([(0, "", f"not YAML: {error}")]) from error
    if not isinstance(data, dict):
        raise ThemeError([(1, "", "not a mapping of `key: value`")])
    return {str(key): value for key, value in data.items()}


def load_all(user_dir: Path | None) -> Loaded:
    """Every theme, the user's after (and over) ours."""
    loaded = Loaded({}, [])
    for folder in (builtin_dir(), user_dir):
        for path in files(folder):
            try:
                theme = read(path)
            except ThemeError as error:
                loaded.failures.append(f"{path}: {error}")
            else:
                loaded.themes[theme.name] = theme
    return loaded


def files(folder: Path | None) -> list[Path]:
    """The theme files of a folder, by name; none where there is no such folder or it is closed."""
    try:
        return sorted((*folder.glob("*.yml"), *folder.glob("*.yaml"))) if folder else []
    except OSError:
        return []


def load_one(name: str, user_dir: Path | None) -> tuple[ThemeData, str]:
    """The theme `name`, or the default one and why.

    Only the file of that name is opened; a theme whose file is called otherwise is found by
    `load_all` later.
    """
    reason = ""
    plain = re.fullmatch(r"[A-Za-z0-9._-]+", name) is not None
    for folder in (user_dir, builtin_dir()):
        path = folder / f"{name}.yml" if folder and plain else None
        if path is None or not path.is_file():
            continue
        try:
            return read(path), reason
        except ThemeError as error:
            reason = f"{path}: {error}"
    if name == DEFAULT:
        missing = f"the theme {DEFAULT} is missing from {builtin_dir()}"
        raise ThemeError([(0, "", reason or missing)])
    found = load_all(user_dir)
    if name in found.themes:
        return found.themes[name], ""
    theme, _ = load_one(DEFAULT, None)
    return theme, reason or f"no theme is called {name!r}; there are: {', '.join(found.themes)}"

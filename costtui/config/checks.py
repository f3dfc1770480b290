"""What the builders of all sections check in the same way."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

from costtui.config.kinds import from_env
from costtui.config.reader import Value, Values
from costtui.config.secret import Secret
from costtui.config.sections import Section
from costtui.config.words import Problems, quoted
from costtui.model.safetext import looks_secret

_SECRET_HEADERS = ("auth", "token", "key", "secret", "cookie", "password", "credential")
NOT_HERE = "which must not stand in this file: write ${NAME}"


def direct(values: Values, section: Section, composed: Container[str] = ()) -> dict[str, Any]:
    """The given values whose one field has the same meaning; `composed` are the other keys."""
    return {
        section.by_name[name].targets[0]: value.data
        for name, value in values.given.items()
        if name not in composed
    }


class Checks:
    """Builds a part of a `Config`; what is wrong goes to `problems`."""

    def __init__(self, problems: Problems) -> None:
        self._problems = problems

    def _wrong(self, values: Values, name: str, message: str) -> None:
        self._problems.add(values.line_of(name), values.path_of(name), message)

    def _once(self, entries: list[Value], name: str, what: str) -> None:
        first: dict[str, Values] = {}
        for entry in entries:
            values: Values = entry.data
            text = values.get(name)
            if text is None:
                continue
            if text in first:
                line = first[text].line_of(name)
                message = f"{quoted(text)} is the name of another {what}, on line {line}"
                self._wrong(values, name, message)
            first.setdefault(text, values)

    def _not_both(self, values: Values, name: str) -> None:
        if name in values and f"{name}_file" in values:
            self._wrong(values, f"{name}_file", f"give {name} or {name}_file, not both")

    def _headers(self, values: Values) -> None:
        for name, value in values.get("headers", {}).items():
            if not name.isascii() or not name.replace("-", "").replace("_", "").isalnum():
                self._problems.add(value.line, value.key, "is not the name of an HTTP header")
            secret: Secret = value.data
            risky = any(part in name.lower() for part in _SECRET_HEADERS)
            if not from_env(value.raw) and (risky or looks_secret(secret.reveal())):
                self._problems.add(value.line, value.key, f"can be a secret, {NOT_HERE}")

"""`notifiers:` of the file → `NotifierConfig`: what each type needs, and what may be read in it."""

from __future__ import annotations

import json
from typing import Final
from urllib.parse import urlsplit

from costtui.config.alert_keys import HTTP, NOTIFIER, POSTED
from costtui.config.alert_schema import NotifierConfig
from costtui.config.checks import NOT_HERE, Checks, direct
from costtui.config.kinds import from_env
from costtui.config.placeholders import (
    ONE_LABEL,
    PLACEHOLDERS,
    fill,
    is_json,
    is_placeholder,
    placeholders,
)
from costtui.config.reader import Value, Values
from costtui.config.secret import Secret
from costtui.config.words import did_you_mean, quoted
from costtui.model.safetext import looks_secret

_COMPOSED: Final = {
    *("url", "url_file", "secret", "secret_file"),
    *("headers", "command", "group_by"),
}
ALWAYS_SECRET: Final = ("slack", "apprise")
"""Types whose URL is itself the key."""
EXAMPLES: Final = {
    "webhook": "https://host/path",
    "slack": "https://hooks.slack.com/services/…",
    "alertmanager": "http://host:9093",
    "apprise": "http://host:8000/notify/key",
}


class NotifierBuilder(Checks):
    """Builds who is told."""

    def notifiers(self, entries: list[Value]) -> tuple[NotifierConfig, ...]:
        self._once(entries, "name", "notifier")
        return tuple(self._notifier(entry.data) for entry in entries)

    def _notifier(self, values: Values) -> NotifierConfig:
        fields = direct(values, NOTIFIER, _COMPOSED)
        fields.setdefault("name", "")
        kind: str = fields.setdefault("type", "")
        url: Secret | None = values.get("url") or values.get("url_file")
        for name in ("url", "secret"):
            self._not_both(values, name)
        if kind:
            self._of_type(values, kind)
        if kind in POSTED:
            self._url(values, kind, url)
        self._headers(values)
        self._template(values, kind)
        self._readable(values)
        return NotifierConfig(
            **fields,
            url=url,
            secret=values.get("secret") or values.get("secret_file"),
            headers=tuple((name, v.data) for name, v in values.get("headers", {}).items()),
            command=tuple(value.data for value in values.get("command", [])),
            group_by=tuple(value.data for value in values.get("group_by", [])),
        )

    def _of_type(self, values: Values, kind: str) -> None:
        for name in [*values.given, *values.broken]:
            key = NOTIFIER.by_name[name]
            if not NOTIFIER.foreign(key, kind):
                continue
            message = f"is for type: {' or '.join(key.only)}, and this is type: {kind}"
            if kind == "alertmanager" and name in ("group_by", "group_wait", "repeat"):
                message = "means nothing for type: alertmanager, which groups and repeats itself"
            self._wrong(values, name, message)
        if kind == "command":
            if "command" not in values:
                self._wrong(values, "command", "is missing: which program is to be run?")
            elif values.get("command") == []:
                self._wrong(values, "command", "is empty: which program is to be run?")
        elif "url" not in values and "url_file" not in values:
            self._wrong(values, "url", "is missing: write ${NAME}, or give url_file")

    def _url(self, values: Values, kind: str, url: Secret | None) -> None:
        if url is None:
            return
        name = "url" if "url" in values.given else "url_file"
        if reason := _bad_url(url.reveal(), kind):
            # It may be a secret, so the message never repeats it.
            self._wrong(values, name, reason)
            return
        written = values.given[name]
        if name == "url_file" or from_env(written.raw):
            return
        if kind in ALWAYS_SECRET:
            self._wrong(values, name, f"is a secret, {NOT_HERE}, or give url_file")
        elif _can_be_secret(url.reveal()):
            self._wrong(values, name, f"can be a secret, {NOT_HERE}, or give url_file")

    def _template(self, values: Values, kind: str) -> None:
        """Known placeholders, and JSON where it begins like JSON."""
        template: str = values.get("template") or ""
        known = (*PLACEHOLDERS, f"{ONE_LABEL}NAME")
        wrong = [name for name in placeholders(template) if not is_placeholder(name)]
        for name in dict.fromkeys(wrong):
            near = did_you_mean(name, known) or f": there are {', '.join(known)}"
            self._wrong(values, "template", f"{quoted(name)} is not a placeholder{near}")
        if kind != "webhook" or wrong or not is_json(template):
            return
        try:
            # A text without quotation marks around it is found: `x` is no JSON, a number is.
            json.loads(fill(template, lambda n: "0" if n.endswith("_number") else "x"))
        except ValueError as error:
            where = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
            self._wrong(values, "template", f"begins like JSON and is none{where}")

    def _readable(self, values: Values) -> None:
        """What is shown must hold no secret of its own."""
        template = values.given.get("template")
        shown = [*values.get("command", []), *([template] if template else [])]
        for value in shown:
            if not from_env(value.raw) and looks_secret(value.data):
                self._problems.add(value.line, value.key, f"can be a secret, {NOT_HERE}")


def _bad_url(url: str, kind: str) -> str:
    """Why nothing can be posted there, or ""."""
    wrong = f"is not a URL: write {EXAMPLES[kind]}"
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return wrong if kind in HTTP else ""
    if kind not in HTTP:
        return "" if parts.scheme and "://" in url else wrong
    if parts.scheme not in ("http", "https") or not parts.hostname or " " in url:
        return wrong
    return "must not have a #fragment" if parts.fragment else ""


def _can_be_secret(url: str) -> bool:
    parts = urlsplit(url)
    return "@" in parts.netloc or bool(parts.query) or looks_secret(url)

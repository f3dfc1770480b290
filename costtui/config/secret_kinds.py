"""The kinds of values that are never shown.

A configuration is mailed, committed and pasted into issues, so a secret in its text is an error:
it comes from the environment or from a file of its own.
"""

from __future__ import annotations

import json
from typing import Any

from costtui.config.files import read_bytes
from costtui.config.kinds import ENV_SCHEMA, File, Kind, Written
from costtui.config.secret import Secret


class Masked(Kind):
    """A secret: only from the environment, never from the text of the file."""

    label = "secret"

    def parse(self, written: Written) -> Secret:
        if not written.from_env:
            raise ValueError("a secret must not stand here: write ${NAME}, or name a file")
        return Secret(secret_text(written.text))

    def schema(self) -> dict[str, Any]:
        return ENV_SCHEMA

    def render(self, value: Any) -> str:
        return json.dumps(str(value))

    @property
    def secret(self) -> bool:
        return True


class HeaderValue(Masked):
    """The value of an HTTP header: masked, but it may stand in the file where it is harmless."""

    label = "text"

    def parse(self, written: Written) -> Secret:
        return Secret(secret_text(written.text))

    def schema(self) -> dict[str, Any]:
        return {"type": ["string", "number"], "minLength": 1}


class SecretUrl(Masked):
    """A URL to post to. Most of them are keys, so all of them are masked; which may stand in the
    file depends on what answers there."""

    label = "URL"

    def parse(self, written: Written) -> Secret:
        text = written.text
        if not text.isascii() or not text.isprintable() or not text or " " in text:
            raise ValueError("is not a URL")
        return Secret(text)

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "minLength": 1}


class SecretFile(Masked):
    """A file that holds a secret and nothing else; a line break at its end does not count."""

    label = "path"

    def parse(self, written: Written) -> Secret:
        path = File().parse(written)
        try:
            data = read_bytes(path, 65_536)
        except OSError as error:
            raise ValueError(f"cannot be read: {error.strerror or error}") from None
        if len(data) > 65_536:
            raise ValueError("is larger than 64 KiB: not a secret")
        try:
            text = data.decode("utf-8").rstrip("\r\n")
        except UnicodeDecodeError:
            raise ValueError("is not UTF-8") from None
        return Secret(secret_text(text))

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "minLength": 1}


def secret_text(text: str) -> str:
    """`text`, when it can go into an HTTP header. Raises ValueError, never naming the text."""
    if not text:
        raise ValueError("is empty")
    if not text.isascii() or not text.isprintable():
        raise ValueError("holds a line break or another character that no HTTP header may hold")
    return text

"""The time zone in which days and months begin."""

from __future__ import annotations

from datetime import datetime, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from costtui.errors import ConfigError, Problem


def zone_of(name: str) -> tzinfo:
    """`local` or an IANA name → tzinfo. Raises `ConfigError` for an unknown name.

    A fixed offset is only the last resort for `local`: it would put midnights an hour off
    across a change to or from summer time.
    """
    if name != "local":
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError):
            raise ConfigError([Problem("", 0, "timezone", f"unknown time zone {name!r}")]) from None
    return _local_zone()


def _local_zone() -> tzinfo:
    import os

    name = os.environ.get("TZ", "").lstrip(":")
    if not name:
        try:
            target = str(Path("/etc/localtime").resolve())
        except OSError:
            target = ""
        _, found, name = target.partition("zoneinfo/")
        if not found:
            name = ""
    if name:
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError):
            name = ""
    zone = datetime.now().astimezone().tzinfo
    assert zone is not None
    return zone

"""`costtui db`: where the store is, what is in it, whether it is sound, and making it smaller."""

from __future__ import annotations

import argparse
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from costtui.cli.common import load_config
from costtui.model.safetext import visible

if TYPE_CHECKING:
    from costtui.store.maintenance import StoreStats

_ACTIONS = {
    "path": "print where the store is",
    "stats": "size, rows, range and sources",
    "check": "SQLite's check, the sums of the roll-ups, ids that point nowhere (exit 1 if wrong)",
    "prune": "remove now what store.retention does not keep",
    "vacuum": "give free pages back to the disk",
}


class DbCommand:
    """Look after the local store.

    path     print where it is
    stats    size, rows, range and sources
    check    is it sound? Changes nothing; exit code 1 when it is not
    prune    remove now what store.retention does not keep
    vacuum   give free pages back to the disk

    prune and vacuum need the store for themselves: stop the collector first.
    """

    name = "db"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", metavar="|".join(_ACTIONS), required=True)
        for action, what in _ACTIONS.items():
            actions.add_parser(action, help=what)

    def run(self, args: argparse.Namespace) -> int:
        """Raises `StoreError`, with the file and what to do."""
        config = load_config(args).store
        if args.action == "path":
            print(config.path)
            return 0

        from costtui.store import maintenance

        if args.action == "stats":
            print("\n".join(_stats(maintenance.stats(config.path))))
        elif args.action == "prune":
            removed = maintenance.prune(config.path, config.retention, time.time())
            print(f"{removed} rows removed", file=sys.stderr)
        elif args.action == "vacuum":
            before, after = maintenance.vacuum(config.path)
            print(f"{_size(before)} before, {_size(after)} now", file=sys.stderr)
        else:
            problems = maintenance.check(config.path)
            print("\n".join(problems) or "ok")
            return 1 if problems else 0
        return 0


def _stats(stats: StoreStats) -> list[str]:
    lines = [
        f"path      {visible(str(stats.path), 1000)}",
        f"schema    {stats.schema}, revision {stats.revision}",
        f"size      {_size(stats.bytes)}, {_size(stats.free_bytes)} of it free",
        f"usage     {_moment(stats.oldest)} to {_moment(stats.latest)}",
        "",
        "table              rows",
        *(f"{table:<10} {rows:>12,}" for table, rows in stats.rows),
        "",
        "source               kind      gateway          role         records  skipped  last data",
    ]
    for source in stats.sources:
        name, gateway = visible(source.name, 20), visible(source.gateway, 16)
        lines.append(
            f"{name:<20} {source.kind:<9} {gateway:<16} {source.role:<9} {source.records:>10,} "
            f"{source.skipped:>8,}  {_moment(source.last_data)}"
        )
    return lines


def _moment(seconds: float) -> str:
    if not seconds:
        return "never"
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _size(count: int) -> str:
    size = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"

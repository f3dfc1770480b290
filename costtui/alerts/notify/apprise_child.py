"""The process in which Apprise runs: reads one message as JSON, exit code 0 when it was taken.

The message is `{"url", "title", "body", "type"}`. What Apprise says of a failure goes to standard
output; who started this takes the URL out of it.
"""

from __future__ import annotations

import json
import logging
import sys

FAILED = 1
REFUSED = 78
"""`EX_CONFIG`."""


def main() -> int:
    given = json.load(sys.stdin)
    try:
        import apprise
    except ImportError:
        print("Apprise is not installed: pip install 'costtui[notify]'")
        return REFUSED
    logging.basicConfig(stream=sys.stdout, format="%(message)s", level=logging.WARNING)
    target = apprise.Apprise()
    if not target.add(given["url"]):
        print("Apprise does not know such a URL")
        return REFUSED
    told = target.notify(
        title=given["title"],
        body=given["body"],
        notify_type=given["type"],
        body_format=apprise.NotifyFormat.TEXT,
    )
    return 0 if told else FAILED


if __name__ == "__main__":
    sys.exit(main())

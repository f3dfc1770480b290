"""LiteLLM's account of its own spend: each call's standard logging payload as one line of JSON."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from litellm.integrations.custom_logger import CustomLogger


class Writer(CustomLogger):  # type: ignore[misc]  # LiteLLM is not installed where types are checked
    """Appends one line a call, in one write."""

    async def async_log_success_event(
        self, kwargs: dict[str, Any], response_obj: Any, start_time: Any, end_time: Any
    ) -> None:
        _append(kwargs)

    async def async_log_failure_event(
        self, kwargs: dict[str, Any], response_obj: Any, start_time: Any, end_time: Any
    ) -> None:
        _append(kwargs)


def _append(kwargs: dict[str, Any]) -> None:
    line = json.dumps(kwargs["standard_logging_object"], default=str) + "\n"
    with Path(os.environ["SPEND_LOG"]).open("a") as file:
        file.write(line)


writer = Writer()

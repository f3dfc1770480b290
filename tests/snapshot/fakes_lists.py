"""What moved between two windows, and stretches of a list of requests."""

from __future__ import annotations

from collections.abc import Callable

from costtui.model.charge import CostBasis
from costtui.model.listing import Listing, Spot, Stretch, spot_of
from costtui.model.movement import Moved, Movement
from costtui.model.snapshot import RequestRow, Totals
from costtui.model.timewindow import Window


def movement(before: Window, now: Window) -> Movement:
    """One consumer on one gateway has three times the requests; others move a little; one is new,
    one is gone, one got dearer, one has no price."""
    hours = max(1, now.seconds // 3600)

    def used(requests: int, nano_each: int, tokens: int = 2100) -> Totals:
        return Totals(
            requests=requests * hours, input=tokens * requests * hours,
            output=tokens // 8 * requests * hours, effective_nano=requests * nano_each * hours,
        )  # fmt: skip

    free = used(40, 0)
    rows = (
        (("openai", "gpt-5", "search", "kong-eu", "/v1/chat/completions"),
         used(420, 7_100_000), used(1302, 7_100_000)),
        (("anthropic", "claude-sonnet-4-5", "checkout-assistant", "llm-proxy", "/v1/messages"),
         used(310, 9_000_000), used(318, 9_000_000)),
        (("anthropic", "claude-opus-4-1", "support-bot", "llm-proxy", "/v1/messages"),
         used(51, 42_000_000), used(50, 51_000_000)),
        (("google", "gemini-2.5-pro", "", "agentgateway-1", "/v1/messages"),
         used(0, 0), used(120, 4_000_000)),
        (("openai", "gpt-5-mini", "mobile-app", "agentgateway-2", "/v1/messages"),
         used(900, 800_000), used(0, 0)),
        (("deepseek", "deepseek-chat", "data-pipeline", "agentgateway-1", "/v1/messages"),
         used(200, 1_100_000), used(200, 2_300_000, 4700)),
        (("ollama", "llama3.3:70b", "search", "kong-eu", "/v1/messages"),
         free._replace(unpriced_tokens=free.tokens, unpriced_requests=free.requests),
         free._replace(unpriced_tokens=free.tokens, unpriced_requests=free.requests)),
    )  # fmt: skip
    return Movement(before, now, tuple(Moved(*row) for row in rows))


def stretch_of(
    rows: list[RequestRow], listing: Listing, at: Spot | str, limit: int, since: int = 0
) -> Stretch:
    """What a store answers, by sorting everything."""
    kinds: dict[str, Callable[[RequestRow], bool]] = {
        "all": lambda r: True,
        "errors": lambda r: r.errors > 0,
        "throttled": lambda r: r.throttled > 0,
        "unpriced": lambda r: r.basis is CostBasis.UNPRICED,
    }
    wanted = [r for r in rows if kinds[listing.status](r)]
    wanted.sort(key=lambda r: spot_of(r, listing.order), reverse=not listing.reverse)
    total = len(wanted)
    if at == "start":
        first, last = 0, limit
    elif isinstance(at, str):
        first, last = max(0, total - limit), total
    else:
        before = [r for r in wanted if (spot_of(r, listing.order) < at) is listing.reverse
                  and spot_of(r, listing.order) != at]  # fmt: skip
        first, last = max(0, len(before) - limit // 2), len(before) + limit // 2 + 1
    found = tuple(wanted[first:last])
    newer = sum(r.id > since for r in wanted) if since else 0
    return Stretch(found, first, total, True, first == 0, first + len(found) >= total, newer=newer)

"""The keys of the proxy, without a database: LiteLLM calls `authenticate` for every request."""

from __future__ import annotations

from fastapi import Request
from litellm.proxy._types import UserAPIKeyAuth

KEYS = {
    "made-up-key-1": ("checkout-svc", "team-pay"),
    "made-up-key-2": ("search-svc", "team-find"),
    "made-up-key-3": ("batch-night", "team-data"),
}


async def authenticate(request: Request, api_key: str) -> UserAPIKeyAuth:
    """Raises for a key that is not known, as LiteLLM expects."""
    alias, team = KEYS[api_key.removeprefix("Bearer ")]
    return UserAPIKeyAuth(api_key=api_key, key_alias=alias, team_id=team, user_id="u-1")

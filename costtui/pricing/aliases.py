"""The names that gateways use for providers, and whose models they are in the catalogue.

A table and not a rule: "contains openai" would price a local `openai-compatible` server at
OpenAI's rates. A name that is not here and is no catalogue id stays unpriced until the
configuration's `provider_aliases:` says what it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

NO_PROVIDER: Final = ""
"""The name says who forwarded the request and not who sold it: match by the model."""

PROVIDER_ALIASES: Final[Mapping[str, str]] = {
    # OpenAI
    "open_ai": "openai",
    "open-ai": "openai",
    "text-completion-openai": "openai",
    # Microsoft
    "azure_openai": "azure",
    "azure-openai": "azure",
    "azure.openai": "azure",
    "azure.ai.openai": "azure",
    "azure.ai.inference": "azure",
    "azure_ai": "azure",
    "azure_text": "azure",
    "az.ai.openai": "azure",
    "az.ai.inference": "azure",
    "az.ai.azure_openai": "azure",
    # Amazon
    "bedrock": "aws",
    "bedrock_converse": "aws",
    "aws.bedrock": "aws",
    "aws_bedrock": "aws",
    "aws-bedrock": "aws",
    "amazon_bedrock": "aws",
    "amazon-bedrock": "aws",
    "aws.anthropic": "aws",
    # Google
    "gemini": "google",
    "gcp": "google",
    "gcp.gemini": "google",
    "gcp.gen_ai": "google",
    "gcp.vertex_ai": "google",
    "gcp.anthropic": "google",
    "vertex": "google",
    "vertexai": "google",
    "vertex_ai": "google",
    "vertex_ai_beta": "google",
    "vertex_ai-language-models": "google",
    "vertex_ai-anthropic_models": "google",
    "google_genai": "google",
    "google_vertexai": "google",
    "google-vertex": "google",
    "google-ai-studio": "google",
    "palm": "google",
    # others
    "anthropic_text": "anthropic",
    "claude": "anthropic",
    "x_ai": "x-ai",
    "xai": "x-ai",
    "grok": "x-ai",
    "mistral_ai": "mistral",
    "mistralai": "mistral",
    "mistral-ai": "mistral",
    "codestral": "mistral",
    "deep_seek": "deepseek",
    "moonshot": "moonshotai",
    "moonshot_ai": "moonshotai",
    "moonshot-ai": "moonshotai",
    "cohere_chat": "cohere",
    "fireworks_ai": "fireworks",
    "fireworks-ai": "fireworks",
    "together_ai": "together",
    "together-ai": "together",
    "togetherai": "together",
    "perplexity_ai": "perplexity",
    "perplexity-ai": "perplexity",
    "pplx": "perplexity",
    "open_router": "openrouter",
    "open-router": "openrouter",
    "cloudflare_workers_ai": "cloudflare",
    "workers_ai": "cloudflare",
    "workers-ai": "cloudflare",
    "voyage": "voyageai",
    "voyage_ai": "voyageai",
    "github_copilot": "github-copilot",
    "zhipu": "zhipuai",
    "zhipu_ai": "zhipuai",
    "zai": "zai",
    "z_ai": "zai",
    "z.ai": "zai",
    # forwarders
    "litellm": NO_PROVIDER,
    "litellm_proxy": NO_PROVIDER,
}
"""Lower-case name → catalogue id. Local servers (`ollama`, `vllm`, Kong's `llama2` and
`huggingface`, …) are left out on purpose: electricity is not free and nobody publishes it."""

MAKER_NAMES: Final[tuple[tuple[str, re.Pattern[str]], ...]] = (
    (
        "openai",
        re.compile(
            r"(?:ft:)?(?:gpt-(?!oss)|chatgpt-|o[1-9](?:-|$)|text-embedding-(?:3-|ada)|codex-"
            r"|whisper-1|tts-1|computer-use-|omni-moderation)"
        ),
    ),
    ("anthropic", re.compile(r"claude-")),
    ("google", re.compile(r"gemini-")),
    ("x-ai", re.compile(r"grok-")),
)
"""Closed models whose name alone says who makes them: the only ones priced by name where the
source knows no provider. Open weights (`llama`, `gpt-oss`, `mistral`, `deepseek`) have many
sellers with prices an order of magnitude apart."""

SOLE_SELLERS: Final = ("mistral", "deepseek", "cohere", "moonshotai", "perplexity", "voyageai")
"""Makers that are taken where they alone in the catalogue list exactly that name."""

RESELLERS: Final = frozenset({"openrouter", "github-copilot", "cursor", "typesafe"})
"""They relay a maker's model; their listing it too does not make its seller ambiguous."""


def canonical(name: str, configured: Mapping[str, str]) -> str:
    """The catalogue id for a provider name: the user's aliases, then ours, else the name itself.

    `configured` has lower-case keys.
    """
    lower = name.strip().lower()
    if lower in configured:
        return configured[lower]
    return PROVIDER_ALIASES.get(lower, lower)

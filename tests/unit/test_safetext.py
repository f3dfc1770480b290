from __future__ import annotations

import random
import string
import uuid
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costtui.model.safetext import (
    csv_cell,
    fingerprint,
    looks_secret,
    redact,
    safe_name,
    visible,
)

ANY_TEXT = st.text(st.characters(min_codepoint=0, max_codepoint=0x10FFFF))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("gpt-4o", "gpt-4o"),
        ("naïve 模型", "naïve 模型"),
        ("a\x1b[31mred", "a\\x1b[31mred"),
        ("a\nb\tc\rd", "a\\nb\\tc\\rd"),
        ("\x9b31m", "\\x9b31m"),
        ("abc\u202egpj", "abc\\u202egpj"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("\ud800", "\\ud800"),
        ("tag\U000e0041", "tag\\U000e0041"),
        ("line\u2028sep", "line\\u2028sep"),
    ],
)
def test_what_is_not_a_plain_character_is_spelled_out(text: str, shown: str) -> None:
    assert visible(text, 100) == shown


def test_a_long_text_is_cut_to_the_limit() -> None:
    assert visible("abcdef", 6) == "abcdef"
    assert visible("abcdefg", 6) == "abcde…"
    assert visible("\x1b" * 10, 6) == "\\x1b…"
    assert visible("x" * 50_000_000, 5) == "xxxx…"


@given(ANY_TEXT, st.integers(1, 60))
def test_visible_text_is_printable_and_bounded(text: str, limit: int) -> None:
    shown = visible(text, limit)
    assert len(shown) <= limit
    assert shown.isprintable()
    assert visible(shown, limit) == shown
    shown.encode("utf-8")


@pytest.mark.parametrize("start", [*"=+-@\t\r\n＝", "  =", " @"])
def test_a_cell_never_starts_a_formula(start: str) -> None:
    assert csv_cell(start + 'HYPERLINK("x")').startswith("'")


@given(ANY_TEXT)
def test_cells_are_printable_and_keep_plain_text(text: str) -> None:
    cell = csv_cell(text)
    assert cell.isprintable()
    assert cell.lstrip(" ")[:1] not in set("=+-@")
    if text.isalnum():
        assert cell == text


SECRETS = [
    "token:sk-abc123",
    "token:abc",
    "sk-abc123",
    "sk-proj-" + "aB3" * 10,
    "Bearer abcdef123",
    "bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.sig",
    "AKIAIOSFODNN7EXAMPLE",
    "AIza" + "SyA1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q",
    "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2",
    "github_pat_" + "11ABCDEFG0123456789_abcdef",
    "xoxb-123456789012-abcdefghijkl",
    "hf_" + "AbCdEfGhIjKlMnOpQrStUv",
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "postgres://costs:hunter2@db/x",
    "-----BEGIN RSA PRIVATE KEY-----",
    "Authorization: Bearer abcdef0123456789",
]
NAMES = [
    "",
    "alice",
    "alice@example.com",
    "Alice Example",
    "team-checkout-prod-eu-west-1",
    "MarketingTeam2025ProductionCluster",
    "Marketing-Team-2025-Production-Cluster",
    "sk-learn",
    "task-1234567890",
    "basic auth",
    "token",
    "svc:billing:v2",
    "my-service-7d9f8b6c5d-x2x4z",
    "123e4567-e89b-12d3-a456-426614174000",
    "01ARZ3NDEKTSV4RRFFQ69G5FAV",
    "auth0|5f7c8ec7c33c6c004bbafe82",
    "google-oauth2|115015401343387192604",
    "user_2NNEqL2nrIRdJ194ndJqAHwEfxC",
    "sk-…abcd",
    "sk-abc1...wxyz",
    "88dc28d0f030c55ed4ab77ed8faf098196cb1c05df778539800c9f1243fe6b4b",
    "accounts/fireworks/models/llama-v3p1-405b-instruct",
    "meta-llama/Meta-Llama-3.1-405B-Instruct-Turbo",
    "us.anthropic.claude-3-5-sonnet-20241022-v2:0",
    "ft:gpt-4o-mini-2024-07-18:acme:custom:9AbCdEf1",
    "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-pro-v1:0",
    "https://gateway.internal:9002/v1/chat",
]


@pytest.mark.parametrize("text", SECRETS)
def test_secrets_are_known_and_replaced(text: str) -> None:
    assert looks_secret(text)
    assert safe_name(text) == fingerprint(text)
    assert not looks_secret(safe_name(text))


@pytest.mark.parametrize("text", NAMES)
def test_names_stay_names(text: str) -> None:
    assert not looks_secret(text)
    assert safe_name(text) == text
    assert redact(text) == text


@pytest.mark.parametrize("length", [24, 32, 40, 43, 64])
def test_random_keys_are_nearly_always_known(length: int) -> None:
    rng = random.Random(length)
    alphabet = string.ascii_letters + string.digits
    keys = ["".join(rng.choices(alphabet, k=length)) for _ in range(500)]
    assert sum(map(looks_secret, keys)) >= 480


def test_identifiers_are_never_taken_for_keys() -> None:
    rng = random.Random(1)
    assert not any(looks_secret(str(uuid.UUID(int=rng.getrandbits(128)))) for _ in range(2000))
    assert not any(looks_secret(sha256(bytes([n % 256, n >> 8])).hexdigest()) for n in range(2000))


def test_a_fingerprint_is_short_stable_and_one_a_key() -> None:
    digest = sha256(b"sk-abc123").hexdigest()
    assert fingerprint("sk-abc123") == f"key:{digest[:12]}"
    for spelling in ("token:sk-abc123", "Bearer sk-abc123", " sk-abc123 "):
        assert fingerprint(spelling) == fingerprint("sk-abc123")
    assert fingerprint("sk-abc124") != fingerprint("sk-abc123")
    fingerprint("\ud800")


def test_free_text_loses_only_its_secrets() -> None:
    line = '{"user_id":"token:sk-abc123","model":"gpt-4o","url":"https://u:pw@h/x"}'
    shown = redact(line)
    assert "sk-abc123" not in shown
    assert "u:pw" not in shown
    assert fingerprint("sk-abc123") in shown
    assert '"model":"gpt-4o"' in shown

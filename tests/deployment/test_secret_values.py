"""Secrets are hidden in text that an app logs, and nothing else is."""

from __future__ import annotations

import pytest

from lambent.deployment.secret_values import Mask, is_secret

PLAIN = "eu-west-1 short https://example.com/a:b@c not-a-secret-at-all"
MASK = Mask(
    [
        {
            "API_KEY": "k3y-of-shop",
            "DATABASE_URL": "postgres://shop:hunter22@db/shop",
            "REGION": "eu-west-1",
            "MY_TOKEN": "short",
        },
        {"API_KEY": "k3y-of-shop-2", "LAMBENT_SECRETS": "not-a-secret-at-all"},
    ]
)


@pytest.mark.parametrize(
    ("text", "masked"),
    (
        ("key k3y-of-shop and k3y-of-shop-2.", "key … and …."),
        ("connecting to postgres://shop:hunter22@db/shop", "connecting to postgres://shop:…@db/shop"),
        ("password hunter22 is wrong", "password … is wrong"),
        ("redis://:s3cr3t@cache:6379/0", "redis://:…@cache:6379/0"),
        ("AKIAIOSFODNN7ABCDEFG", "…"),
        ("Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc-DEF", "Bearer …"),
        ("sk_live_abcdefghijklmnop1234", "…"),
        (PLAIN, PLAIN),
    ),
)
def test_secrets_are_masked(text: str, masked: str) -> None:
    assert MASK(text) == masked


def test_names_and_forms_of_secrets() -> None:
    assert is_secret("STRIPE_SECRET", "x") and is_secret("URL", "amqp://a:b@c") and is_secret("X", "AKIAIOSFODNN7ABCDEFG")
    assert not is_secret("DEBUG", "1") and not is_secret("HOMEPAGE", "https://example.com:8080/")

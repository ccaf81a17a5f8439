"""Which values of a repository's example files an app may run with in public: no secrets, no placeholders, no own machine."""

from __future__ import annotations

import re

_SECRET_NAME = re.compile(
    r"SECRET|PASS|PWD|TOKEN|KEY|CRED|PRIVATE|SALT|PEPPER|HMAC|SIGNING|WEBHOOK|DSN|AUTH|CERT|USER|LOGIN|EMAIL|PHONE"
    r"|(?:^|_)(?:ID|PIN|PW)$",
    re.I,
)
_PLAIN_NAME = re.compile(
    r"(?:EXPIR\w*|MINUTES|SECONDS|HOURS|DAYS|TTL|LIFETIME|ALGORITHM|ALGO|LENGTH|LIMIT|TABLE|BUCKET|GROUP)$", re.I
)
"""Names of numbers, of resources and the like, whatever else is in them: TOKEN_EXPIRE_MINUTES, USERS_TABLE, USER_GROUP."""
_ADDRESS_NAME = re.compile(r"URL|URI|HOST|SERVER|ADDR|DOMAIN|ORIGIN|BROKER|ENDPOINT", re.I)
_PLACEHOLDER = re.compile(
    r"your|placeholder|example|xxx|\.\.\.|[<>{}]|secret|password|lorem|\bfoo|\bnone\b|\bnull\b|\bhere\b|(?<![a-z])my[-_]"
    r"|(?<![a-z])(?:(?:change|replace|insert|enter|fill)(?:me|this|it|in|with|your)?|dummy|fake|todo|tbd)(?![a-z])",
    re.I,
)
_DEVELOPMENT = re.compile(r"dev|debug|local|test|127\.0\.0\.1|0\.0\.0\.0|::1|host\.docker", re.I)
_RESOURCE_NAME = re.compile(r"(?:TABLE|BUCKET|QUEUE|TOPIC)(?:_NAME)?$")
_EXAMPLE = re.compile(r"example", re.I)
"""In the name of a resource that another tool makes, no placeholder: "dev-Example" is the table."""
_OWN_PATH = re.compile(r"(?:/(?!tmp\b|dev/)|[A-Za-z]:\\|~|file:)")
_OWN_DATABASE = re.compile(r"sqlite[a-z+]*:///(?!/)\S+")
_SECRET_ADDRESS = re.compile(r"hook|[?&](?:sig\w*|code|\w*token|\w*key)=", re.I)
"""Anyone who has one can use it: https://hooks.slack.com/services/T0/B0/x."""
_PUBLIC_ADDRESS = re.compile(r"\*|(?:https://)?(?:[a-z0-9-]+\.)+[a-z]{2,}(?:[:/][^@]*)?", re.I)


def is_harmless(name: str, value: str, *, deployed: bool = False) -> bool:
    """Return whether the value of a variable is one that a stranger would keep in production.

    A `deployed` value is what another tool sets on Lambda: "dev" in it is the name of a stage.
    """
    if _OWN_DATABASE.fullmatch(value):
        return True
    text = _EXAMPLE.sub("", value) if deployed and _RESOURCE_NAME.search(name) else value
    if not value or is_placeholder(text) or _OWN_PATH.match(value) or "@" in value or _SECRET_ADDRESS.search(value):
        return False
    if _DEVELOPMENT.search(value) and not deployed:
        return False
    if _SECRET_NAME.search(name) and not _PLAIN_NAME.search(name):
        return False
    is_address = "://" in value or _ADDRESS_NAME.search(name) is not None
    return not is_address or _PUBLIC_ADDRESS.fullmatch(value) is not None


def is_placeholder(value: str) -> bool:
    """Return whether a value in an example file stands for one that each user fills in."""
    return _PLACEHOLDER.search(value) is not None

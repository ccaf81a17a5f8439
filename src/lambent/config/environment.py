"""The function's environment variables: read from K=V, checked against Lambda's rules before anything is built. Pure.

Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from lambent.errors import UsageError
from lambent.limits import ENV_MAX, RESERVED_ENVIRONMENT


def from_flags(words: Sequence[str]) -> dict[str, str]:
    """`--env K=V` as often as it was given; the last of a key wins. Raises UsageError for a word without "="."""
    pairs: dict[str, str] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals:
            raise UsageError(f"an environment variable without a value: {word}", where="--env", hint=f"--env {key}=value")
        pairs[key] = value
    return pairs


def from_table(table: Any, where: str) -> dict[str, str]:
    """`[tool.lambent] env`. Numbers and booleans are written as TOML writes them. Raises UsageError for anything deeper."""
    if not isinstance(table, Mapping):
        raise UsageError("env must be a table", where=where, hint='env = { KEY = "value" }')
    pairs: dict[str, str] = {}
    for key, value in table.items():
        if not isinstance(value, str | int | float):
            raise UsageError(f"env.{key} must be text, got {value!r}", where=f"{where}.{key}", hint=f'{key} = "value"')
        pairs[key] = str(value).lower() if isinstance(value, bool) else str(value)
    return pairs


def check(pairs: Mapping[str, str], where: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """The variables, sorted. `where` says for each key who asked for it. Raises UsageError for what Lambda would refuse."""
    for key in pairs:
        if key in RESERVED_ENVIRONMENT:
            raise UsageError(f"Lambda reserves the environment variable {key}", where=where[key], hint=f"use MY_{key}")
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]+", key):
            raise UsageError(
                f"not a name for an environment variable: {key!r}",
                where=where[key],
                hint="two or more letters, digits and _, a letter first",
            )
    size = len(json.dumps(dict(pairs), ensure_ascii=False, separators=(",", ":")).encode())
    if size > ENV_MAX:
        largest = max(pairs, key=lambda key: len(pairs[key]))
        raise UsageError(
            f"the environment variables take {size} bytes, and Lambda takes {ENV_MAX}",
            where=where[largest],
            hint=f"put {largest} ({len(pairs[largest].encode())} bytes) into a file of the project",
        )
    return tuple(sorted(pairs.items()))

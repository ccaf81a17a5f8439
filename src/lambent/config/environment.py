"""The function's environment variables: read from K=V, checked against Lambda's rules before anything is built.

Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

from lambent.config.secret_references import parse_reference
from lambent.errors import UsageError
from lambent.limits import ENV_MAX, RESERVED_ENVIRONMENT

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]+")


def from_flags(words: Sequence[str]) -> dict[str, str]:
    """`--env K=V` as often as it was given; the last of a key wins. Raises UsageError for a word without "="."""
    pairs: dict[str, str] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals:
            shown = word if _NAME.fullmatch(word) else "KEY"  # anything else may be a secret whose name was forgotten
            raise UsageError(f"an environment variable without a value: {shown}", where="--env", hint=f"--env {shown}=value")
        pairs[key] = value
    return pairs


def from_table(table: Any, where: str) -> tuple[dict[str, str], dict[str, str]]:
    """`[tool.lambent] env`: the plain values, and the references to secrets. Numbers and booleans are written as TOML does.

    Raises UsageError for anything else.
    """
    if not isinstance(table, Mapping):
        raise UsageError("env must be a table", where=where, hint='env = { KEY = "value" }')
    pairs: dict[str, str] = {}
    secrets: dict[str, str] = {}
    for key, value in table.items():
        if isinstance(value, Mapping):
            secrets[key] = parse_reference(key, value, where)
        elif isinstance(value, str | int | float):
            pairs[key] = str(value).lower() if isinstance(value, bool) else str(value)
        else:
            raise UsageError(f"env.{key} must be text, got {value!r}", where=f"{where}.{key}", hint=f'{key} = "value"')
    return pairs, secrets


def from_file(path: Path, origin: str) -> dict[str, str]:
    """A .env file: KEY=value, with quotes and comments as shells have them; nothing in it is expanded.

    Raises UsageError for a file that cannot be read, or a line without a value.
    """
    try:
        text = path.read_text("utf-8-sig")  # editors on Windows put a mark before the first line
    except (OSError, UnicodeDecodeError) as error:
        what = f"cannot read {path.name}: {getattr(error, 'strerror', None) or 'not UTF-8'}"
        raise UsageError(what, where=origin, hint="give a file of lines such as KEY=value") from error
    from dotenv.parser import parse_stream  # brings logging with it, and few commands are given a file

    pairs: dict[str, str] = {}
    for line in parse_stream(StringIO(text)):
        where = f"{path}:{line.original.line}"
        if line.error:  # not shown: it may be a secret
            raise UsageError(f"line {line.original.line} of {path.name} is not KEY=value", where=where, hint="KEY='value'")
        if line.key is not None:
            if line.value is None:
                raise UsageError(f"a variable without a value: {line.key}", where=where, hint=f"{line.key}=value")
            pairs[line.key] = line.value
    return pairs


def check(pairs: Mapping[str, str], where: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """The variables, sorted. `where` says for each key who asked for it. Raises UsageError for what Lambda would refuse."""
    for key in pairs:
        if key in RESERVED_ENVIRONMENT:
            raise UsageError(f"Lambda reserves the environment variable {key}", where=where[key], hint=f"use MY_{key}")
        if not _NAME.fullmatch(key):
            raise UsageError(
                f"not a name for an environment variable: {key!r}",
                where=where[key],
                hint="two or more letters, digits and _, a letter first",
            )
    for key, value in pairs.items():
        if not _is_text(value):
            raise UsageError(f"the value of {key} is not UTF-8", where=where[key], hint="environment variables are texts")
    size = len(json.dumps(dict(pairs), ensure_ascii=False, separators=(",", ":")).encode())
    if size > ENV_MAX:
        largest = max(pairs, key=lambda key: len(pairs[key]))
        raise UsageError(
            f"the environment variables take {size} bytes, and Lambda takes {ENV_MAX}",
            where=where[largest],
            hint=f"put {largest} ({len(pairs[largest].encode())} bytes) into a file of the project",
        )
    return tuple(sorted(pairs.items()))


def _is_text(value: str) -> bool:
    """Whether it can be sent: bytes on the command line that are no UTF-8 arrive as lone surrogates."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True

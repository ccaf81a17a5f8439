"""Reads JSON that came from outside, which may be anything."""

from __future__ import annotations

import json
import re
from typing import Any

_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def loads(text: bytes | str) -> Any:
    """Parse JSON. Raises ValueError for what isn't JSON, for NaN and Infinity, and for what is nested too deeply."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def loads_text(text: bytes) -> Any:
    """Parse JSON whose strings are real text. Raises ValueError as `loads`, and for half of a surrogate pair."""
    document = loads(text)
    if _SURROGATE.search(text):
        try:
            json.dumps(document, ensure_ascii=False).encode()
        except (UnicodeEncodeError, RecursionError):
            raise ValueError("a string contains half of a surrogate pair") from None
    return document


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")

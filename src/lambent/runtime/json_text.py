"""JSON without `import json`, which adds 10 ms to the start of a process that may never need it (it imports `re`).

`_json` is the C module that `json` is built on. Pythons without it use `json`.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

try:
    from _json import encode_basestring as quote
    from _json import make_scanner
except ImportError:  # not CPython
    from json.encoder import py_encode_basestring as quote  # type: ignore[attr-defined,no-redef,unused-ignore]

    make_scanner = None  # type: ignore[assignment,misc,unused-ignore]

__all__ = ["dump", "parse", "quote"]


class _Rules:
    """The settings that json.JSONDecoder passes to the scanner, at their defaults."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    memo: dict[str, str]

    @staticmethod
    def parse_constant(name: str) -> float:
        return float(name.replace("Infinity", "inf"))


_scan = make_scanner(_Rules()) if make_scanner else None  # type: ignore[arg-type,truthy-function,unused-ignore]


def parse(data: bytes) -> Any:
    """Parse JSON (UTF-8). Raise ValueError with json's own message."""
    text = str(data, "utf-8")
    if _scan is not None:
        stripped = text.strip(" \t\n\r")
        try:
            value, end = _scan(stripped, 0)
        except (StopIteration, ValueError):
            end = -1
        if end == len(stripped):
            return value
    import json

    return json.loads(text)


def dump(value: Any) -> bytes:
    """Encode any value as JSON (UTF-8), unknown objects as their str."""
    import json

    return json.dumps(value, ensure_ascii=False, default=str).encode("utf-8", "backslashreplace")

"""Names of files and words of other programs as they may be shown: a terminal obeys control characters. Pure."""

from __future__ import annotations

_CONTROL = {code: repr(chr(code))[1:-1] for code in (*range(10), *range(11, 32), *range(127, 160))}


def printable(text: str) -> str:
    """The text with control characters as Python writes them ("\\x1b"); line breaks stay."""
    return text.translate(_CONTROL)


def in_one_line(text: str) -> str:
    """The same, with line breaks written out as well."""
    return printable(text).replace("\n", "\\n")

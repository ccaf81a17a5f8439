"""Text from files and other programs, made safe to print: a terminal obeys control characters. Pure."""

from __future__ import annotations

_DIRECTIONS = (0x061C, 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A))
"""They make a line look like another one: marks and overrides of the direction of writing, and two line breaks."""
_CONTROL = {code: repr(chr(code))[1:-1] for code in (*range(10), *range(11, 32), *range(127, 160), *_DIRECTIONS)}


def sanitize(text: str) -> str:
    """Return the text with control characters escaped as Python writes them ("\\x1b"). Line breaks stay."""
    return text.translate(_CONTROL)


def sanitize_line(text: str) -> str:
    """Return the text with control characters and line breaks escaped."""
    return sanitize(text).replace("\n", "\\n")

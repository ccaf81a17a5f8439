"""What takes the room in a zip, as people read it. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Set

_ROWS = 12


def megabytes(size: int) -> str:
    """Bytes as "12.3 MB" (of 1024 x 1024 bytes, as AWS counts)."""
    return f"{size / 1024 / 1024:.1f} MB"


def table(sizes: Mapping[str, int], own: Set[str]) -> str:
    """The largest parts, one a line: dependencies by their top folder, the user's own files one by one."""
    parts: Counter[str] = Counter()
    for name, size in sizes.items():
        parts[name if name in own else name.split("/", 1)[0]] += size
    rows = [f"{megabytes(size):>10}  {name}" for name, size in parts.most_common(_ROWS)]
    rest = sum(parts.values()) - sum(size for _, size in parts.most_common(_ROWS))
    if rest:
        rows.append(f"{megabytes(rest):>10}  the other {len(parts) - _ROWS}")
    return "\n".join(rows)

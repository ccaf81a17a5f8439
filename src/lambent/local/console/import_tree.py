"""What `python -X importtime` prints, as a tree. Pure.

Each line is "import time: self [us] | cumulative | imported package", indented by two spaces for each module that is importing
this one. A module's line comes after the lines of what it imports.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

_LINE = re.compile(r"import time:\s*(\d+) \|\s*(\d+) \|( *)(\S.*)")
_DEPTH_MAX = 200
_SHARE_MIN = 0.0005
"""Of the whole time. Shorter imports of a module are left out: they would be too thin to see."""


def parse_import_times(lines: Iterable[str]) -> dict[str, Any]:
    """Return the imports as a JSON object: name, its own time and the time with its imports in microseconds, and children."""
    pending: dict[int, list[dict[str, Any]]] = {}
    modules = 0
    for line in lines:
        match = _LINE.search(line)
        if match is None:
            continue
        modules += 1
        depth = min((len(match[3]) - 1) // 2, _DEPTH_MAX)
        children = pending.pop(depth + 1, [])
        for deeper in [key for key in pending if key > depth]:
            children += pending.pop(deeper)
        node = {"name": match[4].strip(), "self_us": int(match[1]), "total_us": int(match[2]), "children": children}
        pending.setdefault(depth, []).append(node)
    roots = [node for depth in sorted(pending) for node in pending[depth]]
    total = sum(node["total_us"] for node in roots)
    shown = [_prune(node, total * _SHARE_MIN) for node in roots if node["total_us"] >= total * _SHARE_MIN]
    return {"name": "all imports", "self_us": 0, "total_us": total, "modules": modules, "children": shown}


def _prune(node: dict[str, Any], shortest_us: float) -> dict[str, Any]:
    children = [_prune(child, shortest_us) for child in node["children"] if child["total_us"] >= shortest_us]
    return {**node, "children": children}

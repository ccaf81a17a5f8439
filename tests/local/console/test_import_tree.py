"""What -X importtime prints, as a tree: compared with a real Python's."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from lambent.local.console.import_tree import parse_import_times

LINES = """\
import time: self [us] | cumulative | imported package
import time:      1000 |       1000 |   deep
some output of the app
import time:      2000 |       3000 | outer
import time:       500 |        500 |     c
import time:       400 |        900 |   b
import time:       100 |       1000 | a
"""


def test_modules_are_below_what_imports_them() -> None:
    tree = parse_import_times(LINES.splitlines())
    assert (tree["total_us"], tree["modules"]) == (4000, 5)
    assert [node["name"] for node in tree["children"]] == ["outer", "a"]
    outer, a = tree["children"]
    assert outer["children"] == [{"name": "deep", "self_us": 1000, "total_us": 1000, "children": []}]
    assert [node["name"] for node in a["children"]] == ["b"] and a["children"][0]["children"][0]["name"] == "c"


def test_hostile_lines_give_a_tree() -> None:
    lines = [f"import time: 1 | 1 | {' ' * depth}x" for depth in (0, 5000, 3, 900, 1)]
    assert parse_import_times([*lines, "import time: 9 | 9 |"])["modules"] == 5
    assert parse_import_times([])["children"] == []


def test_real_python() -> None:
    run = subprocess.run(
        [sys.executable, "-S", "-X", "importtime", "-c", "import email.message"], capture_output=True, text=True
    )
    names = list(walk(parse_import_times(run.stderr.splitlines())))
    assert ("email.message", "email._policybase") in names or ("email.message", "email.utils") in names


def walk(node: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for child in node["children"]:
        yield node["name"], child["name"]
        yield from walk(child)

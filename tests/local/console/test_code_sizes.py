"""The sizes of a zip as a tree."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

from lambent.local.console.code_sizes import read_sizes


def by_name(node: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {child["name"]: child for child in node["children"]}


def test_folders_have_the_size_of_their_files(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "code.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("app.py", "x" * 1000)
        archive.writestr("package/", "")
        archive.writestr("package/a.py", "x" * 5000)
        archive.writestr("package/inner/b.py", "x" * 3000)
    tree = read_sizes(tmp_path / "code.zip")
    assert (tree["unpacked"], tree["files"]) == (9000, 3) and 0 < tree["zipped"] < 9000
    package = by_name(tree)["package"]
    assert (package["unpacked"], package["files"]) == (8000, 2)
    assert by_name(by_name(package)["inner"])["b.py"]["unpacked"] == 3000
    assert [child["name"] for child in tree["children"]] == ["package", "app.py"]


def test_very_small_files_are_one_part(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "code.zip", "w") as archive:
        archive.writestr("large.so", b"x" * 4_000_000)
        for number in range(300):
            archive.writestr(f"package/{number}.py", b"y" * 100)
    package = by_name(read_sizes(tmp_path / "code.zip"))["package"]
    assert package["files"] == 300 and "children" not in package

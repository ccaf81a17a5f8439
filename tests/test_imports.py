"""Who may import whom (docs/explanation/architecture.md), and how large a file may grow."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from support.paths import SOURCE

FREE = {"atomic", "errors", "events", "limits", "calendar", "interpreters", "lazy", "module_packages", "units", "__init__"}

MAY_IMPORT = {
    **{free: set() for free in FREE},
    "names": FREE,
    "config": FREE | {"names"},
    "aws": FREE,
    "runtime": set(),
    "package": FREE | {"config"},
    "deploy": FREE | {"config", "names", "aws", "package.artifact"},
    "local": FREE | {"names"},
    "ui": FREE,
    "cli": FREE | {"names", "config", "aws", "package", "deploy", "local", "ui"},
    "__main__": {"cli"},
}
"""Part of lambent -> the parts it may import beside itself. This is the table of the architecture page."""

STARTS_PROCESSES = ("package/", "local/sandbox/", "local/daemon.py", "runtime/")
READS_ENVIRONMENT = ("config/load.py", "ui/style.py", "cli/", "runtime/", "local/sandbox/aws_bootstrap.py")

FILES = sorted(SOURCE.rglob("*.py"))


def part(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def ours(path: Path) -> set[str]:
    """The dotted names below `lambent` that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name.split(".")[0] == "lambent"}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            if node.module == "lambent":
                found |= {f"lambent.{alias.name}" for alias in node.names}
            elif node.module.startswith("lambent."):
                found.add(node.module)
    return {name.removeprefix("lambent").removeprefix(".") or "__init__" for name in found}


def allowed(importer: str, imported: str) -> bool:
    top = imported.split(".")[0]
    if top == importer or imported == "__version__":
        return True
    return any(imported == may or imported.startswith(f"{may}.") or top == may for may in MAY_IMPORT[importer])


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_follow_the_table(path: Path) -> None:
    wrong = {name for name in ours(path) if not allowed(part(path), name)}
    assert not wrong, f"{part(path)} may not import {sorted(wrong)}"


@pytest.mark.parametrize("path", [file for file in FILES if part(file) == "runtime"], ids=lambda path: path.name)
def test_what_ships_in_the_zip_is_standard_library_only(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module or ""]
        for name in names:
            assert name.split(".")[0] in sys.stdlib_module_names, f"{path.name} imports {name}"


@pytest.mark.parametrize(
    ("attributes", "places"),
    [
        ({("os", "environ"), ("os", "getenv")}, READS_ENVIRONMENT),
        (
            {("subprocess", "run"), ("subprocess", "Popen"), ("asyncio", "create_subprocess_exec"), ("os", "fork")},
            STARTS_PROCESSES,
        ),
        ({("sys", "exit")}, ("cli/main.py", "runtime/", "local/sandbox/namespace_init.py")),
    ],
    ids=["environment", "processes", "exit"],
)
def test_only_the_named_places(attributes: set[tuple[str, str]], places: tuple[str, ...]) -> None:
    for path in FILES:
        where = str(path.relative_to(SOURCE))
        if where.startswith(places):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                assert (node.value.id, node.attr) not in attributes, f"{where}:{node.lineno} uses {node.value.id}.{node.attr}"


def test_no_file_grows_into_the_one_that_knows_everything() -> None:
    long = {str(path.relative_to(SOURCE)): len(path.read_text().splitlines()) for path in FILES}
    assert not {name: count for name, count in long.items() if count > 450}

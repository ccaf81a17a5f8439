"""Who may import whom (docs/explanation/architecture.md), and how the source is laid out."""

from __future__ import annotations

import ast
import functools
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.paths import SOURCE

SHARED = {
    "atomic",
    "errors",
    "events",
    "limits",
    "log_events",
    "status_events",
    "loopback",
    "systems",
    "tracebacks",
    "calendar",
    "interpreters",
    "lazy",
    "elf",
    "lambda_libraries",
    "python_symbols",
    "missing_packages",
    "module_packages",
    "private_folder",
    "removed_modules",
    "units",
    "__init__",
}

MAY_IMPORT = {
    **{module: set() for module in SHARED},
    "elf": {"python_symbols"},
    "lambda_libraries": {"calendar"},
    "missing_packages": {"module_packages"},
    "interpreters": {"systems"},
    "private_folder": {"systems"},
    "log_events": {"events"},
    "status_events": {"events"},
    "names": SHARED,
    "config": SHARED | {"names"},
    "aws": SHARED,
    "runtime": set(),
    "package": SHARED | {"config"},
    "deployment": SHARED | {"config", "names", "aws", "package.artifact"},
    "local": SHARED | {"names"},
    "dev": SHARED | {"package.layout", "local"},
    "ui": SHARED,
    "library": SHARED | {"names", "config", "aws", "package", "deployment", "local"},
    "datasette_plugin": SHARED | {"cli"},
    "pytest_plugin": SHARED | {"ui"},
    "cli": SHARED | {"names", "config", "aws", "package", "deployment", "local", "library", "dev", "ui"},
    "__main__": {"cli"},
}
"""Part of lambent -> the other parts that it may import: the table of the architecture page."""

STARTS_PROCESSES = ("package/", "local/sandbox/", "local/spawn.py", "cli/curl.py", "runtime/")
READS_ENVIRONMENT = (
    *("config/load.py", "ui/style.py", "library/", "cli/", "runtime/", "local/sandbox/aws_bootstrap.py"),
    *("package/django_inspection.py", "package/table_ways.py"),  # programs of their own
)
LINES_MAX = 450

FILES = sorted(SOURCE.rglob("*.py"))


@functools.cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def module_name(path: Path) -> str:
    """The dotted name below `lambent`, "" for the package itself."""
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in FILES}


def part(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


@functools.cache
def imported(path: Path) -> frozenset[str]:
    """The modules below `lambent` that a file imports when it runs: absolute, relative and lazy imports, in functions too."""
    package = module_name(path) if path.name == "__init__.py" else module_name(path).rpartition(".")[0]
    return frozenset(name for node in running(parsed(path)) for name in targets(node, package) if name is not None)


def running(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes, except those that only a type checker reads."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == "TYPE_CHECKING":
            for alternative in child.orelse:
                yield alternative
                yield from running(alternative)
            continue
        yield child
        yield from running(child)


def targets(node: ast.AST, package: str) -> Iterator[str | None]:
    if isinstance(node, ast.Import):
        yield from (below(alias.name) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        if node.level:
            parts = package.split(".") if package else []
            base: str | None = ".".join(
                [*parts[: len(parts) - node.level + 1], *(node.module.split(".") if node.module else [])]
            )
        else:
            base = below(node.module or "")
        if base is not None:
            for alias in node.names:
                name = f"{base}.{alias.name}".removeprefix(".")
                yield name if name in MODULES else base
    elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "LazyModule":
        yield from (below(ast.literal_eval(argument)) for argument in node.args if isinstance(argument, ast.Constant))


def below(name: str) -> str | None:
    """The name without `lambent.`, or None for a module of others."""
    return name.removeprefix("lambent").removeprefix(".") if name.split(".")[0] == "lambent" else None


def is_allowed(importer: str, name: str) -> bool:
    top = name.split(".")[0] or "__init__"
    return top == importer or any(
        name == other or name.startswith(f"{other}.") or top == other for other in MAY_IMPORT[importer]
    )


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_follow_the_table(path: Path) -> None:
    forbidden = {name for name in imported(path) if not is_allowed(part(path), name)}
    assert not forbidden, f"{part(path)} may not import {sorted(forbidden)}"


def test_imports_have_no_cycles() -> None:
    graph = {name: imported(path) & MODULES.keys() - {name} for name, path in MODULES.items() if path.name != "__init__.py"}
    finished: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " -> ".join((*trail[trail.index(name) :], name))
        if name not in finished:
            for other in sorted(graph.get(name, ())):
                visit(other, (*trail, name))
            finished.add(name)

    for name in sorted(graph):
        visit(name, ())


@pytest.mark.parametrize("path", [file for file in FILES if part(file) == "runtime"], ids=lambda path: path.name)
def test_what_ships_in_the_zip_is_standard_library_only(path: Path) -> None:
    for node in ast.walk(parsed(path)):
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
def test_only_named_modules_touch_the_process(attributes: set[tuple[str, str]], places: tuple[str, ...]) -> None:
    for path in FILES:
        name = str(path.relative_to(SOURCE))
        if name.startswith(places):
            continue
        used = attributes & attributes_of_names(path)
        assert not used, f"{name} uses {used}"


@functools.cache
def attributes_of_names(path: Path) -> frozenset[tuple[str, str]]:
    """Return every "name.attribute" of a file, as pairs."""
    attributes = (node for node in ast.walk(parsed(path)) if isinstance(node, ast.Attribute))
    return frozenset((node.value.id, node.attr) for node in attributes if isinstance(node.value, ast.Name))


def test_file_names_are_unique_within_a_part() -> None:
    names: dict[tuple[str, str], list[str]] = {}
    for path in FILES:
        if path.name not in ("__init__.py", "__main__.py"):
            names.setdefault((part(path), path.name), []).append(str(path.relative_to(SOURCE)))
    assert not [paths for paths in names.values() if len(paths) > 1]


def test_files_stay_short() -> None:
    lengths = {str(path.relative_to(SOURCE)): len(path.read_text().splitlines()) for path in FILES}
    assert not {name: count for name, count in lengths.items() if count > LINES_MAX}

"""Settings of a Django project that its text shows, for a project whose settings can't be executed here. Pure."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from lambent.package.layout import SourceFile

_HOST = "lambent-check.lambda-url.us-east-1.on.aws"
_DEPTH_MAX = 5


def read_literals(module: str, files: Mapping[str, SourceFile]) -> dict[str, Any]:
    """Return what a run of the settings would report of DEBUG and ALLOWED_HOSTS, as far as they are literals.

    `module` is that of the settings, and `files` are those of the zip by their path.
    """
    values = _assigned(module, files)
    debug, hosts = values.get("DEBUG", False), values.get("ALLOWED_HOSTS")
    names = [str(host) for host in hosts] if isinstance(hosts, list | tuple) else []
    return {
        "debug": debug is True,
        "hosts": names,
        "allows": hosts is None or any(_allows(name) for name in names),
        "settings": f"{module.replace('.', '/')}.py",
        "unmigrated": [],
    }


def _assigned(module: str, files: Mapping[str, SourceFile], depth: int = 0) -> dict[str, Any]:
    """Return the names that a module sets to literals, those of its star imports included. None for other values."""
    path = module.replace(".", "/")
    name = next((name for name in (f"{path}.py", f"{path}/__init__.py") if name in files), "")
    if not name or depth > _DEPTH_MAX:
        return {}
    package = module if name.endswith("__init__.py") else module.rpartition(".")[0]
    values: dict[str, Any] = {}
    try:
        tree = ast.parse(files[name].read())
    except (SyntaxError, ValueError):
        return {}
    for node in tree.body:
        match node:
            case ast.ImportFrom(names=[ast.alias(name="*")]):
                values |= _assigned(_absolute(node, package), files, depth + 1)
            case ast.Assign(targets=[ast.Name(id=target)], value=value):
                values[target] = _literal(value)
    return values


def _absolute(node: ast.ImportFrom, package: str) -> str:
    parts = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
    return ".".join([*parts, *([node.module] if node.module else [])])


def _literal(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError):
        return None


def _allows(pattern: str) -> bool:
    return pattern in ("*", _HOST) or (pattern.startswith(".") and _HOST.endswith(pattern))

"""Explains a failure by an import that may fail (`try: import redis` …), and whose package the app then needs after all."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator

from lambent.config.model import Config
from lambent.errors import LambentError
from lambent.module_packages import adding, requirement_for
from lambent.package.artifact import Artifact
from lambent.package.proof import lambda_system

_UNDEFINED = re.compile(r"NameError: name '(\w+)' is not defined|'NoneType' object (?:has no attribute '(\w+)|is not)")
_FRAME = re.compile(r'^\s*File "(?:/var/task/|/tmp/app/)?([^"\n]+\.py)", line (\d+)', re.MULTILINE)


def explain(error: LambentError, config: Config, artifact: Artifact) -> None:
    """Name the package of the import, if the exception arises in an own file, in a line with what the import would define."""
    text = f"{error.what}\n{error.detail}"
    undefined, frames = _UNDEFINED.search(text), _FRAME.findall(text)
    if not undefined or not frames:
        return
    name, line = frames[-1][0], int(frames[-1][1])
    path = config.folder / name
    try:
        source = path.read_text("utf-8")
        modules = dict(_guarded(ast.parse(source)))
    except (OSError, ValueError, SyntaxError):
        return
    used = rf"\b(\w+)\s*\.\s*{undefined[2]}\b" if undefined[2] else r"\w+"
    words = [undefined[1]] if undefined[1] else re.findall(used, "".join(source.splitlines()[line - 1 : line]))
    packed = {entry.name.partition("/")[0].removesuffix(".py") for entry in artifact.entries}
    module = next((modules[word] for word in words if word in modules), "")
    top = module.partition(".")[0]
    if module and top not in packed | sys.stdlib_module_names | lambda_system.MODULES:
        error.what = f"the app needs the module {module}, which it imports only if it is there ({name}, line {line})"
        error.hint = adding(artifact.add_command, requirement_for(module))


def _guarded(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield what the imports in `try` statements define, each with its module, if no other import replaces one that fails."""
    for guard in (node for node in ast.walk(tree) if isinstance(node, ast.Try) and any(map(_catches_imports, node.handlers))):
        substitutes = {name for handler in guard.handlers for name, _ in _imported(handler.body)}
        yield from ((name, module) for name, module in _imported(guard.body) if name not in substitutes)


def _imported(statements: list[ast.stmt]) -> Iterator[tuple[str, str]]:
    """Yield what imports define, each with its module."""
    for statement in statements:
        if isinstance(statement, ast.Import):
            yield from ((each.asname or each.name.partition(".")[0], each.name) for each in statement.names)
        elif isinstance(statement, ast.ImportFrom) and statement.module and not statement.level:
            yield from ((each.asname or each.name, statement.module) for each in statement.names)


def _catches_imports(handler: ast.ExceptHandler) -> bool:
    return (
        handler.type is None or re.search(r"ImportError|ModuleNotFoundError|\bException", ast.unparse(handler.type)) is not None
    )

"""The folders that a file adds to `sys.path`, evaluated from its text."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from os.path import normpath
from pathlib import Path, PurePath

from lambent.config.detection.project_text import read_text

_SIGN = re.compile(r"\bsys\.path\b|\baddsitedir\b")
_SAME = ("abspath", "realpath", "normpath", "fspath", "expanduser", "resolve", "absolute", "as_posix", "__str__")
_JOIN = ("join", "joinpath", "Path", "PurePath", "str")
_DEPTH_MAX = 12


def read_added_folders(file: Path, start: Path) -> list[Path]:
    """Return the folders that a file adds to `sys.path` when it runs in the folder `start`, absolute, in their order."""
    text = read_text(file)
    if not _SIGN.search(text):
        return []
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return []
    values = {
        target.id: node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    paths = (_evaluate(node, file, values) for node in _additions(tree))
    return list(dict.fromkeys(Path(normpath(start / path)) for path in paths if path is not None))


def _additions(tree: ast.Module) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(attr="insert"), args=[_, added]) if ast.unparse(node.func) == "sys.path.insert":
                yield added
            case ast.Call(args=[added]) if ast.unparse(node.func) in ("sys.path.append", "site.addsitedir", "addsitedir"):
                yield added
            case ast.Call(args=[ast.List(elts=added) | ast.Tuple(elts=added)]) if ast.unparse(node.func) == "sys.path.extend":
                yield from added


def _evaluate(node: ast.expr, file: Path, values: Mapping[str, ast.expr], depth: int = 0) -> PurePath | None:
    """Return the path that an expression makes, None if reading can't tell."""

    def inner(part: ast.expr) -> PurePath | None:
        return _evaluate(part, file, values, depth + 1)

    match node:
        case _ if depth > _DEPTH_MAX:
            return None
        case ast.Constant(value=str(text)):
            return PurePath(text)
        case ast.Name(id="__file__"):
            return file
        case ast.Name(id=name):
            return inner(values[name]) if name in values else None
        case ast.Attribute(attr="parent", value=base):
            return _up(inner(base), 1)
        case ast.Attribute(attr="pardir" | "curdir" as name):
            return PurePath(".." if name == "pardir" else ".")
        case ast.Subscript(value=ast.Attribute(attr="parents", value=base), slice=ast.Constant(value=int(count))):
            return _up(inner(base), count + 1)
        case ast.BinOp(left=left, op=ast.Div(), right=right):
            return _join([inner(left), inner(right)])
        case ast.BinOp(left=left, op=ast.Add(), right=ast.Constant(value=str(text))):
            path = inner(left)
            return PurePath(f"{path}{text}") if path is not None else None
        case ast.Call():
            return _call(
                node, inner(node.func.value) if isinstance(node.func, ast.Attribute) else None, list(map(inner, node.args))
            )
    return None


def _call(node: ast.Call, base: PurePath | None, arguments: list[PurePath | None]) -> PurePath | None:
    """Return the path that a call makes. `base` is the path whose method it calls, None for a function."""
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    parts = [base, *arguments] if base is not None else arguments
    if name in ("getcwd", "cwd"):
        return PurePath()
    if name == "dirname":
        return _up(_join(parts), 1)
    return _join(parts) if name in _SAME or name in _JOIN else None


def _join(parts: list[PurePath | None]) -> PurePath | None:
    known = [part for part in parts if part is not None]
    return PurePath(*known) if known and len(known) == len(parts) else None


def _up(path: PurePath | None, count: int) -> PurePath | None:
    """Return a folder above. `..` in the path is resolved first, as `abspath` and `resolve` do."""
    for _ in range(count if path is not None else 0):
        path = PurePath(normpath(path or "")).parent
    return path

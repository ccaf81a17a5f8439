"""Where a project sets Flask's SERVER_NAME. Before Flask 3.1 an app with one answers 404 to every other host."""

from __future__ import annotations

import ast
from collections.abc import Iterator

_SETTING = "SERVER_NAME"


def server_name_at(text: str) -> int:
    """Return the line where a module sets SERVER_NAME to a host, 0 if none does."""
    try:
        tree = ast.parse(text if _SETTING in text else "")
    except (SyntaxError, ValueError):
        return 0
    return min(_lines(tree), default=0)


def _lines(tree: ast.Module) -> Iterator[int]:
    """Yield the lines that set it: in a class or module, a dictionary, a subscript or a keyword."""
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=targets, value=value):
                is_set = any(_is_setting(target) for target in targets)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                is_set = _is_setting(target)
            case ast.keyword(arg=name, value=value):
                is_set = name == _SETTING
            case ast.Dict(keys=keys, values=values):
                yield from (value.lineno for key, value in zip(keys, values, strict=True) if _is_key(key) and _is_host(value))
                continue
            case _:
                continue
        if is_set and _is_host(value):
            yield node.lineno


def _is_setting(target: ast.expr) -> bool:
    match target:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name == _SETTING
        case ast.Subscript(slice=key):
            return _is_key(key)
    return False


def _is_key(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value == _SETTING


def _is_host(value: ast.expr) -> bool:
    """Return whether a value is a host name also where no variable of the environment has one."""
    match value:
        case ast.Constant(value=str(text)):
            return bool(text)
        case ast.BoolOp(values=[*_, last]) | ast.Call(args=[_, last]):
            return _is_host(last)
    return isinstance(value, ast.JoinedStr)

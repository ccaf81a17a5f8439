"""Flask apps that answer 404 to every host but their `SERVER_NAME`: releases before Flask 3.1 do."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from packaging.version import Version

from lambent.config.model import Config
from lambent.package.artifact import Artifact

_SETTING = "SERVER_NAME"
_ANY_HOST = Version("3.1")  # https://flask.palletsprojects.com/en/stable/changes/#version-3-1-0, pull request 5553


def fixed_host(config: Config, artifact: Artifact) -> str:
    """Return the edit that makes a Flask app answer under any host name, with the lines that name one. "" if none does."""
    flask = artifact.owners.get("flask/__init__.py", "").rpartition(" ")[2]
    if not flask or Version(flask) >= _ANY_HOST:
        return ""
    names = (entry.name for entry in artifact.entries if entry.name.endswith(".py") and entry.name not in artifact.owners)
    files = ((name, config.path / name) for name in sorted(names))
    places = [_place(name, lines) for name, file in files if file.is_file() and (lines := sorted(set(_lines(file))))]
    edit = f"remove {_SETTING} from {' and '.join(places)}"
    return f"{edit}: Flask {flask} answers 404 to all other hosts" if places else ""


def _place(name: str, lines: list[int]) -> str:
    return f"{name} (line{'s' if len(lines) > 1 else ''} {', '.join(map(str, lines))})"


def _lines(file: Path) -> Iterator[int]:
    """Yield the lines of a file that set SERVER_NAME: in a class or module, a dictionary, a subscript or a keyword."""
    text = file.read_text("utf-8-sig", "replace")
    try:
        tree = ast.parse(text if _SETTING in text else "")
    except (SyntaxError, ValueError):
        return
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

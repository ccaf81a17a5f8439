"""Explains a failure by the path of a SQLite database whose folder only its author's machine has: sqlite:////home/ann/shop.db."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from lambent.config.model import Config
from lambent.config.own_files import own_files
from lambent.errors import LambentError

_NO_FILE = "unable to open database file"
_ADDRESS = re.compile(r"(sqlite(?:\+\w+)?:////)(?!tmp/)(?:.*/)?([\w.-]+)")


def explain(error: LambentError, config: Config) -> None:
    """Name the address in an error of an app that can't open its database, and one that works."""
    if _NO_FILE not in f"{error.what}\n{error.detail}":
        return
    for path in own_files(config):
        text = path.read_text("utf-8-sig", "replace")
        for node, variable in _defaults(text) if "sqlite" in text else ():
            address = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
            if match := _ADDRESS.fullmatch(address):
                location = f"{path.relative_to(config.folder).as_posix()}:{node.lineno}"
                usable = f"{match[1]}tmp/{match[2]}"
                error.what = f"SQLite can't open {address} ({location}): Lambda doesn't have that folder"
                cure = f"--env {variable}={usable}" if variable else f"write {usable} in {location}"
                error.hint = f"{cure}, which isn't permanent; or use a database that lasts"
                return


def _defaults(text: str) -> Iterator[tuple[ast.expr, str]]:
    """Yield the expressions of a module, each with the environment variable that replaces it, "" if none does."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return
    variables: dict[ast.expr, str] = {}
    for node in ast.walk(tree):
        match node:
            case ast.ClassDef(bases=bases, body=body) if any("Settings" in ast.unparse(base) for base in bases):
                is_exact = "case_sensitive" in ast.unparse(node)
                variables |= {value: name if is_exact else name.upper() for name, value in _fields(body)}
            case ast.Call(args=[ast.Constant(value=str(name)), *others], keywords=words) if name.isupper():
                variables |= dict.fromkeys((*others, *(word.value for word in words)), name)
            case ast.expr():
                yield node, variables.get(node, "")


def _fields(body: list[ast.stmt]) -> Iterator[tuple[str, ast.expr]]:
    """Yield the name and the default of each field of pydantic's settings."""
    for statement in body:
        match statement:
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                yield name, value

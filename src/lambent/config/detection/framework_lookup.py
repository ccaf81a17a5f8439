"""What the tables of frameworks say about an import path, or about an object that holds an app."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lambent.config.detection import frameworks as fw
from lambent.config.detection import unsupported
from lambent.config.detection.scanned import Value


def held_app(holder: Value, attribute: str, *, called: bool) -> Value | None:
    """Return the app that an attribute of its holder is or, if `called`, returns. None when it is not the app."""
    if holder.holder is None:
        return None
    name, kind, call = fw.HOLDERS[holder.holder]
    return Value(kind) if (name, bool(call)) == (attribute, called) else None


def is_visible(value: Value) -> bool:
    """Return whether a value holds an app in an attribute. Else only the program that runs it serves one."""
    return value.holder is not None and fw.HOLDERS[value.holder][0] != ""


def held_attribute(name: str, holder: tuple[str, str]) -> str:
    """Return the app in an object that holds it: `app.server` for Dash, `ds.app()` for Datasette."""
    attribute, _, call = fw.HOLDERS[holder]
    return f"{name}.{attribute}{call}"


def from_framework(dotted: str) -> Value | None:
    """Return the result of calling an import path, or None when no table in `frameworks` has it."""
    if not dotted:
        return None
    for kind, table in (("handler", fw.HANDLERS), ("asgi", fw.ASGI), ("wsgi", fw.WSGI), ("web", fw.EITHER)):
        if find_key(dotted, table):
            return Value(kind)
    holder = find_key(dotted, fw.HOLDERS)
    if holder:
        return Value(holder=holder)
    unsupported_key = find_key(dotted, unsupported.OBJECTS)
    return Value(unsupported=unsupported.OBJECTS[unsupported_key]) if unsupported_key else None


def find_key(dotted: str, table: Iterable[tuple[str, str]]) -> tuple[str, str] | None:
    """Return the key that an import path matches, the longest one first: falcon.asgi.App before falcon.App."""
    top, _, rest = dotted.partition(".")
    keys = {key for key in table if key[0] == top}
    for tail in (rest, ".".join(rest.split(".")[-2:]), rest.split(".")[-1]):
        if (top, tail) in keys:
            return top, tail
    return None


def wraps_app(function: ast.expr, name: str, arguments: list[ast.expr]) -> bool:
    """Return whether calling a function on an app returns an app. Its name tells, or that the result gets the app's name."""
    called = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    if called.endswith(fw.WRAPPERS) or called.startswith("Sentry"):
        return True
    rebinds_argument = any(isinstance(argument, ast.Name) and argument.id == name for argument in arguments)
    return rebinds_argument or name in ("app", "application", "asgi_app", "wsgi_app")

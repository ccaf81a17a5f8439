"""Digests a module of the app without its views and comments: what an import of it and the app's commands depend on.

Most edits change a view, and what the build has made with the app (static files, a database) stays valid then.
"""

from __future__ import annotations

import ast
import hashlib

_VIEWS = frozenset(("route", "get", "post", "put", "patch", "delete", "head", "options", "websocket", "errorhandler"))


def setup_digest(source: bytes) -> str:
    """Return the digest of a module's source, which is the same after an edit in the body of a view function.

    Of a source that this Python can't parse, all counts.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return hashlib.sha256(source).hexdigest()
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) and any(map(_is_view, function.decorator_list)):
            function.body = []
    return hashlib.sha256(ast.dump(tree).encode("utf-8", "surrogatepass")).hexdigest()


def _is_view(decorator: ast.expr) -> bool:
    return isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Attribute) and decorator.func.attr in _VIEWS

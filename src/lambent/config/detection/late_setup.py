"""What only `if __name__ == "__main__"` does to an app that an import makes: its routes, its settings, a model it answers with.

An import of such a module gives an app that answers 404, or fails at the first request.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from lambent.config.detection.expression_scan import Function

_ADDERS = frozenset(
    (
        *("register_blueprint", "include_router", "add_url_rule", "add_route", "add_api_route", "add_routes", "add_resource"),
        *("add_namespace", "add_view", "add_views", "route", "mount"),
    )
)
"""Methods that add routes to an app."""
_SETUP = re.compile(r"(?:register|include|add|set_?up|configure|init|mount)(?:_|$)")
"""The first words of functions that get an app to set it up."""
_DEVELOPMENT = re.compile(r"debug|reload|cache|max_age|threaded|host|port|_env|environment", re.I)
"""Settings that only matter to a development server."""
_UNFIT = re.compile(
    r"\bsys\.argv\b|\binput\(|\bgetpass\b|\brequired=True|\badd_argument\(['\"](?!-)"
    r"|\bdrop_all\(|\bDROP TABLE\b|\bDELETE FROM\b|\brmtree\("
)
"""What no server may run at each start: it asks the user for arguments, or deletes the app's data."""


class LateSetup(Struct, frozen=True):
    """A statement that sets up the app only in a program: its line, and what it does."""

    line: int
    text: str


def find_late_setup(
    app: str, guards: Iterable[ast.If], functions: Mapping[str, Function], called: set[str]
) -> LateSetup | None:
    """Return the first setup of an app that an import leaves out, or None.

    `guards` are the blocks that only a program runs, `functions` the module's own, and `called` those that an import calls. A
    program that asks for arguments or deletes the app's data has none: it isn't run.
    """
    bodies = list(_bodies([guard for guard in guards if "__main__" in ast.unparse(guard.test)], functions, called))
    statements = [statement for _, body in bodies for statement in body]
    if any(_UNFIT.search(ast.unparse(statement)) for statement in statements):
        return None
    run_by_program = {function.name for function, _ in bodies if function is not None}
    read = _names_read(function for name, function in functions.items() if name not in run_by_program)
    for function, body in bodies:
        shared = _global_names(function) if function else None
        for node in (node for statement in body for node in ast.walk(statement)):
            if text := _setup_call(node, app) or _setting(node, app) or _shared_object(node, app, shared, read):
                return LateSetup(node.lineno, text)  # type: ignore[attr-defined]
    return None


def _bodies(
    guards: list[ast.If], functions: Mapping[str, Function], called: set[str]
) -> Iterator[tuple[Function | None, list[ast.stmt]]]:
    """Yield the guarded blocks, and the functions that they call, with their statements."""
    excluded = set(called)
    waiting: list[tuple[Function | None, list[ast.stmt]]] = [(None, guard.body) for guard in guards]
    while waiting:
        function, body = waiting.pop(0)
        yield function, body
        for node in (node for statement in body for node in ast.walk(statement)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id not in excluded:
                excluded.add(node.func.id)
                if own := functions.get(node.func.id):
                    waiting.append((own, own.body))


def _setup_call(node: ast.AST, app: str) -> str:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name | ast.Attribute):
        return ""
    name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
    arguments = (*node.args, *(word.value for word in node.keywords))
    gets_app = any(isinstance(argument, ast.Name) and argument.id == app for argument in arguments)
    is_method = isinstance(node.func, ast.Attribute) and name in _ADDERS
    return f"calls {name}()" if is_method or (gets_app and _SETUP.match(name)) else ""


def _setting(node: ast.AST, app: str) -> str:
    """Return which setting of the app an assignment sets, or ""."""
    targets = node.targets if isinstance(node, ast.Assign) else []
    for target in targets:
        match target:
            case ast.Attribute(value=ast.Name(id=name), attr="secret_key") if name == app:
                return f"sets {app}.secret_key"
            case ast.Subscript(value=ast.Attribute(value=ast.Name(id=name), attr="config"), slice=ast.Constant(value=str(key))):
                if name == app and not _DEVELOPMENT.search(key):
                    return f"sets {key}"
    return ""


def _shared_object(node: ast.AST, app: str, shared: set[str] | None, read: set[str]) -> str:
    """Return which variable of the module that its other functions read an assignment sets, or "".

    `shared` are the names that the function around it declares as global, None for a block of the module itself.
    """
    for target in node.targets if isinstance(node, ast.Assign) else []:
        if isinstance(target, ast.Name) and target.id in read and target.id != app and (shared is None or target.id in shared):
            return "" if _DEVELOPMENT.search(target.id) else f"sets {target.id}"
    return ""


def _names_read(functions: Iterable[Function]) -> set[str]:
    """Return the names of the module that functions read: no parameters, and nothing they bind themselves."""
    names: set[str] = set()
    for function in functions:
        nodes = [node for node in ast.walk(function) if isinstance(node, ast.Name)]
        bound = {node.id for node in nodes if isinstance(node.ctx, ast.Store)} - _global_names(function)
        bound |= {node.arg for node in ast.walk(function) if isinstance(node, ast.arg)}
        names |= {node.id for node in nodes if isinstance(node.ctx, ast.Load)} - bound
    return names


def _global_names(function: Function) -> set[str]:
    return {name for node in ast.walk(function) if isinstance(node, ast.Global) for name in node.names}

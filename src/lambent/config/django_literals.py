"""Settings of a Django project that its text shows, for a project whose settings can't be executed here. Pure."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

_HOST = "lambent-check.lambda-url.us-east-1.on.aws"
_DEPTH_MAX = 5
_SEPARATORS = re.compile(r"[\s,;\[\]\"']+")
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]+")
AWS_DOMAIN, LOCAL_DOMAIN = ".on.aws", ".localhost"
"""The domains of Function URLs, in AWS and on the local Lambda."""
URL_DOMAINS = (AWS_DOMAIN, LOCAL_DOMAIN)
"""Settings that allow both work everywhere."""
ANY_HOST = "'*'"  # as a flag's value: a Function URL receives requests to its own host name only
_OTHER_HOST = re.compile(r"(?:DB|DATABASE|POSTGRES|PG|MYSQL|MONGO|REDIS|CACHE|SMTP|E?MAIL)")
"""Variables with the host of a server: some settings allow that, too."""
DEBUG_EDIT = 'DEBUG = "AWS_LAMBDA_FUNCTION_NAME" not in os.environ'

Read = Callable[[str], bytes | None]


class _Assigned(Struct, frozen=True):
    value: ast.expr
    file: str


_Values = dict[str, _Assigned]


def read_literals(
    module: str, read: Read, environment: Mapping[str, str] | None = None, secrets: Collection[str] = ()
) -> dict[str, Any]:
    """Return what a run of the settings would report of DEBUG and ALLOWED_HOSTS, as far as their text shows it.

    `module` is that of the settings, and `read` returns the content of a file. `variable` is the environment variable that
    ALLOWED_HOSTS comes from, or "": `environment` and `secrets` are those that the function gets. `separator` is what separates
    hosts in it: "" if it has one host, None if that isn't known. `location` is where they are set, as "file:line", or "".
    """
    values = _assigned(module, read)
    debug, hosts = values.get("DEBUG"), values.get("ALLOWED_HOSTS")
    nodes = list(_walk(hosts.value, values)) if hosts is not None else []
    variable = next((name for name in map(_variable, nodes) if name and not _OTHER_HOST.match(name)), "")
    names = _names(nodes, variable)
    if variable in (environment or {}):
        names = _SEPARATORS.split((environment or {})[variable])
    default = _file_of(module, read)[0] or f"{module.replace('.', '/')}.py"
    is_known = hosts is not None and variable not in secrets and bool(variable or _is_list(hosts.value))
    return {
        "debug": debug is not None and _literal(debug.value) is True,
        "hosts": [name for name in names if name] if not variable else [],
        "allows": not is_known or allows_url(names),
        "settings": hosts.file if hosts is not None else default,
        "location": f"{hosts.file}:{hosts.value.lineno}" if hosts is not None else "",
        "debug_settings": debug.file if debug is not None else default,
        "unmigrated": [],
        "variable": variable,
        "separator": _separator(nodes),
    }


def hosts_cure(report: Mapping[str, Any]) -> str:
    """Return what makes ALLOWED_HOSTS allow the function's URL: a flag if it comes from the environment, else a setting."""
    if variable := report.get("variable"):
        return f"--env {variable}={ANY_HOST}"
    return f"ALLOWED_HOSTS = {json.dumps(list(dict.fromkeys([*report['hosts'], *URL_DOMAINS])))}"


def allows_url(names: str | Sequence[str]) -> bool:
    """Return whether hosts, or the value of a variable that lists them, allow the function's URL."""
    patterns = _SEPARATORS.split(names) if isinstance(names, str) else names
    return any(name in ("*", _HOST) or (name.startswith(".") and _HOST.endswith(name)) for name in patterns)


def _file_of(module: str, read: Read) -> tuple[str, bytes]:
    """Return the file of a module and its content, both empty if there is none with code."""
    path = module.replace(".", "/")
    return next(((name, text) for name in (f"{path}.py", f"{path}/__init__.py") if (text := read(name))), ("", b""))


def _assigned(module: str, read: Read, depth: int = 0) -> _Values:
    """Return what a module sets names to, with those of its star imports. A name that it may set elsewhere is left out."""
    name, content = _file_of(module, read)
    if not name or depth > _DEPTH_MAX:
        return {}
    package = module if name.endswith("__init__.py") else module.rpartition(".")[0]
    values: _Values = {}
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError):
        return {}
    for node in tree.body:
        match node:
            case ast.ImportFrom(names=[ast.alias(name="*")]):
                values |= _assigned(_absolute(node, package), read, depth + 1)
            case ast.Assign(targets=[ast.Name(id=target)], value=ast.expr() as value):
                values[target] = _Assigned(value, name)
            case ast.AnnAssign(target=ast.Name(id=target), value=ast.expr() as value):
                values[target] = _Assigned(value, name)
            case ast.AugAssign(target=ast.Name(id=target), value=value) if target in values:
                sum_ = ast.copy_location(ast.BinOp(values[target].value, ast.Add(), value), node)
                values[target] = _Assigned(sum_, values[target].file)
            case ast.If() | ast.Try() | ast.With() | ast.For():
                stars = (part for part in ast.walk(node) if isinstance(part, ast.ImportFrom) and part.names[0].name == "*")
                replaced = (name for part in stars for name in _assigned(_absolute(part, package), read, depth + 1))
                for target in (*_targets(node), *replaced):
                    values.pop(target, None)
            case ast.Expr(value=ast.Call(args=[ast.Call(func=ast.Name(id="locals" | "globals"))])):
                values.pop("ALLOWED_HOSTS", None)  # django_heroku.settings(locals())
    return values


def _targets(node: ast.stmt) -> Iterator[str]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
            yield inner.id
        elif isinstance(inner, ast.Attribute) and isinstance(inner.value, ast.Name):
            yield from (inner.value.id,) if inner.attr in ("append", "extend", "insert") else ()


def _absolute(node: ast.ImportFrom, package: str) -> str:
    parts = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
    return ".".join([*parts, *([node.module] if node.module else [])])


def _walk(node: ast.AST, values: _Values, depth: int = 0) -> Iterator[ast.AST]:
    """Yield the parts of a value, outer ones first, with what its names are set to. A condition isn't part of the value."""
    yield node
    if isinstance(node, ast.Name) and node.id in values and depth < _DEPTH_MAX:
        yield from _walk(values[node.id].value, values, depth + 1)
    for field, child in ast.iter_fields(node):
        for part in child if isinstance(child, list) else [child]:
            if isinstance(part, ast.AST) and not (isinstance(node, ast.IfExp) and field == "test"):
                yield from _walk(part, values, depth)


def _variable(node: ast.AST) -> str:
    """Return the environment variable that an expression reads: the readers of all libraries take its name first."""
    match node:
        case ast.Call(args=[ast.Constant(value=str(name)), *_]) if _VARIABLE.fullmatch(name):
            return name
        case ast.Subscript(value=ast.Name(id="environ") | ast.Attribute(attr="environ"), slice=ast.Constant(value=str(name))):
            return name
        case _:
            return ""


def _separator(nodes: Sequence[ast.AST]) -> str | None:
    for node in nodes:
        match node:
            case ast.Call(func=ast.Attribute(attr="split"), args=[ast.Constant(value=str(separator)), *_]):
                return separator
            case ast.Call(func=ast.Attribute(attr="split")):
                return " "
            case ast.Call(func=ast.Name(id="Csv") | ast.Attribute(attr="Csv" | "list")):
                return ","  # python-decouple, django-environ, environs
            case ast.keyword(arg="cast", value=ast.Name(id="list")):
                return ","
            case ast.Call(
                func=ast.Name(id="eval" | "loads" | "literal_eval") | ast.Attribute(attr="loads" | "json" | "literal_eval")
            ):
                return None
    return ""


def _names(nodes: Sequence[ast.AST], variable: str) -> list[str]:
    texts = (node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))
    return [name for text in texts if text != variable for name in _SEPARATORS.split(text)]


def _is_list(node: ast.expr) -> bool:
    if isinstance(node, ast.BinOp):
        return _is_list(node.left) and _is_list(node.right)
    return isinstance(_literal(node), list | tuple)


def _literal(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError):
        return None

"""Finds, by reading, the routes of an app that respond piece by piece. Pure."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

_CALL = re.compile(
    r"\b(?:StreamingResponse|EventSourceResponse|StreamingHttpResponse|ServerSentEvent|ResponseStream|StreamedContent)\("
    r"|\breturn Stream\("  # Litestar's
    r"|\bEventStream\(|\bstream_template(?:_string)?\(|\bawait \w+\.respond\("  # those of FastHTML, Flask and Sanic
    r"|\bresp(?:onse)?\.(?:stream|sse)\s*=(?!=)|\bapp_iter\s*=|[\"']more_body[\"']\s*:\s*True"  # of Falcon, WebOb and ASGI
    r"|\bresponse_class\s*=\s*(?:\w+\.)*(?:StreamingResponse|EventSourceResponse)\b"
    r"|\bstream_with_context\b(?!,|$)|\btext/event-stream"
)
_ROUTE = re.compile(r"(?:\w+\.)*(?:route|get|post|put|patch|delete|api_route|stream)$")
_RESPONSES = ("Response", "response_class", "make_response")
_FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef


def find_stream(text: str) -> int:
    """Return the line of the first response of a module that is sent piece by piece, 0 if there is none."""
    for match in _CALL.finditer(text):
        start = text.rfind("\n", 0, match.start()) + 1
        before = text[start : match.start()]
        if "#" not in before and not before.lstrip().startswith(("import ", "from ")):
            return text.count("\n", 0, match.start()) + 1
    if not re.search(r"\byield\b", text):
        return 0
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return 0
    return next(_generator_responses(tree), 0)


def _generator_responses(tree: ast.Module) -> Iterator[int]:
    """Yield the lines where a generator is the response: `Response(rows())`, `return rows()` or `yield` in a route."""
    functions = [node for node in ast.walk(tree) if isinstance(node, _FUNCTIONS)]
    generators = {function.name for function in functions if _is_generator(function)}
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args):
        if ast.unparse(call.func).rpartition(".")[2] in _RESPONSES and _called(call.args[0]) in generators:
            yield call.lineno
    for route in functions:
        if any(_ROUTE.match(ast.unparse(getattr(each, "func", each))) for each in route.decorator_list):
            if _is_generator(route):
                yield route.lineno
            for node in _own_nodes(route):
                value = node.value if isinstance(node, ast.Return) else None
                if _called(value.elts[0] if isinstance(value, ast.Tuple) and value.elts else value) in generators:
                    yield node.lineno  # type: ignore[attr-defined]


def _called(node: ast.AST | None) -> str:
    """Return the name of the function that an expression calls, or ""."""
    return node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""


def _is_generator(function: ast.AST) -> bool:
    return any(isinstance(node, ast.Yield | ast.YieldFrom) for node in _own_nodes(function))


def _own_nodes(function: ast.AST) -> Iterator[ast.AST]:
    """Yield what is in a function, but not in functions inside it."""
    for node in ast.iter_child_nodes(function):
        if not isinstance(node, _FUNCTIONS | ast.Lambda):
            yield node
            yield from _own_nodes(node)

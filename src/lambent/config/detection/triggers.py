"""Handlers that no HTTP request calls: a deployment file says so, or their code reads the events of other services only."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from msgspec.structs import replace

from lambent.config.detection.declared_app import find_function
from lambent.config.detection.lambda_functions import read_functions
from lambent.config.detection.project_modules import ProjectModules
from lambent.config.model import App

_OF_SERVICES = frozenset(("Records", "detail", "detail-type"))
"""Members of the events of S3, SQS, SNS, DynamoDB, Kinesis, and of EventBridge."""
_OF_REQUESTS = frozenset(("body", "cookies", "path", "resource", "routeKey", "stageVariables", "version"))
"""Members of the events of HTTP requests that are no signs of HTTP below."""
_HTTP = re.compile(
    r"\b(?:statusCode|rawPath|queryStringParameters|pathParameters|httpMethod|requestContext|isBase64Encoded|multiValueHeaders"
    r"|headers|Mangum|awsgi|serverless_wsgi|\w*Resolver|APIGatewayProxy\w*|LambdaFunctionUrl\w*)\b"
)
"""Signs of HTTP in the file of a handler: then requests may call it too."""


def with_trigger(folder: Path, app: App) -> App:
    """Return the app with what calls it, if that is never an HTTP request."""
    if app.kind != "handler" or app.payload:
        return app
    modules = ProjectModules(folder)
    trigger, reason = _declared_trigger(modules, app) or _trigger_in_code(modules, app) or ("", "")
    if not trigger:
        return app
    remark = f"{app.spec} takes other events than HTTP requests ({reason}), so it gets no URL; --url gives it one"
    return replace(app, trigger=trigger, remarks=(*app.remarks, remark))


def _declared_trigger(modules: ProjectModules, app: App) -> tuple[str, str] | None:
    """Return the kinds of events that a deployment file has for the app, and the file. They are "" if HTTP is among them."""
    for function in read_functions(modules.folder):
        declared = find_function(modules, function) if function.triggers else None
        if declared is not None and declared.is_same(app):
            kinds = ", ".join(function.triggers)
            return (kinds, f"{function.source}: {kinds}") if function.is_other else ("", "")
    return None


def _trigger_in_code(modules: ProjectModules, app: App) -> tuple[str, str] | None:
    """Return the member of other events that the handler reads, and where, unless a condition asks for it.

    That is one of other services' events, or one that no HTTP request has and that each call needs.
    """
    module = modules.of_app(app)
    if module is None:
        return None
    text = module.path.read_text("utf-8", "replace")
    try:
        functions = [node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    except (SyntaxError, ValueError):
        return None
    handler = next((function for function in functions if function.name == app.attribute), None)
    if handler is None or not handler.args.args or _HTTP.search(text):
        return None
    event = handler.args.args[0].arg
    tests = [part for node in ast.walk(handler) if isinstance(node, ast.If | ast.IfExp) for part in ast.walk(node.test)]
    if any(isinstance(part, ast.Constant) and part.value in _OF_SERVICES for part in tests):
        return None
    reads = [
        (key, node.lineno)
        for node in ast.walk(handler)
        if isinstance(node, ast.expr) and (key := _member(node, event)) in _OF_SERVICES
    ]
    simple = [statement for statement in handler.body if isinstance(statement, ast.Assign | ast.Expr | ast.Return)]
    reads += [
        (key, node.lineno)
        for node in (part for statement in simple for part in ast.walk(statement))
        if isinstance(node, ast.Subscript) and (key := _member(node, event)) and key not in _OF_REQUESTS
    ]
    return (reads[0][0], f"{modules.relative(module.path)}:{reads[0][1]} reads {reads[0][0]}") if reads else None


def _member(node: ast.expr, event: str) -> str:
    """Return which member of the event a node reads, "" if it reads none."""
    match node:
        case (
            ast.Subscript(value=ast.Name(id=name), slice=ast.Constant(value=str(key)))
            | ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="get"), args=[ast.Constant(value=str(key)), *_])
        ) if name == event:
            return key
    return ""

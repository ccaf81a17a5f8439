"""Handlers that no HTTP request calls: a deployment file says so, or their code reads the events of other services only."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from lambent.config.detection.declared_app import functions_of
from lambent.config.detection.project_modules import ProjectModules
from lambent.config.detection.rest_events import with_usual_name
from lambent.config.model import App

_OF_SERVICES = frozenset(
    (
        *("Records", "detail", "detail-type", "awslogs", "deliveryStreamArn", "invokingEvent"),
        *("triggerSource", "userPoolId", "authorizationToken", "methodArn", "RequestType", "ResourceProperties"),
        *("currentIntent", "sessionState", "actionGroup", "CodePipeline.job"),
    )
)
"""Members of the events of S3, SQS, SNS, DynamoDB, Kinesis and EventBridge; of CloudWatch Logs, Firehose and Config; of
Cognito, authorizers of API Gateway and CloudFormation; of Lex, Bedrock and CodePipeline."""
_OF_REQUESTS = frozenset(("body", "cookies", "path", "resource", "routeKey", "stageVariables", "version"))
"""Members of the events of HTTP requests that are no signs of HTTP below."""
_REQUEST = (
    r"rawPath|queryStringParameters|pathParameters|httpMethod|requestContext|multiValueHeaders"
    r"|Mangum|awsgi|serverless_wsgi|(?:APIGateway|ApiGateway|ALBEvent|ALBResolver|LambdaFunctionUrl)\w*"
)
_REQUESTS = re.compile(rf"""\b(?:{_REQUEST})\b|\bevent(?:\[|\.get\()["'](?:body|headers|path|rawQueryString)["']""")
"""Signs in the file of a handler that requests call it."""
_HTTP = re.compile(rf"\b(?:{_REQUEST}|statusCode|isBase64Encoded|headers|\w*Resolver)\b")
"""Signs of HTTP in the file of a handler: then requests may call it too."""
_ALEXA = re.compile(
    r"""(?m)^\s*(?:from|import)[ \t]+(?P<module>ask_sdk_(?!webservice)\w+)|["'](?P<request>LaunchRequest|IntentRequest)["']"""
)
"""Signs of an Alexa skill."""


def with_trigger(folder: Path, app: App) -> App:
    """Return the app with what calls it, if that is never an HTTP request."""
    if app.kind != "handler" or app.payload or app.routes:
        return app
    modules = ProjectModules(folder)
    trigger, reason = _declared_trigger(modules, app) or _trigger_in_code(modules, app) or ("", "")
    if not trigger:
        return app
    remark = f"{app.spec} takes other events than HTTP requests ({reason}), so it gets no URL; --url gives it one"
    return replace(app, trigger=trigger, remarks=(*app.remarks, remark))


def _declared_trigger(modules: ProjectModules, app: App) -> tuple[str, str] | None:
    """Return the kinds of events that a deployment file has for the app, and the file. They are "" if HTTP is among them."""
    functions = [function for function in functions_of(modules, app) if function.triggers]
    if not functions:
        return None
    kinds = ", ".join(dict.fromkeys(kind for function in functions for kind in function.triggers))
    return (kinds, f"{functions[0].source}: {kinds}") if all(function.is_other for function in functions) else ("", "")


def _trigger_in_code(modules: ProjectModules, app: App) -> tuple[str, str] | None:
    """Return the member of other events that the handler reads, and where, or that it is an Alexa skill."""
    module = modules.of_app(app)
    if module is None:
        return None
    text = with_usual_name(module.path.read_text("utf-8-sig", "replace"), app.attribute)
    file = modules.relative(module.path)
    if (match := _ALEXA.search(text)) and not (_REQUESTS if match["module"] else _HTTP).search(text):
        return "alexa", f"{file} uses {match['module']}" if match["module"] else f"{file} reads Alexa's {match['request']}"
    handler = _function(text, app.attribute)
    if handler is None or not handler.args.args:
        return None
    key, line = _read_always(handler, text) or _read_sometimes(handler, text) or ("", 0)
    return (key, f"{file}:{line} reads {key}") if key else None


def _function(text: str, name: str) -> ast.FunctionDef | None:
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError):
        return None
    return next((node for node in body if isinstance(node, ast.FunctionDef) and node.name == name), None)


def _read_always(handler: ast.FunctionDef, text: str) -> tuple[str, int] | None:
    """Return the member, and its line, that each call needs and that no HTTP request has.

    In a `try` only one of other services' events counts: for another, what follows `except` may suit a request.
    """
    if _REQUESTS.search(text):
        return None
    event = handler.args.args[0].arg
    for node, is_tried in _always_run(handler.body):
        for part in _evaluated(node):
            if not isinstance(part, ast.Subscript):
                continue
            key = _member(part, event)
            if key in _OF_SERVICES or (key and not is_tried and key not in _OF_REQUESTS):
                return key, part.lineno
    return None


def _always_run(body: list[ast.stmt], is_tried: bool = False) -> Iterator[tuple[ast.AST, bool]]:
    """Yield what each call of a function evaluates, and whether that is in a `try`."""
    for statement in body:
        match statement:
            case ast.Assign() | ast.AnnAssign() | ast.AugAssign() | ast.Expr() | ast.Return():
                yield statement, is_tried
            case ast.If(test=test):
                yield test, is_tried
            case ast.For(iter=iterated):
                yield iterated, is_tried
            case ast.With(items=items, body=inner):
                yield from ((item, is_tried) for item in items)
                yield from _always_run(inner, is_tried)
            case ast.Try(body=inner):
                yield from _always_run(inner, True)


def _evaluated(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the parts of a node that are always evaluated with it."""
    yield node
    match node:
        case ast.IfExp(test=test):
            inner: list[ast.AST] = [test]
        case ast.BoolOp(values=[first, *_]):
            inner = [first]
        case ast.ListComp(generators=[first, *_]) | ast.SetComp(generators=[first, *_]) | ast.DictComp(generators=[first, *_]):
            inner = [first.iter]
        case ast.GeneratorExp(generators=[first, *_]):
            inner = [first.iter]
        case ast.Lambda():
            inner = []
        case _:
            inner = list(ast.iter_child_nodes(node))
    for part in inner:
        yield from _evaluated(part)


def _read_sometimes(handler: ast.FunctionDef, text: str) -> tuple[str, int] | None:
    """Return the member of other services' events that a handler reads, and its line, unless a condition asks for it."""
    if _HTTP.search(text):
        return None
    event = handler.args.args[0].arg
    tests = [part for node in ast.walk(handler) if isinstance(node, ast.If | ast.IfExp) for part in ast.walk(node.test)]
    if any(isinstance(part, ast.Constant) and part.value in _OF_SERVICES for part in tests):
        return None
    nodes = (node for node in ast.walk(handler) if isinstance(node, ast.expr))
    return next(((key, node.lineno) for node in nodes if (key := _member(node, event)) in _OF_SERVICES), None)


def _member(node: ast.expr, event: str) -> str:
    """Return which member of the event a node reads, "" if it reads none."""
    match node:
        case (
            ast.Subscript(value=ast.Name(id=name), slice=ast.Constant(value=str(key)))
            | ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="get"), args=[ast.Constant(value=str(key)), *_])
        ) if name == event:
            return key
    return ""

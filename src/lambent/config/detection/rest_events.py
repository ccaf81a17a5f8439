"""Whether a handler reads the events of a REST API of API Gateway, which differ from those of a Function URL."""

from __future__ import annotations

import re
from pathlib import Path

from msgspec.structs import replace

from lambent.config.detection.import_graph import ImportGraph
from lambent.config.detection.project_modules import ProjectModules
from lambent.config.model import App

_FIELDS = "httpMethod|resource|path|pathParameters|multiValueHeaders|multiValueQueryStringParameters"
_REST = re.compile(
    rf"""\bevent(?:\.get\(|\[)\s*["'](?:{_FIELDS})["']|["']resourcePath["']|["']httpMethod["']"""
    r"|\bAPIGatewayRestResolver\b|\b[Aa][Pp][Ii]GatewayResolver\(\s*\)|\bAPIGatewayProxyEvent\b|^\s*(?:from|import)\s+(?:chalice|awsgi)\b",
    re.MULTILINE,
)
_URL = re.compile(
    r"""["'](?:rawPath|routeKey|rawQueryString)["']|\[["']http["']\]|\bAPIGatewayHttpResolver\b|\bLambdaFunctionUrl\w+"""
    r"|\bAPIGatewayProxyEventV2\b|\bMangum\b"
)


def with_payload(folder: Path, app: App) -> App:
    """Return the app with the payload that it reads, if it is a handler of REST events."""
    modules = ProjectModules(folder)
    module = modules.find(app.module, [app.root]) if app.kind == "handler" else None
    if module is None:
        return app
    texts = [path.read_text("utf-8", "replace") for path in ImportGraph(modules, module).files]
    if any(map(_URL.search, texts)) or not any(map(_REST.search, texts)):
        return app
    remark = f"{app.spec} reads the events of an API Gateway REST API, so it gets the URL's requests in that form"
    return replace(app, payload="1.0", remarks=(*app.remarks, remark))

"""Whether a handler reads the events of a REST API of API Gateway, which differ from those of a Function URL."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from msgspec.structs import replace

from lambent.config.detection.declared_app import functions_of
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

_PARAMETERS = (
    r"""\bevent(?:\[\s*["']pathParameters["']\s*\]|\.get\(\s*["']pathParameters["']\s*(?:,[^)\n]*)?\))"""
    r"""(?:\s*or\s*\{\}\s*\))?"""
)
_PARAMETERS_HELD = re.compile(rf"(\w+)\s*=\s*\(?{_PARAMETERS}")
_KEY = r"""(?:\[|\.get\()\s*["'](\w+)["']"""


def with_payload(folder: Path, app: App) -> App:
    """Return the app with the payload that it reads, if it is a handler of REST events. Each route has a payload of its own."""
    modules = ProjectModules(folder)
    module = modules.of_app(app) if app.kind == "handler" and not app.routes else None
    if module is None:
        return app
    texts = [path.read_text("utf-8-sig", "replace") for path in ImportGraph(modules, module).files]
    texts[0] = with_usual_name(texts[0], app.attribute)
    if any(map(_URL.search, texts)) or not any(map(_REST.search, texts)):
        return app
    remark = f"{app.spec} reads the events of an API Gateway REST API, so it gets the URL's requests in that form"
    paths = _declared_paths(modules, app) or _paths_in_code(texts)
    if paths:
        remark += f", with parameters from paths such as {paths[0]}"
    return replace(app, payload=" ".join(("1.0", *paths)), remarks=(*app.remarks, remark))


def with_usual_name(text: str, handler: str) -> str:
    """Return a module's text as if the first parameter of its handler were called `event`."""
    match = re.search(rf"^def {re.escape(handler)}\(\s*(\w+)", text, re.MULTILINE)
    return re.sub(rf"\b{match[1]}\b", "event", text) if match else text


def _declared_paths(modules: ProjectModules, app: App) -> tuple[str, ...]:
    """Return the resources with parameters that a deployment file has for the app."""
    return tuple(dict.fromkeys(path for function in functions_of(modules, app) for path in function.paths))


def _paths_in_code(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the resources whose last part is the only parameter that the code reads from a path."""
    names: set[str] = set()
    for text in texts:
        held = [rf"\b{re.escape(name)}" for name in _PARAMETERS_HELD.findall(text)]
        names.update(re.findall(rf"(?:{'|'.join((_PARAMETERS, *held))})\s*{_KEY}", text))
    if len(names) != 1 or "proxy" in names:
        return ()
    return tuple(f"{start}/{{{next(iter(names))}}}" for start in ("", "/{proxy+}"))

"""What a Lambda function must be configured with to run a zip: the handler, and environment variables."""

from __future__ import annotations

import json
from typing import Any

from lambent.config.detection import django_project
from lambent.config.detection.project_modules import ProjectModules
from lambent.config.model import Config, Cors
from lambent.package.artifact import WRITABLE
from lambent.package.layout import RUNTIME, SourceFile

WRAPPER = ("AWS_LAMBDA_EXEC_WRAPPER", f"/var/task/{RUNTIME}/bootstrap")
# The runtime in the zip reads these. They are in the environment so that a change gives a new version.
_STREAM = ("LAMBENT_RESPONSE", "stream")
_RUN = ("LAMBENT_RUN", "on")
_ROUTER = f"{RUNTIME}.function_router.router()"
_HANDLER = ("LAMBENT_INTERFACE", "handler")  # a handler isn't a web app, although it looks like WSGI


def environment(config: Config) -> tuple[tuple[str, str], ...]:
    """Return the environment variables that the runtime in the zip needs."""
    switches = (*((WRITABLE,) if config.writable else ()), *((_RUN,) if config.run else ()))
    if config.app.kind == "handler":
        payload = (("LAMBENT_PAYLOAD", config.app.payload),) if config.app.payload else ()
        return (WRAPPER, _HANDLER, *payload, *switches) if config.client == "lambent" else ()
    client = WRAPPER if config.client == "lambent" else ("LAMBENT_APP", config.app.handler)
    static = " ".join(f"{path}={folder}" for path, folder in config.static or ())
    root = config.app.root if config.app.root != "." else ""
    settings = (
        *(("LAMBENT_EVENTS", config.events), ("LAMBENT_BASE_PATH", config.base_path), ("LAMBENT_STATIC", static)),
        *(("LAMBENT_ALLOWED_HOSTS", ",".join(config.allowed_hosts)), ("LAMBENT_ROOT", root)),
    )
    return (client, *((_STREAM,) if config.stream else ()), *switches, *((name, value) for name, value in settings if value))


def handler(config: Config) -> str:
    """Return Lambda's Handler setting. Under AWS's own client a web app runs behind a handler in the zip."""
    if config.app.kind != "handler" and config.client == "aws":
        return f"{RUNTIME}.aws.handler"
    return _ROUTER if config.app.routes else config.app.handler


def routes_file(config: Config) -> dict[str, SourceFile]:
    """Return the file that the runtime finds the routes of several functions in, by its path in the zip."""
    routes: list[dict[str, Any]] = [
        {
            "method": route.method,
            "path": route.path,
            "handler": route.handler,
            "folder": "" if route.folder == "." else route.folder,
            "payload": route.payload,
            "variables": dict(route.variables),
        }
        for route in config.app.routes
    ]
    routes += [_preflight(path, cors) for path, cors in config.app.preflights if cors.origins]
    table = {"routes": routes, "has_cors": config.hosting.cors is not None}
    name = f"{RUNTIME}/functions.json"
    return {name: SourceFile.generated(name, json.dumps(table, indent=1).encode())} if routes else {}


def _preflight(path: str, cors: Cors) -> dict[str, Any]:
    """Return the route of OPTIONS at a path that a REST API answers without a function."""
    headers = {
        "access-control-allow-methods": ",".join(cors.methods),
        "access-control-allow-headers": ",".join(cors.headers),
        "access-control-allow-credentials": "true" if cors.credentials else "",
        "access-control-max-age": str(cors.max_age_s or ""),
    }
    headers = {name: value for name, value in headers.items() if value}
    return {"method": "OPTIONS", "path": path, "origins": cors.origins, "headers": headers}


def entry_points(config: Config) -> tuple[str, ...]:
    """Return everything in the user's code that Lambda calls, as "module:attribute"."""
    routes = dict.fromkeys(f"{route.full_module}:{route.attribute}" for route in config.app.routes)
    return (*routes, *filter(None, (config.app.module and config.app.spec, config.events)))


def start_modules(config: Config) -> tuple[str, ...]:
    """Return the modules that a start imports first: the user's, and for Django those that the settings name."""
    modules = [entry_point.partition(":")[0] for entry_point in entry_points(config)]
    if config.app.kind in ("wsgi", "asgi") and config.path.is_dir():
        configured = dict(config.environment).get("DJANGO_SETTINGS_MODULE", "")
        modules += django_project.start_modules(ProjectModules(config.path), config.app.module, config.app.root, configured)
    return tuple(modules)

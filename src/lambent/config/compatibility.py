"""Checks of settings that only work with some apps, runtimes or other settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lambent.config.model import App, RuntimeClient
from lambent.config.sourced import Sourced
from lambent.errors import UsageError

OLDEST_PYTHON = (3, 7)
"""The oldest that lambent can build for: Python 3.6 has no bytecode that is checked by hash (PEP 552)."""

OLDEST_FOR_LAMBENT_CLIENT = (3, 8)
_USE_WEB_APP = "deploy a web app (ASGI or WSGI) instead"


def oldest_python(app: App, client: Sourced[RuntimeClient | None]) -> tuple[tuple[int, int], str]:
    """Return the oldest Python that can run the app on Lambda, and why."""
    if app.kind != "handler":
        return OLDEST_FOR_LAMBENT_CLIENT, "web apps need python3.8 or newer"
    if client.value == "lambent":
        return OLDEST_FOR_LAMBENT_CLIENT, "lambent's runtime client needs python3.8 or newer"
    if app.payload and client.value is None:
        return OLDEST_FOR_LAMBENT_CLIENT, "a handler of REST events needs lambent's runtime client, and python3.8 or newer"
    if app.routes:
        return OLDEST_FOR_LAMBENT_CLIENT, "several functions as one need lambent's runtime client, and python3.8 or newer"
    return OLDEST_PYTHON, ""


def check_settings(app: App, runtime: Sourced[str], settings: Mapping[str, Sourced[Any]]) -> None:
    """Raise UsageError for settings of the function that don't work with the app, the runtime, or one another."""
    client = settings["runtime_client"]
    _check_python(app, client, runtime)
    _check_stream(app, client, settings["stream"])
    _check_writable(app, client, settings["writable"])
    _check_run(client, settings["run"])
    _check_routes(app, client)
    _check_web_settings(app, settings["events"], settings["base_path"], settings["static"])


def _check_python(app: App, client: Sourced[RuntimeClient | None], runtime: Sourced[str]) -> None:
    """Refuse a runtime that is too old for lambent's runtime client, which every web app needs."""
    version = tuple(int(part) for part in runtime.value.removeprefix("python").split("."))
    oldest, reason = oldest_python(app, client)
    if version >= oldest:
        return
    if app.kind != "handler":
        message = f"{app.spec} is a web app, and {reason}, not {runtime.value}"
        hint = "use --runtime python3.13, or write a handler: def lambda_handler(event, context)"
    else:
        message, hint = (
            f"{reason}, not {runtime.value}",
            "use --runtime python3.13, or remove runtime_client to use AWS's client",
        )
    raise UsageError(message, where=runtime.origin, hint=hint)


def _check_stream(app: App, client: Sourced[RuntimeClient | None], stream: Sourced[bool]) -> None:
    """Refuse streaming where the response can only be sent in one piece."""
    if not stream.value:
        return
    if app.kind == "handler":  # over a streaming URL, a browser would get the handler's return value as raw JSON
        message = f"{app.spec} is a bare handler, and lambent can't stream what a handler returns"
        raise UsageError(message, where=stream.origin, hint=f"turn stream off, or {_USE_WEB_APP}")
    if client.value == "aws":
        hint = 'turn stream off, or set runtime_client = "lambent"'
        raise UsageError("AWS's runtime client can't stream", where=f"{stream.origin} and {client.origin}", hint=hint)


def _check_writable(app: App, client: Sourced[RuntimeClient | None], writable: Sourced[bool | None]) -> None:
    """Refuse to run a bare handler from a copy in /tmp under AWS's own client, which knows nothing of it."""
    if writable.value and app.kind == "handler" and client.value == "aws":
        message = f"AWS's runtime client can't run {app.spec} from a copy in /tmp"
        hint = 'turn writable off, or set runtime_client = "lambent"'
        raise UsageError(message, where=f"{writable.origin} and {client.origin}", hint=hint)


def _check_run(client: Sourced[RuntimeClient | None], run: Sourced[bool]) -> None:
    """Refuse commands under AWS's own client, which takes everything for an event."""
    if run.value and client.value == "aws":
        hint = 'turn run off, or set runtime_client = "lambent"'
        where = f"{run.origin} and {client.origin}"
        raise UsageError("AWS's runtime client can't run the commands of lambent run", where=where, hint=hint)


def _check_routes(app: App, client: Sourced[RuntimeClient | None]) -> None:
    """Refuse several functions as one under AWS's own client, which knows one handler."""
    if app.routes and client.value == "aws":
        message = f"AWS's runtime client can't call the {len(app.modules)} modules with functions of {app.spec}"
        raise UsageError(message, where=client.origin, hint="remove runtime_client, or name one function with --app")


def _check_web_settings(app: App, events: Sourced[str], base_path: Sourced[str], static: Sourced[Any]) -> None:
    """Refuse settings for a bare handler that only web apps have."""
    settings = {
        "events": (events, "receives every event itself"),
        "base_path": (base_path, "reads the path itself"),
        "static": (static, "answers every request itself"),
    }
    for key, (setting, reason) in settings.items():
        if setting.value and app.kind == "handler":
            message = f"{app.spec} is a bare handler and {reason}"
            raise UsageError(message, where=setting.origin, hint=f"remove {key}, or {_USE_WEB_APP}")

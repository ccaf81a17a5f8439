"""Settings that only work with some apps, runtimes or other settings."""

from __future__ import annotations

import re

from lambent.config.model import App, RuntimeClient
from lambent.config.parsers import text_parser
from lambent.config.settings import RawSetting, Settings
from lambent.config.sourced import Sourced
from lambent.errors import UsageError

_OLDEST_FOR_BUNDLED_RUNTIME = (3, 10)
_FUNCTION = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")
_NOT_IN_BASE_PATH = re.compile(r"[?#%\s]|//|/\.{1,2}(/|$)")
_USE_WEB_APP = "use a web app (ASGI or WSGI): --app main:app"


def read_events(settings: Settings, app: App) -> Sourced[str]:
    """Return the function for events that are not HTTP requests, as "module:function", or ""."""

    def parse(setting: RawSetting) -> str:
        _require_web_app(app, setting, "receives every event itself")
        example = f"{app.module}:on_event"
        function = text_parser(example)(setting)
        if not _FUNCTION.fullmatch(function):
            raise setting.refuse(f"events must be module:function, got {function}", example)
        return function

    return settings.read("events", parse, "")


def read_base_path(settings: Settings, app: App) -> Sourced[str]:
    """Return the path that the app's paths start with, such as "/shop": decoded, without a slash at its end. Or ""."""

    def parse(setting: RawSetting) -> str:
        _require_web_app(app, setting, "reads the path itself")
        path = "/" + text_parser("/shop")(setting).strip("/")
        if _NOT_IN_BASE_PATH.search(path):
            raise setting.refuse(f"base_path must be a plain path, got {setting.value}", "/shop")
        return "" if path == "/" else path

    return settings.read("base_path", parse, "")


def check_python(app: App, client: Sourced[RuntimeClient | None], runtime: Sourced[str]) -> None:
    """Refuse a runtime that is too old for lambent's own runtime client, which every web app needs."""
    version = tuple(int(part) for part in runtime.value.removeprefix("python").split("."))
    if version >= _OLDEST_FOR_BUNDLED_RUNTIME:
        return
    if app.kind != "handler":
        message = f"{app.spec} is a web app, and web apps need python3.10 or newer, not {runtime.value}"
        hint = "use --runtime python3.13, or write a handler: def lambda_handler(event, context)"
        raise UsageError(message, where=runtime.origin, hint=hint)
    if client.value == "lambent":
        message = f"lambent's runtime client needs python3.10 or newer, not {runtime.value}"
        hint = "use --runtime python3.13, or remove runtime_client to use AWS's client"
        raise UsageError(message, where=runtime.origin, hint=hint)


def check_stream(app: App, client: Sourced[RuntimeClient | None], stream: Sourced[bool]) -> None:
    """Refuse streaming where the response can only be sent in one piece."""
    if not stream.value:
        return
    if app.kind == "handler":  # over a streaming URL, a client would get the handler's return value as raw JSON
        message = f"{app.spec} is a bare handler, and lambent can't stream what a handler returns"
        raise UsageError(message, where=stream.origin, hint=f"turn stream off, or {_USE_WEB_APP}")
    if client.value == "aws":
        message = "AWS's runtime client can't stream"
        hint = 'turn stream off, or set runtime_client = "lambent"'
        raise UsageError(message, where=f"{stream.origin} and {client.origin}", hint=hint)


def _require_web_app(app: App, setting: RawSetting, reason: str) -> None:
    if app.kind == "handler":
        hint = f"remove {setting.key}, or {_USE_WEB_APP}"
        raise UsageError(f"{app.spec} is a bare handler and {reason}", where=setting.origin, hint=hint)

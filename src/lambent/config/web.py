"""The settings that only a web app has: where its paths begin, and who takes the events that are no requests."""

from __future__ import annotations

import re

from lambent.config.model import App
from lambent.config.settings import Given, Settings
from lambent.errors import UsageError

_FUNCTION = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")
_ODD = re.compile(r"[?#%\s]|//|/\.{1,2}(/|$)")


def events(settings: Settings, app: App, origins: dict[str, str]) -> str:
    """The function for events that are not HTTP, as "module:function", or "". Raises UsageError for anything else."""
    given = settings.text("events")
    origins["events"] = given.origin if given else "default"
    if given is None:
        return ""
    _only_web(app, given, "events", "it takes every event itself")
    if not _FUNCTION.fullmatch(given.value):
        raise given.refuse(f"events must be module:function, got {given.value}", f"{app.module}:on_event")
    return str(given.value)


def base_path(settings: Settings, app: App, origins: dict[str, str]) -> str:
    """The path below which the app lives, such as "/shop" (decoded, without a slash at its end), or "". Raises UsageError."""
    given = settings.text("base_path")
    origins["base_path"] = given.origin if given else "default"
    if given is None:
        return ""
    _only_web(app, given, "base_path", "it reads the paths itself")
    path = "/" + given.value.strip("/")
    if _ODD.search(path):
        raise given.refuse(f"base_path must be a plain path, got {given.value}", "/shop")
    return "" if path == "/" else path


def _only_web(app: App, given: Given, key: str, why: str) -> None:
    if app.kind == "handler":
        raise UsageError(
            f"{app.spec} is a bare handler: {why}",
            where=given.origin,
            hint=f"leave {key} out, or give a web app (ASGI or WSGI): --app main:app",
        )

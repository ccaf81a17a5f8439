"""From the function's environment to an app that is ready for its first event, under either runtime client.

Modules are imported where they are needed: each kind of app should pay for its own only.
"""

from __future__ import annotations

import sys

from .app_loader import load_app
from .environment import set_variable, variable
from .event_handler import EventHandler

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .host import Host
    from .log import Log


_NO_LOOP = ("no running event loop", "there is no current event loop")
"""Errors of asyncio.get_running_loop() and, from Python 3.12 on, of get_event_loop()."""


def start_app(handler: str, log: Log) -> tuple[Host | None, EventHandler | None]:
    """Load and start the app that a handler string names.

    Return the host (None for a handler function) and the handler of events that are not HTTP requests (None if there is none).
    Raise Fault, or whatever the app raises.
    """
    _prepare(log)
    app = _load(handler)
    hosts = variable("LAMBENT_ALLOWED_HOSTS")
    if hosts:
        from .allowed_hosts import allow_hosts

        allow_hosts(app, hosts)
    kind = variable("LAMBENT_INTERFACE").lower()
    if kind != "handler":
        from .app_interface import detect_interface

        kind = detect_interface(app, kind)
    if kind == "handler":
        payload, *paths = variable("LAMBENT_PAYLOAD").split() or [""]
        if payload == "1.0":
            from .rest_api import RestApi

            app = RestApi(app, paths)
        return None, EventHandler(app)
    host = _host(app, kind)
    static = variable("LAMBENT_STATIC")
    if static:
        from .static_files import StaticFilesHost

        host = StaticFilesHost(host, static)
    event_function = variable("LAMBENT_EVENTS")
    events = None
    if event_function:
        from .event_function import event_handler

        events = event_handler(event_function, host)
    host.start()
    return host, events


def _prepare(log: Log) -> None:
    """Set up what the app needs before its import: a home, secrets, packages outside the zip, a copy that it can write to."""
    if not variable("HOME"):  # Lambda's user has a home that doesn't exist, and caches of packages belong there
        set_variable("HOME", variable("TMPDIR", "/tmp"))
    if variable("LAMBENT_SECRETS"):
        from . import secrets

        secrets.load()
    if variable("LAMBENT_OVERFLOW"):
        from . import overflow

        overflow.load(log)
    folder = variable("LAMBDA_TASK_ROOT") or sys.path[0]
    if variable("LAMBENT_WRITABLE"):
        from . import writable

        folder = writable.run_from_copy()
    root = variable("LAMBENT_ROOT")
    if root:  # the zip has the files below it twice; these know the files above them: Path(__file__).parent.parent
        sys.path.insert(0, f"{folder}/{root}")


def _load(handler: str) -> Any:
    """Import the app, and again in its event loop if it can't be imported without one."""
    try:
        return load_app(handler)
    except RuntimeError as error:
        if variable("LAMBENT_INTERFACE").lower() == "handler" or not str(error).lower().startswith(_NO_LOOP):
            raise
        from .event_loop import drop_coroutines, load_in_loop

        drop_coroutines(error)
    return load_in_loop(handler)


def _host(app: Any, kind: str) -> Host:
    if kind.startswith("asgi"):
        from .asgi import AsgiHost

        if kind == "asgi2":
            from .app_interface import single_callable

            app = single_callable(app)
        return AsgiHost(app, variable("LAMBENT_LIFESPAN", "auto"))
    from .wsgi import WsgiHost

    return WsgiHost(app)

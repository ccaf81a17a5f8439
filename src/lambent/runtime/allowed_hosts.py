"""Lets an app whose code says which hosts it answers also answer the function's URL (LAMBENT_ALLOWED_HOSTS).

A Function URL only receives requests to its own host name, so no client can send the app another one.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_WRAPPERS_MAX = 20


def allow_hosts(app: Any, hosts: str) -> None:
    """Add domains, separated by commas, to the settings of the app that was loaded, and of those that it wraps."""
    domains = hosts.split(",")
    conf: Any = sys.modules.get("django.conf")
    if conf is not None:
        conf.settings.ALLOWED_HOSTS = [*conf.settings.ALLOWED_HOSTS, *domains]
    flask: Any = sys.modules.get("flask")
    trusted_host: Any = sys.modules.get("starlette.middleware.trustedhost")
    for _ in range(_WRAPPERS_MAX):
        if trusted_host is not None:
            _allow_in_starlette(app, trusted_host.TrustedHostMiddleware, [f"*{domain}" for domain in domains])
        if flask is not None and isinstance(app, flask.Flask):
            _allow_in_flask(app)
        app = getattr(app, "app", None)
        if app is None:
            return


def _allow_in_starlette(app: Any, trusted_host: Any, patterns: list[str]) -> None:
    """Add patterns to the middleware around an app, or to that which the app makes when its first request comes."""
    if isinstance(app, trusted_host):
        app.allowed_hosts = [*app.allowed_hosts, *patterns]
    for middleware in getattr(app, "user_middleware", ()):
        options = getattr(middleware, "kwargs", None) or getattr(middleware, "options", None)  # Starlette before 0.35
        if middleware.cls is trusted_host and options and options.get("allowed_hosts"):
            options["allowed_hosts"] = [*options["allowed_hosts"], *patterns]


def _allow_in_flask(app: Any) -> None:
    """Have an app answer any host, as from Flask 3.1 on, unless its routes depend on the host."""
    if not app.url_map.host_matching and not app.subdomain_matching:
        app.config["SERVER_NAME"] = None

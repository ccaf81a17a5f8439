"""Adds the hosts of the function's URL to those that Django, or Starlette's middleware, answers (LAMBENT_ALLOWED_HOSTS).

A Function URL only receives requests to its own host name, so no client can send the app another one.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_WRAPPERS_MAX = 20


def allow_hosts(app: Any, hosts: str) -> None:
    """Add domains, separated by commas, to the settings of the app that was loaded. Other apps have none."""
    domains = hosts.split(",")
    conf: Any = sys.modules.get("django.conf")
    if conf is not None:
        conf.settings.ALLOWED_HOSTS = [*conf.settings.ALLOWED_HOSTS, *domains]
    trusted_host: Any = sys.modules.get("starlette.middleware.trustedhost")
    if trusted_host is not None:
        _allow_in_middleware(app, trusted_host.TrustedHostMiddleware, [f"*{domain}" for domain in domains])


def _allow_in_middleware(app: Any, trusted_host: Any, patterns: list[str]) -> None:
    """Add patterns to the middleware around an app, and to that which the app makes when its first request comes."""
    for _ in range(_WRAPPERS_MAX):
        if app is None:
            return
        if isinstance(app, trusted_host):
            app.allowed_hosts = [*app.allowed_hosts, *patterns]
        for middleware in getattr(app, "user_middleware", ()):
            options = getattr(middleware, "kwargs", None) or getattr(middleware, "options", None)  # Starlette before 0.35
            if middleware.cls is trusted_host and options and options.get("allowed_hosts"):
                options["allowed_hosts"] = [*options["allowed_hosts"], *patterns]
        app = getattr(app, "app", None)

"""Apps that refuse requests to a host name they don't know: how that shows, and the setting that allows it. Pure."""

from __future__ import annotations

import re

from lambent.config.django_literals import URL_DOMAINS
from lambent.deployment.diagnose import Cause
from lambent.deployment.failure import Failure

_MISDIRECTED = 421  # HTTP's own status for it (RFC 9110), which the package mcp uses
REFUSALS = (400, _MISDIRECTED)
"""The statuses that may refuse a host."""

_IN_LOG = re.compile(r"DisallowedHost|ALLOWED_HOSTS|Invalid HTTP_HOST|invalid host header", re.IGNORECASE)
_IN_BODY = re.compile(rf"{_IN_LOG.pattern}|<title>Bad Request \(400\)</title>|\bhosts?\b", re.IGNORECASE)
"""Signs of it in a response with status 400. The title is that of Django's page without DEBUG, which gives no reason."""

_SETTINGS = (
    (r"DisallowedHost|ALLOWED_HOSTS|HTTP_HOST|Bad Request \(400\)", "in the Django settings, ALLOWED_HOSTS = [{dotted}]"),
    (r"Invalid host header", "in the middleware that checks the host, allowed_hosts=[{starred}]"),
    (r"is not trusted", 'app.config["TRUSTED_HOSTS"] = [{dotted}]'),
)
_MCP_SETTING = 'FastMCP(..., host="0.0.0.0"), or .streamable_http_app(host="0.0.0.0") since mcp 2'


def refuses_host(failure: Failure) -> bool:
    """Return whether a response refuses the host."""
    if failure.status == 400:
        return bool(_IN_BODY.search(failure.body) or _IN_LOG.search(failure.log))
    return failure.status == _MISDIRECTED


def explain_refused_host(failure: Failure, host: str) -> Cause:
    """Return the cause, with the setting of the framework whose words these are."""
    name = host.partition(":")[0]
    what = f"the app refuses requests to its own host name with status {failure.status}: {name}"
    text = f"{failure.body}\n{failure.log}"
    for pattern, setting in _SETTINGS:
        if failure.status == 400 and re.search(pattern, text, re.IGNORECASE):
            return Cause(what, f"{_with_hosts(setting, name)}, with the hosts that it has already", failure.response)
    hint = f"add {name} to the hosts that the app accepts"
    if failure.status == _MISDIRECTED:
        hint += f"; with the package mcp, {_MCP_SETTING}"
    return Cause(what, hint, failure.response)


def _with_hosts(setting: str, name: str) -> str:
    """Return a setting with the domains of Function URLs, or with the name of another host."""
    domains = URL_DOMAINS if name.endswith(URL_DOMAINS) else ()
    dotted = ", ".join(f'"{domain}"' for domain in domains or (name,))
    starred = ", ".join(f'"*{domain}"' for domain in domains) or f'"{name}"'
    return setting.replace("{dotted}", dotted).replace("{starred}", starred)

"""Which requests a loopback service must refuse. Pure.

A web page can make the browser send requests to 127.0.0.1, and with DNS rebinding even under a host name of the page's choice.
So the service answers only under loopback names (and under a Function URL's AWS name, which no one else can own), and pages of
other sites can't use the API.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from lambent.local.http import Request

_URL_HOST = re.compile(r"([a-z0-9]{32})\.lambda-url\.[a-z0-9-]+\.(?:localhost|on\.aws)")
_URL_PATH = re.compile(r"/_url/([a-z0-9]{1,64})(/.*)?", re.DOTALL)


def hostname(host: str) -> str:
    """Return the name in a Host header, in lower case and without port or final dot: "[::1]:4580" -> "::1"."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].rstrip(".").lower()


def is_loopback(name: str) -> bool:
    """Whether a host name can only mean this machine (RFC 6761 reserves `localhost` and all names below it)."""
    return name in ("localhost", "::1") or name.endswith(".localhost") or re.fullmatch(r"127\.\d+\.\d+\.\d+", name) is not None


def url_id(name: str) -> str | None:
    """Return the id in a Function URL's host name, or None for other names."""
    match = _URL_HOST.fullmatch(name)
    return match[1] if match else None


def split_url_path(path: str) -> tuple[str, str] | None:
    """Return the id in `/_url/<id>/...` and the path after it, or None for other paths."""
    match = _URL_PATH.fullmatch(path)
    return (match[1], match[2] or "/") if match else None


def is_cross_site(request: Request) -> bool:
    """Whether a page of another machine's site made this request, according to the browser."""
    origin = request.header("origin")
    if origin is not None:
        return not is_loopback(hostname(urlsplit(origin).netloc))
    return request.header("sec-fetch-site") == "cross-site" and request.header("sec-fetch-mode") != "navigate"

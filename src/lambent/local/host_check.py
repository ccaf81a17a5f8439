"""Which requests a loopback service must refuse. Pure.

A web page can make the browser send requests to 127.0.0.1, and with DNS rebinding under a host name of its own. So only
loopback names are served (and a Function URL's own AWS name, which nobody else can own), and the API is closed to pages of
other sites.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

_URL_HOST = re.compile(r"([a-z0-9]{32})\.lambda-url\.[a-z0-9-]+\.(?:localhost|on\.aws)")
_URL_PATH = re.compile(r"/_url/([a-z0-9]{1,64})(/.*)?", re.DOTALL)


def hostname(host: str) -> str:
    """The name in a Host header, in lower case and without port or final dot: "[::1]:4580" -> "::1"."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].rstrip(".").lower()


def is_loopback(name: str) -> bool:
    """Whether a host name can only mean this machine (RFC 6761 reserves `localhost` and all below it)."""
    return name in ("localhost", "::1") or name.endswith(".localhost") or re.fullmatch(r"127\.\d+\.\d+\.\d+", name) is not None


def url_id(name: str) -> str | None:
    """The id in a Function URL's host name."""
    match = _URL_HOST.fullmatch(name)
    return match[1] if match else None


def url_path(path: str) -> tuple[str, str] | None:
    """(id, the path behind it) of `/_url/<id>/...`."""
    match = _URL_PATH.fullmatch(path)
    return (match[1], match[2] or "/") if match else None


def from_elsewhere(headers: Mapping[str, str]) -> bool:
    """Whether a browser says that a page of another machine's site made this request."""
    origin = headers.get("origin")
    if origin is not None:
        return not is_loopback(hostname(urlsplit(origin).netloc))
    return headers.get("sec-fetch-site") == "cross-site" and headers.get("sec-fetch-mode") != "navigate"

"""URLs: their parts, and the form in which they may be printed, logged or stored. Pure."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from lambent.systems import is_windows

_USERINFO = re.compile(r"(?P<scheme>[a-zA-Z][a-zA-Z0-9+.-]*://)(?P<user>[^/?#\s'\"`<>]*)@")
_PUBLIC_USERS = ("git", "hg")  # the user in git+ssh://git@host isn't a secret, and the URL doesn't work without it


def host_of(parts: SplitResult) -> str:
    """Return the host and port of a URL as they are written, without credentials."""
    return parts.netloc.rpartition("@")[2]


def without_credentials(text: str) -> str:
    """Return a URL, or a text that contains URLs, without user names and passwords."""
    return _USERINFO.sub(lambda match: match[0] if match["user"] in _PUBLIC_USERS else match["scheme"], text)


def printable_url(url: str) -> str:
    """Return the URL for messages: without credentials, and without the query, where signed URLs carry theirs."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return urlunsplit((parts.scheme, host_of(parts), parts.path, "", ""))


def origin(url: str) -> tuple[str, str, int]:
    """Return the scheme, host and port, which credentials are bound to. Raises ValueError if the URL is malformed."""
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or {"https": 443, "http": 80}.get(parts.scheme, 0)


def local_path(url: str) -> Path:
    """Return the path that a file:// URL names. On Windows, "file:///C:/x" is C:/x, and "file://server/x" is on a server."""
    parts = urlsplit(url)
    path = unquote(parts.path)
    if is_windows():
        path = f"//{parts.netloc}{path}" if parts.netloc else re.sub(r"^/(?=[A-Za-z]:)", "", path)
    return Path(path)

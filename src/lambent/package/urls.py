"""URLs: their parts, and what of them may be printed, logged or stored. Pure."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

_USERINFO = re.compile(r"(?P<scheme>[a-zA-Z][a-zA-Z0-9+.-]*://)(?P<user>[^/\s@'\"`<>]*)@")
_PUBLIC_USERS = ("git", "hg")  # the user in git+ssh://git@host isn't a secret, and the URL doesn't work without it


def host_of(parts: SplitResult) -> str:
    """Host and port as they stand in the URL, without credentials."""
    return parts.netloc.rpartition("@")[2]


def without_credentials(text: str) -> str:
    """Return a URL, or a text with URLs in it, without user names and passwords."""
    return _USERINFO.sub(lambda match: match[0] if match["user"] in _PUBLIC_USERS else match["scheme"], text)


def shown(url: str) -> str:
    """The URL as it may be printed: no credentials, and no query, in which signed URLs carry theirs."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return urlunsplit((parts.scheme, host_of(parts), parts.path, "", ""))


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port: what credentials are bound to. Raises ValueError when there is no telling."""
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or {"https": 443, "http": 80}.get(parts.scheme, 0)


def local_path(url: str) -> Path:
    """The file that a file:// URL names."""
    return Path(unquote(urlsplit(url).path))

"""URLs: what of them may be shown, and what of them is a file. Pure."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit


def host_of(parts: SplitResult) -> str:
    """Host and port as they stand in the URL, without credentials."""
    return parts.netloc.rpartition("@")[2]


def without_login(url: str) -> str:
    """The URL without user name and password."""
    try:
        parts = urlsplit(url)
    except ValueError:  # no URL: said when it is used as one
        return url
    return urlunsplit(parts._replace(netloc=host_of(parts)))


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

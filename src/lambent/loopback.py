"""Whether a host name can only mean this machine: one answer for the deployer, the local Lambda and the commands."""

from __future__ import annotations

import re
from urllib.parse import urlsplit


def is_loopback(host: str) -> bool:
    """Return whether a host name, in lower case and without port, is this machine's (RFC 6761 reserves `localhost`)."""
    return host in ("localhost", "::1") or host.endswith(".localhost") or re.fullmatch(r"127\.\d+\.\d+\.\d+", host) is not None


def is_loopback_url(url: str) -> bool:
    """Return whether a URL leads to this machine. One that can't be read doesn't."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and is_loopback((parts.hostname or "").lower())

"""Addresses without the credentials that may be in them: those must reach no lock, log, error or cache key."""

from __future__ import annotations

import re

_USERINFO = re.compile(r"(?P<scheme>[a-zA-Z][a-zA-Z0-9+.-]*://)(?P<user>[^/\s@'\"`<>]*)@")
_PLAIN = ("git", "hg")  # the user of git+ssh://git@host is no secret, and the address is wrong without it


def without_credentials(text: str) -> str:
    """A URL, or a text with URLs in it, without user names and passwords."""
    return _USERINFO.sub(lambda found: found[0] if found["user"] in _PLAIN else found["scheme"], text)

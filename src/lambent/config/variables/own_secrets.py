"""Secrets that an app only compares with itself, such as the key that signs its sessions: any value is as good as another."""

from __future__ import annotations

import re
from collections.abc import Iterable

_OWN = re.compile(
    r"(?:(?:DJANGO|FLASK|APP|APPLICATION|JWT|SESSION|AUTH|CSRF)_)*(?:SECRET_KEY|SECRET_KEY_BASE|SECURITY_PASSWORD_SALT)"
    r"|(?:(?:DJANGO|FLASK|JWT|SESSION|CSRF|DATASETTE)_)*SECRET",
    re.I,
)
_PARTNER = re.compile(r"(?:API|ACCESS|PUBLIC|CONSUMER|CLIENT|APP)_?(?:KEY|ID|KEY_ID|TOKEN)", re.I)
"""The other half of a key that some service has issued: ACCESS_KEY and SECRET_KEY, API_KEY and SECRET_KEY."""


def is_own_secret(name: str, others: Iterable[str]) -> bool:
    """Return whether a variable is a secret of the app's own, if the app needs the `others` too."""
    if not _OWN.fullmatch(name):
        return False
    is_certain = name.upper().startswith(("DJANGO_", "FLASK_", "JWT_", "SESSION_", "CSRF_", "DATASETTE_"))
    return is_certain or not any(_PARTNER.fullmatch(other) for other in others)

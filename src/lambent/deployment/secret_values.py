"""What looks like a secret, and how text is shown without it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

HIDDEN = "…"
_LEAST = 6
"""Characters of a value that is looked for in other text: a shorter one is in many words."""

_NAMED = re.compile(
    r"SECRET|TOKEN|PASSW|PASSPHRASE|PASS$|PWD|CREDENTIAL|PRIVATE|APIKEY|(API|ACCESS|AUTH|SIGNING|ENCRYPTION|MASTER|SERVICE)_?KEY|"
    r"KEY$|DSN$|SALT$|WEBHOOK",
    re.IGNORECASE,
)
_PASSWORD_IN_URL = re.compile(r"(?<=://)([^/\s:@]*):([^/\s@]+)(?=@)")
_SHAPED = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)|\b(?:AKIA|ASIA)[A-Z2-7]{16}\b|"
    r"\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*|\b(?:gh[pousr]_|github_pat_|glpat-|xox[abprs]-|[sr]k_live_|SG\.|npm_|pypi-AgE)[\w.-]{16,}",
    re.DOTALL,
)


def is_secret(name: str, value: str) -> bool:
    """Return whether an environment variable looks like a secret, by its name or by its value."""
    return bool(_NAMED.search(name) or _PASSWORD_IN_URL.search(value) or _SHAPED.search(value))


class Mask:
    """Hides secrets in text: the values of these variables that look like secrets, and what has the form of one."""

    def __init__(self, environments: Iterable[Mapping[str, str]] = ()) -> None:
        values: set[str] = set()
        for environment in environments:
            for name, value in environment.items():
                if name.startswith(("LAMBENT_", "AWS_LAMBDA_")) or not is_secret(name, value):
                    continue
                if not _PASSWORD_IN_URL.search(value):
                    values.add(value)
                values.update(match[2] for match in _PASSWORD_IN_URL.finditer(value))
        long = sorted((re.escape(value) for value in values if len(value) >= _LEAST), key=len, reverse=True)
        self._values = re.compile("|".join(long)) if long else None

    def __call__(self, text: str) -> str:
        text = self._values.sub(HIDDEN, text) if self._values else text
        if "://" in text:
            text = _PASSWORD_IN_URL.sub(rf"\1:{HIDDEN}", text)
        return _SHAPED.sub(HIDDEN, text)

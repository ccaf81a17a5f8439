"""The environment variables whose values a template does not show: those of a .env file, and what looks like a secret. Pure.

Whoever applies the template says them. What stays in AWS by reference ({ ssm = ... }) has no value here in the first place.
"""

from __future__ import annotations

import re

from lambent.deploy.desired import Desired

_INTERNAL = re.compile("LAMBENT_|AWS_LAMBDA_")
_FILE = re.compile(r"\(.*env[_-]file", re.IGNORECASE)
"""How an origin tells of a .env file: ".env (pyproject.toml [tool.lambent] env_file)"."""

_NAMED = re.compile(
    r"SECRET|TOKEN|PASSW|PASSPHRASE|PASS$|PWD|CREDENTIAL|PRIVATE|APIKEY|(API|ACCESS|AUTH|SIGNING|ENCRYPTION|MASTER|SERVICE)_?KEY|"
    r"KEY$|DSN$|SALT$|WEBHOOK",
    re.IGNORECASE,
)
_SHAPED = re.compile(
    r"://[^/\s:@]*:[^/\s@]+@|-----BEGIN [A-Z ]*PRIVATE KEY|\b(AKIA|ASIA)[A-Z2-7]{16}\b|\beyJ[\w-]{10,}\.[\w-]{10,}\.|"
    r"\b(gh[pousr]_|github_pat_|glpat-|xox[abprs]-|[sr]k_live_|SG\.|npm_|pypi-AgE)[\w-]{16}"
)


def private(desired: Desired) -> tuple[str, ...]:
    """Their names."""
    return tuple(
        name
        for name, value in desired.settings.environment
        if not _INTERNAL.match(name)
        and (_FILE.search(desired.origins.get(f"env.{name}", "")) or _NAMED.search(name) or _SHAPED.search(value))
    )

"""References to secrets in AWS, as values of environment variables. The secret itself never appears in the configuration.

    [tool.lambent.env]
    DATABASE_URL = { ssm = "/shop/database-url" }
    API_KEY = { secret = "shop/keys", key = "stripe" }      # one key of a secret that is JSON

The runtime in the zip resolves them when an environment starts, with the function's role.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lambent.errors import UsageError

_EXAMPLE = '{ ssm = "/path/name" } or { secret = "name" }'
_SSM = re.compile(r"/?[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*")
_SECRET = re.compile(r"[A-Za-z0-9/_+=.@-]{1,512}|arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:[A-Za-z0-9/_+=.@-]+")


def parse_reference(name: str, table: Mapping[str, Any], origin: str) -> str:
    """Return "ssm:/path/name", "secret:name" or "secret:name#key". Raises UsageError for anything else."""
    for kind, pattern, keys in (("ssm", _SSM, {"ssm"}), ("secret", _SECRET, {"secret", "key"})):
        if kind in table and set(table) <= keys and all(isinstance(value, str) for value in table.values()):
            if not pattern.fullmatch(table[kind]) or "#" in table.get("key", ""):
                break
            return f"{kind}:{table[kind]}" + (f"#{table['key']}" if table.get("key") else "")
    message = f"env.{name} must be text or a reference to a secret, got {dict(table)!r}"
    raise UsageError(message, where=f"{origin}.{name}", hint=f"{name} = {_EXAMPLE}")


def permission_to_read(reference: str, partition: str, region: str, account: str) -> tuple[str, str]:
    """Return the IAM action and the ARN that the function needs to read a reference."""
    kind, _, rest = reference.partition(":")
    name = rest.partition("#")[0]
    if kind == "ssm":
        return "ssm:GetParameters", f"arn:{partition}:ssm:{region}:{account}:parameter/{name.removeprefix('/')}"
    if name.startswith("arn:"):
        return "secretsmanager:GetSecretValue", name
    # Secrets Manager appends six random characters to the ARN of a secret
    return "secretsmanager:GetSecretValue", f"arn:{partition}:secretsmanager:{region}:{account}:secret:{name}-??????"

"""Environment variables whose value is a secret kept in AWS: by reference, never by value. Pure.

    [tool.lambent.env]
    DATABASE_URL = { ssm = "/shop/database-url" }
    API_KEY = { secret = "shop/keys", key = "stripe" }      # a key of a secret that is JSON

The runtime in the zip reads them when an environment starts, with the function's own role.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lambent.errors import UsageError

_EXAMPLE = '{ ssm = "/path/name" } or { secret = "name" }'
_SSM = re.compile(r"/?[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*")
_SECRET = re.compile(r"[A-Za-z0-9/_+=.@-]{1,512}|arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:[A-Za-z0-9/_+=.@-]+")


def parse_reference(name: str, value: Mapping[str, Any], where: str) -> str:
    """ "ssm:/path/name", "secret:name" or "secret:name#key". Raises UsageError for anything else."""
    said = dict(value)
    for kind, pattern, allowed in (("ssm", _SSM, {"ssm"}), ("secret", _SECRET, {"secret", "key"})):
        if kind in said and set(said) <= allowed and all(isinstance(each, str) for each in said.values()):
            if not pattern.fullmatch(said[kind]) or "#" in said.get("key", ""):
                break
            return f"{kind}:{said[kind]}" + (f"#{said['key']}" if said.get("key") else "")
    raise UsageError(
        f"env.{name} is neither text nor a reference: {value!r}", where=f"{where}.{name}", hint=f"{name} = {_EXAMPLE}"
    )


def permission_to_read(reference: str, partition: str, region: str, account: str) -> tuple[str, str]:
    """The action and the ARN that reading a reference needs."""
    kind, _, rest = reference.partition(":")
    name = rest.partition("#")[0]
    if kind == "ssm":
        return "ssm:GetParameters", f"arn:{partition}:ssm:{region}:{account}:parameter/{name.removeprefix('/')}"
    if name.startswith("arn:"):
        return "secretsmanager:GetSecretValue", name
    # AWS ends a secret's ARN with six characters of its own
    return "secretsmanager:GetSecretValue", f"arn:{partition}:secretsmanager:{region}:{account}:secret:{name}-??????"

"""What of an app's configuration the local Lambda is asked for. Pure."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from lambent.config.model import Config, Hosting
from lambent.local.daemon import ACCOUNT

_LEFT_OUT = "left out: the local Lambda has none"


def for_local(config: Config) -> tuple[Config, tuple[str, ...]]:
    """The configuration without what is only to be had of AWS, or is in somebody's AWS account; and what that leaves out.

    An app is to run here as it is. What it then lacks shows in what is said, and not in a refusal.
    """
    hosting, said = config.hosting, []
    changes: dict[str, Any] = {"bucket": ""}  # lambent makes one; the app does not see which
    origins = dict(config.origins)
    if hosting.subnets or hosting.security_groups:
        changes |= {"subnets": (), "security_groups": ()}
        origins["vpc"] = _LEFT_OUT
        said.append("vpc is left out: the local Lambda has none, and the function reaches what this machine reaches")
    if hosting.mounts:
        changes["mounts"] = ()
        origins["efs"] = _LEFT_OUT
        paths = ", ".join(path for _, path in hosting.mounts)
        said.append(f"efs is left out: the local Lambda has no file systems, so {paths} is not there")
    if hosting.snapstart:
        changes["snapstart"] = False
        origins["snapstart"] = _LEFT_OUT
        said.append("snapstart is left out: the local Lambda takes no snapshots, and each environment runs its init")
    if _elsewhere(hosting.role):
        changes["role"] = ""
        origins["role"] = _LEFT_OUT
        said.append(f"role is left out: {hosting.role} is not on the local Lambda, and one of lambent's takes its place")
    changes |= _own(hosting, "policies", said) | _own(hosting, "layers", said)
    return replace(config, hosting=replace(hosting, **changes), origins=origins), tuple(said)


def _own(hosting: Hosting, field: str, said: list[str]) -> dict[str, Any]:
    """The ARNs of this field that the local Lambda can have: AWS's own policies, and what is in its account."""
    arns: tuple[str, ...] = getattr(hosting, field)
    noun = {"policies": "policy", "layers": "layer"}[field]
    said += [f"{noun} {arn} is left out: it is in another account than the local Lambda's" for arn in arns if _elsewhere(arn)]
    return {field: tuple(arn for arn in arns if not _elsewhere(arn))}


def _elsewhere(arn: str) -> bool:
    """Whether it is in an account, and that is not the local one."""
    account = arn.split(":")[4] if arn else ""
    return account not in ("", "aws", ACCOUNT)

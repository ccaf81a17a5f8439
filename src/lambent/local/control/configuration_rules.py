"""AWS's rules on a function's configuration that its model does not say, with AWS's own texts."""

from __future__ import annotations

import asyncio
import json
from datetime import date
from typing import Any

from lambent import calendar
from lambent.limits import ENV_MAX, RESERVED_ENVIRONMENT, TAGS_MAX
from lambent.local.control.context import Call
from lambent.local.control.faults import Fault, invalid, not_built
from lambent.local.control.validate import SHOWN_RUNTIMES

UNASSUMABLE = "The role defined for the function cannot be assumed by Lambda."
NOT_BUILT = {
    "AcceleratorConfig": "accelerators",
    "CapacityProviderConfig": "Managed Instances",
    "CodeSigningConfigArn": "code signing",
    "DeadLetterConfig": "dead-letter queues",
    "DurableConfig": "durable functions",
    "FileSystemConfigs": "file systems",
    "ImageConfig": "container images",
    "KMSKeyArn": "customer-managed keys",
    "PublishTo": "PublishTo",
    "RuntimeConfig": "customer-managed runtimes",
    "TenancyConfig": "tenant isolation",
    "VpcConfig": "VPC networking",
}


def check_supported(params: dict[str, Any]) -> None:
    """Refuses what would otherwise be taken and not done."""
    for member, what in NOT_BUILT.items():
        if not _empty(params.get(member)):
            raise not_built(f"{what} ({member})")
    if params.get("SnapStart", {}).get("ApplyOn", "None") != "None":
        raise not_built("SnapStart")
    if params.get("PackageType", "Zip") != "Zip":
        raise not_built("container images (PackageType Image)")


def _empty(value: Any) -> bool:
    if isinstance(value, dict):
        return all(_empty(item) for item in value.values())
    return not value


def check_runtime(name: str, on: date, updating: bool = False) -> None:
    """Refuses runtimes AWS refuses on that day, and those that are not Python."""
    known = calendar.find_runtime(name)
    allowed = calendar.can_update(name, on) if updating else calendar.can_create(name, on)
    if known is not None and allowed:
        return
    if known is not None and on >= known.available:
        raise invalid(
            f"The runtime parameter of {name} is no longer supported for creating or updating AWS Lambda functions. "
            "We recommend you use a supported runtime while creating or updating functions."
        )
    if known is None and name in SHOWN_RUNTIMES.split(", "):
        raise not_built(f"the runtime {name}: only Python runs here, not {name}. Other runtimes are")
    raise invalid(
        f"Value {name} at 'runtime' failed to satisfy constraint: "
        f"Member must satisfy enum value set: [{SHOWN_RUNTIMES}] or be a valid ARN"
    )


def check_environment(variables: dict[str, str]) -> None:
    lead = "Lambda was unable to configure your environment variables because the environment variables you have provided "
    measured = json.dumps(variables, separators=(",", ":"), ensure_ascii=False)
    if len(measured.encode()) > ENV_MAX:
        raise invalid(f"{lead}exceeded the 4KB limit. String measured: {measured}")
    reserved = [key for key in variables if key in RESERVED_ENVIRONMENT]
    if reserved:
        text = "contains reserved keys that are currently not supported for modification. Reserved keys used in this request: "
        raise invalid(lead + text + ", ".join(reserved))


def check_tags(tags: dict[str, str]) -> None:
    if len(tags) > TAGS_MAX:
        raise invalid("Number of tags exceeds resource tag limit.")


async def check_role(call: Call, arn: str) -> None:
    """The role must exist and trust Lambda."""
    trust = await asyncio.to_thread(call.parts.neighbours.role_trust, arn)
    if trust is None or not trusts_lambda(trust):
        raise invalid(UNASSUMABLE)


def trusts_lambda(trust: dict[str, Any]) -> bool:
    """Whether a trust policy lets lambda.amazonaws.com assume the role. Conditions are not weighed."""
    verdict = False
    for statement in _listed(trust.get("Statement")):
        principal = statement.get("Principal", {})
        services = ["*"] if principal == "*" else _listed(principal.get("Service")) + _listed(principal.get("AWS"))
        assumes = {"sts:AssumeRole", "sts:*", "*"} & set(_listed(statement.get("Action")))
        if assumes and ("lambda.amazonaws.com" in services or "*" in services):
            if statement.get("Effect") == "Deny":
                return False
            verdict = verdict or statement.get("Effect") == "Allow"
    return verdict


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def too_large(limit: int, operation: str) -> Fault:
    return Fault("RequestEntityTooLargeException", f"Request must be smaller than {limit} bytes for the {operation} operation")

"""AWS's rules for a function's configuration that are not in its model, in AWS's own words."""

from __future__ import annotations

import asyncio
import json
from datetime import date
from typing import Any

from lambent import calendar
from lambent.limits import ENV_MAX, RESERVED_ENVIRONMENT, TAGS_MAX
from lambent.local.control.context import RequestContext
from lambent.local.control.faults import Fault, conflict, invalid, not_supported
from lambent.local.control.validate import RUNTIMES_IN_ERRORS
from lambent.local.store import Document, Record

BUSY = "The operation cannot be performed at this time."
UNASSUMABLE = "The role defined for the function cannot be assumed by Lambda."
NOT_SUPPORTED = {
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
    """Refuse settings that the local Lambda would otherwise accept and ignore."""
    for member, feature in NOT_SUPPORTED.items():
        if not _empty(params.get(member)):
            raise not_supported(f"{feature} ({member})")
    if params.get("SnapStart", {}).get("ApplyOn", "None") != "None":
        raise not_supported("SnapStart")
    if params.get("PackageType", "Zip") != "Zip":
        raise not_supported("container images (PackageType Image)")


def _empty(value: Any) -> bool:
    if isinstance(value, dict):
        return all(_empty(item) for item in value.values())
    return not value


def check_runtime(name: str, on: date, updating: bool = False) -> None:
    """Refuse runtimes that AWS refuses on that day, and those that are not Python."""
    runtime = calendar.find_runtime(name)
    allowed = calendar.can_update(name, on) if updating else calendar.can_create(name, on)
    if runtime is not None and allowed:
        return
    if runtime is not None and on >= runtime.available:
        raise invalid(
            f"The runtime parameter of {name} is no longer supported for creating or updating AWS Lambda functions. "
            "We recommend you use a supported runtime while creating or updating functions."
        )
    if runtime is None and name in RUNTIMES_IN_ERRORS.split(", "):
        raise not_supported(f"the runtime {name}", "only Python runs here")
    raise invalid(
        f"Value {name} at 'runtime' failed to satisfy constraint: "
        f"Member must satisfy enum value set: [{RUNTIMES_IN_ERRORS}] or be a valid ARN"
    )


def check_environment(variables: dict[str, str]) -> None:
    lead = "Lambda was unable to configure your environment variables because the environment variables you have provided "
    document = json.dumps(variables, separators=(",", ":"), ensure_ascii=False)
    if len(document.encode()) > ENV_MAX:
        raise invalid(f"{lead}exceeded the 4KB limit. String measured: {document}")
    reserved = [key for key in variables if key in RESERVED_ENVIRONMENT]
    if reserved:
        text = "contains reserved keys that are currently not supported for modification. Reserved keys used in this request: "
        raise invalid(lead + text + ", ".join(reserved))


def check_settled(record: Record) -> None:
    """Refuse a change of $LATEST while an earlier one settles, as AWS does."""
    if record.latest.get("LastUpdateStatus") == "InProgress":
        raise conflict(f"{BUSY} An update is in progress for resource: {record.arn}")
    check_active(record.latest)


def check_active(configuration: Document) -> None:
    """Refuse to use a function that is still being created."""
    if configuration["State"] == "Pending":
        raise conflict(f"{BUSY} The function is currently in the following state: Pending")


def check_tags(tags: dict[str, str]) -> None:
    if len(tags) > TAGS_MAX:
        raise invalid("Number of tags exceeds resource tag limit.")


async def check_role(context: RequestContext, arn: str) -> None:
    """Refuse a role that doesn't exist or doesn't trust Lambda."""
    trust = await asyncio.to_thread(context.backend.aws_services.role_trust, arn)
    if trust is None or not trusts_lambda(trust):
        raise invalid(UNASSUMABLE)


def trusts_lambda(trust: dict[str, Any]) -> bool:
    """Whether a trust policy lets lambda.amazonaws.com assume the role. Conditions are ignored."""
    allowed = False
    for statement in _as_list(trust.get("Statement")):
        principal = statement.get("Principal", {})
        services = ["*"] if principal == "*" else _as_list(principal.get("Service")) + _as_list(principal.get("AWS"))
        assumes = {"sts:AssumeRole", "sts:*", "*"} & set(_as_list(statement.get("Action")))
        if assumes and ("lambda.amazonaws.com" in services or "*" in services):
            if statement.get("Effect") == "Deny":
                return False
            allowed = allowed or statement.get("Effect") == "Allow"
    return allowed


def _as_list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def too_large(limit: int, operation: str) -> Fault:
    return Fault("RequestEntityTooLargeException", f"Request must be smaller than {limit} bytes for the {operation} operation")

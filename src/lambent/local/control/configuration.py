"""Function configurations: new, changed, and as AWS shows them. Pure."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

from lambent.limits import MEMORY_DEFAULT_MB, TIMEOUT_DEFAULT_S, TMP_MIN_MB
from lambent.local.control.reference import FunctionReference
from lambent.local.store import LATEST, Document, new_revision

CREATING = {"State": "Pending", "StateReason": "The function is being created.", "StateReasonCode": "Creating"}
UPDATING = {
    "LastUpdateStatus": "InProgress",
    "LastUpdateStatusReason": "The function is being created.",  # sic, recorded for updates too
    "LastUpdateStatusReasonCode": "Creating",
}
PLAIN = ("Description", "Handler", "MemorySize", "Role", "Runtime", "Timeout")
STATUS = frozenset(
    [
        "State",
        "StateReason",
        "StateReasonCode",
        "LastUpdateStatus",
        "LastUpdateStatusReason",
        "LastUpdateStatusReasonCode",
    ]
)
NOT_LISTED = STATUS | {"RuntimeVersionConfig"}


def aws_timestamp() -> str:
    """Return the current time as AWS writes LastModified."""
    now = datetime.now(UTC)
    return f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03d}+0000"


def new_configuration(reference: FunctionReference, params: dict[str, Any], region: str) -> Document:
    """Return the configuration of a new function, with AWS's defaults."""
    configuration: Document = {
        "FunctionName": reference.name,
        "FunctionArn": reference.arn,
        "Role": params["Role"],
        "Description": params.get("Description", ""),
        "Timeout": TIMEOUT_DEFAULT_S,
        "MemorySize": MEMORY_DEFAULT_MB,
        "Version": LATEST,
        "PackageType": "Zip",
        "Architectures": params.get("Architectures", ["x86_64"]),
        "EphemeralStorage": {"Size": TMP_MIN_MB},
        "TracingConfig": {"Mode": "PassThrough"},
        "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
        "LoggingConfig": {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{reference.name}"},
        "LastModified": aws_timestamp(),
        "RevisionId": new_revision(),
        **CREATING,
    }
    return {**configuration, **changed_members(configuration, params, region)}


def changed_members(current: Document, params: dict[str, Any], region: str) -> Document:
    """Return what a create or update request sets, in the shape of the configuration."""
    changes: Document = {member: params[member] for member in PLAIN if member in params}
    if "Runtime" in changes:
        digest = hashlib.sha256(changes["Runtime"].encode()).hexdigest()
        changes["RuntimeVersionConfig"] = {"RuntimeVersionArn": f"arn:aws:lambda:{region}::runtime:{digest}"}
    if "Environment" in params:
        changes["Environment"] = {"Variables": params["Environment"].get("Variables", {})}
    if "EphemeralStorage" in params:
        changes["EphemeralStorage"] = params["EphemeralStorage"]
    if "TracingConfig" in params:
        changes["TracingConfig"] = {"Mode": params["TracingConfig"].get("Mode", "PassThrough")}
    if "LoggingConfig" in params:
        changes["LoggingConfig"] = _logging_config({**current["LoggingConfig"], **params["LoggingConfig"]})
    return changes


def _logging_config(config: Document) -> Document:
    """Add or drop the log levels, which only the JSON format has."""
    levels = {"ApplicationLogLevel", "SystemLogLevel"}
    if config["LogFormat"] == "JSON":
        return {**dict.fromkeys(sorted(levels), "INFO"), **config}
    return {member: value for member, value in config.items() if member not in levels}


def without_empty_layers(configuration: Document) -> Document:
    """Drop empty layer members: AWS doesn't show Layers for a function that has none."""
    return {member: value for member, value in configuration.items() if value or member not in ("Layers", "_opt", "_layers")}


def shown_configuration(configuration: Document, arn: str) -> Document:
    """Return a FunctionConfiguration under the requested ARN. Members that start with "_" belong to the store."""
    members = {member: value for member, value in configuration.items() if not member.startswith("_")}
    return {**members, "FunctionArn": arn}


def listed_configuration(configuration: Document, arn: str) -> Document:
    """Return the same as it appears in lists: without its state."""
    members = shown_configuration(configuration, arn)
    return {member: value for member, value in members.items() if member not in NOT_LISTED}

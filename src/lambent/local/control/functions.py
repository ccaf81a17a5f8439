"""Functions: create, read, configure, delete."""

from __future__ import annotations

import asyncio
import copy
import hashlib
from typing import Any

from lambent.limits import MEMORY_DEFAULT_MB, TIMEOUT_DEFAULT_S, TMP_MIN_MB
from lambent.local.control.code import fetch, keep
from lambent.local.control.configuration import configuration, listed, page
from lambent.local.control.configuration_rules import check_environment, check_role, check_runtime, check_supported, check_tags
from lambent.local.control.context import Call, aws_time, refuse_while_busy, resolve
from lambent.local.control.faults import conflict, invalid, not_built
from lambent.local.control.layer_versions import check_unzipped, used_layers
from lambent.local.control.provisioned_configs import follow
from lambent.local.control.reference import Target, is_alias_name
from lambent.local.control.versions import CREATING, all_versions, publish
from lambent.local.store import LATEST, Document, Record, new_revision, sha_hex

UPDATING = {
    "LastUpdateStatus": "InProgress",
    "LastUpdateStatusReason": "The function is being created.",  # sic, recorded for updates too
    "LastUpdateStatusReasonCode": "Creating",
}
PLAIN = ("Description", "Handler", "MemorySize", "Role", "Runtime", "Timeout")
MANDATORY = "Runtime and Handler are mandatory parameters for functions created with deployment packages."


async def create_function(call: Call) -> Document:
    target, params = call.target().unqualified(), call.params
    check_supported(params)
    if not params.get("Runtime") or not params.get("Handler"):
        raise invalid(MANDATORY)
    check_runtime(params["Runtime"], call.parts.as_of)
    check_environment(params.get("Environment", {}).get("Variables", {}))
    check_tags(params.get("Tags", {}))
    _refuse_existing(call, target)
    await check_role(call, params["Role"])
    layers = await used_layers(call)
    code = await fetch(call, params["Code"])
    with call.store.hold(code.sha), call.store.hold(layers.get("_opt", "")):
        await keep(call, code)
        await check_unzipped(call, {**layers, **code.members()})
        _refuse_existing(call, target)  # somebody else may have been faster while we waited
        latest = {**_fresh(call, target), **_without_none(layers), **code.members()}
        record = Record(call.request.region, call.request.account, target.name, target.arn, latest)
        record.tags = dict(params.get("Tags", {}))
        shown = publish(record, pending=True) if params.get("Publish") else latest
        call.store.save(record)
    call.parts.begin_transition(record)
    return configuration(copy.deepcopy(shown), target.arn)  # recorded: without ":1" even when published


def _refuse_existing(call: Call, target: Target) -> None:
    if call.find(target) is not None:
        raise conflict(f"Function already exist: {target.name}")


def _fresh(call: Call, target: Target) -> Document:
    """The configuration of a new function, with AWS's defaults."""
    params = call.params
    made: Document = {
        "FunctionName": target.name,
        "FunctionArn": target.arn,
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
        "LoggingConfig": {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{target.name}"},
        "LastModified": aws_time(),
        "RevisionId": new_revision(),
        **CREATING,
    }
    return {**made, **changed_members(made, params, call.request.region)}


def changed_members(old: Document, params: dict[str, Any], region: str) -> Document:
    """What a create or update request sets, in the shape of the configuration."""
    new: Document = {member: params[member] for member in PLAIN if member in params}
    if "Runtime" in new:
        mark = hashlib.sha256(new["Runtime"].encode()).hexdigest()
        new["RuntimeVersionConfig"] = {"RuntimeVersionArn": f"arn:aws:lambda:{region}::runtime:{mark}"}
    if "Environment" in params:
        new["Environment"] = {"Variables": params["Environment"].get("Variables", {})}
    if "EphemeralStorage" in params:
        new["EphemeralStorage"] = params["EphemeralStorage"]
    if "TracingConfig" in params:
        new["TracingConfig"] = {"Mode": params["TracingConfig"].get("Mode", "PassThrough")}
    if "LoggingConfig" in params:
        new["LoggingConfig"] = _logging({**old["LoggingConfig"], **params["LoggingConfig"]})
    return new


def _logging(config: Document) -> Document:
    """Levels belong to the JSON format only."""
    levels = {"ApplicationLogLevel", "SystemLogLevel"}
    if config["LogFormat"] == "JSON":
        return {**dict.fromkeys(sorted(levels), "INFO"), **config}
    return {member: value for member, value in config.items() if member not in levels}


async def get_function(call: Call) -> Document:
    target = call.target()
    record = call.record(target, f":{target.qualifier}" if target.qualifier else "")
    found = resolve(record, target)
    answer: Document = {
        "Configuration": configuration(found, target.full_arn),
        "Code": {
            "RepositoryType": "S3",
            "Location": f"{call.parts.service_url().rstrip('/')}/_code/{sha_hex(found)}.zip",
        },
    }
    if record.tags:
        answer["Tags"] = record.tags
    if record.reserved is not None:
        answer["Concurrency"] = {"ReservedConcurrentExecutions": record.reserved}
    return answer


async def get_function_configuration(call: Call) -> Document:
    target = call.target()
    record = call.record(target, f":{target.qualifier}" if target.qualifier else "")
    found = resolve(record, target)
    return configuration(found, target.full_arn)


async def list_functions(call: Call) -> Document:
    records = call.store.records(call.request.region)
    if call.params.get("MasterRegion") not in (None, "ALL", call.request.region):
        records = []  # no function here is a Lambda@Edge replica
    every = call.params.get("FunctionVersion") == "ALL"
    rows = [(record, version) for record in records for version in (all_versions(record) if every else [record.latest])]
    shown, more = page(rows, call.params, lambda row: f"{row[0].name}:{row[1]['Version']}")
    arns = [f"{record.arn}:{version['Version']}" if every else record.arn for record, version in shown]
    return {"Functions": [listed(version, arn) for (_, version), arn in zip(shown, arns, strict=True)], **more}


async def update_function_configuration(call: Call) -> Document:
    target, params = call.target().unqualified(), call.params
    record = call.record(target)
    check_supported(params)
    if "Runtime" in params:
        check_runtime(params["Runtime"], call.parts.as_of, updating=True)
    check_environment(params.get("Environment", {}).get("Variables", {}))
    call.check_revision(record.latest)
    refuse_while_busy(record)
    if "Role" in params:
        await check_role(call, params["Role"])
        refuse_while_busy(call.record(target))
    layers = await used_layers(call)
    with call.store.hold(layers.get("_opt", "")):
        await check_unzipped(call, {**record.latest, **layers})
        refuse_while_busy(call.record(target))
        return begin_update(call, record, {**changed_members(record.latest, params, call.request.region), **layers})


def begin_update(call: Call, record: Record, changes: Document, publishing: bool = False) -> Document:
    """Changes $LATEST and lets it settle, the old one serving until then. Returns what the caller sees."""
    old = record.latest
    new = {**old, **changes, **UPDATING, "LastModified": aws_time(), "RevisionId": new_revision()}
    record.latest = _without_none(new)
    record.serving = old
    shown, arn = record.latest, record.arn
    if publishing:
        shown = publish(record, pending=True)
        arn = f"{record.arn}:{shown['Version']}"
    call.store.save(record)
    call.parts.begin_transition(record)
    return configuration(copy.deepcopy(shown), arn)


def _without_none(configuration: Document) -> Document:
    """A function without layers says nothing of them."""
    return {member: value for member, value in configuration.items() if value or member not in ("Layers", "_opt")}


async def delete_function(call: Call) -> Document:
    target = call.target()
    qualifier = target.qualifier
    if qualifier == LATEST:
        raise invalid("$LATEST version cannot be deleted without deleting the function.")
    if qualifier is not None and is_alias_name(qualifier):
        raise invalid("Deletion of aliases is not currently supported.")
    if qualifier is not None and not qualifier.isdigit():
        raise not_built(f"deleting the qualifier {qualifier}")
    record = call.record(target)
    if qualifier is None:
        call.store.delete(record.region, record.name)
    else:
        _delete_version(call, record, qualifier)
    await asyncio.shield(call.parts.retire(record, qualifier))
    return {"StatusCode": 204}


def _delete_version(call: Call, record: Record, version: str) -> None:
    """A version that is not there is no error (recorded)."""
    users = [
        name
        for name, alias in record.aliases.items()
        if version == alias["FunctionVersion"] or version in alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
    ]
    if users:
        raise conflict(f"Unable to delete version because the following aliases reference it: [{', '.join(users)}]")
    if record.versions.pop(version, None) is not None:
        record.event_invoke.pop(version, None)
        follow(call.parts, record)
        call.store.save(record)

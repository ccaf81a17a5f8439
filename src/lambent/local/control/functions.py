"""Functions: create, get, list, delete."""

from __future__ import annotations

import asyncio
import copy

from lambent.local.control.code import fetch_code, store_code
from lambent.local.control.configuration import (
    listed_configuration,
    new_configuration,
    shown_configuration,
    without_empty_layers,
)
from lambent.local.control.configuration_rules import (
    check_environment,
    check_role,
    check_runtime,
    check_supported,
    check_tags,
)
from lambent.local.control.context import RequestContext
from lambent.local.control.faults import conflict, invalid, not_supported
from lambent.local.control.function_layers import attached_layers, check_unzipped_size
from lambent.local.control.pagination import page
from lambent.local.control.provisioned_configs import apply_provisioned, remove_unpublished
from lambent.local.control.reference import FunctionReference, is_alias_name, resolve
from lambent.local.control.versions import all_versions, publish
from lambent.local.store import LATEST, Document, Record, sha_hex

MANDATORY = "Runtime and Handler are mandatory parameters for functions created with deployment packages."


async def create_function(context: RequestContext) -> Document:
    reference, params = context.reference().require_unqualified(), context.params
    check_supported(params)
    if not params.get("Runtime") or not params.get("Handler"):
        raise invalid(MANDATORY)
    check_runtime(params["Runtime"], context.backend.as_of)
    check_environment(params.get("Environment", {}).get("Variables", {}))
    check_tags(params.get("Tags", {}))
    _refuse_existing(context, reference)
    await check_role(context, params["Role"])
    layers = await attached_layers(context)
    code = await fetch_code(context, params["Code"])
    with context.store.code.hold(code.sha), context.store.code.hold(layers.get("_opt", "")):
        await store_code(context, code)
        await check_unzipped_size(context, {**layers, **code.members()})
        _refuse_existing(context, reference)  # another request may have been faster while this one waited
        latest = {
            **new_configuration(reference, params, context.region),
            **without_empty_layers(layers),
            **code.members(),
        }
        record = Record(context.region, context.account, reference.name, reference.arn, latest)
        record.tags = dict(params.get("Tags", {}))
        configuration = publish(record, pending=True) if params.get("Publish") else latest
        context.store.save(record)
    context.backend.begin_transition(record)
    return shown_configuration(copy.deepcopy(configuration), reference.arn)  # recorded: without ":1" even when published


def _refuse_existing(context: RequestContext, reference: FunctionReference) -> None:
    if context.find_record(reference) is not None:
        raise conflict(f"Function already exist: {reference.name}")


async def get_function(context: RequestContext) -> Document:
    record, configuration, arn = _find(context)
    members: Document = {
        "Configuration": shown_configuration(configuration, arn),
        "Code": {
            "RepositoryType": "S3",
            "Location": f"{context.backend.service_url}/_code/{sha_hex(configuration)}.zip",
        },
    }
    if record.tags:
        members["Tags"] = record.tags
    if record.reserved is not None:
        members["Concurrency"] = {"ReservedConcurrentExecutions": record.reserved}
    return members


async def get_function_configuration(context: RequestContext) -> Document:
    _, configuration, arn = _find(context)
    return shown_configuration(configuration, arn)


def _find(context: RequestContext) -> tuple[Record, Document, str]:
    """Return the function's record, the configuration that the request refers to, and its ARN."""
    reference = context.reference()
    record = context.record(reference, f":{reference.qualifier}" if reference.qualifier else "")
    return record, resolve(record, reference), reference.qualified_arn


async def list_functions(context: RequestContext) -> Document:
    records = context.store.records(context.region)
    if context.params.get("MasterRegion") not in (None, "ALL", context.region):
        records = []  # no function here is a Lambda@Edge replica
    all_of_them = context.params.get("FunctionVersion") == "ALL"
    rows = [(record, version) for record in records for version in (all_versions(record) if all_of_them else [record.latest])]
    page_rows, more = page(rows, context.params, lambda row: f"{row[0].name}:{row[1]['Version']}")
    arns = [f"{record.arn}:{version['Version']}" if all_of_them else record.arn for record, version in page_rows]
    functions = [listed_configuration(version, arn) for (_, version), arn in zip(page_rows, arns, strict=True)]
    return {"Functions": functions, **more}


async def delete_function(context: RequestContext) -> Document:
    reference = context.reference()
    qualifier = reference.qualifier
    if qualifier == LATEST:
        raise invalid("$LATEST version cannot be deleted without deleting the function.")
    if qualifier is not None and is_alias_name(qualifier):
        raise invalid("Deletion of aliases is not currently supported.")
    if qualifier is not None and not qualifier.isdigit():
        raise not_supported(f"deleting the qualifier {qualifier}")
    record = context.record(reference)
    if qualifier is None:
        context.store.delete(record.region, record.name)
    else:
        _delete_version(context, record, qualifier)
    await asyncio.shield(context.backend.retire(record, qualifier))
    return {"StatusCode": 204}


def _delete_version(context: RequestContext, record: Record, version: str) -> None:
    """Delete a version. One that doesn't exist is no error (recorded)."""
    aliases = [
        name
        for name, alias in record.aliases.items()
        if version == alias["FunctionVersion"] or version in alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
    ]
    if aliases:
        raise conflict(f"Unable to delete version because the following aliases reference it: [{', '.join(aliases)}]")
    if record.versions.pop(version, None) is not None:
        record.event_invoke.pop(version, None)
        remove_unpublished(record)
        context.store.save(record)
        apply_provisioned(context.backend, record)

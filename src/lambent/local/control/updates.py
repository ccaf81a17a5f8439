"""UpdateFunctionCode and UpdateFunctionConfiguration."""

from __future__ import annotations

import copy

from lambent.local.control.code import fetch_code, store_code
from lambent.local.control.configuration import (
    UPDATING,
    aws_timestamp,
    changed_members,
    shown_configuration,
    without_empty_layers,
)
from lambent.local.control.configuration_rules import (
    check_environment,
    check_role,
    check_runtime,
    check_settled,
    check_supported,
)
from lambent.local.control.context import RequestContext
from lambent.local.control.faults import invalid, not_supported
from lambent.local.control.function_layers import attached_layers, check_unzipped_size
from lambent.local.control.versions import publish
from lambent.local.store import Document, Record, new_revision


async def update_function_code(context: RequestContext) -> Document:
    """Replace the code of $LATEST. `DryRun` checks everything and changes nothing."""
    reference, params = context.reference().require_unqualified(), context.params
    record = context.record(reference)
    if params.get("ImageUri"):
        raise invalid("Please don't provide ImageUri when updating a function with packageType Zip.")
    if params.get("PublishTo"):
        raise not_supported("PublishTo")
    check_runtime(record.latest["Runtime"], context.backend.as_of, updating=True)
    context.check_revision(record.latest)
    check_settled(record)
    code = await fetch_code(context, params)
    with context.store.code.hold(code.sha):
        await store_code(context, code)
        record = context.record(reference)  # another request may have deleted or updated it in the meantime
        context.check_revision(record.latest)
        check_settled(record)
        changes: Document = code.members()
        await check_unzipped_size(context, {**record.latest, **changes})
        if "Architectures" in params:
            changes["Architectures"] = params["Architectures"]
        if params.get("DryRun"):
            return shown_configuration({**record.latest, **changes}, reference.arn)
        return _begin_update(context, record, changes, bool(params.get("Publish")))


async def update_function_configuration(context: RequestContext) -> Document:
    reference, params = context.reference().require_unqualified(), context.params
    record = context.record(reference)
    check_supported(params)
    if "Runtime" in params:
        check_runtime(params["Runtime"], context.backend.as_of, updating=True)
    check_environment(params.get("Environment", {}).get("Variables", {}))
    context.check_revision(record.latest)
    check_settled(record)
    if "Role" in params:
        await check_role(context, params["Role"])
        check_settled(context.record(reference))
    layers = await attached_layers(context)
    with context.store.code.hold(layers.get("_opt", "")):
        await check_unzipped_size(context, {**record.latest, **layers})
        check_settled(context.record(reference))
        return _begin_update(context, record, {**changed_members(record.latest, params, context.region), **layers})


def _begin_update(context: RequestContext, record: Record, changes: Document, publishing: bool = False) -> Document:
    """Change $LATEST and let it settle; the old configuration serves until then. Return what the caller gets."""
    previous = record.latest
    latest = {**previous, **changes, **UPDATING, "LastModified": aws_timestamp(), "RevisionId": new_revision()}
    record.latest = without_empty_layers(latest)
    record.serving = previous
    configuration, arn = record.latest, record.arn
    if publishing:
        configuration = publish(record, pending=True)
        arn = f"{record.arn}:{configuration['Version']}"
    context.store.save(record)
    context.backend.begin_transition(record)
    return shown_configuration(copy.deepcopy(configuration), arn)

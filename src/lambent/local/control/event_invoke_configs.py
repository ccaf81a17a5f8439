"""Settings for asynchronous events of $LATEST, a version or an alias: how often and for how long Lambda retries them."""

from __future__ import annotations

import time

from lambent.local.control.context import RequestContext
from lambent.local.control.faults import invalid, missing, not_supported
from lambent.local.control.pagination import page
from lambent.local.control.reference import FunctionReference
from lambent.local.store import LATEST, Document, NotFound, Record

NO_FUNCTION = "The function doesn't exist."
SETTINGS = ("MaximumRetryAttempts", "MaximumEventAgeInSeconds")
NO_DESTINATIONS: Document = {"OnSuccess": {}, "OnFailure": {}}


async def put_function_event_invoke_config(context: RequestContext) -> Document:
    """Replace the configuration."""
    _check_settings(context)
    reference, record = _find_existing(context)
    return _save(context, reference, record, {})


async def update_function_event_invoke_config(context: RequestContext) -> Document:
    """Change the settings in the request and keep the others."""
    _check_settings(context)
    reference, record = _find_existing(context)
    return _save(context, reference, record, _config(reference, record))


async def get_function_event_invoke_config(context: RequestContext) -> Document:
    reference = context.reference()
    return _shown(reference.arn, _qualifier(reference), _config(reference, context.find_record(reference)))


async def delete_function_event_invoke_config(context: RequestContext) -> None:
    reference = context.reference()
    record = context.find_record(reference)
    _config(reference, record)
    assert record is not None
    del record.event_invoke[_qualifier(reference)]
    context.store.save(record)


async def list_function_event_invoke_configs(context: RequestContext) -> Document:
    reference = context.reference().require_unqualified()
    record = context.find_record(reference)
    if record is None:
        raise missing(NO_FUNCTION)
    qualifiers, more = page(sorted(record.event_invoke), context.params, str)
    configs = [_shown(reference.arn, qualifier, record.event_invoke[qualifier]) for qualifier in qualifiers]
    return {"FunctionEventInvokeConfigs": configs, **more}


def _check_settings(context: RequestContext) -> None:
    if not any(member in context.params for member in (*SETTINGS, "DestinationConfig")):
        raise invalid("You must specify at least one of error handling or destination setting.")
    arn = context.reference().arn
    for side in context.params.get("DestinationConfig", {}).values():
        if destination := side.get("Destination"):
            if destination == arn or destination.startswith(f"{arn}:"):
                raise invalid("You can't specify the function as a destination for itself.")
            raise not_supported("destinations of asynchronous events (DestinationConfig)")


def _find_existing(context: RequestContext) -> tuple[FunctionReference, Record]:
    reference = context.reference()
    record = context.find_record(reference)
    try:
        if record is not None:
            record.configuration(reference.key)
            return reference, record
    except NotFound:
        pass
    raise missing(NO_FUNCTION)


def _save(context: RequestContext, reference: FunctionReference, record: Record, current: Document) -> Document:
    changes = {member: context.params[member] for member in SETTINGS if member in context.params}
    config = record.event_invoke[_qualifier(reference)] = {**current, **changes, "LastModified": time.time()}
    context.store.save(record)
    return _shown(reference.arn, _qualifier(reference), config)


def _config(reference: FunctionReference, record: Record | None) -> Document:
    qualifier = _qualifier(reference)
    if record is None or qualifier not in record.event_invoke:
        raise missing(f"The function {reference.arn}:{qualifier} doesn't have an EventInvokeConfig")
    return record.event_invoke[qualifier]


def _qualifier(reference: FunctionReference) -> str:
    return reference.key or LATEST


def _shown(arn: str, qualifier: str, config: Document) -> Document:
    return {**config, "FunctionArn": f"{arn}:{qualifier}", "DestinationConfig": NO_DESTINATIONS}

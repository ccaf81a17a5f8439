"""How asynchronous events are tried: how often, and for how long. Of $LATEST, a version or an alias."""

from __future__ import annotations

import time
from collections.abc import Iterator

from lambent.local.control.configuration import page
from lambent.local.control.context import Call
from lambent.local.control.faults import invalid, missing, not_built
from lambent.local.control.reference import Target
from lambent.local.store import LATEST, Document, NotFound, Record

NO_FUNCTION = "The function doesn't exist."
SETTINGS = ("MaximumRetryAttempts", "MaximumEventAgeInSeconds")
NO_DESTINATIONS: Document = {"OnSuccess": {}, "OnFailure": {}}


async def put_function_event_invoke_config(call: Call) -> Document:
    """Takes the place of what there was."""
    _check(call)
    target, record = _found(call)
    return _keep(call, target, record, {})


async def update_function_event_invoke_config(call: Call) -> Document:
    """Changes what is said and leaves the rest."""
    _check(call)
    target, record = _found(call)
    return _keep(call, target, record, _config(target, record))


async def get_function_event_invoke_config(call: Call) -> Document:
    target = call.target()
    return _shown(target.arn, _qualifier(target), _config(target, call.find(target)))


async def delete_function_event_invoke_config(call: Call) -> None:
    target = call.target()
    record = call.find(target)
    _config(target, record)
    assert record is not None
    del record.event_invoke[_qualifier(target)]
    call.store.save(record)


async def list_function_event_invoke_configs(call: Call) -> Document:
    target = call.target().unqualified()
    record = call.find(target)
    if record is None:
        raise missing(NO_FUNCTION)
    shown, more = page(sorted(record.event_invoke), call.params, str)
    return {"FunctionEventInvokeConfigs": [_shown(target.arn, each, record.event_invoke[each]) for each in shown], **more}


def _check(call: Call) -> None:
    if not any(member in call.params for member in (*SETTINGS, "DestinationConfig")):
        raise invalid("You must specify at least one of error handling or destination setting.")
    arn = call.target().arn
    for destination in _destinations(call.params.get("DestinationConfig", {})):
        if destination == arn or destination.startswith(f"{arn}:"):
            raise invalid("You can't specify the function as a destination for itself.")
        raise not_built("destinations of asynchronous events (DestinationConfig)")


def _destinations(config: Document) -> Iterator[str]:
    yield from (side["Destination"] for side in config.values() if side.get("Destination"))


def _found(call: Call) -> tuple[Target, Record]:
    target = call.target()
    record = call.find(target)
    try:
        if record is not None:
            record.configuration(target.key)
            return target, record
    except NotFound:
        pass
    raise missing(NO_FUNCTION)


def _keep(call: Call, target: Target, record: Record, old: Document) -> Document:
    told = {member: call.params[member] for member in SETTINGS if member in call.params}
    new = record.event_invoke[_qualifier(target)] = {**old, **told, "LastModified": time.time()}
    call.store.save(record)
    return _shown(target.arn, _qualifier(target), new)


def _config(target: Target, record: Record | None) -> Document:
    qualifier = _qualifier(target)
    if record is None or qualifier not in record.event_invoke:
        raise missing(f"The function {target.arn}:{qualifier} doesn't have an EventInvokeConfig")
    return record.event_invoke[qualifier]


def _qualifier(target: Target) -> str:
    return target.key or LATEST


def _shown(arn: str, qualifier: str, config: Document) -> Document:
    return {**config, "FunctionArn": f"{arn}:{qualifier}", "DestinationConfig": NO_DESTINATIONS}

"""Provisioned concurrency, of a published version or of an alias."""

from __future__ import annotations

from lambent.local.control.account import UNRESERVED_MIN, unreserved
from lambent.local.control.configuration import page
from lambent.local.control.context import Call, Parts, aws_time, resolve
from lambent.local.control.faults import Fault, conflict, invalid, missing
from lambent.local.control.reference import Target, is_alias_name
from lambent.local.engine.invocation import Function
from lambent.local.store import LATEST, Document, NotFound, Record

UNPUBLISHED = "Provisioned Concurrency Configs cannot be applied to unpublished function versions."
NOT_LATEST = "The function resource provided must be an alias or a published version."


async def put_provisioned_concurrency_config(call: Call) -> Document:
    target, record, count = *_found(call, UNPUBLISHED), call.params["ProvisionedConcurrentExecutions"]
    qualifier = target.key
    _refuse_twice(record, qualifier)
    _check_room(call, record, count, record.provisions(but=qualifier))
    record.provisioned[qualifier] = {"count": count, "modified": aws_time()}
    call.store.save(record)
    follow(call.parts, record)
    return {**_shown(call.parts, record, qualifier), **_NOTHING_YET}


_NOTHING_YET = {
    "AllocatedProvisionedConcurrentExecutions": 0,
    "AvailableProvisionedConcurrentExecutions": 0,
    "Status": "IN_PROGRESS",
}
"""Recorded: what the answer to Put says, whatever there is already."""


async def get_provisioned_concurrency_config(call: Call) -> Document:
    target, record = _found(call, NOT_LATEST)
    if target.key not in record.provisioned:
        none = "No Provisioned Concurrency Config found for this function"
        raise Fault("ProvisionedConcurrencyConfigNotFoundException", none)
    return _shown(call.parts, record, target.key)


async def delete_provisioned_concurrency_config(call: Call) -> None:
    """Deleting what is not there is no error."""
    target, record = _found(call, NOT_LATEST)
    if record.provisioned.pop(target.key, None) is not None:
        call.store.save(record)
        follow(call.parts, record)


async def list_provisioned_concurrency_configs(call: Call) -> Document:
    record = call.record(call.target().unqualified())
    shown, more = page(sorted(record.provisioned), call.params, str)
    configs = [{"FunctionArn": f"{record.arn}:{each}", **_shown(call.parts, record, each)} for each in shown]
    return {"ProvisionedConcurrencyConfigs": configs, **more}


def follow(parts: Parts, record: Record) -> None:
    """Has the engine do what the record says: after a change of it, or of what an alias means; or at the start."""
    wanted: dict[Function, int] = {}
    for qualifier in [each for each in record.provisioned if not _is_there(record, each)]:
        del record.provisioned[qualifier]  # the alias or version was deleted
    for qualifier, config in record.provisioned.items():
        function = _function(parts, record, qualifier)
        wanted[function] = wanted.get(function, 0) + config["count"]
    known = parts.provisioned.get(record.arn, {})
    for function in known.keys() - wanted.keys():
        parts.engine.provision(function, 0)
    for function, count in wanted.items():
        # A wish that has failed is made anew by asking again.
        if known.get(function) != count or parts.engine.provisioned(function).status == "FAILED":
            parts.engine.provision(function, count)
    parts.provisioned[record.arn] = wanted


def _found(call: Call, of_latest: str) -> tuple[Target, Record]:
    """The alias or version that is meant. Raises Fault as recorded."""
    target = call.target()
    if target.qualifier in (None, LATEST):
        raise invalid(of_latest)
    record, qualifier = call.find(target), str(target.qualifier)
    if is_alias_name(qualifier) and (record is None or qualifier not in record.aliases):
        raise missing(f"Cannot find alias arn: {target.full_arn}")
    record = call.record(target, f":{qualifier}")
    resolve(record, target)
    return target, record


def _check_room(call: Call, record: Record, count: int, others: int) -> None:
    """What is provisioned comes out of the function's reservation, or else out of the account's concurrency."""
    if record.reserved is not None:
        if count + others > record.reserved:
            told = "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function"
            raise invalid(told)
        return
    left = unreserved(call, record.name) - others
    if count > left:
        raise invalid(f"Specified ConcurrentExecutions for function is greater than account's unreserved concurrency [{left}].")
    if left - count < UNRESERVED_MIN:
        lead = "Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution"
        raise invalid(f"{lead} below its minimum value of [{UNRESERVED_MIN}].")


def _refuse_twice(record: Record, qualifier: str) -> None:
    """A version is provisioned by itself or through one alias."""
    others = {
        each for each in record.provisioned if each != qualifier and _version(record, each) == _version(record, qualifier)
    }
    if qualifier in record.aliases and others:
        told = "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version"
        raise conflict(told)
    if others:
        raise conflict("Version is pointed by a Provisioned Concurrency alias")


def _is_there(record: Record, qualifier: str) -> bool:
    try:
        return _version(record, qualifier) != LATEST
    except NotFound:
        return False


def _version(record: Record, qualifier: str) -> str:
    return str(record.configuration(qualifier)["Version"])


def _function(parts: Parts, record: Record, qualifier: str) -> Function:
    return parts.store.route(record.region, record.name, _version(record, qualifier))


def _shown(parts: Parts, record: Record, qualifier: str) -> Document:
    config, state = record.provisioned[qualifier], parts.engine.provisioned(_function(parts, record, qualifier))
    ready, reason = min(state.ready, config["count"]), {"StatusReason": state.reason} if state.reason else {}
    return {
        "RequestedProvisionedConcurrentExecutions": config["count"],
        "AvailableProvisionedConcurrentExecutions": ready,
        "AllocatedProvisionedConcurrentExecutions": ready,
        "Status": state.status,
        **reason,
        "LastModified": config["modified"],
    }

"""Provisioned concurrency of published versions and aliases."""

from __future__ import annotations

from lambent.local.control.backend import Backend
from lambent.local.control.configuration import aws_timestamp
from lambent.local.control.context import RequestContext
from lambent.local.control.faults import Fault, conflict, invalid, missing
from lambent.local.control.pagination import page
from lambent.local.control.reference import FunctionReference, is_alias_name, resolve
from lambent.local.control.reserved_concurrency import UNRESERVED_MIN, unreserved
from lambent.local.engine.invocation import Function
from lambent.local.store import LATEST, Document, NotFound, Record

UNPUBLISHED = "Provisioned Concurrency Configs cannot be applied to unpublished function versions."
NOT_LATEST = "The function resource provided must be an alias or a published version."
JUST_REQUESTED = {  # recorded: what Put answers, no matter what exists already
    "AllocatedProvisionedConcurrentExecutions": 0,
    "AvailableProvisionedConcurrentExecutions": 0,
    "Status": "IN_PROGRESS",
}


async def put_provisioned_concurrency_config(context: RequestContext) -> Document:
    reference, record = _find_existing(context, UNPUBLISHED)
    qualifier, count = reference.key, context.params["ProvisionedConcurrentExecutions"]
    if not _is_published(record, qualifier):
        raise invalid(UNPUBLISHED)  # an alias of $LATEST
    _refuse_second_config(record, qualifier)
    _check_available(context, record, count, record.provisioned_count(without=qualifier))
    record.provisioned[qualifier] = {"count": count, "modified": aws_timestamp()}
    context.store.save(record)
    apply_provisioned(context.backend, record)
    return {**_shown(context.backend, record, qualifier), **JUST_REQUESTED}


async def get_provisioned_concurrency_config(context: RequestContext) -> Document:
    reference, record = _find_existing(context, NOT_LATEST)
    if reference.key not in record.provisioned:
        text = "No Provisioned Concurrency Config found for this function"
        raise Fault("ProvisionedConcurrencyConfigNotFoundException", text)
    return _shown(context.backend, record, reference.key)


async def delete_provisioned_concurrency_config(context: RequestContext) -> None:
    """Delete a configuration; one that doesn't exist is no error."""
    reference, record = _find_existing(context, NOT_LATEST)
    if record.provisioned.pop(reference.key, None) is not None:
        context.store.save(record)
        apply_provisioned(context.backend, record)


async def list_provisioned_concurrency_configs(context: RequestContext) -> Document:
    record = context.record(context.reference().require_unqualified())
    qualifiers, more = page(sorted(record.provisioned), context.params, str)
    configs = [
        {"FunctionArn": f"{record.arn}:{qualifier}", **_shown(context.backend, record, qualifier)} for qualifier in qualifiers
    ]
    return {"ProvisionedConcurrencyConfigs": configs, **more}


def apply_provisioned(backend: Backend, record: Record) -> None:
    """Have the engine provision what the record says: at the start, and after a change of the record or of an alias in it."""
    requested: dict[Function, int] = {}
    remove_unpublished(record)
    for qualifier, config in record.provisioned.items():
        function = _function(backend, record, qualifier)
        requested[function] = requested.get(function, 0) + config["count"]
    current = backend.provisioned.get(record.arn, {})
    for function in current.keys() - requested.keys():
        backend.engine.provision(function, 0)
    for function, count in requested.items():
        # Requesting it again retries what has failed.
        if current.get(function) != count or backend.engine.provisioned(function).status == "FAILED":
            backend.engine.provision(function, count)
    backend.provisioned[record.arn] = requested


def remove_unpublished(record: Record) -> None:
    """Remove what is provisioned for an alias or version that was deleted."""
    for qualifier in [qualifier for qualifier in record.provisioned if not _is_published(record, qualifier)]:
        del record.provisioned[qualifier]


def _find_existing(context: RequestContext, refusal_of_latest: str) -> tuple[FunctionReference, Record]:
    """Return the alias or version of the request and its record. Raises Fault as recorded."""
    reference = context.reference()
    if reference.qualifier in (None, LATEST):
        raise invalid(refusal_of_latest)
    record, qualifier = context.find_record(reference), str(reference.qualifier)
    if is_alias_name(qualifier) and (record is None or qualifier not in record.aliases):
        raise missing(f"Cannot find alias arn: {reference.qualified_arn}")
    record = context.record(reference, f":{qualifier}")
    resolve(record, reference)
    return reference, record


def _check_available(context: RequestContext, record: Record, count: int, provisioned: int) -> None:
    """Refuse more than the function's reservation holds, or else the account. `provisioned` is that of other qualifiers."""
    if record.reserved is not None:
        if count + provisioned > record.reserved:
            text = "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function"
            raise invalid(text)
        return
    available = unreserved(context, record.name) - provisioned
    if count > available:
        lead = "Specified ConcurrentExecutions for function is greater than account's unreserved concurrency"
        raise invalid(f"{lead} [{available}].")
    if available - count < UNRESERVED_MIN:
        lead = "Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution"
        raise invalid(f"{lead} below its minimum value of [{UNRESERVED_MIN}].")


def _refuse_second_config(record: Record, qualifier: str) -> None:
    """Refuse to provision a version twice: AWS allows it by number or through one alias."""
    version = _version(record, qualifier)
    if not any(other != qualifier and _version(record, other) == version for other in record.provisioned):
        return
    if qualifier in record.aliases:
        text = "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version"
        raise conflict(text)
    raise conflict("Version is pointed by a Provisioned Concurrency alias")


def _is_published(record: Record, qualifier: str) -> bool:
    try:
        return _version(record, qualifier) != LATEST
    except NotFound:
        return False


def _version(record: Record, qualifier: str) -> str:
    return str(record.configuration(qualifier)["Version"])


def _function(backend: Backend, record: Record, qualifier: str) -> Function:
    return backend.store.route(record.region, record.name, _version(record, qualifier))


def _shown(backend: Backend, record: Record, qualifier: str) -> Document:
    config, state = record.provisioned[qualifier], backend.engine.provisioned(_function(backend, record, qualifier))
    ready, reason = min(state.ready, config["count"]), {"StatusReason": state.reason} if state.reason else {}
    return {
        "RequestedProvisionedConcurrentExecutions": config["count"],
        "AvailableProvisionedConcurrentExecutions": ready,
        "AllocatedProvisionedConcurrentExecutions": ready,
        "Status": state.status,
        **reason,
        "LastModified": config["modified"],
    }

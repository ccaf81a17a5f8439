"""The account's settings, and reserved concurrency."""

from __future__ import annotations

from lambent.limits import UNZIPPED_MAX, ZIP_DIRECT_MAX
from lambent.local.control.context import Call
from lambent.local.control.faults import Fault, invalid
from lambent.local.control.reference import Target
from lambent.local.control.versions import all_versions
from lambent.local.store import Document

CONCURRENCY = 1000  # the default quota, dg:gettingstarted-limits
UNRESERVED_MIN = 100  # dg:lambda-concurrency
CODE_STORAGE = 75 * 1024**3  # dg:gettingstarted-limits


async def get_account_settings(call: Call) -> Document:
    records = call.store.records(call.request.region)
    layers = call.store.layers.of(call.request.region)
    return {
        "AccountLimit": {
            "TotalCodeSize": CODE_STORAGE,
            "CodeSizeUnzipped": UNZIPPED_MAX,
            "CodeSizeZipped": ZIP_DIRECT_MAX,
            "ConcurrentExecutions": CONCURRENCY,
            "UnreservedConcurrentExecutions": unreserved(call),
        },
        "AccountUsage": {
            "TotalCodeSize": sum(version["CodeSize"] for record in records for version in all_versions(record))
            + sum(version["Content"]["CodeSize"] for layer in layers for version in layer.versions.values()),
            "FunctionCount": len(records),
        },
    }


def unreserved(call: Call, but: str = "") -> int:
    """What is left when each function but one has what is reserved or provisioned for it."""
    others = [record for record in call.store.records(call.request.region) if record.name != but]
    taken = [record.provisions() if record.reserved is None else record.reserved for record in others]
    return CONCURRENCY - sum(taken)


async def put_function_concurrency(call: Call) -> Document:
    target: Target = call.target().unqualified()
    record = call.record(target, ":$LATEST")
    wanted: int = call.params["ReservedConcurrentExecutions"]
    if unreserved(call, record.name) - wanted < UNRESERVED_MIN:
        text = "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution "
        minimum = f"below its minimum value of [{UNRESERVED_MIN}]."
        raise Fault("InvalidParameterValueException", text + minimum, typed=False)
    if wanted < (provisioned := record.provisions()):
        told = f" ReservedConcurrentExecutions  {wanted} should not be lower than function's total provisioned concurrency "
        raise invalid(f"{told}[{provisioned}].")  # recorded, the spaces too
    record.reserved = wanted
    call.store.save(record)
    return {"ReservedConcurrentExecutions": wanted}


async def get_function_concurrency(call: Call) -> Document:
    reserved = call.record(call.target().unqualified()).reserved
    return {} if reserved is None else {"ReservedConcurrentExecutions": reserved}


async def delete_function_concurrency(call: Call) -> None:
    record = call.record(call.target().unqualified())
    record.reserved = None
    call.store.save(record)

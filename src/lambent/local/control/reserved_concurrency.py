"""Reserved concurrency of functions, and what remains of the account's."""

from __future__ import annotations

from lambent.local.control.context import RequestContext
from lambent.local.control.faults import Fault, invalid
from lambent.local.store import Document

ACCOUNT_CONCURRENCY = 1000  # the default quota, dg:gettingstarted-limits
UNRESERVED_MIN = 100  # dg:lambda-concurrency


def unreserved(context: RequestContext, excluded: str = "") -> int:
    """Return the concurrency that remains after what is reserved or provisioned for each function but the excluded one."""
    records = [record for record in context.store.records(context.region) if record.name != excluded]
    return ACCOUNT_CONCURRENCY - sum(
        record.provisioned_count() if record.reserved is None else record.reserved for record in records
    )


async def put_function_concurrency(context: RequestContext) -> Document:
    record = context.record(context.reference().require_unqualified(), ":$LATEST")
    requested: int = context.params["ReservedConcurrentExecutions"]
    if unreserved(context, record.name) - requested < UNRESERVED_MIN:
        text = "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution "
        minimum = f"below its minimum value of [{UNRESERVED_MIN}]."
        raise Fault("InvalidParameterValueException", text + minimum, typed=False)
    if requested < (provisioned := record.provisioned_count()):
        text = f" ReservedConcurrentExecutions  {requested} should not be lower than function's total provisioned concurrency "
        raise invalid(f"{text}[{provisioned}].")  # recorded, the spaces too
    record.reserved = requested
    context.store.save(record)
    return {"ReservedConcurrentExecutions": requested}


async def get_function_concurrency(context: RequestContext) -> Document:
    reserved = context.record(context.reference().require_unqualified()).reserved
    return {} if reserved is None else {"ReservedConcurrentExecutions": reserved}


async def delete_function_concurrency(context: RequestContext) -> None:
    record = context.record(context.reference().require_unqualified())
    record.reserved = None
    context.store.save(record)

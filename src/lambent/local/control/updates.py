"""UpdateFunctionCode."""

from __future__ import annotations

from lambent.local.control.code import fetch, keep
from lambent.local.control.configuration import configuration
from lambent.local.control.configuration_rules import check_runtime
from lambent.local.control.context import Call, refuse_while_busy
from lambent.local.control.faults import invalid, not_built
from lambent.local.control.functions import begin_update
from lambent.local.control.layer_versions import check_unzipped
from lambent.local.store import Document


async def update_function_code(call: Call) -> Document:
    """New code for $LATEST. `DryRun` checks everything and changes nothing."""
    target, params = call.target().unqualified(), call.params
    record = call.record(target)
    if params.get("ImageUri"):
        raise invalid("Please don't provide ImageUri when updating a function with packageType Zip.")
    if params.get("PublishTo"):
        raise not_built("PublishTo")
    check_runtime(record.latest["Runtime"], call.parts.as_of, updating=True)
    call.check_revision(record.latest)
    refuse_while_busy(record)
    code = await fetch(call, params)
    with call.store.hold(code.sha):
        await keep(call, code)
        record = call.record(target)  # it may have been deleted or updated while we unpacked
        call.check_revision(record.latest)
        refuse_while_busy(record)
        changes: Document = code.members()
        await check_unzipped(call, {**record.latest, **changes})
        if "Architectures" in params:
            changes["Architectures"] = params["Architectures"]
        if params.get("DryRun"):
            return configuration({**record.latest, **changes}, target.arn)
        return begin_update(call, record, changes, bool(params.get("Publish")))

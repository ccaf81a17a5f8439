"""Tags, on functions only."""

from __future__ import annotations

from lambent.local.control.configuration_rules import check_tags
from lambent.local.control.context import Call
from lambent.local.control.faults import invalid, not_built
from lambent.local.control.reference import Target, parse
from lambent.local.store import Document, new_revision


async def tag_resource(call: Call) -> None:
    target = _target(call)
    if not call.params["Tags"]:
        raise invalid("An error occurred and the request cannot be processed.")
    record = call.record(target)
    tags = {**record.tags, **call.params["Tags"]}
    check_tags(tags)
    record.tags = tags
    record.latest["RevisionId"] = new_revision()  # recorded
    call.store.save(record)


async def untag_resource(call: Call) -> None:
    record = call.record(_target(call))
    record.tags = {key: value for key, value in record.tags.items() if key not in call.params["TagKeys"]}
    record.latest["RevisionId"] = new_revision()
    call.store.save(record)


async def list_tags(call: Call) -> Document:
    return {"Tags": call.record(_target(call)).tags}


def _target(call: Call) -> Target:
    arn = call.params["Resource"]
    if ":function:" not in arn:
        raise not_built("tags on anything but functions")
    target = parse(arn, None, call.request.region, call.request.account)
    if target.qualifier is not None:
        raise invalid("Tags on function aliases and versions are not supported. Please specify a function ARN.")
    return target

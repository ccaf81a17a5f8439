"""Tags of functions."""

from __future__ import annotations

from lambent.local.control.configuration_rules import check_tags
from lambent.local.control.context import RequestContext
from lambent.local.control.faults import invalid, not_supported
from lambent.local.control.reference import FunctionReference, parse_reference
from lambent.local.store import Document, new_revision


async def tag_resource(context: RequestContext) -> None:
    reference = _reference(context)
    if not context.params["Tags"]:
        raise invalid("An error occurred and the request cannot be processed.")
    record = context.record(reference)
    tags = {**record.tags, **context.params["Tags"]}
    check_tags(tags)
    record.tags = tags
    record.latest["RevisionId"] = new_revision()  # recorded
    context.store.save(record)


async def untag_resource(context: RequestContext) -> None:
    record = context.record(_reference(context))
    record.tags = {key: value for key, value in record.tags.items() if key not in context.params["TagKeys"]}
    record.latest["RevisionId"] = new_revision()
    context.store.save(record)


async def list_tags(context: RequestContext) -> Document:
    return {"Tags": context.record(_reference(context)).tags}


def _reference(context: RequestContext) -> FunctionReference:
    arn = context.params["Resource"]
    if ":function:" not in arn:
        raise not_supported("tags on anything but functions")
    reference = parse_reference(arn, None, context.region, context.account)
    if reference.qualifier is not None:
        raise invalid("Tags on function aliases and versions are not supported. Please specify a function ARN.")
    return reference

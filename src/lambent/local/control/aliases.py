"""Aliases: a name for one version, or for two with a weight."""

from __future__ import annotations

from typing import Any

from lambent.local.control.context import RequestContext
from lambent.local.control.faults import conflict, constraint, invalid, missing
from lambent.local.control.pagination import page
from lambent.local.control.provisioned_configs import apply_provisioned, remove_unpublished
from lambent.local.control.reference import FunctionReference
from lambent.local.store import LATEST, Document, Record, new_revision


async def create_alias(context: RequestContext) -> Document:
    reference, name = context.reference().require_unqualified(), context.params["Name"]
    record = context.record(reference)
    version = context.params["FunctionVersion"]
    _check_version(record, version)
    weights = _checked_weights(record, version, context.params.get("RoutingConfig", {}))
    if name in record.aliases:
        raise conflict(f"Alias already exists: {reference.arn}:{name}")
    record.aliases[name] = _alias(reference, name, version, context.params.get("Description", ""), weights)
    context.store.save(record)
    return record.aliases[name]


async def get_alias(context: RequestContext) -> Document:
    reference, name = context.reference().require_unqualified(), context.params["Name"]
    record = context.record(reference)
    if name not in record.aliases:
        raise missing(f"Cannot find alias arn: {reference.arn}:{name}")
    return record.aliases[name]


async def update_alias(context: RequestContext) -> Document:
    reference, name = context.reference().require_unqualified(), context.params["Name"]
    record = context.record(reference)
    if name not in record.aliases:
        raise missing(f"Alias not found: {reference.arn}:{name}")
    current = record.aliases[name]
    context.check_revision(current)
    changed = {**current, **context.params}
    version = changed["FunctionVersion"]
    _check_version(record, version)
    weights = _checked_weights(record, version, changed.get("RoutingConfig", {}))
    record.aliases[name] = _alias(reference, name, version, changed["Description"], weights)
    context.store.save(record)
    apply_provisioned(context.backend, record)
    return record.aliases[name]


async def delete_alias(context: RequestContext) -> None:
    """Delete an alias; one that doesn't exist is no error. Its policy and URL stay, as on AWS; the URL then answers 403."""
    record = context.record(context.reference().require_unqualified())
    if record.aliases.pop(context.params["Name"], None) is not None:
        record.event_invoke.pop(context.params["Name"], None)
        remove_unpublished(record)
        context.store.save(record)
        apply_provisioned(context.backend, record)


async def list_aliases(context: RequestContext) -> Document:
    record = context.record(context.reference().require_unqualified())
    version = context.params.get("FunctionVersion")
    aliases = [alias for _, alias in sorted(record.aliases.items()) if version in (None, alias["FunctionVersion"])]
    page_aliases, more = page(aliases, context.params, lambda alias: str(alias["Name"]))
    return {"Aliases": page_aliases, **more}


def _alias(reference: FunctionReference, name: str, version: str, description: str, weights: dict[str, float]) -> Document:
    alias: Document = {
        "AliasArn": f"{reference.arn}:{name}",
        "Name": name,
        "FunctionVersion": version,
        "Description": description,
        "RevisionId": new_revision(),
    }
    return {**alias, "RoutingConfig": {"AdditionalVersionWeights": weights}} if weights else alias


def _check_version(record: Record, version: str) -> None:
    if version != LATEST and version not in record.versions:
        raise missing(f"Function not found: {record.arn}:{version}")


def _checked_weights(record: Record, version: str, routing: dict[str, Any]) -> dict[str, float]:
    """Return the weights of a RoutingConfig. Raises Fault for those that AWS refuses."""
    weights: dict[str, float] = routing.get("AdditionalVersionWeights", {})
    if len(weights) > 1:
        raise invalid("Number of items in AdditionalVersionWeights cannot be greater than 1")
    for other, weight in weights.items():
        if weight >= 1:  # the model allows 1.0, AWS does not
            rules = "Member must have value less than or equal to 1.0, Member must have value greater than or equal to 0.0"
            rule = f"Map value must satisfy constraint: [{rules}, Member must not be null]"
            raise constraint(f"{{{other}={weight}}}", "routingConfig.additionalVersionWeights", rule)
        if other == version:
            reason = "is already included in routing configuration."
            raise invalid(f"Invalid function version {other}. Function version {other} {reason}")
        if version == LATEST:
            raise invalid("$LATEST is not supported for an alias pointing to more than 1 version")
        _check_version(record, other)
    return weights

"""Aliases: a name for a version, or for two of them with a weight."""

from __future__ import annotations

from typing import Any

from lambent.local.control.configuration import page
from lambent.local.control.context import Call
from lambent.local.control.faults import conflict, constraint, invalid, missing
from lambent.local.control.provisioned_configs import follow
from lambent.local.control.reference import Target
from lambent.local.store import LATEST, Document, Record, new_revision


async def create_alias(call: Call) -> Document:
    target, name = call.target().unqualified(), call.params["Name"]
    record = call.record(target)
    version = call.params["FunctionVersion"]
    _check_version(record, version)
    routing = _routing(record, version, call.params.get("RoutingConfig", {}))
    if name in record.aliases:
        raise conflict(f"Alias already exists: {target.arn}:{name}")
    record.aliases[name] = _alias(target, name, version, call.params.get("Description", ""), routing)
    call.store.save(record)
    return record.aliases[name]


async def get_alias(call: Call) -> Document:
    target, name = call.target().unqualified(), call.params["Name"]
    record = call.record(target)
    if name not in record.aliases:
        raise missing(f"Cannot find alias arn: {target.arn}:{name}")
    return record.aliases[name]


async def update_alias(call: Call) -> Document:
    target, name = call.target().unqualified(), call.params["Name"]
    record = call.record(target)
    if name not in record.aliases:
        raise missing(f"Alias not found: {target.arn}:{name}")
    old = record.aliases[name]
    call.check_revision(old)
    new = {**old, **call.params}
    _check_version(record, new["FunctionVersion"])
    routing = _routing(record, new["FunctionVersion"], new.get("RoutingConfig", {}))
    record.aliases[name] = _alias(target, name, new["FunctionVersion"], new["Description"], routing)
    call.store.save(record)
    follow(call.parts, record)
    return record.aliases[name]


async def delete_alias(call: Call) -> None:
    """Deleting what is not there is no error. The alias's policy and URL stay, as on AWS; the URL then answers 403."""
    record = call.record(call.target().unqualified())
    if record.aliases.pop(call.params["Name"], None) is not None:
        record.event_invoke.pop(call.params["Name"], None)
        follow(call.parts, record)
        call.store.save(record)


async def list_aliases(call: Call) -> Document:
    record = call.record(call.target().unqualified())
    version = call.params.get("FunctionVersion")
    aliases = [alias for _, alias in sorted(record.aliases.items()) if version in (None, alias["FunctionVersion"])]
    shown, more = page(aliases, call.params, lambda alias: str(alias["Name"]))
    return {"Aliases": shown, **more}


def _alias(target: Target, name: str, version: str, description: str, routing: dict[str, float]) -> Document:
    alias: Document = {
        "AliasArn": f"{target.arn}:{name}",
        "Name": name,
        "FunctionVersion": version,
        "Description": description,
        "RevisionId": new_revision(),
    }
    return {**alias, "RoutingConfig": {"AdditionalVersionWeights": routing}} if routing else alias


def _check_version(record: Record, version: str) -> None:
    if version != LATEST and version not in record.versions:
        raise missing(f"Function not found: {record.arn}:{version}")


def _routing(record: Record, version: str, config: dict[str, Any]) -> dict[str, float]:
    """The checked weights of a RoutingConfig."""
    weights: dict[str, float] = config.get("AdditionalVersionWeights", {})
    if len(weights) > 1:
        raise invalid("Number of items in AdditionalVersionWeights cannot be greater than 1")
    for other, weight in weights.items():
        if weight >= 1:  # the model allows 1.0, AWS does not
            rules = "Member must have value less than or equal to 1.0, Member must have value greater than or equal to 0.0"
            told = f"Map value must satisfy constraint: [{rules}, Member must not be null]"
            raise constraint(f"{{{other}={weight}}}", "routingConfig.additionalVersionWeights", told)
        if other == version:
            included = "is already included in routing configuration."
            raise invalid(f"Invalid function version {other}. Function version {other} {included}")
        if version == LATEST:
            raise invalid("$LATEST is not supported for an alias pointing to more than 1 version")
        _check_version(record, other)
    return weights

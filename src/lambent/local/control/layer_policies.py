"""Who else may use a version of a layer. Kept and shown; here nobody else is."""

from __future__ import annotations

import json

from lambent.local.control.context import Call
from lambent.local.control.faults import conflict, missing, stale_revision
from lambent.local.control.layer_versions import NOTHING, layer_name, version_number
from lambent.local.layer_store import Layer
from lambent.local.store import Document, new_revision


async def add_layer_version_permission(call: Call) -> Document:
    layer, number, params = *_owner(call), call.params
    statements, sid = layer.policies.get(number, []), params["StatementId"]
    if any(known["Sid"] == sid for known in statements):
        lead = f"The statement id ({sid}) provided already exists. "
        raise conflict(f"{lead}Please provide a new statement id, or remove the existing statement.")
    _check_revision(call, layer, number)
    statement: Document = {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": _principal(params["Principal"]),
        "Action": params["Action"],
        "Resource": f"{layer.arn}:{number}",
    }
    if "OrganizationId" in params:
        statement["Condition"] = {"StringEquals": {"aws:PrincipalOrgID": params["OrganizationId"]}}
    _put(call, layer, number, [*statements, statement])
    return {"Statement": _compact(statement), "RevisionId": layer.revisions[number]}


async def get_layer_version_policy(call: Call) -> Document:
    layer = call.store.layers.get(call.request.region, layer_name(call))
    number = str(version_number(call))
    if layer is None or number not in layer.versions:
        raise missing(NOTHING)
    if not layer.policies.get(number):
        raise missing("No policy is associated with the given resource.")
    policy = {"Version": "2012-10-17", "Id": "default", "Statement": layer.policies[number]}
    return {"Policy": _compact(policy), "RevisionId": layer.revisions[number]}


async def remove_layer_version_permission(call: Call) -> None:
    layer, number = _owner(call)
    _check_revision(call, layer, number)
    sid = call.params["StatementId"]
    kept = [statement for statement in layer.policies.get(number, []) if statement["Sid"] != sid]
    if len(kept) == len(layer.policies.get(number, [])):
        raise missing(f"Statement {sid} is not found in resource policy.")
    _put(call, layer, number, kept)


def _owner(call: Call) -> tuple[Layer, str]:
    name, number = layer_name(call), str(version_number(call))
    layer = call.store.layers.get(call.request.region, name)
    if layer is None or number not in layer.versions:
        arn = f"arn:aws:lambda:{call.request.region}:{call.request.account}:layer:{name}:{number}"
        raise missing(f"Layer version {arn} does not exist.")
    return layer, number


def _check_revision(call: Call, layer: Layer, number: str) -> None:
    given = call.params.get("RevisionId")
    if given and given != layer.revisions.get(number):
        raise stale_revision("GetLayerPolicy")


def _put(call: Call, layer: Layer, number: str, statements: list[Document]) -> None:
    layer.policies[number] = statements
    layer.revisions[number] = new_revision()
    call.store.layers.save(layer)


def _principal(given: str) -> object:
    if given == "*":
        return given
    return {"AWS": f"arn:aws:iam::{given}:root" if given.isdigit() else given}


def _compact(document: Document) -> str:
    return json.dumps(document, separators=(",", ":"))

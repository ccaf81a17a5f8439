"""Who else may use a version of a layer. The policies are stored and shown; there is no other account here."""

from __future__ import annotations

from lambent.local.control.context import RequestContext
from lambent.local.control.faults import missing, stale_revision, statement_exists
from lambent.local.control.layer_versions import NOTHING, layer_name, version_number
from lambent.local.control.permissions import NO_POLICY, compact_json, policy_document
from lambent.local.layer import Layer
from lambent.local.store import Document, new_revision


async def add_layer_version_permission(context: RequestContext) -> Document:
    layer, number, params = *_find_version(context), context.params
    statements, sid = layer.policies.get(number, []), params["StatementId"]
    if any(statement["Sid"] == sid for statement in statements):
        raise statement_exists(sid)
    _check_revision(context, layer, number)
    statement: Document = {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": _principal(params["Principal"]),
        "Action": params["Action"],
        "Resource": f"{layer.arn}:{number}",
    }
    if "OrganizationId" in params:
        statement["Condition"] = {"StringEquals": {"aws:PrincipalOrgID": params["OrganizationId"]}}
    _save_policy(context, layer, number, [*statements, statement])
    return {"Statement": compact_json(statement), "RevisionId": layer.revisions[number]}


async def get_layer_version_policy(context: RequestContext) -> Document:
    layer = context.store.layers.get(context.region, layer_name(context))
    number = str(version_number(context))
    if layer is None or number not in layer.versions:
        raise missing(NOTHING)
    if not layer.policies.get(number):
        raise missing(NO_POLICY)
    return {"Policy": policy_document(layer.policies[number]), "RevisionId": layer.revisions[number]}


async def remove_layer_version_permission(context: RequestContext) -> None:
    layer, number = _find_version(context)
    _check_revision(context, layer, number)
    sid = context.params["StatementId"]
    statements = layer.policies.get(number, [])
    remaining = [statement for statement in statements if statement["Sid"] != sid]
    if len(remaining) == len(statements):
        raise missing(f"Statement {sid} is not found in resource policy.")
    _save_policy(context, layer, number, remaining)


def _find_version(context: RequestContext) -> tuple[Layer, str]:
    name, number = layer_name(context), str(version_number(context))
    layer = context.store.layers.get(context.region, name)
    if layer is None or number not in layer.versions:
        arn = f"arn:aws:lambda:{context.region}:{context.account}:layer:{name}:{number}"
        raise missing(f"Layer version {arn} does not exist.")
    return layer, number


def _check_revision(context: RequestContext, layer: Layer, number: str) -> None:
    revision = context.params.get("RevisionId")
    if revision and revision != layer.revisions.get(number):
        raise stale_revision("GetLayerPolicy")


def _save_policy(context: RequestContext, layer: Layer, number: str, statements: list[Document]) -> None:
    layer.policies[number] = statements
    layer.revisions[number] = new_revision()
    context.store.layers.save(layer)


def _principal(principal: str) -> object:
    if principal == "*":
        return principal
    return {"AWS": f"arn:aws:iam::{principal}:root" if principal.isdigit() else principal}

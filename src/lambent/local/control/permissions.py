"""Resource policies: AddPermission, GetPolicy, RemovePermission. Each qualifier has its own."""

from __future__ import annotations

import json
import re
from typing import Any

from lambent.local.control.context import Call
from lambent.local.control.faults import Fault, conflict, invalid, missing
from lambent.local.control.reference import Target, is_alias_name, is_version
from lambent.local.store import LATEST, Document, NotFound, Record, new_revision

POLICY_MAX = 20480  # bytes of the whole document, dg:gettingstarted-limits
NOTHING = "The resource you requested does not exist."
# (request member, operator, condition key), in the order AWS renders them
CONDITIONS = (
    ("SourceAccount", "StringEquals", "AWS:SourceAccount"),
    ("PrincipalOrgID", "StringEquals", "aws:PrincipalOrgID"),
    ("EventSourceToken", "StringEquals", "lambda:EventSourceToken"),
    ("FunctionUrlAuthType", "StringEquals", "lambda:FunctionUrlAuthType"),
    ("InvokedViaFunctionUrl", "Bool", "lambda:InvokedViaFunctionUrl"),
    ("SourceArn", "ArnLike", "AWS:SourceArn"),
)


async def add_permission(call: Call) -> Document:
    target, params = call.target(), call.params
    if target.qualifier == LATEST:
        raise invalid("We currently do not support adding policies for $LATEST.")
    record = call.record(target)
    owner = _owner(record, target)
    statement = build_statement(params, target.full_arn, call.request.account)
    call.check_revision(owner, "GetPolicy")
    statements = record.policies.get(target.key, [])
    sid = params["StatementId"]
    if any(known["Sid"] == sid for known in statements):
        lead = f"The statement id ({sid}) provided already exists. "
        raise conflict(f"{lead}Please provide a new statement id, or remove the existing statement.")
    size = len(_document([*statements, statement]))
    if size > POLICY_MAX:
        raise Fault("PolicyLengthExceededException", f"The final policy size ({size}) is bigger than the limit ({POLICY_MAX}).")
    record.policies[target.key] = [*statements, statement]
    owner["RevisionId"] = new_revision()
    call.store.save(record)
    return {"Statement": _compact(statement)}


async def get_policy(call: Call) -> Document:
    target = call.target()
    record = call.find(target)
    statements = record.policies.get(target.key) if record else None
    if record is None or not statements:
        raise missing(NOTHING)
    try:
        revision = _owner(record, target)["RevisionId"]
    except Fault:  # a policy outlives its alias, but cannot be asked for without it
        raise missing(NOTHING) from None
    return {"Policy": _document(statements), "RevisionId": revision}


async def remove_permission(call: Call) -> None:
    target, sid = call.target(), call.params["StatementId"]
    record = call.find(target)
    if record is None:
        raise missing(f"No policy found for: {target.arn}")
    owner = _owner(record, target)
    statements = record.policies.get(target.key, [])
    if not statements:
        raise missing("No policy is associated with the given resource.")
    kept = [statement for statement in statements if statement["Sid"] != sid]
    if len(kept) == len(statements):
        raise missing(f"Statement {sid} is not found in resource policy.")
    call.check_revision(owner, "GetPolicy")
    record.policies[target.key] = kept
    owner["RevisionId"] = new_revision()
    call.store.save(record)


def _owner(record: Record, target: Target) -> Document:
    """Whose RevisionId guards this policy: the alias, the version or $LATEST. Raises Fault when it is not there."""
    qualifier = target.key
    if qualifier in record.aliases:
        return record.aliases[qualifier]
    if qualifier and is_alias_name(qualifier):
        raise missing(f"Cannot find alias arn: {target.full_arn}")
    if qualifier and not is_version(qualifier):
        raise missing(f"Function not found: {target.full_arn}")
    try:
        return record.configuration(qualifier)
    except NotFound:
        raise missing(f"Function not found: {target.full_arn}") from None


def build_statement(params: dict[str, Any], resource: str, account: str) -> Document:
    """The policy statement AWS makes of an AddPermission request."""
    statement: Document = {
        "Sid": params["StatementId"],
        "Effect": "Allow",
        "Principal": _principal(params["Principal"]),
        "Action": params["Action"],
        "Resource": resource,
    }
    condition: dict[str, dict[str, str]] = {}
    for member, operator, key in CONDITIONS:
        value = params.get(member)
        if value is not None and value is not False:
            condition.setdefault(operator, {})[key] = "true" if value is True else value
    return {**statement, "Condition": condition} if condition else statement


def _principal(principal: str) -> Any:
    if principal == "*":
        return principal
    if re.fullmatch(r"\d{12}", principal):
        return {"AWS": f"arn:aws:iam::{principal}:root"}
    if re.fullmatch(r"arn:aws[a-zA-Z-]*:(iam|sts)::\d{12}:\S+", principal):
        return {"AWS": principal}
    if re.fullmatch(r"[a-z0-9.-]+\.amazon(aws)?\.com(\.cn)?", principal):
        return {"Service": principal}
    raise invalid("The provided principal was invalid. Please check the principal and try again.")


def _document(statements: list[Document]) -> str:
    return _compact({"Version": "2012-10-17", "Id": "default", "Statement": statements})


def _compact(document: Document) -> str:
    return json.dumps(document, separators=(",", ":"))

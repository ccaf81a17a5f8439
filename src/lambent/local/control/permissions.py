"""Resource policies: AddPermission, GetPolicy, RemovePermission. Each qualifier has its own policy."""

from __future__ import annotations

import json
import re
from typing import Any

from lambent.local.control.context import RequestContext
from lambent.local.control.faults import Fault, invalid, missing, statement_exists
from lambent.local.control.reference import FunctionReference, is_alias_name, is_version
from lambent.local.store import LATEST, Document, NotFound, Record, new_revision

POLICY_MAX = 20480  # bytes of the whole document, dg:gettingstarted-limits
NOTHING = "The resource you requested does not exist."
NO_POLICY = "No policy is associated with the given resource."
# (request member, operator, condition key), in the order in which AWS shows them
CONDITIONS = (
    ("SourceAccount", "StringEquals", "AWS:SourceAccount"),
    ("PrincipalOrgID", "StringEquals", "aws:PrincipalOrgID"),
    ("EventSourceToken", "StringEquals", "lambda:EventSourceToken"),
    ("FunctionUrlAuthType", "StringEquals", "lambda:FunctionUrlAuthType"),
    ("InvokedViaFunctionUrl", "Bool", "lambda:InvokedViaFunctionUrl"),
    ("SourceArn", "ArnLike", "AWS:SourceArn"),
)


async def add_permission(context: RequestContext) -> Document:
    reference, params = context.reference(), context.params
    if reference.qualifier == LATEST:
        raise invalid("We currently do not support adding policies for $LATEST.")
    record = context.record(reference)
    owner = _owner(record, reference)
    statement = build_statement(params, reference.qualified_arn, context.account)
    context.check_revision(owner, "GetPolicy")
    statements = record.policies.get(reference.key, [])
    sid = params["StatementId"]
    if any(other["Sid"] == sid for other in statements):
        raise statement_exists(sid)
    size = len(policy_document([*statements, statement]))
    if size > POLICY_MAX:
        raise Fault("PolicyLengthExceededException", f"The final policy size ({size}) is bigger than the limit ({POLICY_MAX}).")
    record.policies[reference.key] = [*statements, statement]
    owner["RevisionId"] = new_revision()
    context.store.save(record)
    return {"Statement": compact_json(statement)}


async def get_policy(context: RequestContext) -> Document:
    reference = context.reference()
    record = context.find_record(reference)
    statements = record.policies.get(reference.key) if record else None
    if record is None or not statements:
        raise missing(NOTHING)
    try:
        revision = _owner(record, reference)["RevisionId"]
    except Fault:  # a policy outlives its alias, but AWS no longer shows it
        raise missing(NOTHING) from None
    return {"Policy": policy_document(statements), "RevisionId": revision}


async def remove_permission(context: RequestContext) -> None:
    reference, sid = context.reference(), context.params["StatementId"]
    record = context.find_record(reference)
    if record is None:
        raise missing(f"No policy found for: {reference.arn}")
    owner = _owner(record, reference)
    statements = record.policies.get(reference.key, [])
    if not statements:
        raise missing(NO_POLICY)
    remaining = [statement for statement in statements if statement["Sid"] != sid]
    if len(remaining) == len(statements):
        raise missing(f"Statement {sid} is not found in resource policy.")
    context.check_revision(owner, "GetPolicy")
    record.policies[reference.key] = remaining
    owner["RevisionId"] = new_revision()
    context.store.save(record)


def _owner(record: Record, reference: FunctionReference) -> Document:
    """Return the alias, version or $LATEST whose RevisionId guards this policy. Raises Fault if it doesn't exist."""
    qualifier = reference.key
    if qualifier in record.aliases:
        return record.aliases[qualifier]
    if qualifier and is_alias_name(qualifier):
        raise missing(f"Cannot find alias arn: {reference.qualified_arn}")
    if qualifier and not is_version(qualifier):
        raise missing(f"Function not found: {reference.qualified_arn}")
    try:
        return record.configuration(qualifier)
    except NotFound:
        raise missing(f"Function not found: {reference.qualified_arn}") from None


def build_statement(params: dict[str, Any], resource: str, account: str) -> Document:
    """Return the policy statement that AWS creates for an AddPermission request."""
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


def policy_document(statements: list[Document]) -> str:
    return compact_json({"Version": "2012-10-17", "Id": "default", "Statement": statements})


def compact_json(document: Document) -> str:
    return json.dumps(document, separators=(",", ":"))

"""AccessDenied: which statement is missing, and in whose policy. Pure.

AWS's own text says both: "User: ARN is not authorized to perform: ACTION on resource: ARN", and then "because no WHICH policy
allows ..." or "with an explicit deny in a WHICH policy" (IAM User Guide, troubleshoot_access-denied).
"""

from __future__ import annotations

import json
import re
from typing import Any

from lambent.errors import AwsError

POLICY_HINT = "lambent plan --as policy prints everything that deploying this app needs"
_CALL = re.compile(
    r"(?:(?:User|Role): (?P<who>\S+) is not authorized to )?perform: (?P<action>[\w-]+:\w+)(?: on resource: (?P<resource>\S+))?"
)
_DENIED = re.compile(r"with an explicit deny(?: in an? (?P<kind>[\w -]+?) (?:policy|boundary)(?:: (?P<arn>arn:\S+))?)?")
_NOT_ALLOWED = re.compile(r"because no (?P<kind>[\w -]+?) (?:policy|boundary) allows")

_POLICIES = {
    "service control": "a policy of your organisation (SCP)",
    "resource control": "a policy of your organisation (RCP)",
    "permissions": "the permissions boundary of {who}",
    "session": "the session policy that was set when the role was assumed",
    "VPC endpoint": "the policy of the VPC endpoint that the call went through",
    "resource-based": "the policy of the resource itself",
    "identity-based": "a policy of {who}",
}


def translate_denial(code: str, message: str, operation: str, where: str) -> AwsError:
    """Return the error to show when AWS denies permission."""
    match = _CALL.search(message)
    if match is None:
        what = f"these credentials may not call {operation}" + (f": {message}" if message else "")
        return AwsError(what, code=code, operation=operation, where=where, hint=_general_hint(message))
    action, resource = match["action"], (match["resource"] or "*").rstrip(".,")
    caller = match["who"] or "the caller"
    what = f"not allowed: {action} on {resource}"
    return AwsError(what, code=code, operation=operation, where=where, hint=_hint(action, resource, caller, message))


def _hint(action: str, resource: str, caller: str, message: str) -> str:
    needed = json.dumps(statement(action, resource))
    if deny := _DENIED.search(message):
        kind = deny["kind"] or "service control"  # AWS doesn't always say whose; most are these
        policy = _POLICIES.get(kind, f"a {kind} policy").format(who=caller)
        arn = f" ({deny['arn'].rstrip('.,')})" if deny["arn"] else ""
        return f"{policy} forbids it{arn}, and no other policy can allow it: ask its administrator"
    not_allowed = _NOT_ALLOWED.search(message)
    kind = not_allowed["kind"] if not_allowed else "identity-based"
    if kind in ("identity-based", "resource-based"):
        foreign = caller == "the caller" and action.startswith("s3:")
        other_account = "the bucket may belong to another account; if not, " if foreign else ""
        return f"{other_account}add to the policy of {caller}: {needed}\n{POLICY_HINT}"
    policy = _POLICIES.get(kind, f"a {kind} policy").format(who=caller)
    return f"{policy} must allow it too: {needed}"


def statement(action: str, resource: str) -> dict[str, Any]:
    """Return the least statement that allows the action. A role may be passed only to Lambda."""
    allow: dict[str, Any] = {"Effect": "Allow", "Action": action, "Resource": resource}
    if action == "iam:PassRole":
        allow["Condition"] = {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}
    return allow


def _general_hint(message: str) -> str:
    if "Encoded authorization failure message" in message:
        return f"aws sts decode-authorization-message shows the reason; {POLICY_HINT}"
    return f"ask the account's administrator to allow it; {POLICY_HINT}"

"""AccessDenied: the one statement that is missing, and whose policy it is missing in. Pure.

AWS's own text says both: "User: ARN is not authorized to perform: ACTION on resource: ARN", and then "because no WHICH policy
allows ..." or "with an explicit deny in a WHICH policy" (IAM User Guide, troubleshoot_access-denied).
"""

from __future__ import annotations

import json
import re
from typing import Any

from lambent.errors import AwsError

WHOLE = "lambent plan --as policy prints all that deploying this app needs"
_CALL = re.compile(
    r"(?:(?:User|Role): (?P<who>\S+) is not authorized to )?perform: (?P<action>[\w-]+:\w+)(?: on resource: (?P<resource>\S+))?"
)
_DENIED = re.compile(r"with an explicit deny(?: in an? (?P<kind>[\w -]+?) (?:policy|boundary)(?:: (?P<arn>arn:\S+))?)?")
_UNALLOWED = re.compile(r"because no (?P<kind>[\w -]+?) (?:policy|boundary) allows")

_KEEPER = {
    "service control": "a policy of your organisation (SCP)",
    "resource control": "a policy of your organisation (RCP)",
    "permissions": "the permissions boundary of {who}",
    "session": "the session's own policy, which whoever assumed the role gave it",
    "VPC endpoint": "the policy of the VPC endpoint that the call went through",
    "resource-based": "the policy of the resource itself",
    "identity-based": "a policy of {who}",
}


def denied(code: str, message: str, operation: str, where: str) -> AwsError:
    """The error to show for a refusal of permission."""
    found = _CALL.search(message)
    if found is None:
        return AwsError(_unnamed(message, operation), code=code, operation=operation, where=where, hint=_how(message))
    action, resource = found["action"], (found["resource"] or "*").rstrip(".,")
    who = found["who"] or "the caller"
    what = f"not allowed: {action} on {resource}"
    return AwsError(what, code=code, operation=operation, where=where, hint=_hint(action, resource, who, message))


def _hint(action: str, resource: str, who: str, message: str) -> str:
    told = json.dumps(statement(action, resource))
    if deny := _DENIED.search(message):
        kind = deny["kind"] or "service control"  # AWS once did not say whose; most are these
        keeper = _KEEPER.get(kind, f"a {kind} policy").format(who=who)
        exact = f" ({deny['arn'].rstrip('.,')})" if deny["arn"] else ""
        return f"{keeper} forbids it{exact}: no other policy can allow it, ask whoever keeps that one"
    lacking = _UNALLOWED.search(message)
    kind = lacking["kind"] if lacking else "identity-based"
    if kind in ("identity-based", "resource-based"):
        whose = "" if who != "the caller" or not action.startswith("s3:") else "the bucket may be another account's; if not, "
        return f"{whose}add to the policy of {who}: {told}\n{WHOLE}"
    keeper = _KEEPER.get(kind, f"a {kind} policy").format(who=who)
    return f"{keeper} must allow it too: {told}"


def statement(action: str, resource: str) -> dict[str, Any]:
    """The least statement that allows it. A role is passed to Lambda and to nobody else."""
    allows: dict[str, Any] = {"Effect": "Allow", "Action": action, "Resource": resource}
    if action == "iam:PassRole":
        allows["Condition"] = {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}
    return allows


def _unnamed(message: str, operation: str) -> str:
    return f"these credentials may not call {operation}" + (f": {message}" if message else "")


def _how(message: str) -> str:
    if "Encoded authorization failure message" in message:
        return f"aws sts decode-authorization-message tells why; {WHOLE}"
    return f"ask whoever keeps the account to allow it; {WHOLE}"

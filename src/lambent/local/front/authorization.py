"""May this request invoke the function behind its URL? Pure.

Since October 2025 a caller needs permission for two actions, `lambda:InvokeFunctionUrl` and `lambda:InvokeFunction`
(https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html). `lambent.calendar` has the date.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from msgspec import Struct

from lambent.calendar import needs_second_url_statement
from lambent.local.identity_policies import as_list, matches
from lambent.names import INVOKE_STATEMENT, URL_STATEMENT

INVOKE_URL = "lambda:InvokeFunctionUrl"
INVOKE = "lambda:InvokeFunction"

Statement = Mapping[str, Any]


class Caller(Struct, frozen=True):
    """The owner of the access key that signed a request. `permits(action, resource)` evaluates the identity's own policies."""

    access_key: str
    secret: str
    account: str
    arn: str
    user_id: str
    permits: Callable[[str, str], bool]


class AccessRequest(Struct, frozen=True):
    """One request for access. `resource` is the ARN of the function or alias; `caller` is None for an unsigned request."""

    resource: str
    auth_type: str
    account: str
    caller: Caller | None = None


def missing_actions(statements: Sequence[Statement], access: AccessRequest, as_of: date) -> tuple[str, ...]:
    """Return the actions that AWS requires on that day and that are not allowed. Empty: the request may pass."""
    if access.auth_type == "AWS_IAM" and access.caller is None:
        return (INVOKE_URL,)
    needed = (INVOKE_URL, INVOKE) if needs_second_url_statement(as_of) else (INVOKE_URL,)
    return tuple(action for action in needed if not _allowed(statements, access, action))


def commands(missing: Iterable[str], function: str, qualifier: str, region: str, endpoint: str) -> list[str]:
    """Return the `aws` commands that allow the missing actions of an AuthType NONE URL, one for each."""
    command_lines = []
    for action in missing:
        words = ["aws", "lambda", "add-permission", "--function-name", function]
        words += ["--qualifier", qualifier] if qualifier else []
        words += ["--statement-id", URL_STATEMENT if action == INVOKE_URL else INVOKE_STATEMENT]
        words += ["--action", action, "--principal", "*"]
        words += ["--function-url-auth-type", "NONE"] if action == INVOKE_URL else ["--invoked-via-function-url"]
        words += ["--region", region, "--endpoint-url", endpoint]
        command_lines.append(shlex.join(words))
    return command_lines


def _allowed(statements: Sequence[Statement], access: AccessRequest, action: str) -> bool:
    effects = {statement.get("Effect") for statement in statements if _applies(statement, access, action)}
    if "Deny" in effects:
        return False
    by_policy = "Allow" in effects
    caller = access.caller
    if access.auth_type != "AWS_IAM" or caller is None:
        return by_policy
    by_identity = caller.permits(action, access.resource)
    return (by_policy or by_identity) if caller.account == access.account else (by_policy and by_identity)


def _applies(statement: Statement, access: AccessRequest, action: str) -> bool:
    return (
        any(matches(pattern.lower(), action.lower()) for pattern in as_list(statement.get("Action")))
        and _includes(statement.get("Principal"), access)
        and _conditions_hold(statement.get("Condition") or {}, _context(access))
    )


def _includes(principal: Any, access: AccessRequest) -> bool:
    if principal == "*":
        return True
    identities = as_list(principal.get("AWS")) if isinstance(principal, Mapping) else []
    if "*" in identities:
        return True
    caller = access.caller
    if caller is None:
        return False
    return any(identity in (caller.account, caller.arn, f"arn:aws:iam::{caller.account}:root") for identity in identities)


def _context(access: AccessRequest) -> dict[str, str]:
    """Return the condition keys of a URL request, in lower case as IAM compares them."""
    context = {
        "lambda:functionurlauthtype": access.auth_type,
        "lambda:invokedviafunctionurl": "true",
        "lambda:functionarn": access.resource,
        "aws:securetransport": "true",
    }
    if access.caller:
        context["aws:principalaccount"] = access.caller.account
        context["aws:principalarn"] = access.caller.arn
    return context


def _conditions_hold(conditions: Mapping[str, Any], context: Mapping[str, str]) -> bool:
    """Whether all conditions hold. One with an unknown operator, or a key that the request lacks, doesn't."""
    for operator, pairs in conditions.items():
        base_operator = operator.removesuffix("IfExists")
        for key, expected in pairs.items():
            actual = context.get(key.lower())
            if actual is None:
                if base_operator == operator:
                    return False
            elif not any(_matches(base_operator, actual, str(value)) for value in as_list(expected)):
                return False
    return True


def _matches(operator: str, actual: str, expected: str) -> bool:
    if operator == "StringEquals":
        return actual == expected
    if operator in ("StringEqualsIgnoreCase", "Bool"):
        return actual.lower() == expected.lower()
    if operator in ("StringLike", "ArnLike", "ArnEquals"):
        return matches(expected, actual)
    return False

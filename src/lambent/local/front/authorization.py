"""May this request invoke the function behind its URL? Pure: policy statements and a calendar in, a verdict out.

Since October 2025 a URL needs two actions allowed, `lambda:InvokeFunctionUrl` and `lambda:InvokeFunction`
(https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html); `lambent.calendar` knows from when on.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from fnmatch import fnmatchcase
from typing import Any

from msgspec import Struct

from lambent.calendar import needs_second_url_statement
from lambent.local.front.interface import Caller
from lambent.names import INVOKE_STATEMENT, URL_STATEMENT

INVOKE_URL = "lambda:InvokeFunctionUrl"
INVOKE = "lambda:InvokeFunction"

Statement = Mapping[str, Any]


class Attempt(Struct, frozen=True):
    """One request at a URL's door. `resource` is the ARN of the function or alias; `caller` is None for an unsigned request."""

    resource: str
    auth_type: str
    account: str
    caller: Caller | None = None


def missing_actions(statements: Sequence[Statement], attempt: Attempt, as_of: date) -> tuple[str, ...]:
    """The actions that are needed on that day and not allowed; empty when the request may pass."""
    if attempt.auth_type == "AWS_IAM" and attempt.caller is None:
        return (INVOKE_URL,)
    needed = (INVOKE_URL, INVOKE) if needs_second_url_statement(as_of) else (INVOKE_URL,)
    return tuple(action for action in needed if not _allowed(statements, attempt, action))


def commands(missing: Iterable[str], function: str, qualifier: str, region: str, endpoint: str) -> list[str]:
    """The `aws` commands to paste, one for each missing action of an AuthType NONE URL."""
    lines = []
    for action in missing:
        words = ["aws", "lambda", "add-permission", "--function-name", function]
        words += ["--qualifier", qualifier] if qualifier else []
        words += ["--statement-id", URL_STATEMENT if action == INVOKE_URL else INVOKE_STATEMENT]
        words += ["--action", action, "--principal", "*"]
        words += ["--function-url-auth-type", "NONE"] if action == INVOKE_URL else ["--invoked-via-function-url"]
        words += ["--region", region, "--endpoint-url", endpoint]
        lines.append(shlex.join(words))
    return lines


def _allowed(statements: Sequence[Statement], attempt: Attempt, action: str) -> bool:
    speaking = [one for one in statements if _speaks_of(one, attempt, action)]
    if any(one.get("Effect") == "Deny" for one in speaking):
        return False
    by_policy = any(one.get("Effect") == "Allow" for one in speaking)
    caller = attempt.caller
    if attempt.auth_type != "AWS_IAM" or caller is None:
        return by_policy
    by_identity = caller.permits(action, attempt.resource)
    return (by_policy or by_identity) if caller.account == attempt.account else (by_policy and by_identity)


def _speaks_of(statement: Statement, attempt: Attempt, action: str) -> bool:
    return (
        any(fnmatchcase(action.lower(), pattern.lower()) for pattern in _list(statement.get("Action")))
        and _names(statement.get("Principal"), attempt)
        and _conditions_hold(statement.get("Condition") or {}, _context(attempt))
    )


def _names(principal: Any, attempt: Attempt) -> bool:
    if principal == "*":
        return True
    named = _list(principal.get("AWS")) if isinstance(principal, Mapping) else []
    if "*" in named:
        return True
    caller = attempt.caller
    if caller is None:
        return False
    return any(one in (caller.account, caller.arn, f"arn:aws:iam::{caller.account}:root") for one in named)


def _context(attempt: Attempt) -> dict[str, str]:
    """The condition keys a URL request has, in lower case as IAM compares them."""
    context = {
        "lambda:functionurlauthtype": attempt.auth_type,
        "lambda:invokedviafunctionurl": "true",
        "lambda:functionarn": attempt.resource,
        "aws:securetransport": "true",
    }
    if attempt.caller:
        context["aws:principalaccount"] = attempt.caller.account
        context["aws:principalarn"] = attempt.caller.arn
    return context


def _conditions_hold(conditions: Mapping[str, Any], context: Mapping[str, str]) -> bool:
    """Every operator over every key. An operator we do not know, or a key that the request lacks, does not hold."""
    for operator, pairs in conditions.items():
        test = operator.removesuffix("IfExists")
        for key, wanted in pairs.items():
            actual = context.get(key.lower())
            if actual is None:
                if test == operator:
                    return False
            elif not any(_matches(test, actual, str(one)) for one in _list(wanted)):
                return False
    return True


def _matches(operator: str, actual: str, wanted: str) -> bool:
    if operator == "StringEquals":
        return actual == wanted
    if operator in ("StringEqualsIgnoreCase", "Bool"):
        return actual.lower() == wanted.lower()
    if operator in ("StringLike", "ArnLike", "ArnEquals"):
        pattern = re.escape(wanted).replace(r"\*", ".*").replace(r"\?", ".")
        return re.fullmatch(pattern, actual) is not None
    return False


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]

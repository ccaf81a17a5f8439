"""Permissions to call a Function URL."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from msgspec.structs import replace

from lambent.local.front.authorization import INVOKE, INVOKE_URL, AccessRequest, Caller, commands, missing_actions

ADMIN = Caller("AKIA", "secret", "123456789012", "arn:aws:iam::123456789012:user/u", "AIDA", lambda action, resource: True)
NO_RIGHTS = replace(ADMIN, permits=lambda action, resource: False)
TODAY, EARLIER = date(2026, 11, 23), date(2024, 7, 7)
RESOURCE = "arn:aws:lambda:us-east-1:123456789012:function:f"
FIRST = {
    "Effect": "Allow",
    "Principal": "*",
    "Action": "lambda:InvokeFunctionUrl",
    "Resource": RESOURCE,
    "Condition": {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}},
}
SECOND = {
    "Effect": "Allow",
    "Principal": "*",
    "Action": "lambda:InvokeFunction",
    "Resource": RESOURCE,
    "Condition": {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}},
}
NONE = AccessRequest(RESOURCE, "NONE", "123456789012")
IAM = AccessRequest(RESOURCE, "AWS_IAM", "123456789012", ADMIN)


@pytest.mark.parametrize(
    ("statements", "access", "as_of", "missing"),
    [
        ([FIRST, SECOND], NONE, TODAY, ()),
        ([FIRST], NONE, TODAY, (INVOKE,)),
        ([FIRST], NONE, EARLIER, ()),
        ([SECOND], NONE, TODAY, (INVOKE_URL,)),
        ([], NONE, TODAY, (INVOKE_URL, INVOKE)),
        ([FIRST, SECOND, {**SECOND, "Effect": "Deny"}], NONE, TODAY, (INVOKE,)),
        (
            [{**FIRST, "Condition": {"StringEquals": {"lambda:FunctionUrlAuthType": "AWS_IAM"}}}],
            NONE,
            EARLIER,
            (INVOKE_URL,),
        ),
        ([{**FIRST, "Condition": {"StringEquals": {"aws:SourceVpc": "vpc-1"}}}], NONE, EARLIER, (INVOKE_URL,)),
        ([{**FIRST, "Principal": {"AWS": "arn:aws:iam::1:root"}}], NONE, EARLIER, (INVOKE_URL,)),
        ([FIRST, SECOND], replace(IAM, caller=None), TODAY, (INVOKE_URL,)),
        ([], IAM, TODAY, ()),
        ([], replace(IAM, caller=NO_RIGHTS), TODAY, (INVOKE_URL, INVOKE)),
        ([{**SECOND, "Action": "lambda:*", "Principal": {"AWS": ADMIN.arn}}], replace(IAM, caller=NO_RIGHTS), TODAY, ()),
        ([], replace(IAM, account="999999999999"), TODAY, (INVOKE_URL, INVOKE)),
    ],
)
def test_missing_actions(statements: list[Any], access: AccessRequest, as_of: date, missing: tuple[str, ...]) -> None:
    assert missing_actions(statements, access, as_of) == missing


def test_commands_allow_the_missing_actions() -> None:
    [command] = commands([INVOKE], "f", "live", "us-east-1", "http://127.0.0.1:4580")
    assert command == (
        "aws lambda add-permission --function-name f --qualifier live --statement-id FunctionURLInvokeAllowPublicAccess "
        "--action lambda:InvokeFunction --principal '*' --invoked-via-function-url "
        "--region us-east-1 --endpoint-url http://127.0.0.1:4580"
    )

"""What policies allow."""

from __future__ import annotations

from typing import Any

import pytest

from lambent.local.identity_policies import allows

OBJECTS = "arn:aws:s3:::bucket/*"
TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table/notes"


def statement(effect: str = "Allow", **elements: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": "s3:*", "Resource": "*", **elements}


@pytest.mark.parametrize(
    ("statements", "action", "resource", "allowed"),
    [
        ([], "s3:GetObject", "arn:aws:s3:::bucket/key", False),
        ([statement()], "s3:GetObject", "arn:aws:s3:::bucket/key", True),
        ([statement(Action="S3:getobject")], "s3:GetObject", "arn:aws:s3:::bucket/key", True),
        ([statement(Action=["s3:Get*"], Resource=OBJECTS)], "s3:GetObject", "arn:aws:s3:::bucket/a/b", True),
        ([statement(Action=["s3:Get*"], Resource=OBJECTS)], "s3:PutObject", "arn:aws:s3:::bucket/a/b", False),
        ([statement(Resource=OBJECTS)], "s3:GetObject", "arn:aws:s3:::bucket2/a", False),
        ([statement(Resource=[OBJECTS, "arn:aws:s3:::b?"])], "s3:ListBucket", "arn:aws:s3:::b1", True),
        ([statement(), statement("Deny", Action="s3:Delete*")], "s3:DeleteObject", "arn:aws:s3:::bucket/key", False),
        ([statement(), statement("Deny", Action="s3:Delete*")], "s3:GetObject", "arn:aws:s3:::bucket/key", True),
        ([{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}], "iam:CreateUser", "x", False),
        ([{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}], "s3:GetObject", "x", True),
        ([{"Effect": "Allow", "Action": "s3:*", "NotResource": OBJECTS}], "s3:GetObject", "arn:aws:s3:::bucket/key", False),
        # the resource isn't known
        ([statement(Action="dynamodb:GetItem", Resource=TABLE)], "dynamodb:GetItem", None, True),
        ([statement(Action="dynamodb:GetItem", Resource=TABLE)], "dynamodb:PutItem", None, False),
        ([statement(Action="*"), statement("Deny", Action="*", Resource=TABLE)], "dynamodb:GetItem", None, True),
        ([statement(Action="*"), statement("Deny", Action="*")], "dynamodb:GetItem", None, False),
        # conditions aren't known
        ([statement(Condition={"Bool": {"aws:SecureTransport": "true"}})], "s3:GetObject", "x", True),
        ([statement(), statement("Deny", Condition={"Bool": {"aws:SecureTransport": "false"}})], "s3:GetObject", "x", True),
    ],
)
def test_statements_decide(statements: list[dict[str, Any]], action: str, resource: str | None, allowed: bool) -> None:
    assert allows([{"Statement": statements}], action, resource) is allowed
    assert allows([{"Statement": each} for each in statements], action, resource) is allowed

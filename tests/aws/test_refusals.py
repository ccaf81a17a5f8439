"""Every AWS refusal that a user can cause, in AWS's words, and what lambent shows for it.

The texts are those of the fact sheets and recordings: recorded from AWS where `tests/recordings` has them, else as reported.
"""

from __future__ import annotations

import json
import re
import tomllib
from typing import Any

import pytest

from lambent.aws.access_denied import POLICY_HINT, statement
from lambent.aws.known_errors import KNOWN_ERRORS
from lambent.aws.refusals import translate_refusal
from lambent.aws.regions import explain_region
from lambent.errors import AwsError
from lambent.ui.errors import format_error
from support.paths import RECORDINGS, TESTS

TABLE = [
    (each["code"], each["text"], each["what"], each["try"])
    for each in tomllib.loads((TESTS / "data/refusals.toml").read_text())["refusal"]
]


@pytest.mark.parametrize(("code", "message", "what", "hint"), TABLE, ids=[row[2][:50] for row in TABLE])
def test_known_refusal_is_translated(code: str, message: str, what: str, hint: str) -> None:
    error = translate_refusal(code, message, "CreateFunction")
    assert error.what == what
    assert hint in error.hint
    assert (error.code, error.where) == (code, "CreateFunction")
    assert not error.detail or message in error.detail or "hunter2" in message
    assert "hunter2" not in format_error(error) and not re.search(r"{\w+}", error.what + error.hint)


def test_every_known_error_is_tested() -> None:
    tried = [f"{message} ({code})" for code, message, _, _ in TABLE]
    idle = [known.pattern for known in KNOWN_ERRORS if not any(re.search(known.pattern, each, re.DOTALL) for each in tried)]
    assert idle == []


def recorded(value: Any) -> set[tuple[str, str]]:
    """Return every error in the recordings."""
    if isinstance(value, dict):
        error = value.get("Error")
        here = {(error["Code"], error.get("Message") or "")} if isinstance(error, dict) and "Code" in error else set()
        return here.union(*(recorded(each) for each in value.values()))
    return set().union(*map(recorded, value)) if isinstance(value, list) else set()


LAMBENTS_OWN_CALLS = re.compile(
    r"EventInvokeConfig|[Dd]estination|error handling|qualifier|Qualifier|adding policies for \$LATEST|Layer Version Cannot"
    r"|unpublished function versions|must be an alias or a published version|Aliases and versions|function aliases and versions"
    r"|cannot be deleted without|doesn't exist|does not exist\.?$|not found|[Cc]annot find alias|No policy|No Provisioned"
    r"|cannot be processed|statement id|CodeSHA256"
)
"""Answers to calls that lambent never makes, or that it handles itself."""


def test_recorded_errors_are_known() -> None:
    files = RECORDINGS
    errors = {
        each
        for file in ("control-plane.json", "invoke-and-url.json")
        for each in recorded(json.loads((files / file).read_text()))
    }
    assert len(errors) > 80
    masked = {(code, re.sub(r"<[\w:]+>", "7", message)) for code, message in errors}
    unknown = {
        (code, message)
        for code, message in masked
        if message
        and not LAMBENTS_OWN_CALLS.search(message)
        and translate_refusal(code, message, "CreateFunction").what.startswith("AWS refused")
    }
    assert unknown == set()


WHO, ARN = "arn:aws:sts::123456789012:assumed-role/ci/run", "arn:aws:lambda:eu-west-1:123456789012:function:hello"
FINAL = ", and no other policy can allow it"
DENIALS: tuple[tuple[str, str], ...] = (
    ("because no identity-based policy allows ACTION", f"add to the policy of {WHO}: "),
    ("because no resource-based policy allows ACTION", f"add to the policy of {WHO}: "),
    ("", f"add to the policy of {WHO}: "),
    ("because no permissions boundary allows ACTION", f"the permissions boundary of {WHO} must allow it too: "),
    ("because no session policy allows ACTION", "that was set when the role was assumed must allow it too: "),
    ("because no service control policy allows ACTION", "a policy of your organisation (SCP) must allow it too: "),
    ("because no VPC endpoint policy allows ACTION", "the VPC endpoint that the call went through must allow it too: "),
    ("with an explicit deny in a service control policy", "a policy of your organisation (SCP) forbids it" + FINAL),
    ("with an explicit deny in a service control policy: arn:aws:x::1:policy/p", "forbids it (arn:aws:x::1:policy/p)" + FINAL),
    ("with an explicit deny in a resource control policy", "a policy of your organisation (RCP) forbids it" + FINAL),
    ("with an explicit deny in an identity-based policy", f"a policy of {WHO} forbids it" + FINAL),
    ("with an explicit deny in a resource-based policy", "the policy of the resource itself forbids it" + FINAL),
    ("with an explicit deny in a permissions boundary", f"the permissions boundary of {WHO} forbids it" + FINAL),
    ("with an explicit deny in a session policy", "when the role was assumed forbids it" + FINAL),
    ("with an explicit deny in a VPC endpoint policy", "the VPC endpoint that the call went through forbids it" + FINAL),
    ("with an explicit deny", "a policy of your organisation (SCP) forbids it" + FINAL),
)  # fmt: skip


@pytest.mark.parametrize(("because", "hint"), DENIALS, ids=[because or "no reason" for because, _ in DENIALS])
def test_denial_names_the_statement_or_the_forbidding_policy(because: str, hint: str) -> None:
    message = f"User: {WHO} is not authorized to perform: lambda:CreateFunction on resource: {ARN} {because}".strip()
    message = message.replace("ACTION", "the lambda:CreateFunction action")
    error = translate_refusal("AccessDeniedException", message, "CreateFunction")
    assert error.what == f"not allowed: lambda:CreateFunction on {ARN}"
    assert hint in error.hint
    needed = json.dumps({"Effect": "Allow", "Action": "lambda:CreateFunction", "Resource": ARN})
    assert (needed in error.hint) is ("explicit deny" not in because)
    assert (POLICY_HINT in error.hint) is hint.startswith("add")


def test_pass_role_is_allowed_only_for_lambda() -> None:
    role = "arn:aws:iam::123456789012:role/lambent-hello"
    error = translate_refusal(
        "AccessDeniedException", f"User: {WHO} is not authorized to perform: iam:PassRole on resource: {role}", "CreateFunction"
    )
    assert json.dumps(statement("iam:PassRole", role)) in error.hint
    assert '"iam:PassedToService": "lambda.amazonaws.com"' in error.hint


@pytest.mark.parametrize(
    ("message", "what", "hint"),
    (
        ("", "these credentials may not call UpdateAlias", "lambent plan --as policy"),
        ("Access Denied", "these credentials may not call UpdateAlias: Access Denied", "ask the account's administrator"),
        ("No. Encoded authorization failure message: abc", "these credentials may not", "sts decode-authorization-message"),
    ),
)  # fmt: skip
def test_denial_without_an_action(message: str, what: str, hint: str) -> None:
    error = translate_refusal("AccessDeniedException", message, "UpdateAlias")
    assert error.what.startswith(what) and hint in error.hint


REGIONS = ("eu-west-1", "eu-west-2", "us-east-1", "ap-south-2")


@pytest.mark.parametrize(
    ("code", "operation", "region", "what", "hint"),
    (
        (
            "UnrecognizedClientException",
            "GetFunction",
            "ap-south-2",
            "AWS doesn't know these credentials",
            "check that ap-south-2 is enabled",
        ),
        ("UnrecognizedClientException", "GetFunction", "us-east-1", "AWS doesn't know these credentials", "run aws configure"),
        ("SomeException", "CreateFunctionUrlConfig", "eu-central-2", "AWS refused", "eu-central-2 had no Function URLs"),
        ("SomeException", "CreateFunctionUrlConfig", "eu-west-1", "AWS refused", ""),
    ),
)
def test_region_is_part_of_the_reason(code: str, operation: str, region: str, what: str, hint: str) -> None:
    error = explain_region(translate_refusal(code, "?", operation), region, REGIONS)
    assert error.what.startswith(what) and error.hint.startswith(hint)


def test_unknown_region_is_reported() -> None:
    unreachable = AwsError("GetFunction got no answer", code="EndpointConnectionError")
    error = explain_region(unreachable, "eu-west1", REGIONS)
    assert (error.what, error.hint) == ("there is no region eu-west1", "--region eu-west-1")
    here = explain_region(AwsError("no answer", code="EndpointConnectionError", hint="network?"), "eu-west-1", REGIONS)
    assert (here.what, here.hint) == ("no answer", "network?")


def test_refused_head_request_has_a_hint() -> None:
    error = translate_refusal("400", "Bad Request", "HeadBucket")
    assert "HeadBucket" in error.what
    assert "log in again" in error.hint

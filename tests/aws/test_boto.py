"""AWS's refusals and botocore's errors, translated."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from lambent.aws.boto import connect
from lambent.aws.client import ACCOUNT_PAGE
from lambent.aws.refusals import translate_refusal
from lambent.errors import AwsError
from support.paths import ROOT


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without any AWS configuration."""
    for name in (
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_PROFILE",
        "AWS_DEFAULT_REGION",
        "AWS_REGION",
        "AWS_ENDPOINT_URL",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def test_missing_credentials_suggest_a_local_deploy() -> None:
    with pytest.raises(AwsError, match="no AWS credentials") as refused:
        connect("us-east-1")
    assert "--local" in refused.value.hint


def test_missing_region_is_reported() -> None:
    with pytest.raises(AwsError, match="no AWS region") as refused:
        connect(None, keys=("a", "b"))
    assert "--region" in refused.value.hint


def test_unknown_profile_is_reported() -> None:
    with pytest.raises(AwsError, match="nobody") as refused:
        connect("us-east-1", profile="nobody")
    assert "list-profiles" in refused.value.hint


def test_configured_region_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "credentials").write_text("[default]\naws_access_key_id = a\naws_secret_access_key = b\n")
    (tmp_path / "config").write_text("[default]\nregion = eu-north-1\n")
    assert connect(None).region == "eu-north-1"
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-3")
    assert connect(None).region == "eu-west-3"
    monkeypatch.setenv("AWS_REGION", "eu-west-2")
    assert connect(None).region == "eu-west-2"
    assert connect("us-west-2").region == "us-west-2"


def test_keys_bypass_the_user_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config").write_text("[profile\nbroken")
    monkeypatch.setenv("AWS_PROFILE", "ghost")
    assert connect("us-west-2", keys=("a", "b")).region == "us-west-2"


def test_expired_sso_login_is_reported(tmp_path: Path) -> None:
    (tmp_path / "config").write_text(
        "[profile work]\nregion = eu-north-1\nsso_session = s\nsso_account_id = 123456789012\nsso_role_name = Dev\n"
        "[sso-session s]\nsso_region = eu-north-1\nsso_start_url = https://example.invalid/start\n"
    )
    with pytest.raises(AwsError) as refused:
        connect(None, profile="work").account()
    assert "aws sso login --profile work" in refused.value.hint


@pytest.mark.parametrize("profile", ("dev", None))
def test_profile_with_only_a_login_session_asks_to_log_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, profile: str | None
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "dev")
    login = "login_session = arn:aws:iam::123456789012:user/me"
    (tmp_path / "config").write_text(f"[profile dev]\nregion = eu-west-1\n{login}\n")
    with pytest.raises(AwsError, match="login has expired, or there was none") as refused:
        connect(None, profile=profile).account()
    assert refused.value.hint.startswith("run aws login --profile dev;") and "pip" not in refused.value.hint


def test_error_without_credentials_links_an_existing_page() -> None:
    assert (ROOT / ACCOUNT_PAGE.partition("/main/")[2]).is_file()
    with pytest.raises(AwsError, match="no AWS credentials") as refused:
        connect("us-east-1")
    assert ACCOUNT_PAGE in refused.value.hint


def test_login_hint_names_the_profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config").write_text("[profile 'my team']\nregion = eu-north-1\n")
    with pytest.raises(AwsError) as refused:
        connect(None, profile="my team")
    assert (
        "run aws login --profile 'my team' or aws configure --profile 'my team', or pass --profile NAME" in refused.value.hint
    )
    monkeypatch.setenv("AWS_PROFILE", "my team")
    with pytest.raises(AwsError) as refused:
        connect(None)
    assert "aws login --profile 'my team'" in refused.value.hint
    with pytest.raises(AwsError) as unknown:
        connect(None, profile="ghost")
    assert unknown.value.hint == "aws configure list-profiles shows the existing profiles"


def test_invalid_endpoint_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "nonsense")
    with pytest.raises(AwsError, match="Invalid endpoint: nonsense") as error:
        connect("eu-west-1", keys=("a", "b")).account()
    assert "AWS_ENDPOINT_URL" in error.value.hint


def test_refused_connection_is_reported() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(AwsError, match="no answer") as refused:
            connect("us-east-1", endpoint_url=endpoint, keys=("a", "b")).account()
    assert endpoint in refused.value.where
    assert "lambent local status" in refused.value.hint


def test_access_denied_names_the_missing_statement() -> None:
    message = (
        "User: arn:aws:iam::123456789012:user/ann is not authorized to perform: lambda:CreateFunction on resource: "
        "arn:aws:lambda:eu-west-1:123456789012:function:hello "
        "because no identity-based policy allows the lambda:CreateFunction action"
    )
    error = translate_refusal("AccessDeniedException", message, "CreateFunction")
    assert error.what == "not allowed: lambda:CreateFunction on arn:aws:lambda:eu-west-1:123456789012:function:hello"
    assert error.hint == (
        'add to the policy of arn:aws:iam::123456789012:user/ann: {"Effect": "Allow", "Action": "lambda:CreateFunction", '
        '"Resource": "arn:aws:lambda:eu-west-1:123456789012:function:hello"}\n'
        "lambent plan --as policy prints everything that deploying this app needs"
    )


@pytest.mark.parametrize(
    ("code", "message", "what", "hint"),
    (
        ("ExpiredTokenException", "The security token included in the request is expired", "expired", "aws sso login"),
        ("UnrecognizedClientException", "The security token included in the request is invalid.", "doesn't know", "--local"),
        ("TooManyRequestsException", "Rate exceeded", "throttling", "again"),
        ("AccessDeniedException", "", "may not call UpdateAlias", "ask"),
        (
            "InvalidParameterValueException",
            "The runtime parameter of python3.7 is no longer supported for creating or updating AWS Lambda functions.",
            "no longer supports python3.7",
            "--runtime",
        ),
        ("RequestEntityTooLargeException", "Zipped size must be smaller than 52428800 bytes", "52428800", "exclude"),
        (
            "AccessDeniedException",
            "User: arn:aws:iam::1:user/a is not authorized to perform: iam:CreateRole on resource: r with an explicit "
            "deny in a service control policy",
            "iam:CreateRole",
            "organisation",
        ),
        ("SomethingNew", "A sentence by AWS.", "AWS refused UpdateAlias: A sentence by AWS.", ""),
    ),
)
def test_refusals_are_translated(code: str, message: str, what: str, hint: str) -> None:
    error = translate_refusal(code, message, "UpdateAlias", "http://127.0.0.1:4580")
    assert what in error.what and hint in error.hint
    assert (error.code, error.operation, error.where) == (code, "UpdateAlias", "UpdateAlias at http://127.0.0.1:4580")

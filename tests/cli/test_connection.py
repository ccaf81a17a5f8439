"""A command for AWS says that the app is on the local Lambda, if it is and AWS can't be reached."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from lambent.cli.curl import command
from lambent.errors import AwsError
from support.local_service import Service


def test_app_that_is_only_local(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
        monkeypatch.delenv(variable, raising=False)
    for variable in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(variable, "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    service.function("here")
    where = ["--state", str(service.state), "--region", "us-east-1", "--name"]
    errors = [CliRunner().invoke(command, [*where, name]).exception for name in ("here", "elsewhere")]
    hints = [error.hint for error in errors if isinstance(error, AwsError)]
    assert hints[0] == f"here is on the local Lambda: curl --local. Or {hints[1]}"

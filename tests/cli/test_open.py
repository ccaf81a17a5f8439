"""`lambent open` shows a public URL, and says what to do about one that a browser can't open."""

from __future__ import annotations

import contextlib
import webbrowser
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from lambent.cli.open import command
from lambent.errors import DeployError, LocalError, UsageError
from lambent.local import daemon
from support.local_service import Service


def run(service: Service, name: str, *arguments: str) -> Result:
    where = ["--local", "--region", "us-east-1", "--state", str(service.state), "--name", name]
    return CliRunner().invoke(command, [*arguments, *where], standalone_mode=False)


def test_the_url_is_opened_and_printed(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    url = service.public_url("shown")
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda address: opened.append(address) or True)
    result = run(service, "shown")
    assert opened == [url] and result.output.splitlines()[-1] == url
    monkeypatch.setattr(webbrowser, "open", lambda address: False)
    assert "no browser was found: open this URL yourself" in run(service, "shown").output


def test_what_a_browser_cannot_open(service: Service) -> None:
    service.function("private")
    assert isinstance(run(service, "nonesuch").exception, DeployError)
    without = run(service, "private").exception
    assert isinstance(without, DeployError) and "private has no URL" in without.what
    service.client("lambda").create_function_url_config(FunctionName="private", AuthType="AWS_IAM")
    signed = run(service, "private").exception
    assert isinstance(signed, UsageError)
    assert signed.hint == "lambent curl / --name private --region us-east-1 --local signs them; or deploy with --auth none"


@pytest.mark.parametrize("typed", (["shop"], ["--path", "shop"]))
def test_the_folder_may_be_named_either_way(service: Service, tmp_path: Path, typed: list[str]) -> None:
    (tmp_path / "shop").mkdir()
    with contextlib.chdir(tmp_path):
        where = ["--local", "--state", str(service.state)]
        failed = CliRunner().invoke(command, [*typed, *where], standalone_mode=False).exception
        both = CliRunner().invoke(command, ["shop", "--path", "shop", *where], standalone_mode=False).exception
    assert isinstance(failed, DeployError) and "shop" in failed.what
    assert isinstance(both, click.UsageError) and "PATH and --path are the same" in both.message


def test_the_local_lambda_is_no_account_in_errors(service: Service) -> None:
    failed = run(service, "nonesuch").exception
    assert isinstance(failed, DeployError) and "account" not in failed.where


def test_console_is_opened_with_an_address_that_works_once(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda address: opened.append(address) or True)
    result = CliRunner().invoke(command, ["--console", "--state", str(service.state)], standalone_mode=False)
    assert result.output.splitlines()[-1] == opened[0]
    assert service.fetch(opened[0]).headers["set-cookie"].startswith("lambent-console=")
    assert "set-cookie" not in service.fetch(opened[0]).headers


def test_console_of_an_older_local_lambda(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daemon, "_request_as_owner", lambda *arguments: {"message": "/_lambent/ only has GET health"})
    error = CliRunner().invoke(command, ["--console", "--state", str(service.state)], standalone_mode=False).exception
    assert isinstance(error, LocalError) and error.hint.startswith("lambent local stop --state")

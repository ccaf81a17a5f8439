"""What `lambent env` reads: arguments, a .env file, and values that aren't typed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from lambent.cli import env
from lambent.deployment.change_environment import EnvironmentChange
from lambent.errors import UsageError
from lambent.library.version_description import deployed_by
from support.local_service import Service


class Changes:
    """Stands for `change_environment`, and notes what it is asked for."""

    def __init__(self) -> None:
        self.asked: list[EnvironmentChange] = []

    def __call__(self, app: str, change: EnvironmentChange, *rest: Any) -> None:
        self.asked.append(change)


@pytest.fixture
def changes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, service: Service) -> Iterator[Changes]:
    (tmp_path / "app.py").write_text("def lambda_handler(event, context): ...\n")
    (tmp_path / "pyproject.toml").write_text('[tool.lambent.env]\nMODE = "a"\n')
    (tmp_path / "prod.env").write_text("TOKEN='from file'\nAWS_REGION=eu-west-1\nMODE=file\n")
    monkeypatch.chdir(tmp_path)
    noted = Changes()
    monkeypatch.setattr(env, "change_environment", noted)
    yield noted


def run(service: Service, *arguments: str, stdin: str = "") -> Result:
    options = ["--local", "--state", str(service.state)]
    return CliRunner().invoke(env.command, [*arguments, *options], input=stdin, standalone_mode=False)


def test_arguments_files_and_stdin(changes: Changes, service: Service) -> None:
    result = run(service, "set", "A1=x=y", "KEY", "--env-file", "prod.env", stdin="two\nlines\n")
    assert result.exception is None, result.output
    by = deployed_by()
    values = {"TOKEN": "from file", "MODE": "file", "A1": "x=y", "KEY": "two\nlines"}
    assert changes.asked == [EnvironmentChange(values, by=by)]
    assert "the next deploy sets MODE to what pyproject.toml [tool.lambent] env says" in result.output
    run(service, "unset", "A1", "KEY")
    assert changes.asked[1] == EnvironmentChange({}, ("A1", "KEY"), by)


@pytest.mark.parametrize(
    ("arguments", "what"),
    (
        (("set",), "nothing to set"),
        (("set", "ONE", "TWO"), "only one value can come from stdin, not those of ONE, TWO"),
        (("set", "AWS_REGION=x"), "Lambda reserves the environment variable AWS_REGION"),
        (("set", "1A=x"), "invalid name for an environment variable: '1A'"),
        (("set", "--env-file", "none.env"), "cannot read none.env"),
    ),
)
def test_refusals(changes: Changes, service: Service, arguments: tuple[str, ...], what: str) -> None:
    result = run(service, *arguments)
    assert isinstance(result.exception, UsageError) and what in result.exception.what and changes.asked == []


def test_the_list_is_one_json_line(changes: Changes, service: Service) -> None:
    service.function("listed")
    result = run(service, "list", "--name", "listed", "--region", "us-east-1", "--json")
    assert result.exception is None, result.output
    listed = json.loads(result.output.splitlines()[-1])
    assert (listed["event"], listed["app"], listed["variables"]) == ("EnvironmentListed", "listed", [])

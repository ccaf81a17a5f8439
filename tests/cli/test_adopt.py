"""`lambent adopt`: a function made by hand goes on as lambent's, with its settings, variables, role and URL."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import boto3
import pytest
from click.testing import CliRunner, Result

from lambent.aws.interface import Aws
from lambent.cli.main import cli
from lambent.deployment.adoption import Adoption
from lambent.errors import AwsError
from support.local_service import INVOKE_PERMISSION, RUNTIME, URL_PERMISSION, Service, zipped
from support.locking import write
from support.moto_server import endpoint

__all__ = ["endpoint"]

OLD = "def handler(event, context): return {'statusCode': 200, 'body': 'old'}\n"
NEW = "import os\ndef lambda_handler(event, context): return {'statusCode': 200, 'body': os.environ['DATABASE_URL']}\n"
CORS = {"AllowOrigins": ["https://example.com"], "AllowMethods": ["GET"], "MaxAge": 60}


def create(client: Any, role: str, **settings: Any) -> None:
    """Create a function by hand, as people do with the aws CLI."""
    code = {"ZipFile": zipped({"main.py": OLD})}
    client.create_function(FunctionName="shop", Runtime=RUNTIME, Handler="main.handler", Role=role, Code=code, **settings)
    client.get_waiter("function_active_v2").wait(FunctionName="shop")


def run(*words: str) -> Result:
    return CliRunner().invoke(cli, words)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write(tmp_path / "project", {"lambda_function.py": NEW})


def table(project: Path) -> dict[str, Any]:
    settings: dict[str, Any] = tomllib.loads((project / "pyproject.toml").read_text())["tool"]["lambent"]
    return settings


def test_an_adopted_function_goes_on_with_what_it_had(service: Service, project: Path) -> None:
    client, role = service.client("lambda"), service.role("by-hand")
    variables = {"DATABASE_URL": "postgres://x", "GREETING": "hi"}
    create(client, role, MemorySize=256, Timeout=7, Environment={"Variables": variables}, Tags={"team": "web"})
    url = client.create_function_url_config(FunctionName="shop", AuthType="NONE", Cors=CORS)["FunctionUrl"]
    for sid, permission in (("url", URL_PERMISSION), ("invoke", INVOKE_PERMISSION)):
        client.add_permission(FunctionName="shop", StatementId=sid, **permission)
    where = ("--local", "--state", str(service.state), "--port", str(service.port), "--region", "us-east-1")
    refused = run("plan", str(project), "--name", "shop", *where)
    assert "or take it over: lambent adopt shop" in refused.exception.hint  # type: ignore[union-attr]

    result = run("adopt", "shop", "--path", str(project), *where)
    assert result.exit_code == 0, result.output
    assert "kept in the function, and by each deploy: DATABASE_URL, GREETING\n" in result.stderr
    assert f"its URL stays: {url}\n" in result.stderr
    assert "postgres" not in (project / "pyproject.toml").read_text()
    expected = {"name": "shop", "memory": 256, "timeout": 7, "role": role, "auth": "none", "tags": {"team": "web"}}
    cors = {"origins": ["https://example.com"], "methods": ["GET"], "max_age": 60}
    assert expected.items() <= table(project).items() and table(project)["cors"] == cors
    assert client.get_function_configuration(FunctionName="shop")["Environment"]["Variables"] == variables

    deployed = run("deploy", str(project), *where)
    assert deployed.exit_code == 0, deployed.output
    live = client.get_function(FunctionName="shop", Qualifier="live")
    kept = live["Configuration"]
    assert variables.items() <= kept["Environment"]["Variables"].items()
    assert (kept["MemorySize"], kept["Timeout"], kept["Role"]) == (256, 7, role)
    assert live["Tags"]["lambent:managed"] == "true" and live["Tags"]["team"] == "web"
    for address in (url, deployed.stdout.strip()):
        assert service.fetch(address).body == b"postgres://x"
    again = run("deploy", str(project), *where, "--unset-env", "GREETING")
    assert again.exit_code == 0, again.output
    remaining = client.get_function_configuration(FunctionName="shop", Qualifier="live")["Environment"]["Variables"]
    assert remaining["DATABASE_URL"] == "postgres://x" and "GREETING" not in remaining
    twice = run("adopt", "shop", "--path", str(project), *where)
    assert str(twice.exception) == "lambent manages the function shop already"


def test_what_can_not_be_adopted_is_left_alone(service: Service, project: Path) -> None:
    where = ("--local", "--state", str(service.state), "--port", str(service.port), "--region", "eu-north-1")
    assert str(run("adopt", "nothing", "--path", str(project), *where).exception) == "there is no function nothing"
    assert not (project / "pyproject.toml").exists()


def test_nothing_is_written_if_the_function_may_not_be_tagged(
    service: Service, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def deny(aws: Aws, adoption: Adoption) -> None:
        raise AwsError("not allowed: lambda:TagResource")

    monkeypatch.setattr("lambent.cli.adopt.take_over", deny)
    service.function("untagged", "def handler(event, context): return 1\n")
    where = ("--local", "--state", str(service.state), "--port", str(service.port), "--region", "us-east-1")
    assert str(run("adopt", "untagged", "--path", str(project), *where).exception) == "not allowed: lambda:TagResource"
    assert not (project / "pyproject.toml").exists()


def test_the_app_may_be_the_handler_that_the_function_has(service: Service, tmp_path: Path) -> None:
    service.function("worker", "def handler(event, context): return 1\n")
    client = service.client("lambda")
    client.update_function_configuration(FunctionName="worker", Handler="jobs.daily.process")
    files = {
        "jobs/daily.py": "def process(event, context): return 1\n",
        "jobs/other.py": "def process(event, context): return 2\n",
    }
    project = write(tmp_path / "project", files)
    where = ("--local", "--state", str(service.state), "--port", str(service.port), "--region", "us-east-1")
    result = run("adopt", "worker", "--path", str(project), *where)
    assert result.exit_code == 0, result.output
    assert (table(project)["app"], table(project)["url"]) == ("jobs.daily:process", False)


def test_settings_that_exist_are_not_overwritten(endpoint: str, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_ENDPOINT_URL": endpoint}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    role = boto3.client("iam", region_name="eu-west-1").create_role(RoleName="r", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    create(boto3.client("lambda", region_name="eu-west-1"), role)
    write(project, {"pyproject.toml": "[tool.lambent]\nmemory = 512\n"})
    result = run("adopt", "shop", "--path", str(project))
    assert result.exit_code == 0, result.output
    assert table(project) == {"memory": 512}
    printed = tomllib.loads(result.stdout)["tool"]["lambent"]
    assert (printed["name"], printed["memory"], printed["url"]) == ("shop", 128, False)

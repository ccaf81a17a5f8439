"""What a destination says about the machine that runs the functions."""

from __future__ import annotations

from pathlib import Path

import pytest

from lambent.config.python_runtime import Machine
from lambent.errors import NotDeployedError
from lambent.library.destination import Destination, located, machine_architecture

AWS = Destination(local=False, region=None, profile=None, state=Path("state"), port=None)


@pytest.mark.parametrize(
    ("variables", "is_here"),
    [
        ({}, False),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:4580"}, True),
        ({"AWS_ENDPOINT_URL": "http://localhost.localstack.cloud:4566"}, False),
        ({"AWS_ENDPOINT_URL_LAMBDA": "http://lambda.localhost:9001/"}, True),
        ({"AWS_ENDPOINT_URL_LAMBDA": "http://[::1]"}, True),
        ({"AWS_ENDPOINT_URL": "https://vpce-1.lambda.eu-west-1.vpce.amazonaws.com"}, False),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:4580", "AWS_ENDPOINT_URL_LAMBDA": "https://lambda.eu-west-1.api.aws"}, False),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:4580", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}, False),
    ],
)
def test_endpoint_on_this_machine_runs_this_machines_pythons(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], is_here: bool
) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_LAMBDA", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert AWS.machine == (Machine(machine_architecture(), "preferred") if is_here else Machine("x86_64", "any"))


@pytest.mark.parametrize(
    ("local", "where", "hint"),
    [
        (False, "account 1 in eu-west-1", "lambent deploy, or lambent status --all"),
        (True, "the local Lambda", "lambent deploy --local, or lambent status --local --all"),
    ],
)
def test_errors_name_the_destination_and_so_do_the_commands_in_their_hints(local: bool, where: str, hint: str) -> None:
    detail = "lambent deploy --app a:app\n| print('lambent deploy')"
    with pytest.raises(NotDeployedError) as raised, located(local):
        error = NotDeployedError("shop", "is not deployed", "1", "eu-west-1")
        error.detail = detail
        raise error
    assert raised.value.detail == detail.replace("deploy --app", "deploy --local --app" if local else "deploy --app")
    assert (raised.value.where, raised.value.hint) == (where, f"{hint}, which lists what is deployed there")

"""References to secrets in environment variables."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lambent.deployment.desired import desired
from lambent.errors import UsageError
from lambent.names import Names
from lambent.package.artifact import Artifact
from support.configs import load_config


def test_secret_references_become_permissions_of_the_role(web_app: Path) -> None:
    settings = '[tool.lambent.env]\nDB = { ssm = "/shop/db" }\nKEY = { secret = "shop/keys", key = "stripe" }\nPLAIN = "x"\n'
    config = load_config(web_app, settings)
    assert config.secrets == (("DB", "ssm:/shop/db"), ("KEY", "secret:shop/keys#stripe"))
    artifact = Artifact(Path("/a.zip"), "x=", 1, 1, 1, "python3.13", "x86_64", "main.app")
    state = desired(config, artifact, Names("shop", "123456789012", "eu-west-1"))
    environment = dict(state.settings.environment)
    assert json.loads(environment["LAMBENT_SECRETS"]) == {"DB": "ssm:/shop/db", "KEY": "secret:shop/keys#stripe"}
    assert environment["PLAIN"] == "x" and "DB" not in environment
    permissions = [(statement["Action"], statement["Resource"]) for statement in json.loads(state.inline)["Statement"]]
    assert permissions == [
        ("ssm:GetParameters", "arn:aws:ssm:eu-west-1:123456789012:parameter/shop/db"),
        ("secretsmanager:GetSecretValue", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop/keys-??????"),
    ]
    assert load_config(web_app, settings, env=("DB=plain",)).secrets == (("KEY", "secret:shop/keys#stripe"),), (
        "a flag is stronger"
    )


@pytest.mark.parametrize(
    "value", ['{ ssm = "" }', '{ ssm = "/a b" }', '{ secret = "a", kye = "b" }', "{ vault = 1 }", "{}", "[1]"]
)
def test_invalid_reference_is_refused(web_app: Path, value: str) -> None:
    with pytest.raises(UsageError, match=r"env\.DB"):
        load_config(web_app, f"env = {{ DB = {value} }}")


def test_handler_with_secrets_uses_the_client_that_resolves_them(handler_app: Path) -> None:
    assert load_config(handler_app, "").client == "aws"
    assert load_config(handler_app, 'env = { DB = { ssm = "/a" } }').client == "lambent"

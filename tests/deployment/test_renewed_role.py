"""A role that was deleted and created under the same name: AWS's grants were the old one's, so a deploy sets it again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lambent import events
from lambent.aws.values import Code, Function, Invoked, Pairs, Settings
from lambent.config.model import App, Config
from lambent.deployment.context import DeployContext, Timing
from lambent.deployment.deploy import deploy
from lambent.errors import AwsError, GrantsLostError
from support.deploy_cases import artifact
from support.memory_aws import LATEST, MemoryAws

QUICK = Timing(role_s=0.1, settle_s=0.1, answer_s=0.1)
HANDLER = "def lambda_handler(event, context):\n    return {{'statusCode': 200, 'body': {!r}}}\n"


class AwsWithGrants(MemoryAws):
    """KMS grants a role the use of a function's key when the role is set, and a version has the grants of its $LATEST."""

    def __init__(self) -> None:
        super().__init__()
        self.created = 0
        self.grants: dict[str, int] = {}
        self.is_renewable = True

    def create_role(self, name: str, tags: Pairs) -> None:
        super().create_role(name, tags)
        self.created += 1

    def create_function(self, name: str, settings: Settings, code: Code, tags: Pairs) -> Function:
        self._grant()
        return super().create_function(name, settings, code, tags)

    def update_settings(self, name: str, settings: Settings, revision: str = "") -> Function:
        self._grant()
        return super().update_settings(name, settings, revision)

    def publish(self, name: str, sha256: str, description: str = "") -> Function:
        published = super().publish(name, sha256, description)
        self.grants[published.version] = self.grants[LATEST]
        return published

    def invoke(self, function: str, qualifier: str, payload: bytes) -> Invoked:
        version = self._apps[function].aliases[qualifier].version if qualifier == "live" else qualifier
        if self._apps[function].versions[version].settings.environment and self.grants[version] != self.created:
            raise AwsError("Lambda was unable to decrypt the environment variables", code="KMSAccessDeniedException")
        return super().invoke(function, qualifier, payload)

    def _grant(self) -> None:
        self.grants[LATEST] = self.created if self.is_renewable else -1

    def renew_role(self, name: str) -> None:
        """Delete the role and create it again, as its owner may do by hand."""
        role = self._roles.pop(name)
        self.create_role(name, role.tags)


class Account:
    def __init__(self, folder: Path) -> None:
        self.aws: Any = AwsWithGrants()
        self.folder = folder
        self.events: list[events.Event] = []

    def deploy(self, text: str = "one", *, environment: Pairs = (("A", "1"),)) -> events.Deployed:
        app = App("main", "lambda_handler", "handler")
        config = Config(self.folder, "shop", app, "python3.13", environment=environment)
        context = DeployContext(self.aws, self.events.append, QUICK, self.aws.fetch)
        return deploy(config, artifact(self.folder, HANDLER.format(text)), context)

    def fetch(self, url: str) -> bytes:
        body: bytes = self.aws.fetch(url, 1).body
        return body


@pytest.fixture
def account(tmp_path: Path) -> Account:
    return Account(tmp_path)


def test_missing_role_is_set_again_without_a_failure(account: Account) -> None:
    account.deploy()
    account.aws._roles.clear()
    account.events.clear()
    deployed = account.deploy()
    assert deployed.version == "2" and account.fetch(deployed.url) == b"one"
    assert not [event for event in account.events if isinstance(event, events.Notice)]
    assert account.deploy().changed is False


def test_function_without_variables_keeps_its_version(account: Account) -> None:
    account.deploy(environment=())
    account.aws._roles.clear()
    assert account.deploy(environment=()).version == "1"


def test_role_that_someone_else_created_again_is_found_by_the_check(account: Account) -> None:
    account.deploy()
    account.aws.renew_role("lambent-shop")
    deployed = account.deploy("two")
    assert account.fetch(deployed.url) == b"two"
    notices = [event.text for event in account.events if isinstance(event, events.Notice)]
    assert notices == [
        "AWS can't decrypt the function's environment variables: its role was deleted and created again: setting it again"
    ]


def test_role_that_cannot_be_renewed_is_an_error_with_the_command(account: Account) -> None:
    account.deploy()
    account.aws.renew_role("lambent-shop")
    account.aws.is_renewable = False
    with pytest.raises(GrantsLostError) as failed:
        account.deploy("two")
    assert "aws lambda update-function-configuration --function-name shop --role arn:aws:iam" in failed.value.hint

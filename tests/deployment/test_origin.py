"""Two projects with the same name: the second one doesn't take over the app of the first one unasked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from lambent import events
from lambent.config.model import App, Config
from lambent.deployment.context import DeployContext, Timing
from lambent.deployment.deploy import allow, deploy
from lambent.deployment.destroy import prepare as prepare_destroy
from lambent.deployment.observed import deployed_name
from lambent.deployment.rollback import rollback
from lambent.deployment.status import status
from lambent.errors import UsageError
from support.deploy_cases import artifact
from support.memory_aws import MemoryAws

ONE, FORK, FOLDER, TWO = "github.com/acme/shop", "github.com/me/shop", "folder:home/shop", "github.com/acme/other"
QUICK = Timing(role_s=0.1, settle_s=0.1, answer_s=0.1)
ANSWER = "def lambda_handler(event, context):\n    return {{'statusCode': 200, 'body': {!r}}}\n"


class Account:
    def __init__(self, folder: Path) -> None:
        self.aws: Any = MemoryAws()
        self.folder = folder

    def deploy(self, *identities: str, name: str = "shop", text: str = "one", **options: Any) -> events.Deployed:
        config = Config(self.folder, name, App("main", "lambda_handler", "handler"), "python3.13", identities=identities)
        context = DeployContext(self.aws, events.ignore, QUICK, self.aws.fetch)
        return deploy(config, artifact(self.folder, ANSWER.format(text)), context, **options)

    @property
    def origins(self) -> tuple[str | None, str | None]:
        tagged = (self.aws.function("shop"), self.aws.role("lambent-shop"))
        function, role = (dict(resource.tags).get("lambent:origin") for resource in tagged)
        return function, role


@pytest.fixture
def account(tmp_path: Path) -> Account:
    return Account(tmp_path)


def test_another_project_is_refused_and_another_name_works(account: Account) -> None:
    url = account.deploy(ONE, FOLDER).url
    assert account.origins == (ONE, ONE)
    with pytest.raises(UsageError, match=f"shop was deployed from another project: {ONE}") as refused:
        account.deploy(TWO, text="two")
    name = refused.value.hint.split()[1].rstrip(",")
    assert account.deploy(TWO, text="two", name=name).url != url
    assert account.aws.fetch(url, 1).body == b"one" and account.origins == (ONE, ONE)


def test_yes_moves_the_app(account: Account) -> None:
    account.deploy(ONE)
    account.deploy(TWO, text="two", confirm_move=allow)
    assert account.origins == (TWO, TWO)
    assert account.deploy(TWO, text="two").changed is False


def test_checkouts_of_a_project_are_the_same(account: Account) -> None:
    account.deploy(FOLDER)  # before it had a remote
    account.deploy(ONE, FOLDER)
    assert account.origins == (ONE, ONE)
    account.deploy(FORK, ONE, "folder:/elsewhere")  # a fork's checkout leaves the tag as it is
    assert account.origins == (ONE, ONE)
    assert account.deploy(ONE, "folder:/ci").changed is False


def test_app_of_an_earlier_version_is_adopted(account: Account) -> None:
    account.deploy()
    assert account.origins == (None, None)
    account.deploy(ONE)
    assert account.origins == (ONE, ONE)
    account.deploy()  # a library call without a project
    assert account.origins == (ONE, ONE)


def test_role_of_another_region_counts(account: Account) -> None:
    account.deploy(ONE)
    account.aws.delete_function("shop")
    with pytest.raises(UsageError, match="another project"):
        account.deploy(TWO)


def test_destroy_and_rollback_know_whose_app_it_is(account: Account) -> None:
    account.deploy(ONE)
    account.deploy(ONE, text="two")
    assert prepare_destroy("shop", account.aws, timing=QUICK, identities=(TWO,)).origin == ONE
    assert prepare_destroy("shop", account.aws, timing=QUICK, identities=(FORK, ONE)).origin == ""
    assert prepare_destroy("shop", account.aws, timing=QUICK).origin == ""
    context = DeployContext(account.aws, events.ignore, QUICK, account.aws.fetch)
    with pytest.raises(UsageError, match="another project") as refused:
        rollback("shop", "", context, (TWO,))
    assert "--name shop" in refused.value.hint
    assert rollback("shop", "", context).version == "1"
    shown = status("shop", account.aws, 1)
    assert shown is not None and replace(shown, activity=None).origin == ONE


def test_app_keeps_the_name_it_has_although_its_default_has_changed(account: Account) -> None:
    def name(*identities: str) -> str:
        return deployed_name(account.aws, "shop-api", "api", identities)

    assert name(ONE) == "shop-api"
    account.deploy(ONE, name="api")
    assert (name(ONE), name(TWO), name()) == ("api", "shop-api", "shop-api")
    account.deploy(ONE, name="shop-api")
    assert name(ONE) == "shop-api"

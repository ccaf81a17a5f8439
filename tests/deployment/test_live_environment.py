"""Variables of an earlier `--env` stay, on every machine, until something says otherwise."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from msgspec.structs import replace

from lambent import events
from lambent.config.live_environment import (
    CHECK,
    FLAG_VARIABLES,
    keep_check_path,
    keep_live_variables,
    user_variables,
    warn_of_unknown,
)
from lambent.config.load import Flags, load
from lambent.config.model import App, Config
from lambent.deployment.check_path import check_path
from lambent.deployment.context import DeployContext, Timing
from lambent.deployment.deploy import deploy, prepare
from lambent.deployment.desired import desired
from lambent.deployment.observed import live_settings
from lambent.errors import UsageError
from lambent.names import BOOTSTRAP, EXEC_WRAPPER
from lambent.package import function_settings
from support.configs import load_config
from support.deploy_cases import artifact
from support.memory_aws import MemoryAws
from support.plan_cases import NAMES

QUICK = Timing(role_s=0.1, settle_s=0.1, answer_s=0.1)
ANSWER = "def lambda_handler(event, context):\n    return {'statusCode': 200, 'body': ''}\n"
ONE = "github.com/acme/shop"


class Shop:
    def __init__(self, folder: Path) -> None:
        self.aws, self.folder = MemoryAws(), folder

    def config(self, flags: dict[str, str], unset: tuple[str, ...] = (), **table: str) -> Config:
        config = Config(
            self.folder,
            "shop",
            App("main", "lambda_handler", "handler"),
            "python3.13",
            environment=tuple(sorted({**table, **flags}.items())),
            identities=(ONE,),
            flag_variables=tuple(flags),
            unset_variables=unset,
        )
        live = live_settings(self.aws, "shop", config.identities)  # type: ignore[arg-type]
        return keep_live_variables(config, dict(live.environment)) if live else config

    def deploy(self, config: Config) -> dict[str, str]:
        """Return the variables of the live version."""
        context = DeployContext(self.aws, events.ignore, QUICK, self.aws.fetch)  # type: ignore[arg-type]
        deploy(config, artifact(self.folder, ANSWER), context)
        live = self.aws.function("shop", "live")
        assert live is not None
        return {name: value for name, value in live.settings.environment if name != FLAG_VARIABLES}


def test_own_exec_wrapper_stays_under_its_name() -> None:
    assert function_settings.WRAPPER == (EXEC_WRAPPER, BOOTSTRAP)
    moved = {EXEC_WRAPPER: BOOTSTRAP, "LAMBENT_EXEC_WRAPPER": "/opt/otel", FLAG_VARIABLES: EXEC_WRAPPER}
    assert user_variables(moved) == {EXEC_WRAPPER: "/opt/otel"}
    config = Config(Path(), "shop", App("main", "app", "wsgi"), "python3.13")
    assert keep_live_variables(config, moved).function_environment == {"LAMBENT_EXEC_WRAPPER": "/opt/otel"}
    assert user_variables({EXEC_WRAPPER: BOOTSTRAP, "LAMBENT_INTERFACE": "wsgi"}) == {}
    assert user_variables({EXEC_WRAPPER: "/opt/otel"}) == {EXEC_WRAPPER: "/opt/otel"}


def test_variables_of_flags_stay_and_those_of_the_configuration_go(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    assert shop.deploy(shop.config({"API_KEY": "secret1"}, COLOUR="blue")) == {"API_KEY": "secret1", "COLOUR": "blue"}
    assert shop.deploy(shop.config({})) == {"API_KEY": "secret1"}
    assert shop.deploy(shop.config({"SIZE": "1"})) == {"API_KEY": "secret1", "SIZE": "1"}
    assert shop.deploy(shop.config({}, API_KEY="configured")) == {"API_KEY": "configured", "SIZE": "1"}
    assert shop.deploy(shop.config({})) == {"SIZE": "1"}  # the configuration had it last


def test_unset_env_is_shown_as_a_removal_without_the_value(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.deploy(shop.config({"API_KEY": "secret1"}))
    config = shop.config({}, unset=("API_KEY",))
    planned = prepare(config, artifact(tmp_path, ANSWER), shop.aws, QUICK)  # type: ignore[arg-type]
    assert ("delete", "environment variable API_KEY") in {(line.verb, line.what) for line in planned.lines}
    assert "secret1" not in str(planned.lines)
    assert shop.deploy(config) == {} and shop.deploy(config) == {}


def test_unset_env_of_a_name_that_is_not_set_is_said() -> None:
    config = Config(Path(), "shop", App("main", "app", "wsgi"), "python3.13", unset_variables=("API_KEYS", "SECRET_KEY", "OLD"))
    live = {"API_KEY": "secret1", "OLD": "1", FLAG_VARIABLES: "API_KEY OLD"}
    warnings = warn_of_unknown(config, live, {"SECRET_KEY"})  # which lambent would set for an app that reads it
    assert [(each.text, each.hint) for each in warnings] == [
        ("--unset-env API_KEYS removes nothing: API_KEYS isn't set", "--unset-env API_KEY")
    ]


def test_another_project_gets_none_of_them(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.deploy(shop.config({"API_KEY": "secret1"}))
    assert live_settings(shop.aws, "shop", ("github.com/acme/other",)) is None  # type: ignore[arg-type]


def test_flags_and_their_file_are_told_from_the_table(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.lambent.env]\nCOLOUR = "blue"\nAPI_KEY = "table"\n')
    (tmp_path / "lambda_function.py").write_text(ANSWER)
    (tmp_path / "some.env").write_text("FROM_FILE=1\n")
    flags = Flags(env=("API_KEY=flag",), env_file=str(tmp_path / "some.env"), runtime="python3.13")
    config = load(tmp_path, flags, {}, date(2026, 11, 30))
    assert config.flag_variables == ("API_KEY", "FROM_FILE")
    with pytest.raises(UsageError, match=r"COLOUR is set by pyproject\.toml") as refused:
        load(tmp_path, replace(flags, unset_env=("COLOUR",)), {}, date(2026, 11, 30))
    assert refused.value.hint == "remove COLOUR there"


def test_check_path_of_a_flag_stays_and_that_of_the_configuration_goes(tmp_path: Path) -> None:
    def deployed(live: dict[str, str], table: str = "", **flags: str) -> tuple[str, dict[str, str]]:
        config = keep_check_path(load_config(tmp_path, table, **flags), live)
        settings = desired(config, artifact(tmp_path, ANSWER), NAMES).settings
        return check_path(settings), {CHECK: dict(settings.environment).get(CHECK, "")}

    (tmp_path / "main.py").write_text(ANSWER)
    path, live = deployed({}, check_path="/health")
    assert path == "/health"
    path, live = deployed(live)
    assert path == "/health"
    assert deployed(live)[0] == "/health"
    assert deployed(live, check_path="/")[0] == "/"
    path, live = deployed(live, 'check_path = "/ready"')
    assert path == "/ready"
    assert deployed(live, "name = 'shop'")[0] == "/"

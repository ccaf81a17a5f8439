"""Stages: names, overrides and refusals."""

from __future__ import annotations

from pathlib import Path

import pytest

from lambent.config.load import Flags, locate_app
from lambent.errors import UsageError
from support.configs import load_config


def test_stage_overrides_the_settings_of_the_app(web_app: Path) -> None:
    settings = 'memory = 256\ntimeout = 5\nenv = { A1 = "a", B1 = "b" }'
    settings += '\n[tool.lambent.stages.prod]\nmemory = 2048\nenv = { B1 = "c" }'
    plain, prod = load_config(web_app, settings), load_config(web_app, settings, stage="prod")
    assert (plain.name, plain.memory_mb, plain.stage) == ("shop", 256, "")
    assert (prod.name, prod.memory_mb, prod.timeout_s, prod.stage) == ("shop-prod", 2048, 5, "prod")
    assert prod.environment == (("A1", "a"), ("B1", "c"))
    assert prod.origins["memory_mb"] == "pyproject.toml [tool.lambent.stages.prod] memory"
    assert prod.origins["timeout_s"] == "pyproject.toml [tool.lambent] timeout"
    assert load_config(web_app, settings, environ={"LAMBENT_STAGE": "prod"}).name == "shop-prod"


def test_stage_is_part_of_the_name(web_app: Path) -> None:
    settings = 'name = "my"\n[tool.lambent.stages.prod]\nname = "the-shop"\n[tool.lambent.stages.test]\nregion = "eu-west-1"'
    assert load_config(web_app, settings, stage="prod").name == "the-shop"
    assert (load_config(web_app, settings, stage="test").name, load_config(web_app, settings, stage="test").region) == (
        "my-test",
        "eu-west-1",
    )
    assert load_config(web_app, settings, stage="test", name="other").name == "other"
    located = locate_app(web_app, Flags(stage="test"), {})
    assert (located.app, located.region, located.stage) == ("my-test", "eu-west-1", "test")
    assert load_config(web_app, "", stage="pr-17").name == "shop-pr-17", "any stage is allowed when none is defined"


@pytest.mark.parametrize(
    ("stage", "message", "hint"),
    [
        ("prdo", "unknown stage: prdo (defined: prod)", "did you mean prod?"),
        ("x", "unknown stage: x (defined: prod)", "add [tool.lambent.stages.x] to pyproject.toml"),
        ("a b", "a stage name must be 1 to 20 letters, digits, - or _, got 'a b'", "--stage prod"),
        ("", "a stage name must be 1 to 20 letters, digits, - or _, got ''", "--stage prod"),
    ],
)
def test_unknown_stage_is_refused(web_app: Path, stage: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as error:
        load_config(web_app, "[tool.lambent.stages.prod]\nmemory = 512", stage=stage)
    assert (error.value.what, error.value.hint) == (message, hint)


def test_unknown_setting_in_a_stage_is_refused_with_its_origin(web_app: Path) -> None:
    with pytest.raises(UsageError) as error:
        load_config(web_app, "[tool.lambent.stages.prod]\nmemroy = 512", stage="prod")
    assert (error.value.where, error.value.hint) == ("pyproject.toml [tool.lambent.stages.prod] memroy", "did you mean memory?")

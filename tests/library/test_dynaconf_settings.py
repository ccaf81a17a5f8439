"""A setting of dynaconf that is in no file of the zip gets the variable that sets it."""

from __future__ import annotations

from pathlib import Path

import pytest

from lambent.errors import FunctionFailedError
from lambent.library import dynaconf_settings
from support.configs import load_config
from support.detection import FLASK, write_project

FRAME = '  File "dynaconf/base.py", line 390, in __getitem__\n'


@pytest.mark.parametrize(
    ("code", "exception", "hint"),
    [
        ("FlaskDynaconf(app)", "KeyError: 'KEY does not exist'", "--env FLASK_KEY=VALUE --env FLASK_TOKEN=VALUE"),
        ("s = Dynaconf()", "AttributeError: 'Settings' object has no attribute 'TOKEN'", "--env DYNACONF_TOKEN=VALUE"),
        (
            "s = Dynaconf(envvar_prefix='SHOP')",
            "dynaconf.validator.ValidationError: DB.HOST is required in env main",
            "--env SHOP_DB__HOST=VALUE --env SHOP_TOKEN=VALUE",
        ),
        ("s = Dynaconf(envvar_prefix=False)", "KeyError: 'TOKEN does not exist'", "--env TOKEN=VALUE"),
        ("s = Dynaconf()", "ZeroDivisionError: division by zero", "fix the error"),
    ],
)
def test_variable_of_a_missing_setting(tmp_path: Path, code: str, exception: str, hint: str) -> None:
    files = {"main.py": f"{FLASK}{code}\n", ".secrets.toml": '[default]\ntoken = "x"\n'}
    error = FunctionFailedError("the app failed", hint="fix the error", detail=FRAME + exception)
    dynaconf_settings.explain(error, load_config(write_project(tmp_path, files)))
    assert error.hint == hint


@pytest.mark.parametrize("secrets", ["", '[development]\ndynaconf_merge = true\n[development.db]\nPASSWORD = "x"\n'])
def test_variable_of_a_setting_in_a_table(tmp_path: Path, secrets: str) -> None:
    files = {"main.py": f"{FLASK}s = Dynaconf(envvar_prefix='shop')\n", ".secrets.toml": secrets}
    frames = '  File "main.py", line 3, in <module>\n    KEY = settings.db.password\n' + FRAME
    error = FunctionFailedError("the app failed", hint="fix the error", detail=f"{frames}AccessError: 'password'")
    dynaconf_settings.explain(error, load_config(write_project(tmp_path, files)))
    assert error.hint == "--env SHOP_DB__PASSWORD=VALUE"
    assert error.what == "dynaconf's DB.PASSWORD is not set, since files of secrets aren't uploaded"

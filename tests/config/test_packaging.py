"""The packaging settings."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import asdict

from lambent.config.model import Packaging
from lambent.config.packaging import read_packaging
from lambent.config.settings import RawSetting, Settings
from lambent.errors import UsageError
from support.configs import load_config


def test_packaging_settings_come_from_pyproject(handler_app: Path) -> None:
    assert load_config(handler_app).packaging == Packaging()
    config = load_config(handler_app, 'include = ["dist/"]\nallow_secrets = ["demo/key"]')
    assert config.packaging == Packaging(include=("dist/",), allow_secrets=("demo/key",))
    assert "pyproject.toml [tool.lambent] include" in config.origins["include"]


@pytest.mark.parametrize("value", ["dist/", [1], [""], {"a": 1}])
def test_value_that_is_not_a_list_of_strings_is_refused(value: object) -> None:
    setting = RawSetting(value, "pyproject.toml [tool.lambent] keep", "keep", "project")
    with pytest.raises(UsageError, match="keep must be a list of strings") as error:
        read_packaging(Settings({"keep": setting}))
    assert error.value.hint == 'keep = ["numpy/testing/"]'


def test_every_option_is_read() -> None:
    options = dict.fromkeys(("keep_all", "strip", "overflow"), True) | {
        key: ["x"] for key in ("include", "allow_secrets", "keep", "drop", "without", "groups", "extras")
    }
    assert set(options) == set(Packaging.__struct_fields__)
    packaging = read_packaging(Settings({key: RawSetting(value, key, key, "project") for key, value in options.items()}))
    expected = {key: tuple(value) if isinstance(value, list) else value for key, value in options.items()}
    assert asdict(packaging) == expected

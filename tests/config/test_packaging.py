"""The `--target` flag and the packaging settings."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import pytest
from msgspec.structs import asdict

from lambent.config.load import Flags, load
from lambent.config.model import Config, Packaging
from lambent.config.packaging import read_packaging
from lambent.config.settings import RawSetting, Settings
from lambent.config.target_flag import parse_target
from lambent.errors import UsageError

TODAY = date(2026, 11, 23)


@pytest.fixture
def app(tmp_path: Path) -> Path:
    (tmp_path / "lambda_function.py").write_text("def lambda_handler(event, context): return 1\n")
    return tmp_path


def load_config(app: Path, **flags: str | bool) -> Config:
    environ = {"HOME": os.environ.get("HOME", ""), "PATH": os.environ["PATH"]}
    return load(app, Flags(**flags), environ, TODAY)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("python3.13-arm64", {"runtime": "python3.13", "architecture": "arm64"}),
        ("python3.13", {"runtime": "python3.13"}),
        ("arm64", {"architecture": "arm64"}),
        ("3.12-x86_64", {"runtime": "python3.12", "architecture": "x86_64"}),
        ("Python3.12 AMD64", {"runtime": "python3.12", "architecture": "x86_64"}),
        ("python3.14_aarch64", {"runtime": "python3.14", "architecture": "arm64"}),
    ],
)
def test_target_names_a_runtime_or_an_architecture_or_both(text: str, parts: dict[str, str]) -> None:
    assert parse_target(text, TODAY) == parts


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("python3.13-arm46", "did you mean python3.13-arm64?"),
        ("pyhton3.13", "did you mean python3.13?"),
        ("arm46", "did you mean arm64?"),
        ("windows", "--target python3.14-arm64, or just python3.14 or arm64"),
        ("", "--target python3.14-arm64, or just python3.14 or arm64"),
    ],
)
def test_unknown_target_gets_a_suggestion(text: str, hint: str) -> None:
    with pytest.raises(UsageError) as error:
        parse_target(text, TODAY)
    assert (error.value.where, error.value.hint) == ("--target", hint)


def test_target_overrides_pyproject(app: Path) -> None:
    (app / "pyproject.toml").write_text('[tool.lambent]\nruntime = "python3.12"\narchitecture = "x86_64"\n')
    config = load_config(app, target="python3.13-arm64")
    assert (config.runtime, config.architecture) == ("python3.13", "arm64")
    assert config.origins["runtime"] == config.origins["architecture"] == "--target"
    assert load_config(app, target="arm64").origins["runtime"] == "pyproject.toml [tool.lambent] runtime"


@pytest.mark.parametrize(
    ("flags", "message", "hint"),
    [
        ({"target": "python3.8-arm64"}, "AWS stopped accepting python3.8", "--target python3.14"),
        ({"target": "python3.13", "runtime": "3.12"}, "--target and --runtime can't be used together", "leave --runtime out"),
        ({"target": "arm64", "architecture": "arm64"}, "--target and --arch can't be used together", "leave --arch out"),
        ({"architecture": "mips"}, "architecture must be x86_64 or arm64, got mips", "--arch x86_64"),
    ],
)
def test_invalid_flag_is_refused(app: Path, flags: dict[str, str], message: str, hint: str) -> None:
    with pytest.raises(UsageError) as error:
        load_config(app, **flags)
    assert error.value.what.startswith(message)
    assert error.value.hint == hint


def test_packaging_settings_come_from_pyproject(app: Path) -> None:
    assert load_config(app).packaging == Packaging()
    (app / "pyproject.toml").write_text('[tool.lambent]\ninclude = ["dist/"]\nallow_secrets = ["demo/key"]\n')
    config = load_config(app)
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

"""The `--target` flag."""

from __future__ import annotations

from pathlib import Path

import pytest

from lambent.config.target_flag import parse_target
from lambent.errors import UsageError
from support.configs import TODAY, load_config


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


def test_target_overrides_pyproject(handler_app: Path) -> None:
    settings = 'runtime = "python3.12"\narchitecture = "x86_64"'
    config = load_config(handler_app, settings, target="python3.13-arm64")
    assert (config.runtime, config.architecture) == ("python3.13", "arm64")
    assert config.origins["runtime"] == config.origins["architecture"] == "--target"
    assert load_config(handler_app, settings, target="arm64").origins["runtime"] == "pyproject.toml [tool.lambent] runtime"


@pytest.mark.parametrize(
    ("flags", "message", "hint"),
    [
        ({"target": "python3.6-arm64"}, "lambent can't build for python3.6", "--target python3.14"),
        ({"target": "python3.13", "runtime": "3.12"}, "--target and --runtime can't be used together", "leave --runtime out"),
        ({"target": "arm64", "architecture": "arm64"}, "--target and --arch can't be used together", "leave --arch out"),
        ({"architecture": "mips"}, "architecture must be x86_64 or arm64, got mips", "--arch x86_64"),
    ],
)
def test_invalid_flag_is_refused(handler_app: Path, flags: dict[str, str], message: str, hint: str) -> None:
    with pytest.raises(UsageError) as error:
        load_config(handler_app, **flags)
    assert error.value.what.startswith(message)
    assert error.value.hint == hint

"""What the user says about the zip: targets in one word, and the packaging options."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import pytest

from lambent.config.load import Flags, load
from lambent.config.model import Config, Packaging
from lambent.config.packaging import options
from lambent.config.settings import Given, Settings
from lambent.config.target_flag import parse
from lambent.errors import UsageError

TODAY = date(2026, 11, 23)


@pytest.fixture
def app(tmp_path: Path) -> Path:
    (tmp_path / "lambda_function.py").write_text("def lambda_handler(event, context): return 1\n")
    return tmp_path


def loaded(app: Path, **flags: str | bool) -> Config:
    environ = {"HOME": os.environ.get("HOME", ""), "PATH": os.environ["PATH"]}
    return load(app, Flags(**flags), environ, TODAY)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("python3.13-arm64", ("python3.13", "arm64")),
        ("python3.13", ("python3.13", "")),
        ("arm64", ("", "arm64")),
        ("3.12-x86_64", ("python3.12", "x86_64")),
        ("Python3.12 AMD64", ("python3.12", "x86_64")),
        ("python3.14_aarch64", ("python3.14", "arm64")),
    ],
)
def test_targets(text: str, parts: tuple[str, str]) -> None:
    assert parse(text, TODAY) == parts


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("python3.13-arm46", "did you mean python3.13-arm64?"),
        ("pyhton3.13", "did you mean python3.13?"),
        ("arm46", "did you mean arm64?"),
        ("windows", "--target python3.14-arm64, or one part of it: python3.14, arm64"),
        ("", "--target python3.14-arm64, or one part of it: python3.14, arm64"),
    ],
)
def test_no_such_target(text: str, hint: str) -> None:
    with pytest.raises(UsageError) as error:
        parse(text, TODAY)
    assert (error.value.where, error.value.hint) == ("--target", hint)


def test_a_target_decides_over_pyproject_and_says_so(app: Path) -> None:
    (app / "pyproject.toml").write_text('[tool.lambent]\nruntime = "python3.12"\narchitecture = "x86_64"\n')
    config = loaded(app, target="python3.13-arm64")
    assert (config.runtime, config.architecture) == ("python3.13", "arm64")
    assert config.origins["runtime"] == config.origins["architecture"] == "--target"
    assert loaded(app, target="arm64").origins["runtime"] == "pyproject.toml [tool.lambent] runtime"


@pytest.mark.parametrize(
    ("flags", "what", "hint"),
    [
        ({"target": "python3.8-arm64"}, "AWS has not taken python3.8", "--target python3.14"),
        ({"target": "python3.13", "runtime": "3.12"}, "both --target and --runtime were given", "leave --runtime out"),
        ({"target": "arm64", "architecture": "arm64"}, "both --target and --arch were given", "leave --arch out"),
        ({"architecture": "mips"}, "architecture must be x86_64 or arm64, got mips", "--arch x86_64"),
    ],
)
def test_refused_flags(app: Path, flags: dict[str, str], what: str, hint: str) -> None:
    with pytest.raises(UsageError) as error:
        loaded(app, **flags)
    assert error.value.what.startswith(what)
    assert error.value.hint == hint


def test_what_is_packed_and_allowed(app: Path) -> None:
    assert loaded(app).packaging == Packaging()
    (app / "pyproject.toml").write_text('[tool.lambent]\ninclude = ["dist/"]\nallow_secrets = ["demo/key"]\n')
    config = loaded(app)
    assert config.packaging == Packaging(include=("dist/",), allow_secrets=("demo/key",))
    assert "pyproject.toml [tool.lambent] include" in config.origins["include"]


@pytest.mark.parametrize("value", ["dist/", [1], [""], {"a": 1}])
def test_not_a_list_of_texts(value: object) -> None:
    given = Settings({"keep": Given(value, "pyproject.toml [tool.lambent] keep", lambda text: f"keep = {text}")})
    with pytest.raises(UsageError, match="keep must be a list of texts") as error:
        options(given, {})
    assert error.value.hint == 'keep = ["numpy/testing/"]'


def test_every_option_has_its_place() -> None:
    said = dict.fromkeys(("keep_all", "strip", "overflow"), True) | {
        field: ["x"] for field in ("include", "allow_secrets", "keep", "drop", "without", "groups", "extras")
    }
    assert set(said) == set(Packaging.__struct_fields__)
    found = options(Settings({key: Given(value, key, str) for key, value in said.items()}), {})
    assert all(getattr(found, key) == (tuple(value) if isinstance(value, list) else value) for key, value in said.items())

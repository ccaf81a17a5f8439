"""The choice of the Python runtime."""

from __future__ import annotations

from pathlib import Path

import pytest

from lambent.errors import LocalError, UsageError
from support.configs import load_config


@pytest.mark.parametrize(
    ("pyproject", "version_file", "pythons", "runtime"),
    [
        ("", "", ("3.11", "3.13", "3.9"), "python3.13"),
        ('requires-python = "<3.13"', "", ("3.11", "3.12", "3.13"), "python3.12"),
        ('requires-python = ">=3.12.4"', "", ("3.12",), "python3.12"),
        ('requires-python = "~=3.11.2"', "", ("3.11", "3.13"), "python3.11"),
        ("", "3.11.4", ("3.11", "3.13"), "python3.11"),
        ("", "cpython-3.12", ("3.12", "3.13"), "python3.12"),
    ],
)
def test_default_runtime_is_the_newest_that_fits(
    handler_app: Path, pyproject: str, version_file: str, pythons: tuple[str, ...], runtime: str
) -> None:
    if pyproject:
        (handler_app / "pyproject.toml").write_text(f'[project]\nname = "x"\n{pyproject}\n')
    if version_file:
        (handler_app / ".python-version").write_text(f"{version_file}\n")
    config = load_config(handler_app, pythons=pythons)
    assert config.runtime == runtime
    assert "this machine has" in config.origins["runtime"]
    assert not pyproject or "requires-python allows" in config.origins["runtime"]


def test_missing_interpreter_gets_an_install_command(handler_app: Path) -> None:
    with pytest.raises(LocalError) as error:
        load_config(handler_app, pythons=("3.9",))
    assert error.value.hint == "uv python install 3.14"


def test_project_that_no_runtime_fits_is_refused(handler_app: Path) -> None:
    (handler_app / "pyproject.toml").write_text('[project]\nname = "x"\nrequires-python = "<3.9"\n')
    with pytest.raises(UsageError, match=r"requires-python is <3[.]9"):
        load_config(handler_app, pythons=("3.8", "3.13"))

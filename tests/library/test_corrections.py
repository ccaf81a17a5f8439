"""The packages that a failed start asks for."""

from __future__ import annotations

from pathlib import Path

import pytest

from lambent.config.model import Config
from lambent.library import corrections
from support.configs import load_config


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "main.py").write_text("from fastapi import FastAPI\napp = FastAPI()\n")
    return load_config(tmp_path)


@pytest.mark.parametrize(
    ("message", "requirements"),
    [
        ("ModuleNotFoundError: No module named 'yaml'", ("PyYAML",)),
        ("ModuleNotFoundError: No module named 'main'", None),
        ("ModuleNotFoundError: No module named 'distutils'", ("standard-distutils",)),
        ('RuntimeError: Form data requires "python-multipart" to be installed.', ("python-multipart",)),
        ("Exception: Install 'email-validator' for email validation support.", ("email-validator",)),
        ("AssertionError: jinja2 must be installed to use Jinja2Templates", ("jinja2",)),
        ("ImportError: Plotly Express requires numpy to be installed. You can install", ("numpy",)),
        ("ImportError: sse must be there. Use `pip install sse_starlette` to install.", ("sse-starlette",)),
        ("RuntimeError: 'cryptography' package is required for caching_sha2_password auth methods", ("cryptography",)),
        ("ImportError: Pillow is not installed.", ("pillow",)),
        ("ImportError: email-validator is not installed, run `pip install 'pydantic[email]'`", ("email-validator",)),
    ],
)
def test_package_that_a_start_lacks_is_added(config: Config, message: str, requirements: tuple[str, ...] | None) -> None:
    missing = corrections._missing_package(message, config)
    assert (missing and missing.requirements) == requirements

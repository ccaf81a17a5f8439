"""Apps to configure, on a machine without Pythons of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.configs import HANDLER, WEB_APP


@pytest.fixture(autouse=True)
def no_system_pythons(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lambent.interpreters._SYSTEM_FOLDERS", ())


@pytest.fixture
def handler_app(tmp_path: Path) -> Path:
    """A project with a bare handler."""
    folder = tmp_path / "My Shop"
    folder.mkdir()
    (folder / "lambda_function.py").write_text(HANDLER)
    return folder


@pytest.fixture
def web_app(tmp_path: Path) -> Path:
    """A project with an ASGI app."""
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "main.py").write_text(WEB_APP)
    return folder

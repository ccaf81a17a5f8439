"""Getting the target's Python with uv."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lambent.events import Event, StepStarted
from lambent.package.python_install import install_python


def environment(home: Path, **variables: str) -> dict[str, str]:
    """Return the environment of a machine whose uv finds no Python to download."""
    mirror = (home / "no-mirror").as_uri()
    return {
        **os.environ,
        "HOME": str(home),
        "UV_PYTHON_INSTALL_DIR": str(home),
        "UV_PYTHON_INSTALL_MIRROR": mirror,
        **variables,
    }


def test_failed_download_is_not_repeated_at_once(tmp_path: Path) -> None:
    events: list[Event] = []
    for _ in range(2):
        assert install_python("3.14", tmp_path / "cache", environment(tmp_path), events.append) is None
    assert events == [StepStarted("install Python 3.14")]


@pytest.mark.parametrize("variables", [{"UV_PYTHON_DOWNLOADS": "never"}, {"UV_OFFLINE": "1"}])
def test_user_may_forbid_downloads(tmp_path: Path, variables: dict[str, str]) -> None:
    events: list[Event] = []
    assert install_python("3.14", tmp_path / "cache", environment(tmp_path, **variables), events.append) is None
    assert not events

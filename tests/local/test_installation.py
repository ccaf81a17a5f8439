"""lambent is updated or removed while its service runs: functions go on, or the answer says what to do."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from lambent.local import daemon, installation
from support.local_service import Service, environment
from support.paths import SOURCE

HELLO = "def handler(event, context): return 'hello'"


def test_functions_start_after_an_update_while_the_service_runs(tmp_path: Path) -> None:
    copy = tmp_path / "site-packages" / "lambent"
    shutil.copytree(SOURCE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    environ = {**environment(), "PYTHONPATH": str(copy.parent)}
    running = daemon.ensure_running(tmp_path / "state", 0, None, environ)
    try:
        service = Service(tmp_path / "state", running.port, running.pid)
        service.function("before", HELLO)
        assert invoke(service, "before") == "hello"
        for path in copy.rglob("*.py"):
            path.write_text("raise SystemExit('this is another version')")
        service.function("after", HELLO)
        assert invoke(service, "after") == "hello"
        shutil.rmtree(copy)
        service.function("removed", HELLO)
        assert invoke(service, "removed") == "hello"
    finally:
        daemon.stop(tmp_path / "state")


def invoke(service: Service, name: str) -> object:
    return json.loads(service.client("lambda").invoke(FunctionName=name)["Payload"].read())


def test_other_files_mean_an_update(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert not installation.has_changed()
    (tmp_path / "__init__.py").touch()
    monkeypatch.setattr(installation.lambent, "__file__", os.fspath(tmp_path / "__init__.py"))
    assert installation.has_changed()
    (tmp_path / "__init__.py").unlink()
    assert installation.has_changed()

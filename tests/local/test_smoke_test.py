"""Starting an app from its zip in the strongest sandbox that this machine permits, without the service."""

from __future__ import annotations

import asyncio
import os
import platform
import subprocess
import tempfile
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from lambent import events
from lambent.config.model import App, Config
from lambent.local.smoke_test import PackagedFunction, SmokeTestResult, run_smoke_test
from lambent.package.build import build
from support.functions import CACHE, NEWEST

HERE = "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64"
TODAY = date(2026, 11, 23)
WORKING = "def handler(event, context): return 1"


def make_zip(folder: Path, **sources: str) -> Path:
    path = folder / "app.zip"
    with zipfile.ZipFile(path, "w") as zip_file:
        for name, source in sources.items():
            info = zipfile.ZipInfo(f"{name}.py")
            info.external_attr = 0o100644 << 16
            zip_file.writestr(info, source)
    return path


def start(folder: Path, source: str, **overrides: Any) -> SmokeTestResult:
    values = {
        "zip": make_zip(folder, main=source),
        "handler": "main.handler",
        "runtime": NEWEST,
        "architecture": HERE,
    } | overrides
    return run_smoke_test(PackagedFunction(**values), CACHE, os.environ, TODAY)


def test_app_that_starts_passes(tmp_path: Path) -> None:
    result = start(tmp_path, "print('hello from init')\n" + WORKING)
    assert result.ok and not result.skipped and not result.error_type
    assert result.log == ("hello from init",)
    assert 0 < result.init_ms < 10_000 and result.sandbox in ("namespaces", "process")


@pytest.mark.parametrize(
    ("source", "error_type", "message"),
    [
        ("import no_such_thing", "Runtime.ImportModuleError", "No module named 'no_such_thing'"),
        ("x = 1", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'main'"),
        ("def handler(:", "Runtime.UserCodeSyntaxError", "Syntax error in module 'main'"),
        ("import os; os.abort()", "Runtime.ExitError", "signal: aborted"),
        ("import sys; sys.exit(3)", "Runtime.ExitError", "exit status 3"),
    ],
)
def test_failing_init_is_reported_as_on_aws(tmp_path: Path, source: str, error_type: str, message: str) -> None:
    result = start(tmp_path, source)
    assert not result.ok and not result.skipped
    assert result.error_type == error_type and message in result.message


def test_trace_names_the_line(tmp_path: Path) -> None:
    result = start(tmp_path, "def broken():\n    raise ValueError('no table')\nbroken()\n" + WORKING)
    assert (result.error_type, result.message) == ("ValueError", "no table")
    assert any("/var/task/main.py" in line and "line 2" in line for line in result.trace)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("def app(environ, start): return []", ""),
        ("app = open('/var/task/no-such-file')", "No such file or directory"),
        ("async def app(scope, receive, send):\n    raise RuntimeError('no database')", ""),
    ],
)
def test_built_web_app_is_started(tmp_path: Path, source: str, message: str) -> None:
    """With our own runtime, which is part of the zip."""
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "main.py").write_text(source)
    config = Config(tmp_path / "web", "small", App("main", "app", "web"), NEWEST, HERE)  # type: ignore[arg-type]
    zipped = build(config, tmp_path / "cache", os.environ, events.ignore)
    function = PackagedFunction(zipped.path, zipped.handler, zipped.runtime, zipped.architecture, zipped.environment)
    result = run_smoke_test(function, CACHE, os.environ, TODAY)
    assert result.ok is not bool(message) and message in result.message


def test_app_sees_its_settings_and_not_the_callers_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "the caller's")
    source = "import os\nprint(os.environ['SHOP'], os.environ['AWS_SECRET_ACCESS_KEY'], os.environ['_HANDLER'])\n" + WORKING
    assert start(tmp_path, source, environment=(("SHOP", "open"),)).log == ("open none main.handler",)


def test_requests_to_aws_are_refused_and_counted(tmp_path: Path) -> None:
    result = start(tmp_path, "import boto3\nboto3.client('dynamodb').list_tables()\n" + WORKING)
    assert not result.ok and result.aws_requests == 1
    assert "AccessDenied" in result.error_type + result.message


def test_slow_init_is_repeated_within_the_time_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lambent.limits.INIT_MAX_S", 0.5)
    result = start(tmp_path, "import time\nprint('started', flush=True)\ntime.sleep(60)\n" + WORKING, timeout_s=1)
    assert not result.ok and "timed out after 1.00 seconds" in result.message
    assert result.log == ("started", "started")


def test_app_that_this_machine_cannot_run_is_skipped_with_a_reason(tmp_path: Path) -> None:
    foreign = "x86_64" if HERE == "arm64" else "arm64"
    assert start(tmp_path, WORKING, architecture=foreign).skipped == f"this machine can't run code for {foreign}"
    without_path = run_smoke_test(
        PackagedFunction(make_zip(tmp_path, main=WORKING), "main.handler", NEWEST, HERE), CACHE, {"PATH": ""}, TODAY
    )
    missing = start(tmp_path, WORKING, runtime="python3.99")
    assert missing.skipped == "no interpreter for the runtime python3.99 on this machine"
    assert missing.hint == "uv python install 3.99"
    assert without_path.skipped or without_path.ok  # uv finds a Python in the system's folders without a PATH


def test_zip_that_aws_would_refuse_fails(tmp_path: Path) -> None:
    path = tmp_path / "broken.zip"
    path.write_bytes(b"not a zip")
    result = run_smoke_test(PackagedFunction(path, "main.handler", NEWEST, HERE), CACHE, os.environ, TODAY)
    assert not result.ok and result.error_type == "InvalidParameterValueException" and "Could not unzip" in result.message


def test_no_file_and_no_process_remains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even if the app starts child processes."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))
    (tmp_path / "scratch").mkdir(mode=0o755)
    tmp_path.chmod(0o755)
    source = "import subprocess\nsubprocess.Popen(['sleep', '54321'])\n" + WORKING
    start(tmp_path, source)
    assert list((tmp_path / "scratch").iterdir()) == []
    assert "54321" not in subprocess.run(["ps", "-axo", "args"], capture_output=True, text=True, check=True).stdout


def test_two_smoke_tests_may_run_at_the_same_time(tmp_path: Path) -> None:
    async def run_both() -> list[SmokeTestResult]:
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
        return await asyncio.gather(*(asyncio.to_thread(start, tmp_path / name, WORKING) for name in ("one", "two")))

    assert all(result.ok for result in asyncio.run(run_both()))


def test_endless_output_ends_with_the_time_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lambent.limits.INIT_MAX_S", 0.5)
    result = start(tmp_path, "while True: print('x')", timeout_s=1)
    assert not result.ok and result.error_type == "Sandbox.Timedout"
    assert len(result.log) == 200 and set(result.log) == {"x"}

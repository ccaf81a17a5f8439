"""An app is started from its zip in the sandbox that this machine permits, without the service."""

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
FINE = "def handler(event, context): return 1"


def make_zip(folder: Path, **sources: str) -> Path:
    path = folder / "app.zip"
    with zipfile.ZipFile(path, "w") as made:
        for name, source in sources.items():
            info = zipfile.ZipInfo(f"{name}.py")
            info.external_attr = 0o100644 << 16
            made.writestr(info, source)
    return path


def tried(folder: Path, source: str, **changed: Any) -> SmokeTestResult:
    values = {
        "zip": make_zip(folder, main=source),
        "handler": "main.handler",
        "runtime": NEWEST,
        "architecture": HERE,
    } | changed
    return run_smoke_test(PackagedFunction(**values), CACHE, os.environ, TODAY)


def test_an_app_that_starts(tmp_path: Path) -> None:
    done = tried(tmp_path, "print('hello from init')\n" + FINE)
    assert done.ok and not done.skipped and not done.error_type
    assert done.log == ("hello from init",)
    assert 0 < done.init_ms < 10_000 and done.sandbox in ("namespaces", "process")


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
def test_an_init_that_fails(tmp_path: Path, source: str, error_type: str, message: str) -> None:
    done = tried(tmp_path, source)
    assert not done.ok and not done.skipped
    assert done.error_type == error_type and message in done.message


def test_the_trace_names_the_line(tmp_path: Path) -> None:
    done = tried(tmp_path, "def broken():\n    raise ValueError('no table')\nbroken()\n" + FINE)
    assert (done.error_type, done.message) == ("ValueError", "no table")
    assert any("/var/task/main.py" in line and "line 2" in line for line in done.trace)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("def app(environ, start): return []", ""),
        ("app = open('/var/task/no-such-file')", "No such file or directory"),
        ("async def app(scope, receive, send):\n    raise RuntimeError('no database')", ""),
    ],
)
def test_a_web_app_as_it_is_built(tmp_path: Path, source: str, message: str) -> None:
    """Under our own loop, which the zip brings along."""
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "main.py").write_text(source)
    config = Config(tmp_path / "web", "small", App("main", "app", "web"), NEWEST, HERE)  # type: ignore[arg-type]
    zipped = build(config, tmp_path / "cache", os.environ, events.ignore)
    subject = PackagedFunction(zipped.path, zipped.handler, zipped.runtime, zipped.architecture, zipped.environment)
    done = run_smoke_test(subject, CACHE, os.environ, TODAY)
    assert done.ok is not bool(message) and message in done.message


def test_settings_reach_it_and_the_callers_environment_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "somebody's own")
    source = "import os\nprint(os.environ['SHOP'], os.environ['AWS_SECRET_ACCESS_KEY'], os.environ['_HANDLER'])\n" + FINE
    assert tried(tmp_path, source, environment=(("SHOP", "open"),)).log == ("open none main.handler",)


def test_requests_to_aws_are_refused_and_counted(tmp_path: Path) -> None:
    done = tried(tmp_path, "import boto3\nboto3.client('dynamodb').list_tables()\n" + FINE)
    assert not done.ok and done.aws_requests == 1
    assert "AccessDenied" in done.error_type + done.message


def test_a_slow_init_is_begun_again_with_the_time_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lambent.limits.INIT_MAX_S", 0.5)
    done = tried(tmp_path, "import time\nprint('begun', flush=True)\ntime.sleep(60)\n" + FINE, timeout_s=1)
    assert not done.ok and "timed out after 1.00 seconds" in done.message
    assert done.log == ("begun", "begun")


def test_what_cannot_be_tried_here_says_why(tmp_path: Path) -> None:
    other = "x86_64" if HERE == "arm64" else "arm64"
    assert tried(tmp_path, FINE, architecture=other).skipped == f"this machine can't run code for {other}"
    nowhere = run_smoke_test(
        PackagedFunction(make_zip(tmp_path, main=FINE), "main.handler", NEWEST, HERE), CACHE, {"PATH": ""}, TODAY
    )
    missing = tried(tmp_path, FINE, runtime="python3.99")
    assert missing.skipped == "no interpreter for the runtime python3.99 on this machine"
    assert missing.hint == "uv python install 3.99"
    assert nowhere.skipped or nowhere.ok  # a Python in the system's own folders is found without a PATH


def test_a_zip_that_aws_would_refuse(tmp_path: Path) -> None:
    path = tmp_path / "broken.zip"
    path.write_bytes(b"no zip at all")
    done = run_smoke_test(PackagedFunction(path, "main.handler", NEWEST, HERE), CACHE, os.environ, TODAY)
    assert not done.ok and done.error_type == "InvalidParameterValueException" and "Could not unzip" in done.message


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither files nor processes, also of an app that starts children."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))
    (tmp_path / "scratch").mkdir(mode=0o755)
    tmp_path.chmod(0o755)
    source = "import subprocess\nsubprocess.Popen(['sleep', '54321'])\n" + FINE
    tried(tmp_path, source)
    assert list((tmp_path / "scratch").iterdir()) == []
    assert "54321" not in subprocess.run(["ps", "-axo", "args"], capture_output=True, text=True, check=True).stdout


def test_two_at_once(tmp_path: Path) -> None:
    async def both() -> list[SmokeTestResult]:
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
        return await asyncio.gather(*(asyncio.to_thread(tried, tmp_path / name, FINE) for name in ("one", "two")))

    assert all(done.ok for done in asyncio.run(both()))

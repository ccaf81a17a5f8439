"""A URL that anyone may call is asked for: `lambent deploy` without --local, at a terminal and without one.

The account is a local Lambda that the environment names as AWS (AWS_ENDPOINT_URL).
"""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lambent.aws.boto import connect
from lambent.aws.interface import Aws
from support.local_service import Service

HANDLER = "def lambda_handler(event, context):\n    return {'statusCode': 200, 'body': 'hi'}\n"
DEPLOY = [sys.executable, "-m", "lambent", "deploy", "--no-prove"]


@pytest.fixture(scope="module")
def aws(service: Service) -> Aws:
    return connect("us-east-1", endpoint_url=service.url, keys=("lambent", "lambent"))


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """A folder whose name is the app's; each test has its own."""
    folder = tmp_path / f"app-{time.monotonic_ns()}"
    folder.mkdir()
    (folder / "lambda_function.py").write_text(HANDLER)
    return folder


def environment(service: Service) -> dict[str, str]:
    return {name: value for name, value in service.environ().items() if name not in ("CI", "NO_COLOR")} | {"TERM": "xterm"}


def silent(service: Service, app: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*DEPLOY, str(app), *words],
        env=environment(service),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )


def at_terminal(service: Service, app: Path, answer: bytes) -> tuple[int, str]:
    """The exit status and what was shown."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen([*DEPLOY, str(app)], env=environment(service), stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown, answered = b"", False
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        ready, _, _ = select.select([ours], [], [], 1)
        try:
            shown += os.read(ours, 4096) if ready else b""
        except OSError:  # how Linux says that the other end is closed
            break
        if b"[y/N]" in shown and not answered:
            os.write(ours, answer)
            answered = True
    os.close(ours)
    return process.wait(20), shown.decode()


def test_where_nobody_can_be_asked_it_must_be_said(service: Service, aws: Aws, app: Path) -> None:
    refused = silent(service, app)
    assert refused.returncode == 2
    assert "there is no terminal to ask" in refused.stderr and "--yes" in refused.stderr and "auth = " in refused.stderr
    assert "about $1.87 per million requests of 100 ms at 1024 MB" in refused.stderr
    assert (aws.function(app.name), aws.role(f"lambent-{app.name}")) == (None, None)
    as_json = silent(service, app, "--json")
    assert as_json.returncode == 2
    *_, planned, failed = map(json.loads, as_json.stdout.splitlines())
    assert (planned["event"], planned["opens"], planned["access"]) == ("Planned", True, "public")
    assert planned["cost"]["usd_per_million"] == 1.87 and planned["zipped"] > planned["raw"] / 10
    assert (failed["event"], failed["exit_code"]) == ("Failed", 2)


@pytest.mark.parametrize("said", ("--yes", "pyproject"))
def test_said_in_words_it_goes_on(service: Service, app: Path, said: str) -> None:
    if said == "pyproject":
        (app / "pyproject.toml").write_text('[tool.lambent]\nauth = "none"\n')
    done = silent(service, app, *(["--yes"] if said == "--yes" else []))
    assert done.returncode == 0, done.stderr
    assert service.fetch(done.stdout.strip()).body == b"hi"
    again = silent(service, app)  # it is no longer the first time
    assert again.returncode == 0 and "unchanged" in again.stderr


def test_a_url_for_signed_requests_is_not_asked_about(service: Service, aws: Aws, app: Path) -> None:
    done = silent(service, app, "--auth", "iam")
    assert done.returncode == 0, done.stderr
    url = aws.url(app.name, "live")
    assert url and url.auth == "AWS_IAM"
    opened = silent(service, app)
    assert opened.returncode == 2 and "there is no terminal to ask" in opened.stderr


def test_a_person_is_asked(service: Service, aws: Aws, app: Path) -> None:
    status, shown = at_terminal(service, app, b"n\n")
    assert status == 130 and "public: whoever has this URL can call it" in shown
    assert aws.role(f"lambent-{app.name}") is None
    status, shown = at_terminal(service, app, b"y\n")
    assert status == 0 and shown.count("[y/N]") == 1
    url = aws.url(app.name, "live")
    assert url and service.fetch(url.address).status == 200

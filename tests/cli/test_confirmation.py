"""`lambent deploy` without --local asks before it creates a public URL, at a terminal and without one.

The account is a local Lambda that the environment presents as AWS (AWS_ENDPOINT_URL).
"""

from __future__ import annotations

import itertools
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
from support import forked
from support.forked import ForkedProcess
from support.local_service import Service

HANDLER = "def lambda_handler(event, context):\n    return {'statusCode': 200, 'body': 'hi'}\n"
LAMBENT = [sys.executable, "-m", "lambent"]
DEPLOY = [*LAMBENT, "deploy", "--no-prove"]
NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def aws(service: Service) -> Aws:
    return connect("us-east-1", endpoint_url=service.url, keys=("lambent", "lambent"))


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """A folder with a simple app. Its name is the app's, and no other test has the same."""
    folder = tmp_path / f"app-{next(NUMBERS)}"
    folder.mkdir()
    (folder / "lambda_function.py").write_text(HANDLER)
    return folder


def environment(service: Service) -> dict[str, str]:
    """Return the environment of a terminal."""
    inherited = {name: value for name, value in service.environ().items() if name not in ("CI", "NO_COLOR")}
    return inherited | {"TERM": "xterm"}


def deploy(service: Service, app: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Deploy without a terminal."""
    return forked.run([*DEPLOY, str(app), *options], env=environment(service), stdin=subprocess.DEVNULL)


def deploy_at_terminal(service: Service, app: Path, answer: bytes, *options: str) -> tuple[int, str]:
    """Deploy and answer the question. Return the exit status and the screen."""
    return run_at_terminal(service, [*DEPLOY, str(app), *options], answer)


def run_at_terminal(service: Service, command: list[str], answer: bytes) -> tuple[int, str]:
    """Run a command and answer its question. Return the exit status and the screen."""
    terminal, device = pty.openpty()
    process = ForkedProcess(command, env=environment(service), stdin=device, stdout=device, stderr=device)
    os.close(device)
    screen, answered = b"", False
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        ready, _, _ = select.select([terminal], [], [], 1)
        try:
            screen += os.read(terminal, 4096) if ready else b""
        except OSError:  # Linux reports EIO when the other end is closed
            break
        if b"[y/N]" in screen and not answered:
            os.write(terminal, answer)
            answered = True
    os.close(terminal)
    return process.wait(20), screen.decode()


def test_without_a_terminal_a_public_url_needs_a_flag(service: Service, aws: Aws, app: Path) -> None:
    refused = deploy(service, app)
    assert refused.returncode == 2
    assert "no terminal to ask" in refused.stderr and "--yes" in refused.stderr and "auth = " in refused.stderr
    assert "about $1.87 per million requests of 100 ms at 1024 MB" in refused.stderr
    assert (aws.function(app.name), aws.role(f"lambent-{app.name}")) == (None, None)
    as_json = deploy(service, app, "--json")
    assert as_json.returncode == 2
    *_, planned, failed = map(json.loads, as_json.stdout.splitlines())
    assert (planned["event"], planned["opens"], planned["access"]) == ("Planned", True, "public")
    assert planned["cost"]["usd_per_million"] == 1.87 and planned["zipped"] > planned["raw"] / 10
    assert (failed["event"], failed["exit_code"]) == ("Failed", 2)


@pytest.mark.parametrize("source", ("--yes", "pyproject"))
def test_an_explicit_choice_needs_no_question(service: Service, app: Path, source: str) -> None:
    if source == "pyproject":
        (app / "pyproject.toml").write_text('[tool.lambent]\nauth = "none"\n')
    first = deploy(service, app, *(["--yes"] if source == "--yes" else []))
    assert first.returncode == 0, first.stderr
    assert service.fetch(first.stdout.strip()).body == b"hi"
    second = deploy(service, app)  # the URL exists by now
    assert second.returncode == 0 and "unchanged" in second.stderr


def test_a_url_for_signed_requests_needs_no_question(service: Service, aws: Aws, app: Path) -> None:
    signed = deploy(service, app, "--auth", "iam")
    assert signed.returncode == 0, signed.stderr
    url = aws.url(app.name, "live")
    assert url and url.auth == "AWS_IAM"
    public = deploy(service, app)
    assert public.returncode == 2 and "no terminal to ask" in public.stderr


def test_the_answer_at_a_terminal_decides(service: Service, aws: Aws, app: Path) -> None:
    status, screen = deploy_at_terminal(service, app, b"n\n")
    assert status == 130 and "public: anyone with this URL can call it" in screen
    assert screen.endswith("Cancelled. Nothing was changed.\r\n") and "error" not in screen
    assert f"Create a public URL for {app.name}? [y/N]" in screen
    assert aws.role(f"lambent-{app.name}") is None
    status, screen = deploy_at_terminal(service, app, b"y\n")
    assert status == 0 and screen.count("[y/N]") == 1
    url = aws.url(app.name, "live")
    assert url and service.fetch(url.address).status == 200


@pytest.fixture
def other(app: Path, tmp_path: Path) -> Path:
    """Another project with the same folder name."""
    folder = tmp_path / "elsewhere" / app.name
    folder.mkdir(parents=True)
    (folder / "lambda_function.py").write_text(HANDLER.replace("hi", "other"))
    return folder


def body(service: Service, aws: Aws, app: Path) -> bytes:
    url = aws.url(app.name, "live")
    assert url is not None
    return service.fetch(url.address).body


def test_move_to_another_project_is_asked_at_a_terminal(service: Service, aws: Aws, app: Path, other: Path) -> None:
    assert deploy(service, app, "--yes").returncode == 0
    status, screen = deploy_at_terminal(service, other, b"n\n", "--yes")
    assert status == 130 and f"{app.name} was deployed from another project, folder:{app}" in screen.replace("\r\n", "")
    assert body(service, aws, app) == b"hi"
    status, screen = deploy_at_terminal(service, other, b"y\n")
    assert status == 0 and screen.count("[y/N]") == 1
    assert body(service, aws, app) == b"other"


def test_move_without_a_terminal_needs_the_flag_that_is_printed(service: Service, aws: Aws, app: Path, other: Path) -> None:
    assert deploy(service, app, "--yes").returncode == 0
    refused = deploy(service, other, "--yes")
    assert refused.returncode == 2 and body(service, aws, app) == b"hi"
    flag = refused.stderr[refused.stderr.index("--moved-from") :].split()[:2]
    assert deploy(service, other, "--yes", "--moved-from", "folder:/wrong").returncode == 2
    assert deploy(service, other, *flag).returncode == 0
    assert body(service, aws, app) == b"other"
    assert deploy(service, other, *flag).returncode == 0, "in a pipeline it stays"
    assert deploy(service, app, *flag).returncode == 2


def test_deletion_is_asked_at_a_terminal(service: Service, aws: Aws, app: Path, other: Path) -> None:
    assert deploy(service, app, "--yes").returncode == 0
    destroy = [*LAMBENT, "destroy"]
    status, screen = run_at_terminal(service, [*destroy, str(other), "--yes"], b"n\n")
    assert status == 130 and "another project" in screen and "Delete it? [y/N]" in screen.replace("\r\n", "")
    status, screen = run_at_terminal(service, [*destroy, str(app)], b"n\n")
    assert status == 130 and f"Delete {app.name}? [y/N]" in screen
    assert body(service, aws, app) == b"hi"
    status, screen = run_at_terminal(service, [*destroy, str(app)], b"y\n")
    assert status == 0 and aws.function(app.name) is None

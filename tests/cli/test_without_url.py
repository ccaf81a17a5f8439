"""A function that no HTTP request calls, from its deploy to its rollback, as a user types it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from support.local_service import Service

LAMBENT = Path(sys.executable).parent / "lambent"

HANDLER = """\
from pathlib import Path
import os

def handler(event, context):
    for record in event["Records"]:
        print("got", record["messageId"])
    return len(event["Records"])
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "worker"
    folder.mkdir()
    (folder / "main.py").write_text(HANDLER)
    return folder


def lambent(service: Service, project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [LAMBENT, *arguments, "--local", "--state", service.state]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=120, check=False)


def test_nothing_is_public_and_the_handler_is_not_called(service: Service, project: Path) -> None:
    first = lambent(service, project, "deploy")
    assert (first.returncode, first.stdout) == (0, ""), first.stderr
    assert "takes other events than HTTP requests (main.py:5 reads Records), so it gets no URL" in first.stderr
    assert "to call it with an event: lambent invoke" in first.stderr
    client = service.client("lambda")
    assert client.list_function_url_configs(FunctionName="worker")["FunctionUrlConfigs"] == []
    log = lambent(service, project, "logs", "--raw").stdout
    assert "START RequestId" in log and "KeyError" not in log  # it was started, and not called
    sample = lambent(service, project, "invoke", "--event", "sqs")
    assert json.loads(sample.stdout) == 1 and "got" in sample.stderr

    (project / "main.py").write_text(HANDLER.replace("import os", "raise RuntimeError('no start')"))
    broken = lambent(service, project, "deploy")
    assert broken.returncode == 1 and "RuntimeError: no start" in broken.stderr and "version 1 is still live" in broken.stderr

    (project / "main.py").write_text(HANDLER.replace("got", "received"))
    assert lambent(service, project, "deploy", "--env", "MODE=a").returncode == 0
    assert lambent(service, project, "env", "set", "MODE=b").returncode == 0
    back = lambent(service, project, "rollback")
    assert back.returncode == 0 and "is live" in back.stderr, back.stderr
    assert lambent(service, project, "open").returncode == 1

    with_url = lambent(service, project, "deploy", "--url")
    assert with_url.returncode == 1 and "Records" in with_url.stderr  # GET / isn't an event that it takes

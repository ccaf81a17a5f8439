"""`lambent logs` as a user types it: what it says when there is nothing, and how following ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from lambent.cli.logs import command
from lambent.errors import UsageError
from support.local_service import Service
from support.waiting import eventually


def run(service: Service, *arguments: str) -> Result:
    where = ["--local", "--region", "us-east-1", "--state", str(service.state), "--name", "quiet"]
    return CliRunner().invoke(command, [*arguments, *where], standalone_mode=False)


@pytest.fixture(scope="module")
def quiet(service: Service) -> Service:
    service.function("quiet", "def handler(event, context):\n    print('hi')\n")
    return service


def test_nothing_to_show_is_said_with_a_way_on(quiet: Service) -> None:
    assert "quiet has no requests since" in run(quiet, "--since", "1s").output
    assert "; --since 7d looks further back, -f waits for new ones" in run(quiet, "--since", "1s").output
    assert "no failed requests" in run(quiet, "--errors", "--since", "1s").output
    assert "has no request 1234abcd since" in run(quiet, "--request", "1234ABCD", "--since", "1s").output


def test_usage_errors(quiet: Service) -> None:
    assert isinstance(run(quiet, "--request", "x y").exception, UsageError)
    assert "not a time: soon" in str(run(quiet, "--since", "soon").exception)


def test_ctrl_c_ends_following_without_an_error(quiet: Service, tmp_path: Path) -> None:
    output = tmp_path / "output"
    options = ["--local", "--region", "us-east-1", "--state", str(quiet.state), "--name", "quiet", "-f", "--json"]
    with output.open("w") as file:
        process = subprocess.Popen([sys.executable, "-m", "lambent", "logs", *options], stdout=file, stderr=subprocess.STDOUT)
    try:
        client = quiet.client("lambda")

        def whole_request() -> dict[str, Any] | None:
            client.invoke(FunctionName="quiet", Payload=b"1")
            events = [json.loads(line) for line in output.read_text().splitlines(keepends=True) if line.endswith("\n")]
            return next((event for event in events if event["lines"]), None)  # one that began before the command has none

        request = eventually(whole_request)
        assert (request["event"], request["lines"][0]["text"]) == ("LoggedRequest", "hi")
        os.kill(process.pid, signal.SIGINT)
        assert process.wait(30) == 0 and "Failed" not in output.read_text() and "error" not in output.read_text().split()
    finally:
        process.kill()
        process.wait()

"""`lambent local` as a user types it."""

from __future__ import annotations

import json
import logging
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from lambent.cli.local import OneLine, command
from lambent.cli.main import cli
from lambent.errors import LocalError
from lambent.local import daemon
from support.reader import free_port


def run_local(*arguments: str) -> tuple[int, str]:
    """Run a subcommand. Return its exit status and output."""
    outcome = CliRunner().invoke(command, arguments, standalone_mode=False, catch_exceptions=False)
    return outcome.return_value, outcome.output


@pytest.fixture
def state(tmp_path: Path) -> Iterator[str]:
    folder = str(tmp_path / "state")
    yield folder
    run_local("stop", "--state", folder)


def test_start_status_env_and_stop(state: str) -> None:
    code, output = run_local("status", "--state", state)
    assert code == 1 and "not running" in output
    _, output = run_local("start", "--port", "0", "--as-of", "2024-07-07", "--state", state)
    assert "started the local Lambda  (pid " in output and "rules of 2024-07-07" in output and "http://127.0.0.1:" in output
    again = run_local("start", "--state", state)[1]
    assert "already running" in again and f"lambent local stop --state {state} stops it" in again
    code, output = run_local("status", "--state", state)
    assert code == 0 and "sandbox" in output and re.search(r"^functions +0$", output, re.MULTILINE)
    assert re.search(r"^since +\d{4}-\d\d-\d\d \d\d:\d\d$", output, re.MULTILINE), "in local time, as everywhere"
    url = json.loads(run_local("status", "--json", "--state", state)[1])["url"]
    assert f"export AWS_ENDPOINT_URL={url}\n" in run_local("env", "--state", state)[1]
    printed = json.loads(run_local("env", "--json", "--state", state)[1])
    assert printed["running"] and printed["variables"]["AWS_ENDPOINT_URL"] == url
    logged = [json.loads(line) for line in run_local("log", "--json", "--state", state)[1].splitlines()]
    assert {line["event"] for line in logged} == {"LocalLogLine"} and any(url in line["text"] for line in logged)
    assert f"set -gx AWS_ENDPOINT_URL {url}\n" in run_local("env", "--shell", "fish", "--state", state)[1]
    assert "stopped the local Lambda" in run_local("stop", "--state", state)[1]
    assert "was not running" in run_local("stop", "--state", state)[1]


def test_quiet_prints_only_the_url_and_json_one_event(state: str) -> None:
    runner = CliRunner()
    started = runner.invoke(cli, ["-q", "local", "start", "--port", "0", "--state", state])
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+\n", started.output), started.output
    status = runner.invoke(cli, ["-q", "local", "status", "--state", state])
    assert status.output == started.output
    running = json.loads(run_local("start", "--json", "--state", state)[1])
    assert (running["event"], running["started"], running["url"]) == ("LocalRunning", False, started.output.strip())
    assert json.loads(run_local("stop", "--json", "--state", state)[1]) == {"event": "LocalStopped", "pid": running["pid"]}
    assert runner.invoke(cli, ["-q", "local", "stop", "--state", state]).output == ""
    assert runner.invoke(cli, ["-q", "local", "status", "--state", state]).output == ""


def test_a_port_names_an_instance(state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAMBENT_STATE", str(tmp_path / "another"))
    port, free = str(free_port()), str(free_port())
    run_local("start", "--port", port, "--state", state)
    assert run_local("status")[0] == 1, "the instance is not in the default state folder"
    code, output = run_local("status", "--port", port)
    assert code == 0 and f"http://127.0.0.1:{port}" in output
    code, output = run_local("status", "--port", free)
    assert code == 1 and f"not running (port {free})" in output
    assert "was not running" in run_local("stop", "--port", free)[1]
    assert "stopped the local Lambda" in run_local("stop", "--port", port)[1]
    assert run_local("status", "--state", state)[0] == 1


def test_the_status_as_json_is_one_line(state: str) -> None:
    code, output = run_local("status", "--json", "--state", state)
    assert (code, json.loads(output)) == (1, {"event": "LocalStatus", "running": False, "responding": False})
    run_local("start", "--port", "0", "--state", state)
    code, output = run_local("status", "--json", "--state", state)
    assert code == 0 and output.count("\n") == 1
    status = json.loads(output)
    assert (status["event"], status["running"], status["functions"]) == ("LocalStatus", True, 0)


def test_status_names_what_was_set_aside_and_how_to_remove_it(state: str) -> None:
    Path(state).mkdir(parents=True, exist_ok=True)
    damaged, lines = Path(state, "logs.sqlite.damaged"), Path(state, "lambda.unreadable.jsonl")
    damaged.touch()
    lines.write_text("{}\n")
    output = run_local("status", "--state", state)[1]
    assert f"{lines} (1 entry)" in output and str(damaged) in output
    aside = json.loads(run_local("status", "--json", "--state", state)[1])["set_aside"]
    assert {each["path"]: each["entries"] for each in aside} == {str(damaged): None, str(lines): 1}
    subprocess.run(output.splitlines()[-1], shell=True, check=True)
    assert "set aside" not in run_local("status", "--state", state)[1]


def test_hung_service_is_reported_and_can_be_killed(state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    run_local("start", "--port", "0", "--state", state)
    status = json.loads(run_local("status", "--json", "--state", state)[1])
    os.kill(status["pid"], signal.SIGSTOP)
    monkeypatch.setattr(daemon, "_REQUEST_S", 0.2)
    monkeypatch.setattr(daemon, "_ANSWER_S", 0.1)
    code, output = run_local("status", "--state", state)
    assert code == 1 and f"the local Lambda (pid {status['pid']}) is running but doesn't answer" in output
    hung = {"event": "LocalStatus", "running": True, "responding": False, "pid": status["pid"], "state": state}
    assert json.loads(run_local("status", "--json", "--state", state)[1]) == hung
    assert "in use by" in run_local("status", "--port", str(status["port"]))[1]
    assert "doesn't answer  (try lambent local stop --force" in run_local("env", "--state", state)[1]
    for words in (["stop"], ["start"]):
        with pytest.raises(LocalError, match="is running but doesn't answer") as raised:
            run_local(*words, "--state", state)
    command = output.splitlines()[1].split()
    assert raised.value.hint.split() == command and command[:2] == ["lambent", "local"]
    assert f"stopped the local Lambda (pid {status['pid']})" in run_local(*command[2:])[1]
    monkeypatch.undo()
    assert "started the local Lambda" in run_local("start", "--port", "0", "--state", state)[1]


def test_a_relative_state_folder_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LAMBENT_STATE", "state")
    _, output = run_local("start", "--port", "0")
    assert "started the local Lambda" in output
    monkeypatch.chdir("/")
    assert "stopped the local Lambda" in run_local("stop", "--state", str(tmp_path / "state"))[1]


def test_log_shows_each_message_on_one_line() -> None:
    record = logging.LogRecord("lambent", logging.WARNING, "", 0, "GET /%s failed: é", ("a\n12:00:00 forged\x1b[31m",), None)
    assert OneLine("%(message)s").format(record) == "GET /a\\n12:00:00 forged\\x1b[31m failed: é"


def test_text_of_an_exception_can_not_look_like_another_message() -> None:
    try:
        raise ValueError("x\n12:00:00 forged\x1b[31m\x85y")
    except ValueError as error:
        record = logging.LogRecord("lambent", logging.ERROR, "", 0, "failed", (), (ValueError, error, None))
    first, *traceback = OneLine("%(message)s").format(record).split("\n")
    assert first == "failed" and all(line.startswith("  ") and line.isprintable() for line in traceback)
    assert "  12:00:00 forged\\x1b[31m" in traceback

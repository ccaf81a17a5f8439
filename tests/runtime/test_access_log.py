"""The lines by which `lambent logs` knows what was requested and answered."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.interpreter import python
from support.runtime_api_stub import Environment, make_event

APP = """
import os

async def app(scope, receive, send):
    if scope["path"] == "/raise":
        raise ValueError("no")
    if scope["path"] == "/exit":
        os._exit(3)
    print("working")
    if scope["path"] == "/stream":
        await send({"type": "http.response.start", "status": 503, "headers": []})
        await send({"type": "http.response.body", "body": b"one", "more_body": True})
        print("later")
        await send({"type": "http.response.body", "body": b"two"})
        return
    await send({"type": "http.response.start", "status": 404 if scope["path"] == "/no" else 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})
"""


def log_of(folder: Path, event: dict[str, object], **env: str) -> list[str]:
    """Return what one request logs; a running process has logged all of it when it asks for the next event."""
    variables = {"LAMBENT_ACCESS_LOG": "", "LAMBENT_INTERFACE": "asgi", **env}
    with Environment(folder, python(), "main.app", files={"main.py": APP}, env=variables) as environment:
        if "LAMBENT_RESPONSE" in env:
            environment.stream(event).rest()
        else:
            environment.invoke(event)
        environment.wait_idle()
        return environment.log.splitlines()


def test_a_request_has_a_line_and_a_status_other_than_200_too(tmp_path: Path) -> None:
    assert log_of(tmp_path / "a", make_event(path="/a b", query="token=secret")) == ["lambent: GET /a%20b", "working"]
    assert log_of(tmp_path / "b", make_event(path="/no")) == ["lambent: GET /no", "working", "lambent: status 404"]


def test_the_status_follows_the_traceback(tmp_path: Path) -> None:
    lines = log_of(tmp_path, make_event(path="/raise"))
    assert lines[0] == "lambent: GET /raise" and "ValueError: no" in lines[1] and lines[-1] == "lambent: status 500"


def test_a_streamed_response_logs_its_status_with_its_head(tmp_path: Path) -> None:
    lines = log_of(tmp_path, make_event(path="/stream"), LAMBENT_RESPONSE="stream")
    assert lines == ["lambent: GET /stream", "working", "lambent: status 503", "later"]


@pytest.mark.parametrize("text", ("off", "OFF"))
def test_it_can_be_switched_off(tmp_path: Path, text: str) -> None:
    assert log_of(tmp_path, make_event(path="/no"), LAMBENT_ACCESS_LOG=text) == ["working"]


def test_a_json_log_has_json_lines(tmp_path: Path) -> None:
    first, _, last = log_of(tmp_path, make_event(path="/no"), AWS_LAMBDA_LOG_FORMAT="JSON")
    assert json.loads(first)["message"] == "lambent: GET /no" and json.loads(first)["requestId"] == "request-1"
    assert json.loads(last)["message"] == "lambent: status 404"


def test_a_hostile_path_or_method_stays_one_line(tmp_path: Path) -> None:
    event = make_event(path="/x\r\nlambent: status 200\x1b[2J" + "y" * 1000)
    event["requestContext"]["http"]["method"] = "GET /\n"
    (line, working) = log_of(tmp_path, event)
    assert line.startswith("lambent: ? /x%0D%0Alambent:%20status%20200%1B[2Jy") and len(line) < 600 and working == "working"


SILENT = """
import logging

async def app(scope, receive, send):
    try:
        raise ValueError("no such colour")
    except ValueError as error:
        if scope["path"] == "/logged":
            logging.getLogger("own").exception("went wrong")
        await send({"type": "http.response.start", "status": 500, "headers": []})
        await send({"type": "http.response.body", "body": b""})
        error.__traceback__ = None
"""


@pytest.mark.parametrize("path", ("/silent", "/logged"))
def test_an_error_that_the_app_hides_behind_a_500_is_logged_once(tmp_path: Path, path: str) -> None:
    with Environment(
        tmp_path, python(), "main.app", files={"main.py": SILENT}, env={"LAMBENT_INTERFACE": "asgi"}
    ) as environment:
        assert environment.invoke(make_event(path=path)).status == 500
        environment.wait_idle()
        assert environment.log.count("ValueError: no such colour") == 1
        assert environment.log.count("main.py") == 1, "with its traceback"


LOGS_THEN_RAISES = """
import logging

async def app(scope, receive, send):
    try:
        raise KeyError("colour")
    except KeyError:
        logging.getLogger("own").exception("went wrong")
    raise ValueError("no such colour")
"""


def test_an_error_begins_a_line_after_a_traceback_that_the_app_logged(tmp_path: Path) -> None:
    with Environment(
        tmp_path, python(), "main.app", files={"main.py": LOGS_THEN_RAISES}, env={"LAMBENT_INTERFACE": "asgi"}
    ) as environment:
        environment.invoke(make_event(path="/"))
        environment.wait_idle()
        lines = environment.log.replace("\r", "\n").splitlines()
        assert "KeyError: 'colour'" in lines
        assert "[ERROR] ValueError: no such colour" in lines


LOGS_A_FAILED_WRITE = """\
import logging

async def app(scope, receive, send):
    try:
        raise OSError(30, "Read-only file system", "notes.txt")
    except OSError:
        logging.getLogger("own").exception("not saved")
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})
"""


def test_advice_begins_a_line_after_a_traceback(tmp_path: Path) -> None:
    with Environment(
        tmp_path, python(), "main.app", files={"main.py": LOGS_A_FAILED_WRITE}, env={"LAMBENT_INTERFACE": "asgi"}
    ) as environment:
        environment.invoke(make_event(path="/"))
        environment.wait_idle()
        lines = environment.log.replace("\r", "\n").splitlines()
        advice = [line for line in lines if "the app writes to notes.txt" in line]
        assert advice and all(line.startswith("[WARNING]\t") for line in advice)

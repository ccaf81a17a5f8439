"""The user's own exec wrapper is started by lambent's, and may put a handler of its own before the app."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.functions import interpreter
from support.runtime_api_stub import Environment, make_event

APP = """
import os

def app(environ, start_response):
    start_response("200 OK", [])
    names = ("WRAPPED", "_HANDLER", "LAMBENT_APP", "LAMBENT_EXEC_WRAPPER")
    return [repr([os.environ.get(name) for name in names]).encode()]
"""
LAYER = """
import importlib, os

module, _, name = os.environ["LAYERS_HANDLER"].rpartition(".")
original = getattr(importlib.import_module(module), name)

def handler(event, context):
    response = original(event, context)
    return response | {"headers": {"x-layer": context.aws_request_id}} if isinstance(response, dict) else response
"""
REPLACING = 'export WRAPPED=yes LAYERS_HANDLER="$_HANDLER" _HANDLER=layer.handler\nexec "$@"\n'


def start(folder: Path, script: str, app: str = APP, **env: str) -> Environment:
    wrapper = folder / "own_wrapper"
    wrapper.write_text(script)
    wrapper.chmod(0o755)
    files = {"main.py": app, "layer.py": LAYER}
    return Environment(folder, interpreter(), "main.app", files=files, env={"LAMBENT_EXEC_WRAPPER": str(wrapper), **env})


@pytest.mark.parametrize("first_line", ["#!/bin/sh\n", ""], ids=["script", "script without a first line"])
def test_it_starts_the_app_with_its_variables(first_line: str, tmp_path: Path) -> None:
    with start(tmp_path, f'{first_line}export WRAPPED=yes\nexec "$@"\n') as env:
        assert env.invoke(make_event()).body.decode() == repr(["yes", "main.app", None, None])


def test_its_own_handler_calls_a_web_app_like_a_handler(tmp_path: Path) -> None:
    with start(tmp_path, f"#!/bin/sh\n{REPLACING}") as env:
        answer = env.invoke(make_event(), Invoked_Function_Arn="arn")
        assert (answer.status, answer.fields) == (200, {"x-layer": "request-1"})
        assert answer.body.decode() == repr(["yes", "layer.handler", "main.app", None])


def test_its_own_handler_calls_a_handler(tmp_path: Path) -> None:
    handler = "def app(event, context): return [event, context.aws_request_id]"
    with start(tmp_path, f"#!/bin/sh\n{REPLACING}", handler, LAMBENT_INTERFACE="handler") as env:
        assert env.invoke({"a": 1}).data == [{"a": 1}, "request-1"]


def test_an_app_that_streams_runs_without_its_handler(tmp_path: Path) -> None:
    with start(tmp_path, f"#!/bin/sh\n{REPLACING}", LAMBENT_RESPONSE="stream") as env:
        stream = env.stream(make_event())
        assert stream.prelude()["statusCode"] == 200
        assert stream.rest().decode() == repr(["yes", "main.app", None, None])
        assert "layer.handler of the exec wrapper is left out, because it can't stream responses" in env.log


def test_one_that_is_missing_ends_the_process_as_a_shell_would(tmp_path: Path) -> None:
    with Environment(tmp_path, interpreter(), "main.app", env={"LAMBENT_EXEC_WRAPPER": "/opt/nonesuch"}) as env:
        assert env.process.wait(30) == 127
        assert env.log == "lambent: the exec wrapper /opt/nonesuch can't be run: No such file or directory\n"

"""The runtime as a process: a real interpreter runs the wrapper against a stand-in Runtime API."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lambent import interpreters
from runtime_stand_in import RUNTIME, Environment, make_event

VERSIONS = ("3.10", "3.11", "3.13", "3.14")
REQUIRED = ("3.11", "3.13")

HELLO = """
async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        raise RuntimeError("no lifespan here")
    body = b"hello " + scope["path"].encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": body})
"""


@pytest.fixture(params=VERSIONS)
def interpreter(request: pytest.FixtureRequest) -> Path:
    return python(request.param)


def python(version: str = "3.13") -> Path:
    found = interpreters.find(version, os.environ)
    if found is None:
        pytest.skip(f"no python{version} on this machine: {interpreters.how_to_get(version)}")
    return found.path


def test_the_wrapper_is_executable() -> None:
    assert (RUNTIME / "bootstrap").stat().st_mode & 0o777 == 0o755


def test_two_requests_in_one_process(interpreter: Path, tmp_path: Path) -> None:
    with Environment(tmp_path, interpreter, "main.app", files={"main.py": HELLO}) as env:
        assert env.invoke(make_event(path="/a")).body == b"hello /a"
        assert env.invoke(make_event(path="/b")).body == b"hello /b"
        assert env.terminate() == 0
        assert env.log == ""
        assert env.api.refused == []

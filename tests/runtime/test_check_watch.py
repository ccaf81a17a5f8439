"""What the runtime logs about the request of lambent's own check, and of processes that crash or hang."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from support.interpreter import python
from support.runtime_api_stub import Environment, make_event
from support.waiting import eventually

SWALLOWS = """
def app(environ, start_response):
    try:
        import json
        json.loads("no JSON")
    except Exception:
        start_response_later = start_response
    start_response_later("500 Internal Server Error", [])
    return [b"sorry"]
"""


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    return Environment(tmp_path, python("3.13"), "main.app", files={"main.py": SWALLOWS})


def event(source_ip: str = "127.0.0.1") -> dict[str, object]:
    """Return lambent's check, or a request from elsewhere that pretends to be it."""
    made = make_event()
    made["requestContext"]["http"] |= {"userAgent": "lambent", "sourceIp": source_ip}
    return made


def test_an_exception_that_the_app_handles_in_silence_is_logged_for_the_check(environment: Environment) -> None:
    with environment:
        assert environment.invoke(event()).status == 500
        environment.wait_idle()
        assert "[ERROR] JSONDecodeError: Expecting value" in environment.log and 'main.py", line 5, in app' in environment.log


def test_it_is_not_logged_for_anyone_else(environment: Environment) -> None:
    with environment:
        assert environment.invoke(event("203.0.113.7")).status == 500
        environment.wait_idle()
        assert environment.log == ""


def test_the_log_has_the_exception_before_the_check_has_its_response(environment: Environment) -> None:
    with environment:
        environment.invoke(event())
        assert "JSONDecodeError" in environment.log


LATER = """
async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})
    raise RuntimeError("in a background task")
"""


def test_what_follows_a_response_is_logged_before_it(tmp_path: Path) -> None:
    with Environment(tmp_path, python("3.13"), "main.app", files={"main.py": LATER}, env={"LAMBENT_LIFESPAN": "off"}) as env:
        assert env.invoke(event()).status == 200
        assert "[ERROR] RuntimeError: in a background task" in env.log


CRASHES = """
import os

def app(environ, start_response):
    os.abort()
"""


def test_a_crash_logs_its_line(tmp_path: Path) -> None:
    with Environment(tmp_path, python("3.13"), "main.app", files={"main.py": CRASHES}) as env:
        env.api.events.put(("request-1", b'{"requestContext": {"http": {"method": "GET"}}, "rawPath": "/"}', {}))
        assert env.process.wait(60) < 0
    assert "Fatal Python error: Aborted" in env.log and 'task/main.py", line 5 in app' in env.log


EXITS = CRASHES.replace("os.abort()", "os._exit(3)")


def test_os_exit_logs_its_line(tmp_path: Path) -> None:
    with Environment(tmp_path, python("3.13"), "main.app", files={"main.py": EXITS}) as env:
        env.api.events.put(("request-1", b'{"requestContext": {"http": {"method": "GET"}}, "rawPath": "/"}', {}))
        assert env.process.wait(60) == 3
    assert "lambent: os._exit(3) ends the process\nStack" in env.log and 'task/main.py", line 5 in app' in env.log


LATE = "9999999999999"
GROWS = """
import time

def app(environ, start_response):
    rows = bytearray(60_000_000)
    rows[::4096] = b"x" * len(rows[::4096])
    time.sleep(0.3)
    start_response("200 OK", [])
    return [b"ok"]
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_that_is_nearly_used_up_is_logged_with_its_line(tmp_path: Path) -> None:
    size = {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "64"}
    with Environment(tmp_path, python("3.13"), "main.app", files={"main.py": GROWS}, env=size) as env:
        assert env.invoke(event(), Deadline_Ms=LATE).status == 200
        assert env.invoke(event(), Deadline_Ms=LATE).status == 200
    dump = env.log.partition("lambent: the memory is nearly used up\n")[2]
    assert re.search(r'task/main.py", line \d in app', dump)


WAITS = """
import asyncio

async def wait():
    await asyncio.Event().wait()

async def app(scope, receive, send):
    if scope["type"] == "http":
        await wait()
"""


def test_a_coroutine_that_waits_for_ever_is_logged_with_its_line(tmp_path: Path) -> None:
    with Environment(tmp_path, python("3.13"), "main.app", files={"main.py": WAITS}) as env:
        env.wait_idle()
        deadline = str(int(time.time() * 1000) + 2500)
        env.api.events.put(("request-1", json.dumps(event()).encode(), {"Lambda-Runtime-Deadline-Ms": deadline}))
        eventually(lambda: "lambent: the event loop waits" in env.log)
        assert re.search(r'Task .*\n(?:  File .*\n)*  File ".*task/main.py", line 5 in wait\n', env.log)


LAZY = {"main.py": "def app(environ, start_response):\n    import late\n", "late.py": "a = 1\nprint 'x'\n"}


def test_a_syntax_error_in_a_late_import_has_its_own_line(tmp_path: Path) -> None:
    with Environment(tmp_path, python("3.13"), "main.app", files=LAZY) as env:
        assert env.invoke(event()).status == 500
        assert re.search(r'File ".*task/late.py", line 2', env.log)


FORKS = """
import os, sys
from lambent.runtime import stack_dump

stack_dump.enable()
stack_dump.watch_start()
child = os.fork()
if child:
    os.waitpid(child, 0)
sys.exit()
"""


WATCHED = """
import time
from lambent.runtime import stack_dump

def waits(until):
    while time.time() < until:
        pass

stack_dump._INIT_S = 0.01
stack_dump.watch_start()
waits(time.time() + 0.2)
stack_dump.unwatch()
stack_dump.watch_start()
stack_dump.unwatch()
"""


def test_stacks_of_a_slow_start_are_logged_once() -> None:
    log = subprocess.run([sys.executable, "-c", WATCHED], check=True, timeout=60, capture_output=True, text=True).stderr
    assert "Timeout (0:00:00)!\nThread 0x" in log and log.count("Timeout") == 1
    assert '  File "<string>", line 6 in waits\n  File "<string>", line 11 in <module>' in log


def test_a_child_that_a_start_forks_can_exit() -> None:
    subprocess.run([sys.executable, "-c", FORKS], check=True, timeout=60)

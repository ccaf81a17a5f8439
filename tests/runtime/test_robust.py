"""Apps that do what they should not, and processes that live long."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from support.functions import NEWEST, RUNTIMES, interpreter
from support.runtime_api_stub import PATIENCE, Environment, make_event
from support.waiting import eventually

MANY = 1000
"""Requests sent to one process. 100,000 take a few minutes."""

ASGI = """
import asyncio, gc, threading

def inside():
    return "thread"

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        raise RuntimeError
    path = scope["path"]
    if path == "/stat":
        with open("/proc/self/statm") as file:
            pages = int(file.read().split()[1])
        gc.collect()
        body = repr((pages, threading.active_count(), len(asyncio.all_tasks()), len(gc.get_objects()))).encode()
    elif path.startswith("/thread"):
        body = (await asyncio.to_thread(inside)).encode()
    elif path.startswith("/wait"):
        await asyncio.sleep(0)
        body = b"x" * 10000
    elif path.startswith("/raise"):
        raise ValueError(path)
    else:
        body = (await receive())["body"] + path.encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-" + path[1:].encode(), b"1")]})
    await send({"type": "http.response.body", "body": body})
"""

WSGI = """
import gc, threading

def app(environ, start_response):
    path = environ["PATH_INFO"]
    if path.startswith("/raise"):
        raise ValueError(path)
    start_response("200 OK", [("X-Path", path)])
    if path == "/stat":
        with open("/proc/self/statm") as file:
            pages = int(file.read().split()[1])
        gc.collect()
        return [repr((pages, threading.active_count(), 1, len(gc.get_objects()))).encode()]
    return iter([environ["wsgi.input"].read(), path.encode()])
"""

HANDLER = """
import gc, threading

def handler(event, context):
    path = event["rawPath"]
    if path.startswith("/raise"):
        raise ValueError(path)
    if path == "/stat":
        with open("/proc/self/statm") as file:
            pages = int(file.read().split()[1])
        gc.collect()
        told = (pages, threading.active_count(), 1, len(gc.get_objects()))
        return {"statusCode": 200, "isBase64Encoded": False, "body": repr(told)}
    return {"statusCode": 200, "body": path, "headers": event["headers"]}
"""


@pytest.mark.parametrize(
    ("code", "name"), [(ASGI, "app"), (WSGI, "app"), (HANDLER, "handler")], ids=["asgi", "wsgi", "handler"]
)
def test_long_runs_leave_memory_threads_and_tasks_as_they_were(code: str, name: str, tmp_path: Path) -> None:
    with Environment(tmp_path, interpreter(), f"main.{name}", files={"main.py": code}) as env:

        def stat() -> Any:
            return tuple(json.loads(env.invoke(make_event(path="/stat")).body.decode().replace("(", "[").replace(")", "]")))

        def work(count: int) -> None:
            kinds = ("/", "/wait", "/thread", "/raise", "/new")
            for number in range(count):
                path = kinds[number % 5] + (str(number) if number % 5 == 4 else "")
                env.invoke(make_event("POST", path=path, body="x" * (number % 100), headers={f"x-own-{number}": "1"}))

        work(600)  # caches that are bounded are full by now
        before = stat()
        work(MANY)
        after = stat()
        page = os.sysconf("SC_PAGE_SIZE")
        assert (after[0] - before[0]) * page < 2_000_000, "memory grows"
        pool = min(32, (os.cpu_count() or 1) + 4)  # asyncio's own threads, made when none is idle
        assert after[1] <= (pool + 1 if code is ASGI else 1), "threads are left"
        assert after[2] == before[2], "tasks are left"
        assert after[3] - before[3] < 200, "objects are left"


FORKS = """
import os, subprocess, sys

def handler(event, context):
    if event == "child stays":
        if os.fork() == 0:
            import time
            time.sleep(1000)
        return "parent"
    if event == "child leaves":
        child = os.fork()
        if child == 0:
            os._exit(7)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if event == "child returns":
        child = os.fork()
        if child == 0:
            sys.exit(5)  # goes through the loop
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if event in ("child answers", "child raises"):
        child = os.fork()
        if child == 0:
            return 1 / (event == "child answers")
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if event == "program":
        return subprocess.check_output([sys.executable, "-c", "print('from a program')"], text=True)
    if event == "spawn":
        import multiprocessing
        context = multiprocessing.get_context("spawn")
        with context.Pool(1) as pool:
            return pool.map(abs, [-1, -2])
    if event == "flood":
        for _ in range(2000):
            print("x" * 1000)
        os.write(1, b"end\\n")
        return "flooded"
    if event == "abort":
        print("last words")
        os.abort()
    if event == "closes":
        sys.stdout.close()
        os.close(2)
        return "closed"
    return event
"""


@pytest.fixture
def forks(tmp_path: Path) -> Environment:
    return Environment(tmp_path, interpreter(), "main.handler", files={"main.py": FORKS})


def test_an_app_that_forks(forks: Environment) -> None:
    with forks as env:
        assert env.invoke("child leaves").data == 7
        assert env.invoke("child returns").data == 5
        assert env.invoke("child answers").data == 0
        assert env.invoke("child raises").data == 0
        assert env.invoke("program").data == "from a program\n"
        assert env.invoke("spawn").data == [1, 2]
        assert env.invoke("child stays").data == "parent"
        assert env.invoke("again").data == "again"
        assert env.api.refused == []


def test_an_app_that_floods_standard_output(forks: Environment) -> None:
    with forks as env:
        assert env.invoke("flood").data == "flooded"
        assert env.log == ("x" * 1000 + "\n") * 2000 + "end\n"


def test_an_app_that_crashes(forks: Environment) -> None:
    with forks as env:
        env.api.events.put(("request-1", b'"abort"', {}))
        assert env.process.wait(PATIENCE) == -6
        assert "last words\n" in env.log


def test_an_app_that_closes_its_streams(forks: Environment) -> None:
    with forks as env:
        assert env.invoke("closes").data == "closed"
        assert env.invoke("again").data == "again"


def test_an_app_that_hangs_is_ended_by_the_kill_after_sigterm(tmp_path: Path) -> None:
    code = "import time\ndef handler(event, context):\n    print('hanging')\n    time.sleep(1000)\n"
    with Environment(tmp_path, interpreter(), "main.handler", files={"main.py": code}) as env:
        env.api.events.put(("request-1", b"1", {}))
        eventually(lambda: env.log == "hanging\n")
        env.process.terminate()  # as Lambda does: the running call may end, and it does not
        with pytest.raises(subprocess.TimeoutExpired):
            env.process.wait(0.3)
        env.process.kill()
        assert env.process.wait(PATIENCE) == -9


SITE = """
import builtins, sys

def handler(event, context):
    known = [name in vars(builtins) for name in ("exit", "quit", "help")]
    early = sorted(set(sys.modules) & {"site", "os", "asyncio", "typing", "logging", "json", "re", "enum"})
    return {"known": known, "early": early, "path": sys.path, "custom": getattr(sys, "customised", None)}
"""


def clean_python(folder: Path, runtime: str) -> Path:
    """A copy of an interpreter whose site-packages are empty, as good as Lambda's are."""
    real = interpreter(runtime)
    version = runtime
    home = real.parent.parent
    (folder / "bin").mkdir(parents=True)
    (folder / "lib" / version / "site-packages").mkdir(parents=True)
    (folder / "bin" / real.name).write_bytes(real.read_bytes())
    (folder / "bin" / real.name).chmod(0o755)
    for entry in (home / "lib").iterdir():
        if entry.name != version:
            (folder / "lib" / entry.name).symlink_to(entry)
    for entry in (home / "lib" / version).iterdir():
        if entry.name != "site-packages":
            (folder / "lib" / version / entry.name).symlink_to(entry)
    return folder / "bin" / real.name


@pytest.mark.parametrize("runtime", [name for name in RUNTIMES if "/usr/" not in str(interpreter(name))])
def test_what_site_gives_a_program_is_there_without_site(runtime: str, tmp_path: Path) -> None:
    python = clean_python(tmp_path / "python", runtime)
    packages = tmp_path / "python" / "lib" / runtime / "site-packages"
    with Environment(tmp_path / "bare", python, "main.handler", files={"main.py": SITE}) as env:
        payload = env.invoke(1).data
        assert (payload["known"], payload["early"], payload["custom"]) == ([True] * 3, [], None)
        assert str(packages) in payload["path"]
        assert env.log == ""
    (packages / "extra").mkdir()
    (packages / "one.pth").write_text("\ufeff# a comment\nextra\nnowhere\nimport sys; sys.customised = 'by pth'\n", "utf-8")
    (packages / "two.pth").write_text("import nonsense_x\n")
    (packages / "sitecustomize.py").write_text("import sys; sys.customised += ' and sitecustomize'\n")
    with Environment(tmp_path / "rich", python, "main.handler", files={"main.py": SITE}) as env:
        payload = env.invoke(1).data
        assert payload["custom"] == "by pth and sitecustomize"
        assert [entry for entry in payload["path"] if "site-packages" in entry and "/opt" not in entry] == [
            str(packages),
            str(packages / "extra"),
        ]
        assert "two.pth: ModuleNotFoundError: No module named 'nonsense_x'" in env.log


def test_a_virtual_environment_is_left_to_site(tmp_path: Path) -> None:
    subprocess.run([interpreter(NEWEST), "-m", "venv", "--without-pip", tmp_path / "venv"], check=True, timeout=60)
    python = tmp_path / "venv" / "bin" / "python"
    with Environment(tmp_path, python, "main.handler", files={"main.py": SITE}) as env:
        payload = env.invoke(1).data
        assert str(tmp_path / "venv" / "lib" / NEWEST / "site-packages") in payload["path"]
        assert payload["known"] == [True] * 3

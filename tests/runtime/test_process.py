"""The runtime as a process: a real interpreter runs the wrapper against a stand-in Runtime API."""

from __future__ import annotations

import ast
import json
import subprocess
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.interpreter import python
from support.runtime_api_stub import RUNTIME, Environment, make_event

VERSIONS = ("3.8", "3.9", "3.10", "3.11", "3.13", "3.14")
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


def modules_of(interpreter: Path, line: str = "pass") -> set[str]:
    """What the bare interpreter has imported once it ran a line: .pth files in its site-packages may add to it."""
    code = f"{line}; import sys; print(*sys.modules)"
    told = subprocess.run([interpreter, "-c", code], capture_output=True, text=True, check=True)
    return set(told.stdout.split())


MODULES = """
import sys

def names():
    return sorted(set(sys.modules) - set(sys.builtin_module_names))

async def asgi(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": repr(names()).encode()})

def wsgi(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [repr(names()).encode()]
"""


@pytest.mark.parametrize(("app", "line"), [("wsgi", "pass"), ("asgi", "import asyncio")])
def test_the_runtime_imports_next_to_nothing(app: str, line: str, interpreter: Path, tmp_path: Path) -> None:
    """Counted in modules, as time would depend on the machine: a WSGI app gets by without, an ASGI app with asyncio's."""
    with Environment(tmp_path, interpreter, f"main.{app}", files={"main.py": MODULES}) as env:
        env.invoke(make_event())
        loaded = set(ast.literal_eval(env.invoke(make_event()).body.decode()))
    others = {name for name in loaded if name.partition(".")[0] not in ("main", "lambent_runtime")}
    assert others - modules_of(interpreter, line) <= {"__future__", "_json", "_socket", "binascii"}


AT_HOME = """
import os, subprocess
from pathlib import Path

def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{Path.home()} {subprocess.check_output(['sh', '-c', 'printf $HOME'], text=True)}".encode()]
"""


@pytest.mark.parametrize(
    ("env", "home"),
    [({}, "/tmp"), ({"HOME": ""}, "/tmp"), ({"TMPDIR": "/dev/shm"}, "/dev/shm"), ({"HOME": "/mnt/data"}, "/mnt/data")],
)
def test_the_home_folder_is_writable_unless_the_user_set_it(env: dict[str, str], home: str, tmp_path: Path) -> None:
    with Environment(tmp_path, python(), "main.app", files={"main.py": AT_HOME}, env=env) as running:
        assert running.invoke(make_event()).body.decode() == f"{home} {home}"


def test_the_wrapper_is_executable() -> None:
    assert (RUNTIME / "bootstrap").stat().st_mode & 0o777 == 0o755


def test_two_requests_in_one_process(interpreter: Path, tmp_path: Path) -> None:
    with Environment(tmp_path, interpreter, "main.app", files={"main.py": HELLO}) as env:
        assert env.invoke(make_event(path="/a")).body == b"hello /a"
        assert env.invoke(make_event(path="/b")).body == b"hello /b"
        assert env.terminate() == 0
        assert env.log == ""
        assert env.api.refused == []


def test_an_app_that_is_an_attribute_of_another_object(tmp_path: Path) -> None:
    wrapped = "import types\nfrom main import app as inner\napp = types.SimpleNamespace(server=inner)\n"
    with Environment(tmp_path, python(), "dash:app.server", files={"main.py": HELLO, "dash.py": wrapped}) as env:
        assert env.invoke(make_event(path="/a")).body == b"hello /a"


RAW = """
import os, signal, sys, threading, time
from pathlib import Path

async def app(scope, receive, send):
    if scope["type"] != "http":
        raise RuntimeError("no lifespan here")
    path = scope["path"]
    if path == "/exit":
        sys.exit(3)
    if path == "/large":
        body = bytes(int(scope["query_string"]))
    elif path == "/trace":
        body = os.environ.get("_X_AMZN_TRACE_ID", "none").encode()
    elif path == "/cause":
        try:
            {}["inner"]
        except KeyError as error:
            raise ValueError("outer") from error
    elif path == "/print":
        print("printed ü", end="")
        body = b""
    elif path == "/thread":
        threading.Thread(target=time.sleep, args=(1000,)).start()
        body = b"started"
    else:
        context = scope["aws.context"]
        identity = context.identity
        body = repr((context.aws_request_id, context.invoked_function_arn, identity.cognito_identity_id, context.w3c(),
                     context.client_context.custom["k"])).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": body})
"""


@pytest.fixture
def raw(tmp_path: Path) -> Iterator[Environment]:
    with Environment(tmp_path, python(), "main.app", files={"main.py": RAW}) as env:
        yield env
        assert env.api.refused == []


def test_context_object(raw: Environment) -> None:
    seen = raw.invoke(
        make_event(),
        Invoked_Function_Arn="arn:aws:lambda:eu-west-1:123456789012:function:hello:live",
        Cognito_Identity=json.dumps({"cognitoIdentityId": "me"}),
        Client_Context=json.dumps({"custom": {"k": "v"}, "w3c": {"traceparent": "00-1", "other": "x"}}),
    )
    arn = "arn:aws:lambda:eu-west-1:123456789012:function:hello:live"
    assert seen.body.decode() == repr(("request-1", arn, "me", {"traceparent": "00-1"}, "v"))


def test_trace_id_is_set_per_invocation(raw: Environment) -> None:
    assert raw.invoke(make_event(path="/trace"), Trace_Id="Root=1-2").body == b"Root=1-2"
    assert raw.invoke(make_event(path="/trace")).body == b"none"


def test_an_answer_too_large_is_named_in_the_log(raw: Environment) -> None:
    assert raw.invoke(make_event(path="/large", query="4700000")).size < 6_291_556
    assert raw.invoke(make_event(path="/large", query="4800000")).kind == "too large"
    assert raw.invoke(make_event(path="/large", query="3")).body == bytes(3)
    assert "[ERROR] Function.ResponseSizeTooLarge: the response to GET /large is 6,400," in raw.log
    assert "Exceeded maximum allowed payload size (6291556 bytes)" in raw.log


def test_large_requests_arrive_whole(tmp_path: Path) -> None:
    app = """
        async def app(scope, receive, send):
            if scope["type"] == "http":
                body = (await receive())["body"]
                await send({"type": "http.response.start", "status": 200, "headers": []})
                await send({"type": "http.response.body", "body": body[::-1][:5] + str(len(body)).encode()})
    """
    with Environment(tmp_path, python(), "main.app", files={"main.py": textwrap.dedent(app)}) as env:
        assert env.invoke(make_event("POST", body=bytes(4_000_000) + b"12345")).body == b"543214000005"


def test_events_that_are_not_http_fail_clearly(raw: Environment) -> None:
    posted = raw.invoke({"source": "aws.events"})
    assert posted.kind == "error"
    assert posted.headers["lambda-runtime-function-error-type"] == "Function.NotHttp"
    assert posted.data["errorMessage"].startswith("this event is not an HTTP request (its keys are ['source'])")
    assert posted.data["requestId"] == "request-1"
    assert raw.invoke(make_event(path="/trace")).status == 200


def test_an_error_names_its_cause(raw: Environment) -> None:
    assert raw.invoke(make_event(path="/cause")).status == 500
    raw.wait_idle()
    lines = raw.log.rstrip("\n").split("\r")
    assert lines[:2] == ["[ERROR] ValueError: outer", "Traceback (most recent call last):"]
    assert lines[2].startswith("\u00a0\u00a0File ")
    assert "main.py" in lines[2]
    assert "Caused by KeyError: 'inner'" in lines


def test_an_app_that_exits_ends_the_process(raw: Environment) -> None:
    raw.count += 1
    raw.api.events.put(("request-1", json.dumps(make_event(path="/exit")).encode(), {}))
    assert raw.process.wait(30) == 3


def test_what_is_printed_is_not_held_back(raw: Environment) -> None:
    raw.invoke(make_event(path="/print"))
    assert raw.log == "printed ü"


def test_sigterm_ends_the_process_whatever_threads_there_are(raw: Environment) -> None:
    assert raw.invoke(make_event(path="/thread")).body == b"started"
    raw.wait_idle()
    assert raw.terminate() == 0


def test_losing_the_runtime_api_ends_the_process(raw: Environment) -> None:
    raw.wait_idle()
    raw.api.close()
    assert raw.process.wait(30) == 1
    assert "lost the Runtime API" in raw.log


INIT_ERRORS = {
    "main.nothing": ("x = 1", "Runtime.HandlerNotFound", "Handler 'nothing' missing on module 'main'"),
    "nowhere.app": ("", "Runtime.ImportModuleError", "Unable to import module 'nowhere': No module named 'nowhere'"),
    "main.app": ("import cowsay_x", "Runtime.ImportModuleError", "Unable to import module 'main': No module named 'cowsay_x'"),
    "pkg/main.app": ("", "Runtime.ImportModuleError", "Unable to import module 'pkg/main': No module named 'pkg'"),
    "main": ("", "Runtime.MalformedHandlerName", "Bad handler 'main': not enough values to unpack (expected 2, got 1)"),
    "sys.app": ("", "Runtime.BuiltInModuleConflict", "Cannot use built-in module sys as a handler module"),
    "main.syntax": ("def x(:", "Runtime.UserCodeSyntaxError", "Syntax error in module 'main': "),
    "main.broken": ("{}['no']", "KeyError", "'no'"),
    "main.app ": ("", "Runtime.HandlerNotFound", "Handler 'app ' missing on module 'main'"),
    "main.one": ("one = 1", "Runtime.NotAnApp", "int cannot be called"),
    "main.factory()": ("def factory(): raise OSError('no')", "OSError", "no"),
}


@pytest.mark.parametrize("handler", INIT_ERRORS)
def test_the_app_is_imported_at_init_and_errors_are_posted(handler: str, tmp_path: Path) -> None:
    code, kind, message = INIT_ERRORS[handler]
    with Environment(tmp_path, python(), handler, files={"main.py": code}) as env:
        posted = env.posted()
        assert posted.kind == "init/error"
        assert posted.headers["lambda-runtime-function-error-type"] == kind
        assert posted.data["errorType"] == kind
        assert posted.data["errorMessage"].startswith(message)
        assert posted.data["requestId"] == ""
        assert env.process.wait(30) == 1
        warning, error = env.log.split("[ERROR] ")
        assert warning.startswith("[WARNING]\t")
        assert "LAMBDA_WARNING: Unhandled exception." in warning
        assert error.startswith(f"{kind}: {message}")
        assert "lambent_runtime" not in error


def test_the_trace_of_an_init_error_begins_in_the_app(tmp_path: Path) -> None:
    files = {"main.py": "import other", "other.py": "def f():\n    raise ValueError('x')\nf()"}
    with Environment(tmp_path, python(), "main.app", files=files) as env:
        trace = env.posted().data["stackTrace"]
        assert [line.strip().split(",")[0].rpartition("/")[2] for line in trace] == ['main.py"', 'other.py"', 'other.py"']


def test_lifespan_failure_is_an_init_error(tmp_path: Path) -> None:
    app = """
        async def app(scope, receive, send):
            await receive()
            await send({"type": "lifespan.startup.failed", "message": "no database"})
            raise ConnectionError("refused by db.example.org")
    """
    with Environment(tmp_path, python(), "main.app", files={"main.py": textwrap.dedent(app)}) as env:
        posted = env.posted()
        assert (posted.kind, posted.data["errorType"]) == ("init/error", "ConnectionError")
        assert env.process.wait(30) == 1


def test_the_import_path_is_lambdas(interpreter: Path, tmp_path: Path) -> None:
    app = """
        import sys
        early = sorted(set(sys.modules) & {"asyncio", "typing", "logging", "enum", "re", "json", "socket", "urllib", "inspect"})

        def app(environ, start_response):
            start_response("200 OK", [("Content-Type", "text/plain")])
            return [repr((sys.path, early, sys.argv[0][-11:])).encode()]
    """
    files = {"main.py": textwrap.dedent(app), "reply.py": "", "loop.py": ""}
    env = {"LAMBDA_RUNTIME_DIR": "/var/runtime"}
    with Environment(tmp_path, interpreter, "main.app", files=files, packages="/packages", env=env) as environment:
        path, early, script = ast.literal_eval(environment.invoke(make_event()).body.decode())
        version = "python" + ".".join(interpreter.name.removeprefix("python").split(".")[:2])
        task = str(tmp_path / "task")
        assert path[:5] == [task, "/opt/python", f"/opt/python/lib/{version}/site-packages", "/packages", "/var/runtime"]
        assert path[5].endswith(".zip")
        assert not any("lambent_runtime" in entry for entry in path)
        assert set(early) <= modules_of(interpreter), "nothing but what this machine's own site-packages bring in"
        assert script == "__main__.py"


def test_an_ordinary_request_logs_nothing_and_json_logging_is_json(tmp_path: Path) -> None:
    app = """
        import logging

        def app(environ, start_response):
            if environ["PATH_INFO"] == "/raise":
                raise ValueError("x")
            logging.getLogger("mine").info("a %s", "b", extra={"k": 1})
            start_response("200 OK", [])
            return []
    """
    env = {"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "INFO"}
    with Environment(tmp_path, python(), "main.app", files={"main.py": textwrap.dedent(app)}, env=env) as environment:
        environment.invoke(make_event())
        environment.invoke(make_event(path="/raise"))
        environment.wait_idle()
        first, second = map(json.loads, environment.log.splitlines())
        del first["timestamp"]
        assert first == {"level": "INFO", "message": "a b", "logger": "mine", "requestId": "request-1", "k": 1}
        assert (second["level"], second["errorType"], second["requestId"]) == ("ERROR", "ValueError", "request-2")


LOOP = """
import asyncio, contextvars, sys
loop = asyncio.new_event_loop()
asyncio.set_event_loop(loop)  # what get_event_loop() at import did, until 3.14
variable = contextvars.ContextVar("variable", default="clean")
seen = []

async def left():
    seen.append("left began")

async def numbers():
    try:
        for n in range(3):
            await asyncio.sleep(0)
            yield n
    finally:
        seen.append("generator closed")

async def app(scope, receive, send):
    if scope["type"] != "http":
        raise RuntimeError
    before = asyncio.current_task()
    result = [variable.get(), asyncio.get_running_loop() is loop]
    variable.set("used")
    if scope["path"] == "/left":
        app.left = asyncio.create_task(left())
    elif scope["path"] == "/wait":
        async with asyncio.timeout(5) if sys.version_info >= (3, 11) else contextlib_null():
            result.append(await asyncio.get_running_loop().run_in_executor(None, contextvars.copy_context().run, variable.get))
        async for n in numbers():
            break
        del n
    elif scope["path"] == "/late":
        try:
            await asyncio.wait_for(asyncio.sleep(10), 0.01)
        except asyncio.TimeoutError:
            result.append("late")
    elif scope["path"] == "/seen":
        result = seen
    elif scope["path"] == "/cancel":
        asyncio.current_task().cancel()
        await asyncio.sleep(0)
    assert asyncio.current_task() is before
    body = repr(result).encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})

import contextlib
contextlib_null = contextlib.AsyncExitStack
"""


@pytest.mark.parametrize("own", [True, False], ids=["loop of the app's", "loop of ours"])
def test_asyncio_is_whole(interpreter: Path, tmp_path: Path, own: bool) -> None:
    code = LOOP if own else LOOP.replace("asyncio.set_event_loop(loop)", "")
    with Environment(tmp_path, interpreter, "main.app", files={"main.py": code}) as env:
        assert env.invoke(make_event(path="/")).body.decode() == repr(["clean", own])
        assert env.invoke(make_event(path="/left")).status == 200
        env.wait_idle()
        assert ast.literal_eval(env.invoke(make_event(path="/seen")).body.decode()) == ["left began"]
        assert env.invoke(make_event(path="/wait")).body.decode() == repr(["clean", own, "used"])
        assert env.invoke(make_event(path="/late")).body.decode() == repr(["clean", own, "late"])
        assert env.invoke(make_event(path="/cancel")).status == 500
        assert env.invoke(make_event(path="/")).body.decode() == repr(["clean", own])
        assert "generator closed" in env.invoke(make_event(path="/seen")).body.decode()
        assert env.terminate() == 0

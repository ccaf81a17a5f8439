"""The SDKs of trackers send before Lambda freezes the process, and after the response: with the real ones and a receiver."""

from __future__ import annotations

import signal
import subprocess
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from uv import find_uv_bin

from support.aws_client import aws_environment
from support.functions import NEWEST, interpreter
from support.runtime_api_stub import PATIENCE, Environment, make_event
from support.tracker import Receiver
from support.waiting import eventually

SENTRY = """
import os, sentry_sdk
sentry_sdk.init(dsn=os.environ["DSN"], auto_session_tracking=False)
"""
REPORTS = f"""{SENTRY}
def app(environ, start_response):
    sentry_sdk.capture_exception(ValueError(environ["PATH_INFO"]))
    start_response("200 OK", [])
    return [b"done"]
"""
TRACES = """
import os
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(os.environ["DSN"] + "/v1/traces")))
trace.set_tracer_provider(provider)

async def app(scope, receive, send):
    if scope["type"] == "http":
        with trace.get_tracer("mine").start_as_current_span("request " + scope["path"]):
            await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"done"})
"""


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packages")
    names = ("sentry-sdk", "opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-http")
    command = [find_uv_bin(), "pip", "install", "-q", "--target", folder, "--python", interpreter(), *names]
    subprocess.run(command, check=True, timeout=300)
    return folder


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


def start(folder: Path, code: str, packages: Path, dsn: str, **env: str) -> Environment:
    variables = {"DSN": dsn, "LAMBENT_FLUSH": "60", **env}
    return Environment(folder, interpreter(), "main.app", files={"main.py": code}, packages=packages, env=variables)


def invoke(env: Environment, path: str) -> Any:
    return env.invoke(make_event(path=path), Deadline_Ms=str(int(time.time() * 1000) + 120_000))


def asks_for_next(env: Environment, timeout: float = PATIENCE) -> bool:
    return env.api.waiting.acquire(timeout=timeout)


@pytest.mark.parametrize("tracker", ["sentry", "opentelemetry"])
def test_everything_is_sent_between_the_response_and_the_next_event(
    tracker: str, tmp_path: Path, packages: Path, receiver: Receiver
) -> None:
    code, dsn = (REPORTS, receiver.dsn) if tracker == "sentry" else (TRACES, receiver.url)
    with start(tmp_path, code, packages, dsn) as env:
        assert asks_for_next(env)
        for count in (1, 2, 3):
            receiver.open.clear()
            assert invoke(env, f"/{count}").body == b"done", "the response doesn't wait"
            assert not asks_for_next(env, 0), "the next event does"
            receiver.open.set()
            assert asks_for_next(env)
            env.process.send_signal(signal.SIGSTOP)  # as Lambda freezes it
            assert len(receiver.received) == count
            env.process.send_signal(signal.SIGCONT)
        texts = receiver.errors() if tracker == "sentry" else [body.decode("latin-1") for _, body in receiver.received]
        assert [f"/{count}" in text for count, text in enumerate(texts, 1)] == [True] * 3


def test_a_tracker_that_is_down_holds_nothing_up(tmp_path: Path, packages: Path, receiver: Receiver) -> None:
    receiver.open.clear()
    with start(tmp_path, REPORTS, packages, receiver.dsn, LAMBENT_FLUSH="0.3") as env:
        for path in ("/a", "/b"):
            assert invoke(env, path).body == b"done"
        env.wait_idle()
        assert env.log.count("lambent: waited 0.3 s for Sentry after the response; what isn't sent yet may be lost") == 1
        receiver.open.set()
        eventually(lambda: len(receiver.errors()) == 2)


def test_nobody_waits_longer_than_the_functions_timeout(tmp_path: Path, packages: Path, receiver: Receiver) -> None:
    receiver.open.clear()
    with start(tmp_path, REPORTS, packages, receiver.dsn) as env:
        assert asks_for_next(env)
        env.invoke(make_event(), Deadline_Ms=str(int(time.time() * 1000) + 1_000))
        assert asks_for_next(env), env.log


@pytest.mark.parametrize(
    ("code", "interface", "error"),
    [
        ("raise RuntimeError('at import')", "", "at import"),
        ("import nonesuch", "", "No module named 'nonesuch'"),
        ("def app(event, context): raise RuntimeError('in a handler')", "handler", "in a handler"),
    ],
)
def test_errors_that_no_framework_sees_reach_sentry(
    code: str, interface: str, error: str, tmp_path: Path, packages: Path, receiver: Receiver
) -> None:
    with start(tmp_path, f"{SENTRY}\n{code}", packages, receiver.dsn, LAMBENT_INTERFACE=interface) as env:
        if interface:
            assert env.invoke({}).kind == "error"
            env.wait_idle()
        else:
            assert env.posted().kind == "init/error"
        assert receiver.errors() == [error]


def test_off_switches_it_off(tmp_path: Path, packages: Path, receiver: Receiver) -> None:
    receiver.open.clear()
    with start(tmp_path, REPORTS, packages, receiver.dsn, LAMBENT_FLUSH="off") as env:
        assert invoke(env, "/").body == b"done"
        env.wait_idle()
        assert receiver.received == []


def test_datadogs_tracer_is_flushed(tmp_path: Path) -> None:
    """ddtrace itself is too large for this suite; this has its interface: `ddtrace.tracer.flush()`."""
    code = """
        import ddtrace
        def app(environ, start_response):
            start_response("200 OK", [])
            return [b"done"]
    """
    tracer = "class tracer:\n    flush = staticmethod(lambda: print('flushed', flush=True))\n"
    files = {"main.py": textwrap.dedent(code), "ddtrace/__init__.py": tracer}
    with Environment(tmp_path, interpreter(), "main.app", files=files) as env:
        env.invoke(make_event())
        env.wait_idle()
        assert env.log == "flushed\n"


def test_under_awss_client_the_response_waits(tmp_path: Path, packages: Path, receiver: Receiver) -> None:
    variables = {"LAMBENT_APP": "main.app", "AWS_EXECUTION_ENV": f"AWS_Lambda_{NEWEST}", "DSN": receiver.dsn}
    files = {"main.py": REPORTS}
    with aws_environment(
        tmp_path, NEWEST, "lambent_runtime.aws.handler", files=files, env=variables, packages=(packages,)
    ) as env:
        assert invoke(env, "/a").body == b"done"
        assert receiver.errors() == ["/a"]


AFTER = """
seen = []

def app(environ, start_response):
    start_response("200 OK", [])
    return [repr(seen).encode()]

def sync():
    seen.append("called")

async def coroutine():
    seen.append("awaited")

def failing():
    raise ValueError("on purpose")
"""


@pytest.mark.parametrize(("function", "result"), [("sync", "called"), ("coroutine", "awaited")])
def test_the_apps_own_function_is_called_after_each_response(function: str, result: str, tmp_path: Path) -> None:
    variables = {"LAMBENT_AFTER_RESPONSE": f"main:{function}"}
    with Environment(tmp_path, interpreter(), "main.app", files={"main.py": AFTER}, env=variables) as env:
        assert [env.invoke(make_event()).body.decode() for _ in range(3)] == [repr([result] * count) for count in range(3)]


def test_its_failure_is_logged_and_harms_nothing(tmp_path: Path) -> None:
    variables = {"LAMBENT_AFTER_RESPONSE": "main:failing"}
    with Environment(tmp_path, interpreter(), "main.app", files={"main.py": AFTER}, env=variables) as env:
        assert env.invoke(make_event()).status == env.invoke(make_event()).status == 200
        env.wait_idle()
        assert env.log.count("[ERROR] ValueError: on purpose") == 2


def test_a_name_that_is_no_function_is_a_failed_start(tmp_path: Path) -> None:
    variables = {"LAMBENT_AFTER_RESPONSE": "main:seen"}
    with Environment(tmp_path, interpreter(), "main.app", files={"main.py": AFTER}, env=variables) as env:
        assert env.posted().data["errorMessage"] == "LAMBENT_AFTER_RESPONSE=main:seen is not a function but a list"

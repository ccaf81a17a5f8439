"""Builders for tests of the local Lambda's engine and sandboxes."""

from __future__ import annotations

import contextlib
import json
import os
import textwrap
import uuid
from collections.abc import AsyncIterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import platformdirs
from msgspec import Struct

from lambent import interpreters
from lambent.local.engine.engine import Engine, EngineSettings, Sinks
from lambent.local.engine.invocation import Function, Invocation, Outcome
from lambent.local.engine.log_sink import LogLine, LogSink
from lambent.local.engine.recorder import Recorder
from lambent.local.sandbox.detect import detect_sandbox
from lambent.local.sandbox.sandbox import Sandbox, SandboxFactory, SandboxSpec
from support.waiting import eventually_async

CACHE = Path(platformdirs.user_cache_dir("lambent"))
"""The real cache, so that AWS's runtime client is installed once for all test runs."""

ARN = "arn:aws:lambda:us-east-1:123456789012:function:web"
_VERSIONS = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13")
RUNTIMES = [f"python{version}" for version in _VERSIONS if interpreters.find(version, os.environ)]
NEWEST = RUNTIMES[-1]


def interpreter(runtime: str = NEWEST) -> Path:
    python = interpreters.find(runtime.removeprefix("python"), os.environ)
    assert python is not None
    return python.path


def make_code(folder: Path, source: str) -> Path:
    """Return a folder as unpacked from a zip, with `main.py` in it."""
    code = folder / f"code-{uuid.uuid4().hex[:8]}"
    code.mkdir(parents=True)
    (code / "main.py").write_text(textwrap.dedent(source))
    (code / "main.py").chmod(0o644)
    code.chmod(0o755)
    return code


def make_function(folder: Path, source: str, **overrides: Any) -> Function:
    values: dict[str, Any] = {
        "arn": ARN, "name": "web", "version": "$LATEST", "region": "us-east-1", "account": "123456789012",
        "role": "arn:aws:iam::123456789012:role/web", "runtime": NEWEST, "handler": "main.handler", "memory_mb": 128,
        "timeout_s": 10, "tmp_mb": 512, "environment": (), "code": make_code(folder, source), "code_sha256": "",
        "log_group": "/aws/lambda/web",
    }  # fmt: skip
    return Function(**(values | overrides))


def make_invocation(event: object = None, **overrides: str) -> Invocation:
    values = {"request_id": str(uuid.uuid4()), "invoked_arn": ARN, "trace_id": "Root=1-5759e988-bd862e3fe1be46a994272793"}
    return Invocation(payload=json.dumps(event).encode(), **(values | overrides))


class RecordedLog:
    """Keeps the log lines that its sink delivers."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str, str, LogLine]] = []
        self.sink = LogSink(lambda *batch: self.deliver(*batch))

    def deliver(self, region: str, group: str, stream: str, lines: Sequence[LogLine]) -> None:
        self.lines += [(region, group, stream, line) for line in lines]

    def messages(self) -> list[str]:
        self.sink.flush()
        return [line.message for _, _, _, line in self.lines]


GATE = """
import os, time
def wait_for_gate():
    while not os.path.exists(os.environ["LAMBDA_TASK_ROOT"] + "/gate"):
        time.sleep(0.01)
"""
"""Code of a function that a test can hold up: `wait_for_gate` returns after `open_gate`."""


def open_gate(function: Function) -> None:
    (function.code / "gate").touch()


class Lambda(Struct):
    """An engine, the log it writes, and its recorder."""

    engine: Engine
    log: RecordedLog
    recorder: Recorder

    async def call(self, function: Function, event: object = None) -> tuple[Any, str, str]:
        """Return the payload, the function error and the log's tail."""
        outcome: Outcome = await self.engine.invoke(function, make_invocation(event))
        return json.loads(outcome.payload), outcome.function_error, outcome.log_tail

    def environments(self, function: Function) -> tuple[int, int]:
        """Return how many environments of the function are idle and busy."""
        environments: Any = self.engine.describe()["environments"]
        counts = environments.get(f"{function.name}:{function.version}", {"idle": 0, "busy": 0})
        return counts["idle"], counts["busy"]

    async def wait_for_environments(self, function: Function, *, idle: int = 0, busy: int = 0) -> None:
        await eventually_async(lambda: self.environments(function) == (idle, busy))


@contextlib.asynccontextmanager
async def running(
    folder: Path,
    *,
    factory: SandboxFactory | None = None,
    as_of: date = date(2026, 11, 23),
    idle_s: float = 300.0,
    reserved: int | None = None,
) -> AsyncIterator[Lambda]:
    folder.mkdir(parents=True, exist_ok=True)
    log = RecordedLog()
    credentials = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "token"}
    recorder = Recorder(lambda executions: None)
    engine = Engine(
        factory=factory or await detect_sandbox(folder, CACHE),
        sinks=Sinks(log.sink, recorder),
        credentials=lambda _: credentials,
        reserved_concurrency=lambda region, name: reserved,
        restore_code=lambda function: None,
        settings=EngineSettings(folder / "state", CACHE, "http://127.0.0.1:4580", as_of, os.environ, idle_s),
    )
    try:
        log.sink.start()
        yield Lambda(engine, log, recorder)
    finally:
        await engine.stop()
        log.sink.close()


def make_spec(folder: Path, source: str, **overrides: Any) -> SandboxSpec:
    """Return the spec of a sandbox that runs `source` as a script."""
    code = make_code(folder, source)
    values: dict[str, Any] = {
        "interpreter": interpreter(), "task": code, "runtime": code, "tmp": folder / f"tmp-{uuid.uuid4().hex[:8]}",
        "tmp_mb": 64, "memory_mb": 256, "environment": (("PATH", "/var/lang/bin:/usr/bin:/bin"),),
        "command": ("{python}", "{task}/main.py"),
    }  # fmt: skip
    return SandboxSpec(**(values | overrides))


def collect(sandbox: Sandbox) -> list[bytes]:
    chunks: list[bytes] = []
    sandbox.listen(chunks.append)
    return chunks

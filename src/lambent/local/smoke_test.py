"""The smoke test: starts the app of a zip once in the local Lambda's sandbox, without the service. Does its init succeed?

The zip is unpacked as AWS does it. A process with its own Runtime API imports the app, up to the moment when it asks for its
first event. Calls to AWS are refused on loopback, so no credentials leave this machine.
"""

from __future__ import annotations

import asyncio
import json
import platform
import re
import tempfile
import time
from collections import deque
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from msgspec import Struct

from lambent import limits
from lambent.errors import LocalError
from lambent.local import unpack
from lambent.local.engine import environment_variables, failures
from lambent.local.engine.invocation import Function
from lambent.local.engine.line_splitter import LineSplitter
from lambent.local.engine.runtime_events import EventKind, RuntimeEvent
from lambent.local.engine.runtime_process import RuntimeProcess
from lambent.local.sandbox.detect import detect_sandbox
from lambent.local.sandbox.runtimes import InstalledRuntime, Runtimes
from lambent.local.sandbox.sandbox import SandboxFactory, SandboxSpec

_ARCHITECTURES = {"x86_64": "x86_64", "AMD64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}
_CREDENTIALS = {"AWS_ACCESS_KEY_ID": "ASIASMOKETEST", "AWS_SECRET_ACCESS_KEY": "none", "AWS_SESSION_TOKEN": "none"}
_REFUSAL = b'{"__type":"AccessDeniedException","message":"there is no AWS in lambent\'s smoke test"}'
OVERFLOW_URL = "s3://overflow/zip"
_OVERFLOW_RANGE = re.compile(rb"^GET /overflow/zip HTTP.*^range: bytes=(\d+)-(\d+)", re.I | re.M | re.S)
_LINES_MAX = 200
_REQUEST_ID = "00000000-0000-0000-0000-000000000000"


class PackagedFunction(Struct, frozen=True):
    """The zip to start and the settings of its function, in MB and seconds.

    `overflow` is the archive of packages that the zip fetches from `OVERFLOW_URL`, if it has one.
    """

    zip: Path
    handler: str
    runtime: str
    architecture: str
    environment: tuple[tuple[str, str], ...] = ()
    memory_mb: int = 1024
    timeout_s: int = 30
    tmp_mb: int = limits.TMP_MIN_MB
    overflow: Path | None = None


class SmokeTestResult(Struct, frozen=True):
    """`skipped` says why the app could not be started here, with `hint`; "" if it could.

    `error_type`, `message` and `trace` are those of AWS if the init failed. `log` is the process's output. `aws_requests`
    counts its requests to AWS, all refused: they may be why it failed. `sandbox` is "namespaces" or "process". `restarted` says
    that it had not started within AWS's 10 s. `libraries` are the files of this machine that it has loaded.
    """

    skipped: str = ""
    hint: str = ""
    ok: bool = False
    init_ms: float = 0.0
    memory_mb: int = 0
    error_type: str = ""
    message: str = ""
    trace: tuple[str, ...] = ()
    log: tuple[str, ...] = ()
    aws_requests: int = 0
    sandbox: str = ""
    restarted: bool = False
    libraries: tuple[str, ...] = ()


def run_smoke_test(function: PackagedFunction, cache: Path, environ: Mapping[str, str], on: date) -> SmokeTestResult:
    """Block until the app has started or failed. Leaves nothing behind. `cache` is lambent's cache folder.

    `environ` is used to find interpreters and the package index; the function does not see it. `on` is the day of AWS's rules.
    """
    if _ARCHITECTURES.get(platform.machine()) != function.architecture:
        return SmokeTestResult(
            skipped=f"this machine can't run code for {function.architecture}",
            hint="its native code was checked, but only AWS can run it",
        )
    with tempfile.TemporaryDirectory(prefix="lambent-smoke-test-") as name:
        folder = Path(name)
        try:
            unpack.unpack(function.zip, folder / "task")
            return asyncio.run(_run(function, folder, cache, Runtimes(cache, environ), on))
        except (unpack.BadArchive, unpack.TooLarge) as error:
            return SmokeTestResult(error_type="InvalidParameterValueException", message=_aws_message(error))
        finally:
            unpack.remove(folder / "task")  # a package may contain read-only folders


def _aws_message(error: Exception) -> str:
    if isinstance(error, unpack.TooLarge):
        return f"Unzipped size must be smaller than {limits.UNZIPPED_MAX} bytes"
    return f"Could not unzip uploaded file. Please check your file, then try to upload again. ({error})"


async def _run(function: PackagedFunction, folder: Path, cache: Path, runtimes: Runtimes, on: date) -> SmokeTestResult:
    try:
        runtime = await runtimes.get(function.runtime)
        factory = await detect_sandbox(folder, cache)
        aws = _RefusingAws(function.overflow)
        try:
            await factory.prepare(runtime.interpreter)
            return await _SmokeTest(function, folder, runtime, on).run(factory, aws, await aws.start())
        finally:
            aws.close()
            await factory.stop()
    except LocalError as error:
        return SmokeTestResult(skipped=error.what, hint=error.hint)
    except OSError as error:
        return SmokeTestResult(
            skipped=f"the sandbox could not be created: {error}", hint="free disk space and memory, then try again"
        )


class _RefusingAws:
    """The AWS endpoint of the function. It refuses and counts every request, with an error that no client retries.

    Only ranges of the overflow archive are served.
    """

    def __init__(self, overflow: Path | None) -> None:
        self.refused = 0
        self._overflow = overflow
        self._server: asyncio.Server | None = None

    async def start(self) -> str:
        """Listen, and return the address."""
        self._server = await asyncio.start_server(self._respond, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def close(self) -> None:
        if self._server is not None:
            self._server.close()

    async def _respond(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await reader.readuntil(b"\r\n\r\n")
            match = _OVERFLOW_RANGE.match(request)
            if match is not None and self._overflow is not None:
                first, last = int(match[1]), int(match[2])
                status, body = "206 Partial Content", _read_range(self._overflow, first, last + 1 - first)
            else:
                self.refused += 1
                status, body = "403 Forbidden", _REFUSAL
            head = f"HTTP/1.1 {status}\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length: {len(body)}\r\n"
            writer.write(f"{head}Connection: close\r\n\r\n".encode() + body)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # the client has gone
        finally:
            writer.close()


def _read_range(path: Path, start: int, size: int) -> bytes:
    with path.open("rb") as file:
        file.seek(start)
        return file.read(size)


class _SmokeTest:
    """One start of the app, or two: as on AWS, an init that takes longer than 10 s is repeated within the time-out."""

    def __init__(self, function: PackagedFunction, folder: Path, runtime: InstalledRuntime, on: date) -> None:
        self._function, self._folder, self._runtime, self._on = function, folder, runtime, on
        self._splitter = LineSplitter()
        self._lines: deque[str] = deque(maxlen=_LINES_MAX)

    async def run(self, factory: SandboxFactory, aws: _RefusingAws, aws_url: str) -> SmokeTestResult:
        process = RuntimeProcess(factory, self._on_output)
        await process.open()
        try:
            spec = self._spec(process.address, aws_url)
            started = time.perf_counter()
            event = await self._start(process, spec, limits.INIT_MAX_S)
            restarted = event.kind is EventKind.TIMEOUT
            if restarted:
                started = time.perf_counter()
                event = await self._start(process, spec, self._function.timeout_s)
            init_ms = (time.perf_counter() - started) * 1000
            memory_mb = process.peak_memory_mb()
            libraries = self._host_files(process.mapped_files())
        finally:
            await process.close()
        self._lines.extend(line.message for line in self._splitter.finish(0))
        error_type, message, trace = self._error(event)
        return SmokeTestResult(
            ok=event.kind is EventKind.READY, init_ms=init_ms, memory_mb=memory_mb, error_type=error_type, message=message,
            trace=trace, log=tuple(self._lines), aws_requests=aws.refused, sandbox=factory.kind,
            restarted=restarted, libraries=libraries,
        )  # fmt: skip

    def _host_files(self, files: set[str]) -> tuple[str, ...]:
        """Return the host's paths of files that aren't the function's own."""
        own = ("/var/task/", "/tmp/", f"{self._folder}/")
        prefix = str(self._runtime.interpreter.parent.parent)
        return tuple(
            sorted(
                file.replace("/var/lang", prefix, 1) if file.startswith("/var/lang/") else file
                for file in files
                if not file.startswith(own)
            )
        )

    async def _start(self, process: RuntimeProcess, spec: SandboxSpec, timeout_s: float) -> RuntimeEvent:
        await process.start(spec)
        event = await process.next_event(timeout_s)
        if event.kind is not EventKind.READY:
            await process.kill()  # first, because it may be writing without end
        process.drain()
        return event

    def _on_output(self, chunk: bytes) -> None:
        self._lines.extend(line.message for line in self._splitter.feed(chunk, 0)[-_LINES_MAX:])

    def _error(self, event: RuntimeEvent) -> tuple[str, str, tuple[str, ...]]:
        """Return error type, message and stack trace as AWS would answer the first invocation; empty if there is no error."""
        failure = failures.from_event(event, _REQUEST_ID, self._function.timeout_s, datetime.now(UTC), self._on)
        if failure is None:
            return "", "", ()
        content = _json_object(failure.payload)
        error_type = str(content.get("errorType") or failure.error_type)
        trace = tuple(str(line) for line in content.get("stackTrace") or ())
        return error_type, str(content.get("errorMessage", "")), trace

    def _spec(self, api: str, aws_url: str) -> SandboxSpec:
        packaged = self._function
        function = Function(
            arn="arn:aws:lambda:us-east-1:000000000000:function:smoke-test", name="smoke-test", version="$LATEST",
            region="us-east-1", account="000000000000", role="", runtime=packaged.runtime, handler=packaged.handler,
            memory_mb=packaged.memory_mb, timeout_s=packaged.timeout_s, tmp_mb=packaged.tmp_mb,
            environment=packaged.environment, code=self._folder / "task", code_sha256="", log_group="/aws/lambda/smoke-test",
        )  # fmt: skip
        variables = environment_variables.variables(
            function, stream="smoke-test", api=api, service_url=aws_url, credentials=_CREDENTIALS
        )
        return SandboxSpec(
            interpreter=self._runtime.interpreter, task=function.code, runtime=self._runtime.folder, tmp=self._folder / "tmp",
            tmp_mb=packaged.tmp_mb, memory_mb=packaged.memory_mb, environment=variables,
            command=environment_variables.runtime_command(function),
        )  # fmt: skip


def _json_object(payload: bytes) -> dict[str, Any]:
    try:
        content = json.loads(payload)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}

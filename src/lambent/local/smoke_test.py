"""Starts the app of a zip once, in the local Lambda's sandbox, without the service: does its init succeed?

The very zip is unpacked as AWS does, and a process with a Runtime API of its own imports the app, up to the moment when it
asks for its first event. What it asks of AWS is refused on loopback: no call leaves this machine with anybody's keys.
"""

from __future__ import annotations

import asyncio
import json
import platform
import re
import tempfile
import time
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path

from msgspec import Struct

from lambent import limits
from lambent.errors import LocalError
from lambent.local import unpack
from lambent.local.engine import environment_variables, failures
from lambent.local.engine.invocation import Function
from lambent.local.engine.platform_log import LineSplitter
from lambent.local.engine.runtime_process import Happened, Kind, RuntimeHost
from lambent.local.sandbox.detect import choose
from lambent.local.sandbox.runtimes import InstalledRuntime, Runtimes
from lambent.local.sandbox.sandbox import Maker, Spec

_MACHINES = {"x86_64": "x86_64", "AMD64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}
_KEYS = {"AWS_ACCESS_KEY_ID": "ASIATRIAL", "AWS_SECRET_ACCESS_KEY": "trial", "AWS_SESSION_TOKEN": "trial"}
_REFUSAL = b'{"__type":"AccessDeniedException","message":"there is no AWS while lambent tries the app out"}'
OVERFLOW_PLACE = "s3://overflow/zip"
_RANGE = re.compile(rb"^GET /overflow/zip HTTP.*^range: bytes=(\d+)-(\d+)", re.I | re.M | re.S)
_LINES_MAX = 200
_REQUEST_ID = "00000000-0000-0000-0000-000000000000"


class Subject(Struct, frozen=True):
    """What is tried: the zip, and the function's settings. Memory in MB, time in seconds. `overflow` is the archive of packages
    that the zip fetches from `OVERFLOW_PLACE`, if it does.
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


class Trial(Struct, frozen=True):
    """What came of it. `skipped` says in a sentence why it could not be tried here (`hint`: what would help), else "".

    `error_type`, `message` and `trace` are as AWS gives them, when the init failed; `log` is the process's output.
    `asked_aws` counts its requests to AWS, all refused: a failure may come of that. `sandbox` is "namespaces" or "process".
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
    asked_aws: int = 0
    sandbox: str = ""


def trial(subject: Subject, cache: Path, environ: Mapping[str, str], on: date) -> Trial:
    """Blocks until the app has started or failed, and leaves nothing behind. `cache` is lambent's cache folder.

    `environ` is where interpreters and the package index are looked for; the function sees nothing of it.
    """
    machine = _MACHINES.get(platform.machine())
    if machine != subject.architecture:
        return Trial(
            skipped=f"this machine cannot run code for {subject.architecture}",
            hint="its machine code was checked; only AWS can run it",
        )
    with tempfile.TemporaryDirectory(prefix="lambent-trial-") as made:
        folder = Path(made)
        folder.chmod(0o755)  # another user runs in it
        try:
            unpack.unpack(subject.zip, folder / "task")
            return asyncio.run(_try(subject, folder, Runtimes(cache, environ), on))
        except (unpack.BadArchive, unpack.TooLarge) as refused:
            return Trial(error_type="InvalidParameterValueException", message=_refused(refused))
        finally:
            unpack.remove(folder / "task")  # a package may hold folders that nobody may write to


def _refused(error: Exception) -> str:
    """In AWS's words."""
    if isinstance(error, unpack.TooLarge):
        return f"Unzipped size must be smaller than {limits.UNZIPPED_MAX} bytes"
    return f"Could not unzip uploaded file. Please check your file, then try to upload again. ({error})"


async def _try(subject: Subject, folder: Path, runtimes: Runtimes, on: date) -> Trial:
    try:
        runtime = await runtimes.get(subject.runtime)
    except LocalError as error:
        return Trial(skipped=error.what, hint=error.hint)
    try:
        maker = await choose(folder)
        aws = _NoAws(subject.overflow)
        try:
            return await _Attempt(subject, folder, runtime, on).run(maker, aws, await aws.open())
        finally:
            aws.close()
            await maker.stop()
    except OSError as error:
        return Trial(skipped=f"the sandbox could not be made: {error}", hint="lambent local status")


class _NoAws:
    """Where the function finds AWS: every request is refused, in a way that no client tries again, and counted; but for those
    for the packages beside its zip.
    """

    def __init__(self, overflow: Path | None) -> None:
        self.asked = 0
        self._overflow = overflow
        self._server: asyncio.Server | None = None

    async def open(self) -> str:
        """Its address."""
        self._server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def close(self) -> None:
        if self._server is not None:
            self._server.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await reader.readuntil(b"\r\n\r\n")
            part = _RANGE.match(request)
            if part is not None and self._overflow is not None:
                first, last = int(part[1]), int(part[2])
                status, body = "206 Partial Content", _read(self._overflow, first, last + 1 - first)
            else:
                self.asked += 1
                status, body = "403 Forbidden", _REFUSAL
            head = f"HTTP/1.1 {status}\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length: {len(body)}\r\n"
            writer.write(f"{head}Connection: close\r\n\r\n".encode() + body)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # whoever asked is gone
        finally:
            writer.close()


def _read(path: Path, start: int, size: int) -> bytes:
    with path.open("rb") as file:
        file.seek(start)
        return file.read(size)


class _Attempt:
    """One start, or two: an init that takes longer than 10 s is begun again and given the function's time-out, as on AWS."""

    def __init__(self, subject: Subject, folder: Path, runtime: InstalledRuntime, on: date) -> None:
        self._subject, self._folder, self._runtime, self._on = subject, folder, runtime, on
        self._splitter = LineSplitter()
        self._lines: list[str] = []

    async def run(self, maker: Maker, aws: _NoAws, service_url: str) -> Trial:
        host = RuntimeHost(maker, self._heard)
        await host.open()
        try:
            spec = self._spec(host.address, service_url)
            began = time.perf_counter()
            happened = await self._start(host, spec, limits.INIT_MAX_S)
            if happened.kind is Kind.TIMEOUT:
                began = time.perf_counter()
                happened = await self._start(host, spec, self._subject.timeout_s)
            took_ms = (time.perf_counter() - began) * 1000
            memory_mb = host.peak_memory_mb()
        finally:
            await host.close()
        self._lines += [line.message for line in self._splitter.finish(0)]
        error_type, message, trace = self._failure(happened)
        return Trial(
            ok=happened.kind is Kind.READY, init_ms=took_ms, memory_mb=memory_mb, error_type=error_type, message=message,
            trace=trace, log=tuple(self._lines[-_LINES_MAX:]), asked_aws=aws.asked, sandbox=maker.kind,
        )  # fmt: skip

    async def _start(self, host: RuntimeHost, spec: Spec, timeout_s: float) -> Happened:
        await host.start(spec)
        happened = await host.happening(timeout_s)
        host.drain()
        if happened.kind is not Kind.READY:
            await host.kill()
        return happened

    def _heard(self, chunk: bytes) -> None:
        self._lines += [line.message for line in self._splitter.feed(chunk, 0)]

    def _failure(self, happened: Happened) -> tuple[str, str, tuple[str, ...]]:
        """Error type, message and stack trace, as AWS would answer the first invocation; nothing when it is ready."""
        if happened.kind is Kind.READY:
            return "", "", ()
        if happened.kind is Kind.INIT_ERROR:
            failure = failures.reported(happened.payload, happened.error_type)
        elif happened.exit is not None:
            failure = failures.exited(_REQUEST_ID, happened.exit, self._on)
        else:
            failure = failures.timed_out(_REQUEST_ID, self._subject.timeout_s, datetime.now(UTC), self._on)
        try:
            said = json.loads(failure.payload)
        except ValueError:
            said = {}
        said = said if isinstance(said, dict) else {}
        trace = said.get("stackTrace") or ()
        error_type = str(said.get("errorType") or failure.error_type)
        return error_type, str(said.get("errorMessage", "")), tuple(str(line) for line in trace)

    def _spec(self, api: str, service_url: str) -> Spec:
        subject = self._subject
        function = Function(
            arn="arn:aws:lambda:us-east-1:000000000000:function:trial", name="trial", version="$LATEST", region="us-east-1",
            account="000000000000", role="", runtime=subject.runtime, handler=subject.handler, memory_mb=subject.memory_mb,
            timeout_s=subject.timeout_s, tmp_mb=subject.tmp_mb, environment=subject.environment,
            code=self._folder / "task", code_sha256="", log_group="/aws/lambda/trial",
        )  # fmt: skip
        variables = environment_variables.variables(
            function, stream="trial", api=api, service_url=service_url, credentials=_KEYS
        )
        return Spec(
            interpreter=self._runtime.interpreter, task=function.code, runtime=self._runtime.folder, tmp=self._folder / "tmp",
            tmp_mb=subject.tmp_mb, memory_mb=subject.memory_mb, environment=variables,
            command=environment_variables.command(function),
        )  # fmt: skip

"""A stub of the Runtime API in a thread, a real interpreter that runs the wrapper against it, and builders of events.

Like AWS, the stub insists on the order of calls (`next`, one response, `next` again) and on the size limit of responses.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import os
import queue
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from msgspec import Struct

import lambent.runtime

RUNTIME = Path(lambent.runtime.__file__).parent
Arrival = TypeVar("Arrival")
LIMIT = 6_291_556
PATIENCE = 30.0


def make_event(method: str = "GET", path: str = "/", **overrides: Any) -> dict[str, Any]:
    """Return a Function URL event. Optional: `query`, `body` (str or bytes), `headers`, `cookies`, `domain` and `protocol`."""
    domain = overrides.pop("domain", "abcdefghijklmnopqrstuvwxyz012345.lambda-url.eu-west-1.on.aws")
    headers = {"host": domain, "x-forwarded-proto": "https", "x-forwarded-port": "443", "x-forwarded-for": "203.0.113.7"}
    headers |= overrides.pop("headers", {})
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": overrides.pop("query", ""),
        "headers": headers,
        "requestContext": {
            "accountId": "anonymous",
            "domainName": domain,
            "http": {
                "method": method,
                "path": path,
                "protocol": overrides.pop("protocol", "HTTP/1.1"),
                "sourceIp": "203.0.113.7",
                "userAgent": "test",
            },
            "requestId": "r",
            "stage": overrides.pop("stage", "$default"),
            "time": "10/Jul/2026:19:19:06 +0000",
            "timeEpoch": 1783711146671,
        },
        "isBase64Encoded": False,
    }
    if cookies := overrides.pop("cookies", None):
        event["cookies"] = cookies
        headers["cookie"] = "; ".join(cookies)
    body = overrides.pop("body", None)
    if isinstance(body, bytes):
        event |= {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
    elif body is not None:
        event["body"] = body
    return event | overrides


class Posted(Struct, frozen=True):
    """A POST by the runtime: its `kind` ("response", "error", "init/error"), headers, parsed JSON and size."""

    kind: str
    headers: dict[str, str]
    data: Any
    size: int

    @property
    def body(self) -> bytes:
        """The body of an HTTP response."""
        body: str = self.data["body"]
        return base64.b64decode(body) if self.data["isBase64Encoded"] else body.encode()

    @property
    def status(self) -> int:
        return int(self.data["statusCode"])

    @property
    def fields(self) -> dict[str, str]:
        fields: dict[str, str] = self.data["headers"]
        return fields


class Streamed:
    """A response posted in chunks, which a test can read while it arrives.

    `complete` is set when it has ended regularly. `digest` is the SHA-256 of everything after the first chunk. At most `keep`
    chunks are kept: of a very large response the prelude and the digest are enough.
    """

    def __init__(self, headers: dict[str, str], keep: int) -> None:
        self.headers = headers
        self.trailers: dict[str, str] = {}
        self.complete = False
        self.digest = hashlib.sha256()
        self._count = 0
        self._keep = keep
        self._chunks: queue.Queue[bytes | None] = queue.Queue()

    def arrive(self, chunk: bytes | None) -> None:
        """Accept a chunk as it was sent; None at the end."""
        self._count += 1
        if chunk is not None and self._count > 1:
            self.digest.update(chunk)
        if chunk is None or self._count <= self._keep:
            self._chunks.put(chunk)

    def chunk(self) -> bytes | None:
        """Wait for the next chunk. Returns None at the end."""
        return self._chunks.get(timeout=PATIENCE)

    def prelude(self) -> dict[str, Any]:
        """Wait for the first chunk, which must be exactly the prelude."""
        text, nuls, rest = (self.chunk() or b"").partition(bytes(8))
        assert (nuls, rest) == (bytes(8), b"")
        prelude: dict[str, Any] = json.loads(text)
        return prelude

    def rest(self) -> bytes:
        """Wait for the end and return what has come until then."""
        chunks = []
        while (chunk := self.chunk()) is not None:
            chunks.append(chunk)
        return b"".join(chunks)

    def error(self) -> dict[str, Any]:
        """Return the error in the trailers."""
        error: dict[str, Any] = json.loads(base64.b64decode(self.trailers["lambda-runtime-function-error-body"]))
        assert error["errorType"] == self.trailers["lambda-runtime-function-error-type"]
        return error


class RuntimeApiStub:
    """The Runtime API. It sends `events` one by one; the responses arrive in `posted`.

    A call of restore/next also arrives in `posted` and is answered once `restored` is set.

    Responses in chunks arrive in `streams` as soon as their headers are complete. No chunk is read while `reading` is cleared.
    `cut` is (chunks, status): stop reading after so many chunks and answer with the status, or close the connection if it is 0.
    """

    def __init__(self) -> None:
        self.events: queue.Queue[tuple[str, bytes, dict[str, str]] | None] = queue.Queue()
        self.posted: queue.Queue[Posted] = queue.Queue()
        self.streams: queue.Queue[Streamed] = queue.Queue()
        self.keep = 1_000_000
        self.reading = threading.Event()
        self.reading.set()
        self.cut: tuple[int, int] | None = None
        self.waiting = threading.Semaphore(0)
        self.restored = threading.Event()
        self.refused: list[str] = []
        self.running: set[str] = set()
        self.workers = 1  # processes that ask for events
        self.server = _Server(("127.0.0.1", 0), _handler(self))
        self.address = f"127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def close(self) -> None:
        self.events.put(None)
        self.server.shutdown()
        self.server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(address, handler)
        self.hung_up = threading.Semaphore(0)

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        self.hung_up.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore the reset connection of a process that was killed."""


def _handler(api: RuntimeApiStub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            if self.path == "/2018-06-01/runtime/restore/next":
                api.posted.put(Posted("restore/next", {}, None, 0))
                api.restored.wait(PATIENCE)
                self._answer(200, b"", {})
                return
            assert self.path == "/2018-06-01/runtime/invocation/next", self.path
            if api.workers == 1:
                api.running.clear()
            api.waiting.release()
            item = api.events.get()
            if item is None:
                self.close_connection = True
                return
            request_id, body, headers = item
            api.running.add(request_id)
            self.close_connection = headers.get("Then") == "hang up"
            self._answer(200, body, {"Lambda-Runtime-Aws-Request-Id": item[0], "Content-Type": "application/json", **headers})

        def do_POST(self) -> None:
            if self.headers["Lambda-Runtime-Function-Response-Mode"] == "streaming":
                self._take_stream()
                return
            data = self.rfile.read(int(self.headers["Content-Length"]))
            kind = self.path.removeprefix("/2018-06-01/runtime/")
            if kind.startswith("invocation/"):
                _, request_id, kind = kind.split("/")
                if request_id not in api.running:
                    api.refused.append(f"{kind} for {request_id} while {api.running} run")
                    self._answer(403, b'{"errorType":"InvalidStateTransition"}', {})
                    return
                api.running.discard(request_id)
            if len(data) > LIMIT:
                text = f"Exceeded maximum allowed payload size ({LIMIT} bytes)."
                self._answer(413, json.dumps({"errorMessage": text, "errorType": "RequestEntityTooLarge"}).encode(), {})
                api.posted.put(Posted("too large", {}, None, len(data)))
                return
            value = data if self.headers["Content-Type"] == "application/unknown" else json.loads(data)
            api.posted.put(Posted(kind, {name.lower(): text for name, text in self.headers.items()}, value, len(data)))
            self._answer(202, b'{"status":"OK"}', {})

        def _take_stream(self) -> None:
            assert self.path in {f"/2018-06-01/runtime/invocation/{request_id}/response" for request_id in api.running}, (
                self.path
            )
            stream = Streamed({name.lower(): value for name, value in self.headers.items()}, api.keep)
            api.streams.put(stream)
            count = 0
            while api.cut is None or count < api.cut[0]:
                api.reading.wait(PATIENCE)
                line = self.rfile.readline()
                if not line:  # the process ended
                    stream.arrive(None)
                    return
                size = int(line, 16)
                if not size:
                    break
                stream.arrive(self.rfile.read(size))
                assert self.rfile.read(2) == b"\r\n"
                count += 1
            else:
                self._cut(api.cut[1])
                stream.arrive(None)
                return
            while line := self.rfile.readline().strip():
                name, _, value = line.decode().partition(": ")
                stream.trailers[name.lower()] = value
            api.running.clear()
            stream.complete = True
            stream.arrive(None)
            self._answer(202, b'{"status":"OK"}', {})

        def _cut(self, status: int) -> None:
            api.running.clear()
            self.close_connection = True
            if status:
                self._answer(status, b'{"errorType":"Sorry"}', {})
                while self.rfile.read1(65536):  # continue reading: only the response tells the runtime to stop
                    pass

        def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler


@functools.cache
def _compiled_runtime(interpreter: Path) -> Path:
    """Return a copy of the runtime with its bytecode, as in a zip. Without it, compiling takes half of the start."""
    folder = Path(tempfile.mkdtemp()) / "runtime"
    shutil.copytree(RUNTIME, folder, ignore=shutil.ignore_patterns("__pycache__"))
    compiling = [interpreter, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", folder]
    subprocess.run(compiling, check=True, timeout=60)
    return folder


class Environment:
    """A context manager for an execution environment: a task folder and a process that runs the wrapper in it."""

    def __init__(self, folder: Path, interpreter: Path, handler: str, **overrides: Any) -> None:
        """`files` (name to text) are written to the task folder, `packages` is a folder for PYTHONPATH, and `env` is added.

        `command` is started instead of the wrapper.
        """
        task = self.task = folder / "task"
        shutil.copytree(_compiled_runtime(interpreter), task / "lambent_runtime")
        for name, text in overrides.get("files", {}).items():
            (task / name).parent.mkdir(parents=True, exist_ok=True)
            (task / name).write_text(text)
        self.api = RuntimeApiStub()
        self.count = 0
        self._log = folder / "log"
        environment = {
            "PATH": os.environ["PATH"],
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            "PYTHONPATH": os.fspath(overrides.get("packages", "")),
            "LAMBDA_TASK_ROOT": str(task),
            "AWS_LAMBDA_RUNTIME_API": self.api.address,
            "AWS_LAMBDA_FUNCTION_NAME": "hello",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "_HANDLER": handler,
            "LAMBENT_ACCESS_LOG": "off",  # most tests are about what the app itself logs
            **overrides.get("env", {}),
        }
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                overrides.get("command") or [task / "lambent_runtime" / "bootstrap", interpreter, "/var/runtime/bootstrap.py"],
                cwd=task,
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def __enter__(self) -> Environment:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.process.kill()
        self.process.wait()
        self.api.close()

    def invoke(self, event: Any, **headers: str) -> Posted:
        """Send an event and wait for the next POST."""
        self.count += 1
        self.api.events.put((f"request-{self.count}", json.dumps(event).encode(), _sent(headers)))
        return self.posted()

    def stream(self, event: Any) -> Streamed:
        """Send an event and wait for the beginning of its streamed response."""
        self.count += 1
        self.api.events.put((f"request-{self.count}", json.dumps(event).encode(), {}))
        return self._await(self.api.streams)

    def posted(self) -> Posted:
        """Return the next POST. Fails with the log if the process ends before that."""
        return self._await(self.api.posted)

    def _await(self, arrivals: queue.Queue[Arrival]) -> Arrival:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return arrivals.get(timeout=0.2)
            except queue.Empty:
                if self.process.poll() is not None and arrivals.empty():
                    raise AssertionError(f"the process ended with {self.process.returncode}:\n{self.log}") from None
                if time.monotonic() > deadline:
                    raise AssertionError(f"nothing was posted:\n{self.log}") from None

    def wait_idle(self) -> None:
        """Wait until the runtime has responded to every event and asks for the next one."""
        for _ in range(self.count + 1):
            assert self.api.waiting.acquire(timeout=PATIENCE), self.log

    def terminate(self) -> int:
        """Send SIGTERM and return the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    @property
    def log(self) -> str:
        return self._log.read_bytes().decode("utf-8", "replace")


def _sent(headers: dict[str, str]) -> dict[str, str]:
    return {"Lambda-Runtime-" + name.replace("_", "-"): value for name, value in headers.items()}

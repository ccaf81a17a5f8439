"""A stand-in Runtime API on a thread, a real interpreter running the wrapper against it, and builders of events.

It holds the runtime to the order AWS holds it to (one `next`, one answer, `next` again) and to the size of an answer.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import queue
import shutil
import signal
import subprocess
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


def make_event(method: str = "GET", path: str = "/", **over: Any) -> dict[str, Any]:
    """A Function URL event. `query`, `body` (str or bytes), `headers`, `cookies`, `domain` and `protocol` may be said."""
    domain = over.pop("domain", "abcdefghijklmnopqrstuvwxyz012345.lambda-url.eu-west-1.on.aws")
    headers = {"host": domain, "x-forwarded-proto": "https", "x-forwarded-port": "443", "x-forwarded-for": "203.0.113.7"}
    headers |= over.pop("headers", {})
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": over.pop("query", ""),
        "headers": headers,
        "requestContext": {
            "accountId": "anonymous",
            "domainName": domain,
            "http": {
                "method": method,
                "path": path,
                "protocol": over.pop("protocol", "HTTP/1.1"),
                "sourceIp": "203.0.113.7",
                "userAgent": "test",
            },
            "requestId": "r",
            "stage": over.pop("stage", "$default"),
            "time": "10/Jul/2026:19:19:06 +0000",
            "timeEpoch": 1783711146671,
        },
        "isBase64Encoded": False,
    }
    if cookies := over.pop("cookies", None):
        event["cookies"] = cookies
        headers["cookie"] = "; ".join(cookies)
    body = over.pop("body", None)
    if isinstance(body, bytes):
        event |= {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
    elif body is not None:
        event["body"] = body
    return event | over


class Posted(Struct, frozen=True):
    """What the runtime posted: to where ("response", "error", "init/error"), with which headers, and the JSON in it."""

    kind: str
    headers: dict[str, str]
    data: Any
    size: int

    @property
    def body(self) -> bytes:
        """The body of an HTTP answer."""
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
    """An answer posted in chunks, to be looked at while it arrives.

    `complete` once it ended as it should. `digest` (SHA-256) is that of all after the first chunk. At most `keep` chunks are
    kept: of a very large answer it is enough to have the prelude and the digest.
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
        """One chunk as it was on the wire; None when there will be no more."""
        self._count += 1
        if chunk is not None and self._count > 1:
            self.digest.update(chunk)
        if chunk is None or self._count <= self._keep:
            self._chunks.put(chunk)

    def chunk(self) -> bytes | None:
        """Waits for the next chunk; None at the end."""
        return self._chunks.get(timeout=PATIENCE)

    def prelude(self) -> dict[str, Any]:
        """Waits for the first chunk, which is the prelude and nothing else."""
        text, nuls, rest = (self.chunk() or b"").partition(bytes(8))
        assert (nuls, rest) == (bytes(8), b"")
        found: dict[str, Any] = json.loads(text)
        return found

    def rest(self) -> bytes:
        """Waits for the end, and has what came until then."""
        chunks = []
        while (chunk := self.chunk()) is not None:
            chunks.append(chunk)
        return b"".join(chunks)

    def error(self) -> dict[str, Any]:
        """What the trailers say of a failure."""
        found: dict[str, Any] = json.loads(base64.b64decode(self.trailers["lambda-runtime-function-error-body"]))
        assert found["errorType"] == self.trailers["lambda-runtime-function-error-type"]
        return found


class StandIn:
    """The Runtime API. `events` go out one by one; what comes back lands in `posted`; `asked` counts calls of next.

    Who asks for restore/next lands in `posted` too, and is answered once `restored` is set.

    Answers in chunks land in `streams` as soon as their head is there. No chunk is read while `reading` is cleared. `cut` ends
    the reading after so many chunks, with a status, or by hanging up if that is 0.
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
        """A process that was killed leaves a reset connection behind."""


def _handler(api: StandIn) -> type[BaseHTTPRequestHandler]:
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
            assert self.path in {f"/2018-06-01/runtime/invocation/{each}/response" for each in api.running}, self.path
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
                while self.rfile.read1(65536):  # goes on reading: only the answer says that it is in vain
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


class Environment:
    """An execution environment: a task folder, and a process that runs the wrapper in it. A context manager."""

    def __init__(self, folder: Path, interpreter: Path, handler: str, **over: Any) -> None:
        """`files` (name to text) go into the task folder; `packages` is a folder put on PYTHONPATH; `env` is added.

        `command` is started in place of the wrapper.
        """
        task = self.task = folder / "task"
        shutil.copytree(RUNTIME, task / "lambent_runtime", ignore=shutil.ignore_patterns("__pycache__"))
        for name, text in over.get("files", {}).items():
            (task / name).parent.mkdir(parents=True, exist_ok=True)
            (task / name).write_text(text)
        self.api = StandIn()
        self.count = 0
        self._log = folder / "log"
        environment = {
            "PATH": os.environ["PATH"],
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            "PYTHONPATH": os.fspath(over.get("packages", "")),
            "LAMBDA_TASK_ROOT": str(task),
            "AWS_LAMBDA_RUNTIME_API": self.api.address,
            "AWS_LAMBDA_FUNCTION_NAME": "hello",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "_HANDLER": handler,
            **over.get("env", {}),
        }
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                over.get("command") or [task / "lambent_runtime" / "bootstrap", interpreter, "/var/runtime/bootstrap.py"],
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
        """Sends one event and waits for what comes of it."""
        self.count += 1
        self.api.events.put((f"request-{self.count}", json.dumps(event).encode(), _sent(headers)))
        return self.posted()

    def stream(self, event: Any) -> Streamed:
        """Sends one event and waits for the head of the streamed answer to it."""
        self.count += 1
        self.api.events.put((f"request-{self.count}", json.dumps(event).encode(), {}))
        return self._await(self.api.streams)

    def posted(self) -> Posted:
        """The next thing posted; fails with the log if the process is gone first."""
        return self._await(self.api.posted)

    def _await(self, arrivals: queue.Queue[Arrival]) -> Arrival:
        until = time.monotonic() + PATIENCE
        while True:
            try:
                return arrivals.get(timeout=0.2)
            except queue.Empty:
                if self.process.poll() is not None and arrivals.empty():
                    raise AssertionError(f"the process ended with {self.process.returncode}:\n{self.log}") from None
                if time.monotonic() > until:
                    raise AssertionError(f"nothing was posted:\n{self.log}") from None

    def wait_idle(self) -> None:
        """Until the runtime asks for an event that was not yet there: each `next` so far but those answered."""
        for _ in range(self.count + 1):
            assert self.api.waiting.acquire(timeout=PATIENCE), self.log

    def terminate(self) -> int:
        """SIGTERM, and the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    @property
    def log(self) -> str:
        return self._log.read_bytes().decode("utf-8", "replace")


def _sent(headers: dict[str, str]) -> dict[str, str]:
    return {"Lambda-Runtime-" + name.replace("_", "-"): value for name, value in headers.items()}

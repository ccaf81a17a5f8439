"""Streams through the local Lambda, over HTTP and the Lambda API, from a runtime that writes them by hand."""

from __future__ import annotations

import base64
import http.client
import io
import json
import re
import socket
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from support.local_service import INVOKE_PERMISSION, RUNTIME, URL_PERMISSION, Service, serving
from support.streaming_runtime import WRAPPER, function_files

GATED = """
def answer(event, out):
    params = json.loads(event["body"]) if "body" in event else event
    peer = socket.create_connection(("127.0.0.1", params["port"]))
    out.head()
    out.prelude(headers={"content-type": "text/event-stream", "content-length": "17"}, cookies=["a=1", "b=2"])
    for word in ("one", "two"):
        peer.recv(1)  # continues only when the test opens the gate
        out.send(word.encode())
    peer.recv(1)
    out.end()
    print("all sent", flush=True)
    peer.sendall(b"!")
"""


class Gate:
    """A gate that a function waits at. `open` lets it continue; `receive` waits for a byte from it."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self._peer: socket.socket | None = None

    @property
    def peer(self) -> socket.socket:
        if self._peer is None:
            self._server.settimeout(30)
            self._peer, _ = self._server.accept()
            self._peer.settimeout(30)
        return self._peer

    def open(self) -> None:
        self.peer.sendall(b".")

    def receive(self) -> bytes:
        return self.peer.recv(1)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A local Lambda whose functions reach the tests' own servers."""
    with serving(tmp_path_factory.mktemp("state"), share_network=True) as running:
        yield running


@pytest.fixture
def gate() -> Iterator[Gate]:
    running = Gate()
    yield running
    running._server.close()


def create(service: Service, name: str, body: str, *, timeout: int = 20, mode: str = "RESPONSE_STREAM") -> str:
    """Create a function with the streaming runtime and return its public URL."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for file, text in function_files(body).items():
            info = zipfile.ZipInfo(file)
            info.external_attr = 0o755 << 16
            archive.writestr(info, text)
    client = service.client("lambda")
    client.create_function(
        FunctionName=name, Runtime=RUNTIME, Role=service.role(), Handler="main.handler", Timeout=timeout, MemorySize=512,
        Code={"ZipFile": buffer.getvalue()}, Environment={"Variables": dict([WRAPPER])},
    )  # fmt: skip
    client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.1, "MaxAttempts": 100})
    client.add_permission(FunctionName=name, StatementId="url", **URL_PERMISSION)
    client.add_permission(FunctionName=name, StatementId="invoke", **INVOKE_PERMISSION)
    return str(client.create_function_url_config(FunctionName=name, AuthType="NONE", InvokeMode=mode)["FunctionUrl"])


def send(service: Service, url: str, body: object = None, method: str = "") -> tuple[http.client.HTTPConnection, Any]:
    host = urlsplit(url).netloc
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)
    data = json.dumps(body) if body is not None else None
    connection.request(method or ("POST" if data else "GET"), "/", data, {"Host": host, "Content-Type": "application/json"})
    return connection, connection.getresponse()


@pytest.fixture(scope="module")
def gated(service: Service) -> str:
    return create(service, "gated", GATED)


def test_head_and_chunks_arrive_one_by_one(service: Service, gated: str, gate: Gate) -> None:
    connection, response = send(service, gated, {"port": gate.port})  # the headers arrive before there is a body
    assert response.status == 200
    assert response.headers["content-type"] == "text/event-stream"
    assert response.headers["transfer-encoding"] == "chunked"
    assert response.headers["x-amzn-remapped-content-length"] == "17" and "content-length" not in response.headers
    assert response.headers.get_all("set-cookie") == ["a=1", "b=2"]
    assert re.fullmatch(r"[0-9a-f-]{36}", response.headers["x-amzn-requestid"])
    for word in (b"one", b"two"):
        gate.open()
        assert response.read1() == word
    gate.open()
    assert response.read() == b""
    assert gate.receive() == b"!"
    connection.close()


def test_function_keeps_running_when_the_client_disconnects(service: Service, gated: str, gate: Gate) -> None:
    connection, response = send(service, gated, {"port": gate.port})
    gate.open()
    assert response.read1() == b"one"
    response.close()
    connection.close()
    gate.open()
    gate.open()
    assert gate.receive() == b"!"


def test_head_request_gets_only_the_headers(service: Service, gated: str, gate: Gate) -> None:
    threading.Thread(target=lambda: [gate.open() for _ in range(3)]).start()
    connection, response = send(service, gated, {"port": gate.port}, "HEAD")
    assert (response.status, response.headers["content-type"], response.read()) == (200, "text/event-stream", b"")
    assert gate.receive() == b"!"
    connection.close()


def test_event_stream_has_chunks_then_the_log(service: Service, gated: str, gate: Gate) -> None:
    client = service.client("lambda")
    response = client.invoke_with_response_stream(
        FunctionName="gated", Payload=json.dumps({"port": gate.port}).encode(), LogType="Tail"
    )
    assert (response["StatusCode"], response["ExecutedVersion"]) == (200, "$LATEST")
    assert response["ResponseStreamContentType"] == "application/vnd.amazon.eventstream"
    events = iter(response["EventStream"])
    prelude = next(events)["PayloadChunk"]["Payload"]
    assert json.loads(prelude.partition(b"\0" * 8)[0])["cookies"] == ["a=1", "b=2"]
    for word in (b"one", b"two"):
        gate.open()
        assert next(events) == {"PayloadChunk": {"Payload": word}}
    gate.open()
    (end,) = events
    assert set(end["InvokeComplete"]) == {"LogResult"}
    assert b"START RequestId: " in base64.b64decode(end["InvokeComplete"]["LogResult"])


def test_streamed_response_over_a_buffered_url_is_502(service: Service) -> None:
    """A deploy is in that state for a moment; a 502 is better than headers and cookies shown as the page."""
    url = create(
        service, "mismatch", "def answer(event, out): out.head(); out.prelude(); out.send(b'x'); out.end()", mode="BUFFERED"
    )
    response = service.fetch(url)
    assert (response.status, response.body) == (502, b"Internal Server Error")
    service.client("lambda").update_function_url_config(FunctionName="mismatch", InvokeMode="RESPONSE_STREAM")
    response = service.fetch(url)
    assert (response.status, response.body) == (200, b"x")


FAILURES = {
    "dies": "os._exit(3)",
    "hangs": "time.sleep(60)",
    "late": "started or out.head(); out.end('Lambda-Runtime-Function-Error-Type: Function.Late\\r\\n')",
}
TYPES = {"dies": "Runtime.ExitError", "hangs": "Sandbox.Timedout", "late": "Unhandled"}


@pytest.mark.parametrize("failure", FAILURES)
def test_failure_before_and_after_the_first_byte(service: Service, failure: str) -> None:
    body = f"""
    def answer(event, out):
        started = "started" in json.dumps(event)
        if started:
            out.head()
            out.prelude(statusCode=201)
            out.send(b"some")
        {FAILURES[failure]}
    """
    url = create(service, failure, body, timeout=2)
    response = service.fetch(url)
    assert (response.status, response.body) == (502, b"Internal Server Error")
    response = service.fetch(f"{url}?started")
    assert (response.status, response.body) == (201, b"some"), "ends as if nothing had happened"
    client = service.client("lambda")
    *chunks, end = client.invoke_with_response_stream(FunctionName=failure, Payload=b'"started"')["EventStream"]
    assert b"".join(chunk["PayloadChunk"]["Payload"] for chunk in chunks).endswith(b"\0some")
    assert end["InvokeComplete"]["ErrorCode"] == TYPES[failure] and "ErrorDetails" in end["InvokeComplete"]


def test_buffered_functions_and_refusals_of_invoke_with_response_stream(service: Service) -> None:
    service.function("plain", "def handler(event, context):\n    return [1 / event]\n")
    client = service.client("lambda")
    assert list(client.invoke_with_response_stream(FunctionName="plain", Payload=b"2")["EventStream"]) == [
        {"PayloadChunk": {"Payload": b"[0.5]"}},
        {"InvokeComplete": {}},
    ]
    (end,) = client.invoke_with_response_stream(FunctionName="plain", Payload=b"0")["EventStream"]
    assert end["InvokeComplete"]["ErrorCode"] == "ZeroDivisionError"
    assert json.loads(end["InvokeComplete"]["ErrorDetails"])["errorMessage"] == "division by zero"
    assert client.invoke_with_response_stream(FunctionName="plain", InvocationType="DryRun")["StatusCode"] == 204
    with pytest.raises(client.exceptions.ResourceNotFoundException, match="Function not found"):
        client.invoke_with_response_stream(FunctionName="missing")
    with pytest.raises(client.exceptions.InvalidRequestContentException):
        client.invoke_with_response_stream(FunctionName="plain", Payload=b"{")


def test_reserved_concurrency_counts_until_the_function_ends(service: Service, gated: str, gate: Gate) -> None:
    client = service.client("lambda")
    client.put_function_concurrency(FunctionName="gated", ReservedConcurrentExecutions=1)
    try:
        connection, response = send(service, gated, {"port": gate.port})
        assert service.fetch(gated).status == 429
        with pytest.raises(client.exceptions.TooManyRequestsException):
            client.invoke_with_response_stream(FunctionName="gated")
        for _ in range(3):
            gate.open()
        assert response.read() == b"onetwo"
        connection.close()
    finally:
        client.delete_function_concurrency(FunctionName="gated")


def memory_mb(pid: int, field: str) -> float:
    """Return the memory of a process according to the kernel: VmRSS is the current value, VmHWM the peak."""
    text = Path(f"/proc/{pid}/status").read_text()
    return int(re.findall(rf"{field}:\s+(\d+)", text)[0]) / 1024


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the peak of a process is read from Linux's /proc")
def test_stream_of_100_mib_needs_little_memory(service: Service) -> None:
    url = create(
        service,
        "large",
        """
        def answer(event, out):
            out.head()
            out.prelude()
            piece = bytes(range(256)) * 4096  # 1 MiB
            for _ in range(100):
                out.send(piece)
            out.end()
        """,
    )
    service.fetch(url)
    Path(f"/proc/{service.pid}/clear_refs").write_text("5")  # resets the peak
    before = memory_mb(service.pid, "VmRSS")
    connection, response = send(service, url)
    time.sleep(0.5)  # the subject: a client that doesn't read. Without back-pressure the service would buffer everything
    size = 0
    while chunk := response.read1():
        size += len(chunk)
    connection.close()
    assert size == 100 * 1024 * 1024
    assert memory_mb(service.pid, "VmHWM") - before < 16

"""Streams through the whole local Lambda, over HTTP and the Lambda API, with a runtime that writes them by hand."""

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

from support.local_service import INVOKE_PERMISSION, RUNTIME, URL_PERMISSION, Service
from support.streaming_runtime import WRAPPER, function_files

GATED = """
def answer(event, out):
    told = json.loads(event["body"]) if "body" in event else event
    peer = socket.create_connection(("127.0.0.1", told["port"]))
    out.head()
    out.prelude(headers={"content-type": "text/event-stream", "content-length": "17"}, cookies=["a=1", "b=2"])
    for word in ("one", "two"):
        peer.recv(1)  # goes on only when the test says so
        out.send(word.encode())
    peer.recv(1)
    out.end()
    print("all sent", flush=True)
    peer.sendall(b"!")
"""


class Gate:
    """What a function waits at: `open` lets it go on, `said` waits for a byte of its own."""

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

    def said(self) -> bytes:
        return self.peer.recv(1)


@pytest.fixture
def gate() -> Iterator[Gate]:
    made = Gate()
    yield made
    made._server.close()


def make(service: Service, name: str, body: str, *, timeout: int = 20, mode: str = "RESPONSE_STREAM") -> str:
    """A function of this runtime behind a public URL."""
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


def ask(service: Service, url: str, body: object = None, method: str = "") -> tuple[http.client.HTTPConnection, Any]:
    host = urlsplit(url).netloc
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)
    sent = json.dumps(body) if body is not None else None
    connection.request(method or ("POST" if sent else "GET"), "/", sent, {"Host": host, "Content-Type": "application/json"})
    return connection, connection.getresponse()


@pytest.fixture(scope="module")
def gated(service: Service) -> str:
    return make(service, "gated", GATED)


def test_head_and_chunks_arrive_one_by_one(service: Service, gated: str, gate: Gate) -> None:
    connection, answer = ask(service, gated, {"port": gate.port})  # its headers are here before the function has a body
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.headers["transfer-encoding"] == "chunked"
    assert answer.headers["x-amzn-remapped-content-length"] == "17" and "content-length" not in answer.headers
    assert answer.headers.get_all("set-cookie") == ["a=1", "b=2"]
    assert re.fullmatch(r"[0-9a-f-]{36}", answer.headers["x-amzn-requestid"])
    for word in (b"one", b"two"):
        gate.open()
        assert answer.read1() == word
    gate.open()
    assert answer.read() == b""
    assert gate.said() == b"!"
    connection.close()


def test_the_function_runs_on_when_the_client_goes_away(service: Service, gated: str, gate: Gate) -> None:
    connection, answer = ask(service, gated, {"port": gate.port})
    gate.open()
    assert answer.read1() == b"one"
    answer.close()
    connection.close()
    gate.open()
    gate.open()
    assert gate.said() == b"!"


def test_head_has_the_headers_only(service: Service, gated: str, gate: Gate) -> None:
    threading.Thread(target=lambda: [gate.open() for _ in range(3)]).start()
    connection, answer = ask(service, gated, {"port": gate.port}, "HEAD")
    assert (answer.status, answer.headers["content-type"], answer.read()) == (200, "text/event-stream", b"")
    assert gate.said() == b"!"
    connection.close()


def test_the_wire_in_order(service: Service, gated: str, gate: Gate) -> None:
    """As boto3's event stream: chunks while the function runs, then its end with the log."""
    client = service.client("lambda")
    answer = client.invoke_with_response_stream(
        FunctionName="gated", Payload=json.dumps({"port": gate.port}).encode(), LogType="Tail"
    )
    assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")
    assert answer["ResponseStreamContentType"] == "application/vnd.amazon.eventstream"
    events = iter(answer["EventStream"])
    prelude = next(events)["PayloadChunk"]["Payload"]
    assert json.loads(prelude.partition(b"\0" * 8)[0])["cookies"] == ["a=1", "b=2"]
    for word in (b"one", b"two"):
        gate.open()
        assert next(events) == {"PayloadChunk": {"Payload": word}}
    gate.open()
    (end,) = events
    assert set(end["InvokeComplete"]) == {"LogResult"}
    assert b"START RequestId: " in base64.b64decode(end["InvokeComplete"]["LogResult"])


def test_a_streamed_answer_over_a_buffered_url_is_a_502(service: Service) -> None:
    """Better than headers and cookies shown as the page: what a deploy passes through for a moment."""
    url = make(
        service, "mismatch", "def answer(event, out): out.head(); out.prelude(); out.send(b'x'); out.end()", mode="BUFFERED"
    )
    got = service.fetch(url)
    assert (got.status, got.body) == (502, b"Internal Server Error")
    service.client("lambda").update_function_url_config(FunctionName="mismatch", InvokeMode="RESPONSE_STREAM")
    got = service.fetch(url)
    assert (got.status, got.body) == (200, b"x")


FAILURES = {
    "dies": "os._exit(3)",
    "hangs": "time.sleep(60)",
    "lazy": """out.end("Lambda-Runtime-Function-Error-Type: Function.Late\\r\\n")""",
}
TYPES = {"dies": "Runtime.ExitError", "hangs": "Sandbox.Timedout", "lazy": "Unhandled"}


@pytest.mark.parametrize("how", FAILURES)
def test_failures_before_and_after_the_first_byte(service: Service, how: str) -> None:
    body = f"""
    def answer(event, out):
        if "begun" in json.dumps(event):
            out.head()
            out.prelude(statusCode=201)
            out.send(b"some")
        {FAILURES[how] if how != "lazy" else 'out.head() if "begun" not in json.dumps(event) else None; ' + FAILURES[how]}
    """
    url = make(service, how, body, timeout=2)
    got = service.fetch(url)
    assert (got.status, got.body) == (502, b"Internal Server Error")
    got = service.fetch(f"{url}?begun")
    assert (got.status, got.body) == (201, b"some"), "ends as if all were well"
    client = service.client("lambda")
    *chunks, end = client.invoke_with_response_stream(FunctionName=how, Payload=b'"begun"')["EventStream"]
    assert b"".join(chunk["PayloadChunk"]["Payload"] for chunk in chunks).endswith(b"\0some")
    assert end["InvokeComplete"]["ErrorCode"] == TYPES[how] and "ErrorDetails" in end["InvokeComplete"]


def test_buffered_functions_and_refusals_of_the_streaming_call(service: Service) -> None:
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
        client.invoke_with_response_stream(FunctionName="nobody")
    with pytest.raises(client.exceptions.InvalidRequestContentException):
        client.invoke_with_response_stream(FunctionName="plain", Payload=b"{")


def test_a_reservation_counts_until_the_function_is_done(service: Service, gated: str, gate: Gate) -> None:
    client = service.client("lambda")
    client.put_function_concurrency(FunctionName="gated", ReservedConcurrentExecutions=1)
    try:
        connection, answer = ask(service, gated, {"port": gate.port})
        assert service.fetch(gated).status == 429
        with pytest.raises(client.exceptions.TooManyRequestsException):
            client.invoke_with_response_stream(FunctionName="gated")
        for _ in range(3):
            gate.open()
        assert answer.read() == b"onetwo"
        connection.close()
    finally:
        client.delete_function_concurrency(FunctionName="gated")


def memory_mb(pid: int, field: str) -> float:
    """Of a process, from the kernel: VmRSS now, VmHWM its peak."""
    told = Path(f"/proc/{pid}/status").read_text()
    return int(re.findall(rf"{field}:\s+(\d+)", told)[0]) / 1024


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the peak of a process is read from Linux's /proc")
def test_a_hundred_megabytes_in_constant_memory(service: Service) -> None:
    url = make(
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
    Path(f"/proc/{service.pid}/clear_refs").write_text("5")  # the peak counts from here
    before = memory_mb(service.pid, "VmRSS")
    connection, answer = ask(service, url)
    time.sleep(0.5)  # nobody reads: without back-pressure all of it would be in the service by now
    size = 0
    while chunk := answer.read1():
        size += len(chunk)
    connection.close()
    assert size == 100 * 1024 * 1024
    assert memory_mb(service.pid, "VmHWM") - before < 16

"""The client of the Runtime API against servers that spell HTTP in other ways than AWS's."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from lambent.runtime.api import ConnectionLost, RuntimeApi
from lambent.runtime.context import Context

USUAL = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nLambda-Runtime-Aws-Request-Id: id-1\r\n"
    b"Lambda-Runtime-Deadline-Ms: 7\r\nContent-Length: 2\r\n\r\n{}"
)
LOWER = (
    b"HTTP/1.1 200 OK\r\ncontent-type:application/json\r\nlambda-runtime-aws-request-id:id-1\r\n"
    b"lambda-runtime-deadline-ms:  7 \r\ncontent-length:2\r\n\r\n{}"
)
CHUNKED = USUAL.replace(b"Content-Length: 2\r\n\r\n{}", b"transfer-encoding: Chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n")
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\n" + USUAL
LAST = USUAL.replace(b"\r\n\r\n{}", b"\r\nConnection: close\r\n\r\n{}")
LAST_LOWER = LOWER.replace(b"\r\n\r\n{}", b"\r\nconnection:close\r\n\r\n{}")


@contextmanager
def serving(*answers: bytes, step: int = 1 << 16) -> Iterator[RuntimeApi]:
    """A server that gives each request the next of these answers, in pieces of `step` bytes."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        left = list(answers)
        while left:
            connection, _ = listener.accept()
            with connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                while left and connection.recv(65536):
                    answer = left.pop(0)
                    for place in range(0, len(answer), step):
                        connection.sendall(answer[place : place + step])
                    if b"lose\r\n" in answer:
                        break

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    api = RuntimeApi(f"127.0.0.1:{listener.getsockname()[1]}")
    try:
        yield api
    finally:
        api.drop()
        listener.close()
        thread.join(10)


@pytest.mark.parametrize("step", [1 << 16, 1], ids=["at once", "byte by byte"])
@pytest.mark.parametrize("answer", [USUAL, LOWER, CHUNKED, INTERIM, LAST, LAST_LOWER])
def test_every_spelling_of_an_event(answer: bytes, step: int) -> None:
    with serving(answer, USUAL, step=step) as api:
        invocation = api.next()
        context = Context(invocation)
        assert (invocation.id, invocation.body, context._epoch_deadline_time_in_ms) == ("id-1", b"{}", 7)
        assert (context.tenant_id, context.invoked_function_arn, context.client_context) == (None, "", None)
        assert api.next().id == "id-1"


def test_what_only_some_events_bring() -> None:
    more = b'\r\nLambda-Runtime-Aws-Tenant-Id: t\r\nLambda-Runtime-Client-Context: {"custom": {"a": 1}}\r\n\r\n{}'
    with serving(USUAL.replace(b"\r\n\r\n{}", more)) as api:
        context = Context(api.next())
        assert (context.tenant_id, context.client_context.custom) == ("t", {"a": 1})


@pytest.mark.parametrize(
    "answer", [b"SSH-2.0-x\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", USUAL.replace(b"200", b"500"), USUAL.replace(b"-Id", b"-Ix")]
)
def test_what_is_no_event_is_a_lost_connection(answer: bytes) -> None:
    with serving(answer) as api, pytest.raises(ConnectionLost):
        api.next()

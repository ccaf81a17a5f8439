"""Streamed responses through the engine, from a runtime that writes them byte by byte."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from lambent import limits
from lambent.local.engine.invocation import Function, Outcome
from lambent.local.engine.response_stream import ResponseStream
from support.functions import Lambda, make_function, make_invocation, running
from support.streaming_runtime import WRAPPER, write


def run(folder: Path, body: Callable[[Lambda], Awaitable[Any]]) -> Any:
    async def inner() -> Any:
        async with running(folder) as aws:
            return await asyncio.wait_for(body(aws), 60)

    return asyncio.run(inner())


def function(folder: Path, body: str, **overrides: Any) -> Function:
    write(folder / "stream", body)
    return replace(make_function(folder, "", environment=(WRAPPER,), **overrides), code=folder / "stream")


async def read_all(stream: ResponseStream) -> bytes:
    chunks = []
    while chunk := await stream.read():
        chunks.append(chunk)
    return b"".join(chunks)


async def stream_once(aws: Lambda, streaming: Function, event: object = None) -> tuple[ResponseStream, bytes, Outcome]:
    stream = await aws.engine.stream(streaming, make_invocation(event))
    body = await read_all(stream)
    return stream, body, await stream.outcome()


def error(outcome: Outcome) -> tuple[str, str]:
    return outcome.function_error, json.loads(outcome.payload)["errorType"]


def test_chunks_arrive_as_they_are_sent_and_the_environment_is_reused(tmp_path: Path) -> None:
    streaming = function(
        tmp_path,
        """
        count = 0
        def answer(event, out):
            global count
            count += 1
            out.head(kind="text/event-stream")
            peer = socket.create_connection(("127.0.0.1", event["port"]))
            for word in ("one", "two", "three"):
                out.send(f"{word} {count}".encode())
                peer.recv(1)  # continues once the test has read the chunk
            assert out.end()[0] == 202
        """,
    )

    async def body(aws: Lambda) -> None:
        gates: asyncio.Queue[asyncio.StreamWriter] = asyncio.Queue()
        server = await asyncio.start_server(lambda _, writer: gates.put_nowait(writer), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        for turn in (1, 2):
            stream = await aws.engine.stream(streaming, make_invocation({"port": port}))
            assert stream.content_type == "text/event-stream"
            gate = await gates.get()
            for word in ("one", "two", "three"):
                assert await stream.read() == f"{word} {turn}".encode()
                gate.write(b".")
            assert await stream.read() == b""
            outcome = await stream.outcome()
            assert (outcome.payload, outcome.function_error) == (b"", "")
            assert "REPORT RequestId: " in outcome.log_tail
            gate.close()
        server.close()

    run(tmp_path, body)


def test_buffered_response_to_a_streamed_invocation_is_in_the_outcome(tmp_path: Path) -> None:
    streaming = function(tmp_path, "def answer(event, out): assert out.post(b'{}')[0] == 202")
    stream, body, outcome = run(tmp_path, lambda aws: stream_once(aws, streaming))
    assert (stream.content_type, body, outcome.payload, outcome.function_error) == (None, b"", b"{}", "")


def test_streamed_response_to_a_buffered_invocation_is_collected(tmp_path: Path) -> None:
    streaming = function(
        tmp_path,
        """
        def answer(event, out):
            out.head()
            out.prelude(cookies=["a=1"])
            for _ in range(event):
                out.send(b"x" * 1000)
            status, _, _ = out.end()
            print("status", status)
        """,
    )

    async def body(aws: Lambda) -> list[Outcome]:
        return [await aws.engine.invoke(streaming, make_invocation(count)) for count in (3, 7000)]

    small, large = run(tmp_path, body)
    prelude, _, content = small.payload.partition(b"\0" * 8)
    assert json.loads(prelude) == {"statusCode": 200, "cookies": ["a=1"]} and content == b"x" * 3000
    assert error(large) == ("Unhandled", "Function.ResponseSizeTooLarge")
    assert "status 413" in large.log_tail or "Function.ResponseSizeTooLarge" in large.log_tail


def test_error_in_a_trailer_follows_the_chunks(tmp_path: Path) -> None:
    streaming = function(
        tmp_path,
        """
        import base64
        def answer(event, out):
            out.head()
            out.prelude()
            out.send(b"some")
            body = base64.b64encode(b'{"errorType":"ValueError","errorMessage":"late"}').decode()
            error = "Lambda-Runtime-Function-Error"
            out.end(f"{error}-Type: Function.ValueError\\r\\n{error}-Body: {body}\\r\\n")
        """,
    )
    _, body, outcome = run(tmp_path, lambda aws: stream_once(aws, streaming))
    assert body.endswith(b"\0some")
    assert error(outcome) == ("Unhandled", "ValueError")


def test_process_that_exits_while_streaming_delivers_what_it_had_sent(tmp_path: Path) -> None:
    streaming = function(
        tmp_path,
        """
        def answer(event, out):
            out.head(kind="text/plain")
            out.send(b"x" * 50_000)
            out.send(b"last words")
            os._exit(3)
        """,
    )

    async def body(aws: Lambda) -> list[Any]:
        return [await stream_once(aws, streaming) for _ in range(3)]

    for _, chunks, outcome in run(tmp_path, body):
        assert chunks == b"x" * 50_000 + b"last words"
        assert error(outcome) == ("Unhandled", "Runtime.ExitError")
        assert "exit status 3" in outcome.log_tail


def test_process_that_exits_before_the_first_byte_is_an_error(tmp_path: Path) -> None:
    streaming = function(tmp_path, "def answer(event, out): os._exit(3)")
    stream, body, outcome = run(tmp_path, lambda aws: stream_once(aws, streaming))
    assert (stream.content_type, body) == (None, b"")
    assert error(outcome) == ("Unhandled", "Runtime.ExitError")


def test_time_out_ends_the_stream_and_the_process(tmp_path: Path) -> None:
    streaming = function(
        tmp_path,
        """
        count = 0
        def answer(event, out):
            global count
            count += 1
            out.head(kind="text/plain")
            out.send(b"turn %d" % count)
            time.sleep(60)
        """,
        timeout_s=1,
    )

    async def body(aws: Lambda) -> list[Any]:
        return [await stream_once(aws, streaming) for _ in range(2)]

    for _, chunks, outcome in run(tmp_path, body):
        assert chunks == b"turn 1"  # a new process each time
        assert error(outcome) == ("Unhandled", "Sandbox.Timedout")


def test_runtime_that_closes_the_connection_and_lives_on_is_an_error(tmp_path: Path) -> None:
    streaming = function(
        tmp_path,
        """
        count = 0
        def answer(event, out):
            global count
            count += 1
            out.head(kind="text/plain")
            out.send(b"turn %d" % count)
            out.wire.close()
            return connect()
        """,
    )

    async def body(aws: Lambda) -> list[Any]:
        return [await stream_once(aws, streaming) for _ in range(2)]

    for turn, (_, chunks, outcome) in enumerate(run(tmp_path, body), 1):
        assert chunks == b"turn %d" % turn
        assert error(outcome) == ("Unhandled", "Runtime.TruncatedResponse")


def test_unknown_response_mode_is_refused(tmp_path: Path) -> None:
    streaming = function(
        tmp_path,
        """
        def answer(event, out):
            out.head(mode="torrent")
            status, _, body = out.end()
            assert out.post(json.dumps([status, json.loads(body)["errorType"]]).encode())[0] == 202
        """,
    )
    _, _, outcome = run(tmp_path, lambda aws: stream_once(aws, streaming))
    assert json.loads(outcome.payload) == [400, "InvalidFunctionResponseMode"]


def test_stream_above_the_limit_is_cut_off_and_refused(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(limits, "STREAM_MAX", 1_000_000)
    streaming = function(
        tmp_path,
        """
        def answer(event, out):
            out.head(kind="text/plain")
            for _ in range(30):
                out.send(b"x" * 50_000)
            print("status", out.end()[0], flush=True)
        """,
    )

    async def body(aws: Lambda) -> tuple[bytes, Outcome]:
        _, body, outcome = await stream_once(aws, streaming)
        await aws.engine.retire(streaming.arn)  # ends the environment once it has printed its line
        return body, outcome

    response, outcome = run(tmp_path, body)
    assert len(response) == 1_000_000
    assert error(outcome) == ("Unhandled", "Function.ResponseSizeTooLarge")
    assert "1000000 bytes" in json.loads(outcome.payload)["errorMessage"]


def test_slow_reader_holds_up_the_function_and_an_absent_one_does_not(tmp_path: Path) -> None:
    """60 MB for a reader who waits: the function only gets as far as the buffers on the way allow."""
    streaming = function(
        tmp_path,
        """
        def answer(event, out):
            out.head(kind="text/plain")
            peer = socket.create_connection(("127.0.0.1", event))
            piece = b"x" * 1_000_000
            for count in range(60):
                out.send(piece)
                peer.sendall(b".")
            out.end()
            peer.sendall(b"!")
            peer.close()
        """,
    )

    async def body(aws: Lambda) -> None:
        peers: asyncio.Queue[asyncio.StreamReader] = asyncio.Queue()
        server = await asyncio.start_server(lambda reader, _: peers.put_nowait(reader), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        for read in (True, False):
            stream = await aws.engine.stream(streaming, make_invocation(port))
            peer = await peers.get()
            progress = b""
            try:
                while True:
                    progress += await asyncio.wait_for(peer.read(60), 1)
            except TimeoutError:
                pass
            assert len(progress) < 30, "the function continues although nothing reads"
            if read:
                assert len(await read_all(stream)) == 60_000_000
            else:
                stream.abandon()
            assert (await stream.outcome()).function_error == ""
            assert (progress + await peer.read(-1)).endswith(b"." * 30 + b"!")
        server.close()

    run(tmp_path, body)

"""Streamed answers through the engine, with a runtime that writes them by hand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from msgspec.structs import asdict

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


def function(folder: Path, body: str, **changed: Any) -> Function:
    made = make_function(folder, "", environment=(WRAPPER,), **changed)
    write(folder / "stream", body)
    return type(made)(**{**asdict(made), "code": folder / "stream"})


async def rest(stream: ResponseStream) -> bytes:
    found = []
    while chunk := await stream.read():
        found.append(chunk)
    return b"".join(found)


async def streamed(aws: Lambda, made: Function, event: object = None) -> tuple[ResponseStream, bytes, Outcome]:
    stream = await aws.engine.stream(made, make_invocation(event))
    body = await rest(stream)
    return stream, body, await stream.outcome()


def failed(outcome: Outcome) -> tuple[str, str]:
    told = json.loads(outcome.payload)
    return outcome.function_error, told["errorType"]


def test_each_chunk_comes_when_it_is_sent_and_the_environment_is_used_again(tmp_path: Path) -> None:
    made = function(
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
                peer.recv(1)  # goes on only when the test has seen it
            assert out.end()[0] == 202
        """,
    )

    async def body(aws: Lambda) -> None:
        gates: asyncio.Queue[asyncio.StreamWriter] = asyncio.Queue()
        server = await asyncio.start_server(lambda _, writer: gates.put_nowait(writer), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        for turn in (1, 2):
            stream = await aws.engine.stream(made, make_invocation({"port": port}))
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


def test_a_buffered_answer_to_a_streamed_invocation_is_in_the_outcome(tmp_path: Path) -> None:
    made = function(tmp_path, "def answer(event, out): assert out.post(b'{}')[0] == 202")
    stream, body, outcome = run(tmp_path, lambda aws: streamed(aws, made))
    assert (stream.content_type, body, outcome.payload, outcome.function_error) == (None, b"", b"{}", "")


def test_a_streamed_answer_to_a_buffered_invocation_is_read_whole(tmp_path: Path) -> None:
    made = function(
        tmp_path,
        """
        def answer(event, out):
            out.head()
            out.prelude(cookies=["a=1"])
            for _ in range(event):
                out.send(b"x" * 1000)
            status, _, said = out.end()
            print("told", status)
        """,
    )

    async def body(aws: Lambda) -> list[Outcome]:
        return [await aws.engine.invoke(made, make_invocation(count)) for count in (3, 7000)]

    small, large = run(tmp_path, body)
    prelude, _, rest = small.payload.partition(b"\0" * 8)
    assert json.loads(prelude) == {"statusCode": 200, "cookies": ["a=1"]} and rest == b"x" * 3000
    assert failed(large) == ("Unhandled", "Function.ResponseSizeTooLarge")
    assert "told 413" in large.log_tail or "Function.ResponseSizeTooLarge" in large.log_tail


def test_a_trailer_is_an_error_after_what_came(tmp_path: Path) -> None:
    made = function(
        tmp_path,
        """
        import base64
        def answer(event, out):
            out.head()
            out.prelude()
            out.send(b"some")
            told = base64.b64encode(b'{"errorType":"ValueError","errorMessage":"late"}').decode()
            error = "Lambda-Runtime-Function-Error"
            out.end(f"{error}-Type: Function.ValueError\\r\\n{error}-Body: {told}\\r\\n")
        """,
    )
    _, body, outcome = run(tmp_path, lambda aws: streamed(aws, made))
    assert body.endswith(b"\0some")
    assert failed(outcome) == ("Unhandled", "ValueError")


def test_a_process_that_ends_on_the_way_leaves_what_it_had_sent(tmp_path: Path) -> None:
    made = function(
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
        return [await streamed(aws, made) for _ in range(3)]

    for _, body_, outcome in run(tmp_path, body):
        assert body_ == b"x" * 50_000 + b"last words"
        assert failed(outcome) == ("Unhandled", "Runtime.ExitError")
        assert "exit status 3" in outcome.log_tail


def test_a_process_that_ends_before_the_first_byte_has_failed(tmp_path: Path) -> None:
    made = function(tmp_path, "def answer(event, out): os._exit(3)")
    stream, body, outcome = run(tmp_path, lambda aws: streamed(aws, made))
    assert (stream.content_type, body) == (None, b"")
    assert failed(outcome) == ("Unhandled", "Runtime.ExitError")


def test_a_time_out_ends_the_stream_and_the_process(tmp_path: Path) -> None:
    made = function(
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
        return [await streamed(aws, made) for _ in range(2)]

    for _, body_, outcome in run(tmp_path, body):
        assert body_ == b"turn 1"  # a new process each time
        assert failed(outcome) == ("Unhandled", "Sandbox.Timedout")


def test_a_runtime_that_hangs_up_and_lives_on(tmp_path: Path) -> None:
    made = function(
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
        return [await streamed(aws, made) for _ in range(2)]

    for turn, (_, body_, outcome) in enumerate(run(tmp_path, body), 1):
        assert body_ == b"turn %d" % turn
        assert failed(outcome) == ("Unhandled", "Runtime.TruncatedResponse")


def test_an_unknown_mode_is_refused(tmp_path: Path) -> None:
    made = function(
        tmp_path,
        """
        def answer(event, out):
            out.head(mode="torrent")
            status, _, said = out.end()
            assert out.post(json.dumps([status, json.loads(said)["errorType"]]).encode())[0] == 202
        """,
    )
    _, _, outcome = run(tmp_path, lambda aws: streamed(aws, made))
    assert json.loads(outcome.payload) == [400, "InvalidFunctionResponseMode"]


def test_above_the_limit_the_stream_ends_and_the_runtime_is_told(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(limits, "STREAM_MAX", 1_000_000)
    made = function(
        tmp_path,
        """
        def answer(event, out):
            out.head(kind="text/plain")
            for _ in range(30):
                out.send(b"x" * 50_000)
            print("told", out.end()[0], flush=True)
        """,
    )

    async def body(aws: Lambda) -> tuple[bytes, Outcome]:
        _, whole, outcome = await streamed(aws, made)
        await aws.engine.retire(made.arn)  # ends it when it has said its line
        return whole, outcome

    whole, outcome = run(tmp_path, body)
    assert len(whole) == 1_000_000
    assert failed(outcome) == ("Unhandled", "Function.ResponseSizeTooLarge")
    assert "1000000 bytes" in json.loads(outcome.payload)["errorMessage"]


def test_a_slow_reader_stops_the_function_and_an_absent_one_does_not(tmp_path: Path) -> None:
    """60 MB against a reader who waits: the function gets no further than what fits on the way."""
    made = function(
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
            stream = await aws.engine.stream(made, make_invocation(port))
            peer = await peers.get()
            said = b""
            try:
                while True:
                    said += await asyncio.wait_for(peer.read(60), 1)
            except TimeoutError:
                pass
            assert len(said) < 30, "nobody reads, and yet it goes on"
            if read:
                assert len(await rest(stream)) == 60_000_000
            else:
                stream.abandon()
            assert (await stream.outcome()).function_error == ""
            assert (said + await peer.read(-1)).endswith(b"." * 30 + b"!")
        server.close()

    run(tmp_path, body)

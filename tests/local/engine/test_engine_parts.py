"""The engine's parts without a sandbox: the Runtime API over a real socket, its states, and how output becomes log events."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
from pathlib import Path

import pytest

from lambent.errors import LocalError
from lambent.local.engine.line_splitter import LineSplitter
from lambent.local.engine.log_sink import LogLine
from lambent.local.engine.runtime_api import EventKind, NextInvocation, RuntimeApi, RuntimeEvent, next_invocation
from lambent.local.engine.runtime_states import TRANSITIONS, IllegalTransition, State, Step, next_state
from lambent.local.sandbox.runtimes import InstalledRuntime, Runtimes, install
from support.waiting import eventually_async

NEXT = "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n"


def post(path: str, body: bytes, *headers: str) -> bytes:
    lines = [f"POST /2018-06-01/runtime/{path} HTTP/1.1", "Host: x", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


class Runtime:
    """A runtime by hand: one connection, and the events that the API reports."""

    def __init__(self) -> None:
        self.events: list[RuntimeEvent] = []
        self.api = RuntimeApi(self.events.append)

    async def __aenter__(self) -> Runtime:
        await self.api.start()
        self.reader, self.writer = await asyncio.open_connection(*self.api.address.split(":"))
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.close()
        self.api.close()

    async def send(self, data: bytes | str) -> None:
        self.writer.write(data if isinstance(data, bytes) else data.encode())
        await self.writer.drain()

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        head = (await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 5)).decode().split("\r\n")
        headers = dict(line.split(": ", 1) for line in head[1:] if line)
        return int(head[0].split()[1]), headers, await self.reader.readexactly(int(headers.get("Content-Length", 0)))

    async def ask(self, data: bytes | str) -> tuple[int, dict[str, str], bytes]:
        await self.send(data)
        return await self.answer()

    async def take(self, invocation: NextInvocation) -> tuple[int, dict[str, str], bytes]:
        await self.send(NEXT)
        await eventually_async(lambda: self.api.polling)
        self.api.send(invocation)
        return await self.answer()


READY = RuntimeEvent(EventKind.READY)
EVENT = next_invocation("id-1", b'{"a":1}', {"Lambda-Runtime-Aws-Request-Id": "id-1", "Lambda-Runtime-Client-Context": ""})


def test_an_event_and_its_answer() -> None:
    async def run() -> None:
        async with Runtime() as runtime:
            status, headers, body = await runtime.take(EVENT)
            assert (status, body) == (200, b'{"a":1}')
            assert headers == {
                "Content-Type": "application/json",
                "Content-Length": "7",
                "Lambda-Runtime-Aws-Request-Id": "id-1",
            }
            assert await runtime.ask(post("invocation/id-1/response", b"[1]")) == (
                202, {"Content-Type": "application/json", "Content-Length": "16"}, b'{"status":"OK"}\n',
            )  # fmt: skip
            assert runtime.events == [READY, RuntimeEvent(EventKind.RESPONSE, b"[1]")]

    asyncio.run(run())


def test_calls_out_of_turn_are_refused_as_by_aws() -> None:
    async def run() -> None:
        async with Runtime() as runtime:
            status, _, body = await runtime.ask(post("invocation/id-1/response", b""))
            assert (status, json.loads(body)) == (400, {"errorMessage": "Invalid request ID", "errorType": "InvalidRequestID"})
            await runtime.take(EVENT)
            status, _, body = await runtime.ask(NEXT)
            assert (status, json.loads(body)) == (
                403,
                {
                    "errorMessage": "State transition from Running to Ready failed for runtime. "
                    "Error: State transition is not allowed",
                    "errorType": "InvalidStateTransition",
                },
            )
            assert (await runtime.ask(post("invocation/other/response", b"")))[0] == 400
            assert (await runtime.ask(post("init/error", b"{}")))[0] == 403
            assert (await runtime.ask(post("invocation/id-1/response", b"1")))[0] == 202
            assert (await runtime.ask(post("invocation/id-1/response", b"2")))[0] == 403
            assert (await runtime.ask("GET /2018-06-01/runtime/other HTTP/1.1\r\nHost: x\r\n\r\n"))[0] == 404
            assert runtime.events == [READY, RuntimeEvent(EventKind.RESPONSE, b"1")]

    asyncio.run(run())


@pytest.mark.parametrize(("size", "status"), [(6_291_556, 202), (6_291_557, 413)])
def test_the_largest_response(size: int, status: int) -> None:
    async def run() -> None:
        async with Runtime() as runtime:
            await runtime.take(EVENT)
            answered, _, body = await runtime.ask(post("invocation/id-1/response", b"x" * size))
            assert answered == status
            if status == 413:
                assert json.loads(body) == {
                    "errorMessage": "Exceeded maximum allowed payload size (6291556 bytes).",
                    "errorType": "RequestEntityTooLarge",
                }
            assert runtime.events[1].kind is (EventKind.RESPONSE if status == 202 else EventKind.TOO_LARGE)

    asyncio.run(run())


def chunked(path: str, chunks: list[bytes], *headers: str, trailers: str = "") -> bytes:
    head = "\r\n".join([f"POST /2018-06-01/runtime/{path} HTTP/1.1", "Host: x", "Transfer-Encoding: chunked", *headers, "", ""])
    return head.encode() + b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + f"0\r\n{trailers}\r\n".encode()


def test_a_streamed_response_is_read_whole() -> None:
    mode = "Lambda-Runtime-Function-Response-Mode: streaming"

    async def run() -> None:
        async with Runtime() as runtime:
            await runtime.take(EVENT)
            assert (await runtime.ask(chunked("invocation/id-1/response", [b"ab", b"c"], mode)))[0] == 202
            await runtime.take(EVENT)
            error = base64.b64encode(b'{"errorType":"Late"}').decode()
            trailers = f"Lambda-Runtime-Function-Error-Type: Function.Late\r\nLambda-Runtime-Function-Error-Body: {error}\r\n"
            await runtime.ask(chunked("invocation/id-1/response", [b"ab"], mode, trailers=trailers))
            assert runtime.events[1::2] == [
                RuntimeEvent(EventKind.RESPONSE, b"abc"),
                RuntimeEvent(EventKind.ERROR, b'{"errorType":"Late"}', "Function.Late"),
            ]

    asyncio.run(run())


def test_an_unknown_mode_is_refused() -> None:
    async def run() -> None:
        async with Runtime() as runtime:
            await runtime.take(EVENT)
            data = post("invocation/id-1/response", b"", "Lambda-Runtime-Function-Response-Mode: wild")
            status, _, body = await runtime.ask(data)
            assert (status, json.loads(body)["errorType"]) == (400, "InvalidFunctionResponseMode")

    asyncio.run(run())


@pytest.mark.parametrize(
    ("said", "understood"),
    [("Runtime.ImportModuleError", "Runtime.ImportModuleError"), ("nonsense", "Runtime.Unknown"), ("", "Runtime.Unknown")],
)
def test_an_init_error_and_its_type(said: str, understood: str) -> None:
    async def run() -> None:
        async with Runtime() as runtime:
            await runtime.ask(post("init/error", b"{}", f"Lambda-Runtime-Function-Error-Type: {said}"))
            assert runtime.events == [RuntimeEvent(EventKind.INIT_ERROR, b"{}", understood)]
            assert (await runtime.ask(NEXT))[0] == 403

    asyncio.run(run())


def test_curl_waits_for_continue() -> None:
    async def run() -> None:
        async with Runtime() as runtime:
            await runtime.take(EVENT)
            await runtime.send(
                post("invocation/id-1/response", b"", "Expect: 100-continue").replace(b"Length: 0", b"Length: 2")
            )
            assert (await runtime.answer())[0] == 100
            assert (await runtime.ask(b"ok"))[0] == 202

    asyncio.run(run())


def test_the_table_leads_from_everywhere_but_an_init_error() -> None:
    assert {state for state, _ in TRANSITIONS} == set(State) - {State.INIT_ERROR}
    for state in State:
        for step in Step:
            if (state, step) not in TRANSITIONS:
                with pytest.raises(IllegalTransition, match=f"from {state.value} to {step.value}"):
                    next_state(state, step)


def frame(text: str, milliseconds: int) -> bytes:
    raw = text.encode()
    return b"\xa5\x5a\x00\x03" + len(raw).to_bytes(4, "big") + (milliseconds * 1000).to_bytes(8, "big") + raw


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_output_becomes_log_events_however_it_is_cut(size: int) -> None:
    data = "one\nτwo\n".encode() + frame("a record\nof two lines\n", 7) + b"half" + frame("next\n", 8) + b"\nerror:\rmore\nlast"
    splitter = LineSplitter()
    lines = [line for at in range(0, len(data), size) for line in splitter.feed(data[at : at + size], 5)]
    assert [*lines, *splitter.finish(6)] == [
        LogLine(5, "one"), LogLine(5, "τwo"), LogLine(7, "a record\nof two lines"), LogLine(5, "half"), LogLine(8, "next"),
        LogLine(5, ""), LogLine(5, "error:\nmore"), LogLine(6, "last"),
    ]  # fmt: skip
    assert splitter.finish(9) == []


def test_a_runtime_that_cannot_be_had_leaves_nothing_behind(tmp_path: Path) -> None:
    """Two at once without a network, and an interpreter that is not there: the error says what is needed."""
    environ = {
        "PATH": "",
        "UV_DEFAULT_INDEX": "http://127.0.0.1:9/simple",
        "UV_CACHE_DIR": str(tmp_path / "empty"),
        "HOME": "/",
        "UV_HTTP_RETRIES": "0",
    }
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    environ["PATH"] = str(Path(sys.executable).resolve().parent)

    async def run() -> list[object]:
        runtimes = Runtimes(tmp_path / "cache", environ)
        return await asyncio.gather(*(runtimes.get(f"python{version}") for _ in range(2)), return_exceptions=True)

    for result in asyncio.run(run()):
        assert isinstance(result, LocalError)
        assert "awslambdaric" in result.what
        assert "network" in result.hint
    assert [path.name for path in (tmp_path / "cache" / "runtimes").iterdir()] == [f"python{version}.lock"]
    with pytest.raises(LocalError, match=r"python3\.99"):
        install("python3.99", tmp_path, environ)


def test_two_services_install_a_runtime_once(tmp_path: Path) -> None:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    environ = {**os.environ, "PATH": str(Path(sys.executable).resolve().parent)}
    abandoned = tmp_path / "runtimes" / f"python{version}-2.killed"
    abandoned.mkdir(parents=True)

    async def run() -> list[InstalledRuntime]:
        return await asyncio.gather(*(Runtimes(tmp_path, environ).get(f"python{version}") for _ in range(2)))

    first, second = asyncio.run(run())
    assert first == second
    assert first.interpreter == Path(sys.executable).resolve()
    assert {"awslambdaric", "boto3", "bootstrap.py"} <= {path.name for path in first.folder.iterdir()}
    assert not abandoned.exists()
    assert all(path.stat().st_mode & 0o004 for path in first.folder.rglob("*"))

"""The Runtime API over a real socket, without a sandbox, and the states of a runtime."""

from __future__ import annotations

import asyncio
import base64
import json

import pytest

from lambent.local.engine.runtime_api import NextInvocation, RuntimeApi, next_invocation
from lambent.local.engine.runtime_events import EventKind, RuntimeEvent
from lambent.local.engine.runtime_states import TRANSITIONS, IllegalTransition, State, Step, next_state
from support.waiting import eventually_async

NEXT = "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


def post(path: str, body: bytes, *headers: str) -> bytes:
    lines = [f"POST /2018-06-01/runtime/{path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


class Runtime:
    """A client of the Runtime API with one connection, and the events that the API reports."""

    def __init__(self) -> None:
        self.events: list[RuntimeEvent] = []
        self.clients: list[tuple[str, int]] = []
        self.api = RuntimeApi(self.events.append, lambda client, server: client in self.clients)

    async def __aenter__(self) -> Runtime:
        await self.api.start()
        await self.connect()
        return self

    async def connect(self) -> None:
        self.reader, self.writer = await asyncio.open_connection(*self.api.address.split(":"))
        self.clients.append(self.writer.get_extra_info("sockname"))

    async def __aexit__(self, *_: object) -> None:
        self.writer.close()
        self.api.close()

    async def send(self, data: bytes | str) -> None:
        self.writer.write(data if isinstance(data, bytes) else data.encode())
        await self.writer.drain()

    async def read_response(self) -> tuple[int, dict[str, str], bytes]:
        head = (await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 5)).decode().split("\r\n")
        headers = dict(line.split(": ", 1) for line in head[1:] if line)
        return int(head[0].split()[1]), headers, await self.reader.readexactly(int(headers.get("Content-Length", 0)))

    async def request(self, data: bytes | str) -> tuple[int, dict[str, str], bytes]:
        await self.send(data)
        return await self.read_response()

    async def next(self, invocation: NextInvocation) -> tuple[int, dict[str, str], bytes]:
        await self.send(NEXT)
        await eventually_async(lambda: self.api.polling)
        self.api.send(invocation)
        return await self.read_response()


READY = RuntimeEvent(EventKind.READY)
EVENT = next_invocation("id-1", b'{"a":1}', {"Lambda-Runtime-Aws-Request-Id": "id-1", "Lambda-Runtime-Client-Context": ""})


def test_event_is_sent_and_its_response_accepted() -> None:
    async def run() -> None:
        async with Runtime() as runtime:
            status, headers, body = await runtime.next(EVENT)
            assert (status, body) == (200, b'{"a":1}')
            assert headers == {
                "Content-Type": "application/json",
                "Content-Length": "7",
                "Lambda-Runtime-Aws-Request-Id": "id-1",
            }
            assert await runtime.request(post("invocation/id-1/response", b"[1]")) == (
                202, {"Content-Type": "application/json", "Content-Length": "16"}, b'{"status":"OK"}\n',
            )  # fmt: skip
            assert runtime.events == [READY, RuntimeEvent(EventKind.RESPONSE, b"[1]")]

    asyncio.run(run())


def test_calls_out_of_order_are_refused_as_by_aws() -> None:
    async def run() -> None:
        async with Runtime() as runtime:
            status, _, body = await runtime.request(post("invocation/id-1/response", b""))
            assert (status, json.loads(body)) == (400, {"errorMessage": "Invalid request ID", "errorType": "InvalidRequestID"})
            await runtime.next(EVENT)
            status, _, body = await runtime.request(NEXT)
            assert (status, json.loads(body)) == (
                403,
                {
                    "errorMessage": "State transition from Running to Ready failed for runtime. "
                    "Error: State transition is not allowed",
                    "errorType": "InvalidStateTransition",
                },
            )
            assert (await runtime.request(post("invocation/other/response", b"")))[0] == 400
            assert (await runtime.request(post("init/error", b"{}")))[0] == 403
            assert (await runtime.request(post("invocation/id-1/response", b"1")))[0] == 202
            assert (await runtime.request(post("invocation/id-1/response", b"2")))[0] == 403
            assert (await runtime.request("GET /2018-06-01/runtime/other HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"))[0] == 404
            assert runtime.events == [READY, RuntimeEvent(EventKind.RESPONSE, b"1")]

    asyncio.run(run())


@pytest.mark.parametrize(("size", "status"), [(6_291_556, 202), (6_291_557, 413)])
def test_response_above_the_limit_is_refused(size: int, status: int) -> None:
    async def run() -> None:
        async with Runtime() as runtime:
            await runtime.next(EVENT)
            response_status, _, body = await runtime.request(post("invocation/id-1/response", b"x" * size))
            assert response_status == status
            if status == 413:
                assert json.loads(body) == {
                    "errorMessage": "Exceeded maximum allowed payload size (6291556 bytes).",
                    "errorType": "RequestEntityTooLarge",
                }
            assert runtime.events[1].kind is (EventKind.RESPONSE if status == 202 else EventKind.TOO_LARGE)

    asyncio.run(run())


def chunked(path: str, chunks: list[bytes], *headers: str, trailers: str = "") -> bytes:
    head = "\r\n".join(
        [f"POST /2018-06-01/runtime/{path} HTTP/1.1", "Host: 127.0.0.1", "Transfer-Encoding: chunked", *headers, "", ""]
    )
    return head.encode() + b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + f"0\r\n{trailers}\r\n".encode()


def test_streamed_response_to_a_buffered_invocation_is_collected() -> None:
    mode = "Lambda-Runtime-Function-Response-Mode: streaming"

    async def run() -> None:
        async with Runtime() as runtime:
            await runtime.next(EVENT)
            assert (await runtime.request(chunked("invocation/id-1/response", [b"ab", b"c"], mode)))[0] == 202
            await runtime.next(EVENT)
            error = base64.b64encode(b'{"errorType":"Late"}').decode()
            trailers = f"Lambda-Runtime-Function-Error-Type: Function.Late\r\nLambda-Runtime-Function-Error-Body: {error}\r\n"
            await runtime.request(chunked("invocation/id-1/response", [b"ab"], mode, trailers=trailers))
            assert runtime.events[1::2] == [
                RuntimeEvent(EventKind.RESPONSE, b"abc"),
                RuntimeEvent(EventKind.ERROR, b'{"errorType":"Late"}', "Function.Late"),
            ]

    asyncio.run(run())


def test_unknown_response_mode_is_refused() -> None:
    async def run() -> None:
        async with Runtime() as runtime:
            await runtime.next(EVENT)
            data = post("invocation/id-1/response", b"", "Lambda-Runtime-Function-Response-Mode: wild")
            status, _, body = await runtime.request(data)
            assert (status, json.loads(body)["errorType"]) == (400, "InvalidFunctionResponseMode")

    asyncio.run(run())


@pytest.mark.parametrize(
    ("header", "error_type"),
    [("Runtime.ImportModuleError", "Runtime.ImportModuleError"), ("nonsense", "Runtime.Unknown"), ("", "Runtime.Unknown")],
)
def test_init_error_is_reported_with_its_type(header: str, error_type: str) -> None:
    async def run() -> None:
        async with Runtime() as runtime:
            await runtime.request(post("init/error", b"{}", f"Lambda-Runtime-Function-Error-Type: {header}"))
            assert runtime.events == [RuntimeEvent(EventKind.INIT_ERROR, b"{}", error_type)]
            assert (await runtime.request(NEXT))[0] == 403

    asyncio.run(run())


def test_client_that_expects_100_continue_gets_it() -> None:
    async def run() -> None:
        async with Runtime() as runtime:
            await runtime.next(EVENT)
            await runtime.send(
                post("invocation/id-1/response", b"", "Expect: 100-continue").replace(b"Length: 0", b"Length: 2")
            )
            assert (await runtime.read_response())[0] == 100
            assert (await runtime.request(b"ok"))[0] == 202

    asyncio.run(run())


def test_every_state_but_init_error_has_transitions() -> None:
    assert {state for state, _ in TRANSITIONS} == set(State) - {State.INIT_ERROR}
    for state in State:
        for step in Step:
            if (state, step) not in TRANSITIONS:
                with pytest.raises(IllegalTransition, match=f"from {state.value} to {step.value}"):
                    next_state(state, step)


def test_second_next_is_refused_while_the_first_waits() -> None:
    """The event stays with the connection that asked first. After that was closed, another may ask."""

    async def run() -> None:
        async with Runtime() as runtime:
            await runtime.send(NEXT)
            await eventually_async(lambda: runtime.api.polling)
            first_reader, first_writer = runtime.reader, runtime.writer
            await runtime.connect()
            status, _, body = await runtime.request(NEXT)
            assert (status, json.loads(body)["errorType"]) == (403, "InvalidStateTransition")
            runtime.api.send(EVENT)
            assert (await first_reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
            first_writer.write(post("invocation/id-1/response", b"1") + NEXT.encode())
            await eventually_async(lambda: runtime.api.polling)
            first_writer.close()
            await eventually_async(lambda: not runtime.api.polling)
            await runtime.connect()
            assert (await runtime.next(EVENT))[0] == 200

    asyncio.run(run())


def test_client_that_is_not_the_environments_own_is_refused() -> None:
    async def run() -> None:
        async with Runtime() as runtime:
            runtime.clients.clear()
            status, _, body = await runtime.request(NEXT)
            assert (status, json.loads(body)["errorType"]) == (403, "Forbidden")
            assert await runtime.reader.read() == b""  # the connection was closed
            assert runtime.events == []

    asyncio.run(run())


@pytest.mark.parametrize("line", ["Host: evil.example", "Host: 127.0.0.1\r\nOrigin: http://127.0.0.1"])
def test_web_page_is_refused(line: str) -> None:
    async def run() -> None:
        async with Runtime() as runtime:
            status, _, body = await runtime.request(NEXT.replace("Host: 127.0.0.1", line))
            assert (status, json.loads(body)["errorType"]) == (403, "Forbidden")
            assert runtime.events == []

    asyncio.run(run())


def test_silent_connections_do_not_keep_the_runtime_out() -> None:
    async def run() -> None:
        async with Runtime() as runtime:
            await runtime.next(EVENT)
            others = [await asyncio.open_connection(*runtime.api.address.split(":")) for _ in range(50)]
            assert (await runtime.request(post("invocation/id-1/response", b"1")))[0] == 202
            await runtime.connect()
            assert (await runtime.next(EVENT))[0] == 200
            assert len(runtime.api._connections) <= 16
            for _, writer in others:
                writer.close()

    asyncio.run(run())

"""Apps that stream, and a place where they and a test wait for each other."""

from __future__ import annotations

import os
import select
from pathlib import Path

from support.runtime_api_stub import PATIENCE, Environment

ASGI = """
import asyncio, contextlib, contextvars, os

seen = contextvars.ContextVar("seen", default=0)

GATE = os.open(os.environ["GATE"], os.O_RDWR | os.O_NONBLOCK)
MESSAGES = os.environ["MESSAGES"]

async def gate():
    loop = asyncio.get_running_loop()
    passed = loop.create_future()
    def come():
        os.read(GATE, 1)
        loop.remove_reader(GATE)
        passed.set_result(None)
    loop.add_reader(GATE, come)
    await passed

def report(text):
    with open(MESSAGES, "w") as messages:
        messages.write(str(text))

def memory(name):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(name))

async def events(send, start, body):
    await start([(b"content-type", b"text/event-stream"), (b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")])
    for number in range(3):
        await body(b"data: %d\\n\\n" % number, True)
        await gate()
    await body(b"")

async def late(send, start, body):
    await start([])
    await body(b"half", True)
    raise KeyError("late on purpose")

async def early(send, start, body):
    await start([(b"x", b"y")])
    await gate()
    raise KeyError("early on purpose")

async def exits(send, start, body):
    await start([])
    await body(b"half", True)
    raise SystemExit(3)

async def steps(send, start, body):
    task = asyncio.current_task()
    seen.set(seen.get() + 1)
    await start([])
    async def numbers():
        for number in range(3):
            yield number
            await asyncio.sleep(0.001 * number)
    async for number in numbers():
        same = asyncio.current_task() is task and asyncio.get_running_loop() is task.get_loop()
        await body(b"%d %d %d;" % (number, same, seen.get()), True)
    await body(await asyncio.get_running_loop().run_in_executor(None, b"%d".__mod__, seen.get()))

async def short(send, start, body):
    await start([])
    await body(b"half", True)

async def after(send, start, body):
    await start([])
    await body(b"soon")
    await gate()
    report("worked")

async def large(send, start, body):
    await start([(b"x-idle", str(memory("VmRSS")).encode())])
    block = bytes(range(256)) * 4096
    for number in range(100):
        await body(block, True)
    await body(b"")
    report(memory("VmHWM"))

async def lump(send, start, body):
    block = b"x" * (100 * 1024 * 1024)
    await start([(b"x-idle", str(memory("VmRSS")).encode())])
    await body(memoryview(block))
    report(memory("VmHWM"))

async def full(send, start, body):
    await start([])
    sent = 0
    async def watch():
        await gate()
        report(sent)
    watcher = asyncio.create_task(watch())
    for number in range(100):
        await body(bytes(1024 * 1024), True)
        sent += 1
    await body(b"")
    await watcher

async def stuck(send, start, body):
    await start([])
    with contextlib.suppress(asyncio.TimeoutError):
        while True:
            await asyncio.wait_for(body(bytes(1024 * 1024), True), 0.2)
    report("gave up")
    await body(b"last")

async def endless(send, start, body):
    await start([])
    try:
        while True:
            await body(b"x", True)
            await asyncio.sleep(0)
    except OSError as error:
        report(type(error).__name__)
        raise

async def patient(send, start, body, receive):
    await start([])
    await body(b"x", True)
    report((await receive())["type"] + " " + (await receive())["type"])

async def bare(send, start, body):
    await start([(b"content-length", b"4"), (b"etag", b"e"), (b"connection", b"close")], status=int(query))
    await body(b"bo", True)
    await body(b"dy")

async def whole(send, start, body):
    await start([(b"content-length", b"999")])
    await body(b"body")

async def app(scope, receive, send):
    global query
    if scope["type"] != "http":
        raise ValueError("only http")
    query = scope["query_string"] or b"200"
    async def start(headers, status=200):
        await send({"type": "http.response.start", "status": status, "headers": headers})
    async def body(data, more=False):
        await send({"type": "http.response.body", "body": data, "more_body": more})
    name = scope["path"].rpartition("/")[2]
    await globals()[name](send, start, body, *[receive] * (name == "patient"))
"""

WSGI = """
import os

GATE = os.open(os.environ["GATE"], os.O_RDWR)
MESSAGES = os.environ["MESSAGES"]

def gate():
    os.read(GATE, 1)

def report(text):
    with open(MESSAGES, "w") as messages:
        messages.write(str(text))

def memory(name):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(name))

def events(environ, start):
    start("200 OK", [("Content-Type", "text/event-stream"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")])
    yield b""
    for number in range(3):
        yield b"data: %d\\n\\n" % number
        gate()

def late(environ, start):
    start("200 OK", [("Content-Type", "text/plain")])
    yield b"half"
    raise KeyError("late on purpose")

def early(environ, start):
    start("200 OK", [("Content-Type", "text/plain"), ("X", "y")])
    yield b""
    gate()
    raise KeyError("early on purpose")

class after:
    def __init__(self, environ, start):
        start("200 OK", [("Content-Type", "text/plain")])
    def __iter__(self):
        yield b"soon"
    def close(self):
        gate()
        report("worked")

def large(environ, start):
    start("200 OK", [("Content-Type", "text/plain"), ("X-Idle", str(memory("VmRSS")))])
    block = bytes(range(256)) * 4096
    for number in range(100):
        yield block
    report(memory("VmHWM"))

def endless(environ, start):
    start("200 OK", [("Content-Type", "text/plain")])
    try:
        while True:
            yield b"x"
    finally:
        report("closed")

def written(environ, start):
    write = start("200 OK", [("Content-Type", "text/plain")])
    for number in range(2):
        write(b"%d" % number)
        gate()
    return [b"end"]

def again(environ, start):
    import sys
    start("200 OK", [("Content-Type", "text/plain")])
    yield b"begun"
    try:
        raise KeyError("late on purpose")
    except KeyError:
        start("500 Oh", [("Content-Type", "text/plain")], sys.exc_info())

def file(environ, start):
    start("200 OK", [("Content-Type", "text/plain")])
    return environ["wsgi.file_wrapper"](open(__file__, "rb"), 10)

def app(environ, start):
    return globals()[environ["PATH_INFO"][1:]](environ, start)

if os.environ["CHECKS"] == "strict":  # wsgiref.validate holds both sides to the PEP
    import warnings
    from wsgiref.validate import validator
    warnings.simplefilter("error")
    app = validator(app)
"""


class GatedApp:
    """An app that waits at a gate: `open` lets it continue, `message` waits for what it reports."""

    def __init__(self, folder: Path, interpreter: Path, source: str, env: dict[str, str]) -> None:
        folder.mkdir()
        os.mkfifo(folder / "gate")
        os.mkfifo(folder / "messages")
        self._gate = os.open(folder / "gate", os.O_RDWR)
        self._messages = os.open(folder / "messages", os.O_RDWR)
        env = {"GATE": str(folder / "gate"), "MESSAGES": str(folder / "messages"), **env}
        self.env = Environment(folder, interpreter, "main.app", files={"main.py": source}, env=env)

    def open(self) -> None:
        os.write(self._gate, b"x")

    def message(self) -> str:
        """Return the next message of the app; wait for it."""
        ready, _, _ = select.select([self._messages], [], [], PATIENCE)
        assert ready, f"the app reported nothing:\n{self.env.log}"
        return os.read(self._messages, 4096).decode()

    def close(self) -> None:
        self.env.__exit__(None, None, None)
        os.close(self._gate)
        os.close(self._messages)

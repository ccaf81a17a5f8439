"""Runs of `lambent dev`: which functions they serve from changing code, what went wrong, and which pages wait for a change.

`lambent dev` sends each step as a POST to `/_lambent/dev/<step>`, with the secret of the service.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import threading
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from lambent.errors import LocalError
from lambent.local.dev_code import CodeFile, DevCode
from lambent.local.engine.engine import Development, Engine
from lambent.local.engine.failures import Failure
from lambent.local.engine.invocation import EngineFault, Function, Start, Throttled
from lambent.local.engine.log_sink import LogLine, LogSink
from lambent.local.front import dev_pages
from lambent.local.front.dev_pages import Problem
from lambent.local.host_check import host_label, is_navigation
from lambent.local.http import Request, Response, json_response
from lambent.local.store import NotFound, Store
from lambent.local.unpack import BadArchive, remove
from lambent.names import ALIAS
from lambent.tracebacks import relative_frames

PATH = "/_lambent/dev/"
_LINES = 2000  # enough for the longest traceback of an app that logs
_CONNECTION_S = 25.0  # then the page connects again: the service doesn't notice when one is closed
_FIRST_BUILD = Problem("The app is being built for the first time.")
_TRACEBACK = "Traceback (most recent call last)"
_ERROR = "[ERROR] "
_SHOWN = 50
_REQUEST = re.compile(r"^RequestId: \S* (?:Error: )?")  # in the message of an error that ended the process
_START = re.compile(r'INIT_START |\{.*"type": ?"platform\.initStart"')
_PLATFORM = re.compile(r'(?:INIT_REPORT|START|END|REPORT) |\{.*"type": ?"platform\.')


class Step(Struct, frozen=True):
    """What `lambent dev` did: "begin", "deployed", "changed", "failed" or "end". The other fields belong to some of these."""

    function: str
    region: str
    pid: int
    start: Start = "warm"
    files: tuple[CodeFile, ...] = ()
    removed: tuple[str, ...] = ()
    problem: Problem | None = None


class StepResult(Struct, frozen=True):
    """What came of it. `error_type` is that of the problem, in AWS's words; `notes` are for people, each once."""

    problem: Problem | None = None
    error_type: str = ""
    notes: tuple[str, ...] = ()


class DevSession:
    """One run. `state` changes with everything that a page should show."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.problem: Problem | None = None
        self.problem_version = ""
        self.function: Function | None = None
        self.development: Development | None = None
        self.code: DevCode | None = None
        self._number = 0
        self._began = time.time_ns()
        self._changed = asyncio.Event()
        self._lines: deque[str] = deque(maxlen=_LINES)
        self._lock = threading.Lock()
        self.unsubscribe: Callable[[], None] = lambda: None

    @property
    def state(self) -> str:
        return f"{self._began:x}-{self._number}"

    @property
    def is_running(self) -> bool:
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            pass
        return True

    def notify(self, problem: Problem | None, version: str) -> None:
        """Let pages reload. The problem is that of a version of the function: a newer one may be live before its end."""
        self.problem, self.problem_version = problem, version
        self._number += 1
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def changes(self, stopping: asyncio.Event) -> AsyncGenerator[bytes, None]:
        """Yield the state now and after each change, as server-sent events."""
        ends = asyncio.get_running_loop().time() + _CONNECTION_S
        yield b"retry: 300\n"
        while not stopping.is_set():
            yield f"data: {self.state}\n\n".encode()
            waits = [asyncio.ensure_future(event.wait()) for event in (self._changed, stopping)]
            left_s = ends - asyncio.get_running_loop().time()
            done, _ = await asyncio.wait(waits, timeout=max(left_s, 0), return_when=asyncio.FIRST_COMPLETED)
            for wait in waits:
                wait.cancel()
            if not done:
                return

    def take(self, region: str, group: str, stream: str, lines: Sequence[LogLine]) -> None:
        function = self.function
        if function is not None and (function.region, function.log_group) == (region, group):
            with self._lock:
                self._lines += [line.message for line in lines]

    def traceback(self, request_id: str) -> str:
        """Return the first traceback that an invocation has logged, up to the end of its log, or "" if it has logged none."""
        with self._lock:
            lines = list(self._lines)
        marks = [number for number, line in enumerate(lines) if request_id in line]
        return read_traceback(lines[marks[0] + 1 : marks[-1]]) if marks else ""

    def improve(self, response: Response, request: Request, request_id: str) -> Response:
        """Return a response as a browser gets it: with the script for reloads, or in place of a bare error the traceback."""
        if response.status >= 500 and is_navigation(request) and b"Traceback" not in response.body:
            text = relative_frames(self.traceback(request_id))
            if text:
                title = text.rstrip().rpartition("\n")[2]
                return dev_pages.error_response(Problem(title, text), request, self.state, response.status)
        return dev_pages.with_reload(response, request, self.state)

    def problem_of(self, failure: Failure) -> Problem:
        """Return what kept the app from starting, with its traceback, or else what it logged."""
        try:
            document = msgspec.json.decode(failure.payload)
            message = _REQUEST.sub("", document["errorMessage"])
            title, trace = f"{document['errorType']}: {message}", document.get("stackTrace") or []
        except (msgspec.DecodeError, KeyError, TypeError):
            title, trace = failure.error_type, []
        with self._lock:
            lines = list(self._lines)
        text = "".join(line if line.endswith("\n") else f"{line}\n" for line in trace) or read_start(lines)
        return Problem(title, relative_frames(text.rstrip()))


def read_traceback(log: Sequence[str]) -> str:
    """Return the first traceback in a log and what follows it. In AWS's form the error comes before its traceback. Pure."""
    lines = "\n".join(log).replace("\u00a0", " ").splitlines()
    first = next((number for number, line in enumerate(lines) if line.startswith(_TRACEBACK)), None)
    if first is None:
        return ""
    kept = [line for line in lines[first:] if line and not line.startswith(("lambent: status ", "END RequestId: "))]
    head = lines[first - 1] if first else ""
    if head.startswith(_ERROR):
        kept.append(head.removeprefix(_ERROR))
    return "\n".join(kept)


def read_start(log: Sequence[str]) -> str:
    """Return what an app has logged in its last start. Pure."""
    starts = [number for number, line in enumerate(log) if _START.match(line)]
    lines = [line.rstrip() for line in log[starts[-1] + 1 if starts else 0 :] if not _PLATFORM.match(line)]
    return "\n".join(lines[-_SHOWN:])


class DevSessions:
    """The sessions by region and function. `stopping` is set when the service ends."""

    def __init__(self, state: Path, store: Store, engine: Engine, logs: LogSink, stopping: asyncio.Event) -> None:
        self._folder = state / "dev"
        self._store, self._engine, self._logs, self._stopping = store, engine, logs, stopping
        self._sessions: dict[tuple[str, str], DevSession] = {}
        with contextlib.suppress(OSError):
            remove(self._folder)  # left by a service that was killed

    def find(self, region: str, function: str) -> DevSession | None:
        session = self._sessions.get((region, host_label(function)))
        return session if session is not None and session.is_running else None

    def own_response(self, session: DevSession, request: Request, version: str) -> Response | None:
        """Return the response to a request that the app doesn't get: for the script, or while there is a problem.

        `version` is the one that would answer, or "" if there is none yet.
        """
        if request.path == dev_pages.SCRIPT_PATH:
            return dev_pages.script_response()
        if request.path == dev_pages.EVENTS_PATH:
            return dev_pages.events_response(session.changes(self._stopping))
        if session.problem is not None and session.problem_version == version:
            return dev_pages.error_response(session.problem, request, session.state)
        return None if version else dev_pages.error_response(_FIRST_BUILD, request, session.state, 503)

    async def answer(self, request: Request) -> Response:
        """Take a step of `lambent dev`."""
        try:
            step = msgspec.json.decode(request.body, type=Step)
            result = await self._take(request.path.removeprefix(PATH), step)
        except (msgspec.DecodeError, NotFound, BadArchive) as error:
            return json_response(400, {"message": str(error)})
        except (LocalError, OSError, Throttled, EngineFault) as error:
            return json_response(409, {"message": getattr(error, "what", "") or str(error) or "too many environments"})
        return Response(200, (("content-type", "application/json"),), msgspec.json.encode(result))

    async def _take(self, name: str, step: Step) -> StepResult:
        key = (step.region, host_label(step.function))
        if name == "begin":
            await self._begin(key, step.pid)
            return StepResult()
        session = self._sessions.get(key)
        if session is None or session.pid != step.pid:
            raise LocalError(f"another `lambent dev` of {step.function} has taken over")
        if name == "end":
            await self._end(key)
            return StepResult()
        if name == "failed":
            session.notify(step.problem, self._live_version(step))
            return StepResult()
        if name == "deployed":
            await self._deploy(session, step)
        if session.code is None:
            raise LocalError(f"{step.function} isn't deployed yet")
        session.code.apply(step.files, step.removed)
        return await self._refresh(session, settle=name == "deployed")

    async def _begin(self, key: tuple[str, str], pid: int) -> None:
        other = self._sessions.get(key)
        if other is not None and other.is_running:
            raise LocalError(f"`lambent dev` of {key[1]} is already running (pid {other.pid})")
        await self._end(key)
        session = self._sessions[key] = DevSession(pid)
        session.unsubscribe = self._logs.subscribe(session.take)

    async def _deploy(self, session: DevSession, step: Step) -> None:
        """Serve the live version from a copy of its code."""
        await self._withdraw(session)
        function = self._store.route(step.region, step.function, ALIAS)
        session.code = await asyncio.to_thread(DevCode, function.code, self._folder)
        session.function, session.development = function, Development(session.code.folder, step.start)
        await self._engine.develop(function, session.development)

    def _live_version(self, step: Step) -> str:
        try:
            return self._store.route(step.region, step.function, ALIAS).version
        except NotFound:
            return ""

    async def _refresh(self, session: DevSession, *, settle: bool) -> StepResult:
        assert session.function is not None and session.development is not None
        failure = await self._engine.refresh(session.function, settle=settle)
        problem = session.problem_of(failure) if failure is not None else None
        session.notify(problem, session.function.version)
        notes, session.development.imports.notes = session.development.imports.notes, []
        return StepResult(problem, failure.error_type if failure is not None else "", tuple(notes))

    async def _end(self, key: tuple[str, str]) -> None:
        session = self._sessions.pop(key, None)
        if session is not None:
            session.notify(None, "")
            session.unsubscribe()
            await self._withdraw(session)

    async def _withdraw(self, session: DevSession) -> None:
        """Serve the function's version as it was deployed again."""
        if session.function is not None:
            await self._engine.develop(session.function, None)
        if session.code is not None:
            await asyncio.to_thread(session.code.close)
        session.function = session.development = session.code = None

    async def close(self) -> None:
        for key in list(self._sessions):
            await self._end(key)

"""What the console's page asks for: functions, invocations, a replay, sizes and imports, as JSON."""

from __future__ import annotations

import asyncio
import re
import zipfile
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import uuid4

from msgspec import DecodeError, Struct, json

from lambent.limits import PAYLOAD_MAX
from lambent.local.aws_services import AwsServices
from lambent.local.console.code_sizes import read_sizes
from lambent.local.console.import_tree import parse_import_times
from lambent.local.console.invocation_log import invocation_events, shown_log
from lambent.local.console.invocation_store import EVENT_MAX, InvocationStore, StoredInvocation
from lambent.local.console.live_updates import LiveUpdates
from lambent.local.console.overview import describe_function
from lambent.local.console.summary import Summary, qualifier, summarize
from lambent.local.engine.engine import Engine
from lambent.local.engine.invocation import EngineFault, Function, Invocation, Throttled
from lambent.local.engine.log_sink import now_ms
from lambent.local.engine.recorder import Execution, Recorder
from lambent.local.http import Request, Response
from lambent.local.log_store import StreamKey
from lambent.local.store import NotFound, Store, sha_hex

_LOG_MARGIN_MS = 50
"""Clocks of log lines and records differ by less."""

_VERSION = r"([a-z0-9-]+)/([\w-]+)/(\$LATEST|\d+)"


class Refused(Exception):
    """A request of the page can't be answered. The message is a sentence for people."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class ReplayRequest(Struct, forbid_unknown_fields=True):
    """The version or alias to call ("": $LATEST), and the event if it was edited."""

    qualifier: str
    event: str | None = None


class ConsoleParts(Struct, frozen=True):
    """The parts of the service that the console shows. `describe` returns its status."""

    store: Store
    engine: Engine
    aws_services: AwsServices
    recorder: Recorder
    invocations: InvocationStore
    port: int
    describe: Callable[[], Mapping[str, Any]]
    stopping: asyncio.Event


class ConsoleApi:
    """Answers the requests of a page that may use the console. Raises Refused."""

    def __init__(self, parts: ConsoleParts) -> None:
        self._parts = parts
        self._updates = LiveUpdates(parts.recorder, lambda: parts.store.revision, parts.stopping)
        self._tasks: set[asyncio.Task[None]] = set()
        routes: tuple[tuple[str, str, Callable[..., Awaitable[Response]]], ...] = (
            ("GET", r"functions", self._functions),
            ("GET", r"invocations", self._invocations),
            ("GET", r"invocations/(\d{1,18})", self._invocation),
            ("GET", r"stream", self._stream),
            ("GET", rf"sizes/{_VERSION}", self._sizes),
            ("POST", rf"imports/{_VERSION}", self._imports),
            ("POST", r"invocations/(\d{1,18})/replay", self._replay),
        )
        self._routes = tuple((method, re.compile(pattern), answer) for method, pattern, answer in routes)

    async def answer(self, request: Request, path: str) -> Response:
        """Return the response to a request to `path` below the API."""
        for method, pattern, answer in self._routes:
            match = pattern.fullmatch(path)
            if match is not None and method == request.method:
                return await answer(request, *match.groups())
        raise Refused(404, f"the console has no {request.method} {path}")

    async def _functions(self, request: Request) -> Response:
        environments: Any = self._parts.engine.describe()["environments"]
        records = sorted(self._parts.store.all_records(), key=lambda record: (record.name, record.region))
        functions = [describe_function(record, self._parts.port, environments) for record in records]
        return as_json({"service": self._parts.describe(), "functions": functions})

    async def _invocations(self, request: Request) -> Response:
        running = [json.encode(summarize(execution)) for execution in reversed(self._parts.recorder.running())]
        stored = await asyncio.to_thread(self._stored)
        return Response(200, (("content-type", "application/json"),), b"[" + b",".join([*running, *stored]) + b"]")

    def _stored(self) -> list[bytes]:
        self._parts.recorder.flush()
        return self._parts.invocations.summaries()

    async def _stream(self, request: Request) -> Response:
        return Response(200, (("content-type", "text/event-stream"),), b"", self._updates.messages(), endless=True)

    async def _invocation(self, request: Request, number: str) -> Response:
        running = next((each for each in self._parts.recorder.running() if each.id == int(number)), None)
        if running is not None:
            stream = self._parts.engine.flush_log(running.id)
            return as_json(await asyncio.to_thread(self._describe_running, running, stream))
        stored = await asyncio.to_thread(self._read, int(number))
        return as_json(await asyncio.to_thread(self._describe, stored))

    def _read(self, number: int) -> StoredInvocation:
        self._parts.recorder.flush()
        stored = self._parts.invocations.read(number)
        if stored is None:
            raise Refused(404, "this invocation is no longer stored: only the newest are kept")
        return stored

    def _describe_running(self, execution: Execution, stream: str) -> dict[str, Any]:
        event, summary = execution.invocation.payload, summarize(execution)
        log = StreamKey(summary.region, execution.function.log_group, stream)
        return {
            "summary": summary,
            "event": event[:EVENT_MAX].decode("utf-8", "replace"),
            "event_bytes": len(event),
            "replayable": False,
            "response": "",
            "response_bytes": 0,
            "log_stream": stream,
            "log": self._log(log, summary, now_ms()),
        }

    def _describe(self, stored: StoredInvocation) -> dict[str, Any]:
        summary, details = stored.summary, stored.details
        return {
            "summary": summary,
            "event": stored.event.decode("utf-8", "replace"),
            "event_bytes": details.event_bytes,
            "replayable": details.event_bytes == len(stored.event),
            "response": stored.response.decode("utf-8", "replace"),
            "response_bytes": details.response_bytes,
            "log_stream": details.log.stream,
            "log": self._log(details.log, summary, summary.ended_ms),
        }

    def _log(self, key: StreamKey, summary: Summary, end_ms: int) -> dict[str, Any]:
        start_ms, end_ms = summary.started_ms - _LOG_MARGIN_MS, end_ms + _LOG_MARGIN_MS
        events = self._parts.aws_services.log_events(key, start_ms, end_ms) if key.stream else []
        return shown_log(invocation_events(events, summary.request_id))

    async def _replay(self, request: Request, number: str) -> Response:
        try:
            replay = json.decode(request.body, type=ReplayRequest)
        except DecodeError as error:
            raise Refused(400, f"this isn't a request to send an event again: {error}") from None
        stored = await asyncio.to_thread(self._read, int(number))
        event = stored.event if replay.event is None else replay.event.encode("utf-8", "replace")
        if replay.event is None and stored.details.event_bytes > EVENT_MAX:
            raise Refused(409, "this event was too large to be kept, so it can't be sent again")
        _check_event(event)
        summary, details = stored.summary, stored.details
        function = self._route(summary.region, summary.function, replay.qualifier)
        arn = details.invoked_arn.removesuffix(f":{qualifier(details.invoked_arn)}")
        arn += f":{replay.qualifier}" if replay.qualifier else ""
        request_id, trace_id = str(uuid4()), f"Root=1-{summary.started_ms // 1000:08x}-{uuid4().hex[:24]};Sampled=0"
        invocation = Invocation(request_id, event, arn, trace_id, details.client_context, summary.id)
        task = asyncio.ensure_future(self._invoke(function, invocation))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return as_json({"request_id": request_id}, 202)

    async def _invoke(self, function: Function, invocation: Invocation) -> None:
        try:
            await self._parts.engine.invoke(function, invocation)
        except (Throttled, EngineFault):
            return  # the timeline says so

    def _route(self, region: str, name: str, version: str) -> Function:
        try:
            return self._parts.store.route(region, name, version)
        except NotFound:
            raise Refused(404, f"{name} has no version or alias {version}".removesuffix(" ")) from None

    async def _sizes(self, request: Request, region: str, name: str, version: str) -> Response:
        record = self._parts.store.get(region, name)
        try:
            configuration = record.configuration(version) if record is not None else None
        except NotFound:
            configuration = None
        archive = self._parts.store.code.zip(sha_hex(configuration)) if configuration is not None else None
        if archive is None:
            raise Refused(404, f"{name} has no version {version} any more")
        try:
            return as_json(await asyncio.to_thread(read_sizes, archive))
        except (OSError, zipfile.BadZipFile, RecursionError) as error:
            raise Refused(500, f"the zip can't be read: {error}") from None

    async def _imports(self, request: Request, region: str, name: str, version: str) -> Response:
        try:
            succeeded, lines = await self._parts.engine.profile_imports(self._route(region, name, version))
        except EngineFault as fault:
            raise Refused(409, str(fault)) from None
        return as_json({"succeeded": succeeded, "imports": await asyncio.to_thread(parse_import_times, lines)})


def _check_event(event: bytes) -> None:
    if len(event) > PAYLOAD_MAX:
        raise Refused(413, "an event has 6 MB at most")
    try:
        json.decode(event)
    except (DecodeError, RecursionError) as error:
        raise Refused(400, f"the event isn't JSON: {error}") from None


def as_json(content: object, status: int = 200) -> Response:
    return Response(status, (("content-type", "application/json"),), json.encode(content))

"""What the engine is asked and what it answers. `control/` and `front/` know nothing else of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from msgspec import Struct


class Function(Struct, frozen=True):
    """One function version as the engine needs it. Hashable: any change of value means new environments.

    `code` is the folder with the unpacked zip, `opt` that of its layers. `arn` is the function's, without a qualifier.
    """

    arn: str
    name: str
    version: str
    region: str
    account: str
    role: str
    runtime: str
    handler: str
    memory_mb: int
    timeout_s: int
    tmp_mb: int
    environment: tuple[tuple[str, str], ...]
    code: Path
    code_sha256: str
    log_group: str
    log_format: str = "Text"
    opt: Path | None = None


class Invocation(Struct, frozen=True):
    """One event. `invoked_arn` is the ARN as the caller gave it; `client_context` is the decoded JSON text, or ""."""

    request_id: str
    payload: bytes
    invoked_arn: str
    trace_id: str
    client_context: str = ""


class Outcome(Struct, frozen=True):
    """What came of it. `function_error` is "Unhandled" or "" (AWS no longer says "Handled").

    `log_tail` is the text of this invocation's log, START to REPORT, its last 4 KB.
    """

    payload: bytes
    function_error: str
    log_tail: str


class Stream(Protocol):
    """An answer under way. The function runs on to its end whether anybody reads or not."""

    @property
    def content_type(self) -> str | None:
        """What the runtime called the bytes that it streams. None: it did not stream, and all there is is in the outcome."""
        ...

    async def read(self) -> bytes:
        """What has come since the last read, at least one byte; b"" at the end. Who does not read slows the function down."""
        ...

    async def outcome(self) -> Outcome:
        """Waits for the end. The payload is empty if the answer was streamed and all went well."""
        ...

    def abandon(self) -> None:
        """Nobody will read any more: what is still to come is thrown away."""
        ...

    def when_ended(self, call: Callable[[], None]) -> None: ...


class Provisioned(Struct, frozen=True):
    """How many provisioned environments are ready, and AWS's word for it: READY, IN_PROGRESS, or FAILED for a reason."""

    ready: int
    status: str
    reason: str = ""


class Throttled(Exception):
    """No environment could be had (concurrency is used up)."""


class EngineFault(Exception):
    """The environment could not be made at all, for example because the interpreter is missing. Holds a sentence for people."""


class LogLine(Struct, frozen=True):
    """One log event: milliseconds since the epoch, and the text without its newline."""

    timestamp_ms: int
    message: str


class LogSink(Protocol):
    """Where log lines go: CloudWatch Logs, answered by moto."""

    def write(self, region: str, group: str, stream: str, lines: Sequence[LogLine]) -> None: ...


class Engine(Protocol):
    async def invoke(self, function: Function, invocation: Invocation) -> Outcome:
        """Runs one event to its end. Raises Throttled or EngineFault; a function's own failure is an Outcome."""
        ...

    async def stream(self, function: Function, invocation: Invocation) -> Stream:
        """Runs one event; returns when the function begins to stream, or at its end if it never does. Raises as `invoke`."""
        ...

    async def retire(self, arn: str, version: str | None = None) -> None:
        """Ends the idle environments of this function (None: of all its versions); busy ones finish their event first."""
        ...

    def provision(self, function: Function, count: int) -> None:
        """From now on keeps this many environments of it, their init ended; 0 ends them. Returns at once."""
        ...

    def provisioned(self, function: Function) -> Provisioned: ...

    async def stop(self) -> None: ...

    def describe(self) -> dict[str, object]:
        """For `lambent local status`: sandbox kind, environments by function version."""
        ...

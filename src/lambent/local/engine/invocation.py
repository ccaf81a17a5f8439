"""What the engine runs and what it returns: a function version, an event for it, and the outcome."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from msgspec import Struct

Start = Literal["cold", "warm"]
"""How the process of an environment starts: as on AWS, or by a fork of one that has imported the packages (`lambent dev`)."""


class Function(Struct, frozen=True):
    """One version of a function. Hashable: environments are shared only by functions that are equal.

    `code` is the folder with the unpacked zip, `opt` that of its layers. `arn` has no qualifier.
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
    start: Start = "cold"


class Invocation(Struct, frozen=True):
    """One event. `invoked_arn` is the ARN as the caller gave it. `client_context` is the decoded JSON text, or "".

    `replay_of` is the number that the recorder gave to the invocation whose event is sent again, or 0.
    """

    request_id: str
    payload: bytes
    invoked_arn: str
    trace_id: str
    client_context: str = ""
    replay_of: int = 0


class Report(Struct, frozen=True):
    """The numbers of one invocation, in milliseconds and MB. `init_ms` is set on a cold start, `status` after a failure."""

    request_id: str
    duration_ms: float
    memory_mb: int
    used_mb: int
    init_ms: float | None = None
    status: str = ""
    error_type: str = ""


class Outcome(Struct, frozen=True):
    """The result of an invocation. `function_error` is "Unhandled" or "": AWS no longer answers "Handled".

    `log_tail` is the last 4 KB of the invocation's log, from START to REPORT. The whole log is in the stream `log_stream`.
    """

    payload: bytes
    function_error: str
    log_tail: str
    report: Report | None = None
    log_stream: str = ""


class ProvisionedStatus(Struct, frozen=True):
    """How many provisioned environments are ready. `status` is READY, IN_PROGRESS or FAILED; `reason` explains FAILED."""

    ready: int
    status: str
    reason: str = ""


class Throttled(Exception):
    """The function's reserved concurrency is used up, or this machine can't run more environments."""


class EngineFault(Exception):
    """No environment could be created, for example because the interpreter is missing. The message is a full sentence."""

"""What a runtime process does, as the Runtime API and the sandbox report it."""

from __future__ import annotations

from enum import Enum, auto

from msgspec import Struct

from lambent.local.sandbox.sandbox import ProcessExit


class EventKind(Enum):
    READY = auto()
    RESPONSE = auto()
    TOO_LARGE = auto()
    ERROR = auto()
    INIT_ERROR = auto()
    TRUNCATED = auto()  # the runtime closed the connection in the middle of a streamed response
    EXITED = auto()
    TIMEOUT = auto()
    PARENT = auto()  # the parent of warm starts (runtime/warm_start.py) waits for a command; `payload` is its report
    MODULES = auto()  # the modules that the app's start imported, one a line


class RuntimeEvent(Struct, frozen=True):
    """Something that a runtime process did. `payload` and `error_type` are what it sent.

    `limit` (bytes) belongs to TOO_LARGE, `exit` to EXITED.
    """

    kind: EventKind
    payload: bytes = b""
    error_type: str = ""
    limit: int = 0
    exit: ProcessExit | None = None

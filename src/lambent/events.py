"""What happened, as frozen values. The library emits these; `ui/` shows them. Seconds are wall time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Event:
    """The base of everything that is emitted."""


@dataclass(frozen=True)
class Notice(Event):
    """A line a person should read, such as "started the local Lambda"."""

    text: str


@dataclass(frozen=True)
class Warned(Event):
    text: str
    hint: str = ""


@dataclass(frozen=True)
class Detected(Event):
    """The app was found. `kind` is "handler", "asgi", "wsgi" or "web"; `source` says how it was found."""

    app: str
    kind: str
    source: str


@dataclass(frozen=True)
class Resolved(Event):
    """Dependencies are there. `cached` is true when nothing had to be resolved or fetched."""

    packages: int
    source: str
    cached: bool
    seconds: float


@dataclass(frozen=True)
class Built(Event):
    """The zip is there. Sizes in bytes."""

    path: str
    zipped: int
    raw: int
    files: int
    seconds: float


@dataclass(frozen=True)
class PlannedLine:
    """One line of a plan. `verb` is "create", "update", "keep" or "check"; `detail` says what and why."""

    verb: str
    what: str
    detail: str = ""


@dataclass(frozen=True)
class Planned(Event):
    """The plan, ready to be applied. `changes` is 0 when there is nothing to do."""

    target: str
    lines: tuple[PlannedLine, ...]
    changes: int


@dataclass(frozen=True)
class StepStarted(Event):
    step: str


@dataclass(frozen=True)
class StepDone(Event):
    step: str
    seconds: float
    detail: str = ""


@dataclass(frozen=True)
class Answered(Event):
    """The URL was asked and answered."""

    url: str
    status: int
    seconds: float


@dataclass(frozen=True)
class Deployed(Event):
    """The end of a deploy. `changed` is false when everything was as it should be already."""

    url: str
    version: str
    changed: bool
    seconds: float
    public: bool = True


@dataclass(frozen=True)
class LocalStarted(Event):
    url: str
    pid: int
    sandbox: str


Emit = Callable[[Event], None]


def ignore(event: Event) -> None:
    """An `Emit` for callers who do not listen."""

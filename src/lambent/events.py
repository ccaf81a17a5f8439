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
class Fetching(Event):
    """Downloads are under way, `files` of `of` are there. In bytes; `total` grows as sizes become known."""

    files: int
    of: int
    done: int
    total: int
    names: tuple[str, ...]


@dataclass(frozen=True)
class Fetched(Event):
    """All downloads are there."""

    files: int
    size: int
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
class Phase(Event):
    """A part of a build is done: "resolve", "fetch", "shards", "splice", "proof"."""

    name: str
    seconds: float


@dataclass(frozen=True)
class Share:
    """What one package has in a zip, or the user's own files, or lambent's runtime. Sizes in bytes, `packed` is zipped.

    `bytecode` and `bytecode_packed` are the part of `raw` and `packed` that .pyc files take.
    """

    name: str
    files: int
    raw: int
    packed: int
    bytecode: int
    bytecode_packed: int


@dataclass(frozen=True)
class Sized(Event):
    """What takes the room in a zip, the largest first."""

    shares: tuple[Share, ...]


@dataclass(frozen=True)
class ListedFile:
    """One file of a zip, and whose it is. Sizes in bytes."""

    name: str
    package: str
    raw: int
    packed: int


@dataclass(frozen=True)
class Listed(Event):
    """Every file of a zip, in its order."""

    files: tuple[ListedFile, ...]


@dataclass(frozen=True)
class Tried(Event):
    """The app of the zip started in the local Lambda's sandbox ("namespaces" or "process"). Memory in MB."""

    seconds: float
    memory_mb: int
    sandbox: str


@dataclass(frozen=True)
class Locked(Event):
    """The packages of a build were written to a lock file."""

    path: str
    packages: int


@dataclass(frozen=True)
class Packed(Event):
    """The end of `lambent build`: the zip, and what Lambda must be told for it to run. Sizes in bytes.

    `kind` is "function" or "layer"; a layer has no handler. `name` is the app's.
    """

    name: str
    kind: str
    path: str
    sha256: str
    zipped: int
    raw: int
    files: int
    runtime: str
    architecture: str
    handler: str
    environment: tuple[tuple[str, str], ...]
    phases: tuple[Phase, ...]


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
class Destroyed(Event):
    """The app is gone from `target`."""

    app: str
    target: str
    seconds: float


@dataclass(frozen=True)
class LocalStarted(Event):
    url: str
    pid: int
    sandbox: str


Emit = Callable[[Event], None]


def ignore(event: Event) -> None:
    """An `Emit` for callers who do not listen."""

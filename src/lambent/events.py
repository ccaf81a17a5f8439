"""What happened, as frozen values. The library emits events; `ui/` shows them. Seconds are wall time, sizes are in bytes.

`lambent ... --json` writes each event as one line: its class name as "event", and its fields.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct


class Event(Struct, frozen=True):
    """The base of everything that is emitted."""


class Notice(Event, frozen=True):
    """A line for the user to read."""

    text: str


class FileWritten(Event, frozen=True):
    """A file that the command wrote, or changed, besides its result. `content` is what it got."""

    content: str
    path: str


class Warned(Event, frozen=True):
    """A problem that does not stop the command, and what to try."""

    text: str
    hint: str = ""


class Question(Event, frozen=True):
    """What the user is about to be asked for, at a terminal."""

    text: str


class Detected(Event, frozen=True):
    """The app was found. `kind` is "handler", "asgi", "wsgi" or "web"; `source` says where it was found."""

    app: str
    kind: str
    source: str


class RuntimeChosen(Event, frozen=True):
    """The runtime that the app will have, and why."""

    runtime: str
    reason: str


class Resolved(Event, frozen=True):
    """The dependencies are ready. `cached` means that nothing had to be resolved or downloaded."""

    packages: int
    source: str
    cached: bool
    seconds: float


class Fetching(Event, frozen=True):
    """Download progress: `files` of `of` files are complete. `total` grows as sizes become known."""

    files: int
    of: int
    done: int
    total: int
    names: tuple[str, ...]


class Fetched(Event, frozen=True):
    """All downloads are complete."""

    files: int
    size: int
    seconds: float


class Built(Event, frozen=True):
    """The zip is complete. `raw` is its unzipped size."""

    path: str
    zipped: int
    raw: int
    files: int
    seconds: float


class Overflowed(Event, frozen=True):
    """Some packages do not fit into the zip and are in a second archive.

    Each new environment downloads it to /tmp, where it needs `tmp_mb`.
    """

    path: str
    packages: tuple[str, ...]
    zipped: int
    raw: int
    files: int
    tmp_mb: int


class Phase(Event, frozen=True):
    """A stage of a build has ended."""

    name: str
    seconds: float


class PackageSize(Struct, frozen=True):
    """The space that one package, the user's own files or lambent's runtime take in a zip.

    `raw` is unzipped and `packed` zipped; `bytecode` and `bytecode_packed` are the part of each that .pyc files take.
    """

    name: str
    files: int
    raw: int
    packed: int
    bytecode: int
    bytecode_packed: int


class SizesListed(Event, frozen=True):
    """The size breakdown of a zip, largest first."""

    sizes: tuple[PackageSize, ...]


class FileSize(Struct, frozen=True):
    """One file of a zip and the package it belongs to."""

    name: str
    package: str
    raw: int
    packed: int


class FilesListed(Event, frozen=True):
    """Every file of a zip, in its order."""

    files: tuple[FileSize, ...]


class SmokeTested(Event, frozen=True):
    """The app started from its zip in a sandbox of this machine ("namespaces" or "process")."""

    seconds: float
    memory_mb: int
    sandbox: str


class Locked(Event, frozen=True):
    """The packages of a build were written to a lock file."""

    path: str
    packages: int


class Packed(Event, frozen=True):
    """The result of `lambent build`: the zip and the settings that Lambda needs to run it.

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


class PlannedLine(Struct, frozen=True):
    """One line of a plan.

    `verb` is "create", "update", "delete", "keep" or "check", or "drift" for a change that somebody made by hand. `detail` says
    what and why. `routine` marks what any deploy of this kind does, which a summary leaves out.
    """

    verb: str
    what: str
    detail: str = ""
    routine: bool = False


class Cost(Struct, frozen=True):
    """The estimated price in US dollars of a million requests of `duration_ms` each.

    `free_requests` is how many of them are free each month; `excludes` names what costs extra.
    """

    usd_per_million: float
    free_requests: int
    duration_ms: int
    memory_mb: int
    architecture: str
    excludes: tuple[str, ...] = ()


class Setting(Struct, frozen=True):
    """One effective setting, its value as text, and its origin ("default", "--memory", a line of a file)."""

    name: str
    value: str
    origin: str


class Planned(Event, frozen=True):
    """The plan, before it is applied. `changes` is 0 when there is nothing to do.

    `access` says who can call the URL afterwards: "public", "signed" (users of the account), "local" (this machine), or "" for
    no URL. `opens` is true if this plan makes the URL public. `settings` is filled by `lambent plan`.
    """

    location: str
    lines: tuple[PlannedLine, ...]
    changes: int
    access: str = ""
    opens: bool = False
    zipped: int = 0
    raw: int = 0
    cost: Cost | None = None
    settings: tuple[Setting, ...] = ()


class Configured(Event, frozen=True):
    """The settings of an app, each with its origin. Values that may be secret are left out unless requested."""

    app: str
    stage: str
    settings: tuple[Setting, ...]


class Opened(Event, frozen=True):
    """The URL of an app. `opened` says whether a browser was found to show it."""

    url: str
    opened: bool


class StepStarted(Event, frozen=True):
    """A step of a plan is about to run."""

    step: str


class StepDone(Event, frozen=True):
    """A step of a plan has succeeded."""

    step: str
    seconds: float
    detail: str = ""


class CanaryProgress(Event, frozen=True):
    """How a new version is doing with its share (0 to 1) of the traffic."""

    version: str
    share: float
    left_s: float
    requests: int
    errors: int


class Answered(Event, frozen=True):
    """The URL answered a request."""

    url: str
    status: int
    seconds: float


class Deployed(Event, frozen=True):
    """The end of a deploy. `changed` is false if there was nothing to change. `url` is "" for a function without one."""

    url: str
    version: str
    changed: bool
    seconds: float
    public: bool = True


class Watching(Event, frozen=True):
    """`lambent dev` serves the app and waits for changes."""

    url: str


class Reloaded(Event, frozen=True):
    """A change is in effect. `built`: the zip was built again; otherwise only these files were replaced."""

    files: str
    seconds: float
    built: bool = False


class Destroyed(Event, frozen=True):
    """The app was deleted from `location`."""

    app: str
    location: str
    seconds: float


class CompletionChanged(Event, frozen=True):
    """A shell's completion was installed or removed. `files` were written, changed or deleted for that."""

    shell: str
    installed: bool
    files: tuple[str, ...]
    script: str


class LocalStarted(Event, frozen=True):
    """The local Lambda was started. `state` is its folder, "" for the one that every command uses by default."""

    url: str
    pid: int
    sandbox: str
    state: str = ""


class LocalRunning(Event, frozen=True):
    """The local Lambda is running. `started`: this command has started it. `network` is "own" or how functions share one.

    `state` is as in `LocalStarted`.
    """

    url: str
    pid: int
    sandbox: str
    network: str
    as_of: str
    started: bool
    state: str = ""


class LocalStopped(Event, frozen=True):
    """The local Lambda doesn't run any more. `pid` is None if it wasn't running."""

    pid: int | None


class CachePruned(Event, frozen=True):
    """Files were removed from the build cache. Sizes are in bytes."""

    removed: int
    freed: int
    remaining: int


class Vendored(Event, frozen=True):
    """The runtime was copied into the folder `path`."""

    path: str
    files: int


Emit = Callable[[Event], None]


def ignore(event: Event) -> None:
    """Discard an event: an `Emit` for callers that do not listen."""


def without_repeats(emit: Emit) -> Emit:
    """Return an `Emit` that passes each notice and warning on once: builds that follow each other have the same ones."""
    passed: set[Event] = set()

    def emit_new(event: Event) -> None:
        if isinstance(event, Notice | Warned):
            if event in passed:
                return
            passed.add(event)
        emit(event)

    return emit_new

"""What happened, as frozen values. The library emits these; `ui/` shows them. Seconds are wall time."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct


class Event(Struct, frozen=True):
    """The base of everything that is emitted."""


class Notice(Event, frozen=True):
    """A line a person should read, such as "started the local Lambda"."""

    text: str


class Warned(Event, frozen=True):
    text: str
    hint: str = ""


class Detected(Event, frozen=True):
    """The app was found. `kind` is "handler", "asgi", "wsgi" or "web"; `source` says how it was found."""

    app: str
    kind: str
    source: str


class Resolved(Event, frozen=True):
    """Dependencies are there. `cached` is true when nothing had to be resolved or fetched."""

    packages: int
    source: str
    cached: bool
    seconds: float


class Fetching(Event, frozen=True):
    """Downloads are under way, `files` of `of` are there. In bytes; `total` grows as sizes become known."""

    files: int
    of: int
    done: int
    total: int
    names: tuple[str, ...]


class Fetched(Event, frozen=True):
    """All downloads are there."""

    files: int
    size: int
    seconds: float


class Built(Event, frozen=True):
    """The zip is there. Sizes in bytes."""

    path: str
    zipped: int
    raw: int
    files: int
    seconds: float


class Overflowed(Event, frozen=True):
    """The packages that do not fit into the zip are in an archive beside it, which each start of an environment fetches into
    /tmp, and which takes `tmp_mb` there. Sizes in bytes.
    """

    path: str
    packages: tuple[str, ...]
    zipped: int
    raw: int
    files: int
    tmp_mb: int


class Phase(Event, frozen=True):
    """A part of a build is done: "resolve", "fetch", "shards", "splice", "proof"."""

    name: str
    seconds: float


class Share(Struct, frozen=True):
    """What one package has in a zip, or the user's own files, or lambent's runtime. Sizes in bytes, `packed` is zipped.

    `bytecode` and `bytecode_packed` are the part of `raw` and `packed` that .pyc files take.
    """

    name: str
    files: int
    raw: int
    packed: int
    bytecode: int
    bytecode_packed: int


class Sized(Event, frozen=True):
    """What takes the room in a zip, the largest first."""

    shares: tuple[Share, ...]


class ListedFile(Struct, frozen=True):
    """One file of a zip, and whose it is. Sizes in bytes. There are thousands: no `Frozen`."""

    name: str
    package: str
    raw: int
    packed: int


class Listed(Event, frozen=True):
    """Every file of a zip, in its order."""

    files: tuple[ListedFile, ...]


class Tried(Event, frozen=True):
    """The app of the zip started in the local Lambda's sandbox ("namespaces" or "process"). Memory in MB."""

    seconds: float
    memory_mb: int
    sandbox: str


class Locked(Event, frozen=True):
    """The packages of a build were written to a lock file."""

    path: str
    packages: int


class Packed(Event, frozen=True):
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


class PlannedLine(Struct, frozen=True):
    """One line of a plan. `verb` is "create", "update", "delete", "keep", "check", or "drift" for what somebody changed by
    hand; `detail` says what and why.
    """

    verb: str
    what: str
    detail: str = ""


class Cost(Struct, frozen=True):
    """An estimate: US dollars for a million requests of `duration_ms` each, and how many such a month are free.

    `beside` names what costs more and is not in it.
    """

    usd_per_million: float
    free_requests: int
    duration_ms: int
    memory_mb: int
    architecture: str
    beside: tuple[str, ...] = ()


class Setting(Struct, frozen=True):
    """One setting as it counts, its value as text, and where it came from ("default", "--memory", a line of a file)."""

    name: str
    value: str
    origin: str


class Planned(Event, frozen=True):
    """The plan, ready to be applied. `changes` is 0 when there is nothing to do.

    `access` says who can call the URL afterwards: "public", "signed" (users of the account) or "local" (this machine), and ""
    when there will be none; `opens` that it becomes public by this plan. Sizes of the zip in bytes. `settings` are the app's,
    when they were asked for.
    """

    target: str
    lines: tuple[PlannedLine, ...]
    changes: int
    access: str = ""
    opens: bool = False
    zipped: int = 0
    raw: int = 0
    cost: Cost | None = None
    settings: tuple[Setting, ...] = ()


class Configured(Event, frozen=True):
    """The settings of an app, each with its origin. Values that may be secret are not in it unless they were asked for."""

    app: str
    stage: str
    settings: tuple[Setting, ...]


class Version(Struct, frozen=True):
    """A published version. `share` of the traffic, 0 to 1; `notes` say how it differs from the one before it. `size` in bytes,
    `published` is AWS's own text.
    """

    version: str
    published: str
    sha256: str
    size: int
    runtime: str
    memory_mb: int
    share: float
    notes: str = ""


class Versions(Event, frozen=True):
    """The versions of an app that there are, the newest first."""

    app: str
    target: str
    versions: tuple[Version, ...]


class Heard(Struct, frozen=True):
    """What the log of the last `minutes` says: how many invocations, of them cold starts and failures; the last failure's text.

    `more` is true when there was too much to count it all.
    """

    minutes: int
    invocations: int
    cold: int
    failures: int
    last_failure: str = ""
    more: bool = False


class Status(Event, frozen=True):
    """One app as it is in AWS. `ends` is the day from which its runtime is deprecated (YYYY-MM-DD), "" when that is not known;
    `retention_days` None keeps logs for ever; `drift` is what somebody changed by hand.
    """

    app: str
    target: str
    url: str
    access: str
    version: str
    published: str
    versions: int
    runtime: str
    ends: str
    architecture: str
    memory_mb: int
    timeout_s: int
    log_group: str
    retention_days: int | None
    heard: Heard | None = None
    drift: tuple[PlannedLine, ...] = ()


class Summary(Struct, frozen=True):
    """One app among several."""

    app: str
    url: str
    access: str
    version: str
    runtime: str
    memory_mb: int
    modified: str


class Apps(Event, frozen=True):
    """All apps that lambent made in `target`."""

    target: str
    apps: tuple[Summary, ...]


class StepStarted(Event, frozen=True):
    step: str


class StepDone(Event, frozen=True):
    step: str
    seconds: float
    detail: str = ""


class Canary(Event, frozen=True):
    """How a new version does with its share (0 to 1) of the traffic, so far."""

    version: str
    share: float
    left_s: float
    requests: int
    errors: int


class Answered(Event, frozen=True):
    """The URL was asked and answered."""

    url: str
    status: int
    seconds: float


class Deployed(Event, frozen=True):
    """The end of a deploy. `changed` is false when everything was as it should be already."""

    url: str
    version: str
    changed: bool
    seconds: float
    public: bool = True


class Destroyed(Event, frozen=True):
    """The app is gone from `target`."""

    app: str
    target: str
    seconds: float


class LocalStarted(Event, frozen=True):
    url: str
    pid: int
    sandbox: str


Emit = Callable[[Event], None]


def ignore(event: Event) -> None:
    """An `Emit` for callers who do not listen."""

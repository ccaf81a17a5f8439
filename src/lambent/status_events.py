"""Events that say what is deployed: an app, its versions, its variables, all apps. See `events`."""

from __future__ import annotations

from msgspec import Struct

from lambent.events import Event, PlannedLine


class Version(Struct, frozen=True):
    """A published version. `share` is its part of the traffic, 0 to 1; `notes` say how it differs from the previous one.

    `published` is AWS's own text. `commit` and `subject` are git's, `dirty` says that the files differed from the commit, and
    `by` who deployed it, from where; "" if unknown. `failed` versions didn't pass their check.
    """

    version: str
    published: str
    sha256: str
    size: int
    runtime: str
    memory_mb: int
    share: float
    notes: str = ""
    commit: str = ""
    dirty: bool = False
    subject: str = ""
    by: str = ""
    failed: bool = False


class Versions(Event, frozen=True):
    """The published versions of an app, newest first."""

    app: str
    location: str
    versions: tuple[Version, ...]


class LogSummary(Struct, frozen=True):
    """The invocations of the live version that the log shows for the last `minutes`, and the text of the last failure.

    A failure was answered with 5xx, failed for Lambda, or logged an error. `more` is true when the log was too long to count
    completely.
    """

    minutes: int
    invocations: int
    cold: int
    failures: int
    last_failure: str = ""
    more: bool = False


class Status(Event, frozen=True):
    """The deployed state of one app.

    `ends` is the day on which its runtime is deprecated (YYYY-MM-DD), or "" if unknown. `retention_days` None means that logs
    are kept forever. `drift` lists changes made by hand. `origin` is the project that it was deployed from, if that is known.
    `commit`, `dirty`, `subject` and `by` are those of the live version. `unfinished` says what the last deploy has left to do.
    """

    app: str
    location: str
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
    activity: LogSummary | None = None
    drift: tuple[PlannedLine, ...] = ()
    origin: str = ""
    commit: str = ""
    dirty: bool = False
    subject: str = ""
    by: str = ""
    unfinished: str = ""


class AppSummary(Struct, frozen=True):
    """One app in a list."""

    app: str
    url: str
    access: str
    version: str
    runtime: str
    memory_mb: int
    modified: str


class Apps(Event, frozen=True):
    """All apps that lambent deployed to `location`."""

    location: str
    apps: tuple[AppSummary, ...]


class Variable(Struct, frozen=True):
    """An environment variable, its value ("…" for a secret, a reference such as "ssm:/path"), and where it comes from."""

    name: str
    value: str
    origin: str


class EnvironmentListed(Event, frozen=True):
    """The environment variables of one version of a function."""

    app: str
    location: str
    version: str
    variables: tuple[Variable, ...]

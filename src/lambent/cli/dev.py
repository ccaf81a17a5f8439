"""`lambent dev`: the local Lambda, a first deploy, and then each change as soon as it is saved."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from msgspec import Struct
from msgspec.structs import replace

from lambent.aws.interface import Aws
from lambent.cli import options
from lambent.cli.app_options import with_app, with_builder
from lambent.cli.confirmation import confirm_move
from lambent.config.databases import is_database
from lambent.config.load import locate_app
from lambent.config.model import Config
from lambent.deployment.context import DeployContext
from lambent.deployment.deploy import deploy
from lambent.deployment.follow_log import FollowTiming
from lambent.deployment.logs import LogQuery, find_log, show_live
from lambent.dev.source_changes import Change, Snapshot, describe, is_setting
from lambent.dev.watch import watch
from lambent.errors import LambentError, LocalError, UsageError
from lambent.events import Deployed, Emit, Event, Notice, Reloaded, Warned, Watching, ignore
from lambent.lazy import LazyModule
from lambent.library.app_source import AppSource, Builder
from lambent.library.build_attempts import build_and_use
from lambent.library.datasette_folder import read_datasette_folder
from lambent.library.deploy import DeployedBuild, load_for_destination
from lambent.library.destination import Destination, ensure_local
from lambent.library.version_description import describe_version
from lambent.local import daemon
from lambent.log_events import LoggedRequest
from lambent.package.artifact import Artifact
from lambent.package.build import source_files
from lambent.ui import errors
from lambent.ui.reporter import reporter

if TYPE_CHECKING:
    from lambent.dev import session
    from lambent.local import dev_sessions
else:
    session = LazyModule("lambent.dev.session")  # imports the local Lambda, which needs modules that Windows lacks

_IMPORT_ERROR = "Runtime.ImportModuleError"
_LOG_PAUSE_S = 0.5


@click.command("dev")
@with_app
@with_builder
@click.option("--cold", is_flag=True, help="Start the app after each change as AWS does, instead of from a warm process.")
@options.port_option
@options.state_option
def command(app: AppSource, builder: Builder, cold: bool, port: int | None, state: Path) -> None:
    """Run an app on the local Lambda, and reload it when you save a file.

    PATH is a folder or a Python file. Default: the current folder.

    The app is deployed to the local Lambda once, with all checks. A saved file then takes effect at once, and the page in the
    browser reloads. A change of requirements, settings, data or local packages builds the zip again. Errors are shown here and
    in the browser. Ctrl-C ends it, and the local Lambda too if this command has started it.
    """
    if is_database(app.path) or (app.flags.app is None and read_datasette_folder(app.path)):
        what, hint = "dev reloads code, and a database has none", f"lambent deploy --local {app.path}"
        raise UsageError(what, where=str(app.path), hint=f"{hint}, or datasette serve {app.path} --reload")
    with reporter(False) as show, _interrupts(), contextlib.suppress(KeyboardInterrupt):
        emit = _one_at_a_time(show)
        location = locate_app(app.path, app.flags, os.environ)
        with _local_lambda(state, port, emit):
            destination = Destination(True, None, None, state, port).with_defaults(location.region, location.profile)
            aws = destination.connect(emit)
            with session.DevSession(state, aws.region, location.app, "cold" if cold else "warm") as dev_session:
                _Development(app, builder, destination, aws, dev_session, emit).run()


class _Development:
    """Deploys the app, then replaces its files or deploys it again as they change."""

    def __init__(
        self, app: AppSource, builder: Builder, destination: Destination, aws: Aws, session: session.DevSession, emit: Emit
    ) -> None:
        self._app, self._builder, self._destination = app, builder, destination
        self._aws, self._session, self._emit = aws, session, emit
        self._config: Config | None = None  # of the last deploy that succeeded
        self._packages: frozenset[str] = frozenset()
        self._local_packages: frozenset[Path] = frozenset()
        self._read_at = 0.0  # when the last build that succeeded began, in seconds of Unix time
        self._seen: Snapshot | None = None
        self._must_build = False
        self._builds: list[_Build] = []
        self._version = ""  # the live one
        self._follows_log = False

    def run(self) -> None:
        self._build(self._emit)
        if self._config is None:  # it failed, which the next change may fix
            self._emit(Watching(""))
        while True:
            watched = self._local_packages
            with contextlib.closing(watch(self._app.path, threading.Event(), watched, self._read_at)) as changes:
                for paths in changes:
                    self._update(paths)
                    if self._local_packages != watched:
                        break

    def _update(self, paths: frozenset[Path]) -> None:
        """Bring the app up to date after changes of these paths and perhaps others."""
        started = time.monotonic()
        try:
            change = self._change()
            is_built = self._must_build or change.needs_build or self._has_settings(paths) or self._has_package(paths)
            if not change and not (is_built and paths):
                return
            if is_built:
                names = change.names or tuple(path.name for path in paths)
                self._build(partial(_only_warnings, self._emit), describe(names))
            elif self._report(self._session.changed(change)):
                self._emit(Reloaded(describe(change.names), time.monotonic() - started))
        except LocalError:
            raise
        except LambentError as error:
            self._fail(error)

    def _build(self, emit: Emit, names: str = "") -> None:
        """Build and deploy the app. An error is shown here and in the browser, and the next change is another attempt."""
        started, read_at = time.monotonic(), time.time()
        build = _Build(read_at, self._version)
        self._builds.append(build)
        self._must_build = True
        try:
            config, destination, account = load_for_destination(self._app, self._builder, self._destination, emit)
            build.check_path = config.hosting.check_path.partition("?")[0] or "/"
            before = self._snapshot(config)
            run = partial(_deploy, destination, account or self._aws, emit)
            described = replace(config, description=describe_version(config.folder))
            result = DeployedBuild(*build_and_use(described, self._builder, emit, run))
        except LocalError:
            raise
        except LambentError as error:
            self._fail(error)
            return
        finally:
            build.ended = time.time()
        self._config, self._packages = result.config, frozenset(result.artifact.owners.values())
        self._read_at, self._version = read_at, result.deployed.version
        self._local_packages = _without_own(result.artifact.local_packages, self._app.path.resolve())
        self._seen = self._snapshot(result.config)
        self._must_build = False
        is_first = not self._follows_log
        if is_first:
            self._follow_log(result.config.name)
        if self._report(self._session.deployed(before.change_to(self._seen))) and not is_first:
            self._emit(Reloaded(names, time.monotonic() - started, built=True))
        if is_first:
            self._emit(Watching(result.deployed.url))

    def _report(self, result: dev_sessions.StepResult) -> bool:
        """Show what came of a start of the app, and return whether it succeeded.

        If a module is missing, a build may add its package, or says what to do.
        """
        for note in result.notes:
            self._emit(Notice(note))
        if result.problem is None:
            return True
        if result.error_type == _IMPORT_ERROR and self._config is not None:
            artifact = self._builder.build(self._config, ignore)  # the first build has shown it
            if frozenset(artifact.owners.values()) != self._packages:
                self._build(partial(_only_warnings, self._emit), "requirements")
                return False
        errors.print_error(LambentError(result.problem.title, detail=result.problem.text))
        return False

    def _fail(self, error: LambentError) -> None:
        errors.print_error(error)
        text = errors.format_error(error)
        self._session.failed(error.what, text)

    def _change(self) -> Change:
        """Return what has changed since the last look, and remember it as seen."""
        if self._config is None or self._seen is None:
            self._must_build = True
            return Change({})
        before, self._seen = self._seen, self._snapshot(self._config)
        return before.change_to(self._seen)

    def _has_settings(self, paths: frozenset[Path]) -> bool:
        folder = self._app.path.resolve()
        return any(path.is_relative_to(folder) and is_setting(path.relative_to(folder).as_posix()) for path in paths)

    def _has_package(self, paths: frozenset[Path]) -> bool:
        """Whether one of these paths belongs to a local package, which a build installs again."""
        return any(path.is_relative_to(folder) for path in paths for folder in self._local_packages)

    def _snapshot(self, config: Config) -> Snapshot:
        return Snapshot(source_files(config, self._builder.cache, os.environ, ignore))

    def _follow_log(self, app: str) -> None:
        """Show requests and what the app logs from now on, in a thread of its own, as `lambent logs -f` does."""
        self._follows_log = True

        def follow() -> None:
            emit = partial(_without_failed_start, self._without_checks)
            with contextlib.suppress(LambentError):  # the local Lambda ends
                show_live(self._aws, find_log(self._aws, app), query, emit, FollowTiming(_LOG_PAUSE_S))

        query = LogQuery(time.time())
        threading.Thread(target=follow, name="log", daemon=True).start()

    def _without_checks(self, event: Event) -> None:
        """Emit an event of the log, unless it is a request by which a build has checked its new version."""
        if not (isinstance(event, LoggedRequest) and any(build.has_checked(event) for build in self._builds)):
            self._emit(event)


class _Build(Struct):
    """A build and deploy, in seconds of Unix time. `replaces` is the version that was live when it began."""

    began: float
    replaces: str
    ended: float = math.inf
    check_path: str = "/"

    def has_checked(self, request: LoggedRequest) -> bool:
        """Whether the request came, as the check's do, before the new version was announced. A bare handler's has no path."""
        is_early = self.began <= request.at_ms / 1000 <= self.ended and request.version != self.replaces
        return is_early and request.path in ("", self.check_path)


def _without_own(packages: frozenset[Path], folder: Path) -> frozenset[Path]:
    """Return the local packages except those that contain the app: their changes are changes of the app's own files."""
    return frozenset(package for package in packages if not folder.is_relative_to(package))


def _deploy(destination: Destination, account: Aws, emit: Emit, config: Config, artifact: Artifact) -> Deployed:
    context = DeployContext(account, destination.describe(emit))
    return deploy(config, artifact, context, confirm_move=partial(confirm_move, moved_from="", interactive=True))


def _only_warnings(emit: Emit, event: Event) -> None:
    if isinstance(event, Warned):
        emit(event)


def _without_failed_start(emit: Emit, event: Event) -> None:
    """Leave out the exception that ended a start, which was shown when the app was started after a change."""
    if isinstance(event, LoggedRequest) and not event.request_id:
        event = replace(event, lines=tuple(line for line in event.lines if line.level != "error"))
        if not event.lines:
            return
    emit(event)


def _one_at_a_time(emit: Emit) -> Emit:
    """Return an `Emit` for several threads."""
    lock = threading.Lock()

    def emit_alone(event: Event) -> None:
        with lock:
            emit(event)

    return emit_alone


@contextlib.contextmanager
def _local_lambda(state: Path, port: int | None, emit: Emit) -> Iterator[None]:
    """Use the running local Lambda, or start it and stop it at the end."""
    running = ensure_local(state, port, emit)
    try:
        yield
    finally:
        if running.started_now:
            daemon.stop(state)


@contextlib.contextmanager
def _interrupts() -> Iterator[None]:
    """Let a closed terminal and SIGTERM end the command as Ctrl-C does."""

    def interrupt(number: int, frame: Any) -> None:
        raise KeyboardInterrupt

    signals = (getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
    previous = [(number, signal.signal(number, interrupt)) for number in signals]
    try:
        yield
    finally:
        for number, handler in previous:
            signal.signal(number, handler)

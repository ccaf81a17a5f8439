"""The destination of a deploy: the local Lambda or an AWS account."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace

from lambent.aws.boto import connect
from lambent.aws.interface import Aws
from lambent.config.model import Architecture
from lambent.config.python_runtime import AWS, Machine
from lambent.errors import LambentError
from lambent.events import Destroyed, Emit, Event, LocalStarted, Planned
from lambent.library.default_folders import name_state
from lambent.local import daemon
from lambent.local.host_check import app_host
from lambent.loopback import is_loopback_url
from lambent.names import ALIAS
from lambent.status_events import Apps, Status, Versions
from lambent.systems import is_macos

_LOCATION = "the local Lambda"
_COMMAND = re.compile(r"\blambent (?:deploy|invoke|logs|plan|status)\b(?! --local)")
_COMMAND_LINE = re.compile(rf"(?m)^{_COMMAND.pattern}")
_ACCOUNT = re.compile(r"account \d+ in [\w-]+")


class Destination(Struct, frozen=True):
    """The local Lambda with its state folder and port, or an AWS region and profile."""

    local: bool
    region: str | None
    profile: str | None
    state: Path
    port: int | None

    def connect(self, emit: Emit) -> Aws:
        """Return the API of the destination. Start the local Lambda if it isn't running.

        Raises LocalError if the local Lambda can't be started, AwsError if there are no credentials.
        """
        if not self.local:
            return connect(self.region, profile=self.profile)
        return connect_local(ensure_local(self.state, self.port, emit).url, self._local_region)

    def is_local(self, app: str) -> bool:
        """Return whether the local Lambda is running and has an app of this name."""
        running = daemon.status(self.state)
        return running is not None and connect_local(running["url"], self._local_region).function(app) is not None

    @property
    def _local_region(self) -> str:
        return self.region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or daemon.REGION

    def describe(self, emit: Emit) -> Emit:
        """Return an `Emit` whose events name this destination.

        The deployer takes the local Lambda for one more AWS account; people should read that it is on their machine.
        """
        return (lambda event: emit(_as_local(event))) if self.local else emit

    def with_defaults(self, region: str, profile: str) -> Destination:
        """Return this destination with the app's settings where the command line names no region or profile."""
        return replace(self, region=self.region or region or None, profile=self.profile or profile or None)

    @property
    def exists(self) -> bool:
        """Whether something may be deployed there: the local Lambda may never have run."""
        return not self.local or daemon.has_run(self.state)

    @property
    def machine(self) -> Machine:
        """What the app will run on. Another Lambda on this machine may bring a Python of its own."""
        if not self.local and not _has_local_endpoint(os.environ):
            return AWS
        return Machine(machine_architecture(), "required" if self.local else "preferred")

    @property
    def macos(self) -> tuple[int, int] | None:
        """The version of macOS to build for: the local Lambda runs apps as ordinary processes there. None: Amazon Linux."""
        if not (self.local and is_macos()):
            return None
        major, _, minor = platform.mac_ver()[0].partition(".")
        return int(major), int(minor.partition(".")[0] or 0)

    @property
    def rules_date(self) -> date:
        """The day whose AWS rules apply: today, or the day that the running local Lambda was started with."""
        running = daemon.status(self.state) if self.local else None
        return date.fromisoformat(running["as_of"]) if running is not None else date.today()


def _has_local_endpoint(environ: Mapping[str, str]) -> bool:
    """Return whether the environment replaces AWS's Lambda by one on this machine, as `lambent local env` does."""
    if environ.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() == "true":
        return False
    url = environ.get("AWS_ENDPOINT_URL_LAMBDA") or environ.get("AWS_ENDPOINT_URL", "")
    return is_loopback_url(url)


def ensure_local(state: Path, port: int | None, emit: Emit, lifeline: int | None = None) -> daemon.RunningService:
    """Return the running local Lambda. If there is none, start it and report that. Raises LocalError.

    It ends when the pipe that the descriptor `lifeline` reads is closed.
    """
    running = daemon.ensure_running(state, port, None, os.environ, lifeline=lifeline)
    if running.started_now:
        emit(LocalStarted(running.url, running.pid, running.sandbox, name_state(state)))
    return running


def connect_local(url: str, region: str) -> Aws:
    """Return the API of the local Lambda at this address."""
    port = urlsplit(url).port

    def app_url(function: str, qualifier: str) -> str:
        return f"http://{app_host(function, region, daemon.REGION)}:{port}/" if qualifier == ALIAS else ""

    return connect(region, endpoint_url=url, keys=daemon.CREDENTIALS, app_url=app_url)


def machine_architecture() -> Architecture:
    return "arm64" if platform.machine().lower() in ("arm64", "aarch64") else "x86_64"


@contextmanager
def located(local: bool) -> Iterator[None]:
    """Let errors name the local Lambda as what it is for people, not as the account that the deployer takes it for.

    Their commands get --local too, those in the detail where a line starts with one: the rest is the app's own output.
    """
    try:
        yield
    except LambentError as error:
        if local and _ACCOUNT.fullmatch(error.where):
            error.where = _LOCATION
        if local:
            error.hint = _COMMAND.sub(r"\g<0> --local", error.hint)
            error.detail = _COMMAND_LINE.sub(r"\g<0> --local", error.detail)
        raise


def _as_local(event: Event) -> Event:
    """Return an event as it applies to the local Lambda, where nothing is public or costs money."""
    match event:
        case Planned():
            return replace(event, location=_LOCATION, access=_local_access(event.access), opens=False, cost=None)
        case Status():
            return replace(event, location=_LOCATION, access=_local_access(event.access))
        case Apps():
            apps = tuple(replace(app, access=_local_access(app.access)) for app in event.apps)
            return replace(event, location=_LOCATION, apps=apps)
        case Destroyed() | Versions():
            return replace(event, location=_LOCATION)
        case _:
            return event


def _local_access(access: str) -> str:
    return "local" if access == "public" else access

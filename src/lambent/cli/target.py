"""Where a command works: the local Lambda, or an AWS account. With the options that say so."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import click
from msgspec import Struct
from msgspec.structs import replace

from lambent import interpreters
from lambent.aws.boto import connect
from lambent.aws.interface import Aws
from lambent.cli.options import port_option, state_option
from lambent.config.model import Architecture, Config
from lambent.deploy.means import Patience
from lambent.errors import LocalError
from lambent.events import Apps, AppSummary, Destroyed, Emit, Event, LocalStarted, Planned, Status, Versions, Warned
from lambent.local import daemon


class Target(Struct, frozen=True):
    """Where to: the local Lambda or an AWS account."""

    local: bool
    region: str | None
    profile: str | None
    state: Path
    port: int | None

    def connect(self, emit: Emit) -> Aws:
        """Raises LocalError if the local Lambda cannot be started, AwsError if there are no credentials."""
        if not self.local:
            return connect(self.region, profile=self.profile)
        running = daemon.ensure_running(self.state, self.port, None, os.environ)
        if running.started_now:
            emit(LocalStarted(running.url, running.pid, running.sandbox))
        region = self.region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or daemon.REGION
        return connect(region, endpoint_url=running.url, keys=daemon.KEYS)

    def named(self, emit: Emit) -> Emit:
        """An `Emit` that calls the local Lambda by its name, where the deployer sees one more AWS account. Nothing there is
        public, and nothing costs money.
        """
        if not self.local:
            return emit

        def told(event: Event) -> None:
            if isinstance(event, Planned | Destroyed | Versions | Status | Apps):
                event = replace(event, location="the local Lambda")
            if isinstance(event, Planned):
                event = replace(event, access="local" if event.access == "public" else event.access, opens=False, cost=None)
            elif isinstance(event, Status):
                event = replace(event, access="local" if event.access == "public" else event.access)
            elif isinstance(event, Apps):
                event = replace(event, apps=tuple(map(_local, event.apps)))
            emit(event)

        return told

    def of(self, region: str, profile: str) -> Target:
        """This target with what the app's settings say where the command line says nothing."""
        return replace(self, region=self.region or region or None, profile=self.profile or profile or None)

    @property
    def rules_of(self) -> date:
        """The day whose rules of AWS hold: today, or the one that the running local Lambda was started with."""
        running = daemon.status(self.state) if self.local else None
        return date.fromisoformat(running["as_of"]) if running is not None else date.today()

    @property
    def patience(self) -> Patience:
        """The usual one, with this target's day."""
        return Patience(today=lambda: self.rules_of)


def _local(app: AppSummary) -> AppSummary:
    return replace(app, access="local" if app.access == "public" else app.access)


def native() -> Architecture:
    return "arm64" if platform.machine().lower() in ("arm64", "aarch64") else "x86_64"


def check_it_runs_here(config: Config, emit: Emit) -> None:
    """What the local Lambda will need of this machine. Raises LocalError if the runtime's Python is missing."""
    version = config.runtime.removeprefix("python")
    if interpreters.find(version, os.environ) is None:
        raise LocalError(
            f"{config.runtime} needs Python {version}, which this machine does not have",
            where=config.origins["runtime"],
            hint=interpreters.install_command(version),
        )
    if config.architecture != native():
        emit(Warned(f"the zip is for {config.architecture}, and this machine is {native()}: native packages will not load"))


def target_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """--local, --region, --profile, --port and --state; `taken` makes a Target of them."""
    options = (
        click.option("--local", "-l", is_flag=True, help="The Lambda on this machine: no account needed."),
        click.option("--region", metavar="R", help="The AWS region (default: the setting, then what the aws CLI would take)."),
        click.option("--profile", metavar="P", help="The AWS profile, likewise."),
        port_option,
        state_option,
    )
    for option in reversed(options):
        command = option(command)
    return command


def taken(options: dict[str, Any]) -> Target:
    """The Target that was asked for; takes its options out of `options`."""
    return Target(*(options.pop(key) for key in ("local", "region", "profile", "state", "port")))

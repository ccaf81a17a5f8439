"""`lambent deploy`: build, deploy, and ask the URL until it answers."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import click
import platformdirs

from lambent import interpreters
from lambent.aws.boto import connect
from lambent.aws.interface import Aws
from lambent.cli.options import app_option, arch_option, port_option, runtime_option, state_option
from lambent.config.load import Flags, load
from lambent.config.model import Architecture, Config
from lambent.deploy.deploy import deploy
from lambent.errors import LambentError, LocalError
from lambent.events import Detected, Emit, LocalStarted, Planned, Warned
from lambent.local import daemon
from lambent.package.build import build
from lambent.ui import choose, jsonlines


@dataclass(frozen=True)
class Target:
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
        """An `Emit` that calls the local Lambda by its name, where the deployer sees one more AWS account."""
        if not self.local:
            return emit
        return lambda event: emit(replace(event, target="the local Lambda") if isinstance(event, Planned) else event)

    @property
    def rules_of(self) -> date:
        """The day whose rules of AWS hold: today, or the one that the running local Lambda was started with."""
        running = daemon.status(self.state) if self.local else None
        return date.fromisoformat(running["as_of"]) if running is not None else date.today()


def _native() -> Architecture:
    return "arm64" if platform.machine().lower() in ("arm64", "aarch64") else "x86_64"


def _can_run_here(config: Config, emit: Emit) -> None:
    """What the local Lambda will need of this machine. Raises LocalError if the runtime's Python is missing."""
    version = config.runtime.removeprefix("python")
    if interpreters.find(version, os.environ) is None:
        raise LocalError(
            f"{config.runtime} needs Python {version}, which this machine does not have",
            where=config.origins["runtime"],
            hint=interpreters.how_to_get(version),
        )
    if config.architecture != _native():
        emit(Warned(f"the zip is for {config.architecture}, and this machine is {_native()}: native packages will not load"))


@click.command("deploy")
@click.argument("path", default=".", type=click.Path(path_type=Path))
@click.option("--local", "-l", is_flag=True, help="Deploy to the Lambda on this machine: no account needed.")
@app_option
@click.option("--name", metavar="N", help="The function's name. Default: the project's or the folder's.")
@runtime_option
@arch_option
@click.option("--memory", metavar="MB", help="Memory, 128 to 10240 (default 1024). CPU grows with it.")
@click.option("--timeout", metavar="S", help="Seconds a request may take, 1 to 900 (default 30).")
@click.option("--env", "-e", metavar="K=V", multiple=True, help="An environment variable of the function. Repeatable.")
@click.option("--stream/--no-stream", default=None, help="Let answers leave as the app makes them (default: in one piece).")
@click.option("--region", help="The AWS region.")
@click.option("--profile", help="The AWS profile to use.")
@click.option("--json", "as_json", is_flag=True, help="Say everything as JSON lines.")
@port_option
@state_option
def command(path: Path, local: bool, as_json: bool, **options: Any) -> None:
    """Put the app at PATH (a folder or a Python file; default: here) online.

    Finds the app, builds its zip, makes what is missing in AWS or on the local Lambda, and asks the URL until it answers.
    Run again, it changes only what has changed. The URL is the only thing printed on stdout.
    """
    target = Target(local, *(options.pop(key) for key in ("region", "profile", "state", "port")))
    with choose.reporter(as_json) as emit:
        try:
            _deploy(path, Flags(**options), target, emit)
        except LambentError as error:
            if as_json:
                jsonlines.fail(error)
            raise


def _deploy(path: Path, flags: Flags, target: Target, emit: Emit) -> None:
    native = _native() if target.local else "x86_64"
    config = load(path, flags, os.environ, target.rules_of, native_architecture=native)
    emit(Detected(config.app.spec, config.app.kind, config.app.source))
    if target.local:
        _can_run_here(config, emit)
    account = None if target.local else target.connect(emit)  # missing credentials are said before any work is done
    artifact = build(config, Path(platformdirs.user_cache_dir("lambent")), os.environ, emit)
    deploy(config, artifact, account or target.connect(emit), target.named(emit))

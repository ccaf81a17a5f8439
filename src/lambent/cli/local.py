"""`lambent local`: the Lambda on this machine."""

from __future__ import annotations

import importlib
import json
import logging
import os
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click
import platformdirs

from lambent.cli.options import port_option, state_option
from lambent.errors import LocalError
from lambent.local import daemon

EXPORTS = {
    "sh": "export {name}={value}",
    "fish": "set -gx {name} {value}",
    "powershell": '$Env:{name} = "{value}"',
}


@click.group()
def command() -> None:
    """The Lambda on this machine: AWS's API and Function URLs on one loopback address, no account."""


@command.command()
@click.option("--foreground", is_flag=True, help="Stay in this terminal and log here, until Ctrl-C.")
@port_option
@state_option
@click.option("--as-of", metavar="DATE", type=click.DateTime(["%Y-%m-%d"]), help="Apply AWS's rules of that day, YYYY-MM-DD.")
@click.option("--ready-fd", type=int, hidden=True, help="Tell this file descriptor once requests are answered.")
def start(foreground: bool, port: int | None, state: Path, as_of: datetime | None, ready_fd: int | None) -> None:
    """Start it, in the background unless told otherwise."""
    folder = state.resolve()
    day = as_of.date() if as_of else None
    if foreground:
        _serve(folder, port, day, ready_fd)
        return
    running = daemon.ensure_running(folder, port, day, dict(os.environ))
    verb = "started" if running.started_now else "running already"
    click.echo(f"local Lambda {verb}: {running.url} (pid {running.pid}, sandbox: {running.sandbox}, rules of {running.as_of})")
    click.echo('  eval "$(lambent local env)"   points aws, boto3 and other tools at it')
    click.echo("  lambent local stop            ends it; functions and roles stay")


@command.command()
@state_option
def stop(state: Path) -> None:
    """Stop it. Functions, roles and URLs are there again after the next start."""
    pid = daemon.stop(state)
    click.echo("the local Lambda was not running" if pid is None else f"stopped the local Lambda (pid {pid})")


@command.command()
@state_option
@click.option("--json", "as_json", is_flag=True, help="Everything it says of itself, as JSON.")
def status(state: Path, as_json: bool) -> int:
    """Whether it runs, where, and what it holds. Exit code 1 when it does not run."""
    folder = state
    found = daemon.status(folder)
    if as_json:
        click.echo(json.dumps(found, indent=2))
    elif found is None:
        click.echo(f"the local Lambda is not running (state: {folder})")
        click.echo("  lambent local start")
    else:
        for line in describe(found):
            click.echo(line)
    return 0 if found else 1


@command.command()
@state_option
@click.option("--shell", type=click.Choice(list(EXPORTS)), default="sh", show_default=True)
def env(state: Path, shell: str) -> None:
    """Print the lines that point aws, boto3 and other tools at it."""
    found = daemon.status(state)
    if found is None:
        click.echo("# the local Lambda is not running: lambent local start", err=True)
    url = found["url"] if found else f"http://127.0.0.1:{daemon.DEFAULT_PORT}"
    for name, value in daemon.client_environment(url).items():
        click.echo(EXPORTS[shell].format(name=name, value=value))


@command.command("log")
@state_option
@click.option("--lines", "-n", type=click.IntRange(1), default=20, show_default=True, help="How many of its last lines.")
def last_lines(state: Path, lines: int) -> None:
    """Print the end of its own log: starts, refusals and their reasons. (Functions log to their log groups.)"""
    file = daemon.log_file(state)
    if not file.exists():
        raise LocalError("there is no log yet", where=str(file), hint="lambent local start")
    for line in file.read_text(errors="replace").splitlines()[-lines:]:
        click.echo(line)


def describe(found: dict[str, Any]) -> list[str]:
    """The status as lines for people."""
    engine = found["engine"]
    environments = engine["environments"]
    lines = [
        f"local Lambda   {found['url']} (pid {found['pid']}, lambent {found['version']})",
        f"since          {found['started']}",
        f"rules of       {found['as_of']}",
        f"state          {found['state']}",
        f"sandbox        {engine['sandbox']}",
        f"functions      {found['functions']}",
        f"environments   {sum(sum(counts.values()) for counts in environments.values())}",
    ]
    return lines + [f"  {name}  {each['idle']} idle, {each['busy']} busy" for name, each in sorted(environments.items())]


def _serve(state: Path, port: int | None, as_of: date | None, ready_fd: int | None) -> None:
    """Serves in this process until it is told to stop."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    logging.getLogger("lambent").setLevel(logging.INFO)
    # uvicorn and moto's forerunners take a third of a second to import, which no other command should pay
    service = importlib.import_module("lambent.local.service")
    settings = service.Settings(
        state=state,
        cache=Path(platformdirs.user_cache_dir("lambent")),
        port=daemon.DEFAULT_PORT if port is None else port,
        as_of=as_of or date.today(),
        environ=dict(os.environ),
    )

    def ready(health: dict[str, Any]) -> None:
        _tell(ready_fd, health)
        click.echo(f"local Lambda: {health['url']} (rules of {health['as_of']}, state in {health['state']}; Ctrl-C ends it)")

    try:
        service.run(settings, ready)
    except LocalError as error:
        _tell(ready_fd, {"error": error.what, "where": error.where, "hint": error.hint})
        raise


def _tell(descriptor: int | None, content: dict[str, Any]) -> None:
    if descriptor is not None:
        with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor is no path
            file.write(json.dumps(content).encode() + b"\n")

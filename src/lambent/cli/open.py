"""`lambent open`: the app's URL in the browser, or the console of the local Lambda."""

from __future__ import annotations

import webbrowser
from functools import wraps
from pathlib import Path
from typing import Any

import click

from lambent.aws.interface import Aws
from lambent.cli.connection import same_app, with_connection
from lambent.cli.options import Command, path_argument
from lambent.config.load import AppLocation
from lambent.deployment.app_url import find_url
from lambent.deployment.desired import PUBLIC
from lambent.errors import UsageError
from lambent.events import Emit, Opened
from lambent.library.destination import ensure_local
from lambent.local import daemon
from lambent.ui.reporter import reporter


def or_console(command: Command) -> Command:
    """Add --console, which needs no app."""

    @wraps(command)
    def call(*, console: bool, **values: Any) -> Any:
        if not console:
            return command(**values)
        with reporter(values["as_json"]) as emit:
            return open_console(values["state"], values["port"], emit)

    help_text = "Open the console of the local Lambda instead: its functions, and their invocations with logs and events."
    return click.option("--console", is_flag=True, help=help_text)(call)


def open_console(state: Path, port: int | None, emit: Emit) -> None:
    """Open the console. Start the local Lambda if it isn't running."""
    ensure_local(state, port, emit)
    _open(daemon.console_address(state), emit)


@click.command("open")
@path_argument
@or_console
@with_connection
def command(location: AppLocation, aws: Aws, emit: Emit) -> None:
    """Open the app's URL in the browser, and print it.

    PATH is a folder or a Python file. Default: the current folder.
    """
    url = find_url(aws, location.app)
    if url.auth != PUBLIC:
        what = f"{location.app} takes signed requests only, and a browser doesn't sign"
        curl = f"lambent curl /{same_app(click.get_current_context())}"
        raise UsageError(what, where=url.address, hint=f"{curl} signs them; or deploy with --auth none")
    _open(url.address, emit)


def _open(address: str, emit: Emit) -> None:
    emit(Opened(address, webbrowser.open(address)))

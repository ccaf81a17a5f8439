"""`lambent open`: the app's URL in the browser."""

from __future__ import annotations

import webbrowser

import click

from lambent.aws.interface import Aws
from lambent.cli.connection import with_connection
from lambent.cli.options import path_argument
from lambent.config.load import AppLocation
from lambent.deploy.app_url import find_url
from lambent.deploy.desired import PUBLIC
from lambent.errors import UsageError
from lambent.events import Emit, Opened


@click.command("open")
@path_argument
@with_connection
def command(location: AppLocation, aws: Aws, emit: Emit) -> None:
    """Open the app's URL in the browser, and print it.

    PATH is a folder or a Python file. Default: the current folder.
    """
    url = find_url(aws, location.app)
    if url.auth != PUBLIC:
        what = f"{location.app} takes signed requests only, and a browser doesn't sign"
        raise UsageError(what, where=url.address, hint="lambent curl / signs them; or deploy with --auth none")
    emit(Opened(url.address, webbrowser.open(url.address)))

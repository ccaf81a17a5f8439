"""`lambent status`: what is deployed."""

from __future__ import annotations

import click

from lambent.aws.interface import Aws
from lambent.cli.connection import with_connection
from lambent.cli.options import path_argument
from lambent.config.load import AppLocation
from lambent.deployment.context import Timing
from lambent.deployment.status import apps, status
from lambent.events import Emit, Notice


@click.command("status")
@path_argument
@click.option("--all", "list_all", is_flag=True, help="List all apps that lambent deployed in the region.")
@with_connection
def command(list_all: bool, location: AppLocation, aws: Aws, emit: Emit) -> None:
    """Show what is deployed: the app's URL, who can call it, the live version and recent activity.

    PATH is a folder or a Python file. Default: the current folder. If that app isn't deployed, or with --all, lambent lists all
    apps that it deployed in the region.
    """
    deployed = None if list_all else status(location.app, aws, Timing().settle_s)
    if deployed is not None:
        emit(deployed)
        return
    listed = apps(aws)
    if not list_all:
        emit(Notice(f"{location.app} is not deployed{'; these apps are:' if listed.apps else ''}"))
    emit(listed)

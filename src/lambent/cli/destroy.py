"""`lambent destroy`: delete an app and everything that lambent created for it."""

from __future__ import annotations

import click

from lambent.aws.interface import Aws
from lambent.cli.confirmation import confirm_deletion
from lambent.cli.connection import with_connection
from lambent.cli.options import path_argument, yes_option
from lambent.config.load import AppLocation
from lambent.deployment.destroy import destroy, prepare
from lambent.events import Emit, Notice, Planned


@click.command("destroy")
@path_argument
@click.option("--logs", is_flag=True, help="Delete the log group too.")
@yes_option
@with_connection
def command(logs: bool, yes: bool, location: AppLocation, aws: Aws, emit: Emit) -> None:
    """Delete an app: its URL, its function with all versions, and its role. Logs are kept unless you pass --logs.

    PATH is a folder or a Python file. Default: the current folder.

    lambent looks up in AWS what it created, shows it and asks before deleting anything. It deletes nothing else.
    """
    deletion = prepare(location.app, aws, logs=logs, identities=location.identities)
    if not deletion.steps:
        emit(Notice(f"Nothing to destroy: there is no app {location.app} here. lambent status --all lists the apps"))
        return
    emit(Planned(deletion.location, deletion.lines, len(deletion.steps)))
    confirm_deletion(location.app, deletion.origin, yes=yes)
    destroy(deletion, aws, emit)

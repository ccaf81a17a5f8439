"""`lambent versions`: what you can roll back to."""

from __future__ import annotations

import click

from lambent.aws.interface import Aws
from lambent.cli.connection import with_connection
from lambent.cli.options import path_argument
from lambent.config.load import AppLocation
from lambent.deployment.version_list import versions
from lambent.events import Emit


@click.command("versions")
@path_argument
@with_connection
def command(location: AppLocation, aws: Aws, emit: Emit) -> None:
    """List an app's versions, newest first, with what changed in each and which one is live.

    PATH is a folder or a Python file. Default: the current folder. `lambent rollback VERSION` makes a version live again.
    """
    emit(versions(location.app, aws))

"""`lambent rollback`: make an earlier version live again."""

from __future__ import annotations

import click

from lambent.aws.interface import Aws
from lambent.cli.connection import with_connection
from lambent.cli.options import path_option
from lambent.config.load import AppLocation
from lambent.deployment.context import DeployContext
from lambent.deployment.rollback import rollback
from lambent.events import Emit


@click.command("rollback")
@click.argument("version", default="", metavar="[VERSION]")
@path_option
@with_connection
def command(version: str, location: AppLocation, aws: Aws, emit: Emit) -> None:
    """Make VERSION live again. Default: the version that was live before the last deploy.

    lambent first checks that the version still works. Its code and its configuration come back together, and the URL stays the
    same. `lambent versions` lists the versions.

    Without VERSION, lambent undoes one deploy. If you run it again, it changes nothing and says how to go back further.
    """
    rollback(location.app, version, DeployContext(aws, emit), location.identities)

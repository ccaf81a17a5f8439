"""`lambent run`: a command inside the deployed function."""

from __future__ import annotations

import click

from lambent.aws.interface import Aws
from lambent.cli.connection import with_connection
from lambent.cli.options import path_option
from lambent.config.environment import read_variables
from lambent.config.load import AppLocation
from lambent.deployment.run_command import Command, run_command
from lambent.errors import UsageError
from lambent.events import Emit


@click.command("run", context_settings={"allow_interspersed_args": False})
@click.argument("words", nargs=-1, metavar="-- COMMAND ...", type=click.UNPROCESSED)
@click.option("--env", "-e", metavar="K=V", multiple=True, help="Environment variable that only this command gets. Repeatable.")
@click.option("--version", metavar="V", default="", help="Version to run it in. Default: the live one.")
@path_option
@with_connection
def command(words: tuple[str, ...], env: tuple[str, ...], version: str, location: AppLocation, aws: Aws, emit: Emit) -> int:
    """Run a command inside the function: lambent run -- python manage.py migrate

    It has the app's code, packages, role, network and variables, and the function's timeout. Its output is shown while it runs,
    and the exit status is the command's. It has no stdin and no terminal.

    The version must have been deployed with --run, or run = true in [tool.lambent].
    """
    if not words:
        raise UsageError("no command", where="lambent run", hint="lambent run -- python manage.py migrate")
    environment = {name: variable.value for name, variable in read_variables(env, None).items()}
    return run_command(aws, location.app, Command(words, environment), emit, version)

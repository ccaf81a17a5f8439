"""`lambent env`: the environment variables of what is deployed."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

import click

from lambent.aws.interface import Aws
from lambent.cli.connection import with_connection
from lambent.cli.options import path_argument, path_option
from lambent.config.environment import read_variables
from lambent.config.load import AppLocation, configured_variables
from lambent.deployment.change_environment import EnvironmentChange, change_environment
from lambent.deployment.context import DeployContext
from lambent.deployment.list_environment import list_environment
from lambent.errors import UsageError
from lambent.events import Emit, Warned
from lambent.library.version_description import deployed_by


@click.group()
def command() -> None:
    """Environment variables of what is live: list, set, unset.

    A change publishes a new version of the same code, without a build. It is checked like any other before it gets traffic, and
    `lambent rollback` takes it back. What is set here stays in later deploys.
    """


@command.command("list")
@path_argument
@click.option("--show-secrets", is_flag=True, help="Show the values of secrets too.")
@with_connection
def list_command(show_secrets: bool, location: AppLocation, aws: Aws, emit: Emit) -> None:
    """List the variables of the live version, and where each comes from. Values that look like secrets are masked.

    PATH is a folder or a Python file. Default: the current folder. --name takes any function, even if lambent didn't deploy it.
    """
    configured = configured_variables(location, os.environ)
    emit(list_environment(aws, location.app, aws.region, configured, show_secrets=show_secrets))


@command.command("set")
@click.argument("variables", nargs=-1, metavar="NAME=VALUE ...")
@click.option("--env-file", metavar="FILE", help="File of environment variables: .env.production.")
@path_option
@with_connection
def set_command(variables: tuple[str, ...], env_file: str | None, location: AppLocation, aws: Aws, emit: Emit) -> None:
    """Set variables: lambent env set DEBUG=0 API_KEY

    A NAME without a value is asked for, or read from stdin, so that a secret isn't in the shell's history. Prints the URL.
    """
    if not variables and not env_file:
        raise UsageError("nothing to set", where="lambent env set", hint="lambent env set NAME=VALUE, or --env-file FILE")
    values = {name: each.value for name, each in read_variables(_complete(variables), env_file).items()}
    _warn_of_configured(location, values, emit)
    change_environment(location.app, EnvironmentChange(values, by=deployed_by()), DeployContext(aws, emit), location.identities)


@command.command("unset")
@click.argument("names", nargs=-1, required=True, metavar="NAME ...")
@path_option
@with_connection
def unset_command(names: tuple[str, ...], location: AppLocation, aws: Aws, emit: Emit) -> None:
    """Remove variables from what is live. Prints the URL."""
    _warn_of_configured(location, dict.fromkeys(names, ""), emit)
    change = EnvironmentChange(removed=names, by=deployed_by())
    change_environment(location.app, change, DeployContext(aws, emit), location.identities)


def _complete(variables: tuple[str, ...]) -> tuple[str, ...]:
    """Return the arguments with the values that weren't typed: from a prompt that shows nothing, or from stdin."""
    bare = [each for each in variables if "=" not in each]
    if bare and not sys.stdin.isatty() and len(bare) > 1:
        raise UsageError(
            f"only one value can come from stdin, not those of {', '.join(bare)}", where="NAME", hint=f"{bare[1]}=VALUE"
        )

    def complete(argument: str) -> str:
        if "=" in argument:
            return argument
        if sys.stdin.isatty():
            return f"{argument}={click.prompt(argument, hide_input=True, err=True)}"
        return f"{argument}={sys.stdin.read().removesuffix(chr(10))}"

    return tuple(map(complete, variables))


def _warn_of_configured(location: AppLocation, changes: Mapping[str, str], emit: Emit) -> None:
    """Warn about changes that the next deploy takes back, because the project's own configuration has the variable."""
    configured = configured_variables(location, os.environ)
    for name, value in changes.items():
        if name in configured and configured[name][0] != value:
            emit(Warned(f"the next deploy sets {name} to what {configured[name][1]} says", "change it there too"))

"""What commands about a deployed app share: the app's name, its destination's API, and where events go."""

from __future__ import annotations

import os
import shlex
from functools import wraps
from pathlib import Path
from typing import Any

import click
from msgspec.structs import replace

from lambent.aws.interface import Aws
from lambent.cli import options
from lambent.cli.destination_options import with_destination
from lambent.cli.options import Command
from lambent.config.load import AppLocation, Flags, locate_app
from lambent.deployment.observed import deployed_name
from lambent.errors import AwsError
from lambent.events import Emit
from lambent.library.destination import Destination
from lambent.ui.reporter import reporter


def same_app(context: click.Context) -> str:
    """Return the options that make another command refer to the app of this one, each after a space."""
    typed = context.params
    names = ("path", "name", "stage", "region", "profile")
    flags = [f" --{name} {shlex.quote(str(typed[name]))}" for name in names if typed.get(name) not in (None, Path())]
    return "".join(flags) + (" --local" if typed.get("local") else "")


def with_connection(command: Command) -> Command:
    """Add the options that name a deployed app and its destination.

    The command itself gets `location`, with the app's name, `aws`, the API of its destination, and `emit`. It needs an
    argument or option PATH.
    """

    @wraps(command)
    def call(*, path: Path, name: str | None, stage: str | None, as_json: bool, destination: Destination, **values: Any) -> Any:
        with reporter(as_json) as emit:
            location, aws = connect_to_app(path, Flags(name=name, stage=stage), destination, emit)
            return command(location=location, aws=aws, emit=destination.describe(emit), **values)

    return options.add_options(call, options.name_option, options.stage_option, options.json_option, with_destination)


def connect_to_app(path: Path, flags: Flags, destination: Destination, emit: Emit) -> tuple[AppLocation, Aws]:
    """Return where the app at `path` is deployed, under the name that it has there, and the API of its destination."""
    location = locate_app(path, flags, os.environ)
    destination = destination.with_defaults(location.region, location.profile)
    try:
        aws = destination.connect(emit)
    except AwsError as error:
        if not destination.local and destination.is_local(location.app):
            command = click.get_current_context().command_path
            error.hint = f"{location.app} is on the local Lambda: {command} --local. Or {error.hint}"
        raise
    name = deployed_name(aws, location.app, location.former, location.identities)
    return replace(location, app=name), aws

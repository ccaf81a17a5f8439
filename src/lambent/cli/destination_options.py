"""The options that choose the destination of a command."""

from __future__ import annotations

from functools import wraps
from pathlib import Path
from typing import Any

import click

from lambent.cli import options
from lambent.cli.options import Command
from lambent.library.destination import Destination, located


def with_destination(command: Command) -> Command:
    """Add --local, --region, --profile, --port and --state, and pass them on as `destination`."""

    @wraps(command)
    def call(*, local: bool, region: str | None, profile: str | None, state: Path, port: int | None, **values: Any) -> Any:
        with located(local):
            return command(destination=Destination(local, region, profile, state, port), **values)

    return options.add_options(
        call,
        click.option("--local", "-l", is_flag=True, help="Use the local Lambda on this machine. Needs no AWS account."),
        click.option("--region", metavar="R", help="AWS region. Default: the setting, then that of the aws CLI."),
        click.option("--profile", metavar="P", help="AWS profile. Default: the setting, then that of the aws CLI."),
        options.port_option,
        options.state_option,
    )

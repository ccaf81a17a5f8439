"""`lambent destroy`: everything that lambent made for an app is deleted."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click

from lambent.cli.options import json_option, name_option, path_argument, stage_option, yes_option
from lambent.cli.target import taken, target_options
from lambent.config.load import Flags, locate_app
from lambent.deploy.destroy import destroy, prepare
from lambent.errors import UsageError
from lambent.events import Planned
from lambent.ui import choose


@click.command("destroy")
@path_argument
@name_option
@stage_option
@click.option("--logs", is_flag=True, help="Delete the log group too.")
@yes_option
@json_option
@target_options
def command(path: Path, name: str | None, stage: str | None, logs: bool, yes: bool, as_json: bool, **options: Any) -> None:
    """Delete the app at PATH (default: here): URL, function with all versions, role. Its logs stay, unless --logs.

    Shows what it found and asks first. Only what lambent made is deleted, and it is looked up in AWS itself.
    """
    target = taken(options)
    with choose.reporter(as_json) as emit:
        there = locate_app(path, Flags(name=name, stage=stage), os.environ)
        aws = target.of(there.region, there.profile).connect(emit)
        doomed = prepare(there.app, aws, logs=logs)
        told = target.named(emit)
        told(Planned(doomed.location, doomed.lines, len(doomed.steps)))
        if not yes:
            _ask(doomed.names.app)
        destroy(doomed, aws, told)


def _ask(app: str) -> None:
    if not sys.stdin.isatty():
        raise UsageError("nobody is there to be asked", where="lambent destroy", hint="say --yes")
    if not click.confirm(f"delete {app}?", err=True):
        raise click.Abort

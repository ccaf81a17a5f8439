"""`lambent status`: one app as it is, or all of them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from lambent.cli.options import json_option, name_option, path_argument, stage_option
from lambent.cli.target import taken, target_options
from lambent.config.load import Flags, locate_app
from lambent.deploy.means import Patience
from lambent.deploy.status import apps, status
from lambent.events import Notice
from lambent.ui import choose


@click.command("status")
@path_argument
@name_option
@stage_option
@click.option("--all", "every", is_flag=True, help="All apps that lambent made in the region.")
@json_option
@target_options
def command(path: Path, name: str | None, stage: str | None, every: bool, as_json: bool, **options: Any) -> None:
    """Show the app at PATH (default: here) as it is in AWS: its URL, who may call it, what is live, what its log says.

    Where no such app is deployed, or with --all, it lists all that lambent made in the region.
    """
    target = taken(options)
    with choose.reporter(as_json) as emit:
        there = locate_app(path, Flags(name=name, stage=stage), os.environ)
        aws = target.of(there.region, there.profile).connect(emit)
        told = target.named(emit)
        one = None if every else status(there.app, aws, Patience().settle_s)
        if one is not None:
            told(one)
            return
        if not every:
            told(Notice(f"{there.app} is not deployed; what lambent made in {aws.region}:"))
        told(apps(aws))

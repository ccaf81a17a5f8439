"""`lambent versions`: what can be rolled back to."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from lambent.cli.options import json_option, name_option, path_argument, stage_option
from lambent.cli.target import taken, target_options
from lambent.config.load import Flags, locate_app
from lambent.deploy.versions import versions
from lambent.ui import choose


@click.command("versions")
@path_argument
@name_option
@stage_option
@json_option
@target_options
def command(path: Path, name: str | None, stage: str | None, as_json: bool, **options: Any) -> None:
    """List the versions of the app at PATH (default: here) that there are, the newest first, and which one is live.

    Each with what changed from the one before. `lambent rollback VERSION` makes one of them live again.
    """
    target = taken(options)
    with choose.reporter(as_json) as emit:
        there = locate_app(path, Flags(name=name, stage=stage), os.environ)
        aws = target.of(there.region, there.profile).connect(emit)
        target.named(emit)(versions(there.app, aws))

"""`lambent rollback`: the version of before is live again."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from lambent.cli.options import json_option, name_option, stage_option
from lambent.cli.target import taken, target_options
from lambent.config.load import Flags, locate_app
from lambent.deploy.rollback import rollback
from lambent.ui import choose


@click.command("rollback")
@click.argument("version", default="", metavar="[VERSION]")
@click.option("--path", default=".", type=click.Path(path_type=Path), help="The app's folder or Python file (default: here).")
@name_option
@stage_option
@json_option
@target_options
def command(version: str, path: Path, name: str | None, stage: str | None, as_json: bool, **options: Any) -> None:
    """Make VERSION live again (default: the one that was live before the last deploy), once it has answered.

    `lambent versions` lists them. The code and the configuration of a version go back together; the URL stays the same.
    Without VERSION it undoes one deploy: run again, it changes nothing, and says which VERSION goes further back.
    """
    target = taken(options)
    with choose.reporter(as_json) as emit:
        there = locate_app(path, Flags(name=name, stage=stage), os.environ)
        target = target.of(there.region, there.profile)
        rollback(there.app, version, target.connect(emit), target.named(emit))

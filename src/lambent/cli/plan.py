"""`lambent plan`: what a deploy would do, and nothing done."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from lambent.cli.deploy import configured
from lambent.cli.options import app_options, build_options, json_option
from lambent.cli.target import taken, target_options
from lambent.config.load import Flags
from lambent.deploy.deploy import prepare
from lambent.deploy.script import script
from lambent.events import Planned
from lambent.package.build import build
from lambent.package.dependencies import Wishes
from lambent.ui import choose


@click.command("plan")
@app_options
@build_options
@click.option("--as", "form", type=click.Choice(["aws-cli"]), help="The plan in another form: a script of `aws` commands.")
@json_option
@target_options
def command(path: Path, form: str | None, as_json: bool, **options: Any) -> None:
    """Show what `lambent deploy` would create, change and leave, and where each value comes from. Changes nothing."""
    target, cache = taken(options), options.pop("cache_dir")
    wishes = Wishes(options.pop("native"), options.pop("refresh"))
    with choose.reporter(as_json) as emit:
        config, target = configured(path, Flags(**options), target, emit)
        account = None if target.local else target.connect(emit)
        artifact = build(config, cache, os.environ, emit, wishes)
        plan = prepare(config, artifact, account or target.connect(emit))
        target.named(emit)(Planned(plan.target, plan.lines, plan.changes))
        if form == "aws-cli":
            click.echo(script(plan), nl=False)

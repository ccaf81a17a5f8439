"""`lambent plan`: what a deploy would do, and nothing done."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import click
from msgspec.structs import replace

from lambent.cli.deploy import configured
from lambent.cli.options import app_options, build_options, json_option
from lambent.cli.target import taken, target_options
from lambent.config.display import describe
from lambent.config.load import Flags
from lambent.deploy.deploy import prepare
from lambent.deploy.desired import desired
from lambent.deploy.policy import policy
from lambent.deploy.script import script
from lambent.names import Names
from lambent.package.build import build
from lambent.package.build_context import BuildOptions
from lambent.ui import choose

_FORMS = "On stdout: a script of `aws` commands that does the same, or the least IAM policy for whoever deploys this app."


@click.command("plan")
@app_options
@build_options
@click.option("--as", "form", type=click.Choice(["aws-cli", "policy"]), help=_FORMS)
@json_option
@target_options
def command(path: Path, form: str | None, as_json: bool, **options: Any) -> None:
    """Show what `lambent deploy` would create, change and leave, and where each value comes from. Changes nothing."""
    target, cache = taken(options), options.pop("cache_dir")
    wishes = BuildOptions(options.pop("native"), options.pop("refresh"))
    with choose.reporter(as_json) as emit:
        config, target = configured(path, Flags(**options), target, emit)
        account = None if target.local else target.connect(emit)
        artifact = build(config, cache, os.environ, emit, wishes)
        aws = account or target.connect(emit)
        if form == "policy":  # before anything else may be asked of AWS: this is for those who may nothing yet
            told = policy(desired(config, artifact, Names(config.name, aws.account(), aws.region)))
            click.echo(json.dumps(told, indent=2))
            return
        plan = prepare(config, artifact, aws, target.patience)
        target.named(emit)(replace(plan.planned, settings=describe(config).settings))
        if form == "aws-cli":
            click.echo(script(plan), nl=False)

"""`lambent plan`: what a deploy would change."""

from __future__ import annotations

import json

import click
from msgspec.structs import replace

from lambent.cli.app_options import with_app, with_builder, with_databases
from lambent.cli.destination_options import with_destination
from lambent.cli.options import json_option
from lambent.config.display import describe
from lambent.deployment.deploy import prepare
from lambent.deployment.desired import desired
from lambent.deployment.policy import policy
from lambent.deployment.script import script
from lambent.library.app_source import AppSource, Builder
from lambent.library.deploy import build_for_destination
from lambent.library.destination import Destination
from lambent.names import Names
from lambent.ui.reporter import reporter


@click.command("plan")
@with_app
@with_databases
@with_builder
@click.option(
    "--as",
    "form",
    type=click.Choice(["aws-cli", "policy"]),
    help="Print to stdout: a script of `aws` commands that do the same, or the smallest IAM policy that allows this deploy.",
)
@json_option
@with_destination
def command(app: AppSource, builder: Builder, form: str | None, as_json: bool, destination: Destination) -> None:
    """Show what `lambent deploy` would create, change and keep, and where each setting comes from.

    Changes nothing. PATH is a folder, a Python file or a SQLite database. Default: the current folder.
    """
    with reporter(as_json) as emit:
        ask_live = form != "policy"  # users who need the policy may not be allowed to make a call
        built = build_for_destination(app, builder, destination, emit, ask_live=ask_live)
        config, artifact, aws = built.config, built.artifact, built.aws
        if form == "policy":
            document = policy(desired(config, artifact, Names(config.name, aws.account(), aws.region)))
            click.echo(json.dumps(document, indent=2))
            return
        plan = prepare(config, artifact, aws)
        destination.describe(emit)(replace(plan.planned, settings=describe(config).settings))
        if form == "aws-cli":
            click.echo(script(plan), nl=False)

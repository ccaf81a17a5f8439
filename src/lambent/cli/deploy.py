"""`lambent deploy`: build, deploy, and request the URL until it answers."""

from __future__ import annotations

from functools import partial

import click

from lambent import calendar
from lambent.cli import left_out_files
from lambent.cli.app_options import AppSource, Builder, with_app, with_builder
from lambent.cli.confirmation import confirm_public, is_explicit
from lambent.cli.destination import Destination, with_destination
from lambent.cli.local_config import adapt_to_local
from lambent.cli.options import json_option, yes_option
from lambent.cli.smoke_test import smoke_test_once
from lambent.config.advice import advise
from lambent.config.model import Config
from lambent.deploy.context import DeployContext
from lambent.deploy.deploy import allow, deploy
from lambent.events import Emit, Warned
from lambent.ui.reporter import reporter


@click.command("deploy")
@with_app
@with_builder
@click.option("--prove/--no-prove", default=True, help="Start the app once on this machine before uploading it (default).")
@yes_option
@json_option
@with_destination
def command(app: AppSource, builder: Builder, prove: bool, yes: bool, as_json: bool, destination: Destination) -> None:
    """Build and deploy an app, and print its URL.

    PATH is a folder or a Python file. Default: the current folder.

    lambent finds the app, builds its zip, creates what is missing in AWS or on the local Lambda, and requests the URL until it
    answers. Run it again after a change or an interruption: it only does what is left to do. Only the URL goes to stdout.

    lambent asks before it creates a public URL in AWS. To skip the question, pass --yes or --auth, or set `auth`.
    """
    with reporter(as_json) as emit:
        config, destination = load_for_destination(app, destination, emit)
        account = None if destination.local else destination.connect(emit)  # missing credentials are reported before the build
        artifact = builder.build(config, emit)
        agreed = destination.local or yes or is_explicit(config)
        with left_out_files.explained(config, artifact):
            if prove and not destination.local:  # the local Lambda starts it anyway, to check the new version
                artifact = smoke_test_once(config, artifact, builder.cache, emit)
            deploy(
                config,
                artifact,
                DeployContext(account or destination.connect(emit), destination.describe(emit), destination.timing),
                confirm_public=allow if agreed else partial(confirm_public, interactive=not as_json),
            )


def load_for_destination(app: AppSource, destination: Destination, emit: Emit) -> tuple[Config, Destination]:
    """Return the app's configuration as its destination supports it, and the destination as the configuration completes it.

    Warns about a runtime that AWS is about to drop, about settings that the local Lambda doesn't support, and about what the
    app's own files show.
    """
    rules_date = destination.rules_date
    config = app.load(emit, rules_date, destination.architecture)
    if notice := calendar.deprecation_notice(config.runtime, rules_date):
        emit(Warned(notice, f"--runtime {calendar.supported_runtimes(rules_date)[0].name}"))
    for event in advise(config):
        emit(event)
    if destination.local:
        config = adapt_to_local(config, emit)
    return config, destination.with_defaults(config.region, config.profile)

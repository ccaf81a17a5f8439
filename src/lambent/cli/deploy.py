"""`lambent deploy`: build, deploy, and request the URL until it answers."""

from __future__ import annotations

from functools import partial

import click

from lambent.cli.app_choice import choose_app
from lambent.cli.app_options import with_app, with_builder, with_databases
from lambent.cli.confirmation import Consent, confirm_move, confirm_public, is_terminal, with_consent
from lambent.cli.connection import same_app
from lambent.cli.destination_options import with_destination
from lambent.cli.missing_values import ask_values
from lambent.cli.options import json_option
from lambent.config.model import Config
from lambent.deployment.deploy import allow
from lambent.deployment.sample_events import NAMES
from lambent.errors import DetectionError
from lambent.events import Emit, Notice
from lambent.library.app_source import AppSource, Builder
from lambent.library.deploy import DeployedBuild, DeployOptions, deploy_app
from lambent.library.destination import Destination
from lambent.ui.reporter import reporter


@click.command("deploy")
@with_app
@with_databases
@with_builder
@click.option("--prove/--no-prove", default=True, help="Start the app once on this machine before uploading it (default).")
@with_consent
@json_option
@with_destination
def command(
    app: AppSource,
    builder: Builder,
    prove: bool,
    consent: Consent,
    as_json: bool,
    destination: Destination,
) -> None:
    """Build and deploy an app, and print its URL.

    PATH is a folder, a Python file or a SQLite database. Default: the current folder.

    lambent finds the app, builds its zip, creates what is missing in AWS or on the local Lambda, and requests the URL until it
    answers. Run it again after a change or an interruption: it only does what is left to do. Only the URL goes to stdout.

    lambent asks before it creates a public URL in AWS. To skip the question, pass --yes or --auth, or set `auth`.
    """
    options = DeployOptions(
        confirm_public=allow if consent.yes else partial(confirm_public, interactive=not as_json),
        confirm_move=partial(confirm_move, moved_from=consent.moved_from, interactive=not as_json),
        smoke_test=prove,
        ask=ask_values if is_terminal() and not (consent.yes or as_json) else None,
    )
    with reporter(as_json) as emit:
        build = _deploy_chosen(app, builder, destination, emit, options)
        if not build.deployed.url:
            emit(Notice(_invoke_command(build.config)))


def _deploy_chosen(
    app: AppSource, builder: Builder, destination: Destination, emit: Emit, options: DeployOptions
) -> DeployedBuild:
    """Deploy an app. If there are several, ask which one if anything may be asked."""
    while True:
        try:
            return deploy_app(app, builder, destination, emit, options)
        except DetectionError as error:
            if options.ask is None or not error.choices:
                raise
            app = choose_app(app, error, emit, local=destination.local)


def _invoke_command(config: Config) -> str:
    """Return what to try next with a function that has no URL."""
    sample = next((name for name in NAMES if name in config.app.trigger.split(", ")), "")
    event = f" --event {sample}" if sample else ""
    return f"to call it with an event: lambent invoke{event}{same_app(click.get_current_context())}"

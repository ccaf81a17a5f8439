"""`lambent deploy`: build, deploy, and request the URL until it answers."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial

import click
from msgspec import Struct
from msgspec.structs import replace

from lambent import calendar, interpreters
from lambent.aws.interface import Aws
from lambent.cli.app_options import AppSource, Builder, with_app, with_builder
from lambent.cli.confirmation import Consent, confirm_move, confirm_public, is_explicit, once, with_consent
from lambent.cli.connection import same_app
from lambent.cli.destination import Destination, with_destination
from lambent.cli.failure_explanation import explained
from lambent.cli.local_config import adapt_to_local
from lambent.cli.older_runtime import with_older_runtime
from lambent.cli.options import json_option
from lambent.cli.smoke_test import smoke_test_once
from lambent.cli.version_description import describe_version
from lambent.config.advice import advise
from lambent.config.live_environment import keep_live_variables
from lambent.config.model import Config
from lambent.config.own_writes import find_own_write
from lambent.config.python_runtime import keep_live
from lambent.config.variables.automatic import set_automatically
from lambent.config.variables.hosts import refuse_hosts
from lambent.config.variables.unset import find_unset, refuse_unset
from lambent.deploy import writable
from lambent.deploy.context import DeployContext
from lambent.deploy.deploy import allow, deploy
from lambent.deploy.observed import deployed_name, has_passed_check, live_settings
from lambent.deploy.sample_events import NAMES
from lambent.errors import FunctionFailedError, PackagingError
from lambent.events import Deployed, Emit, Notice, Warned
from lambent.package.artifact import Artifact
from lambent.ui.reporter import reporter


@click.command("deploy")
@with_app
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

    PATH is a folder or a Python file. Default: the current folder.

    lambent finds the app, builds its zip, creates what is missing in AWS or on the local Lambda, and requests the URL until it
    answers. Run it again after a change or an interruption: it only does what is left to do. Only the URL goes to stdout.

    lambent asks before it creates a public URL in AWS. To skip the question, pass --yes or --auth, or set `auth`.
    """
    with reporter(as_json) as emit:
        config, destination, account = load_for_destination(app, builder, destination, emit)
        config = replace(config, description=describe_version(config.folder))
        ask = partial(confirm_public, interactive=not as_json)
        confirm = allow if destination.local or consent.yes or is_explicit(config) else once(ask)

        def deploy_artifact(config: Config, artifact: Artifact) -> Deployed:
            if prove and not destination.local:  # the local Lambda starts it anyway, to check the new version
                artifact = smoke_test_once(config, artifact, builder.cache, emit)
            return deploy(
                config,
                artifact,
                DeployContext(account or destination.connect(emit), destination.describe(emit)),
                confirm_public=confirm,
                confirm_move=partial(confirm_move, moved_from=consent.moved_from, interactive=not as_json),
            )

        build = build_and_deploy(config, builder, emit, deploy_artifact)
        if not build.deployed.url:
            emit(Notice(_invoke_command(build.config)))


class DeployedBuild(Struct, frozen=True):
    """What was deployed, which may have an older runtime than was asked for, and how that ended."""

    config: Config
    artifact: Artifact
    deployed: Deployed


def build_and_deploy(
    config: Config, builder: Builder, emit: Emit, deploy_artifact: Callable[[Config, Artifact], Deployed]
) -> DeployedBuild:
    """Build the zip and deploy it, with an older runtime if it turns out that the app needs one."""
    while True:
        try:
            artifact = builder.build(config, emit)
            with explained(config, artifact):
                return DeployedBuild(config, artifact, deploy_artifact(config, artifact))
        except (FunctionFailedError, PackagingError) as error:
            older = with_older_runtime(config, error)
            if older is None:
                raise
        config = builder.choose_runtime(older, emit)


def _invoke_command(config: Config) -> str:
    """Return what to try next with a function that has no URL."""
    sample = next((name for name in NAMES if name in config.app.trigger.split(", ")), "")
    event = f" --event {sample}" if sample else ""
    return f"to call it with an event: lambent invoke{event}{same_app(click.get_current_context())}"


def load_for_destination(
    app: AppSource, builder: Builder, destination: Destination, emit: Emit, *, ask_live: bool = True
) -> tuple[Config, Destination, Aws | None]:
    """Return the app's configuration as its destination supports it, and the destination as the configuration completes it.

    Variables that an earlier --env has set stay. The runtime is the one that is live, if `ask_live` and it still fits. The
    API of the destination is None if it isn't running yet. Warns about a runtime that AWS is about to drop, about settings
    that the local Lambda doesn't support, and about what the app's own files show. Raises UsageError if variables are missing
    without which the app can't start.
    """
    rules_date = destination.rules_date
    config = app.load(emit, rules_date, destination.architecture, destination.installed)
    destination = destination.with_defaults(config.region, config.profile)
    account = destination.connect(emit) if destination.exists else None  # missing credentials are reported before the build
    if account is not None:
        config = replace(config, name=deployed_name(account, config.name, config.former_name, config.identities))
    live = live_settings(account, config.name, config.identities) if account is not None and ask_live else None
    if live is not None:
        config = keep_live_variables(config, dict(live.environment))
    if account is not None and live is not None and config.candidates.runtimes and has_passed_check(account, config.name):
        config = keep_live(config, live.runtime)
    config, unset, lines = set_automatically(config, find_unset(config), local=destination.local)
    refuse_unset(config, unset)
    refuse_hosts(config, local=destination.local)
    for line in lines:
        emit(line)
    config = builder.choose_runtime(config, emit)
    if notice := calendar.deprecation_notice(config.runtime, rules_date):
        emit(Warned(notice, _newer_runtime(config, destination)))
    for event in advise(config, unset):
        emit(event)
    config = _run_where_it_writes(config, emit)
    return adapt_to_local(config, emit) if destination.local else config, destination, account


def _run_where_it_writes(config: Config, emit: Emit) -> Config:
    """Return the configuration that runs a web app from a copy in /tmp if its code writes next to itself."""
    if config.writable is not None or config.app.kind == "handler" or config.client != "lambent":
        return config
    write = find_own_write(config)
    if write is None:
        return config
    emit(writable.warning(f"{write.path} ({write.location})"))
    return replace(config, writable=True, origins={**config.origins, "writable": write.location})


def _newer_runtime(config: Config, destination: Destination) -> str:
    """Return what to try instead of a runtime that AWS is about to drop: nothing if it is the newest that fits."""
    candidates, on = config.candidates, destination.rules_date
    if candidates.runtimes and config.origins["runtime"] not in (candidates.named_by, candidates.origin_of(candidates.live)):
        return ""
    for runtime in calendar.accepted_runtimes(on):
        is_usable = destination.installed == "any" or interpreters.find(runtime.python, os.environ) is not None
        if is_usable and runtime.name not in dict(candidates.excluded) and runtime.name != config.runtime:
            return f"--runtime {runtime.name}"
    return ""

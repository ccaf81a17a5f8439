"""`lambent deploy`: build, deploy, and ask the URL until it answers."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Any

import click

from lambent import calendar
from lambent.cli.locally import for_local
from lambent.cli.options import app_options, build_options, json_option, yes_option
from lambent.cli.public import confirm_public, is_explicit
from lambent.cli.target import Target, check_it_runs_here, native, taken, target_options
from lambent.cli.tried import before_upload
from lambent.config.load import Flags, load
from lambent.config.model import Config
from lambent.deploy.deploy import allow, deploy
from lambent.events import Detected, Emit, Warned
from lambent.package.build import build
from lambent.package.build_context import BuildOptions
from lambent.ui import choose


@click.command("deploy")
@app_options
@build_options
@click.option("--prove/--no-prove", default=True, help="Before an upload to AWS, start the app once on this machine (default).")
@yes_option
@json_option
@target_options
def command(path: Path, prove: bool, yes: bool, as_json: bool, **options: Any) -> None:
    """Put the app at PATH (a folder or a Python file; default: here) online.

    Finds the app, builds its zip, makes what is missing in AWS or on the local Lambda, and asks the URL until it answers.
    Run again, it changes only what has changed. The URL is the only thing printed on stdout.

    Before a URL in AWS becomes public for the first time it asks, unless --yes, --auth or the setting `auth` said so.
    """
    target, cache = taken(options), options.pop("cache_dir")
    wishes = BuildOptions(options.pop("native"), options.pop("refresh"))
    with choose.reporter(as_json) as emit:
        config, target = configured(path, Flags(**options), target, emit)
        account = None if target.local else target.connect(emit)  # missing credentials are said before any work is done
        artifact = build(config, cache, os.environ, emit, wishes)
        if prove and not target.local:  # there the check of the new version does the same
            before_upload(config, artifact, cache, os.environ, emit)
        agreed = target.local or yes or is_explicit(config)
        deploy(
            config,
            artifact,
            account or target.connect(emit),
            target.named(emit),
            confirm_public=allow if agreed else partial(confirm_public, interactive=not as_json),
            patience=target.patience,
        )


def configured(path: Path, flags: Flags, target: Target, emit: Emit) -> tuple[Config, Target]:
    """The app at `path` as it is to be built, and where it goes."""
    architecture = native() if target.local else "x86_64"
    config = load(path, flags, os.environ, target.rules_of, native_architecture=architecture)
    emit(Detected(config.app.spec, config.app.kind, config.app.source))
    if closing := calendar.deprecation_notice(config.runtime, target.rules_of):
        emit(Warned(closing, f"--runtime {calendar.supported_runtimes(target.rules_of)[0].name}"))
    if target.local:
        check_it_runs_here(config, emit)
        config, left_out = for_local(config)
        for text in left_out:
            emit(Warned(text))
    return config, target.of(config.region, config.profile)

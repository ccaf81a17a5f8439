"""`lambent config`: every setting of an app and where its value comes from."""

from __future__ import annotations

import click

from lambent.cli.app_options import with_app, with_builder
from lambent.cli.options import json_option
from lambent.config.display import describe
from lambent.config.model import Config
from lambent.errors import PackagingError
from lambent.events import ignore
from lambent.library.app_source import AppSource, Builder
from lambent.ui.reporter import reporter


@click.command("config")
@with_app
@with_builder
@click.option("--show-env", is_flag=True, help="Show the values of environment variables too.")
@json_option
def command(app: AppSource, builder: Builder, show_env: bool, as_json: bool) -> None:
    """Show every setting and where its value comes from.

    PATH is a folder or a Python file. Default: the current folder.

    Takes the same options as `lambent deploy`. Needs no AWS account, so the runtime is that of a first deploy. The values of
    environment variables are hidden unless you pass --show-env. Secrets are shown as references, never as values.
    """
    with reporter(as_json) as emit:
        emit(describe(_with_runtime(app.load(builder.cache, ignore), builder), show_env=show_env))


def _with_runtime(config: Config, builder: Builder) -> Config:
    """Return the configuration with the runtime that the requirements fit. If they fit none, its origin says so."""
    try:
        return builder.choose_runtime(config, ignore)
    except PackagingError as error:
        return config.with_runtime(config.runtime, f"{config.origins['runtime']}; {error.what}")

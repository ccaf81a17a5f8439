"""`lambent config`: every setting of an app and where its value comes from."""

from __future__ import annotations

import click

from lambent.cli.app_options import AppSource, with_app
from lambent.cli.options import json_option
from lambent.config.display import describe
from lambent.events import ignore
from lambent.ui.reporter import reporter


@click.command("config")
@with_app
@click.option("--show-env", is_flag=True, help="Show the values of environment variables too.")
@json_option
def command(app: AppSource, show_env: bool, as_json: bool) -> None:
    """Show every setting and where its value comes from.

    PATH is a folder or a Python file. Default: the current folder.

    Takes the same options as `lambent deploy`. Needs no AWS account. The values of environment variables are hidden unless you
    pass --show-env. Secrets are shown as references, never as values.
    """
    with reporter(as_json) as emit:
        emit(describe(app.load(ignore), show_env=show_env))

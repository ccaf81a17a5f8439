"""`lambent config`: every setting of an app as it counts, and where it came from."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from typing import Any

import click

from lambent.cli.options import app_options, json_option
from lambent.config.display import describe
from lambent.config.load import Flags, load
from lambent.ui import choose


@click.command("config")
@app_options
@click.option("--show-env", is_flag=True, help="Show the values of environment variables too.")
@json_option
def command(path: Path, show_env: bool, as_json: bool, **options: Any) -> None:
    """Show every setting of the app at PATH (default: here), and where its value came from.

    Takes what `lambent deploy` takes, and asks nobody. The values of environment variables are not shown, unless asked for;
    a secret by reference is shown as the reference it is.
    """
    with choose.reporter(as_json) as emit:
        emit(describe(load(path, Flags(**options), os.environ, date.today()), show_env=show_env))

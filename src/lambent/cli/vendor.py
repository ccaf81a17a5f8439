"""`lambent vendor`: the runtime as a folder, for a zip that another tool builds."""

from __future__ import annotations

from pathlib import Path

import click

from lambent.cli.options import json_option
from lambent.events import Vendored
from lambent.package.vendor import vendor
from lambent.ui.reporter import reporter


@click.command("vendor")
@click.argument("folder", default=".", type=click.Path(path_type=Path))
@json_option
def command(folder: Path, as_json: bool) -> None:
    """Copy lambent's runtime into FOLDER as the package lambent_runtime. Default: the current folder.

    It needs only Python 3.8 or newer, and replaces Mangum or apig-wsgi in a zip that any tool builds:

    \b
    from lambent_runtime.compat import Mangum
    from lambent_runtime.compat import make_lambda_handler
    """
    path, files = vendor(folder)
    with reporter(as_json) as emit:
        emit(Vendored(str(path), files))

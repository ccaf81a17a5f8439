"""`lambent vendor`: the runtime as a folder, for a zip that another tool builds."""

from __future__ import annotations

from pathlib import Path

import click

from lambent.package.vendor import vendor


@click.command("vendor")
@click.argument("folder", default=".", type=click.Path(path_type=Path))
def command(folder: Path) -> None:
    """Copy lambent's runtime into FOLDER as the package lambent_runtime. Default: the current folder.

    It needs only Python 3.8 or newer, and replaces Mangum or apig-wsgi in a zip that any tool builds:

    \b
    from lambent_runtime.compat import Mangum
    from lambent_runtime.compat import make_lambda_handler
    """
    path, files = vendor(folder)
    click.echo(f"{path}: {files} files, Python 3.8 or newer, no dependencies")
    click.echo("  from lambent_runtime.compat import Mangum                replaces: from mangum import Mangum")
    click.echo("  from lambent_runtime.compat import make_lambda_handler   replaces: from apig_wsgi import make_lambda_handler")

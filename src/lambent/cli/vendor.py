"""`lambent vendor`: the runtime as a folder, for a zip that another tool makes."""

from __future__ import annotations

from pathlib import Path

import click

from lambent.package.vendor import vendor


@click.command("vendor")
@click.argument("folder", default=".", type=click.Path(path_type=Path))
def command(folder: Path) -> None:
    """Copy lambent's runtime into FOLDER (default: here) as the package lambent_runtime.

    It needs nothing but Python 3.10 or newer, and takes the place of Mangum or apig-wsgi in a zip made by any tool:

    \b
    from lambent_runtime.compat import Mangum
    from lambent_runtime.compat import make_lambda_handler
    """
    path, count = vendor(folder)
    click.echo(f"{path}: {count} files, Python 3.10 or newer, no dependencies")
    click.echo("  from lambent_runtime.compat import Mangum                was: from mangum import Mangum")
    click.echo("  from lambent_runtime.compat import make_lambda_handler   was: from apig_wsgi import make_lambda_handler")

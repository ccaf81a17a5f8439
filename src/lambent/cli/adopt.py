"""`lambent adopt`: take over a function that lambent didn't create."""

from __future__ import annotations

from pathlib import Path

import click

from lambent.cli.destination_options import with_destination
from lambent.cli.options import app_option, cache_option, path_option
from lambent.config.load import Flags
from lambent.config.starter_table import add_to_pyproject, adopted_table
from lambent.deployment.adoption import Adoption, find_function, take_over
from lambent.events import Emit, Notice
from lambent.library.app_source import AppSource
from lambent.library.destination import Destination
from lambent.ui.reporter import reporter


@click.command("adopt")
@click.argument("function")
@path_option
@app_option
@cache_option
@with_destination
def command(function: str, path: Path, app: str | None, cache_dir: Path, destination: Destination) -> None:
    """Take over FUNCTION, which lambent didn't create: by hand, by SAM, by Zappa.

    Writes its settings as [tool.lambent] to pyproject.toml, and tags the function, so that lambent deploy updates it. Nothing
    else changes until then. Its environment variables stay in the function, and deploys keep them.
    """
    with reporter(as_json=False) as emit:
        config = AppSource(path, Flags(name=function, app=app)).load(cache_dir, emit)
        aws = destination.with_defaults(config.region, config.profile).connect(emit)
        adoption = find_function(aws, function)
        table = adopted_table(config.app, adoption.table, adoption.variables)
        written = add_to_pyproject(config.path, table)
        take_over(aws, adoption)
        if written is None:
            emit(Notice("pyproject.toml has a [tool.lambent]: write these settings into it yourself"))
            click.echo(table, nl=False)
        else:
            emit(Notice(f"wrote [tool.lambent] to {written}"))
        _explain(adoption, emit)


def _explain(adoption: Adoption, emit: Emit) -> None:
    if adoption.variables:
        emit(Notice(f"kept in the function, and by each deploy: {', '.join(adoption.variables)}"))
    if adoption.url is not None:
        emit(Notice(f"its URL stays: {adoption.url.address}"))
        emit(Notice("  it leads to $LATEST, so it gets new code before the check; lambent's own URL gets it after"))
    emit(Notice("lambent plan shows what a deploy changes"))

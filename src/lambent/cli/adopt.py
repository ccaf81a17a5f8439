"""`lambent adopt`: take over a function that lambent didn't create."""

from __future__ import annotations

import os
from pathlib import Path

import click

from lambent.cli.destination_options import with_destination
from lambent.cli.options import app_option, cache_option, path_option
from lambent.config.load import Flags, locate_app
from lambent.config.model import Config
from lambent.config.starter_table import adopted_table, extend_pyproject
from lambent.deployment.adoption import Adoption, find_function, take_over
from lambent.errors import DetectionError
from lambent.events import Emit, FileWritten, Notice
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
        location = locate_app(path, Flags(name=function), os.environ)
        aws = destination.with_defaults(location.region, location.profile).connect(emit)
        adoption = find_function(aws, function)
        config = _load(path, app, adoption, cache_dir, emit)
        table = adopted_table(config.app, adoption.table, adoption.variables)
        extension = extend_pyproject(config.path, table)
        take_over(aws, adoption)  # first: the credentials may not be allowed to
        if extension is None:
            emit(Notice("pyproject.toml has a [tool.lambent]: write these settings into it yourself"))
            click.echo(table, nl=False)
        else:
            emit(FileWritten("[tool.lambent]", str(extension.write())))
        _explain(adoption, emit)


def _load(path: Path, app: str | None, adoption: Adoption, cache: Path, emit: Emit) -> Config:
    """Return the configuration of the project. If nothing says which app it has, the function's own handler does."""
    name = adoption.names.app
    try:
        return AppSource(path, Flags(name=name, app=app)).load(cache, emit)
    except DetectionError:
        module, _, attribute = adoption.function.settings.handler.replace("/", ".").rpartition(".")
        if app is not None or not path.joinpath(*module.split(".")).with_suffix(".py").is_file():
            raise
        return AppSource(path, Flags(name=name, app=f"{module}:{attribute}")).load(cache, emit)


def _explain(adoption: Adoption, emit: Emit) -> None:
    if adoption.variables:
        emit(Notice(f"kept in the function, and by each deploy: {', '.join(adoption.variables)}"))
    if adoption.url is not None:
        emit(Notice(f"its URL stays: {adoption.url.address}"))
        emit(Notice("  it leads to $LATEST, so it gets new code before the check; lambent's own URL gets it after"))
    emit(Notice("lambent plan shows what a deploy changes"))

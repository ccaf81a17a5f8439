"""`lambent export`: the app as a template for another tool."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from typing import Any

import click

from lambent.cli.options import app_options, build_options, json_option
from lambent.config.load import Flags, load
from lambent.deploy.desired import desired
from lambent.deploy.export.cloudformation import cloudformation
from lambent.deploy.export.place import anywhere
from lambent.deploy.export.terraform import terraform
from lambent.events import Detected, Notice
from lambent.package.build import build
from lambent.package.build_context import BuildOptions
from lambent.package.output_file import write
from lambent.ui import choose

_FORMS = {"cloudformation": cloudformation, "terraform": terraform}


@click.command("export")
@click.argument("form", type=click.Choice([*_FORMS]))
@app_options
@build_options
@click.option("--output", "-o", metavar="FILE", type=click.Path(path_type=Path), help="Write it there instead of stdout.")
@json_option
def command(form: str, path: Path, output: Path | None, as_json: bool, **options: Any) -> None:
    """Write what `lambent deploy` makes for the app at PATH (default: here) as a template, under the same names.

    CloudFormation in JSON, or Terraform in its JSON form (name the file *.tf.json). Needs no account; the template takes the
    bucket and the key of the zip as parameters, and the environment variables of a .env file or that look secret.
    """
    cache = options.pop("cache_dir")
    wishes = BuildOptions(options.pop("native"), options.pop("refresh"))
    with choose.reporter(as_json) as emit:
        config = load(path, Flags(**options), os.environ, date.today())
        emit(Detected(config.app.spec, config.app.kind, config.app.source))
        artifact = build(config, cache, os.environ, emit, wishes)
        text = _FORMS[form](desired(config, artifact, anywhere(config.name)))
        emit(Notice(f"the zip it needs: aws s3 cp {artifact.path} s3://BUCKET/{config.name}.zip"))
        if output is None:
            click.echo(text, nl=False)
        else:
            write(text, output)
            click.echo(output)

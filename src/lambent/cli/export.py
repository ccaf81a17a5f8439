"""`lambent export`: the app as a template for CloudFormation or Terraform."""

from __future__ import annotations

from pathlib import Path

import click

from lambent.cli.app_options import with_app, with_builder
from lambent.cli.options import json_option
from lambent.deployment.desired import desired
from lambent.deployment.export.cloudformation import cloudformation
from lambent.deployment.export.placeholders import placeholder_names
from lambent.deployment.export.terraform import terraform
from lambent.events import Notice
from lambent.library.app_source import AppSource, Builder
from lambent.library.build_attempts import build_app
from lambent.package.output_file import write
from lambent.ui.reporter import reporter

_FORMATS = {"cloudformation": cloudformation, "terraform": terraform}


@click.command("export")
@click.argument("template", type=click.Choice([*_FORMATS]))
@with_app
@with_builder
@click.option("--output", "-o", metavar="FILE", type=click.Path(path_type=Path), help="Write to FILE instead of stdout.")
@json_option
def command(template: str, app: AppSource, builder: Builder, output: Path | None, as_json: bool) -> None:
    """Export what `lambent deploy` creates as a template, with the same names.

    PATH is a folder or a Python file. Default: the current folder.

    CloudFormation templates are JSON. Terraform's are too: name the file *.tf.json. Needs no AWS account. The template has
    parameters for the bucket and key of the zip, and for environment variables that come from a .env file or look secret.
    """
    with reporter(as_json) as emit:
        config = builder.choose_runtime(app.load(builder.cache, emit), emit)
        config, artifact = build_app(config, builder, emit)
        text = _FORMATS[template](desired(config, artifact, placeholder_names(config.name)))
        emit(Notice(f"upload the zip before you use the template: aws s3 cp {artifact.path} s3://BUCKET/{config.name}.zip"))
        if output is None:
            click.echo(text, nl=False)
        else:
            write(text, output)
            click.echo(output)

"""`lambent build`: the zip and its size breakdown. Needs no AWS account and no local Lambda."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from lambent.cli.app_options import pass_app, with_builder, with_databases
from lambent.cli.build_output import BuildOutput, packed, record_phases, with_output
from lambent.cli.options import app_option, json_option, overflow_option, path_argument, runtime_option
from lambent.config.model import Config
from lambent.errors import UsageError
from lambent.events import Emit, Phase
from lambent.lazy import LazyModule
from lambent.library.app_source import AppSource, Builder
from lambent.library.build_attempts import attempt, build_and_use
from lambent.package.artifact import Artifact
from lambent.ui.reporter import reporter

if TYPE_CHECKING:
    from lambent.library import smoke_test
    from lambent.package import lock_file
else:
    lock_file = LazyModule("lambent.package.lock_file")
    smoke_test = LazyModule("lambent.library.smoke_test")  # imports the local Lambda's sandbox, which few builds need


@click.command("build")
@path_argument
@app_option
@click.option("--target", metavar="T", help="Runtime and architecture in one: python3.13-arm64. Or just one: arm64.")
@runtime_option
@click.option("--arch", "architecture", metavar="A", help="x86_64 (default) or arm64.")
@overflow_option
@click.option("--keep-all", is_flag=True, default=None, help="Keep every file that pip would install.")
@click.option("--lock", is_flag=True, help="Write pylock.<target>.toml, which later builds for that target use.")
@click.option("--layer", is_flag=True, help="Build a layer with only the dependencies.")
@click.option("--no-dependencies", is_flag=True, help="Build only the app, for a function that has them in a layer.")
@click.option("--prove", is_flag=True, help="Start the app from the zip once on this machine.")
@pass_app
@with_databases
@with_builder
@with_output
@json_option
def command(app: AppSource, builder: Builder, output: BuildOutput, lock: bool, prove: bool, as_json: bool) -> None:
    """Build the Lambda zip of an app, and show its size breakdown.

    PATH is a folder, a Python file or a SQLite database. Default: the current folder.

    Needs no AWS account and no local Lambda. The same input gives the same zip, byte for byte, on every machine. Only the path
    of the zip goes to stdout: its path in the cache, or FILE with --output.
    """
    scope = builder.options.scope
    if prove and scope != "all":
        raise UsageError("only a complete app can be started", where="--prove", hint="remove --layer and --no-dependencies")
    with reporter(as_json) as emit:
        config = builder.choose_runtime(app.load(builder.cache, emit, app_required=scope != "layer"), emit)
        output.check()
        config = output.exclude_zip(config, emit)
        if lock:
            config = attempt(config, builder, emit, lambda config: _lock(config, builder, emit))
        phases: list[Phase] = []
        emit_and_record = record_phases(emit, phases)

        def start(config: Config, artifact: Artifact) -> None:
            if prove:
                smoke_test.smoke_test(config, artifact, builder.cache, emit_and_record)

        config, artifact, _ = build_and_use(config, builder, emit_and_record, start)
        output.report_sizes(artifact, emit)
        emit(packed(config.name, artifact, output.copy(artifact, emit), scope, phases))


def _lock(config: Config, builder: Builder, emit: Emit) -> Config:
    lock_file.write_lock(config, builder.cache, os.environ, emit, builder.options)
    return config

"""`lambent build`: the zip, what takes the room in it, and nothing else: no account, no service."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lambent.cli import zipped
from lambent.cli.options import app_option, arch_option, build_options, overflow_option, runtime_option
from lambent.config.load import Flags, load
from lambent.config.model import Config
from lambent.errors import UsageError
from lambent.events import Detected, Emit, Phase
from lambent.lazy import LazyModule
from lambent.package import output_file
from lambent.package.artifact import Artifact
from lambent.package.build import build
from lambent.package.build_context import BuildOptions, Scope
from lambent.ui import choose

if TYPE_CHECKING:
    from lambent.package import lock_file
else:
    lock_file = LazyModule("lambent.package.lock_file")


@click.command("build")
@click.argument("path", default=".", type=click.Path(path_type=Path))
@app_option
@click.option("--target", metavar="T", help="The runtime and the machine in one: python3.13-arm64, or one of them: arm64.")
@runtime_option
@arch_option
@click.option("--keep-all", is_flag=True, default=None, help="Leave dependencies as an installer places them.")
@click.option("--lock", is_flag=True, help="Write pylock.<target>.toml, which later builds for that target use.")
@click.option("--layer", is_flag=True, help="Build a layer of the dependencies alone.")
@click.option("--no-dependencies", "alone", is_flag=True, help="Build the app without them: it has them as a layer.")
@click.option("--prove", is_flag=True, help="Start the app of the zip once on this machine, as on Lambda.")
@click.option("--output", "-o", metavar="FILE", type=click.Path(path_type=Path), help="Put a copy of the zip there.")
@overflow_option
@build_options
@click.option("--report", "page", metavar="FILE", type=click.Path(path_type=Path), help="Write a map of the sizes, as HTML.")
@click.option("--show-files", is_flag=True, help="List every file in the zip, with its sizes and its package.")
@click.option("--json", "as_json", is_flag=True, help="Say everything as JSON lines.")
def command(path: Path, as_json: bool, **options: Any) -> None:
    """Build the Lambda zip of the app at PATH (a folder or a Python file; default: here), and say what takes the room.

    Needs no AWS account and no local Lambda. The same input gives the same bytes, on every machine. The zip's path (in the
    cache, or what -o says) is the only thing printed on stdout.
    """
    with choose.reporter(as_json) as emit:
        _build(path, options, as_json, emit)


def _build(path: Path, options: dict[str, Any], as_json: bool, emit: Emit) -> None:
    lock, prove, cache, place, page, show_files = (
        options.pop(key) for key in ("lock", "prove", "cache_dir", "output", "page", "show_files")
    )
    part = _part(options.pop("layer"), options.pop("alone"), prove)
    wishes = BuildOptions(options.pop("native"), options.pop("refresh"), scope=part)
    config = load(path, Flags(**options), os.environ, date.today())
    zipped.check(place, page)
    emit(Detected(config.app.spec, config.app.kind, config.app.source))
    if lock:
        lock_file.write_lock(config, cache, os.environ, emit, wishes)
    phases: list[Phase] = []
    timed = zipped.timed(emit, phases)
    artifact = build(zipped.without(config, place, emit), cache, os.environ, timed, wishes)
    if prove:
        _try_out(config, artifact, cache, timed)
    zipped.tell(artifact, page, show_files, emit)
    if place is not None:
        output_file.copy(artifact.path, place)
    zipped.beside(artifact, place, emit)
    emit(zipped.packed(config.name, artifact, (place or artifact.path).absolute(), part, phases))


def _try_out(config: Config, artifact: Artifact, cache: Path, emit: Emit) -> None:
    from lambent.cli.tried import try_out  # brings the local Lambda's sandbox with it, and few builds need it

    try_out(config, artifact, cache, os.environ, emit)


def _part(layer: bool, alone: bool, prove: bool) -> Scope:
    if prove and (layer or alone):
        raise UsageError("only a whole function can be tried out", where="--prove", hint="leave --prove out")
    if layer and alone:
        raise UsageError("a layer has nothing but dependencies", where="--layer", hint="leave --no-dependencies out")
    return "layer" if layer else "app" if alone else "all"

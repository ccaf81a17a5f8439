"""`lambent build`: the zip, what takes the room in it, and nothing else: no account, no service."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import click
import platformdirs

from lambent.cli.options import app_option, arch_option, runtime_option
from lambent.config.load import Flags, load
from lambent.config.model import Config
from lambent.errors import LambentError, UsageError
from lambent.events import Built, Detected, Emit, Event, Listed, Notice, Packed, Phase, Sized, Warned
from lambent.package import output, report, treemap
from lambent.package.artifact import Artifact
from lambent.package.build import build
from lambent.package.dependencies import Part, Wishes
from lambent.package.locked import write_lock
from lambent.package.source import packs
from lambent.ui import choose, jsonlines


@click.command("build")
@click.argument("path", default=".", type=click.Path(path_type=Path))
@app_option
@click.option("--target", metavar="T", help="The runtime and the machine in one: python3.13-arm64, or one of them: arm64.")
@runtime_option
@arch_option
@click.option("--keep-all", is_flag=True, default=None, help="Leave dependencies as an installer places them.")
@click.option("--build-native", "native", is_flag=True, help="Build C code without a fitting wheel, with zig.")
@click.option("--upgrade", "refresh", is_flag=True, help="Ask the package indexes again.")
@click.option("--lock", is_flag=True, help="Write pylock.<target>.toml, which later builds for that target use.")
@click.option("--layer", is_flag=True, help="Build a layer of the dependencies alone.")
@click.option("--no-dependencies", "alone", is_flag=True, help="Build the app without them: it has them as a layer.")
@click.option("--prove", is_flag=True, help="Start the app of the zip once on this machine, as on Lambda.")
@click.option("--output", "-o", metavar="FILE", type=click.Path(path_type=Path), help="Put a copy of the zip there.")
@click.option(
    "--cache-dir",
    metavar="DIR",
    envvar="LAMBENT_CACHE",
    type=click.Path(path_type=Path, file_okay=False),
    default=lambda: Path(platformdirs.user_cache_dir("lambent")),
    help="Where wheels, what is made of them, and zips are kept.",
)
@click.option("--report", "page", metavar="FILE", type=click.Path(path_type=Path), help="Write a map of the sizes, as HTML.")
@click.option("--show-files", is_flag=True, help="List every file in the zip, with its sizes and its package.")
@click.option("--json", "as_json", is_flag=True, help="Say everything as JSON lines.")
def command(path: Path, as_json: bool, **options: Any) -> None:
    """Build the Lambda zip of the app at PATH (a folder or a Python file; default: here), and say what takes the room.

    Needs no AWS account and no local Lambda. The same input gives the same bytes, on every machine. The zip's path (in the
    cache, or what -o says) is the only thing printed on stdout.
    """
    with choose.reporter(as_json) as emit:
        try:
            _build(path, options, emit)
        except LambentError as error:
            if as_json:
                jsonlines.fail(error)
            raise


def _build(path: Path, options: dict[str, Any], emit: Emit) -> None:
    lock, prove, cache, place, page, show_files = (
        options.pop(key) for key in ("lock", "prove", "cache_dir", "output", "page", "show_files")
    )
    part = _part(options.pop("layer"), options.pop("alone"), prove)
    wishes = Wishes(options.pop("native"), options.pop("refresh"), part=part)
    config = load(path, Flags(**options), os.environ, date.today())
    _check(place, page)
    emit(Detected(config.app.spec, config.app.kind, config.app.source))
    if lock:
        write_lock(config, cache, os.environ, emit, wishes)
    phases: list[Phase] = []
    timed = _timed(emit, phases)
    artifact = build(_without(config, place, emit), cache, os.environ, timed, wishes)
    if prove:
        _try_out(config, artifact, cache, timed)
    _tell(artifact, page, show_files, emit)
    if place is not None:
        output.copy(artifact.path, place)
    emit(_packed(config.name, artifact, (place or artifact.path).absolute(), part, phases))


def _try_out(config: Config, artifact: Artifact, cache: Path, emit: Emit) -> None:
    from lambent.cli.tried import try_out  # brings the local Lambda's sandbox with it, and few builds need it

    try_out(config, artifact, cache, os.environ, emit)


def _part(layer: bool, alone: bool, prove: bool) -> Part:
    if prove and (layer or alone):
        raise UsageError("only a whole function can be tried out", where="--prove", hint="leave --prove out")
    if layer and alone:
        raise UsageError("a layer has nothing but dependencies", where="--layer", hint="leave --no-dependencies out")
    return "layer" if layer else "app" if alone else "all"


def _check(place: Path | None, page: Path | None) -> None:
    """What is to be written can be, before any work is done."""
    if place is not None:
        output.check(place, "--output")
    if page is not None:
        output.check(page, "--report", b"<!doctype html>")


def _without(config: Config, place: Path | None, emit: Emit) -> Config:
    """The configuration with the zip itself left out of the zip, when it is to stand in the project."""
    file = place.resolve() if place else config.path
    if not config.path.is_dir() or file == config.path or not file.is_relative_to(config.path):
        return config
    name = file.relative_to(config.path).as_posix()
    if packs(config.path, name, config.exclude, config.packaging.include):
        emit(Warned(f"{name} is in the project, and the next zip would hold it", f"echo '/{name}' >> .lambentignore"))
    return replace(config, exclude=(*config.exclude, f"/{name}"))


def _timed(emit: Emit, phases: list[Phase]) -> Emit:
    """An `Emit` that also keeps how long each part of the build took."""

    def told(event: Event) -> None:
        if isinstance(event, Phase):
            phases.append(event)
        if isinstance(event, Built):
            phases.append(Phase("all", event.seconds))
        emit(event)

    return told


def _tell(artifact: Artifact, page: Path | None, show_files: bool, emit: Emit) -> None:
    files = report.members(artifact.path, artifact.owners)
    if show_files:
        emit(Listed(files))
    emit(Sized(report.shares(files)))
    if page is not None:
        output.write(treemap.page(files, f"{artifact.path.name}, {artifact.runtime} {artifact.architecture}"), page)
        emit(Notice(f"the map of the sizes is {page}"))


def _packed(name: str, artifact: Artifact, place: Path, part: Part, phases: list[Phase]) -> Packed:
    return Packed(
        name=name,
        kind="layer" if part == "layer" else "function",
        path=str(place),
        sha256=artifact.sha256,
        zipped=artifact.zipped,
        raw=artifact.raw,
        files=artifact.files,
        runtime=artifact.runtime,
        architecture=artifact.architecture,
        handler=artifact.handler,
        environment=artifact.environment,
        phases=tuple(phases),
    )

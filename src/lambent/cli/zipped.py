"""What surrounds a build: where its zip goes, and what is said of it."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from lambent.config.model import Config
from lambent.events import Built, Emit, Event, FilesListed, Notice, Packed, Phase, SizesListed, Warned
from lambent.lazy import LazyModule
from lambent.limits import MIB, ZIP_DIRECT_MAX
from lambent.package import output_file, size_report
from lambent.package.artifact import OVERFLOW, Artifact
from lambent.package.build_context import Scope
from lambent.package.project_files import packs

if TYPE_CHECKING:
    from lambent.package import size_treemap
else:
    size_treemap = LazyModule("lambent.package.size_treemap")


def check(place: Path | None, page: Path | None) -> None:
    """What is to be written can be, before any work is done."""
    if place is not None:
        output_file.check(place, "--output")
    if page is not None:
        output_file.check(page, "--report", b"<!doctype html>")


def without(config: Config, place: Path | None, emit: Emit) -> Config:
    """The configuration with the zip itself left out of the zip, when it is to stand in the project."""
    file = place.resolve() if place else config.path
    if not config.path.is_dir() or file == config.path or not file.is_relative_to(config.path):
        return config
    name = file.relative_to(config.path).as_posix()
    if packs(config.path, name, config.exclude, config.packaging.include):
        emit(Warned(f"{name} is in the project, and the next zip would hold it", f"echo '/{name}' >> .lambentignore"))
    return replace(config, exclude=(*config.exclude, f"/{name}"))


def timed(emit: Emit, phases: list[Phase]) -> Emit:
    """An `Emit` that also keeps how long each part of the build took."""

    def told(event: Event) -> None:
        if isinstance(event, Phase):
            phases.append(event)
        if isinstance(event, Built):
            phases.append(Phase("all", event.seconds))
        emit(event)

    return told


def tell(artifact: Artifact, page: Path | None, show_files: bool, emit: Emit) -> None:
    """What takes the room in it: said, and written to `page`."""
    files = size_report.by_file(artifact.entries, artifact.owners)
    if artifact.overflow:
        files += size_report.by_file(artifact.overflow.entries, artifact.owners)
    if show_files:
        emit(FilesListed(files))
    shares = size_report.by_package(files)
    emit(SizesListed(shares))
    if artifact.zipped > ZIP_DIRECT_MAX:
        there = f"{artifact.zipped / MIB:.1f} MB, and AWS takes 50 MB directly"
        emit(Notice(f"the zip has {there}: it has to come from a bucket, as `lambent deploy` does"))
    if page is not None:
        output_file.write(size_treemap.page(files, f"{artifact.path.name}, {artifact.runtime} {artifact.architecture}"), page)
        emit(Notice(f"the map of the sizes is {page}"))


def beside(artifact: Artifact, place: Path | None, emit: Emit) -> None:
    """Where the archive of packages beside the zip is, copied next to `place`, and what is to be done with it."""
    made = artifact.overflow
    if made is None:
        return
    path = made.path
    if place is not None:
        path = place.with_suffix(".overflow.zip")
        output_file.copy(made.path, path)
    there = f"s3://BUCKET/{made.sha256}.zip"
    emit(Notice(f"`lambent deploy --overflow` brings {path} along; by hand: aws s3 cp {shlex.quote(str(path))} {there}"))
    emit(Notice(f"and give the function {OVERFLOW}={there}, {made.tmp_mb} MB of /tmp, and s3:GetObject on it"))


def packed(name: str, artifact: Artifact, place: Path, part: Scope, phases: list[Phase]) -> Packed:
    """The end of the build of an app called `name`, whose zip stands at `place`."""
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

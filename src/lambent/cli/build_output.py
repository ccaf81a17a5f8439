"""The output of a build: the copy of its zip, and what is reported about it."""

from __future__ import annotations

import shlex
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from msgspec import Struct
from msgspec.structs import replace

from lambent.cli.options import Command, add_options
from lambent.config.model import Config
from lambent.events import Built, Emit, Event, FilesListed, FileWritten, Notice, Packed, Phase, SizesListed, Warned
from lambent.lazy import LazyModule
from lambent.limits import ZIP_DIRECT_MAX
from lambent.package import output_file, size_report
from lambent.package.artifact import OVERFLOW, Artifact
from lambent.package.build_context import Scope
from lambent.package.project_files import packs
from lambent.units import size

if TYPE_CHECKING:
    from lambent.package import size_treemap
else:
    size_treemap = LazyModule("lambent.package.size_treemap")


class BuildOutput(Struct, frozen=True):
    """Where to copy the zip, where to write the size map, and whether to list the files."""

    zip: Path | None
    map: Path | None
    show_files: bool

    def check(self) -> None:
        """Raise UsageError if a file can't be written, before any work is done."""
        if self.zip is not None:
            output_file.check(self.zip, "--output")
        if self.map is not None:
            output_file.check(self.map, "--report", b"<!doctype html>")

    def exclude_zip(self, config: Config, emit: Emit) -> Config:
        """Return the configuration without the zip itself, if it is written into the project."""
        file = self.zip.resolve() if self.zip else config.path
        if not config.path.is_dir() or file == config.path or not file.is_relative_to(config.path):
            return config
        name = file.relative_to(config.path).as_posix()
        if packs(config.path, name, config.exclude, config.packaging.include):
            emit(Warned(f"{name} is in the project, so the next zip would contain it", f"echo '/{name}' >> .lambentignore"))
        return replace(config, exclude=(*config.exclude, f"/{name}"))

    def report_sizes(self, artifact: Artifact, emit: Emit) -> None:
        """Report the size breakdown, and write it to the map."""
        files = size_report.by_file(artifact.entries, artifact.owners)
        if artifact.overflow:
            files += size_report.by_file(artifact.overflow.entries, artifact.owners)
        if self.show_files:
            emit(FilesListed(files))
        emit(SizesListed(size_report.by_package(files)))
        if artifact.zipped > ZIP_DIRECT_MAX:
            emit(Notice(f"the zip has {size(artifact.zipped)}: above 50 MB, upload it to a bucket, as `lambent deploy` does"))
        if self.map is not None:
            output_file.write(
                size_treemap.page(files, f"{artifact.path.name}, {artifact.runtime} {artifact.architecture}"), self.map
            )
            emit(FileWritten("the size map", str(self.map)))

    def copy(self, artifact: Artifact, emit: Emit) -> Path:
        """Copy the zip and its overflow archive to where the user wants them. Return the path of the zip."""
        if self.zip is not None:
            output_file.copy(artifact.path, self.zip)
        if artifact.overflow is not None:
            archive = artifact.overflow.path
            if self.zip is not None:
                archive = self.zip.with_suffix(".overflow.zip")
                output_file.copy(artifact.overflow.path, archive)
            url = f"s3://BUCKET/{artifact.overflow.sha256}.zip"
            upload = f"aws s3 cp {shlex.quote(str(archive))} {url}"
            needs = f"{OVERFLOW}={url}, {artifact.overflow.tmp_mb} MB of /tmp, and s3:GetObject on it"
            emit(Notice(f"`lambent deploy --overflow` uploads {archive}. To do it by hand: {upload}"))
            emit(Notice(f"and give the function {needs}"))
        return (self.zip or artifact.path).absolute()


def with_output(command: Command) -> Command:
    """Add --output, --report and --show-files, and pass them on as `output`, a BuildOutput."""

    @wraps(command)
    def call(*, output: Path | None, report: Path | None, show_files: bool, **values: Any) -> Any:
        return command(output=BuildOutput(output, report, show_files), **values)

    path = click.Path(path_type=Path)
    return add_options(
        call,
        click.option("--output", "-o", metavar="FILE", type=path, help="Copy the zip to FILE."),
        click.option("--report", metavar="FILE", type=path, help="Write a map of the sizes to FILE, as HTML."),
        click.option("--show-files", is_flag=True, help="List every file of the zip with its sizes and package."),
    )


def record_phases(emit: Emit, phases: list[Phase]) -> Emit:
    """Return an `Emit` that also records how long each phase of the build took."""

    def emit_and_record(event: Event) -> None:
        if isinstance(event, Phase):
            if event.name == "source":  # the first one of a build, which may start over
                phases.clear()
            phases.append(event)
        if isinstance(event, Built):
            phases.append(Phase("all", event.seconds))
        emit(event)

    return emit_and_record


def packed(name: str, artifact: Artifact, path: Path, scope: Scope, phases: list[Phase]) -> Packed:
    """Return the event that ends the build of the app `name`, whose zip is at `path`."""
    return Packed(
        name=name,
        kind="layer" if scope == "layer" else "function",
        path=str(path),
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

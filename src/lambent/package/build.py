"""From a configuration to a Lambda zip, stage by stage."""

from __future__ import annotations

import base64
import shlex
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from lambent.config.model import Config
from lambent.config.own_package import install_roots
from lambent.errors import PackagingError
from lambent.events import Built, Emit, Event, Notice, Warned, ignore, without_repeats
from lambent.interpreters import Interpreter
from lambent.lazy import LazyModule
from lambent.package import assemble, function_settings, own_distribution, runtime_bundle, secret_scan
from lambent.package.api_documents import without_unused_documents
from lambent.package.app_imports import imports_of_slimmed_modules
from lambent.package.archive import Written
from lambent.package.artifact import Artifact
from lambent.package.build_context import BuildContext, BuildOptions
from lambent.package.bytecode import ZipBytecode, compile_bytecode
from lambent.package.cache import disk_error
from lambent.package.collect_static import check_static_folders, collect_static
from lambent.package.database_tables import make_tables
from lambent.package.dependencies import Requirements, fetch_wheels, make_shards, resolve_requirements
from lambent.package.layout import Files, Layout, SourceFile, arrange
from lambent.package.project_files import collect_project
from lambent.package.proof.check import find, report
from lambent.package.proof.finding import Finding
from lambent.package.requirements.adding import add_command
from lambent.package.shards.shard import Shard
from lambent.package.stand_ins import stand_ins
from lambent.package.supplements import report_additions, supplement
from lambent.package.trusted_hosts import allow_own_hosts
from lambent.package.vendor import runtime_files
from lambent.package.wheels.choose_wheel import download_size
from lambent.package.zip_contents import ZipContents, owners
from lambent.private_folder import make_private_cache
from lambent.units import count, listing, pronoun_for, size

if TYPE_CHECKING:
    from lambent.package import other_programs, overflow
    from lambent.package.overflow import Split
else:
    other_programs = LazyModule("lambent.package.other_programs")
    overflow = LazyModule("lambent.package.overflow")

LAYER = "python/"  # below /opt; it is on the import path of every Python runtime
_CHECKED_MAX = 100_000_000
"""Bytes of wheels that are downloaded only to say what is wrong: about 10 s."""
_TOOLS_SHOWN_MAX = 4


def build(config: Config, cache: Path, environ: Mapping[str, str], emit: Emit, options: BuildOptions | None = None) -> Artifact:
    """Build the zip of an app in `cache`. The same input gives the same bytes.

    Raises PackagingError, and then leaves nothing half-written.
    """
    with _explained(config, cache), ExitStack() as archives:
        make_private_cache(cache)
        context = BuildContext.start(config, cache, environ, without_repeats(emit), options)
        with context.phase("source"):
            files = read_source(context)
            files |= own_distribution.metadata_files(context, files)
            interpreter = context.find_interpreter()
        with context.phase("requirements"):
            requirements = resolve_requirements(context)
            _say_inferred(context, requirements)
            _say_left_out(context, config)
        context, requirements, contents, findings = _complete(context, requirements, files, interpreter, archives)
        with context.phase("bytecode"):
            bytecode = archives.enter_context(closing(compile_bytecode(context, contents, interpreter)))
        with context.phase("proof"):
            report(context, findings, add_command(requirements.source))
        report_additions(context, requirements)
        with context.phase("overflow"):
            split = overflow.split(context, contents, bytecode) if _is_too_large(context, contents) else None
        with context.phase("write"):
            path, written = write_zip(context, contents, bytecode, split)
    emit(Built(str(path), written.zipped, written.raw, len(written.entries), time.monotonic() - context.started))
    if split:
        emit(split.archive.event)
    artifact = _artifact(context, contents, split, path, written)
    return replace(artifact, local_packages=requirements.local_packages, add_command=add_command(requirements.source))


def complete_requirements(
    config: Config, cache: Path, environ: Mapping[str, str], emit: Emit, options: BuildOptions
) -> Requirements:
    """Return what the app requires, with what its zip gets because every start lacks it. Raises PackagingError."""
    with _explained(config, cache), ExitStack() as archives:
        make_private_cache(cache)
        context = BuildContext.start(config, cache, environ, emit, options)
        requirements, _ = _complete_quietly(context, resolve_requirements(context), context.find_interpreter(), archives)
        report_additions(context, requirements)
        return requirements


def check_requirements(config: Config, cache: Path, environ: Mapping[str, str], options: BuildOptions) -> None:
    """Raise the PackagingError with which a build would refuse the app's requirements. The app isn't run.

    What takes long to download is only resolved, and sizes are left to the build.
    """
    with _explained(config, cache), ExitStack() as archives:
        make_private_cache(cache)
        options = replace(options, scope="layer", unzipped_max=sys.maxsize)
        context = BuildContext.start(config, cache, environ, ignore, options)
        requirements = resolve_requirements(context)
        if download_size(requirements.lock.pins, context.target) <= _CHECKED_MAX:
            requirements, findings = _complete_quietly(context, requirements, None, archives)
            report(context, findings, add_command(requirements.source))


def _complete_quietly(
    context: BuildContext, requirements: Requirements, interpreter: Interpreter | None, archives: ExitStack
) -> tuple[Requirements, tuple[Finding, ...]]:
    """Return what the app requires, after adding what every start lacks, and what the proof says. A build says the rest."""
    quiet = replace(context, emit=ignore)
    _, requirements, _, findings = _complete(quiet, requirements, read_source(quiet), interpreter, archives)
    return requirements, findings


def _complete(
    context: BuildContext,
    requirements: Requirements,
    files: dict[str, SourceFile],
    interpreter: Interpreter | None,
    archives: ExitStack,
) -> tuple[BuildContext, Requirements, ZipContents, tuple[Finding, ...]]:
    """Return the contents of the zip with what the proof says about them, after adding what every start lacks."""
    while True:
        with context.phase("wheels"):
            wheels = fetch_wheels(context, requirements)
        with ExitStack() as reports:  # also emitted if an error ends the build
            events: list[Event] = []
            reports.callback(_emit_all, context.emit, events)
            with context.phase("shards"):
                imports = imports_of_slimmed_modules(files, context.config.app.root)
                shards = make_shards(context, requirements, wheels, imports, events.append)
                for shard in shards:
                    archives.callback(shard.close)
            with context.phase("layout"):
                recording = replace(context, emit=events.append)
                with_static, all_files = collect_static(recording, shards, stand_ins(requirements.lock) | files, interpreter)
                with_hosts = allow_own_hosts(with_static, shards, files)
                with_tables, all_files = make_tables(with_hosts, shards, all_files, interpreter)
                check_static_folders(with_tables, all_files)
                final, contents = lay_out(with_tables, shards, all_files, interpreter)
                findings = find(final, contents, requirements.omitted(contents.shards), add_command(requirements.source))
            supplemented = supplement(context, requirements, findings)
            if supplemented is None:
                return replace(final, emit=context.emit), requirements, contents, findings
            reports.pop_all()  # what is built next has its own
        context, requirements = supplemented


def _emit_all(emit: Emit, events: Iterable[Event]) -> None:
    for event in events:
        emit(event)


def _say_inferred(context: BuildContext, requirements: Requirements) -> None:
    if lines := requirements.source.inferred:
        names = [f"the project above ({line})" if not line.strip("./") else line for line in lines]
        text = f"no requirements file: taking {', '.join(names)} from the imports; a requirements.txt decides the versions"
        context.emit(Notice(text))


def _say_left_out(context: BuildContext, config: Config) -> None:
    user_set = config.packaging.without
    if tools := [name for name in context.config.packaging.without if name not in user_set]:
        names = listing(tools, _TOOLS_SHOWN_MAX)
        context.emit(Notice(f"left out, since they describe the deployment and the app imports none: {names}"))


def source_files(config: Config, cache: Path, environ: Mapping[str, str], emit: Emit) -> Files:
    """Return the app's own files by their path in the zip, without building it: what changes most often.

    Raises PackagingError.
    """
    with _explained(config, cache):
        context = BuildContext.start(config, cache, environ, emit, None)
        files = read_source(context)
        files |= own_distribution.metadata_files(context, files)
        runtime = {} if config.client == "aws" and config.app.kind == "handler" else runtime_files()
        layout = arrange((), runtime, files, config.app, install_roots(config.path))
        return tuple((name, file) for name, file in layout.files if name not in runtime)


def read_source(context: BuildContext) -> dict[str, SourceFile]:
    """Return the project's files that belong in the zip. Raises PackagingError if one of them holds a secret."""
    config = context.config
    project = collect_project(config)
    start_modules = partial(function_settings.start_modules, config)
    tests = secret_scan.check(project.files, config.packaging.allow_secrets, start_modules)
    if project.secrets or tests:
        context.emit(Notice(f"left out of the zip, since they may hold secrets: {', '.join((*project.secrets, *tests))}"))
    if links := project.broken_links:
        what = "a broken link is" if len(links) == 1 else "broken links are"
        context.emit(
            Warned(f"{what} left out of the zip: {', '.join(links)}", f"remove {pronoun_for(links)}: rm {shlex.join(links)}")
        )
    return {name: file for name, file in project.files.items() if name not in tests}


def lay_out(
    context: BuildContext, shards: tuple[Shard, ...], files: Mapping[str, SourceFile], interpreter: Interpreter | None
) -> tuple[BuildContext, ZipContents]:
    """Return the contents of the zip, and the context, whose runtime client changes if packages have to be fetched at start.

    Raises PackagingError if the contents are too large.
    """
    contents = _contents(context, shards, files, interpreter)
    _warn_of_hidden_files(context, contents.layout)
    if not _is_too_large(context, contents):
        return context, contents
    shards = _without_other_programs(context, shards, files)
    contents = _without_api_documents(context, _contents(context, shards, files, interpreter))
    if _is_too_large(context, contents):
        if not context.config.packaging.overflow or context.options.scope != "all":
            raise overflow.too_large(contents, context)
        context = replace(context, config=overflow.with_lambent_client(context.config))
        contents = without_unused_documents(_contents(context, shards, files, interpreter))
    return context, contents


def _without_other_programs(
    context: BuildContext, shards: tuple[Shard, ...], files: Mapping[str, SourceFile]
) -> tuple[Shard, ...]:
    """Leave packages that the app doesn't lead to out of a zip that is too large, and say so."""
    if context.config.packaging.keep_all:
        return shards
    programs, required = other_programs.find_other_programs(context.config, files, shards)
    names = programs | required
    if names:
        removed = size(sum(entry.raw for shard in shards if shard.name in names for entry in shard.entries))
        only = f", with {count(len(required), 'package')} that nothing else requires" if required else ""
        app = context.config.app.module or "the app"
        text = f"the zip would be too large: {removed} that {app} doesn't import are left out"
        context.emit(Notice(f"{text}: {listing(sorted(programs))}{only}"))
    return tuple(shard for shard in shards if shard.name not in names)


def _without_api_documents(context: BuildContext, contents: ZipContents) -> ZipContents:
    """Leave out descriptions of Google's APIs from a zip that is too large, and say so."""
    smaller = contents if context.config.packaging.keep_all else without_unused_documents(contents)
    if smaller.raw < contents.raw:
        removed = size(contents.raw - smaller.raw)
        context.emit(
            Notice(
                f"the zip would be too large: {removed} of Google's API descriptions that the code doesn't name are left out"
            )
        )
    return smaller


def write_zip(context: BuildContext, contents: ZipContents, bytecode: ZipBytecode, split: Split | None) -> tuple[Path, Written]:
    """Write the zip, or the part of it that the options ask for, to the cache. Raises PackagingError for an empty layer."""
    name, scope = context.config.name, context.options.scope
    outside = split.shards if split else frozenset()
    pieces = assemble.pieces(contents, bytecode, set(range(len(contents.shards))) - outside)
    if scope == "layer":
        if not contents.shards:
            raise PackagingError(
                "a layer would be empty: the app requires no packages", hint="add packages to requirements.txt, or omit --layer"
            )
        return assemble.write(f"{name}-layer", [replace(piece, prefix=LAYER) for piece in pieces], (), context.cache)
    own = dict(contents.layout.files)
    room = context.options.unzipped_max - 1 - contents.raw - bytecode.raw + (split.archive.raw if split else 0)
    if sum(file.size for _, file in bytecode.own) <= room:
        own.update(bytecode.own)
    files = (*sorted(own.items()), *((split.manifest,) if split else ()))
    if scope == "app":
        return assemble.write(f"{name}-alone", [], files, context.cache)
    return assemble.write(name, pieces, files, context.cache)


@contextmanager
def _explained(config: Config, cache: Path) -> Iterator[None]:
    """Turn a full disk, or a file that can't be read, into a PackagingError."""
    try:
        yield
    except OSError as error:
        folder = config.path if config.path.is_dir() else config.path.parent
        path = Path(error.filename or cache)
        if path.is_relative_to(folder) and not path.is_relative_to(cache.absolute()):
            raise secret_scan.unreadable(path.relative_to(folder).as_posix(), error) from error
        raise disk_error("build the zip", error, cache) from error


def _contents(
    context: BuildContext, shards: tuple[Shard, ...], files: Mapping[str, SourceFile], interpreter: Interpreter | None
) -> ZipContents:
    names = [entry.name for shard in shards for entry in shard.entries]
    runtime = _runtime(context, files, interpreter)
    roots = install_roots(context.config.path)
    return ZipContents(shards, arrange(names, runtime, files, context.config.app, roots))


def _runtime(context: BuildContext, files: Mapping[str, SourceFile], interpreter: Interpreter | None) -> dict[str, SourceFile]:
    """Return the files that run the app on Lambda. A bare handler under AWS's own client needs none."""
    config = context.config
    if config.client == "aws":
        return {} if config.app.kind == "handler" else runtime_files()
    runtime = runtime_bundle.bundled(f"/var/lang/bin/{config.runtime}", interpreter, context.cache, files)
    return {**runtime, **function_settings.routes_file(config)}


def _warn_of_hidden_files(context: BuildContext, layout: Layout) -> None:
    names = (name for name in layout.hidden if "/" in name or name.endswith((".py", ".so")))  # a README.md is no loss
    hidden = sorted(name for name in names if not name.endswith(".pyc"))
    if hidden:
        text = f"your own files replace those of a dependency: {', '.join(hidden[:5])}"
        context.emit(Warned(text, "rename your files if you didn't intend this"))


def _is_too_large(context: BuildContext, contents: ZipContents) -> bool:
    return contents.raw >= context.options.unzipped_max


def _artifact(context: BuildContext, contents: ZipContents, split: Split | None, path: Path, written: Written) -> Artifact:
    config, is_layer = context.config, context.options.scope == "layer"
    return Artifact(
        path=path,
        sha256=base64.b64encode(written.sha256).decode(),
        zipped=written.zipped,
        raw=written.raw,
        files=len(written.entries),
        runtime=config.runtime,
        architecture=config.architecture,
        handler="" if is_layer else function_settings.handler(config),
        environment=function_settings.environment(config),
        owners=owners(contents.shards, LAYER if is_layer else ""),
        overflow=split.archive if split else None,
        entries=written.entries,
    )

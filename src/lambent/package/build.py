"""From a configuration to a Lambda zip: the verb of this package."""

from __future__ import annotations

import base64
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from lambent import interpreters
from lambent.config.model import Config
from lambent.errors import PackagingError
from lambent.events import Built, Emit, Notice, Phase, Warned
from lambent.lazy import LazyModule
from lambent.package import bytecode, secret_scan
from lambent.package.app_imports import own_imports
from lambent.package.artifact import Artifact
from lambent.package.assemble import Piece, write
from lambent.package.dependencies import Part, Wishes, gather
from lambent.package.layout import RUNTIME, Layout, SourceFile, arrange
from lambent.package.project_files import collect
from lambent.package.proven import Proof, check
from lambent.package.runtime_bundle import bundled, is_bundled
from lambent.package.startup import Startup, startup
from lambent.package.target import Target
from lambent.package.vendor import runtime_files
from lambent.package.zip_contents import Contents, owners

if TYPE_CHECKING:
    from lambent.package import overflow
else:
    overflow = LazyModule("lambent.package.overflow")

WRAPPER = ("AWS_LAMBDA_EXEC_WRAPPER", f"/var/task/{RUNTIME}/bootstrap")
STREAM = ("LAMBENT_RESPONSE", "stream")  # read by the runtime in the zip; in the environment, so that it changes the version
HANDLER = ("LAMBENT_INTERFACE", "handler")  # read by the runtime in the zip: a handler is no web app, though it looks like WSGI
LAYER = "python/"  # below /opt, and there on every Python runtime's import path
Own = tuple[tuple[str, SourceFile], ...]


def build(config: Config, cache: Path, environ: Mapping[str, str], emit: Emit, wishes: Wishes | None = None) -> Artifact:
    """The zip of an app, in `cache`: the same input, the same bytes. Raises PackagingError, and leaves nothing half-written."""
    try:
        with ExitStack() as stack:
            return _build(config, cache, environ, emit, wishes or Wishes(), stack)
    except OSError as error:  # a disk that is full, a file that may not be read
        place = str(error.filename or cache)
        folder = config.path if config.path.is_dir() else config.path.parent
        if Path(place).is_relative_to(folder) and not Path(place).is_relative_to(cache):
            raise secret_scan.unreadable(Path(place).relative_to(folder).as_posix(), error) from error
        raise PackagingError(
            f"cannot build the zip: {error.strerror or error}",
            where=place,
            hint="make room, set its permissions, or name another place: --cache-dir DIR (LAMBENT_CACHE)",
        ) from error


def _build(config: Config, cache: Path, environ: Mapping[str, str], emit: Emit, wishes: Wishes, stack: ExitStack) -> Artifact:
    started = time.monotonic()
    target = Target.of(config)
    interpreter = _interpreter(target, environ, emit)
    source = collect(config.path, config.exclude, config.packaging.include, config.packaging.allow_secrets)
    said = (f"left out of the zip, as secrets: {', '.join(source.secrets)}",) if source.secrets else ()
    for text in said:
        emit(Notice(text))
    secret_scan.check(source.files, config.packaging.allow_secrets)
    wishes = replace(wishes, imported=own_imports(source.files, config.app.root))
    dependencies = gather(config, target, cache, environ, emit, wishes)
    stack.callback(dependencies.close)
    spliced = time.monotonic()
    names = [entry.name for shard in dependencies.shards for entry in shard.entries]
    layout = arrange(names, _runtime(config, interpreter, cache, source.files), source.files, config.app.root)
    _warn_hidden(layout, emit)
    contents = Contents(dependencies.shards, layout)
    room = _room(contents, wishes, may_overflow=config.packaging.overflow and wishes.part == "all")
    over = room < 0
    if over:
        config = overflow.with_our_client(config)
        layout = arrange(names, _runtime(config, interpreter, cache, source.files), source.files, config.app.root)
        contents = Contents(dependencies.shards, layout)
    begins = startup(contents, _modules(config), interpreter, cache, sys.maxsize if over else room)
    stack.callback(begins.close)
    if begins.left_out:
        emit(Warned(f"no room for all bytecode within AWS's 250 MB: {begins.left_out} modules start slower"))
    proved = time.monotonic()
    check(Proof(config, target, contents, _handlers(config), dependencies.left_out), cache, emit)
    emit(Phase("proof", time.monotonic() - proved))
    beside = overflow.part(config, contents, begins, wishes.unzipped_max, cache) if over else None
    pieces, room = (beside.stays, beside.room) if beside else (_pieces(contents, begins), room - begins.raw)
    own = _with_bytecode(layout, interpreter, cache, room).own + ((beside.manifest,) if beside else ())
    path, written = write(*_parts(wishes.part, config.name, pieces, own), cache)
    emit(Phase("splice", proved - spliced + time.monotonic() - proved))
    emit(Built(str(path), written.zipped, written.raw, len(written.entries), time.monotonic() - started))
    if beside:
        emit(beside.made.event)
    return Artifact(
        path=path,
        sha256=base64.b64encode(written.sha256).decode(),
        zipped=written.zipped,
        raw=written.raw,
        files=len(written.entries),
        runtime=config.runtime,
        architecture=config.architecture,
        handler="" if wishes.part == "layer" else _handler(config),
        environment=_environment(config),
        owners=owners(dependencies.shards, LAYER if wishes.part == "layer" else ""),
        overflow=beside.made if beside else None,
        entries=written.entries,
    )


def _interpreter(target: Target, environ: Mapping[str, str], emit: Emit) -> interpreters.Interpreter | None:
    found = interpreters.find(target.python, environ)
    if found is None:
        emit(
            Warned(
                f"no Python {target.python} on this machine: the zip has no bytecode and starts slower",
                interpreters.install_command(target.python),
            )
        )
    return found


def _runtime(
    config: Config, interpreter: interpreters.Interpreter | None, cache: Path, users: Mapping[str, SourceFile]
) -> dict[str, SourceFile]:
    """The files that run an app on Lambda. A bare handler under AWS's own client needs none."""
    if config.app.kind == "handler" and config.client == "aws":
        return {}
    if config.client == "aws":
        return runtime_files()
    return bundled(f"/var/lang/bin/{config.runtime}", interpreter, cache, users)


def _environment(config: Config) -> tuple[tuple[str, str], ...]:
    """What must be in the function's environment for the runtime in the zip to run, and how it is to answer."""
    if config.app.kind == "handler":
        return (WRAPPER, HANDLER) if config.client == "lambent" else ()
    said = (("LAMBENT_EVENTS", config.events), ("LAMBENT_BASE_PATH", config.base_path))
    client = WRAPPER if config.client == "lambent" else ("LAMBENT_APP", config.app.handler)
    return (client, *((STREAM,) if config.stream else ()), *(pair for pair in said if pair[1]))


def _handler(config: Config) -> str:
    """What Lambda is told to call. Under AWS's client a web app is behind a handler of ours."""
    if config.app.kind != "handler" and config.client == "aws":
        return f"{RUNTIME}.aws.handler"
    return config.app.handler


def _handlers(config: Config) -> tuple[str, ...]:
    """Everything of the user's that is called, as "module:attribute"."""
    return tuple(filter(None, (config.app.spec, config.events)))


def _modules(config: Config) -> tuple[str, ...]:
    return tuple(handler.partition(":")[0] for handler in _handlers(config))


def _warn_hidden(layout: Layout, emit: Emit) -> None:
    hidden = sorted(name for name in layout.hidden if not name.endswith(".pyc"))
    if hidden:
        emit(
            Warned(
                f"your own files stand before those of a dependency: {', '.join(hidden[:5])}",
                "rename yours if that is not meant",
            )
        )


def _room(contents: Contents, wishes: Wishes, *, may_overflow: bool) -> int:
    """Bytes that are left for bytecode. Raises PackagingError when there are none, unless something may go elsewhere."""
    room = wishes.unzipped_max - 1 - contents.sizes().total()
    if room < 0 and not may_overflow:
        raise overflow.too_large(contents, wishes)
    return room


def _with_bytecode(layout: Layout, interpreter: interpreters.Interpreter | None, cache: Path, room: int) -> Layout:
    """The layout with the bytecode of the runtime and of the user's own files, if there is room for it."""
    if interpreter is None:
        return layout
    own = dict(layout.own)
    sources = {name: file.path for name, file in layout.own if not is_bundled(name, own)}
    made = bytecode.compile_files(sources, interpreter, cache, RUNTIME)
    if sum(map(len, made.values())) > room:
        return layout
    own |= {name: SourceFile(Path(name), content=code) for name, code in made.items()}
    return Layout(tuple(sorted(own.items())), layout.hidden)


def _pieces(contents: Contents, begins: Startup) -> list[Piece]:
    pieces = [Piece(shard.archive, skip) for shard, skip in contents.pairs]
    return pieces + [Piece(each.archive, keep=begins.names) for each in begins.bytecode]


def _parts(part: Part, name: str, pieces: list[Piece], own: Own) -> tuple[str, list[Piece], Own]:
    """What of all this is written, and how the zip is called. Raises PackagingError for a layer of nothing."""
    if part == "all":
        return name, pieces, own
    if part == "app":
        return f"{name}-alone", [], own
    if not pieces:
        raise PackagingError("a layer would be empty: the app asks for no packages", hint="name them in requirements.txt")
    return f"{name}-layer", [replace(piece, prefix=LAYER) for piece in pieces], ()

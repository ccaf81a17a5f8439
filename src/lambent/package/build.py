"""From a configuration to a Lambda zip: the verb of this package."""

from __future__ import annotations

import base64
import os
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from lambent import interpreters
from lambent.config.model import Config
from lambent.errors import PackagingError
from lambent.events import Built, Emit, Notice, Resolved, Warned
from lambent.limits import UNZIPPED_MAX
from lambent.package import bytecode, report, secrets
from lambent.package.archive import Archive, Writer, Written, compress
from lambent.package.artifact import Artifact
from lambent.package.bundle import bundled, is_bundled
from lambent.package.dependencies import Shard, ensure
from lambent.package.layout import RUNTIME, Layout, SourceFile, arrange
from lambent.package.requirements import pins as requirements
from lambent.package.source import collect
from lambent.package.target import Target
from lambent.package.uv import Uv
from lambent.package.vendor import runtime_files

WRAPPER = ("AWS_LAMBDA_EXEC_WRAPPER", f"/var/task/{RUNTIME}/bootstrap")
STREAM = ("LAMBENT_RESPONSE", "stream")  # read by the runtime in the zip; in the environment, so that it changes the version
HANDLER = ("LAMBENT_INTERFACE", "handler")  # read by the runtime in the zip: a handler is no web app, though it looks like WSGI
_KEPT_ZIPS = 5


def build(config: Config, cache: Path, environ: Mapping[str, str], emit: Emit) -> Artifact:
    """The zip of an app, in `cache`: the same input, the same bytes. Raises PackagingError, and leaves nothing half-written."""
    try:
        return _build(config, cache, environ, emit)
    except OSError as error:  # a disk that is full, a file that may not be read
        place = str(error.filename or cache)
        raise PackagingError(
            f"cannot build the zip: {error.strerror or error}",
            where=place,
            hint="make room, or set its permissions, and try again",
        ) from error


def _build(config: Config, cache: Path, environ: Mapping[str, str], emit: Emit) -> Artifact:
    started = time.monotonic()
    interpreter = _interpreter(config, environ, emit)
    source = collect(config.path, config.exclude, config.packaging.include, config.packaging.allow_secrets)
    if source.secrets:
        emit(Notice(f"left out of the zip, as secrets: {', '.join(source.secrets)}"))
    secrets.check(source.files, config.packaging.allow_secrets)
    shard = _dependencies(config, cache, environ, emit, interpreter)
    with ExitStack() as stack:
        archive = stack.enter_context(Archive(shard.path)) if shard else None
        names = [entry.name for entry in archive.entries] if archive else []
        layout = arrange(names, _runtime(config, interpreter, cache), source.files, config.app.root)
        _warn_hidden(layout, emit)
        skipped = _fit(archive, layout, emit)
        if interpreter is not None:
            layout = _with_bytecode(
                layout, archive, skipped, bytecode.compile_files(_sources(layout), interpreter, cache, RUNTIME)
            )
        path, written = _write(config, cache, archive, layout, skipped)
    emit(Built(str(path), written.zipped, written.raw, written.files, time.monotonic() - started))
    return Artifact(
        path=path,
        sha256=base64.b64encode(written.sha256).decode(),
        zipped=written.zipped,
        raw=written.raw,
        files=written.files,
        runtime=config.runtime,
        architecture=config.architecture,
        handler=_handler(config),
        environment=_environment(config),
    )


def _interpreter(config: Config, environ: Mapping[str, str], emit: Emit) -> interpreters.Interpreter | None:
    python = Target.of(config).python
    found = interpreters.find(python, environ)
    if found is None:
        emit(
            Warned(
                f"no Python {python} on this machine: the zip has no bytecode and starts slower",
                interpreters.how_to_get(python),
            )
        )
    return found


def _dependencies(
    config: Config, cache: Path, environ: Mapping[str, str], emit: Emit, interpreter: interpreters.Interpreter | None
) -> Shard | None:
    started = time.monotonic()
    app = config.path / config.app.root / f"{config.app.module.replace('.', '/')}.py"
    asked = requirements.find(config.path, app)
    if asked.path is None:
        return None
    target = Target.of(config)
    folder = config.path if config.path.is_dir() else config.path.parent
    uv = Uv(folder.resolve(), target, environ, cache / "uv-builds")
    pins = requirements.pin(asked, uv, cache)
    if pins.empty:
        return None
    shard = ensure(pins, uv, interpreter, cache)
    emit(Resolved(shard.packages, pins.source, pins.cached and shard.cached, time.monotonic() - started))
    return shard


def _runtime(config: Config, interpreter: interpreters.Interpreter | None, cache: Path) -> dict[str, SourceFile]:
    """The files that run an app on Lambda. A bare handler under AWS's own client needs none."""
    if config.app.kind == "handler" and config.client == "aws":
        return {}
    if config.client == "aws":
        return runtime_files()
    return bundled(f"/var/lang/bin/{config.runtime}", interpreter, cache)


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


def _warn_hidden(layout: Layout, emit: Emit) -> None:
    hidden = sorted(name for name in layout.hidden if not name.endswith(".pyc"))
    if hidden:
        emit(
            Warned(
                f"your own files stand before those of a dependency: {', '.join(hidden[:5])}",
                "rename yours if that is not meant",
            )
        )


def _fit(archive: Archive | None, layout: Layout, emit: Emit) -> frozenset[str]:
    """The dependency files to leave out: those the user's own stand for, and all bytecode when there is no room for it."""
    kept = [entry for entry in (archive.entries if archive else ()) if entry.name not in layout.hidden]
    own = {name: file.path.stat().st_size for name, file in layout.own}
    room = UNZIPPED_MAX - sum(own.values())
    if sum(entry.raw for entry in kept) < room:
        return layout.hidden
    source_only = [entry for entry in kept if not entry.name.endswith(".pyc")]
    if sum(entry.raw for entry in source_only) < room:
        emit(Warned("no room for bytecode within AWS's 250 MB: the app starts slower"))
        return layout.hidden | {entry.name for entry in kept if entry.name.endswith(".pyc")}
    sizes = own | {entry.name: entry.raw for entry in source_only}
    raise PackagingError(
        f"the zip is too large: {report.megabytes(sum(sizes.values()))} unpacked, and AWS takes less than 250 MB",
        hint="leave out what the app does not need: echo 'big-folder/' >> .lambentignore",
        detail=report.table(sizes, {name for name, _ in layout.own}),
    )


def _sources(layout: Layout) -> dict[str, Path]:
    own = dict(layout.own)
    return {name: file.path for name, file in layout.own if not is_bundled(name, own)}


def _with_bytecode(layout: Layout, archive: Archive | None, skipped: frozenset[str], compiled: dict[str, Path]) -> Layout:
    """The layout with the bytecode of the runtime and of the user's own files, if there is room for it."""
    taken = sum(entry.raw for entry in (archive.entries if archive else ()) if entry.name not in skipped)
    own = dict(layout.own) | {name: SourceFile(path) for name, path in compiled.items()}
    if taken + sum(file.path.stat().st_size for file in own.values()) >= UNZIPPED_MAX:
        return layout
    return Layout(tuple(sorted(own.items())), layout.hidden)


def _write(
    config: Config, cache: Path, archive: Archive | None, layout: Layout, skipped: frozenset[str]
) -> tuple[Path, Written]:
    folder = cache / "zips"
    folder.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=folder, prefix=".new-")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            writer = Writer(file)
            if archive:
                writer.splice(archive, lambda name: name not in skipped)
            for name, source in layout.own:
                writer.add(*compress(name, source.path.read_bytes(), executable=source.executable))
            written = writer.close()
        path = folder / f"{config.name}-{written.sha256.hex()[:16]}.zip"
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _prune(folder, config.name, path)
    return path, written


def _prune(folder: Path, name: str, newest: Path) -> None:
    """Keeps the last few zips of an app: another build may still be uploading one."""
    found = [path for path in folder.glob(f"{name}-{'?' * 16}.zip") if path != newest]
    for old in sorted(found, key=lambda path: -path.stat().st_mtime_ns)[_KEPT_ZIPS:]:
        old.unlink(missing_ok=True)

"""A project that serves SQLite databases with Datasette: a folder in the cache, which the usual stages build.

app.py             datasette_app.py
options.json       what it serves, and the number of rows of each table, so that no start counts them
requirements.txt   Datasette and its plugins
data.db ...        the databases; if they are large, each is a wheel instead, which the build may put into the overflow archive
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import shutil
import sqlite3
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from msgspec import Struct

from lambent import atomic, names
from lambent.errors import UsageError
from lambent.events import Emit, Notice
from lambent.library.datasette_options import DatasetteOptions
from lambent.limits import MIB, UNZIPPED_MAX
from lambent.private_folder import make_private_cache
from lambent.units import size

_OWN_MAX = 100 * MIB
"""Databases that take more bytes are packages, which may leave the zip if there is no room in it."""


class DatasetteProject(Struct, frozen=True):
    """The folder of a generated project, and whether its databases may leave the zip."""

    folder: Path
    overflow: bool


def write_project(first: Path, options: DatasetteOptions, cache: Path, emit: Emit) -> DatasetteProject:
    """Write the project that serves these databases to the cache.

    Another deploy of the same database with other options has a folder of its own. Raises UsageError for databases that
    Datasette can't tell apart or that can't be read, and for other invalid options.
    """
    databases = _by_name((first, *options.databases))
    make_private_cache(cache)
    home = cache / "datasette" / hashlib.sha256(os.fsencode(first.absolute()) + repr(options).encode()).hexdigest()[:16]
    home.mkdir(parents=True, exist_ok=True)
    total = sum(path.stat().st_size for path in databases.values())
    is_large = total > _OWN_MAX
    if total >= UNZIPPED_MAX:
        text = f"{size(total)} of databases don't fit into a zip: each new environment downloads them from your bucket to /tmp"
        emit(Notice(f"{text} before its first response"))
    folder = home / "project"  # no name of a module that the app imports
    with tempfile.TemporaryDirectory(prefix=".build-", dir=home) as work:
        _fill(Path(work, "new"), databases, options, is_large=is_large)
        with suppress(FileNotFoundError):
            folder.rename(Path(work, "old"))
        try:
            Path(work, "new").rename(folder)
        except OSError:
            if not folder.exists():  # else the same deploy has just written the same content
                raise
    return DatasetteProject(folder, is_large)


def _fill(folder: Path, databases: Mapping[str, Path], options: DatasetteOptions, *, is_large: bool) -> None:
    """Write the project to a new folder, which is two levels below the one for wheels."""
    folder.mkdir()
    inspected, wheels = {}, []
    for name, path in databases.items():
        copy = folder / name
        _copy_database(path, copy)
        inspected[copy.stem] = inspect(copy)
        if is_large:
            wheels.append(_make_wheel(copy, inspected[copy.stem]["hash"], folder.parents[1]))
            copy.unlink()
    lines = [*_requirements(options.install), *wheels]
    (folder / "requirements.txt").write_text("".join(f"{line}\n" for line in lines), "utf-8")
    content = _copy_options(options, folder) | {"databases": list(databases), "inspect_data": inspected}
    (folder / "options.json").write_text(json.dumps(content, indent=1), "utf-8")
    shutil.copyfile(Path(__file__).with_name("datasette_app.py"), folder / "app.py")


def _copy_options(options: DatasetteOptions, folder: Path) -> dict[str, Any]:
    """Copy the files that the options name to the project, and return the options for datasette_app.py."""
    for source, name in ((options.template_dir, "templates"), (options.plugins_dir, "plugins")):
        if source is not None:
            shutil.copytree(source, folder / name)
    static = {}
    for number, (mount, source) in enumerate(options.static):
        static[mount] = f"static-{number}"
        shutil.copytree(source, folder / static[mount])
    return {
        "metadata_file": _copy_metadata(options.metadata, folder),
        "metadata": options.extra_metadata,
        "plugins": options.plugin_settings,
        "settings": options.settings,
        "crossdb": options.crossdb,
        "static": static,
        "version_note": options.version_note,
    }


def inspect(path: Path) -> dict[str, Any]:
    """Return what Datasette's own `inspect` says of a database: hash, size, and the number of rows of each table.

    Raises UsageError if it can't be read.
    """
    tables: dict[str, Any] = {}
    with _readable(path), closing(sqlite3.connect(f"{path.as_uri()}?immutable=1", uri=True)) as connection:
        for (table,) in connection.execute("select name from sqlite_master where type = 'table'").fetchall():
            quoted = table.replace('"', '""')
            count = None
            with suppress(sqlite3.OperationalError):  # a virtual table of an extension
                (count,) = connection.execute(f'select count(*) from "{quoted}"').fetchone()
            tables[table] = {"count": count}
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"hash": digest, "size": path.stat().st_size, "file": path.name, "tables": tables}


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Raise UsageError if SQLite can't read the database: it is damaged, or another process locks it."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        hint = f"sqlite3 {shlex.quote(path.name)} .schema"
        raise UsageError(f"{path.name} can't be read: {error}", where=path.name, hint=hint) from error


def _by_name(databases: tuple[Path, ...]) -> dict[str, Path]:
    """Return the databases by their file names, whose stems are the names that Datasette gives them."""
    by_stem: dict[str, Path] = {}
    for path in databases:
        if path.stem in by_stem:
            what = f"two databases would both be {path.stem} in Datasette: {by_stem[path.stem]} and {path}"
            raise UsageError(what, where=str(path), hint="rename one of them")
        by_stem[path.stem] = path
    return {path.name: path for path in databases}


def _copy_database(path: Path, copy: Path) -> None:
    """Link or copy a database as it is now, with what its write-ahead log holds."""
    path = path.resolve()  # SQLite's log is next to the file, not next to a link to it
    log = path.with_name(f"{path.name}-wal")
    if log.exists() and log.stat().st_size:
        with _readable(path), closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
            source.execute("begin")
            source.execute("select * from sqlite_master")  # raises for a locked database; `backup` would wait for ever
            source.backup(target)
            target.execute("pragma journal_mode = delete")
        return
    try:
        copy.hardlink_to(path)
    except OSError:  # another disk
        shutil.copyfile(path, copy)


def _package_name(stem: str) -> str:
    """Return the name of a database's package. It has a digest if another database could get the same name."""
    plain = names.to_app_name(stem).replace("_", "-")
    digest = hashlib.sha256(os.fsencode(stem)).hexdigest()[:8] if plain != stem else ""
    return "-".join(filter(None, ("database", plain, digest)))


def _make_wheel(path: Path, digest: str, home: Path) -> str:
    """Return the requirement of a wheel that holds a database. The version is that of its content."""
    name, version = _package_name(path.stem), f"0+{digest[:16]}"
    stem = f"{name.replace('-', '_')}-{version}"
    wheel = home / f"{stem}-py3-none-any.whl"
    if not wheel.exists():
        for older in home.glob(f"{stem.partition('-')[0]}-*.whl"):
            older.unlink()
        info = f"{stem}.dist-info"
        texts = {
            "METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
            "WHEEL": "Wheel-Version: 1.0\nGenerator: lambent\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        }
        with atomic.replacing(wheel) as file, zipfile.ZipFile(file, "w", strict_timestamps=False) as archive:
            archive.write(path, path.name)
            for member, text in texts.items():
                archive.writestr(f"{info}/{member}", text)
            members = [path.name, *(f"{info}/{member}" for member in (*texts, "RECORD"))]
            archive.writestr(f"{info}/RECORD", "".join(f"{member},,\n" for member in members))
    return f"{name} @ {wheel.as_uri()}"


def _requirements(install: tuple[str, ...]) -> list[str]:
    has_datasette = any(re.match(r"datasette(?![\w.-])", line, re.IGNORECASE) for line in install)
    return [*([] if has_datasette else ["datasette>=0.64"]), *install]


def _copy_metadata(file: Path | None, folder: Path) -> str:
    """Copy the metadata file, and return its name in the project. JSON is checked here, YAML when the app starts."""
    if file is None:
        return ""
    text = file.read_text("utf-8")
    if file.suffix == ".json":
        try:
            json.loads(text)
        except ValueError as error:
            raise UsageError(f"{file.name} is not valid JSON: {error}", where=str(file)) from error
    name = f"metadata{file.suffix}"
    (folder / name).write_text(text, "utf-8")
    return name

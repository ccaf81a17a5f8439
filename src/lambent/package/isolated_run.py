"""Runs a program of ours in a copy of the project, with the packages of the zip and the function's environment variables.

The result is cached under what it depends on: the packages, the environment, every file that isn't a module, and the modules
that the project imported, without their views.
"""

from __future__ import annotations

import hashlib
import json
import marshal
import shutil
import subprocess
import tempfile
import zlib
from collections.abc import Iterable, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from lambent.config.model import Config
from lambent.interpreters import Interpreter
from lambent.lazy import LazyModule
from lambent.package.build_context import BuildContext
from lambent.package.cache import read_checked, write_checked
from lambent.package.layout import SourceFile
from lambent.package.setup_digest import setup_digest
from lambent.package.shards.shard import Shard

if TYPE_CHECKING:
    import sqlite3
else:
    sqlite3 = LazyModule("sqlite3")

_CHANGES, _CHANGES_AGAIN, _SQLITE_VERSION = slice(24, 28), slice(92, 96), slice(96, 100)
"""Numbers in the header of a SQLite file that its content doesn't decide: https://sqlite.org/fileformat.html"""

Files = dict[str, SourceFile]
Result = tuple[dict[str, Any], dict[str, bytes]]
"""What the program reports, and the files that it has made, by their path in the zip."""


class Program(Struct, frozen=True):
    """A program for the target's Python, which runs without lambent.

    Its arguments are the copy of the project, the folder of its packages, the file that gets its report as JSON, and
    `arguments`. The report has "error" if it failed, "modules" (the project's own files that were imported), and what to pack:
    the files in "folder", and "databases". `parts` are files that the program starts.
    """

    name: str
    file: str
    arguments: tuple[str, ...]
    variables: tuple[tuple[str, str], ...]
    timeout_s: int
    parts: tuple[str, ...] = ()


def run_cached(
    context: BuildContext, program: Program, shards: tuple[Shard, ...], placed: Files, interpreter: Interpreter
) -> Result:
    """Return what a program makes of the project's files, which are `placed` as in the zip. Errors aren't cached."""
    path = context.cache / "proofs" / f"{_key(context.config, program, shards, placed, interpreter)}.{program.name}"
    cached = read_checked(path)
    if cached is not None:
        report, outputs, modules = marshal.loads(cached)
        if all(name in placed and _is_same_setup(placed[name], *state) for name, state in modules.items()):
            return report, outputs
    report, outputs = _run(context, program, shards, placed, interpreter)
    if "error" not in report:
        names = [name for name in report["modules"] if name in placed]
        modules = {name: (_date(placed[name]), setup_digest(placed[name].read())) for name in names}
        write_checked(path, marshal.dumps((report, outputs, modules), 2))
    return report, outputs


def _is_same_setup(file: SourceFile, date: tuple[int, int], digest: str) -> bool:
    return _date(file) == date or setup_digest(file.read()) == digest


def _key(config: Config, program: Program, shards: tuple[Shard, ...], placed: Files, interpreter: Interpreter) -> str:
    sources = [Path(file).stat() for file in (program.file, *program.parts)]
    others = [name for name in placed if not name.endswith((".py", ".md", ".rst", ".po", ".mo")) and not _is_template(name)]
    parts = (
        *((source.st_size, source.st_mtime_ns) for source in sources),
        *(str(interpreter.path), program.arguments, program.variables),
        *(config.app.root, config.environment, config.secrets),
        *([shard.path.name for shard in shards], sorted(placed), _dates(placed, others)),
    )
    return hashlib.sha256(repr(parts).encode("utf-8", "surrogateescape")).hexdigest()[:40]


def _is_template(name: str) -> bool:
    return name.startswith("templates/") or "/templates/" in name


def _dates(placed: Files, names: Iterable[str]) -> dict[str, tuple[int, int]]:
    """Return size and date of these files: a file counts as unchanged while both are."""
    return {name: _date(placed[name]) for name in names if name in placed}


def _date(file: SourceFile) -> tuple[int, int]:
    if file.content is not None:
        return len(file.content), zlib.crc32(file.content)
    stat = file.path.stat()
    return stat.st_size, stat.st_mtime_ns


def _run(context: BuildContext, program: Program, shards: tuple[Shard, ...], placed: Files, interpreter: Interpreter) -> Result:
    with tempfile.TemporaryDirectory(prefix=f"lambent-{program.name}-") as temporary:
        copy, packages, result = (Path(temporary) / name for name in ("project", "packages", "result.json"))
        _write(copy, {name: file.read() for name, file in placed.items()})
        for shard in shards:
            _write(packages, {entry.name: shard.archive.content(entry) for entry in shard.entries})
        # not next to our own modules: dynaconf takes a config/settings.py above the program for the app's
        file, *_ = [shutil.copy(path, temporary) for path in (program.file, *program.parts)]
        command = [str(interpreter.path), "-I", "-B", file, *map(str, (copy, packages, result)), *program.arguments]
        environment = _environment(context, program, temporary)
        try:
            subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=program.timeout_s)
            report = json.loads(result.read_text("utf-8"))
        except subprocess.TimeoutExpired:
            return {"error": f"it takes longer than {program.timeout_s} s"}, {}
        except (OSError, ValueError):
            return {"error": "its process ended early"}, {}
        return report, _outputs(copy, report)


def _outputs(copy: Path, report: Mapping[str, Any]) -> dict[str, bytes]:
    folder = report.get("folder")
    paths = sorted(path for path in (copy / folder).rglob("*") if path.is_file() and path.suffix != ".py") if folder else []
    collected = {path.relative_to(copy).as_posix(): path.read_bytes() for path in paths}
    return collected | {name: _database_content(copy / name) for name in report.get("databases", ())}


def _database_content(path: Path) -> bytes:
    """Return a SQLite database as one file, with the same bytes for the same content."""
    with suppress(sqlite3.Error), closing(sqlite3.connect(path)) as database:  # newer than this SQLite
        database.execute("PRAGMA journal_mode = DELETE")
        database.execute("VACUUM")
    content = bytearray(path.read_bytes())
    content[_CHANGES] = content[_CHANGES_AGAIN] = (1).to_bytes(4, "big")
    content[_SQLITE_VERSION] = (3_007_000).to_bytes(4, "big")
    return bytes(content)


def _write(folder: Path, contents: Mapping[str, bytes]) -> None:
    for parent in {(folder / name).parent for name in contents}:
        parent.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (folder / name).write_bytes(content)


def _environment(context: BuildContext, program: Program, home: str) -> dict[str, str]:
    """Return the function's environment variables, with a stand-in for each secret."""
    config = context.config
    return {
        "PATH": context.environ.get("PATH", ""),
        "HOME": home,
        "TMPDIR": home,
        "LC_ALL": "C.UTF-8",
        "AWS_LAMBDA_FUNCTION_NAME": config.name,  # settings may depend on it
        "AWS_REGION": config.region or "us-east-1",
        **({"LAMBENT_ROOT": config.app.root} if config.app.root != "." else {}),
        **dict(program.variables),
        **dict.fromkeys(dict(config.secrets), "unknown"),
        **dict(config.environment),
    }

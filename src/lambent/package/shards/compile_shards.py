"""Compile modules of shards with the target's Python, and cache their bytecode.

All of it is unchecked-hash .pyc. The compiling process reads the sources from the shards itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence, Set
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from lambent.interpreters import Interpreter
from lambent.lazy import LazyModule
from lambent.package.archive import DEFLATED, BadArchive, Entry, compress
from lambent.package.cache import disk_error
from lambent.package.compiler import UNCHECKED, Source, bytecode_path, compile_sources
from lambent.package.shards.bytecode_archive import BytecodeArchive, write_archive
from lambent.package.shards.shard import Shard

if TYPE_CHECKING:
    from concurrent import futures
else:  # only needed if there is something to compile
    futures = LazyModule("concurrent.futures")

_FORMAT = "2"  # increase it when the same source would give other bytes
_TWO_PROCESSES_MIN = 8_000_000  # bytes of source, or two seconds; below, a second process costs more CPU than it saves time


class _Task(Struct, frozen=True):
    """A shard with the sources to compile, the path of its bytecode archive, and that archive if it exists."""

    shard: Shard
    sources: tuple[Entry, ...]
    path: Path
    existing: BytecodeArchive | None


def compile_shards(
    shards: Sequence[Shard], modules: Iterable[str], interpreter: Interpreter, cache: Path
) -> tuple[BytecodeArchive | None, ...]:
    """Return for each shard an archive with at least the bytecode of those of its sources that `modules` names, or None.

    `modules` are paths. Sources that don't compile (templates, the syntax of another version) have no bytecode. Raises
    PackagingError if the disk is full or the interpreter doesn't work.
    """
    names = set(modules)
    try:
        tasks = [_task(shard, names, interpreter, cache / "bytecode") for shard in shards]
        _compile([task for task in tasks if task.sources], interpreter)
        return tuple(BytecodeArchive(task.path) if task.sources else task.existing for task in tasks)
    except OSError as error:
        raise disk_error("compile the dependencies", error, cache) from error


def _task(shard: Shard, names: Set[str], interpreter: Interpreter, folder: Path) -> _Task:
    path = folder / f"{_key(shard, interpreter)}.zip"
    sources = [entry for entry in shard.entries if entry.name in names]
    existing = _open(path) if sources else None
    done = {entry.name for entry in existing.entries} | existing.failed if existing else frozenset()
    missing = tuple(entry for entry in sources if bytecode_path(entry.name, interpreter.version) not in done)
    return _Task(shard, missing, path, existing)


def _open(path: Path) -> BytecodeArchive | None:
    try:
        return BytecodeArchive(path)
    except (OSError, BadArchive):
        return None


def _key(shard: Shard, interpreter: Interpreter) -> str:
    stat = interpreter.path.stat()  # a patch release may compile to other bytes
    parts = [_FORMAT, shard.path.name, str(interpreter.path), str(stat.st_size), str(stat.st_mtime_ns)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def _compile(tasks: Sequence[_Task], interpreter: Interpreter) -> None:
    """Compile the sources of all tasks, and write their archives."""
    if not tasks:
        return
    jobs = [(number, entry) for number, task in enumerate(tasks) for entry in task.sources]
    codes: list[dict[str, tuple[Entry, bytes] | None]] = [{} for _ in tasks]

    def run(part: Sequence[tuple[int, Entry]]) -> None:
        files = [str(task.shard.path.resolve()) for task in tasks]
        sources = [_source(files[number], entry) for number, entry in part]
        for (number, entry), code in zip(part, compile_sources(sources, interpreter), strict=True):
            if code is not None:  # None after a crash: the next build tries again
                path = bytecode_path(entry.name, interpreter.version)
                codes[number][path] = compress(path, code) if code else None

    parts = _halves(jobs)
    with futures.ThreadPoolExecutor(len(parts)) as pool:
        list(pool.map(run, parts))
    for task, compiled in zip(tasks, codes, strict=True):
        write_archive(task.existing, compiled, task.path)
        if task.existing:
            task.existing.close()


def _source(file: str, entry: Entry) -> Source:
    start = entry.offset + entry.span - entry.packed
    return Source(file, entry.name, UNCHECKED, start, entry.packed, entry.method == DEFLATED)


def _halves(jobs: list[tuple[int, Entry]]) -> list[list[tuple[int, Entry]]]:
    """Return the jobs, in order, in two parts of about the same number of bytes, or in one part if there is little to do."""
    total, size = sum(entry.raw for _, entry in jobs), 0
    if total > _TWO_PROCESSES_MIN:
        for index, (_, entry) in enumerate(jobs, start=1):
            size += entry.raw
            if size >= total / 2:
                return [part for part in (jobs[:index], jobs[index:]) if part]
    return [jobs]

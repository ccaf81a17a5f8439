"""Compiles the sources of shards in an interpreter of the target's version, and writes the archives of what came of it."""

from __future__ import annotations

import json
import marshal
import struct
import subprocess
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

from lambent import atomic
from lambent.interpreters import Interpreter
from lambent.package.archive import Entry, Writer, compress
from lambent.package.cache import ChecksumWriter, archive_comment
from lambent.package.compiler import ENVIRONMENT, TEXT, WIRE
from lambent.package.shards.bytecode_archive import FAILED, Bytecode, place

Made = tuple[Entry, bytes] | None
"""The .pyc of one source, deflated; None where it does not compile."""
_Asked = list[tuple[str, list[tuple[str, int, int, int]]]]
"""Archives, each with its members to be compiled: name, where its data begins, how long they are, how they are packed."""
_WORTH_TWO = 8_000_000  # bytes of source: two seconds of compiling. Two processes take more CPU where two CPUs share a core
_LENGTH = struct.Struct("<I")
# Modules that Python has loaded anyhow, and no collecting of garbage, of which there is none.
_COMPILE = (
    TEXT
    + """
import _frozen_importlib_external, _imp, gc, marshal, sys, zlib
gc.disable()
magic = _frozen_importlib_external.MAGIC_NUMBER
raw, head = int.from_bytes(magic, "little"), magic + b"\\1\\0\\0\\0"
out = sys.stdout.buffer
for path, members in marshal.load(sys.stdin.buffer):
    with open(path, "rb") as file:
        for name, start, packed, method in members:
            file.seek(start)
            source = file.read(packed)
            if method:
                source = zlib.decompress(source, -15)
            try:
                code = compile(text(source), "/var/task/" + name, "exec", dont_inherit=True, optimize=0)
                made = head + _imp.source_hash(raw, source) + marshal.dumps(code)
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                made = b""
            out.write(len(made).to_bytes(4, "little") + made)
"""
)


def compile_all(todo: Mapping[int, tuple[Path, list[Entry]]], interpreter: Interpreter) -> dict[int, list[Made]]:
    """What comes of each entry. Deflating is done beside compiling, which is another process's work."""
    total = sum(entry.raw for _, entries in todo.values() for entry in entries)
    jobs = [(index, entry) for index, (_, entries) in todo.items() for entry in entries]
    split = _halves(jobs, total) if total > _WORTH_TWO else [jobs]
    made: dict[int, list[Made]] = {index: [] for index in todo}
    with ThreadPoolExecutor(len(split)) as pool:
        for part, found in zip(split, pool.map(lambda part: _run(part, todo, interpreter), split), strict=True):
            for (index, _), each in zip(part, found, strict=True):
                made[index].append(each)
    return made


def _halves(jobs: list[tuple[int, Entry]], total: int) -> list[list[tuple[int, Entry]]]:
    """Two runs of about the same bytes, in order."""
    so_far = 0
    for at, (_, entry) in enumerate(jobs):
        so_far += entry.raw
        if so_far >= total / 2:
            return [part for part in (jobs[: at + 1], jobs[at + 1 :]) if part]
    return [jobs]


def _run(part: list[tuple[int, Entry]], todo: Mapping[int, tuple[Path, list[Entry]]], interpreter: Interpreter) -> list[Made]:
    asked: _Asked = []
    for index, entry in part:
        path = str(todo[index][0].resolve())
        if not asked or asked[-1][0] != path:
            asked.append((path, []))
        asked[-1][1].append((entry.name, entry.offset + entry.span - entry.packed, entry.packed, entry.method))
    with subprocess.Popen(
        [str(interpreter.path), "-s", "-S", "-W", "ignore", "-c", _COMPILE],
        cwd="/",  # first on its import path: no modules there
        env=ENVIRONMENT,  # without -E, which would ignore the hash seed
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdin and process.stdout
        _ask(process.stdin, asked)
        codes = _framed(process.stdout)
        return [_made(place(entry.name, interpreter.version), next(codes, b"")) for _, entry in part]


def _ask(pipe: IO[bytes], asked: _Asked) -> None:
    """An interpreter that broke at once reads nothing, and gives nothing."""
    try:
        with pipe:
            marshal.dump(asked, pipe, WIRE)
    except BrokenPipeError:
        pass


def _framed(stream: IO[bytes]) -> Iterator[bytes]:
    """The codes, as far as they come: one that was cut off, and all after it, are missing."""
    while len(head := stream.read(_LENGTH.size)) == _LENGTH.size:
        (size,) = _LENGTH.unpack(head)
        code = stream.read(size)
        if len(code) < size:
            return
        yield code


def _made(name: str, code: bytes) -> Made:
    return compress(name, code) if code else None


def write(held: Bytecode | None, fresh: Mapping[str, Made], path: Path) -> None:
    """The archive with what it held and what is new, sorted, in the place of the one before."""
    old = {entry.name: entry for entry in held.entries} if held else {}
    failed = set(held.failed if held else ()) | {name for name, made in fresh.items() if not made}
    with atomic.replacing(path) as file:
        summed = ChecksumWriter(file)
        writer = Writer(summed)
        for name in sorted(old.keys() | {name for name, made in fresh.items() if made}):
            writer.add(*(fresh.get(name) or held.archive.member(old[name])))  # type: ignore[union-attr]
        writer.add(*compress(FAILED, json.dumps(sorted(failed)).encode()))
        writer.close(lambda _: archive_comment(summed.checksum))

"""Compiles the sources of shards in an interpreter of the target's version, and writes the archives of what came of it."""

from __future__ import annotations

import json
import struct
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lambent.interpreters import Interpreter
from lambent.package.archive import Entry, Writer, compress
from lambent.package.sealed import replacing
from lambent.package.shards.bytecode import FAILED, Bytecode
from lambent.package.shards.sealed import Sealing, seal

_ENVIRONMENT = {"PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8"}
_WORTH_TWO = 1_500_000  # bytes of source: about half a second of compiling
_LENGTH = struct.Struct("<I")
_COMPILE = """
import importlib.util, json, marshal, struct, sys, zlib
head = importlib.util.MAGIC_NUMBER + b"\\1\\0\\0\\0"
out = sys.stdout.buffer
for path, members in json.load(sys.stdin):
    with open(path, "rb") as file:
        for name, start, packed, method in members:
            file.seek(start)
            source = file.read(packed)
            if method:
                source = zlib.decompress(source, -15)
            try:
                code = compile(source, "/var/task/" + name, "exec", dont_inherit=True, optimize=0)
                made = head + importlib.util.source_hash(source) + marshal.dumps(code)
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                made = b""
            out.write(struct.pack("<I", len(made)) + made)
"""


def compile_all(todo: Mapping[int, tuple[Path, list[Entry]]], interpreter: Interpreter) -> dict[int, list[bytes]]:
    """The .pyc of each entry, empty where there is none."""
    total = sum(entry.raw for _, entries in todo.values() for entry in entries)
    jobs = [(index, entry) for index, (_, entries) in todo.items() for entry in entries]
    split = _halves(jobs, total) if total > _WORTH_TWO else [jobs]
    made: dict[int, list[bytes]] = {index: [] for index in todo}
    with ThreadPoolExecutor(len(split)) as pool:
        for part, code in zip(split, pool.map(lambda part: _run(part, todo, interpreter), split), strict=True):
            for (index, _), each in zip(part, code, strict=True):
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


def _run(
    part: list[tuple[int, Entry]], todo: Mapping[int, tuple[Path, list[Entry]]], interpreter: Interpreter
) -> Iterable[bytes]:
    asked: list[tuple[str, list[tuple[str, int, int, int]]]] = []
    for index, entry in part:
        path = str(todo[index][0].resolve())
        if not asked or asked[-1][0] != path:
            asked.append((path, []))
        asked[-1][1].append((entry.name, entry.offset + entry.span - entry.packed, entry.packed, entry.method))
    if not part:
        return []
    done = subprocess.run(
        [str(interpreter.path), "-s", "-S", "-W", "ignore", "-c", _COMPILE],
        cwd="/",  # first on its import path: no modules there
        env=_ENVIRONMENT,  # without -E, which would ignore the hash seed
        input=json.dumps(asked).encode(),
        capture_output=True,
        check=False,
    )
    made = list(_framed(done.stdout))
    return made + [b""] * (len(part) - len(made))  # an interpreter that broke: less bytecode, no failure


def _framed(stream: bytes) -> Iterator[bytes]:
    at = 0
    while at + _LENGTH.size <= len(stream):
        (size,) = _LENGTH.unpack_from(stream, at)
        at += _LENGTH.size + size
        if at > len(stream):
            return
        yield stream[at - size : at]


def write(held: Bytecode | None, fresh: Mapping[str, bytes], path: Path) -> None:
    """The archive with what it held and what is new, sorted, in the place of the one before."""
    old = {entry.name: entry for entry in held.entries} if held else {}
    failed = set(held.failed if held else ()) | {name for name, code in fresh.items() if not code}
    with replacing(path) as file, ThreadPoolExecutor() as pool:
        sealed = Sealing(file)
        writer = Writer(sealed)
        names = sorted(name for name, code in fresh.items() if code)
        packed = dict(zip(names, pool.map(lambda name: compress(name, fresh[name]), names), strict=True))
        for each in sorted(old.keys() | packed.keys()):
            writer.add(*(packed[each] if each in packed else held.archive.member(old[each])))  # type: ignore[union-attr]
        writer.add(*compress(FAILED, json.dumps(sorted(failed)).encode()))
        writer.close(lambda _: seal(sealed.checksum))

"""Compiles source files in the target's own Python, so that a cold start doesn't have to.

The user's files get checked-hash .pyc: after an edit in the AWS console Python must see the change, and hashing a source is
cheap compared with compiling it. The rest gets unchecked-hash .pyc, which save half to two thirds of the import time.
Timestamp .pyc would never be valid: all files of the zip date from 1980, and /var/task is read-only (aws-lambda-builders#924).

The bytes are reproducible: the hash seed is fixed, and the paths are those on Lambda, which makes tracebacks right as well.
"""

from __future__ import annotations

import hashlib
import marshal
import re
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from lambent.errors import PackagingError
from lambent.interpreters import Interpreter
from lambent.package.cache import read_checked, write_checked

TEXT = """
def text(source):
    other = any(b"coding" in line and b"utf-8" not in line for line in source.split(b"\\n", 2)[:2])
    if other or source[:3] == b"\\xef\\xbb\\xbf":
        return source
    try:
        return source.decode()
    except UnicodeDecodeError:
        return source
"""
"""Decodes a source where that doesn't change its meaning: a string compiles a seventh faster than bytes, to the same code."""
# Does what py_compile does, without the modules it imports: they take three times as long as the bytecode of a small app.
# Reads (source file, name in the zip, flags of PEP 552, output file) tuples from stdin, marshalled as WIRE. A source that
# doesn't compile gives an empty output file.
_SCRIPT = (
    TEXT
    + """
import _frozen_importlib_external, _imp, gc, marshal, sys
gc.disable()
magic = _frozen_importlib_external.MAGIC_NUMBER
for source, name, flags, out in marshal.load(sys.stdin.buffer):
    with open(source, "rb") as file:
        data = file.read()
    try:
        code = compile(text(data), "/var/task/" + name, "exec", dont_inherit=True, optimize=0)
        digest = _imp.source_hash(int.from_bytes(magic, "little"), data)
        made = magic + flags.to_bytes(4, "little") + digest + marshal.dumps(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        made = b""
    with open(out, "wb") as file:
        file.write(made)
"""
)
ENVIRONMENT = {"PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8"}
"""The environment of the compiling process."""
WIRE = 2
"""The version of marshal that every Python reads."""
_UNCHECKED, _CHECKED = 1, 3  # flags of PEP 552
_TESTS = re.compile(r"/(tests?|testing/tests)/")
_FORMAT = "3"  # increase it when the same source would give other bytes


class _Job(Struct, frozen=True):
    """A source file to compile, its name in the zip, its PEP 552 flags, and the cache file for its bytecode."""

    source: Path
    name: str
    flags: int
    cached: Path


def compile_files(files: Mapping[str, Path], interpreter: Interpreter, cache: Path, unchecked: str) -> dict[str, bytes]:
    """Return the bytecode of source files, by its path in the zip. Each file is compiled once and then read from `cache`.

    `files` maps paths in the zip to files on this machine. Files below the folder `unchecked` get unchecked-hash .pyc. Files
    that don't compile are missing from the result. Raises PackagingError if the interpreter doesn't work.
    """
    compiled: dict[str, bytes] = {}
    jobs = []
    for name, source in files.items():
        if not name.endswith(".py") or _TESTS.search(f"/{name}"):
            continue
        flags = _UNCHECKED if name.startswith(f"{unchecked}/") else _CHECKED
        cached = cache / "bytecode" / f"{_key(name, source, flags, interpreter)}.pyc"
        code = read_checked(cached)
        if code is None:
            jobs.append(_Job(source, name, flags, cached))
        else:
            compiled[bytecode_path(name, interpreter.version)] = code
    if jobs:
        codes = _compile(jobs, interpreter, cache / "bytecode")
        compiled |= {bytecode_path(job.name, interpreter.version): code for job, code in zip(jobs, codes, strict=True)}
    return {name: code for name, code in sorted(compiled.items()) if code}


def bytecode_path(name: str, python: str) -> str:
    """Return the path at which Python looks for the bytecode of a source file. `python` is a minor version ("3.13")."""
    folder, slash, file = name.rpartition("/")
    return f"{folder}{slash}__pycache__/{file.removesuffix('.py')}.cpython-{python.replace('.', '')}.pyc"


def source_of(name: str) -> str:
    """Return the path of the source that Python looks for next to a bytecode file, or "" for any other file."""
    folder, cache, file = name.rpartition("__pycache__/")
    return f"{folder}{file.partition('.')[0]}.py" if cache and name.endswith(".pyc") else ""


def _compile(jobs: list[_Job], interpreter: Interpreter, folder: Path) -> list[bytes]:
    """Return the bytecode for each job, empty if there is none, and cache it."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".new-") as stage:
        outputs = [Path(stage, job.cached.name) for job in jobs]
        tasks = [(str(job.source), job.name, job.flags, str(out)) for job, out in zip(jobs, outputs, strict=True)]
        process = subprocess.run(
            [str(interpreter.path), "-s", "-S", "-c", _SCRIPT],
            cwd=stage,
            env=ENVIRONMENT,
            input=marshal.dumps(tasks, WIRE),
            capture_output=True,
            check=False,
        )
        codes = [out.read_bytes() if out.exists() else None for out in outputs]
    if all(code is None for code in codes):
        raise broken_interpreter(interpreter, process.stderr)
    for job, code in zip(jobs, codes, strict=True):
        if code is not None:  # missing after a crash: the next build tries again
            write_checked(job.cached, code)
    return [code or b"" for code in codes]


def broken_interpreter(interpreter: Interpreter, stderr: bytes) -> PackagingError:
    """Return the error for a compiling process that produced nothing."""
    return PackagingError(
        f"Python {interpreter.version} cannot compile: its process produced nothing",
        where=str(interpreter.path),
        hint=f"check that this interpreter starts: {interpreter.path} -c pass",
        detail=stderr.decode("utf-8", "replace").strip(),
    )


def _key(name: str, source: Path, flags: int, interpreter: Interpreter) -> str:
    """Return a digest of everything the bytecode depends on. A patch release of Python may compile to other bytes."""
    stat = interpreter.path.stat()
    parts = [_FORMAT, str(interpreter.path), str(stat.st_size), str(stat.st_mtime_ns), name, str(flags)]
    return hashlib.sha256("\0".join(parts).encode() + b"\0" + source.read_bytes()).hexdigest()[:32]

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
import struct
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, NamedTuple

from lambent.errors import PackagingError
from lambent.interpreters import Interpreter
from lambent.package.cache import read_checked, write_checked

# Does what py_compile does, without the modules it imports: they take three times as long as the bytecode of a small app.
# Reads `Source` tuples from stdin, and writes the bytecode of each to stdout, after its length in four bytes. The length is 0
# if a source doesn't compile. A source is decoded where that doesn't change its meaning: a string compiles a seventh faster
# than bytes, to the same code.
_SCRIPT = """
import _frozen_importlib_external, _imp, gc, marshal, sys
gc.disable()

def text(source):
    other = any(b"coding" in line and b"utf-8" not in line for line in source.split(b"\\n", 2)[:2])
    if other or source[:3] == b"\\xef\\xbb\\xbf":
        return source
    try:
        return source.decode()
    except UnicodeDecodeError:
        return source

magic = _frozen_importlib_external.MAGIC_NUMBER
number, opened = int.from_bytes(magic, "little"), None
for path, name, flags, start, size, is_deflated in marshal.load(sys.stdin.buffer):
    if path != opened:
        file, opened = open(path, "rb"), path
    file.seek(start)
    source = file.read(size)
    if is_deflated:
        import zlib
        source = zlib.decompress(source, -15)
    try:
        code = compile(text(source), "/var/task/" + name, "exec", dont_inherit=True, optimize=0)
        result = magic + flags.to_bytes(4, "little") + _imp.source_hash(number, source) + marshal.dumps(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        result = b""
    sys.stdout.buffer.write(len(result).to_bytes(4, "little") + result)
"""
_ENVIRONMENT = {"PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8"}
_MARSHAL_VERSION = 2  # every Python reads it
_LENGTH = struct.Struct("<I")
UNCHECKED, CHECKED = 1, 3
"""Flags of PEP 552: the source is never compared with the bytecode, or each time it is imported."""
_TESTS = re.compile(r"/(tests?|testing/tests)/")
_FORMAT = "3"  # increase it when the same source would give other bytes


class Source(NamedTuple):
    """A source to compile: the file that contains it, its path in the zip, and its PEP 552 flags.

    A member of an archive is given by the offset and size of its data in `file`, and whether that is deflated.
    """

    file: str
    name: str
    flags: int
    start: int = 0
    size: int = -1
    is_deflated: bool = False


def compile_sources(sources: Sequence[Source], interpreter: Interpreter) -> Iterator[bytes | None]:
    """Yield the bytecode of each source: b"" if it doesn't compile, None if the process crashed before it.

    Raises PackagingError if the process produces nothing at all.
    """
    command = [str(interpreter.path), "-s", "-S", "-W", "ignore", "-c", _SCRIPT]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd="/", env=_ENVIRONMENT, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        assert process.stdin and process.stdout and process.stderr
        try:
            with process.stdin as stdin:
                stdin.write(marshal.dumps([tuple(source) for source in sources], _MARSHAL_VERSION))
        except BrokenPipeError:  # the interpreter doesn't even start
            pass
        for number in range(len(sources)):
            code = _read_frame(process.stdout)
            if code is None and number == 0:
                raise _broken_interpreter(interpreter, process.stderr.read())
            yield code


def _read_frame(stream: IO[bytes]) -> bytes | None:
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (size,) = _LENGTH.unpack(head)
    code = stream.read(size)
    return code if len(code) == size else None


def compile_files(files: Mapping[str, Path], interpreter: Interpreter, cache: Path, unchecked: str) -> dict[str, bytes]:
    """Return the bytecode of source files, by its path in the zip. Each file is compiled once and then read from `cache`.

    `files` maps paths in the zip to files on this machine. Files below the folder `unchecked` get unchecked-hash .pyc. Files
    that don't compile are missing from the result. Raises PackagingError if the interpreter doesn't work.
    """
    compiled: dict[str, bytes | None] = {}
    missing: dict[Path, Source] = {}
    for name, file in files.items():
        if not name.endswith(".py") or _TESTS.search(f"/{name}"):
            continue
        flags = UNCHECKED if name.startswith(f"{unchecked}/") else CHECKED
        cached = cache / "bytecode" / f"{_key(name, file, flags, interpreter)}.pyc"
        code = read_checked(cached)
        if code is None:
            missing[cached] = Source(str(file.resolve()), name, flags)
        else:
            compiled[bytecode_path(name, interpreter.version)] = code
    codes = compile_sources(list(missing.values()), interpreter) if missing else ()
    for (cached, source), code in zip(missing.items(), codes, strict=True):
        compiled[bytecode_path(source.name, interpreter.version)] = code
        if code is not None:  # otherwise the next build tries again
            write_checked(cached, code)
    return {name: code for name, code in sorted(compiled.items()) if code}


def bytecode_path(name: str, python: str) -> str:
    """Return the path at which Python looks for the bytecode of a source file. `python` is a minor version ("3.13")."""
    folder, slash, file = name.rpartition("/")
    return f"{folder}{slash}__pycache__/{file.removesuffix('.py')}.cpython-{python.replace('.', '')}.pyc"


def source_of(name: str) -> str:
    """Return the path of the source that Python looks for next to a bytecode file, or "" for any other file."""
    folder, cache, file = name.rpartition("__pycache__/")
    return f"{folder}{file.partition('.')[0]}.py" if cache and name.endswith(".pyc") else ""


def _broken_interpreter(interpreter: Interpreter, stderr: bytes) -> PackagingError:
    """Return the error for a compiling process that produced nothing."""
    return PackagingError(
        f"Python {interpreter.version} cannot compile: its process produced nothing",
        where=str(interpreter.path),
        hint=f"check that this interpreter starts: {interpreter.path} -c pass",
        detail=stderr.decode("utf-8", "replace").strip(),
    )


def _key(name: str, file: Path, flags: int, interpreter: Interpreter) -> str:
    """Return a digest of everything the bytecode depends on. A patch release of Python may compile to other bytes."""
    stat = interpreter.path.stat()
    parts = [_FORMAT, str(interpreter.path), str(stat.st_size), str(stat.st_mtime_ns), name, str(flags)]
    return hashlib.sha256("\0".join(parts).encode() + b"\0" + file.read_bytes()).hexdigest()[:32]

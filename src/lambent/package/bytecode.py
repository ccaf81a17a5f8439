"""Compiles for the target's Python, so that a cold start need not.

Unchecked-hash .pyc: the zip's files all date from 1980 and /var/task is read-only, so timestamp .pyc never validate there
(aws-lambda-builders#924); unchecked ones take half to two thirds of the import time away. The bytes repeat: one process, a
fixed hash seed, and the paths the files will have on Lambda, which also makes tracebacks right.

The user's own files get checked-hash .pyc: who edits one in the console of AWS must see the change. Python then reads and
hashes the source as well, which is little beside compiling it.
"""

from __future__ import annotations

import hashlib
import marshal
import re
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from lambent.interpreters import Interpreter
from lambent.package.cache import read_checked, write_checked
from lambent.package.compiler import CHECKED, ENVIRONMENT, SCRIPT, UNCHECKED, WIRE

_TESTS = r"/(tests?|testing/tests)/"
_FORMAT = "3"  # raise it when the same source would give other bytes


def compile_files(files: Mapping[str, Path], interpreter: Interpreter, cache: Path, unchecked: str) -> dict[str, bytes]:
    """The bytecode of source files by its path in the zip; each is compiled once, and then found in `cache`.

    `files` maps paths in the zip to files of this machine. Those below the folder `unchecked` are never compared with their
    source again. Files that do not compile get none.
    """
    found: dict[str, bytes] = {}
    missing: list[tuple[str, str, int, Path]] = []
    for name, source in files.items():
        if not name.endswith(".py") or re.search(_TESTS, f"/{name}"):
            continue
        mode = UNCHECKED if name.startswith(f"{unchecked}/") else CHECKED
        path = cache / "bytecode" / f"{_key(name, source, mode, interpreter)}.pyc"
        there = read_checked(path)
        if there is None:
            missing.append((str(source), name, mode, path))
        else:
            found[_place(name, interpreter)] = there
    if missing:
        made = _compile(missing, interpreter, cache / "bytecode")
        found |= {_place(name, interpreter): code for (_, name, _, _), code in zip(missing, made, strict=True)}
    return {name: code for name, code in sorted(found.items()) if code}


def _compile(missing: list[tuple[str, str, int, Path]], interpreter: Interpreter, folder: Path) -> list[bytes]:
    """The bytecode of each, empty where there is none; kept in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    codes = []
    with tempfile.TemporaryDirectory(dir=folder, prefix=".new-") as stage:
        out = [(source, name, mode, f"{stage}/{path.name}") for source, name, mode, path in missing]
        subprocess.run(
            [str(interpreter.path), "-s", "-S", "-c", SCRIPT],
            cwd=stage,
            env=ENVIRONMENT,
            input=marshal.dumps(out, WIRE),
            capture_output=True,
            check=False,
        )
        for *_, path in missing:
            made = Path(stage) / path.name
            code = made.read_bytes() if made.exists() else None  # an interpreter that broke leaves nothing, and is asked again
            codes.append(code or b"")
            if code is not None:
                write_checked(path, code)
    return codes


def _key(name: str, source: Path, mode: int, interpreter: Interpreter) -> str:
    """Of all that goes into the bytes; a patch release of Python may give others."""
    stat = interpreter.path.stat()
    parts = [_FORMAT, str(interpreter.path), str(stat.st_size), str(stat.st_mtime_ns), name, str(mode)]
    return hashlib.sha256("\0".join(parts).encode() + b"\0" + source.read_bytes()).hexdigest()[:32]


def _place(name: str, interpreter: Interpreter) -> str:
    path = PurePosixPath(name)
    tag = f"cpython-{interpreter.version.replace('.', '')}"
    return str(path.parent / "__pycache__" / f"{path.stem}.{tag}.pyc")

"""The runtime, packed for one target: its modules in one file, which the target's Python starts directly.

Compared with the plain files from `vendor.py` this saves two things at each start: a shell, and the search for each module.
`runtime/bundle.py` reads the file.
"""

from __future__ import annotations

import hashlib
import marshal
from collections.abc import Container, Mapping
from pathlib import Path, PurePosixPath

from lambent.interpreters import Interpreter
from lambent.package.cache import read_checked, write_checked
from lambent.package.compiler import compile_files
from lambent.package.layout import RUNTIME, SourceFile
from lambent.package.vendor import runtime_files

_HEADER = 16  # bytes of a .pyc before its code: magic number, flags, hash
_FORMAT = 2  # of marshal; later ones write references, so that equal values may have different bytes
_VERSION = "1"  # increase it when the same files would give another bundle
_STARTER = "bundle"
FIRST = (
    *("__init__", "environment", "api", "fault", "json_text", "log", "context", "handler_result"),
    *("event_handler", "app_loader", "startup", "stack_dump", "invocation_loop", "interpreter_setup"),
)
"""The modules that each start needs, each after the ones it imports."""
_SCRIPT = """\
#!{python} -S
if __name__ == "__main__":
    from marshal import loads

    folder = __file__.rpartition("/")[0]
    file = open(folder + "/bundle", "rb", 0)
    starter, first = loads(file.read({size}))
    file.close()
    exec(loads(starter))
    run(folder, first, {size})
"""


def bundled(
    python: str, interpreter: Interpreter | None, cache: Path, also: Mapping[str, SourceFile] | None = None
) -> dict[str, SourceFile]:
    """Return the runtime's files by their path in a zip, sorted. `python` is the path of its interpreter on Lambda.

    Without an interpreter of that version on this machine there is no bytecode, and so no bundle. The files in `also` will be
    compiled later in the build: if a compiling process has to start, it compiles them as well.
    """
    files = runtime_files()
    if interpreter is not None:
        bundle, script = _bundle(python, files, interpreter, cache, also or {})
        files[f"{RUNTIME}/bundle"] = SourceFile.generated("bundle", bundle)
        files[f"{RUNTIME}/bootstrap"] = SourceFile(Path("bootstrap"), executable=True, content=script)
    return dict(sorted(files.items()))


def is_bundled(name: str, files: Container[str]) -> bool:
    """Whether the bundle among these files holds the module at this path, so that it needs no bytecode file."""
    return f"{RUNTIME}/bundle" in files and PurePosixPath(name).parent.name == RUNTIME


def _bundle(
    python: str, files: dict[str, SourceFile], interpreter: Interpreter, cache: Path, also: Mapping[str, SourceFile]
) -> tuple[bytes, bytes]:
    """Return the bundle and the script that starts it, from the cache if possible."""
    path = cache / "runtime" / _key(python, files, interpreter)
    cached = read_checked(path)
    if cached is not None:
        bundle, script = marshal.loads(cached)
        return bundle, script
    codes = _codes(files, interpreter, cache, also)
    first = marshal.dumps((codes.pop(_STARTER), {name: codes.pop(name) for name in FIRST}), _FORMAT)
    script = _SCRIPT.format(python=python, size=len(first)).encode()
    bundle = first + marshal.dumps(codes, _FORMAT)
    write_checked(path, marshal.dumps((bundle, script)))
    return bundle, script


def _codes(
    files: dict[str, SourceFile], interpreter: Interpreter, cache: Path, also: Mapping[str, SourceFile]
) -> dict[str, bytes]:
    """Return the marshalled code objects of the runtime's modules, by their short names."""
    sources = {name: file.path for name, file in (*also.items(), *files.items())}
    compiled = compile_files(sources, interpreter, cache, RUNTIME)
    paths = [(PurePosixPath(name), code) for name, code in sorted(compiled.items())]
    return {path.name.partition(".")[0]: code[_HEADER:] for path, code in paths if str(path.parent.parent) == RUNTIME}


def _key(python: str, files: dict[str, SourceFile], interpreter: Interpreter) -> str:
    """Return a digest of everything the bundle depends on. A file counts as unchanged while its date and size are."""
    stats = [(name, file.path.stat()) for name, file in files.items()]
    dates = [(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats]
    stat = interpreter.path.stat()
    parts = (_VERSION, python, str(interpreter.path), stat.st_size, stat.st_mtime_ns, dates)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]

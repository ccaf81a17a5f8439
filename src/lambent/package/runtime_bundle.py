"""The runtime as it is packed for one target: started by that target's Python itself, its modules in one file.

Beside the plain files that `vendor` gives, both save time at each start of a process: Lambda's shell, and the search for
each module. See runtime/bundle.py, which reads that file.
"""

from __future__ import annotations

import hashlib
import marshal
from collections.abc import Container, Mapping
from pathlib import Path, PurePosixPath

from lambent.interpreters import Interpreter
from lambent.package.bytecode import compile_files
from lambent.package.cache import read_checked, write_checked
from lambent.package.layout import RUNTIME, SourceFile
from lambent.package.vendor import runtime_files

_HEAD = 16  # bytes of a .pyc before its code: magic number, flags, hash
_FORMAT = 2  # of marshal; the later ones write references too, so that other bytes may stand for the same value
_VERSION = "1"  # raise it when the same files would give another bundle
_STARTER = "bundle"
FIRST = (
    *("__init__", "environment", "api", "fault", "json_text", "log", "context", "handler_result"),
    *("event_handler", "app_loader", "startup", "invocation_loop", "interpreter_setup"),
)
"""What each start needs, in an order in which each comes after what it imports."""
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
    """The files of the runtime by their path in a zip, sorted. `python` is the path of its interpreter on Lambda; `also` are
    files that will be asked for next, and are compiled by the same process, if there is to be one.

    Without an interpreter of that version on this machine there is no bytecode, and so no bundle.
    """
    files = runtime_files()
    if interpreter is not None:
        bundle, script = _made(python, files, interpreter, cache, also or {})
        files[f"{RUNTIME}/bundle"] = SourceFile(Path("bundle"), content=bundle)
        files[f"{RUNTIME}/bootstrap"] = SourceFile(Path("bootstrap"), executable=True, content=script)
    return dict(sorted(files.items()))


def is_bundled(name: str, files: Container[str]) -> bool:
    """Whether a module of these files, by its path, is in their bundle, so that no bytecode is needed beside it."""
    return f"{RUNTIME}/bundle" in files and PurePosixPath(name).parent.name == RUNTIME


def _codes(
    files: dict[str, SourceFile], interpreter: Interpreter, cache: Path, also: Mapping[str, SourceFile]
) -> dict[str, bytes]:
    """The marshalled code objects of the modules, by their own names."""
    sources = {name: file.path for name, file in (*also.items(), *files.items())}
    compiled = compile_files(sources, interpreter, cache, RUNTIME)
    ours = [(PurePosixPath(name), code) for name, code in sorted(compiled.items())]
    return {path.name.partition(".")[0]: code[_HEAD:] for path, code in ours if str(path.parent.parent) == RUNTIME}


def _made(
    python: str, files: dict[str, SourceFile], interpreter: Interpreter, cache: Path, also: Mapping[str, SourceFile]
) -> tuple[bytes, bytes]:
    """The bundle and the script that starts it. Kept, since asking for each module's bytecode takes a while."""
    path = cache / "runtime" / _key(python, files, interpreter)
    there = read_checked(path)
    if there is not None:
        bundle, script = marshal.loads(there)
        return bundle, script
    codes = _codes(files, interpreter, cache, also)
    first = marshal.dumps((codes.pop(_STARTER), {name: codes.pop(name) for name in FIRST}), _FORMAT)
    script = _SCRIPT.format(python=python, size=len(first)).encode()
    bundle = first + marshal.dumps(codes, _FORMAT)
    write_checked(path, marshal.dumps((bundle, script)))
    return bundle, script


def _key(python: str, files: dict[str, SourceFile], interpreter: Interpreter) -> str:
    """Of what the bundle is made from; whether a file of ours changed is told by its date."""
    found = [(name, file.path.stat()) for name, file in files.items()]
    stat = interpreter.path.stat()
    told = [(name, each.st_size, each.st_mtime_ns) for name, each in found]
    parts = (_VERSION, python, str(interpreter.path), stat.st_size, stat.st_mtime_ns, told)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]

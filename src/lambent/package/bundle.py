"""The runtime as it is packed for one target: started by that target's Python itself, its modules in one file.

Beside the plain files that `vendor` gives, both save time at each start of a process: Lambda's shell, and the search for
each module. See runtime/bundle.py, which reads that file.
"""

from __future__ import annotations

import hashlib
import marshal
import os
import tempfile
from collections.abc import Container
from pathlib import Path, PurePosixPath

from lambent.interpreters import Interpreter
from lambent.package.bytecode import compile_files
from lambent.package.layout import RUNTIME, SourceFile
from lambent.package.vendor import runtime_files

_HEAD = 16  # bytes of a .pyc before its code: magic number, flags, hash
_FORMAT = 2  # of marshal; the later ones write references too, so that other bytes may stand for the same value
_STARTER = "bundle"
FIRST = (
    *("__init__", "environment", "api", "fault", "handler", "hosts", "json_text", "log", "loop", "startup"),
    *("context", "result", "function"),
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


def bundled(python: str, interpreter: Interpreter | None, cache: Path) -> dict[str, SourceFile]:
    """The files of the runtime by their path in a zip, sorted. `python` is the path of its interpreter on Lambda.

    Without an interpreter of that version on this machine there is no bytecode, and so no bundle.
    """
    files = runtime_files()
    if interpreter is not None:
        codes = _codes(files, interpreter, cache)
        first = marshal.dumps((codes.pop(_STARTER), {name: codes.pop(name) for name in FIRST}), _FORMAT)
        script = _SCRIPT.format(python=python, size=len(first))
        files[f"{RUNTIME}/bundle"] = SourceFile(_kept(cache, first + marshal.dumps(codes, _FORMAT)))
        files[f"{RUNTIME}/bootstrap"] = SourceFile(_kept(cache, script.encode()), executable=True)
    return dict(sorted(files.items()))


def is_bundled(name: str, files: Container[str]) -> bool:
    """Whether a module of these files, by its path, is in their bundle, so that no bytecode is needed beside it."""
    return f"{RUNTIME}/bundle" in files and PurePosixPath(name).parent.name == RUNTIME


def _codes(files: dict[str, SourceFile], interpreter: Interpreter, cache: Path) -> dict[str, bytes]:
    """The marshalled code objects of the modules, by their own names."""
    sources = {name: file.path for name, file in files.items() if PurePosixPath(name).parent.name == RUNTIME}
    compiled = compile_files(sources, interpreter, cache, RUNTIME)
    return {name.rpartition("/")[2].partition(".")[0]: code[_HEAD:] for name, code in sorted(compiled.items())}


def _kept(cache: Path, data: bytes) -> Path:
    """A file of this content."""
    folder = cache / "runtime"
    path = folder / hashlib.sha256(data).hexdigest()[:32]
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        handle, made = tempfile.mkstemp(dir=folder, prefix=".new-")
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(made).replace(path)
    return path

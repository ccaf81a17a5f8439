"""The interpreter of both sides: this machine's, with empty site-packages, as on Lambda."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from msgspec.structs import replace

from lambent.interpreters import Interpreter


def bare(python: Interpreter, folder: Path) -> Interpreter:
    """Copy the executable to `folder`, with links to its standard library. Return `python` if the copy doesn't run.

    Python reads site-packages (above all .pth files) at each start, which would be measured too.
    """
    name = f"python{python.version}"
    library = python.path.parent.parent / "lib" / name
    copy = folder / "python" / "bin" / name
    links = folder / "python" / "lib" / name
    if not library.is_dir():
        return python
    links.mkdir(parents=True)
    copy.parent.mkdir()
    shutil.copy2(python.path, copy)
    for entry in library.iterdir():
        if entry.name not in ("site-packages", "dist-packages", "sitecustomize.py"):
            (links / entry.name).symlink_to(entry)
    (links / "site-packages").mkdir()
    result = subprocess.run([copy, "-c", "import _socket, ssl, sys; print(sys.prefix)"], capture_output=True, text=True)
    return replace(python, path=copy) if result.stdout.strip() == str(folder / "python") else python

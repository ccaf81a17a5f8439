"""The interpreter both sides run on: that of this machine, but with nothing in its site-packages, as on Lambda."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from msgspec.structs import replace

from lambent.interpreters import Interpreter


def bare(python: Interpreter, folder: Path) -> Interpreter:
    """A copy of the executable in `folder`, with links to its standard library; the one given where that does not run.

    What a machine keeps in its site-packages (.pth files above all) is read at each start, and would be measured too.
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
    done = subprocess.run([copy, "-c", "import _socket, ssl, sys; print(sys.prefix)"], capture_output=True, text=True)
    return replace(python, path=copy) if done.stdout.strip() == str(folder / "python") else python

"""What Python's `site` does at the start of a program, and Lambda's import path.

The wrapper starts Python with -S, as `site` brings `os` and more with it: 5 ms of a bare interpreter's 15. What it does for a
program on Lambda is little, and done here: site-packages with its .pth files, `exit`, `quit` and `help`, and sitecustomize.
Any other arrangement than Lambda's (a virtual environment, Debian's folders) is left to `site` itself. Of what it does in
/var/lang, only the user's own site-packages are missing, which Lambda does not have.
"""

from __future__ import annotations

import builtins
import posix
import sys

from . import loop  # before Lambda's folders are on the import path: looking for what it needs takes longer with them
from .environment import variable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

_KNOWN = (3, 14)
"""The newest Python whose `site` was read for this."""


def run(folder: str) -> NoReturn:
    """Runs the loop in a process as an app expects it. `folder` is that of this package, which is not on the import path."""
    del sys.argv[1:]  # Lambda's own command line, given to the wrapper
    if sys.flags.no_site:
        _be_site()
    _set_import_path(folder.rpartition("/")[0])
    loop.run()


def _set_import_path(root: str) -> None:
    """Task root, layers, what PYTHONPATH names, runtime folder, standard library (facts: dg:python-package "search path")."""
    task = variable("LAMBDA_TASK_ROOT") or root
    first = [task, "/opt/python", f"/opt/python/lib/{_version()}/site-packages"]
    named = [entry for entry in variable("PYTHONPATH").split(":") if entry]
    runtime = variable("LAMBDA_RUNTIME_DIR")
    if runtime:
        named.append(runtime)
    sys.path[:] = list(dict.fromkeys([*first, *named, *sys.path, root]))


def _be_site() -> None:
    packages = f"{sys.prefix}/{sys.platlibdir}/{_version()}/site-packages"
    home = sys.executable.rpartition("/")[0]
    virtual = _exists(f"{home}/pyvenv.cfg") or _exists(f"{home.rpartition('/')[0]}/pyvenv.cfg")
    if virtual or sys.version_info[:2] > _KNOWN or not _exists(packages):
        import site

        site.main()
        return
    _add_folder(packages)
    builtins.exit = builtins.quit = sys.exit  # type: ignore[assignment]
    builtins.help = _help  # type: ignore[assignment]
    # Looked for by hand: the import system takes longer to find nothing.
    if any(_exists(f"{entry}/sitecustomize.py") or _exists(f"{entry}/sitecustomize") for entry in sys.path):
        _customise()


def _help(*subject: object) -> None:
    import pydoc

    pydoc.help(*subject)


def _customise() -> None:
    try:
        __import__("sitecustomize")
    except ImportError as error:
        if error.name != "sitecustomize":
            raise
    except Exception as error:
        sys.stderr.write(f"Error in sitecustomize; set PYTHONVERBOSE for traceback:\n{type(error).__name__}: {error}\n")


def _add_folder(sitedir: str) -> None:
    """Adds site-packages, and what its .pth files say. They may look for `sitedir` in the frame that runs them."""
    sys.path.append(sitedir)
    for name in sorted(posix.listdir(sitedir)):
        if name.endswith(".pth") and not name.startswith("."):
            with open(f"{sitedir}/{name}", "rb") as file:  # noqa: PTH123 - pathlib would cost 10 ms
                text = file.read().decode("utf-8", "replace").removeprefix("\ufeff")
            try:
                for line in text.splitlines():
                    if line.startswith(("import ", "import\t")):
                        exec(line)
                    elif line.strip() and not line.startswith("#"):
                        _add_entry(sitedir, line.rstrip())
            except Exception as error:
                sys.stderr.write(f"Error processing {sitedir}/{name}: {type(error).__name__}: {error}\n")


def _add_entry(sitedir: str, line: str) -> None:
    entry = line if line.startswith("/") else f"{sitedir}/{line}"
    if entry not in sys.path and _exists(entry):
        sys.path.append(entry)


def _exists(path: str) -> bool:
    return posix.access(path, posix.F_OK)


def _version() -> str:
    return f"python{sys.version_info[0]}.{sys.version_info[1]}"

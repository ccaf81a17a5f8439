"""Prepares the interpreter: what Python's `site` does when a program starts, and Lambda's import path.

The wrapper starts Python with -S because `site` imports `os` and more: 5 of a bare interpreter's 15 ms. The little that `site`
does on Lambda is done here: site-packages with its .pth files, `exit`, `quit` and `help`, and sitecustomize. In any other
layout than Lambda's (a virtual environment, Debian's folders) `site` itself runs. Only the user site-packages are missing,
which Lambda doesn't have.
"""

from __future__ import annotations

import builtins
import posix
import sys

from . import invocation_loop  # before Lambda's folders are on the import path, which make every search slower
from .environment import variable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

_NEWEST_CHECKED = (3, 14)
"""The newest Python whose `site` this was checked against."""


def run(folder: str) -> NoReturn:
    """Prepare the process and run the invocation loop. `folder` holds this package and is not on the import path."""
    wrapper = variable("LAMBENT_EXEC_WRAPPER")
    if wrapper:
        from .exec_wrapper import start

        start(wrapper)
    del sys.argv[1:]  # Lambda's own command line, given to the wrapper
    if sys.flags.no_site:
        _run_site()
    _set_import_path(folder.rpartition("/")[0])
    invocation_loop.run()


def _set_import_path(root: str) -> None:
    """Put the task root first, then layers, PYTHONPATH, the runtime folder and the standard library.

    https://docs.aws.amazon.com/lambda/latest/dg/python-package.html ("search path")
    """
    task = variable("LAMBDA_TASK_ROOT") or root
    layers = ["/opt/python", f"/opt/python/lib/{_version()}/site-packages"]
    configured = [entry for entry in variable("PYTHONPATH").split(":") if entry]
    runtime = variable("LAMBDA_RUNTIME_DIR")
    if runtime:
        configured.append(runtime)
    sys.path[:] = list(dict.fromkeys([task, *layers, *configured, *sys.path, root]))


def _run_site() -> None:
    packages = f"{sys.prefix}/{getattr(sys, 'platlibdir', 'lib')}/{_version()}/site-packages"
    home = sys.executable.rpartition("/")[0]
    virtual = _exists(f"{home}/pyvenv.cfg") or _exists(f"{home.rpartition('/')[0]}/pyvenv.cfg")
    if virtual or sys.version_info[:2] > _NEWEST_CHECKED or not _exists(packages):
        import site

        site.main()
        return
    _add_folder(packages)
    builtins.exit = builtins.quit = sys.exit  # type: ignore[assignment]
    builtins.help = _help  # type: ignore[assignment]
    # A search by hand: the import system takes longer to find nothing.
    if any(_exists(f"{entry}/sitecustomize.py") or _exists(f"{entry}/sitecustomize") for entry in sys.path):
        _import_sitecustomize()


def _help(*subject: object) -> None:
    import pydoc

    pydoc.help(*subject)


def _import_sitecustomize() -> None:
    try:
        __import__("sitecustomize")
    except ImportError as error:
        if error.name != "sitecustomize":
            raise
    except Exception as error:
        sys.stderr.write(f"Error in sitecustomize; set PYTHONVERBOSE for traceback:\n{type(error).__name__}: {error}\n")


def _add_folder(sitedir: str) -> None:
    """Add site-packages and what its .pth files add. Their code may expect a variable `sitedir` in the calling frame."""
    sys.path.append(sitedir)
    for name in sorted(posix.listdir(sitedir)):
        if name.endswith(".pth") and not name.startswith("."):
            with open(f"{sitedir}/{name}", "rb") as file:  # noqa: PTH123 - pathlib would cost 10 ms
                text = file.read().decode("utf-8", "replace").lstrip("\ufeff")
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

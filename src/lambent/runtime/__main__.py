"""Where the process starts: puts the import path in Lambda's order, then hands over to the loop.

Kept small: a script's bytecode is never cached.
"""

import os
import sys


def main() -> None:
    folder = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - pathlib would cost 10 ms
    root, package = os.path.split(folder)
    set_import_path(folder, root)
    __import__(package + ".loop", fromlist=["run"]).run()


def set_import_path(folder: str, root: str) -> None:
    """Task root, layers, what PYTHONPATH names, runtime folder, standard library (facts: dg:python-package "search path")."""
    task = os.environ.get("LAMBDA_TASK_ROOT") or root
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    first = [task, "/opt/python", f"/opt/python/lib/{version}/site-packages"]
    named = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    runtime = os.environ.get("LAMBDA_RUNTIME_DIR")
    if runtime:
        named.append(runtime)
    # Python put this script's own folder first; left there, an app's `import reply` would find ours.
    rest = [entry for entry in sys.path if entry and entry != folder]
    sys.path[:] = list(dict.fromkeys([*first, *named, *rest, root]))


if __name__ == "__main__":
    main()

"""Which file says what a project depends on.

Looked for in the project's folder, then from the app's own folder up to it, then above it up to the repository's root (the
folder with .git; without one nothing above the project is looked at). In a folder the first of these counts:

    1. pylock.<target>.toml    written by `lambent build --lock`, for this target alone
    2. pylock.toml             the standard lock (PEP 751)
    3. requirements.txt
    4. uv.lock, poetry.lock, pdm.lock   with pyproject.toml: a lock stands before the file it locks
    5. pyproject.toml          [project] dependencies, or the groups that are asked for
    6. Pipfile.lock            with Pipfile
    7. setup.py, setup.cfg, requirements.in

A script with inline metadata (PEP 723) is its own project: a pylock for it, `script.py.lock`, then its metadata.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct

from lambent.config import script_metadata
from lambent.errors import PackagingError
from lambent.package.target import Target

Kind = Literal[
    "nothing",
    "pylock",
    "requirements.txt",
    "uv.lock",
    "poetry.lock",
    "pdm.lock",
    "pyproject.toml",
    "Pipfile.lock",
    "script.lock",
    "script",
]

_LOCKED: tuple[Kind, ...] = ("uv.lock", "poetry.lock", "pdm.lock")


class Asked(Struct, frozen=True):
    """What asks for the dependencies. `path` is the file (None: nothing does), `source` how people call it.

    `folder` is where uv runs: that of the project whose dependencies they are. It is not always the file's: a member of a uv
    workspace is locked by the workspace's uv.lock. `project` is the folder or script that gets packed.
    """

    kind: Kind
    path: Path | None
    source: str
    folder: Path
    project: Path
    passed_over: tuple[str, ...] = ()


def find(project: Path, app: Path, target: Target, *, anew: bool = False) -> Asked:
    """What asks for the dependencies of a project (a folder or a script) whose app lies in the file `app`.

    `anew` passes over the locks that lambent wrote for the target.
    Raises PackagingError for a file that cannot be read, or that needs a lock and has none.
    """
    project = project.resolve()
    if project.is_file():
        return _of_script(project, project, target, anew)
    for folder in _places(project, app.resolve()):
        asked = _of_folder(folder, project, target, anew)
        if asked is not None:
            return asked
    if script_metadata.read(app) is not None:
        return _of_script(app.resolve(), project, target, anew)
    return Asked("nothing", None, "", project, project)


def pylock_path(project: Path, target: Target) -> Path:
    """Where the lock of a project for one target is kept: PEP 751 wants a name without dots."""
    name = f"python{target.python.replace('.', '')}-{target.architecture}"
    if project.is_file():
        stem = re.sub(r"[^A-Za-z0-9_-]", "-", project.stem)
        return project.with_name(f"pylock.{stem}-{name}.toml")
    return project / f"pylock.{name}.toml"


def _places(project: Path, app: Path) -> list[Path]:
    inside = [folder for folder in app.parents if folder != project and folder.is_relative_to(project)]
    above: list[Path] = []
    if not (project / ".git").exists():
        for folder in project.parents:
            above.append(folder)
            if (folder / ".git").exists():
                break
        else:
            above = []
    return [project, *inside, *above]


def _of_script(path: Path, project: Path, target: Target, anew: bool) -> Asked:
    own = pylock_path(path, target)
    if own.is_file() and not anew:
        return Asked("pylock", own, own.name, path.parent, project)
    lock = path.with_name(f"{path.name}.lock")
    if lock.is_file():
        return Asked("script.lock", lock, lock.name, path.parent, project)
    lines = (script_metadata.read(path) or {}).get("dependencies", ())
    return Asked("script" if lines else "nothing", path if lines else None, path.name, path.parent, project)


def _of_folder(folder: Path, project: Path, target: Target, anew: bool) -> Asked | None:
    candidates = _candidates(folder, target, anew)
    if not candidates:
        _refuse_unlocked(folder)
        return None
    (kind, path), others = candidates[0], candidates[1:]
    source = path.name if path.parent == project else _relative(path, project)
    return Asked(kind, path, source, folder, project, tuple(dict.fromkeys(other.name for _, other in others)))


def _relative(path: Path, project: Path) -> str:
    if path.is_relative_to(project):
        return path.relative_to(project).as_posix()
    depth = next(index for index, parent in enumerate(project.parents, 1) if path.is_relative_to(parent))
    return "../" * depth + path.relative_to(project.parents[depth - 1]).as_posix()


def _candidates(folder: Path, target: Target, anew: bool) -> list[tuple[Kind, Path]]:
    """The files that say something, the one that counts first."""
    found: list[tuple[Kind, Path]] = []
    pylocks = (*(() if anew else (pylock_path(folder, target),)), folder / "pylock.toml")
    found += [("pylock", path) for path in pylocks if path.is_file()]
    if (folder / "requirements.txt").is_file():
        found.append(("requirements.txt", folder / "requirements.txt"))
    table = read_toml(folder / "pyproject.toml") or {}
    locks = [(kind, path) for kind in _LOCKED if (path := _lock(folder, kind, table)) is not None]
    if "project" in table or "poetry" in _tool(table) or "dependency-groups" in table or locks:
        found += locks
    if asks(table) and not locks:
        found.append(("pyproject.toml", folder / "pyproject.toml"))
    if (folder / "Pipfile.lock").is_file():
        found.append(("Pipfile.lock", folder / "Pipfile.lock"))
    if not found:
        others = (folder / name for name in ("setup.py", "setup.cfg", "requirements.in"))
        found += [("requirements.txt", path) for path in others if path.is_file()]
    return found


def asks(table: dict[str, Any]) -> bool:
    """Whether a pyproject.toml has dependencies by the standard (PEP 621, PEP 735)."""
    project = table.get("project", {})
    keys = ("dependencies", "optional-dependencies")
    return any(project.get(key) for key in keys) or "dependencies" in project.get("dynamic", ())


def _lock(folder: Path, kind: Kind, table: dict[str, Any]) -> Path | None:
    here = folder / kind
    if here.is_file():
        return here
    if kind == "uv.lock" and "project" in table:
        return _workspace_lock(folder)
    return None


def _workspace_lock(member: Path) -> Path | None:
    """The uv.lock of the workspace that a project is a member of, if it is one."""
    for folder in member.parents:
        table = read_toml(folder / "pyproject.toml")
        workspace = _tool(table or {}).get("uv", {}).get("workspace")
        if workspace is not None:
            inside = member.relative_to(folder).as_posix()
            listed = any(_matches(inside, pattern) for pattern in workspace.get("members", ()))
            left_out = any(_matches(inside, pattern) for pattern in workspace.get("exclude", ()))
            lock = folder / "uv.lock"
            return lock if listed and not left_out and lock.is_file() else None
        if (folder / ".git").exists():
            return None
    return None


def _matches(path: str, pattern: str) -> bool:
    """A glob of workspace members: `*` does not cross a slash, `**` does."""
    parts = re.split(r"(\*\*|\*|\?)", pattern.strip("/").removeprefix("./"))
    said = {"**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.fullmatch("".join(said.get(part) or re.escape(part) for part in parts), path) is not None


def _refuse_unlocked(folder: Path) -> None:
    """Refuses a project whose dependencies are in a language of one tool, which only that tool's lock makes exact."""
    tables = _tool(read_toml(folder / "pyproject.toml") or {})
    needs = set(tables.get("poetry", {}).get("dependencies", {})) - {"python"}
    if needs:
        raise PackagingError(
            f"Poetry's own [tool.poetry.dependencies] is not locked: {', '.join(sorted(needs)[:5])}",
            where=str(folder / "pyproject.toml"),
            hint="poetry lock, which writes poetry.lock; or list them in [project] dependencies",
        )
    if (read_toml(folder / "Pipfile") or {}).get("packages"):
        raise PackagingError(
            "Pipfile is not locked", where=str(folder / "Pipfile"), hint="pipenv lock, which writes Pipfile.lock"
        )


def _tool(table: dict[str, Any]) -> dict[str, Any]:
    tool = table.get("tool", {})
    return tool if isinstance(tool, dict) else {}


def read_toml(path: Path) -> dict[str, Any] | None:
    """A TOML file's table, or None when there is no such file. Raises PackagingError for one that is not TOML."""
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PackagingError(f"not valid TOML: {error}", where=str(path)) from error

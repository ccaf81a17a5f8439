"""Finds the file that states what a project depends on.

lambent looks in the project's folder, then from the app's own folder up to it. For a Lambda handler the project's folder comes
last: each function of a project has requirements of its own, and those at the top are often the deployment tool's. In a folder,
the first of these wins:

    1. pylock.<target>.toml    written by `lambent build --lock` for this target alone
    2. pylock.toml             the standard lock (PEP 751)
    3. requirements.txt
    4. uv.lock, poetry.lock, pdm.lock   with pyproject.toml: a lock comes before the file it locks
    5. pyproject.toml          [project] dependencies, extras and dynamic dependencies
    6. Pipfile.lock            with Pipfile
    7. pyproject.toml          [tool.poetry.dependencies], not locked
    8. Pipfile                 not locked
    9. requirements.in, setup.py, setup.cfg
   10. requirement.txt, Requirements.txt, or one file of the folder requirements/: the one for production comes first; or the
       only file with a similar name

requirements.txt comes before a lock because most hosts take it: Heroku, Google Cloud, Elastic Beanstalk. Where the project
itself installs the lock, and no requirements.txt, the lock comes first: the first of Dockerfile, Procfile, render.yaml and
README that says how to install it decides. If there is none of these files, the one that the project's Dockerfiles copy counts,
wherever it is (docker/requirements.txt), or that of its only layer with one (layer/requirements.txt). `supplements.py` takes
what else layers list.

Above the project, up to the root of the repository (the folder with .git; without one, nothing), only a requirements.txt
counts, because several apps may share it. A pyproject.toml, lock or setup.py there describes another project. Only the lock of
a uv workspace is read from above, for the members that the workspace lists.

A script with inline metadata (PEP 723) is its own project: its pylock, then `script.py.lock`, then its metadata.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct

from lambent.config import script_metadata
from lambent.config.detection.dockerfile import DOCKERFILES
from lambent.config.detection.layer_folders import layer_requirements
from lambent.config.detection.project_text import read_text
from lambent.config.own_package import is_setup_file
from lambent.package.requirements.toml_file import read_toml
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
    "poetry",
    "Pipfile",
    "setup.py",
    "script.lock",
    "script",
]

_LOCKS: tuple[Kind, ...] = ("uv.lock", "poetry.lock", "pdm.lock")
_INSTALL_COMMANDS = {
    "uv.lock": r"\buv[ ]+(?:sync|run)\b",
    "poetry.lock": r"\bpoetry[ ]+(?:install|run|sync)\b",
    "pdm.lock": r"\bpdm[ ]+(?:install|run|sync)\b",
    "Pipfile.lock": r"\bpipenv[ ]+(?:install|run|sync)\b",
}
_INSTRUCTIONS = (*DOCKERFILES, "Procfile", "render.yaml", *("README.md", "README.rst", "README", "readme.md", "Readme.md"))
"""Where a project says how to install it, in order."""
_OTHER_NAMES = (
    *("requirement.txt", "Requirements.txt", "requirements-prod.txt", "requirements/production.txt", "requirements/prod.txt"),
    *(
        "requirements/lambda.txt",
        "requirements-lambda.txt",
        "requirements/requirements.txt",
        "requirements/main.txt",
        "requirements/base.txt",
        "requirements/common.txt",
    ),
)
"""Files for `pip install -r` that aren't called requirements.txt."""
_SIMILAR_NAME = re.compile(r"(?i)req(?!.*(?:dev|test|doc|lint|local))[\w.-]*\.txt")
_COPIED = re.compile(r"(?im)^\s*(?:COPY|ADD)[ \t]+(?:\S+[ \t]+)*?\.?/?([\w./-]*req[\w.-]*\.txt)\s")
_DATE = re.compile(r"20\d\d[-_]?\d\d[-_]?\d\d")
_REQUIREMENT = re.compile(r"(?m)\A(?:\s*#.*\n|\s*\n)*[A-Za-z0-9][\w.-]*(?:\[[^\]]*\])?[ \t]*(?:[=<>~!;@]|#|$)")
"""The first line of a file of requirements."""
_GLOB_PATTERNS = {"**": ".*", "*": "[^/]*", "?": "[^/]"}


IMPORTS = "the app's imports"
"""The name of the source that stands for a project without a file (inferred.py)."""


class RequirementSource(Struct, frozen=True):
    """The file that states the dependencies. `path` is None if there is none, and `name` is its name in messages.

    `folder` is where uv runs: the folder of the project whose dependencies they are. That isn't always the file's folder:
    the member of a uv workspace is locked by the workspace's uv.lock. `project` is the folder or script that is packaged,
    and `ignored` names the other files that state dependencies.
    """

    kind: Kind
    path: Path | None
    name: str
    folder: Path
    project: Path
    ignored: tuple[str, ...] = ()

    @property
    def inferred(self) -> list[str]:
        """The requirements that the app's imports imply, as seen from the project. Empty if a file states them."""
        lines = self.path.read_text("utf-8").splitlines() if self.name == IMPORTS and self.path is not None else []
        return [os.path.relpath(line, self.project) if line.startswith("/") else line for line in lines]


def find_requirements(
    project: Path, app: Path, target: Target, *, skip_own_lock: bool = False, nearest_first: bool = False
) -> RequirementSource:
    """Return where a project (a folder or a script) states its dependencies. `app` is the file with its app.

    With `nearest_first` the project's folder comes last, unless it has the lock that lambent wrote for the target. With
    `skip_own_lock`, the locks that lambent wrote for the target don't count.
    Raises PackagingError for a file that can't be read.
    """
    project = project.resolve()
    if project.is_file():
        return _find_for_script(project, project, target, skip_own_lock)
    folders = _inside(project, app.resolve())
    if nearest_first and (skip_own_lock or not pylock_path(project, target).is_file()):
        folders = [*folders[1:], project]
    for folder in folders:
        source = _source(_candidates(folder, target, skip_own_lock), folder, project)
        if source is not None:
            return source
    for folder in _above(project):
        source = _source(_shared_candidates(folder), folder, project)
        if source is not None:
            return source
    if script_metadata.read(app) is not None:
        return _find_for_script(app.resolve(), project, target, skip_own_lock)
    if path := _file_of_images(project) or _file_of_layer(project):
        return RequirementSource("requirements.txt", path, _relative(path, project), path.parent, project)
    return RequirementSource("nothing", None, "", project, project)


def pylock_path(project: Path, target: Target) -> Path:
    """Return the path of a project's lock for one target. PEP 751 wants a name without dots."""
    name = f"python{target.python.replace('.', '')}-{target.architecture}"
    if project.is_file():
        stem = re.sub(r"[^A-Za-z0-9_-]", "-", project.stem)
        return project.with_name(f"pylock.{stem}-{name}.toml")
    return project / f"pylock.{name}.toml"


def _inside(project: Path, app: Path) -> list[Path]:
    """Return the project's folders to search, in order."""
    return [project, *(folder for folder in app.parents if folder != project and folder.is_relative_to(project))]


def _above(project: Path) -> list[Path]:
    """Return the folders above a project, up to the root of its repository. Without a repository there are none."""
    above: list[Path] = []
    if not (project / ".git").exists():
        for folder in project.parents:
            above.append(folder)
            if (folder / ".git").exists():
                return above
    return []


def _find_for_script(path: Path, project: Path, target: Target, skip_own_lock: bool) -> RequirementSource:
    target_lock = pylock_path(path, target)
    if target_lock.is_file() and not skip_own_lock:
        return RequirementSource("pylock", target_lock, target_lock.name, path.parent, project)
    lock = path.with_name(f"{path.name}.lock")
    if lock.is_file():
        return RequirementSource("script.lock", lock, lock.name, path.parent, project)
    if (script_metadata.read(path) or {}).get("dependencies"):
        return RequirementSource("script", path, path.name, path.parent, project)
    return RequirementSource("nothing", None, path.name, path.parent, project)


def _source(candidates: list[tuple[Kind, Path]], folder: Path, project: Path) -> RequirementSource | None:
    if not candidates:
        return None
    kind, path = candidates[0]
    name = path.name if path.parent == project else _relative(path, project)
    ignored = tuple(dict.fromkeys(other.name for _, other in candidates[1:] if other != path))
    return RequirementSource(kind, path, name, folder, project, ignored)


def _shared_candidates(folder: Path) -> list[tuple[Kind, Path]]:
    """Return what counts in a folder above the project."""
    path = folder / "requirements.txt"
    return [("requirements.txt", path)] if path.is_file() else []


def _relative(path: Path, project: Path) -> str:
    if path.is_relative_to(project):
        return path.relative_to(project).as_posix()
    depth = next(index for index, parent in enumerate(project.parents, 1) if path.is_relative_to(parent))
    return "../" * depth + path.relative_to(project.parents[depth - 1]).as_posix()


def _candidates(folder: Path, target: Target, skip_own_lock: bool) -> list[tuple[Kind, Path]]:
    """Return the files that state dependencies, the one that wins first."""
    pylocks = (*(() if skip_own_lock else (pylock_path(folder, target),)), folder / "pylock.toml")
    candidates: list[tuple[Kind, Path]] = [("pylock", path) for path in pylocks if path.is_file()]
    if (folder / "requirements.txt").is_file():
        candidates.append(("requirements.txt", folder / "requirements.txt"))
    table = read_toml(folder / "pyproject.toml") or {}
    locks = [(kind, path) for kind in _LOCKS if (path := _find_lock(folder, kind, table)) is not None]
    candidates += locks
    if _states_dependencies(table) and not locks:
        candidates.append(("pyproject.toml", folder / "pyproject.toml"))
    if (folder / "Pipfile.lock").is_file():
        candidates.append(("Pipfile.lock", folder / "Pipfile.lock"))
    if len(candidates) > 1 and (lock := _lock_of_instructions(folder)):
        candidates.sort(key=lambda each: (each[0] != "pylock", each[0] != lock))
    return candidates or _unlocked_candidates(folder, table)


def _lock_of_instructions(folder: Path) -> str:
    """Return the kind of the lock that the folder's instructions install, "" for none, or if they name a requirements.txt."""
    for text in (read_text(folder / name) for name in _INSTRUCTIONS):
        if re.search(r"requirements[\w./-]*\.txt", text):
            return ""
        if kind := next((kind for kind, pattern in _INSTALL_COMMANDS.items() if re.search(pattern, text)), ""):
            return kind
    return ""


def _file_of_images(folder: Path) -> Path | None:
    """Return the only file of requirements that the Dockerfiles of a project copy, wherever it is: docker/requirements.txt."""
    dockerfiles = (path for pattern in ("", "*/", "*/*/") for name in DOCKERFILES for path in folder.glob(f"{pattern}{name}"))
    sources = {
        path
        for dockerfile in dockerfiles
        for source in _COPIED.findall(read_text(dockerfile))
        for path in ((folder / source).resolve(), (dockerfile.parent / source).resolve())
        if path.is_file() and path.is_relative_to(folder)
    }
    return sources.pop() if len(sources) == 1 else None


def _file_of_layer(folder: Path) -> Path | None:
    """Return the requirements file of the project's layers, if there is just one."""
    files = layer_requirements(folder)
    return files[0] if len(files) == 1 else None


def _unlocked_candidates(folder: Path, table: dict[str, Any]) -> list[tuple[Kind, Path]]:
    """Return what states dependencies in a notation of one tool, if nothing else does."""
    candidates: list[tuple[Kind, Path]] = []
    if set(_tool_table(table).get("poetry", {}).get("dependencies", {})) - {"python"}:
        candidates.append(("poetry", folder / "pyproject.toml"))
    if (read_toml(folder / "Pipfile") or {}).get("packages"):
        candidates.append(("Pipfile", folder / "Pipfile"))
    if (folder / "requirements.in").is_file():
        candidates.append(("requirements.txt", folder / "requirements.in"))
    if "project" not in table:
        setup_files = (folder / name for name in ("setup.py", "setup.cfg"))  # a setup.py reads the setup.cfg next to it
        candidates += [("setup.py", path) for path in setup_files if is_setup_file(path)][:1]
    others = [path for name in _OTHER_NAMES if (path := folder / name).is_file()] or _similar_names(folder)
    if not candidates and others:
        candidates.append(("requirements.txt", others[0]))
    return candidates


def _similar_names(folder: Path) -> list[Path]:
    """Return the file whose name resembles requirements.txt ("requirments.txt", "requirements_2025.txt").

    Nothing if there are several, unless each has a date: then it is the last one.
    """
    files = [path for path in folder.glob("*.txt") if _SIMILAR_NAME.fullmatch(path.name) and path.is_file()]
    files = [path for path in files if _REQUIREMENT.search(path.read_text("utf-8-sig", "replace"))]
    dates = [(match[0], path) for path in files if (match := _DATE.search(path.name))]
    files = [max(dates)[1]] if files and len(dates) == len(files) else files
    return files if len(files) == 1 else []


def _states_dependencies(table: dict[str, Any]) -> bool:
    """Return whether a pyproject.toml states dependencies in the standard form (PEP 621)."""
    project = table.get("project", {})
    keys = ("dependencies", "optional-dependencies")
    return any(project.get(key) for key in keys) or "dependencies" in project.get("dynamic", ())


def _find_lock(folder: Path, kind: Kind, table: dict[str, Any]) -> Path | None:
    path = folder / kind
    if path.is_file():
        return path
    if kind == "uv.lock" and "project" in table:
        return _find_workspace_lock(folder)
    return None


def _find_workspace_lock(member: Path) -> Path | None:
    """Return the uv.lock of the workspace that a project belongs to, or None: uv looks no further up than another project."""
    for folder in member.parents:
        table = read_toml(folder / "pyproject.toml") or {}
        workspace = _tool_table(table).get("uv", {}).get("workspace")
        if workspace is not None:
            path = member.relative_to(folder).as_posix()
            is_member = any(_glob_matches(path, pattern) for pattern in workspace.get("members", ()))
            is_excluded = any(_glob_matches(path, pattern) for pattern in workspace.get("exclude", ()))
            lock = folder / "uv.lock"
            return lock if is_member and not is_excluded and lock.is_file() else None
        if "project" in table or (folder / ".git").exists():
            return None
    return None


def _glob_matches(path: str, pattern: str) -> bool:
    """Match a glob of workspace members: `*` doesn't cross a slash, `**` does."""
    parts = re.split(r"(\*\*|\*|\?)", pattern.strip("/").removeprefix("./"))
    return re.fullmatch("".join(_GLOB_PATTERNS.get(part) or re.escape(part) for part in parts), path) is not None


def _tool_table(table: dict[str, Any]) -> dict[str, Any]:
    tool = table.get("tool", {})
    return tool if isinstance(tool, dict) else {}

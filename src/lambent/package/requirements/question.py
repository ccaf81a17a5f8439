"""What is asked of the resolver, and the key of it: the same key, the same answer.

The key is of everything that uv would look at: the content of the files, of those they include, of uv's configuration, the
environment that bears on it, the target, the options, uv itself. Credentials are left out before anything is hashed: a
token that changes every hour does not change the answer.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import uv
from msgspec import Struct

from lambent.config import script_metadata
from lambent.errors import PackagingError
from lambent.package.requirements.find import Asked, read_toml
from lambent.package.requirements.lines import RequirementsFile, local_places, with_included
from lambent.package.requirements.markers import full_version, uv_platform
from lambent.package.urls import without_credentials
from lambent.package.uv_command import Uv

_FORMAT = "2"  # raise it when the same question has another answer
_SECRET = ("_USERNAME", "_PASSWORD")
_IRRELEVANT = frozenset(
    [
        "UV_CACHE_DIR",
        "UV_LINK_MODE",
        "UV_CONCURRENT_DOWNLOADS",
        "UV_CONCURRENT_BUILDS",
        "UV_CONCURRENT_INSTALLS",
        "UV_HTTP_TIMEOUT",
        "UV_HTTP_RETRIES",
        "UV_NO_PROGRESS",
        "UV_OFFLINE",
        "UV_NATIVE_TLS",
        "UV_SYSTEM_CERTS",
        "UV_PUBLISH_TOKEN",
        "UV_TOOL_DIR",
        "UV_TOOL_BIN_DIR",
        "UV_PYTHON_INSTALL_DIR",
        "UV_PROJECT_ENVIRONMENT",
        "UV_COMPILE_BYTECODE",
        "UV_RUN_RECURSION_DEPTH",
    ]
)


class Options(Struct, frozen=True):
    """`extras` and `groups` of the project beside its own dependencies; `native` lets sources with C code in; `refresh`
    asks again even if the answer is known."""

    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    native: bool = False
    refresh: bool = False


class Question(Struct, frozen=True):
    """What the readers of the formats get. `uv` runs in the folder of what is asked, for the target."""

    asked: Asked
    uv: Uv
    options: Options

    @property
    def path(self) -> Path:
        assert self.asked.path is not None
        return self.asked.path


def check_names(question: Question, kind: str, asked: Iterable[str], there: Iterable[str]) -> None:
    """Raises PackagingError for an extra or a group that is not there."""
    known = sorted(there)
    for name in asked:
        if name not in known:
            hint = f"it has {', '.join(known)}" if known else f"it has no {kind}s"
            raise PackagingError(f"no {kind} {name}", where=question.asked.source, hint=hint)


def key(question: Question) -> str:
    """The question's digest. Raises PackagingError for files that cannot be read."""
    target, options = question.uv.target, question.options
    parts = [_FORMAT, target.name, full_version(target), uv_platform(target), str(target.glibc)]
    parts += [question.asked.kind, question.asked.source, str(question.asked.path), str(question.asked.project)]
    parts += ["+".join(sorted(options.extras)), "+".join(sorted(options.groups)), str(options.native)]
    parts += _resolver()
    parts += _environment(question.uv)
    parts += _configuration(question)
    parts += _files(question)
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:40]


def _resolver() -> list[str]:
    """The version of uv, by the folder of its metadata: importlib.metadata takes long to import."""
    site = Path(uv.__file__).parent.parent
    return sorted(path.name for path in site.glob("uv-*.dist-info"))


def names_indexes(question: Question) -> bool:
    """Whether anything that uv looks at may name an index. If nothing does, all comes from PyPI."""
    said = (*_environment(question.uv), *_configuration(question), *_files(question))
    return any(re.search(r"index|INDEX|find-links|FIND_LINKS|source", text) for text in said)


def _environment(uv: Uv) -> list[str]:
    names = (name for name in uv.environ if name.startswith("UV_") and name not in _IRRELEVANT)
    kept = sorted(name for name in names if not name.endswith(_SECRET))
    return [f"{name}={without_credentials(uv.environ[name])}" for name in kept]


def _configuration(question: Question) -> list[str]:
    paths = configuration(question.asked.folder, question.uv.environ)
    return [f"{path}={text}" for path in paths if (text := _text(path))]


def configuration(folder: Path, environ: Mapping[str, str]) -> list[Path]:
    """Where uv's own files may be: in the project or above it, the user's, the system's, or the one that is named."""
    home = Path(environ.get("XDG_CONFIG_HOME") or Path(environ.get("HOME", "~")).expanduser() / ".config")
    if sys.platform == "win32":
        home = Path(environ.get("APPDATA", home))
    paths = [parent / "uv.toml" for parent in (folder, *folder.parents)]
    paths += [home / "uv/uv.toml", Path("/etc/uv/uv.toml"), Path("/etc/xdg/uv/uv.toml")]
    if environ.get("UV_CONFIG_FILE"):
        paths.append(Path(environ["UV_CONFIG_FILE"]))
    return paths


def _files(question: Question) -> Iterator[str]:
    """The texts that say what is wanted, without credentials."""
    path, folder = question.path, question.asked.folder
    seen: set[Path] = set()
    if question.asked.kind == "requirements.txt" and path.suffix in (".txt", ".in"):
        for file in with_included(path, question.uv.environ, question.asked.source):
            yield f"{file.path}={without_credentials(file.text)}"
            yield from _local(file, seen)
        yield from _tool_uv(folder)
        return
    if question.asked.kind in ("script", "script.lock"):
        said = script_metadata.read(path if question.asked.kind == "script" else path.with_suffix("")) or {}
        yield without_credentials(json.dumps(said, sort_keys=True, default=str))
        yield from _sources(said.get("tool", {}), folder, seen)
    if question.asked.kind != "script":
        yield without_credentials(_text(path))
    for name in ("pyproject.toml", "setup.py", "setup.cfg", "Pipfile"):
        if folder / name != path:
            yield from _project(folder / name, seen) if name == "pyproject.toml" else (_text(folder / name),)
    yield from _project(folder / "pyproject.toml", seen)


def _tool_uv(folder: Path) -> Iterator[str]:
    for parent in (folder, *folder.parents):
        settings = (read_toml(parent / "pyproject.toml") or {}).get("tool", {}).get("uv")
        if settings is not None:
            yield f"{parent}={without_credentials(json.dumps(settings, sort_keys=True, default=str))}"
            return


def _local(file: RequirementsFile, seen: set[Path]) -> Iterator[str]:
    """What the local packages say of their own dependencies, and which files a folder of wheels holds."""
    for place in local_places(file):
        if place.is_dir():
            yield from _project(place / "pyproject.toml", seen)
            yield from (_text(place / name) for name in ("setup.py", "setup.cfg"))
            yield " ".join(sorted(path.name for path in place.iterdir() if path.suffix in (".whl", ".gz", ".zip")))
        elif place.is_file() and "://" not in str(place):
            found = place.stat()
            yield f"{place} {found.st_size} {found.st_mtime_ns}"


def _project(pyproject: Path, seen: set[Path]) -> Iterator[str]:
    """What of a pyproject.toml bears on the dependencies, and the same of the local packages that it names."""
    if pyproject in seen:
        return
    seen.add(pyproject)
    table: dict[str, Any] = read_toml(pyproject) or {}
    project = table.get("project", {})
    tool = table.get("tool", {})
    kept = {name: project.get(name) for name in ("name", "dependencies", "optional-dependencies", "dynamic", "requires-python")}
    tools = {name: tool.get(name) for name in ("uv", "poetry", "pdm")}
    parts = [kept, tools, table.get("dependency-groups"), table.get("build-system")]
    yield f"{pyproject}={without_credentials(json.dumps(parts, sort_keys=True, default=str))}"
    if "dependencies" in project.get("dynamic", ()):
        yield from _dynamic(pyproject.parent, tool)
    yield from _sources(tool, pyproject.parent, seen)


def _sources(tool: dict[str, Any], folder: Path, seen: set[Path]) -> Iterator[str]:
    for source in (tool.get("uv") or {}).get("sources", {}).values():
        for one in source if isinstance(source, list) else [source]:
            if isinstance(one, dict) and "path" in one:
                yield from _project((folder / str(one["path"])).resolve() / "pyproject.toml", seen)


def _dynamic(folder: Path, tool: dict[str, Any]) -> Iterator[str]:
    said = tool.get("setuptools", {}).get("dynamic", {}).get("dependencies", {}).get("file", ())
    hatch = tool.get("hatch", {}).get("metadata", {}).get("hooks", {}).get("requirements_txt", {}).get("files", ())
    named = [said] if isinstance(said, str) else [*said, *hatch]
    yield from (_text(folder / name) for name in ("setup.py", "setup.cfg", *named))


def _text(path: Path) -> str:
    try:
        return without_credentials(path.read_bytes().decode("utf-8", "replace"))
    except OSError:
        return ""

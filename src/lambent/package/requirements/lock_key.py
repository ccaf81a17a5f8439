"""The cache key of a lock: the same key means the same lock.

It covers everything that uv would read: the requirement files and those they include, local packages, uv's configuration
and environment, uv's version, the target and the options. Credentials are removed before hashing, so a token that changes
every hour doesn't change the key.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import uv

from lambent.config import script_metadata
from lambent.package.requirements.requirement_lines import RequirementsFile, local_paths, read_requirement_files
from lambent.package.requirements.resolve_request import ResolveRequest
from lambent.package.requirements.toml_file import read_toml
from lambent.package.requirements.uv_target import full_version, uv_platform
from lambent.package.urls import without_credentials

_FORMAT = "16"  # raise it when the same request resolves to another lock
_SECRET_SUFFIXES = ("_USERNAME", "_PASSWORD")
_IRRELEVANT_VARIABLES = frozenset(
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
_SETUP_FILES = ("setup.py", "setup.cfg")
_LOCKED_FOLDER = re.compile(r'source = \{ (?:editable|directory|virtual) = "([^"]+)" \}')
_PATH = re.compile(r"^(?:[A-Za-z]:\\|/)[^=\n]*=")  # a project may be in a folder called source
_INDEX_SETTING = re.compile(r"index|INDEX|find-links|FIND_LINKS|source|(?:^|=)[ \t]*-(?:[if]|-?[rc].*://)", re.MULTILINE)


def lock_key(request: ResolveRequest) -> str:
    """Return the hex key of a request's lock. Raises PackagingError for files that can't be read."""
    source, target, options = request.source, request.target, request.options
    parts = [_FORMAT, target.name, full_version(target), uv_platform(target), str(target.glibc)]
    parts += [source.kind, source.name, str(source.path), str(source.project)]
    parts += ["+".join(sorted(options.extras)), "+".join(sorted(options.groups)), str(options.native)]
    parts += ["without", *sorted(options.without), "uncompiled", *sorted(options.uncompiled), "added", *sorted(options.added)]
    parts += [options.released_until] if options.released_until else []
    parts += ["freed", *sorted(options.freed)] if options.freed else []
    parts += [*_uv_version(), *_inputs(request)]
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:40]


def may_use_other_indexes(request: ResolveRequest) -> bool:
    """Return whether anything that uv reads may name an index. If not, everything comes from PyPI."""
    return any(_INDEX_SETTING.search(_PATH.sub("", text)) for text in _inputs(request))


def folders_in_uv_lock(lock: str) -> tuple[str, ...]:
    """Return the folders that a uv.lock was made from, by their paths from its own folder, which comes first."""
    return (".", *_LOCKED_FOLDER.findall(lock))


def has_uv_settings(request: ResolveRequest) -> bool:
    """Return whether the user may configure uv, in a file or a script's own metadata, or forbids it to read any file."""
    folder, environ = request.source.folder, request.uv.environ
    is_set = request.source.kind == "script" or any(environ.get(name) for name in ("UV_CONFIG_FILE", "UV_NO_CONFIG"))
    return is_set or any(path.is_file() for path in _uv_configuration(folder, environ)) or any(_uv_settings(folder))


@cache
def _uv_version() -> list[str]:
    """Read the version of uv from the name of its metadata folder, because importlib.metadata is slow to import."""
    site_packages = Path(uv.__file__).parent.parent
    return sorted(path.name for path in site_packages.glob("uv-*.dist-info"))


def _inputs(request: ResolveRequest) -> Iterator[str]:
    """Yield what decides the versions, apart from target and options, without credentials."""
    environ = request.uv.environ
    for name in sorted(environ):
        if name.startswith("UV_") and name not in _IRRELEVANT_VARIABLES and not name.endswith(_SECRET_SUFFIXES):
            yield f"{name}={without_credentials(environ[name])}"
    for path in _uv_configuration(request.source.folder, environ):
        if text := _read_text(path):
            yield f"{path}={text}"
    yield from _RequirementTexts(request)


def _uv_configuration(folder: Path, environ: Mapping[str, str]) -> list[Path]:
    """Return where uv's own files may be: the project and above, the user's, the system's, or the one named."""
    home = Path(environ.get("XDG_CONFIG_HOME") or Path(environ.get("HOME", "~")).expanduser() / ".config")
    if sys.platform == "win32":
        home = Path(environ.get("APPDATA", home))
    paths = [parent / "uv.toml" for parent in (folder, *folder.parents)]
    paths += [home / "uv/uv.toml", Path("/etc/uv/uv.toml"), Path("/etc/xdg/uv/uv.toml")]
    if environ.get("UV_CONFIG_FILE"):
        paths.append(Path(environ["UV_CONFIG_FILE"]))
    return paths


class _RequirementTexts:
    """The texts that state a request's requirements, without credentials. Each pyproject.toml comes once."""

    def __init__(self, request: ResolveRequest) -> None:
        self._request = request
        self._visited: set[Path] = set()

    def __iter__(self) -> Iterator[str]:
        source, path = self._request.source, self._request.path
        if source.kind == "requirements.txt" and path.suffix in (".txt", ".in"):
            for file in read_requirement_files(path, self._request.uv.environ, source.name):
                yield f"{file.path}={without_credentials(file.text)}"
                yield from self._local_packages(file)
            yield from _uv_settings(source.folder)
            return
        if source.kind in ("script", "script.lock"):
            metadata = script_metadata.read(path if source.kind == "script" else path.with_suffix("")) or {}
            yield _dump(metadata)
            yield from self._path_sources(metadata.get("tool", {}), source.folder)
        if source.kind != "script":
            text = _read_text(path)
            yield text
            if source.kind == "uv.lock":
                yield from self._locked_folders(text, path.parent)
        yield from self._project(source.folder / "pyproject.toml")
        yield from (_read_text(source.folder / name) for name in (*_SETUP_FILES, "Pipfile"))
        if source.kind == "setup.py":  # a setup.py may read its requirements from other files
            for pattern in ("*.txt", "*.in", "requirements/*"):
                yield from (_read_text(path) for path in sorted(source.folder.glob(pattern)))

    def _locked_folders(self, lock: str, folder: Path) -> Iterator[str]:
        """Yield what a uv.lock was made from: the root of the workspace, its members and local packages."""
        for path in folders_in_uv_lock(lock):
            yield from self._project((folder / path).resolve() / "pyproject.toml")

    def _local_packages(self, file: RequirementsFile) -> Iterator[str]:
        """Yield the dependencies of local packages, and the names of the files in a folder of wheels."""
        for path in local_paths(file):
            if path.is_dir():
                yield from self._project(path / "pyproject.toml")
                yield from (_read_text(path / name) for name in _SETUP_FILES)
                yield " ".join(sorted(entry.name for entry in path.iterdir() if entry.suffix in (".whl", ".gz", ".zip")))
            elif path.is_file() and "://" not in str(path):
                stat = path.stat()
                yield f"{path} {stat.st_size} {stat.st_mtime_ns}"

    def _project(self, pyproject: Path) -> Iterator[str]:
        """Yield what in a pyproject.toml concerns dependencies, and the same for the local packages it names."""
        if pyproject in self._visited:
            return
        self._visited.add(pyproject)
        table: dict[str, Any] = read_toml(pyproject) or {}
        project, tool = table.get("project", {}), table.get("tool", {})
        names = ("name", "dependencies", "optional-dependencies", "dynamic", "requires-python")
        tools = {name: tool.get(name) for name in ("uv", "poetry", "pdm")}
        parts = [{name: project.get(name) for name in names}, tools, table.get("dependency-groups"), table.get("build-system")]
        yield f"{pyproject}={_dump(parts)}"
        if "dependencies" in project.get("dynamic", ()):
            yield from (_read_text(pyproject.parent / name) for name in _dynamic_files(tool))
        yield from self._path_sources(tool, pyproject.parent)

    def _path_sources(self, tool: dict[str, Any], folder: Path) -> Iterator[str]:
        for entry in (tool.get("uv") or {}).get("sources", {}).values():
            for source in entry if isinstance(entry, list) else [entry]:
                if isinstance(source, dict) and "path" in source:
                    yield from self._project((folder / str(source["path"])).resolve() / "pyproject.toml")


def _dynamic_files(tool: dict[str, Any]) -> list[str]:
    """Return the files from which setuptools or hatch read a project's dependencies."""
    setuptools = tool.get("setuptools", {}).get("dynamic", {}).get("dependencies", {}).get("file", ())
    hatch = tool.get("hatch", {}).get("metadata", {}).get("hooks", {}).get("requirements_txt", {}).get("files", ())
    return [*_SETUP_FILES, *([setuptools] if isinstance(setuptools, str) else setuptools), *hatch]


def _uv_settings(folder: Path) -> Iterator[str]:
    """Yield the nearest [tool.uv] in the folder or above."""
    for parent in (folder, *folder.parents):
        settings = (read_toml(parent / "pyproject.toml") or {}).get("tool", {}).get("uv")
        if settings is not None:
            yield f"{parent}={_dump(settings)}"
            return


def _dump(value: object) -> str:
    return without_credentials(json.dumps(value, sort_keys=True, default=str))


def _read_text(path: Path) -> str:
    """Return a file's text without credentials, or "" if it can't be read."""
    try:
        return without_credentials(path.read_bytes().decode("utf-8", "replace"))
    except OSError:
        return ""

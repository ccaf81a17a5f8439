"""The package indexes and URLs that a project, its user and the environment name, as uv reads them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from lambent.config import script_metadata
from lambent.errors import UsageError

_URL_WITH_USER = re.compile(r"https?://[^\s/@\"'<>]+@[^\s\"'<>,;\\]+")
_NAMED_URL = re.compile(r"(?:([\w.-]+)=)?((?:https?|file):\S+)")
_INCLUDE = re.compile(r"^\s*(?:-r|--requirements?|-c|--constraints?)[ =]*([^\s#]+)", re.MULTILINE)
_VARIABLES = ("UV_INDEX", "UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS")
_FILES = ("requirements*.txt", "requirements*.in", "requirements/*.txt", "uv.lock", "pylock*.toml", "Pipfile*", "poetry.*")
_SIZE_MAX = 20_000_000  # bytes; no file written by hand is larger


class IndexSettings:
    """What the environment, uv's settings, `inputs` and the project's dependency files say about indexes."""

    def __init__(self, environ: Mapping[str, str], project: Path, inputs: tuple[Path, ...]) -> None:
        self._environ = environ
        self._project = project.resolve()
        self._inputs = inputs

    @cached_property
    def indexes(self) -> list[tuple[str, str]]:
        """The named indexes as (name, URL). A URL may hold credentials."""
        indexes = [(match[1], match[2]) for match in self._variables if match[1]]
        for table in self._uv_tables:
            entries = table.get("index")
            for entry in entries if isinstance(entries, list) else []:
                if isinstance(entry, dict) and isinstance(entry.get("name"), str) and isinstance(entry.get("url"), str):
                    indexes.append((entry["name"], entry["url"]))
        return indexes

    @cached_property
    def urls_with_user(self) -> list[str]:
        """All URLs that name a user. `${NAME}` is replaced, as in requirements files."""
        urls = [match[2] for match in self._variables if "@" in match[2]]
        for text in self._texts.values():
            expanded = re.sub(r"\$\{([A-Z0-9_]+)\}", lambda match: self._environ.get(match[1], match[0]), text)
            urls += _URL_WITH_USER.findall(expanded)
        return urls

    @cached_property
    def uses_keyring(self) -> bool:
        """Whether uv is configured to ask the program `keyring`."""
        provider = self._environ.get("UV_KEYRING_PROVIDER")
        if provider is None:
            tables = (table for table in self._uv_tables if "keyring-provider" in table)
            provider = next((str(table["keyring-provider"]) for table in tables), "")
        return provider == "subprocess"

    @cached_property
    def _variables(self) -> list[re.Match[str]]:
        words = (word for name in _VARIABLES for word in self._environ.get(name, "").split())
        return [match for word in words if (match := _NAMED_URL.fullmatch(word))]

    @cached_property
    def _texts(self) -> dict[Path, str]:
        """The text of each file that may name an index, with the requirements files that it includes."""
        texts: dict[Path, str] = {}
        queue = [*self._inputs, *self._project_files(), *self._user_files()]
        while queue:
            path = queue.pop(0)
            if path in texts or (text := _read(path)) is None:
                continue
            texts[path] = text
            if path.suffix in (".txt", ".in"):
                queue += [path.parent / name for name in _INCLUDE.findall(text) if "://" not in name]
        return texts

    def _project_files(self) -> Iterator[Path]:
        for folder in (self._project, *self._project.parents):  # a workspace has its settings in its root
            yield from (folder / "uv.toml", folder / "pyproject.toml")
        for pattern in _FILES:
            yield from sorted(self._project.glob(pattern))

    def _user_files(self) -> Iterator[Path]:
        if config_file := self._environ.get("UV_CONFIG_FILE"):
            yield Path(config_file)
        home = Path(self._environ.get("HOME") or "/nonexistent")
        yield Path(self._environ.get("XDG_CONFIG_HOME") or home / ".config") / "uv/uv.toml"
        yield from (Path("/etc/xdg/uv/uv.toml"), Path("/etc/uv/uv.toml"))

    @cached_property
    def _uv_tables(self) -> list[dict[str, Any]]:
        """uv's settings, from each file that may hold some."""
        paths = (path for path in self._texts if not path.name.startswith("pylock."))
        return [table for path in paths if (table := _uv_table(path, self._texts[path]))]


def _uv_table(path: Path, text: str) -> dict[str, Any]:
    """Return uv's settings in a file: all of uv.toml, or a table of pyproject.toml or of a script's metadata."""
    try:
        if path.suffix == ".py":
            document = script_metadata.read(path) or {}
        elif path.suffix == ".toml":
            document = tomllib.loads(text)
        else:
            return {}
    except (tomllib.TOMLDecodeError, UsageError):
        return {}
    if path.suffix == ".toml" and path.name != "pyproject.toml":
        return document
    tool = document.get("tool")
    table = tool.get("uv") if isinstance(tool, dict) else None
    return table if isinstance(table, dict) else {}


def _read(path: Path) -> str | None:
    try:
        return path.read_text("utf-8-sig", "replace") if path.stat().st_size < _SIZE_MAX else None
    except OSError:
        return None

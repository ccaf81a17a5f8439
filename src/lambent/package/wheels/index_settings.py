"""The indexes and URLs that a project, its user and its environment name, as uv reads them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from lambent.config import script_metadata
from lambent.errors import UsageError

_URL = re.compile(r"https?://[^\s/@\"'<>]+@[^\s\"'<>,;\\]+")  # with a user
_NAMED = re.compile(r"(?:([\w.-]+)=)?((?:https?|file):\S+)")
_INCLUDED = re.compile(r"^\s*(?:-r|--requirements?|-c|--constraints?)[ =]*([^\s#]+)", re.MULTILINE)
_VARIABLES = ("UV_INDEX", "UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS")
_USUAL = ("requirements*.txt", "requirements*.in", "requirements/*.txt", "uv.lock", "pylock*.toml", "Pipfile*", "poetry.*")
_LARGE = 20_000_000  # bytes; no such file is written by people


class Settings:
    """What stands in the environment, in uv's settings, and in `inputs` and the usual files of the project."""

    def __init__(self, environ: Mapping[str, str], project: Path, inputs: tuple[Path, ...]) -> None:
        self._environ = environ
        self._project = project.resolve()
        self._inputs = inputs

    @cached_property
    def indexes(self) -> list[tuple[str, str]]:
        """Named indexes as (name, URL). The URL may hold credentials."""
        found = [(match[1], match[2]) for match in self._variables if match[1]]
        for table in self._tables:
            entries = table.get("index")
            for entry in entries if isinstance(entries, list) else []:
                if isinstance(entry, dict) and isinstance(entry.get("name"), str) and isinstance(entry.get("url"), str):
                    found.append((entry["name"], entry["url"]))
        return found

    @cached_property
    def urls(self) -> list[str]:
        """All URLs that name a user. `${NAME}` is replaced as in requirement files."""
        found = [match[2] for match in self._variables if "@" in match[2]]
        for text in self._texts.values():
            found += _URL.findall(re.sub(r"\$\{([A-Z0-9_]+)\}", lambda name: self._environ.get(name[1], name[0]), text))
        return found

    @cached_property
    def keyring(self) -> bool:
        """Whether uv is told to ask the program keyring."""
        said = self._environ.get("UV_KEYRING_PROVIDER")
        if said is None:
            said = next((str(table["keyring-provider"]) for table in self._tables if "keyring-provider" in table), "")
        return said == "subprocess"

    @cached_property
    def _variables(self) -> list[re.Match[str]]:
        words = (word for name in _VARIABLES for word in self._environ.get(name, "").split())
        return [match for word in words if (match := _NAMED.fullmatch(word))]

    @cached_property
    def _texts(self) -> dict[Path, str]:
        found: dict[Path, str] = {}
        todo = [*self._inputs, *self._own(), *self._users()]
        while todo:
            path = todo.pop(0)
            if path in found or (text := _read(path)) is None:
                continue
            found[path] = text
            if path.suffix in (".txt", ".in"):
                todo += [path.parent / name for name in _INCLUDED.findall(text) if "://" not in name]
        return found

    def _own(self) -> Iterator[Path]:
        for folder in (self._project, *self._project.parents):  # a workspace's settings are in its root
            yield from (folder / "uv.toml", folder / "pyproject.toml")
        for pattern in _USUAL:
            yield from sorted(self._project.glob(pattern))

    def _users(self) -> Iterator[Path]:
        if named := self._environ.get("UV_CONFIG_FILE"):
            yield Path(named)
        home = Path(self._environ.get("HOME") or "/nonexistent")
        yield Path(self._environ.get("XDG_CONFIG_HOME") or home / ".config") / "uv/uv.toml"
        yield from (Path("/etc/xdg/uv/uv.toml"), Path("/etc/uv/uv.toml"))

    @cached_property
    def _tables(self) -> list[dict[str, Any]]:
        """uv's settings, from each file that may hold some."""
        found = []
        for path, text in self._texts.items():
            if not path.name.startswith("pylock.") and (table := _table(path, text)):
                found.append(table)
        return found


def _table(path: Path, text: str) -> dict[str, Any]:
    """The settings for uv in a file: all of uv.toml, a table of pyproject.toml or of a script's metadata."""
    try:
        if path.suffix == ".py":
            read = script_metadata.read(path) or {}
        elif path.suffix == ".toml":
            read = tomllib.loads(text)
        else:
            return {}
    except (tomllib.TOMLDecodeError, UsageError):
        return {}
    if path.suffix == ".toml" and path.name != "pyproject.toml":
        return read
    tool = read.get("tool")
    table = tool.get("uv") if isinstance(tool, dict) else None
    return table if isinstance(table, dict) else {}


def _read(path: Path) -> str | None:
    try:
        return path.read_text("utf-8", "replace") if path.stat().st_size < _LARGE else None
    except OSError:
        return None

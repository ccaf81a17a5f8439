"""A project's settings for uv without its `required-version`, which is about the user's own uv and not about lambent's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from lambent.lazy import LazyModule
from lambent.package.requirements.toml_file import read_toml

if TYPE_CHECKING:
    import tomli_w
else:
    tomli_w = LazyModule("tomli_w")  # only for settings that are written

_OF_PROJECTS = frozenset(
    [
        *("required-version", "sources", "workspace", "dev-dependencies", "default-groups", "dependency-groups"),
        *("managed", "package", "build-backend", "conflicts", "environments", "required-environments"),
    ]
)
"""What uv refuses in a file of its own. It reads these from pyproject.toml, whatever the file says."""

_PLACES = frozenset(("find-links", "index", "index-url", "extra-index-url"))
"""The settings that may name folders, which uv looks for next to the file."""


def write_settings(folder: Path, path: Path) -> None:
    """Write the settings that uv takes in a folder, those of its project or of the nearest one above, to a file for uv."""
    settings = next(filter(None, map(_settings, (folder, *folder.parents))), {})
    path.write_text(tomli_w.dumps({name: value for name, value in settings.items() if name not in _OF_PROJECTS}))


def _settings(folder: Path) -> dict[str, Any]:
    own: dict[str, Any] = read_toml(folder / "uv.toml") or {}
    settings: dict[str, Any] = own or (read_toml(folder / "pyproject.toml") or {}).get("tool", {}).get("uv", {})
    return {name: _absolute(value, folder) if name in _PLACES else value for name, value in settings.items()}


def _absolute(value: Any, folder: Path) -> Any:
    """Return a setting with the whole paths of the folders that it names."""
    match value:
        case str() if "://" not in value and (folder / value).is_dir():
            return str((folder / value).resolve())
        case list():
            return [_absolute(item, folder) for item in value]
        case dict():
            return {name: _absolute(item, folder) if name == "url" else item for name, item in value.items()}
    return value

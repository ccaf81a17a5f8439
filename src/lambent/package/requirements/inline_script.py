"""Inline metadata of a script (PEP 723), resolved by uv."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import tomli_w
from msgspec.structs import replace

from lambent.config import script_metadata
from lambent.package.lock import Pin
from lambent.package.requirements.pip_compile import CompileInput
from lambent.package.requirements.requested import mark_requested
from lambent.package.requirements.resolve_request import ResolveRequest
from lambent.package.requirements.uv_resolver import UvResolver


def read_pins(request: ResolveRequest) -> tuple[Pin, ...]:
    """Return the pins of a script's inline metadata. Raises PackagingError.

    uv runs in a temporary project with the same metadata. For a script, `uv pip compile` would ignore [tool.uv] and take a
    package from the public index that the script takes from a folder.
    """
    metadata = script_metadata.read(request.path) or {}
    lines = [str(line) for line in metadata.get("dependencies", ())]
    settings = _with_absolute_paths(metadata.get("tool", {}).get("uv", {}), request.source.folder)
    with tempfile.TemporaryDirectory(prefix="lambent-") as folder:
        pyproject = Path(folder) / "pyproject.toml"
        project = {"name": "script", "version": "0", "dependencies": lines}
        pyproject.write_text(tomli_w.dumps({"project": project, "tool": {"uv": settings}}), "utf-8")
        in_project = replace(request, uv=replace(request.uv, folder=pyproject.parent))
        pins = UvResolver(in_project, CompileInput((pyproject.name,))).pins()
    return mark_requested(pins, lines, request.target)


def _with_absolute_paths(settings: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return uv's settings with the paths of local sources made absolute, because uv reads them in another folder."""

    def make_absolute(source: dict[str, Any]) -> dict[str, Any]:
        return source | ({"path": str((folder / source["path"]).resolve())} if "path" in source else {})

    sources = {
        name: [make_absolute(entry) for entry in source] if isinstance(source, list) else make_absolute(source)
        for name, source in settings.get("sources", {}).items()
    }
    return settings | ({"sources": sources} if sources else {})

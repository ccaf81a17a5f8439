"""The reader of each format, and the check that every pin has something for the target."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from lambent.lazy import LazyModule
from lambent.package.lock import Pin
from lambent.package.requirements import inline_script, missing_wheels, pylock, pyproject, requirements_txt
from lambent.package.requirements.resolve_request import ResolveRequest
from lambent.package.requirements.version_finder import VersionFinder
from lambent.package.wheels.choose_wheel import choose_wheel

if TYPE_CHECKING:
    from lambent.package.requirements import pdm_lock, pipfile_lock, poetry_lock, uv_lock
else:
    pdm_lock, pipfile_lock, poetry_lock, uv_lock = (
        LazyModule(f"lambent.package.requirements.{name}") for name in ("pdm_lock", "pipfile_lock", "poetry_lock", "uv_lock")
    )

_READERS: dict[str, Callable[[ResolveRequest], tuple[Pin, ...]]] = {
    "pylock": pylock.read_pins,
    "uv.lock": lambda request: uv_lock.read_project_pins(request),
    "script.lock": lambda request: uv_lock.read_script_pins(request),
    "requirements.txt": requirements_txt.read_pins,
    "pyproject.toml": pyproject.read_pins,
    "script": inline_script.read_pins,
    "poetry.lock": lambda request: poetry_lock.read_pins(request),
    "pdm.lock": lambda request: pdm_lock.read_pins(request),
    "Pipfile.lock": lambda request: pipfile_lock.read_pins(request),
}


def read_pins(request: ResolveRequest) -> tuple[Pin, ...]:
    """Return the pins of a request's source, sorted by name. Raises PackagingError, also if one has nothing for the target."""
    pins = _READERS[request.source.kind](request)
    for pin in pins:
        is_built = pin.folder or pin.repository or missing_wheels.has_usable_source(pin, request)
        if not is_built and choose_wheel(pin, request.target) is None:
            versions = VersionFinder(request, requirements_txt.index_lines(request))
            raise missing_wheels.no_wheel_error(pin, request, versions.newest_compatible(pin.name))
    return tuple(sorted(pins, key=lambda pin: pin.name))

"""The reader of each format, and the check that every pin has something for the target."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from lambent.lazy import LazyModule
from lambent.package.lock import Lock, Pin
from lambent.package.requirements import inline_script, left_out, missing_wheels, pylock, pyproject, requirements_txt
from lambent.package.requirements.binary_packages import with_binaries
from lambent.package.requirements.cuda import refuse_cuda, refuse_cuda_index
from lambent.package.requirements.resolve_request import ResolveRequest
from lambent.package.requirements.unneeded import graph_of_lock, unneeded_of_lock
from lambent.package.requirements.version_finder import VersionFinder
from lambent.package.unfit import UnfitError
from lambent.package.wheels.choose_wheel import choose_wheel

if TYPE_CHECKING:
    from lambent.package.requirements import pdm_lock, pipfile, pipfile_lock, poetry_lock, poetry_project, setup_script, uv_lock
else:
    pdm_lock, pipfile, pipfile_lock, poetry_lock, poetry_project, setup_script, uv_lock = (
        LazyModule(f"lambent.package.requirements.{name}")
        for name in ("pdm_lock", "pipfile", "pipfile_lock", "poetry_lock", "poetry_project", "setup_script", "uv_lock")
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
    "poetry": lambda request: poetry_project.read_pins(request),
    "Pipfile": lambda request: pipfile.read_pins(request),
    "setup.py": lambda request: setup_script.read_pins(request),
}

_WITH_GRAPH = ("pylock", "uv.lock", "script.lock")
"""Locks whose packages say what they require. For those without URLs, `file_lookup` does this."""

_INDEX_LINES: dict[str, Callable[[ResolveRequest], tuple[str, ...]]] = {
    "requirements.txt": requirements_txt.index_lines,
    "pyproject.toml": pyproject.index_lines,
    "poetry.lock": lambda request: poetry_lock.index_lines(request),
    "pdm.lock": pyproject.index_lines,
    "Pipfile.lock": lambda request: pipfile_lock.lines_of_lock(request),
}


def read_lock(request: ResolveRequest) -> Lock:
    """Return the lock of a request's source. Raises PackagingError, also if a package has nothing for the target."""
    pins, unfit = [], []
    files = requirements_txt.read_files(request)
    refuse_cuda_index(files, request)
    read = _READERS[request.source.kind](request)
    if not any("--hash" in file.text for file in files):
        read = with_binaries(read, request, _version_finder)
    for pin in sorted(read, key=lambda pin: pin.name):
        if pin.name in left_out.always() or (choose_wheel(pin, request.target) is None and pin.name in request.optional):
            request.omitted.add(pin.name)
            continue
        is_built = pin.folder or pin.repository or missing_wheels.has_usable_source(pin, request)
        if not is_built and choose_wheel(pin, request.target) is None:
            unfit.append(pin)
        pins.append(pin)
    if unfit and request.source.kind in _WITH_GRAPH:
        requested = {pin.name for pin in pins if pin.requested}
        requested = set() if len(requested) == len(pins) else requested  # a lock that doesn't say what the user requires
        unneeded = unneeded_of_lock({pin.name: pin.version for pin in unfit}, graph_of_lock(request), requested, request)
        request.omitted.update(unneeded)
        pins, unfit = [[pin for pin in each if pin.name not in unneeded] for each in (pins, unfit)]
    if unfit:
        compatible = _version_finder(request).newest_compatible(unfit[0].name)
        error = missing_wheels.no_wheel_error(unfit[0], request, compatible)
        raise UnfitError(error, [missing_wheels.blocker(pin, request.target) for pin in unfit])
    refuse_cuda(pins, request)
    request.omitted.update(_unresolved(request))
    return Lock(request.source.name, tuple(pins), tuple(sorted(request.omitted)))


def index_lines(request: ResolveRequest) -> tuple[str, ...]:
    """Return the lines of a request's source that say where uv looks for packages. Some sources uv reads itself."""
    read = _INDEX_LINES.get(request.source.kind)
    return read(request) if read else ()


def _version_finder(request: ResolveRequest) -> VersionFinder:
    return VersionFinder(request, index_lines(request))


def _unresolved(request: ResolveRequest) -> Iterator[str]:
    """Yield the packages that are never resolved and that the requirements name."""
    texts = [file.text for file in requirements_txt.read_files(request)] or [request.path.read_text("utf-8-sig", "replace")]
    for name in left_out.always():
        spelling = name.replace("-", "[-_.]")
        pattern = rf"""(?:^[ \t]*|["']){spelling}(?=[ \t]*(?:[=<>!~;\["',\r]|$))"""
        if any(re.search(pattern, text, re.MULTILINE | re.IGNORECASE) for text in texts):
            yield name

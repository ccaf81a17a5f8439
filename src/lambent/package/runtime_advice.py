"""The error for requirements that no runtime fits: the packages in the way, and an edit that was tried and helps.

The edit suits the file: a version in requirements.txt or pyproject.toml, the command of the tool that keeps a lock.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from lambent.errors import PackagingError
from lambent.package.dependencies import resolve_request
from lambent.package.lock import Pin
from lambent.package.requirements import readers
from lambent.package.requirements.cuda import CudaError
from lambent.package.requirements.resolve_request import ResolveRequest
from lambent.package.requirements.version_finder import VersionFinder
from lambent.package.unfit import Blocker, UnfitError

if TYPE_CHECKING:
    from lambent.package.runtime_choice import RuntimeSearch

_ROUNDS_MAX = 8
_NAMES_MAX = 6
_RUNTIMES_MAX = 3
_PARENT = re.compile(r"\b([A-Za-z0-9][\w.-]*)[=<>!~]\S+ depends on")

_LOCK_COMMANDS = {
    "uv.lock": ("uv add", "uv lock --upgrade-package"),
    "poetry.lock": ("poetry add", "poetry update"),
    "pdm.lock": ("pdm add", "pdm update"),
    "Pipfile.lock": ("pipenv install", "pipenv upgrade"),
}
"""For each lock, the commands that change a package that the project requires itself, and one that another brings."""


def nothing_fits(search: RuntimeSearch, runtimes: tuple[str, ...]) -> PackagingError:
    """Return the error for requirements that fit none of the runtimes."""
    edit, runtime = _edit_for_one(search, runtimes)
    failure = search.failures[runtime]
    request = resolve_request(search.context(runtime))
    pythons = [each.removeprefix("python") for each in runtimes]
    blockers = unique_blockers(blocker for error in search.failures.values() for blocker in error.blockers)
    if len(runtimes) == 1 and len(blockers) == 1:
        what = failure.what
    else:
        reasons = [_describe(blocker, pythons) for blocker in blockers[:_NAMES_MAX]]
        what = f"no runtime fits all requirements: {'; '.join(reasons)}"
    hint = f"{edit}, for {runtime}" if edit else failure.hint
    return PackagingError(what, where=request.source.name, hint=hint)


def _edit_for_one(search: RuntimeSearch, runtimes: tuple[str, ...]) -> tuple[str, str]:
    """Return an edit and the runtime that it is for: one that few packages don't fit. "" if no edit was found."""
    ordered = _most_fitting(search, runtimes)
    for runtime in ordered[:_RUNTIMES_MAX]:
        if runtime not in search.failures and search.fits(runtime):
            continue
        try:
            edit = _edit(resolve_request(search.context(runtime)), search.failures[runtime].blockers)
        except CudaError as error:
            return error.hint, runtime
        if edit:
            return edit, runtime
    return "", next(runtime for runtime in ordered if runtime in search.failures)


def _most_fitting(search: RuntimeSearch, runtimes: tuple[str, ...]) -> list[str]:
    """Return the runtimes, those first that the fewest packages don't fit.

    What fits none was made for older Pythons: then the oldest comes first, since the other packages are of that time as well.
    """
    blockers = unique_blockers(blocker for error in search.failures.values() for blocker in error.blockers)
    preferred = runtimes[:1] if search.config.candidates.named_by else ()
    are_old = any(blocker.pythons == frozenset() for blocker in blockers)
    ordered = dict.fromkeys((*preferred, runtimes[-1], *runtimes)) if are_old else runtimes
    return sorted(ordered, key=lambda runtime: sum(not blocker.fits(runtime.removeprefix("python")) for blocker in blockers))


def unique_blockers(blockers: Iterable[Blocker]) -> list[Blocker]:
    """Return the last blocker of each package, unless only an earlier one knows which Pythons the package fits."""
    unique: dict[str, Blocker] = {}
    for blocker in blockers:
        if blocker.pythons or not unique.get(blocker.package, blocker).pythons:
            unique[blocker.package] = blocker
    return list(unique.values())


def _describe(blocker: Blocker, pythons: list[str]) -> str:
    """Return which of the Pythons a package fits: "greenlet 3.0.1 only fits 3.9, 3.10 and 3.11"."""
    fitting = [python for python in reversed(pythons) if blocker.pythons and python in blocker.pythons]
    if not fitting:
        return blocker.describe(" or ".join(reversed(pythons)) if len(pythons) < 3 else "any of them")
    return f"{blocker.package} only fits {' and '.join(filter(None, (', '.join(fitting[:-1]), fitting[-1])))}"


def _edit(request: ResolveRequest, blockers: Sequence[Blocker]) -> str:
    """Return a change of the requirements after which they fit the request's target, or "" if none was found."""
    if request.source.kind in _LOCK_COMMANDS:
        return _edit_of_lock(request, blockers)
    if request.source.kind == "pylock":
        return "lambent build --lock --upgrade" if 'created-by = "lambent"' in request.path.read_text("utf-8") else ""
    pins = _resolve_freely(request, blockers)
    if not all(pin.requested for pin in pins):
        return ""
    versions = " and ".join(f"{pin.name}=={pin.version}" for pin in pins)
    return f"{versions} in {request.source.name}" if pins else ""


def _resolve_freely(request: ResolveRequest, blockers: Sequence[Blocker]) -> list[Pin]:
    """Return the versions of the packages in the way that would fit: the next ones, or the newest. Empty if none do."""
    versions = VersionFinder(request, readers.index_lines(request))
    return _settle(request, blockers, versions.next_compatible) or _settle(request, blockers, lambda name, version: None)


def _settle(request: ResolveRequest, blockers: Sequence[Blocker], choose: Callable[[str, str], Pin | None]) -> list[Pin]:
    """Resolve with other versions of the packages in the way, and of those that don't allow these. Empty if it fails.

    `choose` returns the version for a package that is in the way, None for the resolver's own choice.
    """
    edits = {blocker.name: _requirement(blocker, choose) for blocker in blockers}
    refused = {(blocker.name, blocker.version) for blocker in blockers}
    for _ in range(_ROUNDS_MAX):
        options = replace(request.options, freed=request.options.freed | frozenset(edits.values()))
        try:
            pins = readers.read_lock(replace(request, options=options)).pins
        except CudaError:
            raise
        except PackagingError as error:
            parents = {name: name for name in _PARENT.findall(" ".join(error.detail.split()))}
            blockers = error.blockers if isinstance(error, UnfitError) else ()
            more = {blocker.name: _requirement(blocker, choose) for blocker in blockers if blocker.name not in edits} or parents
        else:
            versions = [pin for pin in pins if pin.name in edits]
            return [] if any((pin.name, pin.version) in refused for pin in versions) else versions
        if more.keys() <= edits.keys():
            return []
        edits = {**more, **edits}
    return []


def _requirement(blocker: Blocker, choose: Callable[[str, str], Pin | None]) -> str:
    pin = choose(blocker.name, blocker.version)
    return f"{pin.name}=={pin.version}" if pin else blocker.name


def _edit_of_lock(request: ResolveRequest, blockers: Sequence[Blocker]) -> str:
    require, update = _LOCK_COMMANDS[request.source.kind]
    versions = VersionFinder(request, readers.index_lines(request))
    required = []
    for blocker in blockers:
        if blocker.is_requested:
            newest = versions.newest_compatible(blocker.name)
            if newest is None:
                return ""
            required.append(f"'{blocker.name}>={newest.version}'")
    brought = [blocker.name for blocker in blockers if not blocker.is_requested]
    commands = [f"{require} {' '.join(required)}"] if required else []
    if brought:
        flag = " --upgrade-package " if request.source.kind == "uv.lock" else " "
        commands.append(f"{update} {flag.join(brought)}")
    is_for_other = request.source.kind == "Pipfile.lock" and not _is_for(request.path, request.target.python)
    python = f"pipenv --python {request.target.python}"
    return " && ".join(command.replace("pipenv", python) if is_for_other else command for command in commands)


def _is_for(lock: Path, python: str) -> bool:
    """Return whether a Pipfile.lock is for this Python, or for none in particular. For an older one, Pipenv finds nothing."""
    match = re.search(r'"python_(?:full_)?version": "([\d.]+)"', lock.read_text("utf-8"))
    return match is None or f"{match[1]}.".startswith(f"{python}.")

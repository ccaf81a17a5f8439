"""The error for requirements that no runtime fits: the packages in the way, and an edit that was tried and helps.

The edit suits the file: a version in requirements.txt or pyproject.toml, the command of the tool that keeps a lock.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from msgspec.structs import replace

from lambent.errors import PackagingError
from lambent.package.dependencies import resolve_request
from lambent.package.lock import Pin
from lambent.package.requirements import readers
from lambent.package.requirements.resolve_request import ResolveRequest
from lambent.package.requirements.version_finder import VersionFinder
from lambent.package.unfit import Blocker, UnfitError

if TYPE_CHECKING:
    from lambent.package.runtime_choice import RuntimeSearch

_ROUNDS_MAX = 8
_NAMES_MAX = 6
_RUNTIMES_MAX = 3

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
    blockers = _unique(blocker for error in search.failures.values() for blocker in error.blockers)
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
        if edit := _edit(resolve_request(search.context(runtime)), search.failures[runtime].blockers):
            return edit, runtime
    return "", next(runtime for runtime in ordered if runtime in search.failures)


def _most_fitting(search: RuntimeSearch, runtimes: tuple[str, ...]) -> list[str]:
    """Return the runtimes, those first that the fewest packages don't fit."""
    blockers = _unique(blocker for error in search.failures.values() for blocker in error.blockers)
    return sorted(runtimes, key=lambda runtime: sum(not blocker.fits(runtime.removeprefix("python")) for blocker in blockers))


def _unique(blockers: Iterable[Blocker]) -> list[Blocker]:
    return list({blocker.package: blocker for blocker in blockers}.values())


def _describe(blocker: Blocker, pythons: list[str]) -> str:
    """Return which of the Pythons a package fits: "greenlet 3.0.1 only fits 3.9, 3.10 and 3.11"."""
    fitting = [python for python in reversed(pythons) if blocker.pythons and python in blocker.pythons]
    if not fitting:
        return blocker.describe(" or ".join(reversed(pythons)) if len(pythons) < 3 else "any of them")
    return f"{blocker.package} only fits {' and '.join(filter(None, (', '.join(fitting[:-1]), fitting[-1])))}"


def _edit(request: ResolveRequest, blockers: Iterable[Blocker]) -> str:
    """Return a change of the requirements after which they fit the request's target, or "" if none was found."""
    if request.source.kind in _LOCK_COMMANDS:
        return _edit_of_lock(request, list(blockers))
    if request.source.kind == "pylock":
        return "lambent build --lock --upgrade" if 'created-by = "lambent"' in request.path.read_text("utf-8") else ""
    pins = _resolve_freely(request, blockers)
    if not all(pin.requested for pin in pins):
        return ""
    versions = " and ".join(f"{pin.name}=={pin.version}" for pin in pins)
    return f"{versions} in {request.source.name}" if pins else ""


def _resolve_freely(request: ResolveRequest, blockers: Iterable[Blocker]) -> list[Pin]:
    """Return the versions of the packages in the way that the resolver would take if it were free to. Empty if it fails."""
    freed = frozenset(blocker.name for blocker in blockers)
    for _ in range(_ROUNDS_MAX):
        try:
            pins = readers.read_lock(replace(request, options=replace(request.options, freed=freed))).pins
        except UnfitError as error:
            names = {blocker.name for blocker in error.blockers}
            if names <= freed:
                return []
            freed |= names
        except PackagingError:
            return []
        else:
            return [pin for pin in pins if pin.name in freed]
    return []


def _edit_of_lock(request: ResolveRequest, blockers: list[Blocker]) -> str:
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
    return " && ".join(commands)

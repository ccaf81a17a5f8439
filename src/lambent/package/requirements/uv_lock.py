"""uv.lock, and the lock of a script. uv checks that the lock is up to date, and exports it without resolving anything."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection
from typing import TYPE_CHECKING

from packaging.specifiers import SpecifierSet

from lambent import calendar, interpreters
from lambent.config import script_metadata
from lambent.events import Warned
from lambent.lazy import LazyModule
from lambent.package.lock import Pin
from lambent.package.requirements import pylock
from lambent.package.requirements.pyproject import selected_lines, selection_arguments
from lambent.package.requirements.requested import mark_requested, without_project
from lambent.package.requirements.resolve_request import ResolveOptions, ResolveRequest
from lambent.package.requirements.toml_file import read_toml
from lambent.package.requirements.uv_errors import translate
from lambent.package.uv_command import UvError

if TYPE_CHECKING:
    from lambent.package.requirements import lock_changes
    from lambent.package.requirements.lock_changes import LockedRequirements
else:
    lock_changes = LazyModule("lambent.package.requirements.lock_changes")  # only for a lock that is out of date

_REGISTRY = re.compile(r'registry = "(\w+://[^"]+)"')
_STALE = re.compile(
    r"^error: (?:The lockfile .* needs to be updated|No solution found|Failed to (?:download|fetch)|Distribution not found)",
    re.MULTILINE,
)
"""uv resolves and fetches again only what the lock doesn't have, so a failure to do so means that it is out of date."""
_CANNOT_CLONE = "Git operation failed"
"""A locked repository that isn't in uv's cache is cloned for the check, although the lock has its commit."""


def read_project_pins(request: ResolveRequest) -> tuple[Pin, ...]:
    """Return the pins of a project's uv.lock for the target. Raises PackagingError, also for a lock that is out of date."""
    table = read_toml(request.source.folder / "pyproject.toml") or {}
    lines = selected_lines(table, request.options)
    unlocked: frozenset[str] = frozenset()
    if _is_stale(request):
        unlocked = _check_changes(request, lock_changes.requirements_of_project(table, request, lines))
    pins = _project_pins(request)
    if without := request.without | unlocked:
        pruned = _project_pins(request, without)
        request.omitted.update({pin.name for pin in pins} - {pin.name for pin in pruned})
        pins = pruned
    return mark_requested(pins, lines, request.target)


def _project_pins(request: ResolveRequest, without: Collection[str] = ()) -> tuple[Pin, ...]:
    """Return what uv installs for the project itself, with the selected extras and groups, without these packages."""
    selection = ("--no-default-groups", "--no-emit-project", *selection_arguments(request.options))
    prune = (f"--prune={name}" for name in sorted(without))
    return without_project(_export(request, *selection, *prune), request.source.folder)


def read_script_pins(request: ResolveRequest) -> tuple[Pin, ...]:
    """Return the pins of a script's lock for the target. Raises PackagingError, also for a lock that is out of date."""
    script = request.path.with_suffix("")
    lines = (script_metadata.read(script) or {}).get("dependencies", ())
    if _is_stale(request, script.name):
        hint = f"uv lock --script {shlex.quote(script.name)}"
        raise lock_changes.stale(request, lock_changes.requirements_of_script(request, lines), hint)
    return mark_requested(_export(request, "--script", script.name), lines, request.target)


def _check_changes(request: ResolveRequest, requirements: LockedRequirements) -> frozenset[str]:
    """Raise PackagingError if what has changed since the lock was made concerns what is packed; otherwise warn.

    Return the servers and tools that have changed: they are left out.
    """
    differences = requirements.differences()
    if not differences.keys() <= request.optional:
        raise lock_changes.stale(request, requirements, "uv lock")
    unlocked = frozenset(differences)
    lock_changes.check_same_pins(request, lambda other: _project_pins(other, unlocked), _python_option(request), "uv lock")
    if unlocked:
        request.leave_unlocked(unlocked, "uv lock")
    else:
        text = f"{request.source.name} is out of date, but what `uv lock` would change isn't packed"
        request.emit(Warned(text, "uv lock"))
    return unlocked


def _is_stale(request: ResolveRequest, script: str = "") -> bool:
    """Return whether uv says that the lock is out of date. If uv can't tell, emit a warning.

    The first check is offline: without a change, uv needs no network. It gets the lock's indexes as options, because uv calls
    a lock with an index that it isn't configured to use out of date, and a lock that was made behind a mirror isn't.
    uv needs the network only if it has to build a local package to read its metadata.
    """
    command = ["lock", "--check", "-q", *_python_option(request), *(["--script", script] if script else [])]
    lock = request.path.read_text("utf-8")
    registries = dict.fromkeys(_REGISTRY.findall(lock))
    offline = ["--offline", *(option for url in registries for option in ("--index", url))]
    message = ""
    for options in (offline, []):
        try:
            request.uv.run(*command, *options)
            return False
        except UvError as error:
            message = error.message
        if _STALE.search(message) and not ("{ git = " in lock and _CANNOT_CLONE in message):
            return True
    reason = message.partition("\n")[0].removeprefix("error: ")
    request.emit(Warned(f"uv cannot check whether {request.source.name} is up to date: {reason}", "uv lock --check"))
    return False


def _python_option(request: ResolveRequest) -> list[str]:
    """Name an interpreter that the project allows, the target's if possible: uv may only find an older one, or a shim."""
    project = (read_toml(request.source.folder / "pyproject.toml") or {}).get("project", {})
    allowed = SpecifierSet(project.get("requires-python", ""))
    for python in (request.target.python, *(runtime.python for runtime in reversed(calendar.RUNTIMES))):
        interpreter = interpreters.find(python, request.uv.environ) if allowed.contains(f"{python}.99") else None
        if interpreter is not None:
            return ["--python", str(interpreter.path)]
    return []


def _export(request: ResolveRequest, *arguments: str) -> tuple[Pin, ...]:
    try:
        text = request.uv.run("export", "--frozen", "--format", "pylock.toml", "--no-header", "-q", *arguments)
    except UvError as error:
        raise translate(error.message, request) from None
    location = pylock.LockLocation(request.source.folder, request.source.name)
    return pylock.parse(text, location, request.target, ResolveOptions())

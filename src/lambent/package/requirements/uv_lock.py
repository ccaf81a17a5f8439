"""uv.lock, and the lock of a script. uv checks that the lock is up to date, and exports it without resolving anything."""

from __future__ import annotations

import re

from lambent.config import script_metadata
from lambent.errors import PackagingError
from lambent.events import Warned
from lambent.package.lock import Pin
from lambent.package.requirements import pylock
from lambent.package.requirements.pyproject import selected_lines, selection_arguments
from lambent.package.requirements.requested import mark_requested, without_project
from lambent.package.requirements.resolve_request import ResolveOptions, ResolveRequest
from lambent.package.requirements.toml_file import read_toml
from lambent.package.requirements.uv_errors import translate
from lambent.package.uv_command import UvError

_REGISTRY = re.compile(r'registry = "(\w+://[^"]+)"')
_STALE = re.compile(
    r"^error: (?:The lockfile .* needs to be updated|No solution found|Failed to (?:download|fetch)|Distribution not found)",
    re.MULTILINE,
)
"""uv resolves and fetches again only what the lock doesn't have, so a failure to do so means that it is out of date."""


def read_project_pins(request: ResolveRequest) -> tuple[Pin, ...]:
    """Return the pins of a project's uv.lock for the target. Raises PackagingError, also for a lock that is out of date."""
    folder = request.source.folder
    table = read_toml(folder / "pyproject.toml") or {}
    _check_up_to_date(request)
    selection = ("--no-default-groups", "--no-emit-project", *selection_arguments(request.options))
    pins = _export(request, *selection)
    if request.without:
        pruned = _export(request, *selection, *(f"--prune={name}" for name in sorted(request.without)))
        request.omitted.update({pin.name for pin in pins} - {pin.name for pin in pruned})
        pins = pruned
    return mark_requested(without_project(pins, folder), selected_lines(table, request.options), request.target)


def read_script_pins(request: ResolveRequest) -> tuple[Pin, ...]:
    """Return the pins of a script's lock for the target. Raises PackagingError, also for a lock that is out of date."""
    script = request.path.with_suffix("")
    lines = (script_metadata.read(script) or {}).get("dependencies", ())
    _check_up_to_date(request, script.name)
    return mark_requested(_export(request, "--script", script.name), lines, request.target)


def _check_up_to_date(request: ResolveRequest, script: str = "") -> None:
    """Raise PackagingError if uv says that the lock is out of date. If uv can't tell, emit a warning.

    The first check is offline: without a change, uv needs no network. It gets the lock's indexes as options, because uv calls
    a lock with an index that it isn't configured to use out of date, and a lock that was made behind a mirror isn't.
    uv needs the network only if it has to build a local package to read its metadata.
    """
    command = ["lock", "--check", "-q", *(["--script", script] if script else [])]
    registries = dict.fromkeys(_REGISTRY.findall(request.path.read_text("utf-8")))
    offline = ["--offline", *(option for url in registries for option in ("--index", url))]
    message = ""
    for options in (offline, []):
        try:
            request.uv.run(*command, *options)
            return
        except UvError as error:
            message = error.message
        if _STALE.search(message):
            name = request.source.name
            hint = f"uv lock --script {script}" if script else "uv lock"
            raise PackagingError(f"{name} is out of date", where=name, hint=hint)
    reason = message.partition("\n")[0].removeprefix("error: ")
    request.emit(Warned(f"uv cannot check whether {request.source.name} is up to date: {reason}", "uv lock --check"))


def _export(request: ResolveRequest, *arguments: str) -> tuple[Pin, ...]:
    try:
        text = request.uv.run("export", "--frozen", "--format", "pylock.toml", "--no-header", "-q", *arguments)
    except UvError as error:
        raise translate(error.message, request) from None
    location = pylock.LockLocation(request.source.folder, request.source.name)
    return pylock.parse(text, location, request.target, ResolveOptions())

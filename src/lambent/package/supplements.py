"""What a build adds to the requirements, because every start of the app imports it.

A virtual environment has more than the requirements name: setuptools (up to Python 3.11), and whatever extras and groups of
the project the developer installed. Packages that import pkg_resources, and apps whose extras are needed, rely on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from lambent.events import Notice
from lambent.lazy import LazyModule
from lambent.package.build_context import BuildContext
from lambent.package.dependencies import Requirements, resolve_request, resolve_requirements
from lambent.package.lock import Lock
from lambent.package.proof.finding import Finding
from lambent.package.requirements.lock_cache import read_lock, write_lock
from lambent.package.requirements.lock_key import lock_key

if TYPE_CHECKING:
    from lambent.package.requirements import optional_dependencies, readers, version_finder
else:
    optional_dependencies = LazyModule("lambent.package.requirements.optional_dependencies")
    readers = LazyModule("lambent.package.requirements.readers")
    version_finder = LazyModule("lambent.package.requirements.version_finder")


class _Addition(Struct, frozen=True):
    """A package that is added, and why. `unneeded` are the packages that only its command requires."""

    name: str
    requirement: str
    reason: str
    unneeded: tuple[str, ...] = ()


_ADDITIONS = {
    "pkg_resources": _Addition(
        "setuptools",
        "setuptools<81",  # later releases have no pkg_resources
        "setuptools is added, as in a virtual environment: a package imports pkg_resources",
    ),
    "chalice": _Addition(
        "chalice",
        "chalice",
        "chalice is added, as `chalice deploy` does",
        ("blinker", "botocore", "click", "inquirer", "jmespath", "pip", "pyyaml", "setuptools", "six", "wheel"),
    ),
}
"""For each module, the package that is added for it."""


def supplement(
    context: BuildContext, requirements: Requirements, findings: Sequence[Finding]
) -> tuple[BuildContext, Requirements] | None:
    """Return the build with what is missing at its start, or None if nothing can be added.

    Raises PackagingError if the packages of an extra or a group can't be had for the target.
    """
    lacking = [finding for finding in findings if finding.module]
    options = _options(context, requirements, lacking)
    if options:
        packaging = context.config.packaging
        extras = dict.fromkeys([*packaging.extras, *(option.name for option in options if option.kind == "extra")])
        groups = dict.fromkeys([*packaging.groups, *(option.name for option in options if option.kind == "group")])
        packaging = replace(packaging, extras=tuple(extras), groups=tuple(groups))
        context = replace(context, config=replace(context.config, packaging=packaging))
        return context, resolve_requirements(context)
    for module, addition in _ADDITIONS.items():
        if requirements.source.path is not None and any(finding.module == module for finding in lacking):
            lock = _with_package(context, requirements.lock, addition)
            return (context, replace(requirements, lock=lock)) if lock else None
    return None


def _options(
    context: BuildContext, requirements: Requirements, lacking: Iterable[Finding]
) -> list[optional_dependencies.Option]:
    """Return the extras and groups that declare what the app's own files import, and say so."""
    packaging = context.config.packaging
    chosen: dict[tuple[str, str], optional_dependencies.Option] = {}
    for finding in lacking:
        option = optional_dependencies.find_option(requirements.source, finding.module) if finding.level == "error" else None
        if option is None or option.name in (packaging.extras if option.kind == "extra" else packaging.groups):
            continue
        if (option.kind, option.name) not in chosen:
            importer = finding.files[0].partition(":")[0]
            context.emit(Notice(f"the {option.kind} {option.name} is installed too: {importer} imports {finding.module}"))
        chosen[option.kind, option.name] = option
    return list(chosen.values())


def _with_package(context: BuildContext, lock: Lock, addition: _Addition) -> Lock | None:
    """Return the lock with a package, or None if the user requires it already or none fits."""
    name = addition.name
    if any(pin.name == name and pin.requested for pin in lock.pins):
        return None
    request = resolve_request(context)
    path = context.cache / "locks" / f"{lock_key(request)}-{name}.json"
    extended = read_lock(path)
    if extended is None or context.options.refresh:
        pin = version_finder.VersionFinder(request, readers.index_lines(request)).newest_compatible(addition.requirement)
        if pin is None:
            return None
        others = (each for each in lock.pins if each.name != name)
        pins = sorted((*others, replace(pin, requested=True)), key=lambda each: each.name)
        extended = replace(lock, pins=tuple(pins), omitted=(*lock.omitted, *addition.unneeded))
        write_lock(path, extended)
    context.emit(Notice(addition.reason))
    return extended

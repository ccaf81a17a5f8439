"""What a build adds to the requirements, because every start of the app imports it.

A virtual environment has more than the requirements name: setuptools (up to Python 3.11), whatever extras and groups of the
project the developer installed, and packages that no file names. A function is completed with what its project's layers list.
A requirements.txt is completed from the files next to it, such as requirements-dev.txt. A plain one gets well-known packages
too, those that another file of the project names, and the library that the project is an example of. A lock
or a tool's project says exactly what runs, so there the error stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from os.path import relpath
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from lambent.config.detection.outer_folder import library_above
from lambent.config.detection.project_modules import ProjectModules
from lambent.config.detection.project_text import read_text
from lambent.errors import PackagingError
from lambent.events import Notice, Warned
from lambent.lazy import LazyModule
from lambent.module_packages import adding, known_requirement, package_of
from lambent.package.build_context import BuildContext
from lambent.package.dependencies import Requirements, resolve_request, resolve_requirements
from lambent.package.lock import Lock
from lambent.package.proof.finding import Finding
from lambent.package.requirements import left_out
from lambent.package.requirements.adding import add_command, is_plain, is_unlocked
from lambent.package.requirements.discovery import RequirementSource
from lambent.package.requirements.lock_cache import read_lock, write_lock
from lambent.package.requirements.lock_key import lock_key
from lambent.package.unfit import ConflictError, UnfitError
from lambent.units import listing, pronoun_for, verb_for

if TYPE_CHECKING:
    from pathlib import Path

    from packaging import utils

    from lambent.package.requirements import optional_dependencies, other_lines, readers, requested, version_finder
else:
    utils = LazyModule("packaging.utils")
    other_lines = LazyModule("lambent.package.requirements.other_lines")
    optional_dependencies = LazyModule("lambent.package.requirements.optional_dependencies")
    readers = LazyModule("lambent.package.requirements.readers")
    requested = LazyModule("lambent.package.requirements.requested")
    version_finder = LazyModule("lambent.package.requirements.version_finder")


_FILES_MAX = 3
"""How many files that need a package a warning names."""


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

    Raises PackagingError if the packages of an extra or a group can't be had for the target, and UnfitError if what is added
    doesn't fit it.
    """
    lacking = [finding for finding in findings if finding.module]
    if not lacking:
        return None
    options = _options(context, requirements, lacking)
    if options:
        packaging = context.config.packaging
        extras = dict.fromkeys([*packaging.extras, *(option.name for option in options if option.kind == "extra")])
        groups = dict.fromkeys([*packaging.groups, *(option.name for option in options if option.kind == "group")])
        packaging = replace(packaging, extras=tuple(extras), groups=tuple(groups))
        context = replace(context, config=replace(context.config, packaging=packaging))
        return context, resolve_requirements(context)
    listed = _lines_elsewhere(context, requirements, lacking)
    libraries = {} if listed else _added_libraries(context, requirements, lacking)
    packages: Mapping[str, Sequence[str]]
    packages = dict.fromkeys(listed, ()) or libraries or _unlisted_packages(context, requirements, lacking)
    if packages and (completed := _resolve_with(context, requirements, packages)):
        for reason in listed.values():
            context.emit(Notice(reason))
        return context, completed
    if imported := _left_out_modules(context, requirements, lacking):
        with suppress(PackagingError):  # then the warning about the import stays
            return context, resolve_requirements(context, requirements.added, imported)
    for module, addition in _ADDITIONS.items():
        if requirements.source.path is not None and any(finding.module == module for finding in lacking):
            lock = _with_package(context, requirements, addition)
            return (context, replace(requirements, lock=lock)) if lock else None
    return None


def _resolve_with(
    context: BuildContext, requirements: Requirements, packages: Mapping[str, Sequence[str]]
) -> Requirements | None:
    """Return the requirements with packages, or None if that can't be, and say so.

    The values are the files that need a package which nothing lists.
    """
    try:
        return resolve_requirements(context, {**requirements.added, **packages})
    except PackagingError as error:
        if isinstance(error, UnfitError) and not isinstance(error, ConflictError):
            error.added = tuple(packages)
            raise  # another runtime may fit
        names = [package.partition(" --hash")[0].rstrip() for package in packages]
        context.emit(Warned(f"{listing(names)} can't be added to the requirements: {error.what}", error.hint))
        return None


def report_additions(context: BuildContext, requirements: Requirements) -> None:
    """Say which packages were added or limited: their versions, why, and how to write them down."""
    versions, add = {pin.name: pin.version for pin in requirements.lock.pins}, add_command(requirements.source)
    may_be_corrected = is_unlocked(requirements.source)
    if may_be_corrected and (corrections := dict(context.config.corrections)):
        names = [_name_of(requirement) for requirement in corrections]
        packages = [f"{name} {versions[name]}" for name in names if name in versions]
        reasons = "; ".join(dict.fromkeys(corrections.values()))
        context.emit(Warned(f"{listing(packages)} {verb_for(packages)} used, because {reasons}", adding(add, *corrections)))
    if may_be_corrected and (day := context.config.released_until):
        what = (
            f"with newer releases of its packages the app failed, so those until {day} are used, when its code was last changed"
        )
        context.emit(Warned(what, "`lambent build --lock` keeps these versions"))
    unlisted = (requirement for requirement, files in requirements.added.items() if files)
    added = {requirement.partition("<")[0]: _name_of(requirement) for requirement in unlisted}
    pins = {package: versions[name] for package, name in added.items() if name in versions}
    if pins:
        packages, lines = ([f"{name}{sign}{version}" for name, version in pins.items()] for sign in (" ", "=="))
        files = list(dict.fromkeys(file for importers in requirements.added.values() for file in importers))
        them, verb = pronoun_for(packages), "needs" if len(files) == 1 else "need"
        shown = [*files[:_FILES_MAX], f"{len(files) - _FILES_MAX} other files"] if len(files) > _FILES_MAX + 1 else files
        reason = f"{listing(shown)} {verb} {them}, and {requirements.source.name} doesn't list {them}"
        context.emit(Warned(f"{listing(packages)} {verb_for(packages)} added: {reason}", adding(add, *lines)))


def _name_of(requirement: str) -> str:
    """Return the normalized name of a package that we require: "psycopg" for "psycopg[binary]"."""
    return str(utils.canonicalize_name(package_of(requirement)))


def _options(
    context: BuildContext, requirements: Requirements, lacking: Iterable[Finding]
) -> list[optional_dependencies.Option]:
    """Return the extras and groups that declare what the app's own files import, or name in Django's settings, and say so."""
    packaging = context.config.packaging
    chosen: dict[tuple[str, str], optional_dependencies.Option] = {}
    for finding in lacking:
        option = None if finding.package else optional_dependencies.find_option(requirements.source, finding.module)
        if option is None or option.name in (packaging.extras if option.kind == "extra" else packaging.groups):
            continue
        if (option.kind, option.name) not in chosen:
            importer, verb = finding.files[0].partition(":")[0], "imports" if finding.level == "error" else "needs"
            context.emit(Notice(f"the {option.kind} {option.name} is installed too: {importer} {verb} {finding.module}"))
        chosen[option.kind, option.name] = option
    return list(chosen.values())


def _lines_elsewhere(context: BuildContext, requirements: Requirements, lacking: Iterable[Finding]) -> dict[str, str]:
    """Return what the project's other requirements files say of the missing modules, hashes included, each with its reason."""
    folder = context.config.folder.resolve()
    without = {*map(utils.canonicalize_name, context.config.packaging.without)}
    required = (finding for finding in lacking if finding.requirement)
    missing: dict[str, Finding] = {utils.canonicalize_name(finding.requirement): finding for finding in required}
    lines: dict[str, str] = {}
    for line, file in other_lines.lines_elsewhere(requirements.source, folder) if missing.keys() - without else ():
        name = requested.name_of(line)
        if name in missing and name not in without and line not in requirements.added:
            importer = missing.pop(name).files[0].partition(":")[0]
            lines[line] = f"{line.partition(' --hash')[0].rstrip()} is installed too, from {file}: {importer} needs it"
    return lines


def libraries_above(folder: Path, lacking: Iterable[Finding]) -> dict[str, Finding]:
    """Return the folders of the libraries that a project is an example of, each with what says that it is missing."""
    errors = [(finding, finding.module.partition(".")[0]) for finding in lacking if finding.level == "error"]
    return {str(library): finding for finding, module in errors if (library := library_above(folder, module))}


def _added_libraries(context: BuildContext, requirements: Requirements, lacking: Iterable[Finding]) -> dict[str, list[str]]:
    """Return the libraries above that a plain requirements file lacks, and say so. No other file need list them."""
    folder = context.config.folder.resolve()
    libraries = libraries_above(folder, lacking) if is_plain(requirements.source) else {}
    added = {library: finding for library, finding in libraries.items() if library not in requirements.added}
    for library, finding in added.items():
        reason = finding.what.partition(", which")[0]  # "main.py imports shop"
        what = f"{reason}, so {relpath(library, folder)} is installed too"
        context.emit(Warned(what, f"to make that explicit, {finding.hint}"))
    return {library: [] for library in added}


def _unlisted_packages(context: BuildContext, requirements: Requirements, lacking: Iterable[Finding]) -> dict[str, list[str]]:
    """Return the well-known packages that a plain requirements file lacks, each with the files that import it.

    Empty if the start lacks anything else: then the build fails, and its error names all of them.
    """
    config = context.config
    if config.hosting.layers or not is_plain(requirements.source):
        return {}
    modules, roots = ProjectModules(config.folder), (config.app.root, ".")
    unusable = {*requirements.omitted(()), *map(utils.canonicalize_name, config.packaging.without)}
    packages: dict[str, list[str]] = {}
    for finding in lacking:
        name = finding.module.partition(".")[0]
        if name in _ADDITIONS:
            continue
        package = known_requirement(finding.module) or _named_elsewhere(requirements.source, finding.requirement)
        is_known = package and package == finding.requirement and utils.canonicalize_name(package) not in unusable
        if is_known and modules.find(name) is None and modules.find(name, roots) is None:
            packages.setdefault(package, []).extend(path.partition(":")[0] for path in finding.files)
        elif finding.level == "error":
            return {}
    return packages


def _named_elsewhere(source: RequirementSource, package: str) -> str:
    """Return the package if another file of the project that states dependencies, such as a Pipfile.lock, names it, or ""."""
    name = re.sub(r"[-_.]+", "[-_.]+", package)
    pattern = re.compile(rf"""(?im)(?:^[ \t]*|["']){name}(?=["'\s\[<>=~!;])""")
    texts = (read_text(source.folder / file) for file in source.ignored)
    return package if package and any(pattern.search(text) for text in texts) else ""


def _left_out_modules(context: BuildContext, requirements: Requirements, lacking: Iterable[Finding]) -> frozenset[str]:
    """Return the modules of servers and tools that were left out, and that a package imports at every start."""
    without = map(utils.canonicalize_name, context.config.packaging.without)
    omitted = frozenset(requirements.lock.omitted).difference(left_out.always(), without)
    return left_out.modules_of(omitted) & {finding.module.partition(".")[0] for finding in lacking}


def _with_package(context: BuildContext, requirements: Requirements, addition: _Addition) -> Lock | None:
    """Return the lock with a package, or None if the user requires it already or none fits."""
    name, lock = addition.name, requirements.lock
    if any(pin.name == name and pin.requested for pin in lock.pins):
        return None
    request = resolve_request(context, requirements.added)
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

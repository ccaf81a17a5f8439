"""Corrects requirements without a lock after a failed start: takes the releases before the one that broke the app, or adds one.

`deployment/version_breaks.py` is the table of breaks. Where it doesn't know one, the releases of the day are taken on which the
app's code was last changed. Only well-known packages are added, which reading the code didn't find. A lock says exactly what
runs, so there the error stays, with the requirement to add. What helped once is remembered until the app's code or its
requirements change.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path

from msgspec.structs import replace

from lambent.config.detection.project_modules import ProjectModules
from lambent.config.detection.project_text import read_text
from lambent.config.model import Config
from lambent.deployment.break_patterns import Break
from lambent.deployment.version_breaks import break_of
from lambent.errors import LambentError, PackagingError
from lambent.events import ignore
from lambent.library.start_records import record_path
from lambent.missing_packages import asked_package
from lambent.module_packages import adding, known_requirement, package_in_text, package_of
from lambent.package import git_commit
from lambent.package.build import complete_requirements
from lambent.package.build_context import BuildContext, BuildOptions
from lambent.package.cache import read_json, write_json
from lambent.package.dependencies import resolve_request
from lambent.package.lock import Pin
from lambent.package.project_files import collect_project
from lambent.package.requirements.adding import add_command, is_unlocked
from lambent.package.requirements.discovery import RequirementSource
from lambent.package.requirements.requirement_lines import read_requirement_files
from lambent.package.runtime_choice import choose_runtime
from lambent.removed_modules import substitute_for

_ROUNDS_MAX = 4
_RECENT = timedelta(days=30)
"""Code that was changed since then is taken to work with today's releases."""
_FRAME = re.compile(r'^\s*File "(?:/var/task/|/tmp/app/)?([^"]+)", line \d+', re.MULTILINE)
_UNRELATED = re.compile(
    r"\b\w*(?:Auth|Client|Connect|Credential|Database|HTTP|Interface|Key|Lookup|Memory|(?<!Module)NotFound|Operational|OS|Permission"
    r"|Programming|Region|Socket|Timeout|URL|Validation)\w*(?:Error|Exception)\b"
    r"|\b(?:SystemExit|Template(?:NotFound|DoesNotExist)|gaierror|ImproperlyConfigured: (?!.*(?:import|attribute)))"
)
"""Errors that don't come from a package's releases: a server, a file, a key that is missing."""
_OTHER_CURE = re.compile(r"--(?:app|env|env-file|memory|timeout)\b|rename ")
_MISUSE = re.compile(
    r"cannot import name|No module named '\w+\.|object has no attribute|module '[\w.]+' has no attribute"
    r"|unexpected keyword argument|positional arguments?\b"
)
_NO_MODULE = re.compile(r"No module named '([\w.]+)'")


def with_corrections(config: Config, cache: Path, options: BuildOptions, error: LambentError) -> Config | None:
    """Return the configuration with the requirements that the app's error asks for, on a runtime that they fit.

    None if it is no known break, if the requirements are locked or don't allow it, or after some rounds.
    """
    broken = break_of(error) or _missing_package(f"{error.what}\n{error.detail}", config)
    if broken is None or config.hosting.layers or len({reason for _, reason in config.corrections}) >= _ROUNDS_MAX:
        return None
    source = _source(config, cache, options)
    if not is_unlocked(source):
        return None
    try:
        pins = _pins(config, cache, options)
        names = {pin.name for pin in pins}
        needed = [each for each in broken.requirements if "<" not in each or package_of(each) in names]
        added = ((each, broken.what) for each in needed or broken.requirements)
        corrected = replace(config, corrections=_lowest((*config.corrections, *added)))
        return _with_other_pins(corrected, pins, source, cache, options)
    except PackagingError:
        _name_own_requirement(error, broken, source)
        return None


def _name_own_requirement(error: LambentError, broken: Break, source: RequirementSource) -> None:
    """Say in the hint that a requirement replaces one of the user's own, which doesn't allow it."""
    text, command = read_text(source.path) if source.path else "", add_command(source)
    names = "|".join(re.escape(package_of(each)) for each in broken.requirements)
    if re.search(rf"""(?im)^[ \t"']*(?:{names})[ \t]*(?:\[[^\]\n]*\])?[ \t]*[>=~]=""", text):
        instead = adding(command, *broken.requirements, instead=True)
        error.hint = error.hint.replace(adding(command, *broken.requirements), instead)


def with_earlier_releases(config: Config, cache: Path, options: BuildOptions, error: LambentError) -> Config | None:
    """Return the configuration with the releases of the day on which the app's code was last changed.

    None if the error can't come from newer releases, if the requirements are locked, if the code has changed lately or git
    doesn't know, and if there were no other releases.
    """
    if config.released_until or config.hosting.layers or not _may_come_from_packages(error, config):
        return None
    source = _source(config, cache, options)
    day = git_commit.last_change(config.folder, os.environ)
    if day is None or date.today() - day < _RECENT or not is_unlocked(source):
        return None
    with suppress(PackagingError):
        corrected = replace(config, corrections=(), released_until=day.isoformat())
        return _with_other_pins(corrected, _pins(config, cache, options), source, cache, options)
    return None


def _may_come_from_packages(error: LambentError, config: Config) -> bool:
    """Whether a failed start may be due to releases that are newer than the app: it ends in a package, or misuses one."""
    text = f"{error.what}\n{error.detail}"
    frames = _FRAME.findall(text)
    if not frames or _UNRELATED.search(text) or _OTHER_CURE.match(error.hint):
        return False
    return not (config.folder / frames[-1]).is_file() or _MISUSE.search(text) is not None


def _with_other_pins(
    corrected: Config, pins: tuple[Pin, ...], source: RequirementSource, cache: Path, options: BuildOptions
) -> Config | None:
    """Return the corrected configuration on a runtime that fits, and remember it; None if its pins are the same.

    Raises PackagingError.
    """
    corrected = choose_runtime(corrected, cache, os.environ, ignore, options)
    if _pins(corrected, cache, options) == pins:
        return None
    record = [_digest(corrected, source), corrected.corrections, corrected.released_until]
    write_json(record_path("corrections", corrected, cache), record)
    return corrected


def _pins(config: Config, cache: Path, options: BuildOptions) -> tuple[Pin, ...]:
    return complete_requirements(config, cache, os.environ, ignore, options).lock.pins


def with_known_corrections(config: Config, cache: Path, options: BuildOptions) -> Config:
    """Return the configuration with the corrections that an earlier start of the same code has shown."""
    path = record_path("corrections", config, cache)
    if config.corrections or config.released_until or not path.is_file():
        return config
    digest, corrections, released_until = [*(read_json(path) or ("", ())), ""][:3]  # older records have no day
    if digest != _digest(config, _source(config, cache, options)):
        return config
    corrections = tuple((requirement, reason) for requirement, reason in corrections)
    return replace(config, corrections=corrections, released_until=released_until)


def forget_corrections(config: Config, cache: Path) -> None:
    """Forget corrections that didn't help."""
    record_path("corrections", config, cache).unlink(missing_ok=True)


def _lowest(corrections: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Return the corrections with only the lowest limit of each package."""
    lowest: dict[str, tuple[str, str]] = {}
    for correction in corrections:
        name, limit = package_of(correction[0]), correction[0].partition("<")[2]
        if name not in lowest or (limit and _release(limit) < _release(lowest[name][0].partition("<")[2])):
            lowest[name] = correction
    return tuple(lowest.values())


def _release(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split("."))) if version else (sys.maxsize,)


def _missing_package(text: str, config: Config) -> Break | None:
    """Return the well-known package of the module that the app's start lacks, also of one that Python has removed."""
    module, package = next(reversed(_NO_MODULE.findall(text)), ""), asked_package(text)
    if module:
        requirement = (known_requirement(module) or substitute_for(module)) if "." not in module else ""
    else:
        module, requirement = package.replace("-", "_"), package_in_text(package)
    top, modules = module.partition(".")[0], ProjectModules(config.folder)
    if not requirement or modules.find(top) is not None or modules.find(top, (config.app.root, ".")) is not None:
        return None
    return Break(f"the app's start imports {module}", (requirement,))


def _source(config: Config, cache: Path, options: BuildOptions) -> RequirementSource:
    return resolve_request(BuildContext.start(config, cache, os.environ, ignore, options)).source


def _digest(config: Config, source: RequirementSource) -> str:
    """Return a digest of the app's code and its requirements."""
    return hashlib.sha256(b"\0".join(_texts(config, source))).hexdigest()


def _texts(config: Config, source: RequirementSource) -> Iterator[bytes]:
    for name, file in collect_project(config).files.items():
        if name.endswith(".py"):
            yield from (name.encode(), file.read())
    if source.path is not None:
        yield from (file.text.encode() for file in read_requirement_files(source.path, os.environ, source.name))

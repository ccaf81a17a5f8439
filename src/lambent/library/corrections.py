"""Corrects plain requirements after a failed start: takes the releases before the one that broke the app, or adds a package.

`deployment/version_breaks.py` is the table of breaks. Only well-known packages are added, which reading the code didn't find.
A lock or a tool's project says exactly what runs, so there the error stays, with the requirement to add. What helped once is
remembered until the app's code or its requirements change.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from msgspec.structs import replace

from lambent.config.detection.project_modules import ProjectModules
from lambent.config.model import Config
from lambent.deployment.version_breaks import Break, break_of
from lambent.errors import LambentError, PackagingError
from lambent.events import ignore
from lambent.module_packages import known_requirement
from lambent.package.build import complete_requirements
from lambent.package.build_context import BuildContext, BuildOptions
from lambent.package.cache import read_json, write_json
from lambent.package.dependencies import resolve_request
from lambent.package.project_files import collect_project
from lambent.package.requirements.adding import is_plain
from lambent.package.requirements.discovery import RequirementSource
from lambent.package.requirements.requirement_lines import read_requirement_files
from lambent.package.runtime_choice import choose_runtime

_ROUNDS_MAX = 4
_NO_MODULE = re.compile(r"No module named '([\w.]+)'|Install '([\w-]+)' for email validation support")
"""The second is WTForms'."""


def with_corrections(config: Config, cache: Path, options: BuildOptions, error: LambentError) -> Config | None:
    """Return the configuration with the requirements that the app's error asks for, on a runtime that they fit.

    None if it is no known break, if the requirements aren't plain or don't allow it, or after some rounds.
    """
    broken = break_of(error) or _missing_package(f"{error.what}\n{error.detail}", config)
    if broken is None or config.hosting.layers or len({reason for _, reason in config.corrections}) >= _ROUNDS_MAX:
        return None
    source = _source(config, cache, options)
    if not is_plain(source):
        return None
    with suppress(PackagingError):
        lock = complete_requirements(config, cache, os.environ, ignore, options).lock
        names = {pin.name for pin in lock.pins}
        needed = [each for each in broken.requirements if "<" not in each or each.partition("<")[0] in names]
        added = ((each, broken.what) for each in needed or broken.requirements)
        corrected = replace(config, corrections=_lowest((*config.corrections, *added)))
        corrected = choose_runtime(corrected, cache, os.environ, ignore, options)
        if complete_requirements(corrected, cache, os.environ, ignore, options).lock.pins != lock.pins:
            write_json(_record(config, cache), [_digest(config, source), corrected.corrections])
            return corrected
    return None


def with_known_corrections(config: Config, cache: Path, options: BuildOptions) -> Config:
    """Return the configuration with the corrections that an earlier start of the same code has shown."""
    path = _record(config, cache)
    if config.corrections or not path.is_file():
        return config
    digest, corrections = read_json(path) or ("", ())
    if digest != _digest(config, _source(config, cache, options)):
        return config
    return replace(config, corrections=tuple((requirement, reason) for requirement, reason in corrections))


def _lowest(corrections: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Return the corrections with only the lowest limit of each package."""
    lowest: dict[str, tuple[str, str]] = {}
    for correction in corrections:
        name, _, limit = correction[0].partition("<")
        if name not in lowest or (limit and _release(limit) < _release(lowest[name][0].partition("<")[2])):
            lowest[name] = correction
    return tuple(lowest.values())


def _release(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split("."))) if version else (sys.maxsize,)


def _missing_package(text: str, config: Config) -> Break | None:
    """Return the well-known package of the module that the app's start lacks."""
    module = next(("".join(names) for names in reversed(_NO_MODULE.findall(text))), "")
    top, modules = module.partition(".")[0], ProjectModules(config.folder)
    requirement = known_requirement(module) if module == top else ""
    if not requirement or modules.find(top) is not None or modules.find(top, (config.app.root, ".")) is not None:
        return None
    return Break(f"the app's start imports {module}", (requirement,))


def _source(config: Config, cache: Path, options: BuildOptions) -> RequirementSource:
    return resolve_request(BuildContext.start(config, cache, os.environ, ignore, options)).source


def _record(config: Config, cache: Path) -> Path:
    name = f"corrections {config.path.resolve()} {config.app.spec}"
    return cache / "locks" / f"{hashlib.sha256(name.encode()).hexdigest()[:40]}.json"


def _digest(config: Config, source: RequirementSource) -> str:
    """Return a digest of the app's code and its requirements."""
    return hashlib.sha256(b"\0".join(_texts(config, source))).hexdigest()


def _texts(config: Config, source: RequirementSource) -> Iterator[bytes]:
    for name, file in collect_project(config).files.items():
        if name.endswith(".py"):
            yield from (name.encode(), file.read())
    if source.path is not None:
        yield from (file.text.encode() for file in read_requirement_files(source.path, os.environ, source.name))

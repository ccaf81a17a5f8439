"""Checks that every package has what its metadata requires on the target. Pure; the result depends only on the pins.

Importing `packaging` for versions and markers takes 0.1 s, so the caller caches the result for each lock.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Set

from msgspec import Struct
from packaging.markers import Marker, UndefinedComparison, UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from lambent.package.proof.advice import DEFAULT, Advice
from lambent.package.proof.finding import Finding, Level
from lambent.package.requirements.markers import marker_environment
from lambent.package.target import Target

_ON_LAMBDA = frozenset(("boto3", "botocore", "s3transfer", "jmespath", "python-dateutil", "six", "urllib3", "awslambdaric"))
_INSTALLERS = frozenset(("pip", "setuptools", "wheel"))
"""Every virtual environment had them, so locks don't list them: zappa and pip-tools require pip. Imports are proven apart."""
_PATCHES = ("0", "99")  # AWS's patch release is unknown: what holds for only one of these isn't an error


class Metadata(Struct, frozen=True):
    """A package's METADATA: its Requires-Dist lines, and Requires-Python ("" for none)."""

    name: str
    version: str
    requires: tuple[str, ...] = ()
    requires_python: str = ""


def unmet(
    packages: Iterable[Metadata],
    target: Target,
    direct: Iterable[str] = (),
    omitted: Set[str] = frozenset(),
    advice: Advice = DEFAULT,
) -> tuple[Finding, ...]:
    """Return findings about unmet requirements, errors first.

    `direct` are the user's own requirements, for their extras. `omitted` are normalized names that are missing on purpose,
    and `advice` says how to add one.
    """
    by_name: dict[str, Metadata] = {canonicalize_name(package.name): package for package in packages}
    findings = [finding for package in by_name.values() for finding in _python(package, target)]
    for name, extra in _active_extras(by_name, direct, target):
        findings += _unmet(by_name, by_name[name], extra, target, omitted, advice)
    return tuple(sorted(set(findings), key=lambda finding: (finding.level != "error", finding.what)))


def _active_extras(packages: Mapping[str, Metadata], direct: Iterable[str], target: Target) -> list[tuple[str, str]]:
    """Return every (package, extra) in effect; the extra is "" for what a package always requires."""
    active: dict[tuple[str, str], None] = {(name, ""): None for name in packages}
    queue = list(active)
    for line in direct:
        queue += [pair for pair in _extras(line, "", packages, target) if pair not in active]
    active.update(dict.fromkeys(queue))
    while queue:
        name, extra = queue.pop()
        for line in packages[name].requires:
            for pair in _extras(line, extra, packages, target):
                if pair not in active:
                    active[pair] = None
                    queue.append(pair)
    return list(active)


def _extras(line: str, extra: str, packages: Mapping[str, Metadata], target: Target) -> list[tuple[str, str]]:
    requirement = _parse(line)
    name = canonicalize_name(requirement.name) if requirement else ""
    if requirement is None or name not in packages or not _in_effect(requirement.marker, extra, target):
        return []
    return [(name, canonicalize_name(each)) for each in requirement.extras]


def _unmet(
    packages: Mapping[str, Metadata], package: Metadata, extra: str, target: Target, omitted: Set[str], advice: Advice
) -> Iterator[Finding]:
    label = f"{package.name} {package.version}"
    for line in package.requires:
        requirement = _parse(line)
        if requirement is None or not _in_effect(requirement.marker, extra, target):
            continue
        name = canonicalize_name(requirement.name)
        specified = f"{requirement.name}{requirement.specifier}"
        text = f"{label} requires {specified}" + (f" (for its extra {extra})" if extra else "")
        hint = advice.adding(specified)
        if name in packages:
            if not _fits(packages[name].version, requirement.specifier):
                what = f"{text}, and the zip has {packages[name].version}"
                yield Finding("warning", what, package=label, hint=hint)
        elif name in omitted or name in _ON_LAMBDA:
            yield Finding("note", f"{text}, which Lambda provides or you excluded", package=label)
        elif name in _INSTALLERS:
            yield Finding("note", f"{text}, which locks don't list", package=label)
        else:
            level: Level = "warning" if _depends_on_platform(requirement.marker) else "error"
            yield Finding(level, f"{text} on {target.name}, and the zip doesn't have it", package=label, hint=hint)


def _python(package: Metadata, target: Target) -> Iterator[Finding]:
    """Check Requires-Python. Like uv this ignores upper limits, which were guesses about the future."""
    try:
        limits = [limit for limit in SpecifierSet(package.requires_python) if not limit.operator.startswith("<")]
    except InvalidSpecifier:
        return
    if not all(limit.contains(f"{target.python}.{_PATCHES[-1]}") for limit in limits):
        label = f"{package.name} {package.version}"
        hint = f"require an older version of {package.name}, or choose a newer --runtime"
        what = f"{label} requires Python {package.requires_python}, not {target.python}"
        yield Finding("error", what, package=label, hint=hint)


def _parse(line: str) -> Requirement | None:
    try:
        return Requirement(line)
    except InvalidRequirement:  # old packages have invalid lines
        return None


def _fits(version: str, specifier: SpecifierSet) -> bool:
    try:
        return specifier.contains(Version(version), prereleases=True)
    except InvalidVersion:
        return True


def _depends_on_platform(marker: Marker | None) -> bool:
    """Return whether a marker is about the machine: a lock made on a Mac may lack the package, as its own tool installs it.

    If the app needs the package after all, its import is missing, and the proof of imports says so.
    """
    return marker is not None and re.search(r"platform_(?:machine|system)|sys_platform|os_name", str(marker)) is not None


def _in_effect(marker: Marker | None, extra: str, target: Target) -> bool:
    """With an extra, whether the marker selects it; without, whether the requirement always applies."""
    if marker is None:
        return not extra
    try:
        always = all(marker.evaluate(_environment(target, patch)) for patch in _PATCHES)
        if not extra:
            return always
        return not always and all(marker.evaluate(_environment(target, patch) | {"extra": extra}) for patch in _PATCHES)
    except (UndefinedComparison, UndefinedEnvironmentName, InvalidVersion):
        return False


def _environment(target: Target, patch: str) -> dict[str, str]:
    """Return the variables of markers on the target, for one patch release of Python."""
    full = f"{target.python}.{patch}"
    release = {"implementation_version": full, "python_full_version": full, "platform_release": "5.10.0"}
    return {**marker_environment(target), **release, "extra": ""}

"""Whether every package has what its metadata asks for, on the target. Pure; the result holds as long as the pins do.

Versions and markers are the `packaging` project's, which takes a tenth of a second: asked once for each lock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set

from msgspec import Struct
from packaging.markers import Marker, UndefinedComparison, UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from lambent.package.proof.finding import Finding
from lambent.package.target import Target

_ON_LAMBDA = frozenset(("boto3", "botocore", "s3transfer", "jmespath", "python-dateutil", "six", "urllib3", "awslambdaric"))
_PATCHES = ("0", "99")  # which patch release AWS has is not known: what holds for one of them only is no fault


class Metadata(Struct, frozen=True):
    """What a package's METADATA says: its lines Requires-Dist and Requires-Python ("" for none)."""

    name: str
    version: str
    requires: tuple[str, ...] = ()
    requires_python: str = ""


def unmet(
    packages: Iterable[Metadata], target: Target, asked: Iterable[str] = (), waived: Set[str] = frozenset()
) -> tuple[Finding, ...]:
    """`asked` are the user's own requirements (for their extras); `waived` are names left out on purpose, normalised."""
    there: dict[str, Metadata] = {canonicalize_name(package.name): package for package in packages}
    found = [finding for package in there.values() for finding in _python(package, target)]
    for name, extra in _wanted(there, asked, target):
        found += _lacking(there, there[name], extra, target, waived)
    return tuple(sorted(set(found), key=lambda one: (one.level != "error", one.what)))


def _wanted(there: Mapping[str, Metadata], asked: Iterable[str], target: Target) -> list[tuple[str, str]]:
    """Every (package, extra) in effect; the extra is "" for what is asked for in any case."""
    seen: dict[tuple[str, str], None] = {(name, ""): None for name in there}
    waiting = list(seen)
    for line in asked:
        waiting += [pair for pair in _extras(line, "", there, target) if pair not in seen]
    seen.update(dict.fromkeys(waiting))
    while waiting:
        name, extra = waiting.pop()
        for line in there[name].requires:
            for pair in _extras(line, extra, there, target):
                if pair not in seen:
                    seen[pair] = None
                    waiting.append(pair)
    return list(seen)


def _extras(line: str, extra: str, there: Mapping[str, Metadata], target: Target) -> list[tuple[str, str]]:
    asked = _parse(line)
    name = canonicalize_name(asked.name) if asked else ""
    if asked is None or name not in there or not _in_effect(asked.marker, extra, target):
        return []
    return [(name, canonicalize_name(each)) for each in asked.extras]


def _lacking(
    there: Mapping[str, Metadata], package: Metadata, extra: str, target: Target, waived: Set[str]
) -> Iterator[Finding]:
    for line in package.requires:
        asked = _parse(line)
        if asked is None or not _in_effect(asked.marker, extra, target):
            continue
        name = canonicalize_name(asked.name)
        who = f"{package.name} {package.version}"
        spoken = f"{asked.name}{asked.specifier}" + (f" (for its extra {extra})" if extra else "")
        if name in there:
            if not _fits(there[name].version, asked.specifier):
                what = f"{who} asks for {spoken}, and the zip has {there[name].version}"
                yield Finding("warning", what, package=who, hint=f"add {asked.name}{asked.specifier} to your requirements")
        elif name in waived or name in _ON_LAMBDA:
            yield Finding("note", f"{who} asks for {spoken}, which is left to Lambda or was left out on purpose", package=who)
        else:
            what = f"{who} asks for {spoken} on {target.name}, and that is not in the zip"
            yield Finding("error", what, package=who, hint=f"add {asked.name}{asked.specifier} to your requirements")


def _python(package: Metadata, target: Target) -> Iterator[Finding]:
    """Upper limits are not held to, as uv does not: they are guesses about a future that has come."""
    try:
        limits = [one for one in SpecifierSet(package.requires_python) if not one.operator.startswith("<")]
    except InvalidSpecifier:
        return
    if not all(one.contains(f"{target.python}.{patch}") for patch in _PATCHES[1:] for one in limits):
        who = f"{package.name} {package.version}"
        hint = f"write an older version of {package.name}, or choose a newer --runtime"
        yield Finding("error", f"{who} asks for Python {package.requires_python}, not {target.python}", package=who, hint=hint)


def _parse(line: str) -> Requirement | None:
    try:
        return Requirement(line)
    except InvalidRequirement:  # old packages have lines that nobody can read
        return None


def _fits(version: str, specifier: SpecifierSet) -> bool:
    try:
        return specifier.contains(Version(version), prereleases=True)
    except InvalidVersion:
        return True


def _in_effect(marker: Marker | None, extra: str, target: Target) -> bool:
    """With an extra: whether the marker is for that extra; without: whether it holds for everybody."""
    if marker is None:
        return not extra
    try:
        everybody = all(marker.evaluate(environment(target, patch)) for patch in _PATCHES)
        if not extra:
            return everybody
        return not everybody and all(marker.evaluate(environment(target, patch) | {"extra": extra}) for patch in _PATCHES)
    except (UndefinedComparison, UndefinedEnvironmentName, InvalidVersion):
        return False


def environment(target: Target, patch: str = "0") -> dict[str, str]:
    """The markers' variables on the target (PEP 508), none of this machine's."""
    full = f"{target.python}.{patch}"
    return {
        "implementation_name": "cpython",
        "implementation_version": full,
        "os_name": "posix",
        "platform_machine": "aarch64" if target.architecture == "arm64" else "x86_64",
        "platform_python_implementation": "CPython",
        "platform_release": "5.10.0",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": full,
        "python_version": target.python,
        "sys_platform": "linux",
        "extra": "",
    }

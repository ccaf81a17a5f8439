"""Packages without a wheel for the target: which one uv blames, whether it is native code, and the error that explains it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

from msgspec import Struct
from packaging.utils import canonicalize_name

from lambent import calendar
from lambent.config.model import Architecture
from lambent.errors import PackagingError
from lambent.package.lock import Pin
from lambent.package.proof import stdlib_modules
from lambent.package.requirements.resolve_request import ResolveRequest
from lambent.package.target import Target
from lambent.package.unfit import NO_WHEEL, Blocker, UnfitError
from lambent.package.wheels.available_wheels import describe_wheels
from lambent.package.wheels.choose_wheel import choose_wheel
from lambent.package.wheels.fetch_errors import alternative_package
from lambent.package.wheels.native.zig import build_flag

_OLDEST_RUNTIME = date(2019, 11, 1)  # python3.8 and later
_ARCHITECTURES: tuple[Architecture, ...] = ("x86_64", "arm64")
_LINUX_TAG = re.compile(r"(manylinux|musllinux|linux_)")
_VERSIONS = r"(?:[=<>!~]=?[^\s,]+,?)*"
_NO_WHEELS = re.compile(rf"(?<![\w.-])([A-Za-z0-9][\w.-]*)({_VERSIONS}) ha(?:s|ve) no (?:usable )?wheels")


_NOT_FOUND = re.compile(r"([\w.-]+) was not found in the package registry")
_FAILED_BUILD = re.compile(r"Failed to (?:download and )?build `([A-Za-z0-9][\w.-]*)((?:==[^`]+)?)`")
_INVALID_METADATA = re.compile(r"\b([A-Za-z0-9][\w.-]*)==\S+\s+has\s+invalid\s+metadata")


class Package(Struct, frozen=True):
    """A package by its normalized name, and as it was required ("numpy==1.21.0")."""

    name: str
    spec: str


def failed_build(message: str) -> str:
    """Return the name of the package whose release uv couldn't build, or "" for another message."""
    failed = _FAILED_BUILD.search(message)
    return canonicalize_name(failed[1]) if failed else ""


def invalid_release(message: str) -> str:
    """Return the name of the package whose old release uv can't read (pandas 0.23 requires "pytz >=2011k"), or ""."""
    invalid = _INVALID_METADATA.search(message)
    return canonicalize_name(invalid[1]) if invalid else ""


def standard_module(message: str, target: Target) -> str:
    """Return the name that no index has because it is a module of the target's Python ("threading"), "" if it isn't."""
    missing = _NOT_FOUND.search(" ".join(message.split()))
    is_standard = missing is not None and stdlib_modules.has(missing[1].replace("-", "_"), target.version)
    return canonicalize_name(missing[1]) if missing and is_standard else ""


def failed_spec(message: str) -> str:
    """Return the package that uv couldn't build, and its version ("dominate 2.3.1")."""
    failed = _FAILED_BUILD.search(message)
    return f"{failed[1]} {failed[2].removeprefix('==')}".strip() if failed else ""


def blamed_package(message: str) -> Package | None:
    """Return the package without a wheel that uv's message is about, or None for another message."""
    line = " ".join(message.split())
    blamed = _NO_WHEELS.search(line)
    required = re.search(r"Wheels are required for `([^`]+)`", line)
    if required and (blamed is None or canonicalize_name(blamed[1]) != canonicalize_name(required[1])):
        return Package(canonicalize_name(required[1]), required[1])
    if blamed is None:
        return None
    # uv blames the oldest of several ranges first ("x<=0.5 has no wheels with a matching ABI"), so use what was required
    name = rf"({re.escape(blamed[1])}(?:\[[\w,.-]*\])?)"
    requirement = re.search(rf"(?:you require|depends on) {name}({_VERSIONS})(?=[\s,]|$)", line)
    spec = f"{requirement[1]}{requirement[2].rstrip(',')}" if requirement else f"{blamed[1]}{blamed[2]}"
    return Package(canonicalize_name(blamed[1]), spec)


def excluded_package(message: str, excluded: Sequence[Pin]) -> Package | None:
    """Return the package in uv's message whose versions were excluded because their wheels don't fit the target."""
    for pin in excluded:
        if re.search(rf"(?<![\w.-]){re.escape(pin.name)}(?![\w-])", message):
            return Package(pin.name, f"{pin.name}=={pin.version}")
    return None


def has_linux_wheels(pin: Pin) -> bool:
    """Return whether there are wheels with code for any Linux: then its source has native code as well."""
    return any(_LINUX_TAG.search(wheel.filename) for wheel in pin.wheels)


def has_usable_source(pin: Pin, request: ResolveRequest) -> bool:
    """Return whether the source may be built: it is pure Python, can do without its compiled part, or may be compiled."""
    is_allowed = request.options.native or pin.name in request.options.uncompiled
    return pin.sdist is not None and (is_allowed or not has_linux_wheels(pin))


def no_wheel_error(pin: Pin, request: ResolveRequest, compatible: Pin | None, detail: str = "") -> UnfitError:
    """Return the error for a version without a wheel. `compatible` is the newest version that has one for the target."""
    target = request.target
    wheels = describe_wheels(pin)
    what = f"{pin.name} {pin.version} has no wheel for {target.platform}"
    what += f"; there are wheels for {wheels}" if wheels else "; it has no wheels at all"
    hints = [f"{pin.name}=={compatible.version}, which has one"] if compatible else []
    if not compatible and (alternative := alternative_package(pin.name, target)):
        hints.append(f"use {alternative} instead")
    targets = _compatible_targets(pin)
    if machine := next((other for other in targets if other.python == target.python), None):
        hints.append(f"--arch {machine.architecture}")
    if pin.sdist and not request.options.native:
        hints.append(f"compile its source: {build_flag()}")
    hint = ", or ".join(hints) or f"use a package that has wheels: https://pypi.org/project/{pin.name}/#files"
    return UnfitError(PackagingError(what, where=request.source.name, hint=hint, detail=detail), [blocker(pin, target)])


def blocker(pin: Pin, target: Target) -> Blocker:
    """Return the targets that a version rules out by having no wheel for them."""
    pythons = frozenset(other.python for other in _compatible_targets(pin) if other.architecture == target.architecture)
    return Blocker(pin.name, pin.version, NO_WHEEL, pythons, pin.requested)


def _compatible_targets(pin: Pin) -> list[Target]:
    """Return the Lambda runtimes that the pin's wheels fit, newest first."""
    runtimes = [runtime for runtime in calendar.RUNTIMES if not runtime.preview and runtime.available >= _OLDEST_RUNTIME]
    targets = (
        Target(runtime.python, architecture, runtime.glibc) for runtime in reversed(runtimes) for architecture in _ARCHITECTURES
    )
    return [target for target in targets if choose_wheel(pin, target) is not None]

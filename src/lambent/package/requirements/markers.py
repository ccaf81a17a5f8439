"""Environment markers (PEP 508), evaluated for the target and never for the machine that builds."""

from __future__ import annotations

from collections.abc import Iterable

from packaging.markers import Marker

from lambent.package.requirements.uv_target import full_version
from lambent.package.target import Target
from lambent.package.wheels.tags import machine


def marker_environment(target: Target) -> dict[str, str]:
    """Return the variables of environment markers on Lambda, or on a Mac."""
    return {
        "implementation_name": "cpython",
        "implementation_version": full_version(target),
        "os_name": "posix",
        "platform_machine": machine(target),
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Darwin" if target.macos else "Linux",
        "platform_version": "",
        "python_full_version": full_version(target),
        "python_version": target.python,
        "sys_platform": "darwin" if target.macos else "linux",
    }


def matches(marker: Marker | str | None, target: Target, extras: Iterable[str] = ()) -> bool:
    """Return whether a marker holds on the target, for one of `extras` or for none. No marker always holds.

    Raises packaging's InvalidMarker, UndefinedComparison or UndefinedEnvironmentName.
    """
    if marker is None:
        return True
    parsed = Marker(marker) if isinstance(marker, str) else marker
    environment = marker_environment(target)
    return any(parsed.evaluate({**environment, "extra": extra}) for extra in [*extras] or [""])

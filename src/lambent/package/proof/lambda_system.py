"""The shared libraries, symbol versions and modules of a target's Python runtime."""

from __future__ import annotations

from lambent import lambda_libraries
from lambent.calendar import AL2023
from lambent.package.target import Target

MODULES = frozenset(
    [
        *("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six", "urllib3"),
        *("awslambdaric", "runtime_client", "snapshot_restore_py", "simplejson", "bootstrap", "lambda_runtime"),
    ]
)
"""Top-level modules in /var/runtime."""

MODULES_PERHAPS = frozenset(("setuptools", "pkg_resources", "_distutils_hack", "pip", "wheel"))
"""Modules in the site-packages of some runtimes."""


def has(library: str, target: Target) -> bool | None:
    """Whether the runtime has a shared library; None if that isn't documented."""
    return lambda_libraries.has(library, target.python, target.glibc)


def too_new(library: str, family: str, number: tuple[int, ...], target: Target) -> str:
    """Return the newest version that the runtime's library has if `number` is newer, else ""."""
    if family == "GLIBC" and library in lambda_libraries.GLIBC:
        return _dotted(target.glibc) if number > target.glibc else ""
    if family == "GLIBC_ABI_DT_RELR":  # a marker without a number, in glibc since 2.36
        return _dotted(target.glibc) if target.glibc < (2, 36) else ""
    ceiling = lambda_libraries.COMPILER.get(library, {}).get(target.glibc >= AL2023, {}).get(family)
    return _dotted(ceiling) if ceiling and number > ceiling else ""


def _dotted(number: tuple[int, ...]) -> str:
    return ".".join(str(part) for part in number)

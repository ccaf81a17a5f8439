"""Builds with the setuptools of a package's own time.

A package without a wheel is built by its setup.py, which asks for no version of setuptools. Later ones have dropped what old
scripts use: `Feature` (46), `use_2to3` (58), `convert_path` and keys with a dash (78), `pkg_resources` (82).
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from lambent.package.unfit import pythons_before
from lambent.package.uv_command import Uv, UvError
from lambent.package.wheels import build_failure

_OLDER = ("", "setuptools<78", "setuptools<58", "setuptools<46")
_NEEDS_OLDER = re.compile(
    r"from 'setuptools|module 'setuptools[\w.]*' has no|No module named '(?:pkg_resources|setuptools)\b"
    r"|use_2to3 is invalid|error in .+ setup command|setuptools\.errors\."
)
_FAILED = re.compile(r"Failed to (?:build|download and build) `([^`]+)`")


class SetuptoolsSearch:
    """Runs uv, and again with an older setuptools if a setup.py needs that. It remembers the version that works.

    `python` is the version that runs the builds, "" if it isn't known.
    """

    def __init__(self, uv: Uv, python: str = "") -> None:
        self._uv = uv
        self._python = python
        self._older = list(_OLDER)

    def run(self, *arguments: str, **variables: str) -> str:
        """Return what uv prints. Raises UvError: the first, or what says that this Python is too new for the package."""
        first: UvError | None = None
        while True:
            try:
                return self._run(self._older[0], *arguments, **variables)
            except UvError as error:
                first = first or error
                if _failed_package(error) != _failed_package(first):
                    first = error
                is_last = len(self._older) == 1 or bool(self._uv.environ.get("UV_BUILD_CONSTRAINT"))
                if is_last or not _NEEDS_OLDER.search(error.message):
                    raise self._most_telling(first, error) from None
                if self._is_hopeless(error):
                    raise
                del self._older[: self._next(error)]

    def _is_hopeless(self, error: UvError) -> bool:
        """Return whether this Python is too new for the setuptools that the package needs."""
        reason = build_failure.explain(error.message) if self._python and _failed_package(error) else None
        return reason is not None and reason.removed != "" and self._python not in pythons_before(reason.removed)

    def _most_telling(self, first: UvError, last: UvError) -> UvError:
        if not _failed_package(last):  # the project's own is no pin to blame
            return first
        reason = build_failure.explain(last.message)
        has_needed = bool(self._python and _needed(first))  # it got the setuptools that it asked for, and failed otherwise
        return last if has_needed or (reason is not None and reason.removed) else first

    def _next(self, error: UvError) -> int:
        """Return how many versions of setuptools to skip: more than one if the error says which one it needs."""
        needed = _needed(error)
        return self._older.index(needed) if needed in self._older[1:] else 1

    def _run(self, constraint: str, *arguments: str, **variables: str) -> str:
        if not constraint:
            return self._uv.run(*arguments, **variables)
        with tempfile.TemporaryDirectory(prefix="lambent-") as folder:
            path = Path(folder) / "constraints.txt"
            path.write_text(f"{constraint}\n", "utf-8")
            return self._uv.run(*arguments, **variables, UV_BUILD_CONSTRAINT=str(path))


def _failed_package(error: UvError) -> str:
    match = _FAILED.search(error.message)
    return match[1] if match else ""


def _needed(error: UvError) -> str:
    return next((f"setuptools<{old}" for text, old, _ in build_failure.OLD_SETUPTOOLS if text in error.message), "")

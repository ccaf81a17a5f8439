"""Calls the resolver: `uv pip compile`."""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from functools import cached_property
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace
from packaging.utils import canonicalize_name

from lambent import interpreters
from lambent.package.lock import Pin
from lambent.package.old_setuptools import SetuptoolsSearch
from lambent.package.requirements import pylock
from lambent.package.requirements.lock_key import has_uv_settings, may_use_other_indexes
from lambent.package.requirements.requirement_lines import PYPI
from lambent.package.requirements.resolve_request import ResolveOptions, ResolveRequest
from lambent.package.requirements.uv_target import full_version, uv_platform
from lambent.package.target import Target
from lambent.package.urls import without_credentials

_PARENTS = re.compile(r"(?m)^([\w.-]+)[^\n]*?\s# via (.+)$")
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
_BUILD_TOOLS = ("setuptools", "wheel", "hatchling", "flit-core", "poetry-core", "setuptools-scm", "cython")
_INDEX_ANNOTATION = re.compile(r"^([\w.-]+).*\n\s+# from (\S+)", re.MULTILINE)


class CompileInput(Struct, frozen=True):
    """What `uv pip compile` resolves: `arguments` name files, extras or groups.

    `index_lines` say where to look for a single package. With `no_deps`, only the packages named are resolved.
    """

    arguments: tuple[str, ...]
    index_lines: tuple[str, ...] = ()
    no_deps: bool = False


class PipCompile:
    """`uv pip compile` for one request. Its methods raise UvError."""

    def __init__(self, request: ResolveRequest) -> None:
        self._request = request
        self._interpreter = interpreters.find(request.target.python, request.uv.environ)
        self._setuptools = SetuptoolsSearch(request.uv, self._interpreter.version if self._interpreter else "")

    @cached_property
    def uses_only_pypi(self) -> bool:
        return not may_use_other_indexes(self._request)

    @cached_property
    def _configuration(self) -> dict[str, str]:
        is_plain = self.uses_only_pypi and not has_uv_settings(self._request)
        return {"UV_CONFIG_FILE": str(Path(__file__).with_name("pypi.toml"))} if is_plain else {}

    @property
    def _python(self) -> str:
        """Without this, uv would start every Python on this machine to find one of the target's version."""
        return str(self._interpreter.path) if self._interpreter else sys.executable

    def resolve(self, *arguments: str, no_deps: bool) -> tuple[Pin, ...]:
        """Return the pins for uv's arguments. To read metadata uv may build a package, without a compiler.

        uv states the index of each package only in its other output format, so if there may be several indexes it runs twice.
        """
        options = ["--no-deps"] if no_deps else []
        pins = self._parse(self._run("pylock.toml", *options, *arguments))
        if self.uses_only_pypi:
            return pins
        annotate = ["--emit-index-annotation", "--no-annotate"]
        text = self._run("requirements.txt", *options, *arguments, *annotate)
        indexes: dict[str, str] = {canonicalize_name(name): index for name, index in _INDEX_ANNOTATION.findall(text)}
        return tuple(replace(pin, index=without_credentials(indexes.get(pin.name, ""))) for pin in pins)

    def parents(self, *arguments: str) -> dict[str, frozenset[str]]:
        """Return the packages that require each package of the same resolution."""
        text = self._run("requirements.txt", *arguments, "--annotation-style", "line")
        names = {canonicalize_name(name): via.split(", ") for name, via in _PARENTS.findall(text)}
        return {name: frozenset(parent for parent in via if _NAME.fullmatch(parent)) - {name} for name, via in names.items()}

    def _parse(self, text: str) -> tuple[Pin, ...]:
        index = PYPI if self.uses_only_pypi else ""
        location = pylock.LockLocation(self._request.uv.folder, self._request.source.name, index)
        return pylock.parse(text, location, self._request.target, ResolveOptions())

    def _run(self, output_format: str, *arguments: str) -> str:
        uv = self._request.uv
        command = ["pip", "compile", "--format", output_format, "--no-header", "-q", "--python", self._python]
        command += _release_arguments(self._request.options.released_until)
        variables = {} if self._request.options.native else uv.without_compiler()
        with _egg_info_elsewhere(uv.environ) as egg_info:
            return self._setuptools.run(*command, *arguments, **variables, **egg_info, **self._configuration)


@contextmanager
def _egg_info_elsewhere(environ: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Yield the variables with which setuptools doesn't write an egg-info folder into the user's project."""
    if "DIST_EXTRA_CONFIG" in environ:
        yield {}
        return
    with tempfile.TemporaryDirectory(prefix="lambent-") as folder:
        path = Path(folder, "setup.cfg")
        path.write_text(f"[egg_info]\negg_base = {folder}\n", "utf-8")
        yield {"DIST_EXTRA_CONFIG": str(path)}


def _release_arguments(day: str) -> list[str]:
    """Return the options that leave out later releases, but for what builds packages: uv needs newer ones."""
    return [f"--exclude-newer={day}", *map(undated_argument, _BUILD_TOOLS)] if day else []


def undated_argument(name: str) -> str:
    """Return the option with which all releases of a package count, although a day limits the others."""
    return f"--exclude-newer-package={name}={date.today().isoformat()}"


def version_arguments(target: Target) -> list[str]:
    return ["--python-version", full_version(target)]


def target_arguments(target: Target) -> list[str]:
    """Return the options for the target's wheels."""
    return [*version_arguments(target), "--python-platform", uv_platform(target)]


@contextmanager
def temporary_requirements(lines: Iterable[str]) -> Iterator[Path]:
    """Write the lines to a temporary file that only the user can read, because a URL may hold a password."""
    with tempfile.TemporaryDirectory(prefix="lambent-") as folder:
        path = Path(folder) / "requirements.txt"
        path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
        path.chmod(0o600)
        yield path

"""Build a package with C or C++ code for another machine: zig compiles, uv runs the build, no Docker."""

from __future__ import annotations

import hashlib
import re
import secrets
import tempfile
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from lambent.errors import PackagingError
from lambent.package.cache import disk_error, mark_used
from lambent.package.target import Target
from lambent.package.uv_command import Uv, UvError
from lambent.package.wheels import source_tree
from lambent.package.wheels.fetch_errors import disk_full
from lambent.package.wheels.native import compiler_shim, toolchain
from lambent.package.wheels.native.audit import audit, retag
from lambent.package.wheels.native.host_python import HostPython, find_host_python
from lambent.package.wheels.native.zig import find_zig
from lambent.package.wheels.source_build import only_wheel

_FORMAT = "2"  # increase it when the same key would give another wheel
_RUST = frozenset({"maturin", "setuptools-rust", "puccinialin"})
_TAIL_LINES = 30  # lines of a failed build to show
_SQLITE = ("the header sqlite3.h", "the library sqlite3")


class CrossBuilder(Struct, frozen=True):
    """Builds for `target`. `environ` is the user's environment; `cache` is the root of lambent's cache."""

    target: Target
    cache: Path
    environ: Mapping[str, str]

    def build(self, source: Path, package: str, digest: str = "") -> Path:
        """Return a wheel for the target, built from the folder `source`, checked, and cached.

        `package` is for messages ("psutil 7.2.2"). `digest` identifies the source; without one, the wheel can't be found
        again. Raises PackagingError if there is no compiler or Python to build with, or if the build fails, drops its native
        code, or would not load on the target.
        """
        try:
            return self._build(source, package, digest or secrets.token_hex(16))
        except OSError as error:
            raise disk_error(f"build {package}", error, self.cache) from error

    def _build(self, source: Path, package: str, digest: str) -> Path:
        cache = self.cache / "native" / "wheels" / self._key(digest)
        cached = _find_cached(cache)
        if cached is not None:
            return cached
        work = self.cache / "native" / "work"
        work.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=work, prefix="build-") as temporary:
            folder = Path(temporary)
            tree = source_tree.copy(source, folder / "source", extension_modules=False)
            _refuse_rust(tree, package)
            compiled = source_tree.compiled_files(tree)
            python = find_host_python(self.target, self.environ)
            toolchain.lay_out(folder, self.target, python, find_zig(self.environ))
            wheel = self._run(tree, package, folder, python)
            content = audit(wheel, self.target, package)
            if compiled and not content.binaries:
                raise _native_code_missing(package, compiled[0], folder)
            return _store(retag(wheel, self.target, content, folder) if content.binaries else wheel, cache)

    def _key(self, digest: str) -> str:
        parts = [_FORMAT, digest, self.target.name, *map(str, self.target.glibc)]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]

    def _run(self, tree: Path, package: str, folder: Path, python: HostPython) -> Path:
        """Run the build, and return the wheel it made."""
        caches, output = self.cache / "native", folder / "out"
        variables = toolchain.environment(folder, self.target, self.environ, caches / "zig")
        # the build requirements may themselves be built with this compiler, so they get their own uv cache
        variables["UV_CACHE_DIR"] = str(caches / "uv" / self.target.name.replace(" ", "-"))
        name, _, version = package.partition(" ")
        variables |= source_tree.version_variables(name, version, tree)
        options = ["--wheel", "--python", str(python.interpreter.path), "--out-dir", str(output)]
        if source_tree.build_system(tree)[0].split(".")[0] == "mesonpy":
            options += ["-C", f"setup-args=--cross-file={folder / 'cross.ini'}"]
        try:
            Uv(tree, self.environ, caches).run("build", *options, str(tree), **variables)
        except UvError as error:
            raise _build_failed(package, error.message, self.target) from error
        return only_wheel(output, package)


def _find_cached(folder: Path) -> Path | None:
    """Return the wheel of an earlier build, unless it is damaged. It lies in a folder that is named by its digest."""
    for wheel in sorted(folder.glob("*/*.whl")):
        if hashlib.sha256(wheel.read_bytes()).hexdigest() == wheel.parent.name:
            mark_used(wheel)
            return wheel
    return None


def _store(wheel: Path, folder: Path) -> Path:
    path = folder / hashlib.sha256(wheel.read_bytes()).hexdigest() / wheel.name
    path.parent.mkdir(parents=True, exist_ok=True)
    return wheel.replace(path)


def _refuse_rust(tree: Path, package: str) -> None:
    """Raise PackagingError for a package in Rust, before anything is downloaded for its build."""
    backend, requires = source_tree.build_system(tree)
    if backend.split(".")[0] in _RUST or _RUST.intersection(requires):
        raise PackagingError(
            f"{package} is written in Rust, which --build-native cannot compile",
            where=f"its build system ({backend})",
            hint="choose a version that has wheels, or build its wheel with `maturin build --zig` and depend on that file",
        )


def _build_failed(package: str, output: str, target: Target) -> PackagingError:
    """Return the error for a failed build, with what its source lacks if the output shows that."""
    if error := disk_full(output):
        return error
    missing = _missing_dependency(output)
    return PackagingError(
        f"cannot build {package} for {target.name}" + (f": it needs {missing}, which is not in its source" if missing else ""),
        where=package,
        hint=_hint(missing) if missing else "see the output of the build below",
        detail=_tail(output),
    )


def _native_code_missing(package: str, file: str, folder: Path) -> PackagingError:
    """Return the error for a build that ignored a compiler error, which would make the package slower, or broken."""
    errors = folder / compiler_shim.ERRORS
    output = errors.read_text("utf-8-sig", "replace") if errors.is_file() else ""
    missing = _missing_dependency(output)
    return PackagingError(
        f"{package} was built without its native code: {file} did not end up in the wheel"
        + (f", because it needs {missing}" if missing else ""),
        where=package,
        hint="build without --build-native to package it as pure Python, if it supports that",
        detail=_tail(output),
    )


def _missing_dependency(output: str) -> str:
    """Return the header or library that a compiler or linker did not find, or ""."""
    header = re.search(r"fatal error: '([^']+)' file not found", output)
    library = re.search(r"unable to find (?:\w+ )?system library ['\"]([^'\"]+)", output)
    return f"the header {header[1]}" if header else f"the library {library[1]}" if library else ""


def _hint(missing: str) -> str:
    if missing in _SQLITE:
        return (
            "use Python's own sqlite3 (newer from python3.12 on), or a package that has wheels: sqlean.py, or on x86_64"
            " pysqlite3-binary"
        )
    return "--build-native only compiles what is in the source: choose a version that has wheels, or another target"


def _tail(output: str) -> str:
    return "\n".join(output.splitlines()[-_TAIL_LINES:])

"""From the source of a package with C or C++ in it to a wheel for another machine, on this one, without Docker."""

from __future__ import annotations

import hashlib
import re
import secrets
import tempfile
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from lambent.errors import PackagingError
from lambent.package.cache import mark_used
from lambent.package.target import Target
from lambent.package.uv_command import Uv, UvFailed
from lambent.package.wheels.fetch_errors import full_disk
from lambent.package.wheels.native import audit, compiler_shim, host_python, toolchain, zig
from lambent.package.wheels.native.source import build_system, native_files, pretended, take

_FORMAT = "2"  # raise it when the same key would give another wheel
_RUST = frozenset({"maturin", "setuptools-rust", "puccinialin"})
_TAIL = 30  # lines of a failed build that are shown


class Native(Struct, frozen=True):
    """What is built for and with. `environ` is the user's; `cache` the root of lambent's cache."""

    target: Target
    cache: Path
    environ: Mapping[str, str]

    def build(self, source: Path, name: str, digest: str = "") -> Path:
        """A wheel of `source` (a source distribution or a folder) for the target, checked, in the cache.

        `name` is for people ("psutil 7.2.2"). `digest` is what identifies the source, if the caller knows it: with it, or of a
        file, the wheel is kept and found again. Raises PackagingError where there is no compiler or Python to build with, where
        the build fails, comes out without its native part, or would not load on the target.
        """
        try:
            return self._build(source, name, digest)
        except OSError as error:
            raise PackagingError(
                f"{name} cannot be built: {error.strerror or error}",
                where=str(error.filename or self.cache),
                hint="make room, or set its permissions, and try again",
            ) from error

    def _build(self, source: Path, name: str, digest: str) -> Path:
        kept = self.cache / "native" / "wheels" / _key(source, digest, self.target)
        there = _kept(kept)
        if there is not None:
            return there
        work = self.cache / "native" / "work"
        work.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=work, prefix="build-") as new:
            folder = Path(new)
            tree = take(source, folder / "from")
            _refuse_rust(tree, name)
            compiled = native_files(tree)
            python = host_python.find(self.target, self.environ)
            toolchain.lay_out(folder, self.target, python, zig.find(self.environ))
            made = _run(tree, name, folder, python, self)
            found = audit.inspect(made, self.target, name)
            if compiled and not found.binaries:
                raise _without_its_part(name, compiled[0], folder, self.target)
            return _keep(audit.retag(made, self.target, found, folder) if found.binaries else made, kept)


def _key(source: Path, digest: str, target: Target) -> str:
    """A folder has no digest of its own, so without one given it is built anew."""
    if not digest:
        digest = hashlib.sha256(source.read_bytes()).hexdigest() if source.is_file() else secrets.token_hex(16)
    parts = [_FORMAT, digest, target.name, *map(str, target.glibc)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def _kept(folder: Path) -> Path | None:
    """The wheel of an earlier build, unless it has been damaged: it lies in a folder named by its digest."""
    for wheel in sorted(folder.glob("*/*.whl")):
        if hashlib.sha256(wheel.read_bytes()).hexdigest() == wheel.parent.name:
            mark_used(wheel)
            return wheel
    return None


def _keep(wheel: Path, folder: Path) -> Path:
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    place = folder / digest / wheel.name
    place.parent.mkdir(parents=True, exist_ok=True)
    return wheel.replace(place)


def _refuse_rust(tree: Path, name: str) -> None:
    """Before anything is fetched for it."""
    backend, requires = build_system(tree)
    if backend.split(".")[0] in _RUST or _RUST.intersection(requires):
        raise PackagingError(
            f"{name} is written in Rust, which --build-native cannot compile",
            where=f"its build system ({backend})",
            hint="ask for a version with wheels, or build its wheel with `maturin build --zig` and give the file",
        )


def _run(tree: Path, name: str, folder: Path, python: host_python.Host, native: Native) -> Path:
    """Runs the build. The wheel it made is for the target, as far as the build says."""
    caches = native.cache / "native"
    more = toolchain.environment(folder, native.target, native.environ, caches / "zig")
    # what a build requires may itself be built, with this compiler: other programs must not be given that
    more["UV_CACHE_DIR"] = str(caches / "uv" / native.target.name.replace(" ", "-"))
    package, _, version = name.partition(" ")
    more |= pretended(package, version, tree)
    out = folder / "out"
    options = ["--wheel", "--python", str(python.interpreter.path), "--out-dir", str(out)]
    if build_system(tree)[0].split(".")[0] == "mesonpy":
        options += ["-C", f"setup-args=--cross-file={folder / 'cross.ini'}"]
    uv = Uv(tree, native.target, native.environ, caches)
    try:
        uv.run("build", *options, str(tree), **more)
    except UvFailed as error:
        raise _failed(name, error.text, native.target) from error
    wheels = list(out.glob("*.whl"))
    if len(wheels) != 1:
        raise PackagingError(f"the build of {name} made {len(wheels)} wheels, not one", where=name)
    return wheels[0]


def _failed(name: str, text: str, target: Target) -> PackagingError:
    """What a failed build said, and what it lacked if that can be told."""
    if full := full_disk(text):
        return full
    lacks = _lacks(text)
    return PackagingError(
        f"{name} cannot be built for {target.name}" + (f": it needs {lacks}, which is not in its source" if lacks else ""),
        where=name,
        hint=_hint(lacks, target) if lacks else "what its build said is below",
        detail=_end(text),
    )


def _without_its_part(name: str, file: str, folder: Path, target: Target) -> PackagingError:
    """Some builds go on without their native part when it does not compile: slower, or broken, and nothing said."""
    refused = folder / compiler_shim.REFUSED
    text = refused.read_text("utf-8", "replace") if refused.is_file() else ""
    lacks = _lacks(text)
    return PackagingError(
        f"{name} was built without its native part: nothing of {file} is in the wheel"
        + (f", since it needs {lacks}" if lacks else ""),
        where=name,
        hint="without --build-native it is packed as pure Python, if it can be had so",
        detail=_end(text),
    )


def _lacks(text: str) -> str:
    """The header or library that a compiler or linker did not find."""
    header = re.search(r"fatal error: '([^']+)' file not found", text)
    library = re.search(r"unable to find (?:\w+ )?system library ['\"]([^'\"]+)", text)
    return f"the header {header[1]}" if header else f"the library {library[1]}" if library else ""


def _hint(lacks: str, target: Target) -> str:
    if lacks in ("the header sqlite3.h", "the library sqlite3"):
        return (
            "use Python's own sqlite3 (newer from python3.12 on), sqlean.py, or pysqlite3-binary on x86_64, which have wheels"
        )
    return "--build-native compiles what is in the source only: ask for a version with wheels, or for another target"


def _end(text: str) -> str:
    return "\n".join(text.splitlines()[-_TAIL:])

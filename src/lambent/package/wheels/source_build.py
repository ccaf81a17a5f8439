"""Build a platform-neutral wheel from source: a source distribution, a local folder, or a commit of a repository.

uv runs the build, isolated and without a compiler. A package that needs one fails at once, and a package that can do without
comes out as pure Python, with a warning. The wheel is stored under what identifies its source, so a source is built once.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import time
import zipfile
from pathlib import Path

from lambent import interpreters
from lambent.elf import is_native_code
from lambent.errors import PackagingError
from lambent.events import StepDone, StepStarted, Warned
from lambent.package.lock import Pin
from lambent.package.old_setuptools import SetuptoolsSearch
from lambent.package.target import Target
from lambent.package.uv_command import Uv, UvError
from lambent.package.wheels import fetch_errors, git, source_tree
from lambent.package.wheels.choose_wheel import parse_wheel_filename
from lambent.package.wheels.credentials import Credentials
from lambent.package.wheels.fetch_context import FetchContext
from lambent.package.wheels.tags import tag_ranks
from lambent.package.wheels.verify import verify_wheel
from lambent.package.wheels.wheel_store import StoredFile

_FORMAT = "1"  # increase it when the same key would give another wheel

_OPTIONAL_MAX = 30
"""Files to compile, above which a package can't do without them. pandas would translate its own for minutes before it fails."""


def build_key(pin: Pin, target: Target, context: FetchContext, sdist_sha256: str) -> str:
    """Return the key of a built wheel. `sdist_sha256` is "" for a folder or commit. Raises PackagingError if it is missing."""
    if pin.folder is not None:
        if not pin.folder.is_dir():
            hint = f"get that folder, or require a release of {pin.name} instead; then renew the lock, if there is one"
            raise PackagingError(f"{pin.name} comes from a folder that does not exist", where=str(pin.folder), hint=hint)
        source = f"folder {source_tree.digest(pin.folder)}"
    elif pin.repository is not None:
        source = f"git {pin.repository.url} {pin.repository.commit} {pin.repository.subdirectory}"
    else:
        source = f"sdist {sdist_sha256}"
    kind = f"native {target.name} {target.glibc}" if context.native else "pure"
    parts = [_FORMAT, pin.name, pin.version, source, target.python, kind]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def build(pin: Pin, target: Target, context: FetchContext, sdist: Path | None, key: str) -> StoredFile:
    """Build the wheel of a package, store it, and record it under `key`. Raises PackagingError."""
    package = f"{pin.name} {pin.version}".strip()
    started = time.monotonic()
    context.emit(StepStarted(f"build {package}"))
    context.cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=context.cache, prefix=".build-") as temporary:
        folder = Path(temporary)
        wheel = _Build(pin, package, target, context, folder).wheel(sdist, key)
        verify_wheel(wheel, wheel.name, pin.name, pin.version if pin.sdist else "")
        with wheel.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        if not wheel.is_relative_to(folder):  # native builds keep their wheel in a cache of their own
            wheel = Path(shutil.copyfile(wheel, folder / wheel.name))
        stored = context.store.add(wheel, sha256, wheel.name)
    context.store.write_record(key, stored)
    context.emit(StepDone(f"built {package}", time.monotonic() - started, "from its source"))
    return stored


def only_wheel(folder: Path, package: str) -> Path:
    """Return the one wheel that a build wrote into `folder`. Raises PackagingError if there is none, or more than one."""
    wheels = sorted(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise PackagingError(
            f"the build of {package} must make one wheel, but made {len(wheels)}",
            where=package,
            hint="choose a version that has wheels, or report it to the package's authors",
        )
    return wheels[0]


class _Build:
    """One build, in a folder of its own."""

    def __init__(self, pin: Pin, package: str, target: Target, context: FetchContext, folder: Path) -> None:
        self._pin = pin
        self._package = package
        self._target = target
        self._context = context
        self._folder = folder

    def wheel(self, sdist: Path | None, key: str) -> Path:
        """Return the built wheel, checked for the target."""
        tree = self._tree(sdist)
        compiled = source_tree.compiled_files(tree)
        if compiled and self._context.native is not None:
            return self._context.native(tree, self._package, key)
        if self._pin.name in self._context.uncompiled and len(compiled) > _OPTIONAL_MAX:
            raise fetch_errors.build_failed(self._package, self._target, "/bin/false")
        wheel = _with_true_name(self._run(tree))
        self._check(wheel)
        if compiled:
            self._context.emit(
                Warned(
                    f"{self._package} was built without its compiled part ({compiled[0]}): it may be slower, or lack features",
                    "build the compiled part for the target: --build-native",
                )
            )
        return wheel

    def _tree(self, sdist: Path | None) -> Path:
        """Return the folder to build in. It is the user's own only if the build leaves nothing behind in it."""
        pin, context = self._pin, self._context
        source = self._folder / "source"
        if pin.repository is not None:
            source.mkdir()
            credentials = Credentials(context.environ, context.project, context.inputs)
            return git.check_out(pin.repository, self._package, source, context.environ, credentials)
        if pin.folder is not None:
            folder = pin.folder.resolve()
            backend, _ = source_tree.build_system(folder)
            return folder if source_tree.builds_in_place(backend) else source_tree.copy(folder, source)
        assert sdist is not None  # it has just been downloaded
        source.mkdir()
        return source_tree.unpack(sdist, source)

    def _run(self, tree: Path) -> Path:
        context, output = self._context, self._folder / "out"
        options = ["--wheel", "--out-dir", str(output), "--no-create-gitignore"]
        interpreter = interpreters.find(self._target.python, context.environ)
        if interpreter is not None:  # otherwise any Python will do, because the wheel must fit all
            options += ["--python", str(interpreter.path)]
        uv = Uv(context.project, context.environ, context.cache / "uv-builds")
        try:
            search = SetuptoolsSearch(uv, interpreter.version if interpreter else "")
            search.run("build", *options, str(tree), **self._environment(uv, tree))
        except UvError as error:
            is_local = self._pin.folder is not None
            raise fetch_errors.build_failed(self._package, self._target, error.message, is_local=is_local) from error
        return only_wheel(output, self._package)

    def _environment(self, uv: Uv, tree: Path) -> dict[str, str]:
        """Return variables for the build: no compiler, fixed dates, the locked version.

        The build requirements may themselves be built without a compiler, so they get their own uv cache.
        """
        variables = {"SOURCE_DATE_EPOCH": source_tree.EPOCH, "UV_NO_BUILD_ISOLATION": "false"}
        return uv.without_compiler() | variables | source_tree.version_variables(self._pin.name, self._pin.version, tree)

    def _check(self, wheel: Path) -> None:
        """Raise PackagingError for a wheel that holds machine code, which is for this machine, or is for another Python."""
        name = parse_wheel_filename(wheel.name)
        if name is None or not name.is_platform_neutral or _has_native_code(wheel):
            raise fetch_errors.built_for_this_machine(self._package, self._target)
        if not any(tag in tag_ranks(self._target) for tag in name.tags()):
            raise PackagingError(
                f"{self._package} was built from its source, but {wheel.name} is not for {self._target.name}",
                where=self._package,
                hint=f"install that Python for the build: {interpreters.install_command(self._target.python)}",
            )


def _with_true_name(wheel: Path) -> Path:
    """Name a wheel without machine code as one for any machine: some setup.py claim that there is, whatever was compiled."""
    name = parse_wheel_filename(wheel.name)
    if name is None or name.is_platform_neutral or _has_native_code(wheel):
        return wheel
    parts = [name.name, name.version, *filter(None, [name.build]), "py3-none-any.whl"]
    return wheel.rename(wheel.with_name("-".join(parts)))


def _has_native_code(wheel: Path) -> bool:
    with zipfile.ZipFile(wheel) as archive:
        for entry in archive.infolist():
            if entry.filename.endswith((".so", ".dylib", ".pyd")) or ".so." in entry.filename:
                return True
            if entry.filename.endswith(".exe"):
                continue  # launchers for Windows, which pure packages bring as data
            with archive.open(entry) as file:
                if is_native_code(file.read(4)):
                    return True
    return False

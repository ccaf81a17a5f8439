"""From the source of a package to a wheel that runs anywhere: source distributions, local folders, repositories.

The build is uv's, isolated, without a compiler: what needs one fails at once, what can do without one comes out pure, and
that is said. A result is kept under what identifies its source, so the same source is built once.
"""

from __future__ import annotations

import hashlib
import tempfile
import time
import zipfile
from pathlib import Path

from lambent import interpreters
from lambent.errors import PackagingError
from lambent.events import StepDone, StepStarted, Warned
from lambent.package.lock import Pin
from lambent.package.target import Target
from lambent.package.uv_command import Uv, UvFailed
from lambent.package.wheels import fetch_errors, git, source_tree
from lambent.package.wheels.choose_wheel import wheel_name
from lambent.package.wheels.contents import check_wheel
from lambent.package.wheels.credentials import Credentials
from lambent.package.wheels.fetch_context import Means
from lambent.package.wheels.native.source import build_system, native_files, pretended, take
from lambent.package.wheels.tags import ranks
from lambent.package.wheels.wheel_store import Stored

_FORMAT = "1"  # raise it when the same key would give another wheel
_EPOCH = "315532800"  # 1980-01-01, the first day of a zip
_COMPILERS = ("CC", "CXX", "LDSHARED", "CARGO", "RUSTC", "FC")


def key(pin: Pin, target: Target, means: Means, sdist: str) -> str:
    """What a built wheel is known by. `sdist` is the source distribution's SHA-256, "" where it is a folder or a commit.

    Raises PackagingError when the folder is not there.
    """
    if pin.folder is not None:
        source = f"folder {source_tree.digest(pin.folder)}"
    elif pin.repository is not None:
        source = f"git {pin.repository.url} {pin.repository.commit} {pin.repository.subdirectory}"
    else:
        source = f"sdist {sdist}"
    native = f"native {target.name} {target.glibc}" if means.native else "pure"
    parts = [_FORMAT, pin.name, pin.version, source, target.python, native]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def build(pin: Pin, target: Target, means: Means, sdist: Path | None, known: str) -> Stored:
    """The wheel of a package that has to be built, in the store, and recorded as `known`. Raises PackagingError."""
    package = f"{pin.name} {pin.version}".strip()
    started = time.monotonic()
    means.emit(StepStarted(f"build {package}"))
    means.cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=means.cache, prefix=".build-") as folder:
        work = _Work(pin, package, target, means, Path(folder))
        made = work.wheel(sdist, known)
        check_wheel(made, made.name, pin.name, pin.version if pin.sdist else "")
        with made.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        # a native build keeps its wheel itself: that one is copied, not moved
        mine = made if made.is_relative_to(folder) else _copied(made, Path(folder))
        stored = means.store.keep(mine, sha256, made.name)
    means.store.record(known, stored)
    means.emit(StepDone(f"built {package}", time.monotonic() - started, "from its source"))
    return stored


def _copied(path: Path, folder: Path) -> Path:
    copy = folder / path.name
    copy.write_bytes(path.read_bytes())
    return copy


class _Work:
    """One build, in a folder of its own."""

    def __init__(self, pin: Pin, package: str, target: Target, means: Means, folder: Path) -> None:
        self._pin = pin
        self._package = package
        self._target = target
        self._means = means
        self._folder = folder

    def wheel(self, sdist: Path | None, digest: str) -> Path:
        """The wheel that was made, checked for the target."""
        source = self._source(sdist)
        compiled = native_files(source)
        if compiled and self._means.native is not None:
            return self._means.native(source, self._package, digest)
        made = self._run(source)
        self._check(made)
        if compiled:
            self._means.emit(
                Warned(
                    f"{self._package} was built without its compiled part ({compiled[0]}): it may be slower, or lack something",
                    "--build-native builds it, where it can be built",
                )
            )
        return made

    def _source(self, sdist: Path | None) -> Path:
        """The tree to build in: the user's own folder only where the build leaves nothing behind in it."""
        pin = self._pin
        if pin.repository is not None:
            checkout = self._folder / "git"
            checkout.mkdir()
            credentials = Credentials(self._means.environ, self._means.project, self._means.inputs)
            return git.check_out(pin.repository, self._package, checkout, self._means.environ, credentials)
        if pin.folder is not None:
            own = pin.folder.resolve()
            return (
                own
                if source_tree.builds_cleanly(build_system(own)[0])
                else source_tree.copy(own, self._folder / "from" / "source")
            )
        assert sdist is not None  # it has just been fetched
        unpacked = self._folder / "from"
        unpacked.mkdir()
        return take(sdist, unpacked)

    def _run(self, source: Path) -> Path:
        out = self._folder / "out"
        options = ["--wheel", "--out-dir", str(out), "--no-create-gitignore"]
        found = interpreters.find(self._target.python, self._means.environ)
        if found is not None:  # else any will do, since the wheel must fit all
            options += ["--python", str(found.path)]
        uv = Uv(self._means.project, self._target, self._means.environ, self._means.cache / "uv-builds")
        try:
            uv.run("build", *options, str(source), **self._environment(uv, source))
        except UvFailed as error:
            raise fetch_errors.not_built(self._package, self._target, error.text) from error
        wheels = sorted(out.glob("*.whl"))
        if len(wheels) != 1:
            raise PackagingError(f"the build of {self._package} made {len(wheels)} wheels, not one", where=str(source))
        return wheels[0]

    def _environment(self, uv: Uv, source: Path) -> dict[str, str]:
        """No compiler, fixed dates, and the version that was locked where it would be read from tags that are not here.

        What builds require may be built itself, without a compiler: other programs must not be given that from uv's cache.
        """
        more = dict.fromkeys(_COMPILERS, "/bin/false")
        more |= {"UV_CACHE_DIR": str(uv.build_cache), "SOURCE_DATE_EPOCH": _EPOCH, "UV_NO_BUILD_ISOLATION": "false"}
        more |= pretended(self._pin.name, self._pin.version, source)
        return more

    def _check(self, made: Path) -> None:
        """Raises PackagingError for a wheel that holds code of this machine, or is for another Python."""
        name = wheel_name(made.name)
        if name is None or not name.neutral or _has_machine_code(made):
            raise fetch_errors.machine_code(self._package, self._target)
        if not any(tag in ranks(self._target) for tag in name.tags()):
            raise PackagingError(
                f"{self._package} built from its source is not for {self._target.name}: {made.name}",
                where=self._package,
                hint=f"install that Python first: {interpreters.install_command(self._target.python)}",
            )


def _has_machine_code(wheel: Path) -> bool:
    with zipfile.ZipFile(wheel) as archive:
        for entry in archive.infolist():
            if entry.filename.endswith((".so", ".dylib", ".pyd")) or ".so." in entry.filename:
                return True
            with archive.open(entry) as file:
                if file.read(4) == b"\x7fELF":
                    return True
    return False

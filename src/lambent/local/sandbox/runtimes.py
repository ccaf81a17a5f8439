"""AWS's side of a runtime: the interpreter, and /var/runtime with AWS's own client (awslambdaric) and boto3 for it.

Installed once per Python through uv, from the package index, into a cache folder; every environment uses it read-only.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import uv
from msgspec import Struct

from lambent import interpreters
from lambent.errors import LocalError

_LAYOUT = "2"
"""Part of the cache folder's name: raise it when what is installed changes."""

_BOOTSTRAP = Path(__file__).with_name("aws_bootstrap.py")
_TIMEOUT_S = 300
# Names the installer may read: where packages, proxies and certificates are is the user's configuration.
_PASSED_ON = (
    "UV_",
    "PIP_",
    "HTTP",
    "http",
    "NO_PROXY",
    "no_proxy",
    "ALL_PROXY",
    "all_proxy",
    "SSL_",
    "REQUESTS_",
    "XDG_",
    "NETRC",
)


class InstalledRuntime(Struct, frozen=True):
    """A runtime that is ready on this machine. `folder` is what the function sees as /var/runtime."""

    name: str
    interpreter: Path
    folder: Path


class Runtimes:
    """Finds and installs runtimes. `cache` is lambent's cache folder; `environ` is where interpreters are looked for."""

    def __init__(self, cache: Path, environ: Mapping[str, str]) -> None:
        self._cache = cache / "runtimes"
        self._environ = environ
        self._ready: dict[str, InstalledRuntime] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def get(self, name: str) -> InstalledRuntime:
        """The runtime of this name ("python3.13"). Raises LocalError when its interpreter or the network is missing."""
        if not self._has(name):
            async with self._locks.setdefault(name, asyncio.Lock()):
                if not self._has(name):
                    self._ready[name] = await asyncio.to_thread(install, name, self._cache, self._environ)
        return self._ready[name]

    def _has(self, name: str) -> bool:
        """The cache may be emptied while the service runs."""
        return name in self._ready and self._ready[name].folder.exists()


def install(name: str, cache: Path, environ: Mapping[str, str]) -> InstalledRuntime:
    """Blocks: seconds the first time, nothing later. Several processes may call it at once."""
    version = name.removeprefix("python")
    interpreter = interpreters.find(version, environ)
    if interpreter is None:
        raise LocalError(
            f"no interpreter for the runtime {name} on this machine",
            where=f"runtime {name}",
            hint=interpreters.install_command(version),
        )
    folder = cache / f"{name}-{_LAYOUT}"
    if not folder.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with _locked(cache / f"{name}.lock"):
            if not folder.exists():
                _install_into(folder, interpreter.path, environ)
    return InstalledRuntime(name, interpreter.path, folder)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _install_into(folder: Path, interpreter: Path, environ: Mapping[str, str]) -> None:
    for abandoned in folder.parent.glob(f"{folder.name}.*"):  # by an installation that was killed; the lock is ours
        shutil.rmtree(abandoned, ignore_errors=True)
    work = Path(tempfile.mkdtemp(prefix=folder.name + ".", dir=folder.parent))
    try:
        _run_uv(work, interpreter, environ)
        shutil.copyfile(_BOOTSTRAP, work / "bootstrap.py")
        for path in [work, *work.rglob("*")]:
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)  # the function's user reads it
        work.rename(folder)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise


def _run_uv(target: Path, interpreter: Path, environ: Mapping[str, str]) -> None:
    command = [
        uv.find_uv_bin(), "pip", "install", "--quiet", "--compile-bytecode", "--link-mode", "copy",
        "--only-binary", "awslambdaric", "--target", str(target), "--python", str(interpreter), "awslambdaric", "boto3",
    ]  # fmt: skip
    kept = {
        name: value
        for name, value in environ.items()
        if name.startswith(_PASSED_ON) or name in ("HOME", "PATH", "TMPDIR", "LANG")
    }
    try:
        done = subprocess.run(command, env=kept, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False, cwd=target)
    except subprocess.TimeoutExpired as error:
        raise _failure(f"uv did not finish within {_TIMEOUT_S} s") from error
    if done.returncode != 0:
        raise _failure(done.stderr)


def _failure(detail: str) -> LocalError:
    return LocalError(
        "could not install AWS's runtime client for the local Lambda (awslambdaric and boto3)",
        where="the package index, through uv",
        hint="check the network, then try again: this is needed once for each Python version",
        detail=detail.strip(),
    )

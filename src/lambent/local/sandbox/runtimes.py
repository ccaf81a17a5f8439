"""Lambda runtimes on this machine: the interpreter, and /var/runtime with AWS's runtime client (awslambdaric) and boto3.

uv installs them from the package index, once for each Python version, into a cache folder. Environments only read it.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

import uv
from msgspec import Struct

from lambent import interpreters
from lambent.errors import LocalError
from lambent.local.file_lock import FileLocked, locked

_LAYOUT = "3"
"""Part of the cache folder's name. Raise it when what is installed changes."""

_BOOTSTRAP = Path(__file__).with_name("aws_bootstrap.py")
_TIMEOUT_S = 300
# Variables that uv gets: the user's configuration of package indexes, proxies and certificates.
_UV_VARIABLES = (
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
    """`folder` is what the function sees as /var/runtime."""

    name: str
    interpreter: Path
    folder: Path


class Runtimes:
    """Finds and installs runtimes. `cache` is lambent's cache folder. `environ` is used to find interpreters."""

    def __init__(self, cache: Path, environ: Mapping[str, str]) -> None:
        self._cache = cache / "runtimes"
        self._environ = environ
        self._installed: dict[str, InstalledRuntime] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def get(self, name: str) -> InstalledRuntime:
        """Return a runtime, such as "python3.13". Raises LocalError if its interpreter or the network is missing."""
        if not self._is_installed(name):
            async with self._locks.setdefault(name, asyncio.Lock()):
                if not self._is_installed(name):
                    self._installed[name] = await asyncio.to_thread(install, name, self._cache, self._environ)
        return self._installed[name]

    def _is_installed(self, name: str) -> bool:
        """The cache may be emptied while the service is running."""
        return name in self._installed and self._installed[name].folder.exists()


def install(name: str, cache: Path, environ: Mapping[str, str]) -> InstalledRuntime:
    """Install a runtime, which takes seconds the first time. Several processes may do so at once. Raises LocalError."""
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
        try:
            with locked(cache / f"{name}.lock", wait_s=_TIMEOUT_S):
                if not folder.exists():
                    _install_into(folder, interpreter.path, environ)
        except FileLocked:
            raise _install_error(f"another process has been installing it for {_TIMEOUT_S} s") from None
    return InstalledRuntime(name, interpreter.path, folder)


def _install_into(folder: Path, interpreter: Path, environ: Mapping[str, str]) -> None:
    for abandoned in folder.parent.glob(f"{folder.name}.*"):  # by an installation that was killed, since we hold the lock
        shutil.rmtree(abandoned, ignore_errors=True)
    temporary = Path(tempfile.mkdtemp(prefix=folder.name + ".", dir=folder.parent))
    try:
        _run_uv(temporary, interpreter, environ)
        shutil.copyfile(_BOOTSTRAP, temporary / "bootstrap.py")
        for path in [temporary, *temporary.rglob("*")]:
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)  # the function's user reads it
        temporary.rename(folder)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _run_uv(folder: Path, interpreter: Path, environ: Mapping[str, str]) -> None:
    command = [
        uv.find_uv_bin(), "pip", "install", "--quiet", "--compile-bytecode", "--link-mode", "copy",
        "--only-binary", "awslambdaric", "--target", str(folder), "--python", str(interpreter), "awslambdaric", "boto3",
    ]  # fmt: skip
    variables = {
        name: value
        for name, value in environ.items()
        if name.startswith(_UV_VARIABLES) or name in ("HOME", "PATH", "TMPDIR", "LANG")
    }
    try:
        process = subprocess.run(
            command, env=variables, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False, cwd=folder
        )
    except subprocess.TimeoutExpired as error:
        raise _install_error(f"uv did not finish within {_TIMEOUT_S} s") from error
    if process.returncode != 0:
        raise _install_error(process.stderr)


def _install_error(detail: str) -> LocalError:
    return LocalError(
        "can't install AWS's runtime client for the local Lambda (awslambdaric and boto3)",
        where="uv pip install",
        hint="check the network and try again; this is needed once for each Python version",
        detail=detail.strip(),
    )

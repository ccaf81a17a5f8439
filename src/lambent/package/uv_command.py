"""Runs uv."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct
from uv import find_uv_bin

from lambent.errors import PackagingError
from lambent.package.cache import mark_used
from lambent.package.uv_settings import write_settings

# These settings would change what uv resolves, or where it writes, without the user noticing.
_IGNORED_VARIABLES = frozenset(
    [
        "VIRTUAL_ENV",
        "CONDA_PREFIX",
        "UV_PYTHON",
        "UV_SYSTEM_PYTHON",
        "UV_PROJECT",
        "UV_WORKING_DIRECTORY",
        "UV_PROJECT_ENVIRONMENT",
        "UV_LINK_MODE",
        "UV_COMPILE_BYTECODE",
        "UV_NO_BINARY",
        "UV_NO_BUILD",
        "UV_TORCH_BACKEND",
        "UV_FROZEN",
        "UV_LOCKED",
        "PYTHONPATH",
        "PYTHONHOME",
    ]
)


_REQUIRED_VERSION = "Required uv version"
_MARKER = re.compile(r"(?<=[\w\]])\{[^{}]*'[^{}]*\}")


class UvError(Exception):
    """uv failed. `message` is what it printed, without colors, and without the markers behind names: x{sys_platform != 'y'}."""

    def __init__(self, message: str) -> None:
        message = _MARKER.sub("", message)
        super().__init__(message)
        self.message = message


class Uv(Struct, frozen=True):
    """uv, run in the project's folder. `build_cache` is the cache for builds without a compiler."""

    folder: Path
    environ: Mapping[str, str]
    build_cache: Path

    def run(self, *arguments: str, **variables: str) -> str:
        """Return what uv prints. `variables` are added to its environment. Raises UvError. Ctrl-C reaches uv as well."""
        environ = {name: value for name, value in self.environ.items() if name not in _IGNORED_VARIABLES}
        environ |= {"NO_COLOR": "1", "UV_NO_PROGRESS": "1", "UV_PYTHON_DOWNLOADS": "never", **variables}
        if "UV_CACHE_DIR" in variables:
            mark_used(Path(variables["UV_CACHE_DIR"]))
        process = self._run(arguments, environ)
        if process.returncode != 0 and _REQUIRED_VERSION in process.stderr:
            with tempfile.TemporaryDirectory() as temporary:
                settings = Path(temporary) / "uv.toml"
                write_settings(self.folder, settings)
                process = self._run(("--config-file", str(settings), *arguments), environ)
        if process.returncode != 0:
            raise UvError(process.stderr.strip() or process.stdout.strip())
        return process.stdout

    def _run(self, arguments: tuple[str, ...], environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(
                [find_uv_bin(), *arguments],
                cwd=self.folder,
                env=environ,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                encoding="utf-8",
                errors="replace",
                check=False,
            )
        except FileNotFoundError as error:
            raise PackagingError("uv is missing from this installation", hint="python -m pip install uv") from error

    def without_compiler(self) -> dict[str, str]:
        """Return the variables for a build without compilers.

        A package that needs a compiler fails at once, and one that doesn't need it comes out as pure Python. The build uses
        its own cache because uv keeps what it builds, and the user's other programs must not get the pure version.
        """
        compilers = dict.fromkeys(("CC", "CXX", "LDSHARED", "CARGO", "RUSTC", "FC"), "/bin/false")
        return compilers | {"UV_CACHE_DIR": str(self.build_cache)}

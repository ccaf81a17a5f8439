"""Calls uv, and says in our own words what went wrong."""

from __future__ import annotations

import subprocess
from collections.abc import Collection, Mapping
from pathlib import Path

from msgspec import Struct
from uv import find_uv_bin

from lambent.errors import PackagingError
from lambent.package.cache import mark_used
from lambent.package.target import Target


class UvFailed(Exception):
    """uv said no. `text` is what it said, without colours."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class Uv(Struct, frozen=True):
    """uv, run in the project's folder for one target."""

    folder: Path
    target: Target
    environ: Mapping[str, str]
    build_cache: Path

    def run(self, *arguments: str, **more: str) -> str:
        """What uv prints. `more` is set in its environment. Raises UvFailed with its message; Ctrl-C reaches uv as well."""
        # Settings that would change what is resolved behind our back, or where it goes, are not passed on.
        environ = {key: value for key, value in self.environ.items() if key not in _UNWANTED}
        environ |= {"NO_COLOR": "1", "UV_NO_PROGRESS": "1", "UV_PYTHON_DOWNLOADS": "never", **more}
        if "UV_CACHE_DIR" in more:
            mark_used(Path(more["UV_CACHE_DIR"]))
        try:
            process = subprocess.run(
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
        if process.returncode != 0:
            raise UvFailed(process.stderr.strip() or process.stdout.strip())
        return process.stdout

    def for_target(self, *arguments: str, build: Collection[str] = ()) -> str:
        """As `run`, with the target's version and platform; wheels only, but for the packages in `build`."""
        options = ["--python-version", self.target.python, "--python-platform", self.target.uv_platform]
        options += ["--only-binary", ":all:", *(word for name in build for word in ("--no-binary", name))]
        # uv takes a folder for unchanged while its pyproject.toml is
        options += (word for name in build for word in ("--refresh-package", name))
        return self.run(*arguments, *options, **(self.without_compiler() if build else {}))

    def without_compiler(self) -> dict[str, str]:
        """A build without compilers: what needs one fails at once, what can do without one comes out pure.

        In a cache of its own, since uv keeps what it builds, and other programs of the user's would get the pure one.
        """
        no = dict.fromkeys(("CC", "CXX", "LDSHARED", "CARGO", "RUSTC", "FC"), "/bin/false")
        return no | {"UV_CACHE_DIR": str(self.build_cache)}


_UNWANTED = frozenset(
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

"""Calls uv, and says in our own words what went wrong."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from uv import find_uv_bin

from lambent.errors import PackagingError
from lambent.package.target import Target


@dataclass(frozen=True)
class UvFailed(Exception):
    """uv said no. `text` is what it said, without colours."""

    text: str


@dataclass(frozen=True)
class Uv:
    """uv, run in the project's folder for one target."""

    folder: Path
    target: Target
    environ: Mapping[str, str]

    def run(self, *arguments: str) -> str:
        """What uv prints. Raises UvFailed with its message; Ctrl-C reaches uv as well."""
        # Settings that would change what is resolved behind our back, or where it goes, are not passed on.
        environ = {key: value for key, value in self.environ.items() if key not in _UNWANTED}
        environ |= {"NO_COLOR": "1", "UV_NO_PROGRESS": "1"}
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

    def for_target(self, *arguments: str, build: Sequence[str] = ()) -> str:
        """As `run`, with the target's version and platform; wheels only, but for the packages in `build`."""
        options = ["--python-version", self.target.python, "--python-platform", self.target.uv_platform]
        options += ["--only-binary", ":all:", *(word for name in build for word in ("--no-binary", name))]
        return self.run(*arguments, *options)


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


def needs_build(text: str) -> str | None:
    """The package that uv refused because it has no wheel at all, or None when that is not what it said."""
    found = re.search(r"Wheels are required for `([^`]+)`", text) or re.search(
        r"`?([A-Za-z0-9._-]+?)(?:==[^ `]+)?`? (?:\([^)]*\) )?(?:has|have|can't be installed because it is marked as) "
        r"(?:no usable wheels|`--no-build`)",
        text,
    )
    return found[1] if found else None


def translate(text: str, target: Target, where: str, folder: Path) -> PackagingError:
    """uv's message as one of ours."""
    for pattern, explain in _KNOWN:
        found = pattern.search(text)
        if found:
            return explain(found, text, target, where)
    return PackagingError(f"the dependencies cannot be resolved for {target.name}", where=where, detail=_tidy(text))


def _offline(found: re.Match[str], text: str, target: Target, where: str) -> PackagingError:
    return PackagingError(
        f"the package registry cannot be reached: {found[1]}",
        where=where,
        hint="check the network and proxy, then run the same command again",
        detail=_tidy(text),
    )


def _missing(found: re.Match[str], text: str, target: Target, where: str) -> PackagingError:
    return PackagingError(
        f"no such package: {found[1]}",
        where=where,
        hint=f"check the spelling: https://pypi.org/search/?q={found[1]}",
        detail=_tidy(text),
    )


def _no_version(found: re.Match[str], text: str, target: Target, where: str) -> PackagingError:
    name = re.split(r"[=<>!~\[]", found[1])[0]
    return PackagingError(
        f"no version of {name} satisfies {found[1]} on {target.name}",
        where=where,
        hint=f"write a version that exists: https://pypi.org/project/{name}/#history",
        detail=_tidy(text),
    )


def _no_wheel(found: re.Match[str], text: str, target: Target, where: str) -> PackagingError:
    tags = re.search(r"we only found wheels for .* with the following ([^:]+): (.+)", text)
    there = f"; there are wheels for {tags[2].replace('`', '')}" if tags else ""
    return PackagingError(
        f"{found[1]} has no wheel for {target.name} (glibc {target.glibc[0]}.{target.glibc[1]}){there}",
        where=where,
        hint="ask for another version of it, or for another --runtime or architecture",
        detail=_tidy(text),
    )


def _bad_line(found: re.Match[str], text: str, target: Target, where: str) -> PackagingError:
    reason = re.search(r"cause: (.+)", text)
    return PackagingError(
        f"a requirement that cannot be read: {reason[1] if reason else found[0]}",
        where=_line(found, where),
        hint="write one requirement a line, such as flask>=3",
        detail=_tidy(text),
    )


def _line(found: re.Match[str], where: str) -> str:
    """The file and, where uv gives a position in it, the line."""
    if found.re.groups < 2 or not found[1]:
        return where
    return f"{found[1]}:{found[2]}" if found[2] else found[1]


def _unsatisfiable(found: re.Match[str], text: str, target: Target, where: str) -> PackagingError:
    return PackagingError(
        f"the requirements contradict each other on {target.name}",
        where=where,
        hint="loosen one of the versions named below",
        detail=_tidy(text),
    )


def _tidy(text: str) -> str:
    return os.linesep.join(line for line in text.splitlines() if line.strip())


_KNOWN = (
    (re.compile(r"(?:Failed to fetch|error sending request for url|dns error)[^h]*(https?://[^\s/`)]+)"), _offline),
    (re.compile(r"([\w.-]+) was not found in the (?:package registry|provided package locations)"), _missing),
    (re.compile(r"Couldn't parse requirement in `([^`]+)` at position (\d+)"), _bad_line),
    (re.compile(r"(?:Couldn't parse|Unexpected|Unsupported|Expected|Invalid)[^\n]*"), _bad_line),
    (re.compile(r"there is no version of (\S+) and"), _no_version),
    (re.compile(r"(\S+) has no wheels with a matching"), _no_wheel),
    (re.compile(r"all versions of (\S+) have no (?:usable )?wheels"), _no_wheel),
    (re.compile(r"(\S+) (?:has|have) no (?:usable )?wheels"), _no_wheel),
    (re.compile(r"No solution found"), _unsatisfiable),
)

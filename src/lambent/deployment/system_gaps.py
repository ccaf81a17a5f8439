"""Commands and libraries that Lambda lacks, in the words of shells and of the packages that miss them. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable

from lambent.deployment.failure import Failure
from lambent.module_packages import adding

_SHELL = re.compile(r"^(?:/bin/)?(?:ba)?sh: (?:line )?(?:\d+: )?([\w./+-]+): (?:command )?not found$", re.MULTILINE)
_SILENT_SHELL = re.compile(r"Command '([\w./+-]+)(?: [^'|&;]*)?' returned non-zero exit status 127")
"""What subprocess says of a shell with one command, whose output the app captures."""
_REPLACEMENTS = {"libmagic": "puremagic", "libmagic.so.1": "puremagic"}


def _no_library(failure: Failure, match: re.Match[str]) -> tuple[str, str]:
    """Name a library that the dynamic linker or a package didn't find."""
    name = next(filter(None, match.groups()))
    hint = "use a package whose wheel includes it (such as psycopg2-binary), or add a layer that has it"
    if name == "libpq" and "/psycopg/" in failure.traceback:
        hint = adding(failure.add_command, "psycopg[binary]")
    if other := _REPLACEMENTS.get(name):
        hint = f"use {other}, which doesn't need it, or add a layer that has it"
    return f"Lambda doesn't have the system library {name}{failure.where}", hint


def missing_command(failure: Failure) -> str:
    """Return the command that a shell of the app didn't find, or ""."""
    commands = _SHELL.findall(failure.lines) or _SILENT_SHELL.findall(failure.text)
    return str(commands[-1]) if commands else ""


def how_to_replace(command: str) -> str:
    """Return what to do about a command that Lambda lacks."""
    return f"use a Python package instead of {command}, or add a layer that has it"


def _no_command(failure: Failure, match: re.Match[str]) -> tuple[str, str] | None:
    command = next(filter(None, match.groups()), "") or missing_command(failure)
    return (f"Lambda has no command {command}{failure.where}", how_to_replace(command)) if command else None


TABLE: tuple[tuple[str, Callable[[Failure, re.Match[str]], tuple[str, str] | None]], ...] = (
    (r"(lib[\w.+-]+\.so[\w.]*): cannot open shared object file", _no_library),
    (
        r"failed to find (lib\w+)\.|cannot load library '([\w.+-]+)'|no library called \"([\w.+-]+)\" was found"
        r"|Unable to find (\w+) shared library|\b(\w+) (?:shared )?library not found",
        _no_library,
    ),
    (
        r"returned non-zero exit status 127()|(tesseract) is not installed|No (wkhtmltopdf) executable found"
        r"|(?:Couldn't|Could not) find (ffmpeg)\b|Bad (git) executable",
        _no_command,
    ),
)

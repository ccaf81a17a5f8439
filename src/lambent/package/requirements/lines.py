"""requirements.txt as text: its lines, the files it includes, the local places it points to. uv gives it its meaning."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from msgspec import Struct

from lambent.errors import PackagingError

_INCLUDE = re.compile(r"(?:-r|--requirements?|-c|--constraints?)[= ]?\s*(\S+)")
_OPTION = re.compile(r"(?:-i|--index-url|--extra-index-url|--default-index|--index|-f|--find-links|--no-index|--pre)\b")
_FIND_LINKS = re.compile(r"(?:-f|--find-links)[= ]?\s*(\S+)")


class RequirementsFile(Struct, frozen=True):
    """A requirements file, or one that it includes. `constrains` is true of what was reached with -c."""

    path: Path
    text: str
    constrains: bool = False


def logical_lines(text: str) -> Iterator[str]:
    """The lines of a requirements file: continued lines joined, comments and blank lines left out."""
    for line in re.sub(r"\\\r?\n", " ", text).splitlines():
        line = re.sub(r"(^|\s)#.*$", "", line).strip()
        if line:
            yield line


def with_included(path: Path, environ: Mapping[str, str], where: str = "") -> tuple[RequirementsFile, ...]:
    """A requirements file and all that it includes with -r and -c, variables put in as uv does.

    Raises PackagingError for one that cannot be read.
    """
    found: dict[Path, RequirementsFile] = {}
    _collect(path, environ, where or path.name, False, found)
    return tuple(found.values())


def _collect(path: Path, environ: Mapping[str, str], where: str, constrains: bool, found: dict[Path, RequirementsFile]) -> None:
    if path in found:
        return
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise PackagingError(
            f"cannot read {path.name}: {error.strerror}", where=where, hint="correct the -r or -c line, or add the file"
        ) from error
    text = re.sub(r"\$\{([A-Z0-9_]+)\}", lambda name: environ.get(name[1], name[0]), decoded(raw))
    found[path] = RequirementsFile(path, text, constrains)
    for line in logical_lines(text):
        include = _INCLUDE.match(line)
        if include and "://" not in include[1]:
            constraint = constrains or line.startswith(("-c", "--constraint"))
            _collect((path.parent / include[1]).resolve(), environ, path.name, constraint, found)


def decoded(raw: bytes) -> str:
    """The text of a file; PowerShell's `pip freeze > requirements.txt` writes UTF-16."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16", "replace")
    return raw.decode("utf-8-sig", "replace")


def options(files: tuple[RequirementsFile, ...]) -> tuple[str, ...]:
    """The lines that say where packages are looked for; local folders absolute."""
    return tuple(_absolute(line, file) for file in files for line in logical_lines(file.text) if _OPTION.match(line))


def _absolute(line: str, file: RequirementsFile) -> str:
    links = _FIND_LINKS.match(line)
    if links is None or "://" in links[1]:
        return line
    return f"--find-links {(file.path.parent / links[1]).resolve()}"


def requirements(files: tuple[RequirementsFile, ...]) -> tuple[str, ...]:
    """The lines of the files that ask for a package by its name: a path or a bare URL does not."""
    asked = (line for file in files if not file.constrains for line in logical_lines(file.text))
    return tuple(line for line in asked if name_of(line))


def of_groups(groups: Mapping[str, Any], names: Iterable[str]) -> list[str]:
    """The lines of dependency groups, and of those that they include (PEP 735)."""
    by_name = {normalised(name): entries for name, entries in groups.items()}
    found: list[str] = []
    waiting, seen = [normalised(name) for name in names], set()
    while waiting:
        name = waiting.pop()
        for entry in by_name.get(name, ()) if name not in seen else ():
            if isinstance(entry, str):
                found.append(entry)
            elif isinstance(entry, dict) and "include-group" in entry:
                waiting.append(normalised(str(entry["include-group"])))
        seen.add(name)
    return found


def extras_of(line: str) -> tuple[str, ...]:
    """The normalised extras that a requirement asks for."""
    found = re.match(r"[A-Za-z0-9][\w.-]*\s*\[([^\]]*)\]", line) or re.search(r"#egg=[\w.-]+\[([^\]]*)\]", line)
    return tuple(normalised(extra.strip()) for extra in found[1].split(",") if extra.strip()) if found else ()


def name_of(line: str) -> str:
    """The normalised name of the package that a requirement is about, or ""."""
    egg = re.search(r"#egg=([\w.-]+)", line)
    if egg:
        return normalised(egg[1])
    found = re.match(r"([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*(?:$|[;=<>!~@(]|--hash)", line)
    return normalised(found[1]) if found else ""


def normalised(name: str) -> str:
    """PEP 503's form of a name."""
    return re.sub(r"[-_.]+", "-", name).lower()


def local_places(file: RequirementsFile) -> Iterator[Path]:
    """The folders and archives on this machine that the file points to, found or not."""
    for line in logical_lines(file.text):
        links = _FIND_LINKS.match(line)
        spec = links[1] if links else re.sub(r"^(-e|--editable)[= ]\s*", "", line)
        if not links:
            spec = spec.split(" @ ", 1)[-1].split(" ; ")[0].split(" --hash")[0].strip()
            spec = re.sub(r"\[[^\]]*\]$", "", spec)
        if spec.startswith("file://"):
            yield Path(unquote(spec.removeprefix("file://").split("#")[0]))
        elif "://" not in spec and not spec.startswith("-") and (links or "/" in spec or spec.startswith(".")):
            yield (file.path.parent / spec).resolve()

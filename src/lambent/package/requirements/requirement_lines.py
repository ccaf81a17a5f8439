"""requirements.txt as text: its lines, the files it includes and the local paths in it. uv interprets the lines."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from lambent import atomic
from lambent.errors import PackagingError
from lambent.package.urls import local_path

_INCLUDE = re.compile(r"(?:-r|--requirements?|-c|--constraints?)[= ]?\s*(\S+)")
_INDEX_OPTION = re.compile(r"(?:-i|--index-url|--extra-index-url|--default-index|--index|-f|--find-links|--no-index|--pre)\b")
_FIND_LINKS = re.compile(r"(?:-f|--find-links)[= ]?\s*(\S+)")
_NEXT_OPTION = re.compile(r"\s+(?=-(?:-(?!config-setting|global-option|install-option|hash)[a-z]|[cfir]\s))")
"""Where another option of the file begins. Those of one requirement stay on its line."""


OLD_PYPI = re.compile(r"https?://pypi\.python\.org/simple")
"""Where files until 2018 looked: it only redirects to what `PYPI` names."""
PYPI = "https://pypi.org/simple"


class RequirementsFile(Struct, frozen=True):
    """A requirements file, or one that it includes. `is_constraint` is true if it was included with -c."""

    path: Path
    text: str
    is_constraint: bool = False


def logical_lines(text: str) -> Iterator[str]:
    """Yield the lines of a requirements file: continued lines joined, comments and blank lines skipped, one option on each."""
    for line in re.sub(r"\\\r?\n", " ", text).splitlines():
        line = re.sub(r"(^|\s)#.*$", "", line).strip()
        if line.startswith("-"):
            yield from _NEXT_OPTION.split(line)
        elif line:
            yield line


def read_requirement_files(path: Path, environ: Mapping[str, str], name: str) -> tuple[RequirementsFile, ...]:
    """Return a requirements file and all files it includes with -r and -c, with variables expanded as uv does.

    `name` is the file's name in messages. Raises PackagingError for a file that can't be read.
    """
    files: dict[Path, RequirementsFile] = {}
    pending = [(path, name, False)]
    while pending:
        path, includer, is_constraint = pending.pop()
        if path in files:
            continue
        try:
            text = decode(path.read_bytes())
        except OSError as error:
            what = f"cannot read {path.name}: {error.strerror}"
            raise PackagingError(what, where=includer, hint="correct the -r or -c line, or add the file") from error
        text = re.sub(r"\$\{([A-Z0-9_]+)\}", lambda match: environ.get(match[1], match[0]), text)
        files[path] = RequirementsFile(path, text, is_constraint)
        includes = [(line, match[1]) for line in logical_lines(text) if (match := _INCLUDE.match(line))]
        for line, included in reversed(includes):
            if "://" not in included:
                constrains = is_constraint or line.startswith(("-c", "--constraint"))
                pending.append(((path.parent / included).resolve(), path.name, constrains))
    return tuple(files.values())


def write_requirements(lines: Iterable[str], folder: Path) -> Path:
    """Write lines to a file in a folder of the cache, unless it is there already, and return its path."""
    data = "".join(f"{line}\n" for line in lines).encode()
    path = folder / f"{hashlib.sha256(data).hexdigest()[:32]}.txt"
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        atomic.write_bytes(path, data)
    return path


def decode(data: bytes) -> str:
    """Return the text of a file. PowerShell's `pip freeze > requirements.txt` writes UTF-16."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    return data.decode("utf-8-sig", "replace")


def index_lines(files: tuple[RequirementsFile, ...]) -> tuple[str, ...]:
    """Return the lines that say where uv looks for packages, with local folders made absolute."""
    lines = (
        with_absolute_links(OLD_PYPI.sub(PYPI, line), file)
        for file in files
        for line in logical_lines(file.text)
        if _INDEX_OPTION.match(line)
    )
    return tuple(filter(None, lines))


def has_all_links(file: RequirementsFile) -> bool:
    """Return whether each local folder that --find-links names exists."""
    return all(with_absolute_links(line, file) for line in logical_lines(file.text))


def with_absolute_links(line: str, file: RequirementsFile) -> str:
    """Return a line of a file unchanged, or --find-links with an absolute path. "" if nothing is there: pip goes on without."""
    links = _FIND_LINKS.match(line)
    if links is None or "://" in links[1]:
        return line
    path = (file.path.parent / links[1]).resolve()
    return f"--find-links {path}" if path.exists() else ""


def local_paths(file: RequirementsFile) -> Iterator[Path]:
    """Yield the folders and archives on this machine that the file names, whether they exist or not."""
    for line in logical_lines(file.text):
        links = _FIND_LINKS.match(line)
        spec = links[1] if links else re.sub(r"^(-e|--editable)[= ]\s*", "", line)
        if not links:
            spec = spec.split(" @ ", 1)[-1].split(" ; ")[0].split(" --hash")[0].strip()
            spec = re.sub(r"\[[^\]]*\]$", "", spec)
        if spec.startswith("file://"):
            yield local_path(spec)
        elif "://" not in spec and not spec.startswith("-") and (links or "/" in spec or spec.startswith(".")):
            yield (file.path.parent / spec).resolve()

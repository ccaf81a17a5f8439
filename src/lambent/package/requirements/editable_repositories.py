"""`-e git+https://...#egg=name`, as `pip freeze` writes it. uv takes editable requirements only from folders.

The files are joined into one, in which these lines are ordinary requirements and paths are absolute.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from packaging.utils import canonicalize_name

from lambent.events import Notice
from lambent.package.requirements.pip_compile import temporary_requirements
from lambent.package.requirements.requirement_lines import RequirementsFile, logical_lines, with_absolute_links
from lambent.package.requirements.resolve_request import ResolveRequest
from lambent.package.requirements.toml_file import read_toml

_EDITABLE_REPOSITORY = re.compile(r"(?:-e|--editable)[= ]\s*(git\+[^#\s]+)(?:#(\S+))?")
_EDITABLE_OR_PATH = re.compile(r"((?:-e|--editable)[= ]\s*)?(?=\.{0,2}/|\.(?:\[|$)|\.\.)(\S+)(.*)")
_REFERENCE = re.compile(r"(-[rc]|--requirements?|--constraints?)[= ]?\s*(\S+)")


@contextmanager
def readable_by_uv(files: Sequence[RequirementsFile], request: ResolveRequest) -> Iterator[str]:
    """Yield the name of a file that uv can read: the request's own, or one that replaces it and what it includes."""
    if not any(_EDITABLE_REPOSITORY.search(file.text) for file in files):
        yield request.path.relative_to(request.source.folder).as_posix()
        return
    lines = [line for file in files if not file.is_constraint for line in _lines(file, request)]
    with temporary_requirements(lines) as path:
        yield str(path)


def _lines(file: RequirementsFile, request: ResolveRequest) -> Iterator[str]:
    folder = file.path.parent
    for line in logical_lines(file.text):
        if repository := _EDITABLE_REPOSITORY.match(line):
            yield from _repository_line(repository[1], repository[2] or "", request)
        elif reference := _REFERENCE.match(line):
            if "://" in reference[2]:
                yield line
            elif reference[1] in ("-c", "--constraint", "--constraints"):
                yield f"-c {(folder / reference[2]).resolve()}"
        elif local := _EDITABLE_OR_PATH.fullmatch(line):
            path, extras = re.fullmatch(r"([^\[]*)(.*)", local[2]).groups()  # type: ignore[union-attr]
            yield f"{local[1] or ''}{(folder / path).resolve()}{extras}{local[3]}"
        else:
            yield with_absolute_links(line, file)


def _repository_line(url: str, fragment: str, request: ResolveRequest) -> Iterator[str]:
    fields = dict(part.partition("=")[::2] for part in fragment.split("&"))
    name = fields.get("egg", "")
    if name and canonicalize_name(name.partition("[")[0]) == _own_name(request.source.folder):
        request.emit(Notice(f"{name} is this project: its files are packed as they are here"))
        return
    url += f"#subdirectory={fields['subdirectory']}" if "subdirectory" in fields else ""
    yield f"{name} @ {url}" if name else url


def _own_name(folder: Path) -> str:
    table = read_toml(folder / "pyproject.toml") or {}
    name = table.get("project", {}).get("name") or table.get("tool", {}).get("poetry", {}).get("name", "")
    return canonicalize_name(name)

"""Lines of requirements files that pip takes and uv doesn't, such as `-e git+https://...#egg=name` of `pip freeze`.

uv takes editable requirements only from folders, GitHub, GitLab and Bitbucket have closed `git://`, and PyPI has moved. Older
releases of pip took ranges without a comma between them: `flask>=2.0<3.0`, `django>=2.2.*`, and versions of Ubuntu's own
packages: `distro-info===0.23ubuntu1`. In conda's environments `pip freeze` writes paths of the machine that built a package.
Options for a build from source (`--global-option`, `--no-binary`) don't matter for wheels. The files are joined into one, in
which these lines are ordinary requirements and paths are absolute. Where lambent looks for an edit that helps, they have that
edit.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from packaging.utils import canonicalize_name

from lambent.events import Notice
from lambent.package.requirements.pip_compile import temporary_requirements
from lambent.package.requirements.requested import name_of
from lambent.package.requirements.requirement_lines import (
    OLD_PYPI,
    PYPI,
    RequirementsFile,
    has_all_links,
    logical_lines,
    with_absolute_links,
)
from lambent.package.requirements.resolve_request import ResolveRequest
from lambent.package.requirements.toml_file import read_toml
from lambent.package.urls import local_path

_EDITABLE_REPOSITORY = re.compile(r"(?:-e|--editable)[= ]\s*(git\+[^#\s]+)(?:#(\S+))?")
_CLOSED_PROTOCOL = re.compile(r"(?<![\w+])(?:git\+)?git://(?=(?:www\.)?(?:github\.com|gitlab\.com|bitbucket\.org)/)")
_NO_COMMA = re.compile(r"(?m)^([A-Za-z0-9][\w.\[\],-]*\s*[<>=!~]=?\s*[\w.*]+)\s*(?=[<>!~]=?\s*[\w.*]|==\s*[\w.*])")
_PATCHED = re.compile(r"(?m)^([A-Za-z0-9][\w.-]*)\s*===\s*(\d+(?:\.\d+)*)(?:ubuntu|build|debian|deb|dfsg)[\w.+-]*")
_CONDA = re.compile(
    r"(?m)^([A-Za-z0-9][\w.-]*)\s*@\s*(file://\S*(?:/croot/|feedstock_root|conda-bld|_\d{10,}/work\b)[^\s#]*)(?:#\S*)?(.*)$"
)
"""What `pip freeze` writes in an environment of conda: the folder where conda built a package, or the wheel there.

Other paths may be of packages that only this user has: the one with that name on PyPI may be another."""
_WHEEL = re.compile(r"/[\w.]+-(\d[^-/]*)-[^/]*\.whl$")
_WILDCARD = re.compile(r"(?m)(?<=[<>~]=)([ \t]*[\w.]+)\.\*|(?<=[<>])([ \t]*\d[\w.]*)\.\*")
_TARBALL = re.compile(
    r"(?m)^(https://github\.com/[\w.-]+/[\w.-]+)/(?:tarball|zipball)/([^#\s]+)"
    r"(?:#egg=([A-Za-z][\w.-]*?)(?:-\d[\w.]*)?(?=[&\[\s]|$)\S*)?"
)
_BUILD_OPTION = re.compile(
    r"(?m)(?<=\S)[ \t]+--(?:config-settings?|global-option|install-option)[ =](?:\"[^\"]*\"|'[^']*'|\S+)+"
)
_OLD_OPTION = re.compile(
    r"(?m)^--(?:process-dependency-links|always-unzip|(?:no-)?use-wheel|use-mirrors|allow-(?:all-)?(?:external|unverified))\b.*"
)
_NO_BINARY = re.compile(r"(?m)^--no-binary\b.*")
_SEVERAL_OPTIONS = re.compile(r"(?m)^-.*\s-(?:-[a-z]|[cfir]\s)")
_NOT_UTF8 = re.compile("\ufffd")
"""What stands for a letter in another encoding, such as a comment in Latin-1. uv reads UTF-8 only."""
_NAMES_MAX = 3
_REPLACED = (
    *(_EDITABLE_REPOSITORY, _CLOSED_PROTOCOL, OLD_PYPI, _NO_COMMA, _PATCHED, _CONDA, _WILDCARD, _TARBALL),
    *(_BUILD_OPTION, _OLD_OPTION, _NO_BINARY, _SEVERAL_OPTIONS, _NOT_UTF8),
)
_EDITABLE_OR_PATH = re.compile(r"((?:-e|--editable)[= ]\s*)?(?=\.{0,2}/|\.(?:\[|$)|\.\.)(\S+)(.*)")
_REFERENCE = re.compile(r"(-[rc]|--requirements?|--constraints?)[= ]?\s*(\S+)")


@contextmanager
def readable_by_uv(files: Sequence[RequirementsFile], request: ResolveRequest) -> Iterator[str]:
    """Yield the name of a file that uv can read: the request's own, or one that replaces it and what it includes."""
    texts = [file.text for file in files]
    is_readable = not any(pattern.search(text) for pattern in _REPLACED for text in texts) and all(map(has_all_links, files))
    if is_readable and not request.options.freed:
        yield os.path.relpath(request.path, request.source.folder)
        return
    _report_unknown_versions(texts, request)
    lines = [line for file in files if not file.is_constraint for line in _lines(file, request)]
    with temporary_requirements(lines) as path:
        yield str(path)


def _lines(file: RequirementsFile, request: ResolveRequest) -> Iterator[str]:
    folder = file.path.parent
    edits = {name_of(edit): edit for edit in request.options.freed}
    for line in logical_lines(file.text):
        line = _readable_line(line, request.options.native)
        if edit := edits.get(name_of(line)):
            yield edit
        elif (built := _CONDA.match(line)) and not local_path(built[2]).exists():
            yield _conda_line(built)
        elif repository := _EDITABLE_REPOSITORY.match(line):
            yield from _repository_line(repository[1], repository[2] or "", request)
        elif reference := _REFERENCE.match(line):
            if "://" in reference[2]:
                yield line
            elif reference[1] in ("-c", "--constraint", "--constraints"):
                yield f"-c {(folder / reference[2]).resolve()}"
        elif local := _EDITABLE_OR_PATH.fullmatch(line):
            path, extras = re.fullmatch(r"([^\[]*)(.*)", local[2]).groups()  # type: ignore[union-attr]
            yield f"{local[1] or ''}{(folder / path).resolve()}{extras}{local[3]}"
        elif line := with_absolute_links(line, file):
            yield line


def _readable_line(line: str, is_compiled: bool) -> str:
    """Return a line with what uv doesn't take replaced, "" if nothing remains. Only sources that are compiled need options."""
    line = _BUILD_OPTION.sub("", _OLD_OPTION.sub("", line if is_compiled else _NO_BINARY.sub("", line)))
    line = _TARBALL.sub(_archive, _PATCHED.sub(r"\1==\2", _WILDCARD.sub(r"\1\2", line)))
    return _NO_COMMA.sub(r"\1,", OLD_PYPI.sub(PYPI, _CLOSED_PROTOCOL.sub("git+https://", line)))


def _archive(tarball: re.Match[str]) -> str:
    """Return the requirement of an archive on GitHub whose URL has an ending."""
    url, reference, name = tarball.groups()
    return f"{name} @ {url}/archive/{reference}.tar.gz" if name else f"{url}/archive/{reference}.tar.gz"


def _conda_line(built: re.Match[str]) -> str:
    """Return the requirement for what conda built on its own machine: with the version of a wheel; a folder tells none."""
    wheel = _WHEEL.search(built[2])
    return f"{built[1]}=={wheel[1]}{built[3]}" if wheel else f"{built[1]}{built[3]}"


def _report_unknown_versions(texts: Sequence[str], request: ResolveRequest) -> None:
    """Say of which packages conda wrote a folder that isn't here, in place of a version."""
    built = [match for text in texts for match in _CONDA.finditer(text) if not local_path(match[2]).exists()]
    names = [match[1] for match in built if not _WHEEL.search(match[2])]
    if names:
        more = f" and {len(names) - _NAMES_MAX} more" if len(names) > _NAMES_MAX else ""
        text = f"{request.source.name} has no versions of {', '.join(names[:_NAMES_MAX])}{more}, only folders of conda's builds"
        request.emit(Notice(f"{text}: the newest are taken; `pip list --format=freeze` writes versions"))


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

"""A Pipfile without a lock: its packages as requirement lines, which uv resolves."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lambent.package.lock import Pin
from lambent.package.requirements.direct_lines import resolve_lines
from lambent.package.requirements.pipfile_lock import Entry, fits, index_lines, normalize, read_pipfile
from lambent.package.requirements.resolve_request import ResolveRequest, check_names
from lambent.package.requirements.toml_file import read_toml


def read_pins(request: ResolveRequest) -> tuple[Pin, ...]:
    """Return the pins of a Pipfile's packages, and of the selected groups. Raises PackagingError."""
    table = read_toml(request.path) or {}
    groups = ["dev-packages" if group == "develop" else group for group in request.options.groups]
    check_names("group", groups, table.keys() - {"source", "packages", "requires", "scripts", "pipenv"}, request.source.name)
    sections = [read_pipfile(request), *(normalize(table[group]) for group in groups)]
    lines = [line for section in sections for line in _lines(section, request)]
    return resolve_lines(lines, index_lines(table.get("source", []), request), request)


def _lines(section: dict[str, Entry], request: ResolveRequest) -> Iterator[str]:
    for name, entry in section.items():
        if fits(entry, request):
            yield _line(name, entry, request)


def _line(name: str, entry: Entry, request: ResolveRequest) -> str:
    extras = f"[{','.join(map(str, entry['extras']))}]" if entry.get("extras") else ""
    if "git" in entry:
        url = re.sub(r"^(?:git\+)?(?:git@([^:/]+):)", r"ssh://git@\1/", str(entry["git"])).removeprefix("git+")
        revision = f"@{entry['ref']}" if "ref" in entry else ""
        subdirectory = f"#subdirectory={entry['subdirectory']}" if "subdirectory" in entry else ""
        return f"{name}{extras} @ git+{url}{revision}{subdirectory}"
    if location := entry.get("path") or entry.get("file"):
        url = location if "://" in location else (request.source.folder / location).resolve().as_uri()
        return f"{name}{extras} @ {url}"
    version = str(entry.get("version", ""))
    return f"{name}{extras}{'' if version == '*' else version}"

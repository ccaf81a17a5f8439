"""A Poetry project without a lock: its dependency tables as requirement lines, which uv resolves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from lambent.config.poetry_notation import allows, newest_alternative, to_specifier
from lambent.package.lock import Pin
from lambent.package.requirements.direct_lines import resolve_lines
from lambent.package.requirements.markers import matches
from lambent.package.requirements.requested import name_of
from lambent.package.requirements.resolve_request import ResolveRequest, check_names
from lambent.package.requirements.toml_file import read_toml
from lambent.package.requirements.uv_target import full_version


def read_pins(request: ResolveRequest) -> tuple[Pin, ...]:
    """Return the pins of [tool.poetry.dependencies], and of the selected groups and extras. Raises PackagingError."""
    poetry: Mapping[str, Any] = (read_toml(request.path) or {})["tool"]["poetry"]
    options = request.options
    groups, extras = groups_of(poetry), poetry.get("extras", {})
    check_names("dependency group", options.groups, groups, request.source.name)
    check_names("extra", options.extras, extras, request.source.name)
    optional = {name_of(line) for extra in options.extras for line in extras[extra]}
    tables = [poetry.get("dependencies", {}), *(groups[group].get("dependencies", {}) for group in options.groups)]
    lines = [
        line
        for table in tables
        for name, value in table.items()
        if name != "python"
        for line in _lines(name, value, optional, request)
    ]
    return resolve_lines(lines, _index_lines(poetry), request)


def groups_of(poetry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the dependency groups of `[tool.poetry]` by name. Before Poetry 1.2 "dev" had a table of its own."""
    development = {"dev": {"dependencies": poetry["dev-dependencies"]}} if "dev-dependencies" in poetry else {}
    return {**development, **poetry.get("group", {})}


def _lines(name: str, value: object, optional: set[str], request: ResolveRequest) -> Iterator[str]:
    """Yield the requirement lines of one entry: a version, a table, or a list of tables for different systems."""
    for alternative in value if isinstance(value, list) else [value]:
        table = alternative if isinstance(alternative, dict) else {"version": str(alternative)}
        if table.get("optional") and canonicalize_name(name) not in optional:
            continue
        is_for_python = "python" not in table or allows(table["python"], full_version(request.target))
        if is_for_python and table.get("platform") in (None, "linux") and matches(table.get("markers"), request.target):
            yield _line(name, table, request.source.folder)


def _line(name: str, table: Mapping[str, Any], folder: Path) -> str:
    extras = f"[{','.join(table['extras'])}]" if table.get("extras") else ""
    if "git" in table:
        revision = next((f"@{table[key]}" for key in ("rev", "tag", "branch") if key in table), "")
        subdirectory = f"#subdirectory={table['subdirectory']}" if "subdirectory" in table else ""
        return f"{name}{extras} @ git+{_git_url(table['git'])}{revision}{subdirectory}"
    if "path" in table:
        return f"{name}{extras} @ {(folder / table['path']).resolve().as_uri()}"
    if "url" in table:
        return f"{name}{extras} @ {table['url']}"
    # PEP 508 can't say "either", so of several ranges the newest counts
    return f"{name}{extras}{to_specifier(newest_alternative(str(table.get('version', ''))))}"


def _git_url(url: str) -> str:
    """Return a git address as a URL: git@host:path is ssh."""
    if "://" in url:
        return url
    host, _, path = url.partition(":")
    return f"ssh://{host}/{path}"


def _index_lines(poetry: Mapping[str, Any]) -> list[str]:
    """Return [[tool.poetry.source]] as lines for uv. A primary source replaces PyPI."""
    lines = []
    for source in poetry.get("source", ()):
        if "url" in source:
            is_default = source.get("default") or source.get("priority") in ("default", "primary")
            lines.append(f"{'--index-url' if is_default else '--extra-index-url'} {source['url']}")
    return lines

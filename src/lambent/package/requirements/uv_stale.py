"""Whether a uv.lock was made for what pyproject.toml says now: `uv export --frozen` does not look.

`--locked` would, but it needs an interpreter that the project allows, and takes another index's address for a change. Compared
are the requirements with their extras and sources, of the project and of all local packages in the lock, with what they
constrain; markers by what they mean on the target.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

from msgspec import Struct

from lambent import calendar
from lambent.errors import PackagingError
from lambent.package.requirements.find import read_toml
from lambent.package.requirements.lines import normalised, of_groups
from lambent.package.requirements.markers import environment
from lambent.package.requirements.question import Question
from lambent.package.target import Target
from lambent.package.urls import without_credentials

if TYPE_CHECKING:
    from packaging.requirements import Requirement
    from packaging.specifiers import SpecifierSet

_LOCAL = ("editable", "directory", "virtual", "path")


class Spec(Struct, frozen=True):
    """A requirement as it counts on the target. `place` is where it is had from: "" is an index; `whose` says who asks."""

    name: str
    extras: tuple[str, ...]
    versions: SpecifierSet
    place: str
    whose: str = ""

    def __str__(self) -> str:
        extras = f"[{','.join(self.extras)}]" if self.extras else ""
        place = f" from {self.place}" if self.place else ""
        return f"{self.name}{extras}{self.versions}{place}{f' ({self.whose})' if self.whose else ''}"


def check(question: Question, table: Mapping[str, Any], lock: Mapping[str, Any]) -> None:
    """Raises PackagingError for a lock that is out of date. `table` is the pyproject.toml of the project."""
    folder = question.path.parent
    root = table if folder == question.asked.folder else read_toml(folder / "pyproject.toml") or {}
    reader = _Reader(question.uv.target, lock, root, folder)
    wanted, locked = reader.of_workspace(root), reader.of_manifest()
    for package in lock.get("package", ()):
        place = next((package["source"][kind] for kind in _LOCAL if kind in package.get("source", {})), None)
        own = read_toml(folder / str(place) / "pyproject.toml") if place is not None else None
        if own is None or not own.get("project") or "dependencies" in own["project"].get("dynamic", ()):
            continue
        whose = "" if (folder / str(place)).resolve() == question.asked.folder.resolve() else str(package["name"])
        wanted |= reader.of_project(own, folder / str(place), whose)
        locked |= reader.of_package(package, whose)
    compare(question, wanted, locked, "uv lock")
    _check_python(question, table, lock)


def compare(question: Question, wanted: set[Spec], locked: set[Spec], command: str) -> None:
    """Raises PackagingError where they differ."""
    asked = {(spec.name, spec.whose) for spec in wanted}
    lacks = [f"it lacks {spec}" for spec in sorted(wanted - locked, key=str)]
    gone = [spec for spec in sorted(locked - wanted, key=str) if not lacks or (spec.name, spec.whose) not in asked]
    said = lacks + [f"{spec if (spec.name, spec.whose) in asked else spec.name} is no longer asked for" for spec in gone]
    if said:
        what = f"{question.asked.source} is out of date: {', '.join(said[:5])}"
        raise PackagingError(what, where=question.asked.source, hint=command)


def check_script(question: Question, table: Mapping[str, Any], lock: Mapping[str, Any], command: str) -> None:
    """The same for a script's lock. `table` is the script's metadata."""
    folder = question.path.parent
    reader = _Reader(question.uv.target, lock, table, folder)
    wanted = reader.said(table.get("dependencies", ()), folder, reader.sources(table, folder), "")
    locked = reader.locked(lock.get("manifest", {}).get("requirements", ()), "")
    compare(question, wanted | reader.of_workspace(table), locked | reader.of_manifest(), command)


def _check_python(question: Question, table: Mapping[str, Any], lock: Mapping[str, Any]) -> None:
    """A workspace's lock is for what all its members allow, which is not compared."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    said, locked = table.get("project", {}).get("requires-python"), lock.get("requires-python")
    if not said or not locked or len(lock.get("manifest", {}).get("members", ())) > 1:
        return
    versions = [f"{known.python}.{patch}" for known in calendar.RUNTIMES for patch in (0, 30)]
    try:
        ours, theirs = SpecifierSet(said), SpecifierSet(locked)
    except InvalidSpecifier:
        return
    if [ours.contains(each) for each in versions] != [theirs.contains(each) for each in versions]:
        what = f"{question.asked.source} is out of date: it is for Python {locked}, and the project for {said}"
        raise PackagingError(what, where=question.asked.source, hint="uv lock")


class _Reader(Struct, frozen=True):
    """Both sides in one form. `root` is the table of the workspace, whose sources count for its members too."""

    target: Target
    lock: Mapping[str, Any]
    root: Mapping[str, Any]
    folder: Path

    def of_project(self, table: Mapping[str, Any], base: Path, whose: str) -> set[Spec]:
        """What a pyproject.toml asks for: its dependencies, extras and groups."""
        project, sources = table["project"], self.sources(self.root, self.folder) | self.sources(table, base)
        found = self.said(project.get("dependencies", ()), base, sources, whose)
        for extra, lines in project.get("optional-dependencies", {}).items():
            found |= self.said(lines, base, sources, _of(whose, "extra", extra), extra=normalised(extra))
        groups = dict(table.get("dependency-groups", {}))
        dev = table.get("tool", {}).get("uv", {}).get("dev-dependencies", ())
        for group in {*groups, *(["dev"] if dev else [])}:
            lines = [*of_groups(groups, [group]), *(dev if normalised(group) == "dev" else ())]
            found |= self.said(lines, base, sources, _of(whose, "group", group), group=normalised(group))
        return found

    def of_package(self, package: Mapping[str, Any], whose: str) -> set[Spec]:
        """The same as the lock has it."""
        metadata = package.get("metadata", {})
        entries = metadata.get("requires-dist", ())
        plain = [entry for entry in entries if "extra ==" not in entry.get("marker", "")]
        found = self.locked(plain, whose)
        for extra in metadata.get("provides-extras", ()):
            told = [entry for entry in entries if entry not in plain and self._holds(entry.get("marker"), extra)]
            found |= self.locked(told, _of(whose, "extra", extra), extra)
        for group, told in metadata.get("requires-dev", {}).items():
            found |= self.locked(told, _of(whose, "group", group))
        return found

    def of_workspace(self, table: Mapping[str, Any]) -> set[Spec]:
        """What stands in pyproject.toml for all members."""
        uv = table.get("tool", {}).get("uv", {})
        sources = self.sources(table, self.folder)
        found = self.said(uv.get("constraint-dependencies", ()), self.folder, sources, "a constraint")
        found |= self.said(uv.get("override-dependencies", ()), self.folder, sources, "an override")
        if not table.get("project"):
            for group in table.get("dependency-groups", {}):
                lines = of_groups(table["dependency-groups"], [group])
                found |= self.said(lines, self.folder, sources, _of("", "group", group), group=normalised(group))
        return found

    def of_manifest(self) -> set[Spec]:
        manifest = self.lock.get("manifest", {})
        found = self.locked(manifest.get("constraints", ()), "a constraint")
        found |= self.locked(manifest.get("overrides", ()), "an override")
        for group, told in manifest.get("dependency-groups", {}).items():
            found |= self.locked(told, _of("", "group", group))
        return found

    def said(
        self, lines: Iterable[str], base: Path, sources: Mapping[str, _Sourced], whose: str, extra: str = "", group: str = ""
    ) -> set[Spec]:
        return {spec for line in lines for spec in self._line(str(line), base, sources, whose, (extra, group))}

    def locked(self, entries: Iterable[Mapping[str, Any]], whose: str, extra: str = "") -> set[Spec]:
        from packaging.specifiers import SpecifierSet

        found = set()
        for entry in entries:
            if self._holds(entry.get("marker"), extra):
                place = self._locked_place(entry)
                versions = SpecifierSet("" if place and place != "its index" else entry.get("specifier", ""))
                extras = tuple(sorted(map(normalised, entry.get("extras", ()))))
                found.add(Spec(normalised(entry["name"]), extras, versions, place, whose))
        return found

    def _line(
        self, line: str, base: Path, sources: Mapping[str, _Sourced], whose: str, context: tuple[str, str]
    ) -> Iterator[Spec]:
        from packaging.requirements import InvalidRequirement, Requirement
        from packaging.specifiers import SpecifierSet

        try:
            asked = Requirement(line)
        except InvalidRequirement:
            return
        if not self._holds(str(asked.marker) if asked.marker else None, context[0]):
            return
        name = normalised(asked.name)
        place = self._place(asked, base, sources.get(name), context)
        versions = SpecifierSet() if place and place != "its index" else asked.specifier
        yield Spec(name, tuple(sorted(map(normalised, asked.extras))), versions, place, whose)

    def _place(self, asked: Requirement, base: Path, sourced: _Sourced | None, context: tuple[str, str]) -> str:
        if asked.url:
            return _of_url(asked.url, base)
        told = sourced.of(context, self._holds) if sourced else None
        if sourced is None or told is None:
            return ""
        if told.get("workspace"):
            return self._member(normalised(asked.name))
        if "path" in told:
            return _local(sourced.base / str(told["path"]))
        if "git" in told:
            return _git(str(told["git"]), str(told.get("rev") or told.get("tag") or told.get("branch") or ""))
        return without_credentials(str(told["url"])) if "url" in told else "its index" if "index" in told else ""

    def _member(self, name: str) -> str:
        for package in self.lock.get("package", ()):
            kind = next((kind for kind in _LOCAL if kind in package.get("source", {})), None)
            if kind and normalised(package["name"]) == name:
                return _local(self.folder / package["source"][kind])
        return "the workspace"

    def _locked_place(self, entry: Mapping[str, Any]) -> str:
        for kind in _LOCAL:
            if kind in entry:
                return _local(self.folder / entry[kind])
        if "git" in entry:
            query = parse_qs(urlsplit(entry["git"]).query)
            reference = next((query[key][0] for key in ("rev", "tag", "branch") if key in query), "")
            return _git(entry["git"].partition("?")[0], reference)
        return without_credentials(entry["url"]) if "url" in entry else "its index" if "index" in entry else ""

    def _holds(self, marker: str | None, extra: str = "") -> bool:
        from packaging.markers import Marker

        return marker is None or Marker(marker).evaluate({**environment(self.target), "extra": extra})

    def sources(self, table: Mapping[str, Any], base: Path) -> dict[str, _Sourced]:
        told = table.get("tool", {}).get("uv", {}).get("sources", {})
        return {normalised(name): _Sourced(base, one if isinstance(one, list) else [one]) for name, one in told.items()}


class _Sourced(Struct, frozen=True):
    """[tool.uv.sources] of one package, of which several may be there for different places."""

    base: Path
    tables: list[dict[str, Any]]

    def of(self, context: tuple[str, str], holds: Any) -> dict[str, Any] | None:
        extra, group = context
        for table in self.tables:
            fits = normalised(table.get("extra", extra)) == extra and normalised(table.get("group", group)) == group
            if fits and holds(table.get("marker")):
                return table
        return None


def _of(whose: str, kind: str, name: str) -> str:
    return " of ".join(filter(None, (f"{kind} {normalised(name)}", whose)))


def _of_url(url: str, base: Path) -> str:
    if url.startswith("git+"):
        address, _, reference = url.removeprefix("git+").partition("#")[0].rpartition("@")
        return _git(address, reference) if "/" in address and "/" not in reference else _git(url[4:].partition("#")[0], "")
    if url.startswith("file:"):
        return _local(base / unquote(urlsplit(url).path))
    return without_credentials(url)


def _git(url: str, reference: str) -> str:
    return f"{without_credentials(url)}{f' at {reference}' if reference else ''}"


def _local(path: Path) -> str:
    return os.path.realpath(path)

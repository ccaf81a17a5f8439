"""pdm.lock. Of each package it says the groups and, unless told not to, the markers it is for."""

from __future__ import annotations

from typing import Any

from lambent.errors import PackagingError
from lambent.package.lock import DistFile, Pin, Repository
from lambent.package.requirements.compiled import asked_for, without_project
from lambent.package.requirements.completed import Locked, complete
from lambent.package.requirements.find import read_toml
from lambent.package.requirements.lines import name_of, normalised, of_groups
from lambent.package.requirements.markers import environment, full_version
from lambent.package.requirements.poetry import archive
from lambent.package.requirements.question import Question
from lambent.package.urls import without_credentials


def pins(question: Question) -> tuple[Pin, ...]:
    """The pins that a pdm.lock has for the target. Raises PackagingError."""
    table = read_toml(question.asked.folder / "pyproject.toml") or {}
    found = complete(locked(question), question, _indexes(table))
    return asked_for(without_project(found, question.asked.folder), _asked(table, question), question.uv.target)


def _asked(table: dict[str, Any], question: Question) -> list[str]:
    """The lines of pyproject.toml that count; its groups of development are in a table of pdm's own."""
    project, groups = table.get("project", {}), table.get("dependency-groups", {})
    own = table.get("tool", {}).get("pdm", {}).get("dev-dependencies", {})
    extras = project.get("optional-dependencies", {})
    optional = [line for name in question.options.extras for line in extras.get(name, ())]
    return [*project.get("dependencies", ()), *optional, *of_groups({**groups, **own}, question.options.groups)]


def locked(question: Question) -> tuple[Locked, ...]:
    """What the lock has for the target, without the addresses that it does not keep. Raises PackagingError."""
    lock = read_toml(question.path) or {}
    metadata = lock.get("metadata", {})
    if "inherit_metadata" not in metadata.get("strategy", ()):
        raise PackagingError(
            f"{question.asked.source} does not say what each package is for",
            where=question.asked.source,
            hint="pdm lock --strategy inherit_metadata",
        )
    there = set(metadata.get("groups", ()))
    wanted = {"default", *question.options.groups, *question.options.extras}
    for name in sorted(wanted - there - {"default"}):
        raise PackagingError(
            f"no group {name} in the lock", where=question.asked.source, hint=f"it has {', '.join(sorted(there))}"
        )
    asked = _asked(read_toml(question.asked.folder / "pyproject.toml") or {}, question)
    _check_fresh(frozenset(filter(None, map(name_of, asked))), lock, question)
    chosen: dict[str, dict[str, Any]] = {}
    for package in lock.get("package", ()):
        if wanted & set(package.get("groups", ())) and _fits(package, question):
            # the same package once more for each set of extras
            chosen.setdefault(normalised(package["name"]), package)
    return tuple(_locked(package, question) for package in chosen.values())


def _check_fresh(asked: frozenset[str], lock: dict[str, Any], question: Question) -> None:
    missing = sorted(asked - {normalised(package["name"]) for package in lock.get("package", ())})
    if missing:
        raise PackagingError(
            f"{question.asked.source} is out of date: it lacks {', '.join(missing[:5])}",
            where=question.asked.source,
            hint="pdm lock",
        )


def _fits(package: dict[str, Any], question: Question) -> bool:
    from packaging.markers import Marker
    from packaging.specifiers import SpecifierSet

    python = SpecifierSet(package.get("requires_python", ""))
    if not python.contains(full_version(question.uv.target)):
        return False
    return "marker" not in package or Marker(package["marker"]).evaluate({**environment(question.uv.target), "extra": ""})


def _indexes(table: dict[str, Any]) -> list[str]:
    """[[tool.pdm.source]]: the one called pypi takes PyPI's place."""
    lines = []
    for source in table.get("tool", {}).get("pdm", {}).get("source", ()):
        if source.get("type") == "find_links":
            lines.append(f"--find-links {source['url']}")
        elif "url" in source:
            option = "--index-url" if source.get("name") == "pypi" else "--extra-index-url"
            lines.append(f"{option} {source['url']}")
    return lines


def _locked(package: dict[str, Any], question: Question) -> Locked:
    name, version = normalised(package["name"]), str(package.get("version", ""))
    files = package.get("files", ())
    hashes = frozenset(str(file["hash"]) for file in files if "hash" in file)
    if "git" in package:
        url, commit = without_credentials(str(package["git"])), str(package["revision"])
        return Locked(
            name, version, pin=Pin(name, version, repository=Repository(url, commit, package.get("subdirectory", "")))
        )
    if "path" in package:
        path = (question.asked.folder / package["path"]).resolve()
        pin = Pin(name, version, folder=path) if path.is_dir() else archive(name, version, path.as_uri(), hashes)
        return Locked(name, version, pin=pin)
    if "url" in package:
        return Locked(name, version, pin=archive(name, version, str(package["url"]), hashes))
    if files and all("url" in file for file in files):
        return Locked(name, version, pin=_static(name, version, files))
    return Locked(name, version, hashes)


def _static(name: str, version: str, files: list[dict[str, str]]) -> Pin:
    """With pdm's static URLs nothing has to be found."""
    dists = []
    for file in files:
        url = without_credentials(file["url"].split("#")[0])
        algorithm, _, digest = file["hash"].partition(":")
        dists.append(DistFile(url.rsplit("/", 1)[-1], url, ((algorithm, digest),)))
    wheels = tuple(file for file in dists if file.filename.endswith(".whl"))
    return Pin(name, version, wheels, next((file for file in dists if file not in wheels), None))

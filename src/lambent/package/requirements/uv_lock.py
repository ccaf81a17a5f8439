"""uv.lock, and the lock of a script: uv exports the standard lock from it, without resolving anything."""

from __future__ import annotations

import tomllib
from typing import Any

from lambent.config import script
from lambent.errors import PackagingError
from lambent.package.lock import Pin
from lambent.package.requirements import pylock
from lambent.package.requirements.compiled import asked_for, without_project
from lambent.package.requirements.find import read_toml
from lambent.package.requirements.lines import name_of, normalised
from lambent.package.requirements.question import Options, Question
from lambent.package.requirements.refusals import translate
from lambent.package.uv import UvFailed


def from_project(question: Question) -> tuple[Pin, ...]:
    """The pins that a project's uv.lock has for the target. Raises PackagingError, also for a lock that is out of date."""
    folder = question.asked.folder
    table = read_toml(folder / "pyproject.toml") or {}
    _check_fresh(question, table)
    words = ["--no-default-groups", "--no-emit-project"]
    words += [word for name in question.options.extras for word in ("--extra", name)]
    words += [word for name in question.options.groups for word in ("--group", name)]
    asked = table.get("project", {}).get("dependencies", ())
    return asked_for(without_project(_export(question, *words), folder), frozenset(map(name_of, asked)))


def from_script(question: Question) -> tuple[Pin, ...]:
    """The pins of a script's lock for the target. Raises PackagingError, also for a lock that is out of date."""
    path = question.path.with_suffix("")
    wanted = [str(line) for line in (script.metadata(path) or {}).get("dependencies", ())]
    locked = tomllib.loads(question.path.read_text("utf-8")).get("manifest", {}).get("requirements", ())
    _compare(question, _said(wanted), _locked(locked), f"uv lock --script {path.name}")
    return asked_for(_export(question, "--script", str(path)), frozenset(map(name_of, wanted)))


def _export(question: Question, *words: str) -> tuple[Pin, ...]:
    try:
        text = question.uv.run("export", "--frozen", "--format", "pylock.toml", "--no-header", "-q", *words)
    except UvFailed as error:
        raise translate(error.text, question.uv, question.asked.source) from None
    place = pylock.Place(question.asked.folder, question.asked.source)
    return pylock.parse(text, place, question.uv.target, Options())


def _check_fresh(question: Question, table: dict[str, Any]) -> None:
    """Refuses a lock that was made for other dependencies: `uv export --frozen` does not look.

    `--locked` would, but it needs an interpreter that the project allows, and takes another index's address for a change.
    """
    project = table.get("project", {})
    if not project or "dependencies" in project.get("dynamic", ()):
        return
    lock = tomllib.loads(question.path.read_text("utf-8"))
    own = normalised(str(project.get("name", "")))
    locked = next((package for package in lock.get("package", ()) if normalised(package.get("name", "")) == own), None)
    if locked is None:
        return
    extras = project.get("optional-dependencies", {})
    wanted = _said([*project.get("dependencies", ()), *(line for lines in extras.values() for line in lines)])
    _compare(question, wanted, _locked(locked.get("metadata", {}).get("requires-dist", ())), "uv lock")


def _compare(question: Question, wanted: set[_Spec], locked: set[_Spec], command: str) -> None:
    sourced = {name for name, _, exact in locked if not exact}  # a path or repository: its specifier is not kept
    missing = {spec for spec in wanted - locked if spec[0] not in sourced}
    extra = {spec for spec in locked - wanted if spec[0] not in {name for name, _, _ in wanted}}
    if missing or extra:
        names = [f"it lacks {name}{specifier}" for name, specifier, _ in sorted(missing)]
        names += [f"{name} is no longer asked for" for name, _, _ in sorted(extra)]
        raise PackagingError(
            f"{question.asked.source} is out of date: {', '.join(names[:5])}",
            where=question.asked.source,
            hint=command,
        )


_Spec = tuple[str, str, bool]  # name, normalised specifier, whether that is all there is to it


def _said(lines: list[str]) -> set[_Spec]:
    from packaging.requirements import InvalidRequirement, Requirement

    found: set[_Spec] = set()
    for line in lines:
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            continue
        specifier = ",".join(sorted(map(str, requirement.specifier)))
        found.add((normalised(requirement.name), specifier, True))
    return found


def _locked(entries: list[dict[str, Any]]) -> set[_Spec]:
    from packaging.specifiers import SpecifierSet

    found: set[_Spec] = set()
    for entry in entries:
        exact = not any(key in entry for key in ("git", "url", "path", "editable", "directory", "virtual", "index"))
        specifier = ",".join(sorted(map(str, SpecifierSet(entry.get("specifier", "")))))
        found.add((normalised(entry["name"]), specifier, exact))
    return found

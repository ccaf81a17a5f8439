"""Pipfile.lock, of Pipenv."""

from __future__ import annotations

import json
import re
from typing import Any

from lambent.errors import PackagingError
from lambent.package.lock import Pin, Repository
from lambent.package.requirements.compiled import asked_for, without_project
from lambent.package.requirements.completed import Locked, complete
from lambent.package.requirements.find import read_toml
from lambent.package.requirements.lines import normalised
from lambent.package.requirements.markers import environment
from lambent.package.requirements.poetry import archive
from lambent.package.requirements.question import Question
from lambent.package.urls import without_credentials

_MARKERS = (
    "os_name",
    "sys_platform",
    "platform_machine",
    "platform_system",
    "platform_python_implementation",
    "python_version",
)


def pins(question: Question) -> tuple[Pin, ...]:
    """The pins that a Pipfile.lock has for the target. Raises PackagingError."""
    sources = _read(question).get("_meta", {}).get("sources", ())
    found = complete(locked(question), question, _indexes(sources, question))
    asked = (f"{name}[{','.join(_extras(said))}]" for name, said in _asked(question).items() if _holds(said, question))
    return asked_for(without_project(found, question.asked.folder), asked, question.uv.target)


def _extras(said: object) -> list[str]:
    return [str(extra) for extra in said.get("extras", ())] if isinstance(said, dict) else []


def locked(question: Question) -> tuple[Locked, ...]:
    """What the lock has for the target, without the addresses that it does not keep. Raises PackagingError."""
    lock, asked = _read(question), _asked(question)
    sections = ["default", *("develop" if group == "dev-packages" else group for group in question.options.groups)]
    for section in sections:
        if section not in lock:
            known = ", ".join(sorted(set(lock) - {"_meta", "default"}))
            raise PackagingError(f"no group {section} in the lock", where=question.asked.source, hint=f"it has {known}")
    missing = sorted(asked.keys() - {normalised(name) for name in lock["default"]})
    if missing:
        raise PackagingError(
            f"{question.asked.source} is out of date: it lacks {', '.join(missing[:5])}",
            where=question.asked.source,
            hint="pipenv lock",
        )
    entries = [(name, said) for section in sections for name, said in lock[section].items()]
    packages = {normalised(name): said if isinstance(said, dict) else {"version": str(said)} for name, said in entries}
    chosen = {name: said for name, said in packages.items() if _holds(said, question) and _holds(asked.get(name), question)}
    return tuple(_locked(name, said, question) for name, said in chosen.items())


def _read(question: Question) -> dict[str, Any]:
    try:
        lock: dict[str, Any] = json.loads(question.path.read_text("utf-8"))
    except ValueError as error:
        raise PackagingError(f"not valid JSON: {error}", where=question.asked.source, hint="pipenv lock") from error
    return lock


def _asked(question: Question) -> dict[str, Any]:
    packages = (read_toml(question.asked.folder / "Pipfile") or {}).get("packages", {})
    return {normalised(name): said for name, said in packages.items()}


def _holds(said: object, question: Question) -> bool:
    """Whether an entry's markers hold. In a Pipfile each variable may be a key of its own, which the lock can lose."""
    from packaging.markers import Marker

    if not isinstance(said, dict):
        return True
    markers = [str(said["markers"])] if said.get("markers") else []
    markers += [f"{name} {said[name]}" for name in _MARKERS if name in said]
    return all(Marker(marker).evaluate({**environment(question.uv.target), "extra": ""}) for marker in markers)


def _indexes(sources: list[dict[str, Any]], question: Question) -> list[str]:
    """The first source is the index, the others are searched beside it; ${VARIABLES} are put in as Pipenv does."""
    lines = []
    for number, source in enumerate(sources):
        url = re.sub(r"\$\{?(\w+)\}?", lambda name: question.uv.environ.get(name[1], name[0]), str(source["url"]))
        lines.append(f"{'--extra-index-url' if number else '--index-url'} {url}")
    return [] if [line for line in lines if "pypi.org/simple" not in line] == [] else lines


def _locked(name: str, said: dict[str, Any], question: Question) -> Locked:
    version = str(said.get("version", "")).removeprefix("==").replace("*", "")
    if not version and not said.keys() & {"git", "path", "file"}:
        python = question.uv.target.python  # Pipenv leaves open what the Python that it locks with does not need
        hint = f"pipenv --python {python} lock, or give it a version in the Pipfile"
        raise PackagingError(f"{name} is not locked for Python {python}", where=question.asked.source, hint=hint)
    hashes = frozenset(map(str, said.get("hashes", ())))
    if "git" in said:
        url, commit = without_credentials(str(said["git"]).removeprefix("git+")), str(said.get("ref", ""))
        return Locked(name, version, pin=Pin(name, version, repository=Repository(url, commit, said.get("subdirectory", ""))))
    place = said.get("path") or said.get("file")
    if place and "://" in place:
        return Locked(name, version, pin=archive(name, version, place, hashes))
    if place:
        path = (question.asked.folder / place).resolve()
        pin = Pin(name, version, folder=path) if path.is_dir() else archive(name, version, path.as_uri(), hashes)
        return Locked(name, version, pin=pin)
    return Locked(name, version, hashes)

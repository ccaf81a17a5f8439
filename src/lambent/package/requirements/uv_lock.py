"""uv.lock, and the lock of a script: uv exports the standard lock from it, without resolving anything."""

from __future__ import annotations

import tomllib

from lambent.config import script_metadata
from lambent.package.lock import Pin
from lambent.package.requirements import pylock, uv_stale
from lambent.package.requirements.compiled import asked_for, without_project
from lambent.package.requirements.find import read_toml
from lambent.package.requirements.lines import of_groups
from lambent.package.requirements.question import Options, Question
from lambent.package.requirements.refusals import translate
from lambent.package.uv_command import UvFailed


def from_project(question: Question) -> tuple[Pin, ...]:
    """The pins that a project's uv.lock has for the target. Raises PackagingError, also for a lock that is out of date."""
    folder = question.asked.folder
    table = read_toml(folder / "pyproject.toml") or {}
    uv_stale.check(question, table, tomllib.loads(question.path.read_text("utf-8")))
    words = ["--no-default-groups", "--no-emit-project"]
    words += [word for name in question.options.extras for word in ("--extra", name)]
    words += [word for name in question.options.groups for word in ("--group", name)]
    project = table.get("project", {})
    asked = [*project.get("dependencies", ()), *of_groups(table.get("dependency-groups", {}), question.options.groups)]
    for name in question.options.extras:
        asked += project.get("optional-dependencies", {}).get(name, ())
    return asked_for(without_project(_export(question, *words), folder), asked, question.uv.target)


def from_script(question: Question) -> tuple[Pin, ...]:
    """The pins of a script's lock for the target. Raises PackagingError, also for a lock that is out of date."""
    path = question.path.with_suffix("")
    table = script_metadata.read(path) or {}
    uv_stale.check_script(question, table, tomllib.loads(question.path.read_text("utf-8")), f"uv lock --script {path.name}")
    return asked_for(_export(question, "--script", str(path)), table.get("dependencies", ()), question.uv.target)


def _export(question: Question, *words: str) -> tuple[Pin, ...]:
    try:
        text = question.uv.run("export", "--frozen", "--format", "pylock.toml", "--no-header", "-q", *words)
    except UvFailed as error:
        raise translate(error.text, question.uv, question.asked.source) from None
    place = pylock.Place(question.asked.folder, question.asked.source)
    return pylock.parse(text, place, question.uv.target, Options())

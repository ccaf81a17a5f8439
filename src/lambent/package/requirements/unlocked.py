"""Requirements that nothing has locked: requirements.txt, `[project]` in pyproject.toml, a script's metadata."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from lambent.config import script_metadata
from lambent.errors import PackagingError
from lambent.package.lock import Pin
from lambent.package.requirements import hashes
from lambent.package.requirements.compiled import Compiler, Sources, asked_for, without_project
from lambent.package.requirements.find import read_toml
from lambent.package.requirements.lines import RequirementsFile, of_groups, options, requirements, with_included
from lambent.package.requirements.question import Question, check_names


def from_requirements(question: Question) -> tuple[Pin, ...]:
    """The pins of a requirements file (or of setup.py, setup.cfg). Raises PackagingError."""
    if question.options.groups or question.options.extras:
        raise PackagingError(
            f"{question.asked.source} has no groups and no extras",
            where=question.asked.source,
            hint="name them in pyproject.toml: [dependency-groups], [project.optional-dependencies]",
        )
    path = question.path
    files: tuple[RequirementsFile, ...] = ()
    if path.suffix in (".txt", ".in"):
        files = with_included(path, question.uv.environ, question.asked.source)
    compiler = Compiler(question, Sources((path.name,), places(question).options))
    pins = without_project(compiler.pins(), question.asked.folder)
    return asked_for(hashes.only_listed(pins, files, question, compiler), requirements(files), question.uv.target)


def from_pyproject(question: Question) -> tuple[Pin, ...]:
    """The pins of `[project] dependencies`, and of the extras and groups asked for. Raises PackagingError."""
    table = read_toml(question.path) or {}
    project = table.get("project", {})
    check_names(question, "extra", question.options.extras, project.get("optional-dependencies", {}))
    check_names(question, "dependency group", question.options.groups, table.get("dependency-groups", {}))
    words = [question.path.name]
    words += [word for name in question.options.extras for word in ("--extra", name)]
    words += [word for name in question.options.groups for word in ("--group", name)]
    asked = [*project.get("dependencies", ())]
    for name in question.options.extras:
        asked += project.get("optional-dependencies", {}).get(name, ())
    asked += of_groups(table.get("dependency-groups", {}), question.options.groups)
    pins = Compiler(question, Sources(tuple(words))).pins()
    return asked_for(without_project(pins, question.asked.folder), asked, question.uv.target)


def from_script(question: Question) -> tuple[Pin, ...]:
    """The pins of a script's inline metadata. Raises PackagingError.

    uv is run in a project of its own that says the same: for a script `uv pip compile` would pass over [tool.uv], and take
    a package from the public index that the script has from a folder.
    """
    table = script_metadata.read(question.path) or {}
    lines = [str(line) for line in table.get("dependencies", ())]
    uv_table = _absolute(table.get("tool", {}).get("uv", {}), question.asked.folder)
    with tempfile.TemporaryDirectory(prefix="lambent-") as folder:
        project = Path(folder) / "pyproject.toml"
        text = f'[project]\nname = "script"\nversion = "0"\ndependencies = {json.dumps(lines)}\n'
        text += "".join(f"{'.'.join(('tool', 'uv', _key(name)))} = {_inline(value)}\n" for name, value in uv_table.items())
        project.write_text(_top_first(text), "utf-8")
        there = replace(question, uv=replace(question.uv, folder=project.parent))
        pins = Compiler(there, Sources((project.name,))).pins()
    return asked_for(pins, lines, question.uv.target)


def _top_first(text: str) -> str:
    """Dotted keys of the top level have to stand before the first table."""
    lines = text.splitlines()
    return "\n".join([*(line for line in lines if line.startswith("tool.")), *(line for line in lines if line[:5] != "tool.")])


def _key(name: str) -> str:
    return json.dumps(name)


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(key)} = {_inline(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_inline, value)) + "]"
    return json.dumps(value, ensure_ascii=False, default=str)


def _absolute(table: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The table with the paths of local sources absolute, since it is read from another folder."""
    sources = {}
    for name, source in table.get("sources", {}).items():
        many = source if isinstance(source, list) else [source]
        there = [one | ({"path": str((folder / one["path"]).resolve())} if "path" in one else {}) for one in many]
        sources[name] = there if isinstance(source, list) else there[0]
    return table | ({"sources": sources} if sources else {})


def places(question: Question) -> Sources:
    """Where a single package is looked for, when it is asked for by its name alone."""
    if question.asked.kind != "requirements.txt" or question.path.suffix not in (".txt", ".in"):
        return Sources(())
    return Sources((), options(with_included(question.path, question.uv.environ, question.asked.source)))

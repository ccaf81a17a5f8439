"""Writes the receipt of a build, if an edit of the app's own files could be all that a next build differs by."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import uv

import lambent
from lambent import interpreters
from lambent.events import Share
from lambent.limits import UNZIPPED_MAX, ZIP_DIRECT_MAX
from lambent.package import proven, secrets
from lambent.package.again import receipt as receipts
from lambent.package.again.receipt import digest, look
from lambent.package.again.recipe import Recipe
from lambent.package.archive import CENTRAL, LEVEL
from lambent.package.artifact import Artifact
from lambent.package.compiler import source_of
from lambent.package.proof import modules
from lambent.package.report import owner
from lambent.package.requirements import question
from lambent.package.requirements.find import read_toml
from lambent.package.requirements.lines import local_places, with_included
from lambent.package.source import RULES

_NAMES = (
    *("pyproject.toml", "uv.toml", "uv.lock", "pylock.toml", "poetry.lock", "pdm.lock", "Pipfile", "Pipfile.lock"),
    *("requirements.txt", "requirements.in", "setup.py", "setup.cfg", ".git", ".python-version", ".venv", "venv"),
)
"""What is looked for in the project and the folders above it."""
_SUFFIXES = frozenset((".toml", ".txt", ".lock", ".cfg", ".in"))


_MARGIN = 4 << 20  # bytes; near the limit, bytecode has to give way


Said = Sequence[tuple[str, str, str]]
"""Lines of output: mark, text, note."""


def record(
    path: str, artifact: Artifact, output: Path | None, shares: Sequence[Share], said: Said, environ: Mapping[str, str]
) -> None:
    """Keeps how `artifact` was made at `path`, or nothing, where more than its own files may change unseen.

    `said` is what a build says before the zip is there, `output` where its copy went. Raises OSError.
    """
    recipe = artifact.recipe
    if recipe is None or recipe.interpreter is None or not _simple(recipe):
        return
    inputs = {str(file): (seen, digest(file.read_bytes())) for file in _inputs(recipe) if (seen := look(str(file)))}
    if any(seen[2] > recipe.begun for seen, _ in inputs.values()):
        return  # what was read is not what is there
    config, users = recipe.config, {name: str(file.path) for name, file in recipe.own if name in recipe.users}
    origins = users | {name: users[source] for name, _ in recipe.own if (source := source_of(name)) in users}
    begin, records = _beginning(artifact, len(recipe.own))
    made: receipts.Receipt = {
        "made": recipe.begun,
        "name": config.name,
        "zip": str(artifact.path),
        "sha256": base64.b64decode(artifact.sha256),
        "begin": begin,
        "records": records,
        "raw": artifact.raw,
        "own": [(name, origins.get(name, ""), owner(name, artifact.owners)) for name, _ in recipe.own],
        "looks": {file: seen for file in users.values() if (seen := look(file))},
        "inputs": dict(inputs),
        "stats": {str(place): look(str(place)) for place in _places(recipe, environ)},
        "folders": _folders(recipe, output),
        "python": str(recipe.interpreter.path),
        "marks": list(secrets.MARKS),
        "native": list(proven.NATIVE),
        "words": sorted(modules.DYNAMIC),
        "level": LEVEL,
        "limit": UNZIPPED_MAX - _MARGIN,
        "direct": ZIP_DIRECT_MAX,
        "lines": list(said),
        "app": _app(recipe, said),
        "about": f"for {artifact.runtime} on {artifact.architecture}, handler {artifact.handler}",
        "shares": [(s.name, s.files, s.raw, s.packed, s.bytecode, s.bytecode_packed) for s in shares],
        "output": str(output.absolute()) if output else "",
    }
    if made["raw"] < made["limit"] and artifact.zipped <= made["direct"]:
        receipts.write(path, made)


def _simple(recipe: Recipe) -> bool:
    """Whether all that the build read is known: no link, no source tree of a package, nothing said by a script's comments."""
    lock, asked = recipe.dependencies.lock, recipe.dependencies.asked
    local = any(pin.folder or any(file.url.startswith("file:") for file in pin.wheels) for pin in lock.pins)
    plain = recipe.config.path.is_dir() and not recipe.source.links and asked.kind not in ("script", "script.lock")
    if not plain or local or asked.path is None:
        return plain and not local
    if asked.kind == "requirements.txt":
        files = with_included(asked.path, {}, asked.source)
        return asked.path.suffix == ".txt" and not any(tuple(local_places(file)) for file in files)
    project = (read_toml(asked.folder / "pyproject.toml") or {}).get("project", {})
    return "dependencies" not in project.get("dynamic", ())


def _inputs(recipe: Recipe) -> Iterator[Path]:
    """Files of which every byte may count: those that say what is wanted, and which files are packed."""
    asked, project = recipe.dependencies.asked, recipe.config.path
    inside = [folder for folder in _app_file(recipe).parents if folder.is_relative_to(project)]
    for folder in dict.fromkeys((project, asked.folder, *inside)):
        for file in folder.iterdir():
            if file.is_file() and (file.suffix in _SUFFIXES or file.name in _NAMES or file.name.startswith(".env")):
                yield file
    if asked.kind == "requirements.txt" and asked.path:
        yield from (file.path for file in with_included(asked.path, {}, asked.source))
    yield from (project / prefix / name for prefix, names in recipe.source.folders.items() for name in names if name in RULES)
    yield from (project / name for name in recipe.source.secrets if name.endswith(".pem"))


def _places(recipe: Recipe, environ: Mapping[str, str]) -> Iterator[Path]:
    """Files and folders that count by being there, or not, or by their date alone."""
    assert recipe.interpreter
    for folder in recipe.config.path.parents:
        yield from (folder / name for name in _NAMES)
    yield from question.configuration(recipe.dependencies.asked.folder, environ)
    yield from interpreters.looked_at(recipe.interpreter, environ)
    yield Path(uv.__file__).parent.parent  # its date tells of every package that was installed or removed
    own = Path(lambent.__file__).parent
    if "site-packages" not in own.parts:  # somebody works on lambent
        yield from (file for file in own.rglob("*") if file.suffix in (".py", ".toml"))


def _folders(recipe: Recipe, output: Path | None) -> dict[str, list[str]]:
    """The project's folders with all that is in them, what was just written there too."""
    found = {str(recipe.config.path / prefix): {*names} for prefix, names in recipe.source.folders.items()}
    if output is not None:
        found.get(str(output.absolute().parent), set()).add(output.name)
    return {folder: sorted(names) for folder, names in found.items()}


def _beginning(artifact: Artifact, own: int) -> tuple[int, int]:
    """Where in the zip the members begin that are no dependency's, and where in its directory."""
    before = artifact.entries[: len(artifact.entries) - own]
    return artifact.entries[len(before)].offset, sum(CENTRAL.size + len(entry.name.encode()) for entry in before)


def _app_file(recipe: Recipe) -> Path:
    return recipe.config.path / recipe.config.app.root / f"{recipe.config.app.module.replace('.', '/')}.py"


def _app(recipe: Recipe, said: Said) -> tuple[int, str, int]:
    """Which of the lines tells where the app is, in which file, and in which line of it; -1 when none does."""
    file, found, line = recipe.config.app.source.rpartition(", line ")
    if not found:
        return -1, "", 0
    at = next((at for at, (_, text, _) in enumerate(said) if text.startswith("app ")), -1)
    return at, str(recipe.config.path / file), int(line)

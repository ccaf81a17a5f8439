"""Which dependencies a project has, and which versions of them: found here, resolved by uv.

Looked for in this order: the metadata of a single-file script (PEP 723), requirements.txt, uv.lock, `[project]` in
pyproject.toml. Resolved for the target's version and platform, never the host's. The answer is kept in the cache under
what was asked, so the same question gives the same versions until the question or the cache changes.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
import tomllib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lambent.config import script
from lambent.errors import PackagingError
from lambent.package.requirements.refusals import no_wheel, translate
from lambent.package.source_only import targets_with_wheels, without_wheels
from lambent.package.uv import Uv, UvFailed

_FORMAT = "1"  # raise it when what `pin` returns for the same question changes
_BUILDS_MAX = 20
_SOURCE_ONLY = "# without wheels: "


@dataclass(frozen=True)
class Requirements:
    """What was asked for: the file it stands in (None: nothing is), how people call that, and what identifies the question."""

    path: Path | None
    source: str
    question: bytes = b""
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pins:
    """The answer: requirement lines that leave nothing open, and whether it was known already.

    `source_only` are the packages that publish no wheels, as a comment in the text's first line.
    """

    text: str
    source: str
    cached: bool

    @property
    def source_only(self) -> frozenset[str]:
        first = self.text.partition("\n")[0]
        return frozenset(first.removeprefix(_SOURCE_ONLY).split()) if first.startswith(_SOURCE_ONLY) else frozenset()

    @property
    def empty(self) -> bool:
        return not any(logical_lines(self.text))


def find(project: Path, app: Path) -> Requirements:
    """The requirements of a project, a folder or a script, whose app lies in the file `app`.

    Raises PackagingError for a file that cannot be read.
    """
    if project.is_file():
        return _of_script(project)
    listed = project / "requirements.txt"
    if listed.is_file():
        return Requirements(listed, listed.name, b"".join(_with_included(listed, set())))
    pyproject = project / "pyproject.toml"
    if not pyproject.is_file():
        return _of_script(app)
    asked = _asked(pyproject)
    lock = project / "uv.lock"
    if lock.is_file() and asked:
        return Requirements(lock, lock.name, lock.read_bytes() + asked)
    return Requirements(pyproject if asked else None, pyproject.name, asked)


def _of_script(path: Path) -> Requirements:
    table = script.metadata(path) or {}
    lines = tuple(str(line) for line in table.get("dependencies", ()))
    return Requirements(path if lines else None, path.name, json.dumps(lines).encode(), lines)


def pin(requirements: Requirements, uv: Uv, cache: Path) -> Pins:
    """Resolves for uv's target. Raises PackagingError when that cannot be done."""
    if requirements.path is None:
        return Pins("", requirements.source, True)
    question = b"\0".join([_FORMAT.encode(), uv.target.name.encode(), requirements.source.encode(), requirements.question])
    kept = cache / "pins" / f"{hashlib.sha256(question).hexdigest()[:32]}.txt"
    try:
        return Pins(kept.read_text("utf-8"), requirements.source, True)
    except OSError:
        pass
    resolved, source_only = _resolve(requirements, uv, cache)
    text = _without_project(resolved, uv.folder)
    if source_only:
        text = f"{_SOURCE_ONLY}{' '.join(sorted(source_only))}\n{text}"
    replace(kept, text.encode())
    return Pins(text, requirements.source, False)


def with_builds(uv: Uv, where: str, *arguments: str, known: Collection[str] = ()) -> tuple[str, frozenset[str]]:
    """Runs uv with wheels only, then again for each package that turns out to have none, allowing just that to be built.

    `known` are such packages from an earlier run. Returns what uv printed and the packages it was allowed to build.
    Raises PackagingError.
    """
    build = sorted(known)
    while True:
        try:
            return uv.for_target(*arguments, build=build), frozenset(build)
        except UvFailed as error:
            package = without_wheels(error.text)
            if package is None or package.name in build or len(build) == _BUILDS_MAX:
                raise translate(error.text, uv, where) from None
            elsewhere = targets_with_wheels(package, uv)
            if elsewhere:  # then it is native code, and building it here would give code for this machine
                raise no_wheel(package.spec, elsewhere, error.text, uv, where) from None
            build.append(package.name)


def replace(path: Path, data: bytes) -> None:
    """Writes a file whole or not at all. Readable by its owner only: an index's address may carry a password."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def logical_lines(text: str) -> Iterator[str]:
    """The requirement lines of a requirements file: continued lines joined, comments and blank lines left out."""
    for line in re.sub(r"\\\r?\n", " ", text).splitlines():
        line = re.sub(r"(^|\s)#.*$", "", line).strip()
        if line:
            yield line


def local_folder(line: str, project: Path) -> Path | None:
    """The folder that a requirement line points to on this machine, or None for one that comes from a registry."""
    spec = re.sub(r"^(-e|--editable)[= ]\s*", "", line)
    spec = spec.split(" @ ", 1)[-1].split(" ; ")[0].split(" --hash")[0].strip()
    spec = re.sub(r"\[[^\]]*\]$", "", spec)
    if spec.startswith("file://"):
        spec = spec.removeprefix("file://")
    elif not (spec in (".", "..") or spec.startswith(("./", "../", "/")) or line.startswith(("-e", "--editable"))):
        return None
    path = (project / spec).resolve()
    return path if path.is_dir() else None


def _resolve(requirements: Requirements, uv: Uv, cache: Path) -> tuple[str, frozenset[str]]:
    assert requirements.path is not None
    if requirements.source == "uv.lock":
        options = ["--frozen", "--no-default-groups", "--no-emit-project", "--no-header", "--no-annotate"]
        try:
            return uv.run("export", *options, "--emit-index-url", "-q"), frozenset()
        except UvFailed as error:
            raise translate(error.text, uv, requirements.source) from None
    options = ["--no-header", "--no-annotate", "--emit-index-url", "--emit-find-links", "-q"]
    if not requirements.lines:
        return with_builds(uv, requirements.source, "pip", "compile", str(requirements.path.name), *options)
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        listed = Path(folder) / "requirements.txt"
        listed.write_text("\n".join(requirements.lines), "utf-8")
        return with_builds(uv, requirements.source, "pip", "compile", str(listed), *options)


def _without_project(text: str, project: Path) -> str:
    """Drops the project itself (`-e .`): its files are packed as they are."""
    kept = [line for line in logical_lines(text) if local_folder(line, project) != project.resolve()]
    return "".join(f"{line}\n" for line in kept)


def _with_included(path: Path, seen: set[Path]) -> Iterator[bytes]:
    """The bytes of a requirements file and of all that it includes with -r and -c."""
    if path in seen:
        return
    seen.add(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise PackagingError(
            f"cannot read {path.name}: {error.strerror}", where=path.name, hint="correct the -r or -c line, or add the file"
        ) from error
    yield data
    for line in logical_lines(data.decode("utf-8", "replace")):
        found = re.match(r"(?:-r|--requirement|-c|--constraint)[= ]?\s*(\S+)", line)
        if found and "://" not in found[1]:
            yield from _with_included(path.parent / found[1], seen)


def _asked(pyproject: Path) -> bytes:
    """What in a pyproject.toml bears on the dependencies; empty when it asks for none."""
    try:
        table: dict[str, Any] = tomllib.loads(pyproject.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PackagingError(f"not valid TOML: {error}", where=pyproject.name) from error
    project = table.get("project", {})
    if not project.get("dependencies") and "dependencies" not in project.get("dynamic", ()):
        return b""
    kept = {key: project.get(key) for key in ("dependencies", "dynamic", "requires-python")}
    return json.dumps([kept, table.get("tool", {}).get("uv")], sort_keys=True, default=str).encode()

"""What the tests of `package/requirements` share: small wheels with dependencies, and a project to its lock."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path

from lambent import calendar
from lambent.config.model import Architecture
from lambent.events import Emit, ignore
from lambent.package.lock import Pin
from lambent.package.requirements import pdm, pipfile, poetry
from lambent.package.requirements.completed import Locked
from lambent.package.requirements.find import find
from lambent.package.requirements.kept import Resolution
from lambent.package.requirements.question import Options, Question
from lambent.package.requirements.resolve import resolve
from lambent.package.target import Target
from lambent.package.uv_command import Uv
from lambent.package.wheels.choose_wheel import choose_wheel
from support.paths import TESTS
from support.registry import Registry

DATA = TESTS / "data" / "locks"


def target(python: str = "3.13", architecture: Architecture = "x86_64") -> Target:
    known = calendar.find_runtime(f"python{python}")
    assert known is not None
    return Target(python, architecture, known.glibc)


def write(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return folder


def locked(
    project: Path,
    to: Target,
    cache: Path,
    options: Options | None = None,
    environ: Mapping[str, str] | None = None,
    emit: Emit = ignore,
) -> Resolution:
    """From a project to its lock. uv keeps its own cache beside ours: pages of a test's registry are nobody else's."""
    app = project if project.is_file() else project / "main.py"
    uv = Uv(project, to, {**os.environ, "UV_HTTP_RETRIES": "0", **(environ or {})}, cache / "uv-builds")
    return resolve(find(project, app, to), uv, cache, options, emit)


READERS = {"poetry.lock": poetry.locked, "pdm.lock": pdm.locked, "Pipfile.lock": pipfile.locked}


def listed(project: Path, to: Target, options: Options | None = None) -> tuple[Locked, ...]:
    """What a lock without addresses has for the target, before uv is asked where the files lie."""
    asked = find(project, project / "main.py", to)
    return READERS[asked.kind](Question(asked, Uv(project, to, os.environ, project / "none"), options or Options()))


def pinned(resolution: Resolution) -> dict[str, str]:
    return {pin.name: pin.version for pin in resolution.lock.pins}


def files(resolution: Resolution, to: Target) -> dict[str, str]:
    """The wheel that is taken of each package, or what it is built from."""
    return {pin.name: _taken(pin, to) for pin in resolution.lock.pins}


def _taken(pin: Pin, to: Target) -> str:
    wheel = choose_wheel(pin, to)
    if wheel:
        return wheel.filename
    return pin.sdist.filename if pin.sdist else str(pin.folder or pin.repository)


def offer(
    registry: Registry, name: str, version: str = "1.0", tag: str = "py3-none-any", requires: tuple[str, ...] = ()
) -> None:
    """A wheel of one empty module, with what it depends on."""
    content = io.BytesIO()
    info = f"{name.replace('-', '_')}-{version}.dist-info"
    metadata = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}", *(f"Requires-Dist: {line}" for line in requires)]
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(f"{name.replace('-', '_')}.py", "")
        archive.writestr(f"{info}/METADATA", "\n".join([*metadata, ""]))
        archive.writestr(f"{info}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n")
        archive.writestr(f"{info}/RECORD", "")
    registry.files[f"/files/{name.replace('-', '_')}-{version}-{tag}.whl"] = content.getvalue()

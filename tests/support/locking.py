"""Resolves a project in a test, with small wheels that have dependencies."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from lambent import calendar
from lambent.config.model import Architecture
from lambent.events import Emit, ignore
from lambent.package.lock import Pin
from lambent.package.requirements.discovery import find_requirements
from lambent.package.requirements.lock_cache import Resolution
from lambent.package.requirements.resolve import resolve
from lambent.package.requirements.resolve_request import ResolveOptions, ResolveRequest
from lambent.package.target import Target
from lambent.package.uv_command import Uv
from lambent.package.wheels.choose_wheel import choose_wheel
from support.paths import TESTS
from support.registry import Registry

DATA = TESTS / "data" / "locks"


def make_target(python: str = "3.13", architecture: Architecture = "x86_64") -> Target:
    runtime = calendar.find_runtime(f"python{python}")
    assert runtime is not None
    return Target(python, architecture, runtime.glibc)


def write(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return folder


def commit_all(folder: Path) -> str:
    """Make a git repository of a folder and return its commit."""
    git = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@b.c"]
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"]):
        subprocess.run([*git, *arguments], check=True)
    return subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()


def resolve_project(
    project: Path,
    target: Target,
    cache: Path,
    options: ResolveOptions | None = None,
    environ: Mapping[str, str] | None = None,
    emit: Emit = ignore,
) -> Resolution:
    """Return the lock of a project, which may be a script."""
    return resolve(make_request(project, target, cache, options, environ, emit), cache)


def make_request(
    project: Path,
    target: Target,
    cache: Path,
    options: ResolveOptions | None = None,
    environ: Mapping[str, str] | None = None,
    emit: Emit = ignore,
) -> ResolveRequest:
    source = find_requirements(project, project if project.is_file() else project / "main.py", target)
    uv = Uv(source.folder, {**os.environ, "UV_HTTP_RETRIES": "0", **(environ or {})}, cache / "uv-builds")
    return ResolveRequest(source, target, uv, options or ResolveOptions(), emit)


def versions(resolution: Resolution) -> dict[str, str]:
    return {pin.name: pin.version for pin in resolution.lock.pins}


def chosen_files(resolution: Resolution, target: Target) -> dict[str, str]:
    """Return the wheel chosen for each package, or what it is built from."""
    return {pin.name: _chosen_file(pin, target) for pin in resolution.lock.pins}


def _chosen_file(pin: Pin, target: Target) -> str:
    wheel = choose_wheel(pin, target)
    if wheel:
        return wheel.filename
    return pin.sdist.filename if pin.sdist else str(pin.folder or pin.repository)


def make_sdist(name: str, requires: str = "") -> bytes:
    """Return a source distribution of version 1.0 with its metadata, which nothing can be built from."""
    dependency = f"Requires-Dist: {requires}\n" if requires else ""
    content = io.BytesIO()
    files = {
        "PKG-INFO": f"Metadata-Version: 2.2\nName: {name}\nVersion: 1.0\n{dependency}",
        "pyproject.toml": f"[project]\nname = '{name}'\nversion = '1.0'\n",
    }
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for path, text in files.items():
            entry = tarfile.TarInfo(f"{name}-1.0/{path}")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return content.getvalue()


def offer(
    registry: Registry,
    name: str,
    version: str = "1.0",
    tag: str = "py3-none-any",
    requires: tuple[str, ...] = (),
    source: str = "",
    uploaded: str = "",
) -> None:
    """Add a wheel with one module, empty unless it has a `source`, and these dependencies to a registry.

    If one version of a package was `uploaded` on a day ("2020-03-01"), all must have one.
    """
    content = io.BytesIO()
    module = name.replace("-", "_")
    info = f"{module}-{version}.dist-info"
    metadata = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}", *(f"Requires-Dist: {line}" for line in requires)]
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(f"{module}.py", source)
        archive.writestr(f"{info}/METADATA", "\n".join([*metadata, ""]))
        archive.writestr(f"{info}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n")
        archive.writestr(f"{info}/RECORD", "".join(f"{name},,\n" for name in archive.namelist()))
    path = f"/files/{module}-{version}-{tag}.whl"
    registry.files[path] = content.getvalue()
    if uploaded:
        registry.uploaded[path] = uploaded

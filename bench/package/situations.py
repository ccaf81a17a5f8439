"""Builds under measurement. Each returns one figure for a contender and round; the contenders take turns in shuffled order."""

from __future__ import annotations

import random
import time
import zipfile
from collections.abc import Callable

from lambent import calendar, elf
from lambent.package.proof import native_files
from lambent.package.target import Target

from . import process
from .contenders import EVERYBODY, Project, environment, prepared, project, zipped
from .model import LAMBENT, PIP, UV, Samples, Site, Took, Trouble


def rebuild(site: Site, of: str, machine: str) -> Samples:
    """CPU of a build after an edit of the app. Everything else is cached from the build before."""
    at = project(of, machine, site)
    for who in (LAMBENT, UV):
        zipped(who, at)
    return _rounds(site, at, (LAMBENT, UV), at.edit)


def fetched(site: Site, of: str, machine: str) -> Samples:
    """CPU of a build when lambent's cache has nothing but wheels, and uv's and pip's are whole."""
    at = project(of, machine, site)
    for who in EVERYBODY:
        zipped(who, at)
    return _rounds(site, at, EVERYBODY, lambda: at.forget("wheels"))


def cold(site: Site, of: str, machine: str) -> Samples:
    """CPU of a build with empty caches: everything is fetched."""
    at = project(of, machine, site)
    return _rounds(site, at, (LAMBENT, PIP), at.forget)


def size(site: Site, of: str, machine: str) -> Samples:
    """Size of the zip, in MB (10**6)."""
    at = project(of, machine, site)
    return {who: [Took(zipped(who, at)[1].stat().st_size / 1e6)] for who in (LAMBENT, PIP)}


def memory(site: Site, of: str, machine: str) -> Samples:
    """The most memory, in MB (10**6), of a build of which the wheels are fetched and nothing else is cached."""
    at = project(of, machine, site)
    zipped(LAMBENT, at)
    samples = []
    for _ in range(min(site.rounds, 2)):
        at.forget("wheels")
        samples.append(process.peak(prepared(LAMBENT, at), at.folder.parent, environment(LAMBENT, at)))
    return {LAMBENT: samples}


def checked(site: Site, of: str, machine: str) -> Samples:
    """CPU of reading every shared object of the zip and checking it against the target."""
    at = project(of, machine, site)
    with zipfile.ZipFile(zipped(LAMBENT, at)[1]) as opened:
        names = opened.namelist()
        objects = {name: data for name in names if ".so" in name and (data := opened.read(name))[:4] == b"\x7fELF"}
    if not objects:
        raise Trouble(f"{of} has no shared objects")
    target = Target(site.interpreter.version, "arm64" if machine == "arm64" else "x86_64", calendar.AL2023)
    return {LAMBENT: [_times(lambda: _check(objects, names, target)) for _ in range(3 * site.rounds)]}


def _times(work: Callable[[], None]) -> Took:
    began, wall = time.process_time(), time.perf_counter()
    work()
    return Took(time.process_time() - began, time.perf_counter() - wall)


def _check(objects: dict[str, bytes], names: list[str], target: Target) -> None:
    natives = [native_files.Native(name, binary) for name, data in objects.items() if (binary := elf.read(data))]
    if len(natives) < len(objects) or native_files.check(natives, names, target):
        raise Trouble("a shared object that should fit does not")


def _rounds(site: Site, at: Project, whom: tuple[str, ...], before: Callable[[], None]) -> dict[str, list[Took]]:
    samples: dict[str, list[Took]] = {who: [] for who in whom}
    for _ in range(site.rounds):
        for who in random.sample(whom, len(whom)):
            before()
            samples[who].append(zipped(who, at)[0])
    return samples

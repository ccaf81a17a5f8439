"""Everything that can be said about a zip without running it, from facts that the shards hold."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from lambent import elf
from lambent.lazy import LazyModule
from lambent.package.cache import read_json, write_json
from lambent.package.proof import entry_point, missing_imports, native_files
from lambent.package.proof.advice import DEFAULT, Advice
from lambent.package.proof.finding import Finding
from lambent.package.proof.fingerprint import digest, rules
from lambent.package.proof.importable_code import Code
from lambent.package.proof.native_files import Native
from lambent.package.proof.subject import Subject
from lambent.package.shards.shard import Shard
from lambent.package.target import Target
from lambent.package.zip_contents import ZipContents, label

if TYPE_CHECKING:
    from lambent.package.proof import package_requirements
else:
    package_requirements = LazyModule("lambent.package.proof.package_requirements")  # importing `packaging` takes 0.1 s


class Zip(Struct, frozen=True):
    """The facts about a zip. `entry_points` are the handlers that Lambda calls: the app's, and that of other events.

    `owners` gives each package's files, as name -> path in the zip -> CRC-32. `requirements` are findings about the packages'
    requirements, and `advice` says how to add what is missing. Sizes don't matter here.
    """

    code: Code
    natives: tuple[Native, ...]
    entry_points: tuple[str, ...]
    owners: Mapping[str, Mapping[str, int]]
    requirements: tuple[Finding, ...] = ()
    advice: Advice = DEFAULT
    starts: tuple[str, ...] = ()


def find(subject: Subject, cache: Path) -> tuple[Finding, ...]:
    """Return all findings, errors first."""
    contents = subject.contents
    zipped = Zip(
        code=code_of(contents, subject.has_layers, subject.folders),
        natives=(*_natives(contents), *_own_natives(subject)),
        entry_points=subject.entry_points,
        owners=_owners(contents),
        requirements=_requirements(subject, cache),
        advice=subject.advice,
        starts=subject.starts,
    )
    return prove(zipped, subject.target)


def prove(zipped: Zip, target: Target) -> tuple[Finding, ...]:
    """Return the findings about a zip, errors first. Pure."""
    checked = [entry_point.check(handler, zipped.code, target) for handler in zipped.entry_points]
    modules = [module for handler in zipped.entry_points if (module := entry_point.module_of(handler))]
    modules = list(dict.fromkeys([*modules, *zipped.starts]))
    factories = [handler.partition("(")[0] for handler in zipped.entry_points if "(" in handler]
    findings = [
        *filter(None, checked),
        *native_files.check(zipped.natives, zipped.code.names, target),
        *zipped.requirements,
        *missing_imports.missing(zipped.code, modules, target, zipped.advice, factories),
        *clashes(zipped.owners),
    ]
    order = ("error", "warning", "note")
    return tuple(sorted(findings, key=lambda finding: order.index(finding.level)))


def clashes(owners: Mapping[str, Mapping[str, int]]) -> Iterator[Finding]:
    """Yield findings about files that two packages bring with different content: only one of them can be in the zip."""
    first_owners: dict[str, tuple[str, int]] = {}
    clashing: dict[tuple[str, str], list[str]] = defaultdict(list)
    for owner, files in owners.items():
        for path, crc in files.items():
            first, first_crc = first_owners.setdefault(path, (owner, crc))
            if first_crc != crc:
                clashing[first, owner].append(path)
    for (first, second), paths in clashing.items():
        what = f"{first} and {second} bring the same files with different content"
        hint = f"require only one of the two: {first.split()[0]} or {second.split()[0]}"
        yield Finding("warning", what, tuple(sorted(paths)), second, hint)


def _owners(contents: ZipContents) -> dict[str, dict[str, int]]:
    hidden = contents.layout.hidden
    return {
        label(shard): {entry.name: entry.crc for entry in shard.entries if entry.name not in hidden}
        for shard in contents.shards
    }


def code_of(contents: ZipContents, has_layers: bool, folders: tuple[str, ...] = ()) -> Code:
    """Return what can be imported from a zip with these contents, from its top and from these folders."""
    own = dict(contents.layout.files)
    homes = {entry.name: shard for shard, entry in contents.entries()}

    def source(name: str) -> bytes:
        return own[name].read() if name in own else homes[name].archive.read(name)

    graph = {path: imports for shard in contents.shards for path, imports in shard.imports.items() if path in homes}
    modules = {name for name in own if name.endswith(".py")}
    return Code(frozenset(homes) | own.keys(), frozenset(modules), source, graph, has_layers, folders)


def _natives(contents: ZipContents) -> list[Native]:
    return [
        Native(path, elf.Binary.from_json(binary), label(shard), shard.wheel.filename.endswith("-none-any.whl"))
        for shard, skipped in contents.pairs
        for path, binary in shard.facts.binaries.items()
        if path not in skipped
    ]


def _own_natives(subject: Subject) -> Iterator[Native]:
    for name, file in subject.own_native_files():
        if binary := elf.read(file.path.read_bytes()):
            yield Native(name, binary)


def _requirements(subject: Subject, cache: Path) -> tuple[Finding, ...]:
    """Return the findings about the packages' requirements, cached for each set of packages: markers take 0.1 s."""
    shards, target = subject.contents.shards, subject.target
    if not shards:
        return ()
    parts = [
        [(shard.path.name, shard.wheel.extras) for shard in shards],
        target.name,
        sorted(subject.omitted),
        rules(),
        subject.advice.add,
    ]
    path = cache / "proofs" / f"{digest(json.dumps(parts).encode())}.json"
    cached = read_json(path)
    if cached is not None:
        return tuple(Finding.from_json(each) for each in cached)
    packages = [
        package_requirements.Metadata(shard.wheel.name, shard.wheel.version, shard.facts.requires, _requires_python(shard))
        for shard in shards
    ]
    extras = [f"{shard.wheel.name}[{','.join(shard.wheel.extras)}]" for shard in shards if shard.wheel.extras]
    findings = package_requirements.unmet(packages, target, extras, subject.omitted, subject.advice)
    write_json(path, [finding.as_json() for finding in findings])
    return findings


def _requires_python(shard: Shard) -> str:
    """Return the Requires-Python of a package's METADATA, or ""."""
    names = (entry.name for entry in shard.entries)
    name = next((name for name in names if name.endswith(".dist-info/METADATA") and name.count("/") == 1), None)
    header = shard.archive.read(name).partition(b"\n\n")[0] if name else b""
    match = re.search(rb"^Requires-Python:[ \t]*(.+?)\s*$", header, re.MULTILINE | re.IGNORECASE)
    return match[1].decode("utf-8", "replace") if match else ""

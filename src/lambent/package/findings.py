"""What is wrong with a zip, asked of all that `proof/` knows. Facts come from the shards."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lambent.lazy import LazyModule
from lambent.package import elf
from lambent.package.cache import read_json, write_json
from lambent.package.layout import Layout
from lambent.package.proof.finding import Finding
from lambent.package.proof.missing_imports import Code
from lambent.package.proof.native_files import Native
from lambent.package.proof.prove import Zip, prove
from lambent.package.proven import Proof, is_native, rules
from lambent.package.shards.shard import Shard
from lambent.package.target import Target
from lambent.package.zip_contents import Contents, label

if TYPE_CHECKING:
    from lambent.package.proof import package_requirements
else:
    package_requirements = LazyModule("lambent.package.proof.package_requirements")


def find(proof: Proof, cache: Path) -> tuple[Finding, ...]:
    """All findings, errors first."""
    contents, target = proof.contents, proof.target
    zipped = Zip(
        code=_code(contents, bool(proof.config.hosting.layers)),
        natives=(*_natives(contents), *_own_natives(contents.layout)),
        handlers=proof.handlers,
        owners=_owners(contents),
        requirements=_requirements(contents.shards, target, proof.left_out, cache),
    )
    return prove(zipped, target)


def _owners(contents: Contents) -> dict[str, dict[str, int]]:
    hidden = contents.layout.hidden
    return {label(shard): {e.name: e.crc for e in shard.entries if e.name not in hidden} for shard in contents.shards}


def _code(contents: Contents, layers: bool) -> Code:
    own = dict(contents.layout.own)
    homes = {entry.name: shard for shard, entry in contents.entries()}

    def source(name: str) -> bytes:
        return own[name].read() if name in own else homes[name].archive.read(name)

    graph = {path: found for shard in contents.shards for path, found in shard.imports().items() if path in homes}
    mine = {name for name in own if name.endswith(".py")}
    return Code(frozenset(homes) | own.keys(), frozenset(mine), source, graph, layers)


def _natives(contents: Contents) -> list[Native]:
    return [
        Native(path, elf.Binary.from_json(found), label(shard), shard.wheel.filename.endswith("-none-any.whl"))
        for shard, skip in contents.pairs
        for path, found in shard.facts.binaries.items()
        if path not in skip
    ]


def _own_natives(layout: Layout) -> list[Native]:
    found = []
    for name, file in layout.own:
        if file.content is None and is_native(file.path) and (binary := elf.read(file.path.read_bytes())):
            found.append(Native(name, binary))
    return found


def _requirements(made: Sequence[Shard], target: Target, waived: frozenset[str], cache: Path) -> tuple[Finding, ...]:
    """Asked once for each set of packages: markers and versions take a tenth of a second."""
    if not made:
        return ()
    parts = [[(each.path.name, each.wheel.extras) for each in made], target.name, sorted(waived), rules()]
    path = cache / "proofs" / f"{hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:40]}.json"
    kept = read_json(path)
    if kept is not None:
        return tuple(Finding.from_json(each) for each in kept)
    packages = [
        package_requirements.Metadata(s.wheel.name, s.wheel.version, s.facts.requires, _requires_python(s)) for s in made
    ]
    asked = [f"{s.wheel.name}[{','.join(s.wheel.extras)}]" for s in made if s.wheel.extras]
    found = package_requirements.unmet(packages, target, asked, waived)
    write_json(path, [each.as_json() for each in found])
    return found


def _requires_python(shard: Shard) -> str:
    """What its METADATA says of Python; "" when nothing."""
    name = next((e.name for e in shard.entries if e.name.endswith(".dist-info/METADATA") and e.name.count("/") == 1), None)
    text = shard.archive.read(name).partition(b"\n\n")[0] if name else b""
    said = re.search(rb"^Requires-Python:[ \t]*(.+?)\s*$", text, re.MULTILINE | re.IGNORECASE)
    return said[1].decode("utf-8", "replace") if said else ""

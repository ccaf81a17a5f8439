"""The proof of a zip before it is written: what `proof/` finds in it, refused or told. Facts come from the shards."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lambent.config.model import Config
from lambent.events import Emit, Warned
from lambent.package import elf
from lambent.package.contents import Contents, label
from lambent.package.layout import Layout
from lambent.package.proof.finding import Finding, refusal
from lambent.package.proof.imports import Code
from lambent.package.proof.native import Native
from lambent.package.proof.prove import Zip, prove
from lambent.package.requirements.kept import replace_file
from lambent.package.shards.shard import Shard
from lambent.package.target import Target

_NATIVE = (b"\x7fELF", b"MZ\x90\0", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")


@dataclass(frozen=True)
class Proof:
    """What is to be proven: that `contents` runs on `target`, where `handlers` ("module:attribute") are called. `left_out` are
    packages that are missing on purpose.
    """

    config: Config
    target: Target
    contents: Contents
    handlers: tuple[str, ...]
    left_out: frozenset[str]


def check(proof: Proof, cache: Path, emit: Emit) -> None:
    """Raises PackagingError for what would fail on Lambda; warns of what may."""
    contents, target = proof.contents, proof.target
    zipped = Zip(
        code=_code(contents, bool(proof.config.hosting.layers)),
        natives=(*_natives(contents), *_own_natives(contents.layout)),
        handlers=proof.handlers,
        owners=_owners(contents),
        raw=0,
        zipped=0,
        requirements=_requirements(contents.shards, target, proof.left_out, cache),
    )
    findings = prove(zipped, target)
    refused = refusal(findings, target.name)
    if refused:
        raise refused
    for finding in findings:
        if finding.level == "warning":
            emit(Warned(f"{finding.what}{f' ({finding.where})' if finding.files else ''}", finding.hint))


def _owners(contents: Contents) -> dict[str, dict[str, int]]:
    hidden = contents.layout.hidden
    return {label(shard): {e.name: e.crc for e in shard.entries if e.name not in hidden} for shard in contents.shards}


def _code(contents: Contents, layers: bool) -> Code:
    own = dict(contents.layout.own)
    homes = {entry.name: shard for shard, entry in contents.entries()}

    def source(name: str) -> bytes:
        return own[name].path.read_bytes() if name in own else homes[name].archive.read(name)

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
        with file.path.open("rb") as opened:
            if opened.read(4) not in _NATIVE:
                continue
        binary = elf.read(file.path.read_bytes())
        if binary is not None:
            found.append(Native(name, binary))
    return found


def _requirements(made: Sequence[Shard], target: Target, waived: frozenset[str], cache: Path) -> tuple[Finding, ...]:
    """Asked once for each set of packages: markers and versions take a tenth of a second."""
    if not made:
        return ()
    told = json.dumps([[s.wheel.name, s.wheel.version, s.facts.requires] for s in made]) + target.name + str(sorted(waived))
    path = cache / "proofs" / f"{hashlib.sha256(told.encode()).hexdigest()[:40]}.json"
    try:
        return tuple(Finding.from_json(each) for each in json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError, KeyError):
        pass
    from lambent.package.proof.requires import Metadata, unmet  # `packaging` takes a tenth of a second to import

    packages = [Metadata(s.wheel.name, s.wheel.version, s.facts.requires) for s in made]
    found = unmet(packages, target, (), waived)
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, json.dumps([each.as_json() for each in found]).encode())
    return found

"""The proof of a zip before it is written: what is wrong with it, refused or told.

What was found is kept, by all that it depends on. Of the user's modules that is what they import and name, not what they do:
so a rebuild after an edit seldom proves anything anew, and needs none of what a proof reads.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from lambent.config.model import Config
from lambent.events import Emit, Notice, Warned
from lambent.lazy import LazyModule
from lambent.package.cache import read_json, write_json
from lambent.package.layout import is_runtime
from lambent.package.proof import reading
from lambent.package.proof.finding import Finding, refusal
from lambent.package.target import Target
from lambent.package.zip_contents import Contents

if TYPE_CHECKING:
    from lambent.package import findings
else:
    findings = LazyModule("lambent.package.findings")

NATIVE = (b"\x7fELF", b"MZ\x90\0", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")


class Proof(Struct, frozen=True):
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
    found = _found(proof, cache)
    refused = refusal(found, proof.target.name)
    if refused:
        raise refused
    if proof.config.hosting.layers:
        emit(Notice("what the layers hold counts towards AWS's 250 MB as well: that is checked by AWS when it is deployed"))
    for finding in found:
        if finding.level == "warning":
            emit(Warned(f"{finding.what}{f' ({finding.where})' if finding.files else ''}", finding.hint))


def is_native(path: Path) -> bool:
    """Whether a file begins as machine code does, of whatever system."""
    with path.open("rb") as opened:
        return opened.read(4) in NATIVE


def _found(proof: Proof, cache: Path) -> tuple[Finding, ...]:
    path = cache / "proofs" / f"{_key(proof, cache)}.json"
    kept = read_json(path)
    if kept is None:
        kept = [each.as_json() for each in findings.find(proof, cache)]
        write_json(path, kept)
    return tuple(Finding.from_json(each) for each in kept)


def _key(proof: Proof, cache: Path) -> str:
    contents = proof.contents
    parts = [
        rules(),
        proof.target.name,
        bool(proof.config.hosting.layers),
        proof.handlers,
        sorted(proof.left_out),
        [(shard.path.name, shard.wheel.extras) for shard in contents.shards],
        sorted(contents.layout.hidden),
        [name for name, _ in contents.layout.own],
        [
            (name, _digest(file.path.read_bytes()))
            for name, file in contents.layout.own
            if file.content is None and is_native(file.path)
        ],
        _modules(proof, cache),
    ]
    return _digest(json.dumps(parts).encode())


def rules() -> list[tuple[str, int, int]]:
    """What the proof itself is, so that another version of it asks anew."""
    files = sorted(Path(reading.__file__).parent.glob("*.py"))
    return [(path.name, (found := path.stat()).st_size, found.st_mtime_ns) for path in files]


def _modules(proof: Proof, cache: Path) -> list[str]:
    """What of each module of the user's a proof depends on, as digests; read from those that changed only."""
    place = _digest(f"{proof.config.path}\0{proof.target.name}".encode())
    path = cache / "proofs" / f"own-{place}.json"
    told = _digest(json.dumps(rules()).encode())
    known: dict[str, str] = read_json(path) or {}
    sources = ((name, file.path.read_bytes()) for name, file in proof.contents.layout.own if name.endswith(".py"))
    contents = {name: (_digest(f"{told}{name}\0".encode() + source), source) for name, source in sources}
    found = {
        digest: known.get(digest) or (digest if is_runtime(name) else _digest(reading.depended_on(name, source, proof.target)))
        for name, (digest, source) in contents.items()
    }
    if found != known:
        write_json(path, found)
    return list(found.values())


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:40]

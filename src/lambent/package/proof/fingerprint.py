"""The fingerprint of a proof: a digest of everything its findings depend on."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from lambent.package.cache import read_json, write_json
from lambent.package.layout import is_runtime
from lambent.package.proof import module_syntax
from lambent.package.proof.subject import Subject
from lambent.package.proof.unnamed_imports import database_drivers
from lambent.package.shards.import_scanner import scan_imports
from lambent.package.target import Target


def fingerprint(subject: Subject, project: str, cache: Path) -> str:
    """Return the fingerprint of a proof. `project` is the path of the project, under which its modules are remembered."""
    contents = subject.contents
    parts = [
        rules(),
        subject.target.name,
        subject.has_layers,
        subject.advice.add,
        subject.entry_points,
        subject.starts,
        subject.folders,
        sorted(subject.omitted),
        [(shard.path.name, shard.wheel.extras) for shard in contents.shards],
        sorted(contents.layout.hidden),
        [name for name, _ in contents.layout.files],
        [(name, digest(file.path.read_bytes())) for name, file in subject.own_native_files()],
        _modules(subject, project, cache),
    ]
    return digest(json.dumps(parts).encode())


def rules() -> list[tuple[str, int, int]]:
    """Return the identity of the proof's own code: its files with their sizes and dates."""
    files = sorted(Path(__file__).parent.glob("*.py"))
    return [(path.name, (stat := path.stat()).st_size, stat.st_mtime_ns) for path in files]


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:40]


def module_dependencies(path: str, source: bytes, target: Target) -> bytes:
    """Return what the findings depend on in one of the user's modules. Two sources with the same value get the same findings.

    That is its imports with their lines, the names it binds, the functions that it calls, and whether it changes where modules
    are found. For an `__init__`, and for a source that can't be parsed, it is the whole source.
    """
    module = module_syntax.read(path, source, target.version)
    if module is None or path.endswith("__init__.py"):
        return source
    imports = scan_imports(path, source)
    searches = module_syntax.SEARCHES.search(source) is not None
    words = (sorted(names) for names in (imports.eager, imports.lazy, imports.strings))
    functions = [(name, sorted(each.imports), sorted(each.calls)) for name, each in module.functions.items()]
    parts = [module.imports, sorted(module.binds), module.open, searches, sorted(module.calls), functions]
    return repr([*parts, database_drivers(source), *words]).encode()


def _modules(subject: Subject, project: str, cache: Path) -> list[str]:
    """Return digests of `module_dependencies` for all modules. Only modules that changed since the last build are parsed."""
    path = cache / "proofs" / f"own-{digest(f'{project} {subject.target.name}'.encode())}.json"
    rules_digest = digest(json.dumps(rules()).encode())
    cached: dict[str, str] = read_json(path) or {}
    digests = {}
    for name, file in subject.contents.layout.files:
        if not name.endswith(".py"):
            continue
        source = file.path.read_bytes()
        key = digest(f"{rules_digest}{name}\0".encode() + source)
        if is_runtime(name):
            digests[key] = key
        else:
            digests[key] = cached.get(key) or digest(module_dependencies(name, source, subject.target))
    if digests != cached:
        write_json(path, digests)
    return list(digests.values())

"""Hashes in requirements files (`--hash=sha256:...`): only files that they list are packed. uv resolves without them.

As uv installs: what has hashes must be one of them; what has none is taken, unless there is a line `--require-hashes`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from lambent.errors import PackagingError
from lambent.package.lock import DistFile, Pin
from lambent.package.requirements.compiled import Compiler
from lambent.package.requirements.lines import RequirementsFile, logical_lines, name_of
from lambent.package.requirements.markers import holds
from lambent.package.requirements.question import Question
from lambent.package.requirements.wheelless import has_linux_wheels
from lambent.package.urls import local_path, without_credentials
from lambent.package.wheels.choose_wheel import choose_wheel

_HASH = re.compile(r"\s--hash[= ]\s*([a-z0-9_]+):([0-9a-fA-F]+)")
_HINT = "list them again: uv pip compile --generate-hashes, or pip-compile --generate-hashes"

Hashes = frozenset[tuple[str, str]]


def only_listed(
    pins: Sequence[Pin], files: Sequence[RequirementsFile], question: Question, compiler: Compiler
) -> tuple[Pin, ...]:
    """The pins with those of their files whose hashes are listed. Raises PackagingError where none is left for the target."""
    listed = dict(_listed(files, question))
    strict = any(line.startswith("--require-hashes") for file in files for line in logical_lines(file.text))
    if not listed and not strict:
        return tuple(pins)
    return tuple(_checked(pin, _of(pin, listed), strict, question, compiler) for pin in pins)


def _listed(files: Sequence[RequirementsFile], question: Question) -> Iterator[tuple[str, Hashes]]:
    """By name or address; a package that is listed several times may have any of those hashes."""
    found: dict[str, set[tuple[str, str]]] = {}
    for file in files:
        for line in logical_lines(file.text):
            given = {(algorithm, digest.lower()) for algorithm, digest in _HASH.findall(line)}
            asked = _HASH.split(line)[0].strip()
            if given and holds(asked, question.uv.target):
                found.setdefault(name_of(asked) or without_credentials(asked.split("#")[0]), set()).update(given)
    for name, hashes in found.items():
        yield name, frozenset(hashes)


def _of(pin: Pin, listed: dict[str, Hashes]) -> Hashes:
    if pin.name in listed:
        return listed[pin.name]
    address = next((file.url for file in (*pin.wheels, pin.sdist) if file), "")
    return listed.get(address, frozenset())


def _checked(pin: Pin, listed: Hashes, strict: bool, question: Question, compiler: Compiler) -> Pin:
    where, package = question.asked.source, f"{pin.name} {pin.version}".strip()
    if not listed:
        if strict:
            raise PackagingError(f"{package} has no hash, and --require-hashes asks for one", where=where, hint=_HINT)
        return pin
    if pin.folder or pin.repository:
        raise PackagingError(
            f"{package} is no file, so it cannot have a hash", where=where, hint="leave --hash out of its line, or name a wheel"
        )
    wheels = tuple(kept for file in pin.wheels if (kept := _kept(file, listed, pin)))
    left = replace(pin, wheels=wheels, sdist=_kept(pin.sdist, listed, pin) if pin.sdist else None)
    if (
        choose_wheel(left, question.uv.target) is None
        and pin.sdist is None
        and (whole := compiler.everything(f"{pin.name}=={pin.version}"))
    ):
        left = replace(left, sdist=_kept(whole.sdist, listed, whole) if whole.sdist else None)
    if choose_wheel(left, question.uv.target) or (left.sdist and (question.options.native or not has_linux_wheels(pin))):
        return left
    best = choose_wheel(pin, question.uv.target)
    file = f"{best.filename}, which is for {question.uv.target.name}," if best else "no file of it"
    said = f"{file} is not among its hashes" if best else f"{file} has one of its hashes"
    raise PackagingError(f"{package}: {said}", where=where, hint=_HINT)


def _kept(file: DistFile, listed: Hashes, pin: Pin) -> DistFile | None:
    """The file if it is listed, with what it must be where only the list says so."""
    known = dict(file.hashes)
    if not known and file.url.startswith("file:") and local_path(file.url).is_file():
        with local_path(file.url).open("rb") as opened:
            known = {"sha256": hashlib.file_digest(opened, "sha256").hexdigest()}
    if any(known.get(algorithm) == digest for algorithm, digest in listed):
        return replace(file, hashes=tuple(sorted(known.items())))
    unknown = [(algorithm, digest) for algorithm, digest in listed if algorithm not in known]
    alone = len(pin.wheels) + bool(pin.sdist) == 1
    return replace(file, hashes=(*file.hashes, *unknown)) if alone and len(listed) == len(unknown) == 1 else None

"""Hash checking for requirements files (`--hash=sha256:...`): only files they list are used. uv resolves without hashes.

The rules are those of `uv pip install`: a requirement with hashes must match one of them, and one without is accepted unless
there is a line `--require-hashes`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from msgspec.structs import replace

from lambent import calendar
from lambent.errors import PackagingError
from lambent.package.lock import DistFile, Pin
from lambent.package.requirements.missing_wheels import has_usable_source
from lambent.package.requirements.requested import applies, name_of
from lambent.package.requirements.requirement_lines import RequirementsFile, logical_lines
from lambent.package.requirements.resolve_request import ResolveRequest
from lambent.package.requirements.version_finder import VersionFinder
from lambent.package.target import Target
from lambent.package.unfit import Blocker, UnfitError
from lambent.package.urls import local_path, without_credentials
from lambent.package.wheels.choose_wheel import choose_wheel

_HASH = re.compile(r"\s--hash[= ]\s*([a-z0-9_]+):([0-9a-fA-F]+)")
_HINT = "write the hashes again: uv pip compile --generate-hashes, or pip-compile --generate-hashes"

Hashes = frozenset[tuple[str, str]]
"""(algorithm, hex digest) pairs."""


class HashChecker:
    """Checks pins against the hashes in requirements files."""

    def __init__(self, files: Sequence[RequirementsFile], request: ResolveRequest, versions: VersionFinder) -> None:
        self._request = request
        self._versions = versions
        self._hashes = _read_hashes(files, request.target)
        self._required = any(line.startswith("--require-hashes") for file in files for line in logical_lines(file.text))

    def check(self, pins: Sequence[Pin]) -> tuple[Pin, ...]:
        """Return the pins with only the files whose hash is listed. Raises PackagingError if none fits the target."""
        if not self._hashes and not self._required:
            return tuple(pins)
        return tuple(self._check_pin(pin) for pin in pins)

    def _check_pin(self, pin: Pin) -> Pin:
        hashes = self._hashes_of(pin)
        if not hashes:
            if self._required:
                raise self._error(pin, "has no hash, but --require-hashes is set", _HINT)
            return pin
        if pin.folder or pin.repository:
            raise self._error(pin, "is not a file, so it can't have a hash", "remove --hash from its line, or name a wheel")
        request, target = self._request, self._request.target
        wheels = tuple(match for file in pin.wheels if (match := _match_hashes(file, hashes, pin)))
        checked = replace(pin, wheels=wheels, sdist=_match_hashes(pin.sdist, hashes, pin) if pin.sdist else None)
        if choose_wheel(checked, target) is None and pin.sdist is None:  # uv left the source out because there is a wheel
            complete = self._versions.with_all_files(f"{pin.name}=={pin.version}")
            if complete and complete.sdist:
                checked = replace(checked, sdist=_match_hashes(complete.sdist, hashes, complete))
        if choose_wheel(checked, target) or (checked.sdist and has_usable_source(replace(pin, sdist=checked.sdist), request)):
            return checked
        if best := choose_wheel(pin, target):
            error = self._error(pin, f"has no hash for {best.filename}, the wheel for {target.name}", _HINT)
            if pythons := self._pythons_of(pin, hashes):
                raise UnfitError(error, [Blocker(pin.name, pin.version, "has no hash for its wheel for {python}", pythons)])
            raise error
        raise self._error(pin, "has no file with one of its hashes", _HINT)

    def _pythons_of(self, pin: Pin, hashes: Hashes) -> frozenset[str]:
        """Return Lambda's Python versions for which there is a wheel whose hash is listed."""
        wheels = self._versions.with_wheels_of_the_index(pin).wheels
        listed = replace(pin, wheels=tuple(match for file in wheels if (match := _match_hashes(file, hashes, pin))))
        targets = (replace(self._request.target, python=runtime.python, glibc=runtime.glibc) for runtime in calendar.RUNTIMES)
        return frozenset(target.python for target in targets if choose_wheel(listed, target))

    def _hashes_of(self, pin: Pin) -> Hashes:
        url = next((file.url for file in (*pin.wheels, pin.sdist) if file), "")
        return self._hashes.get(pin.name) or self._hashes.get(url, frozenset())

    def _error(self, pin: Pin, problem: str, hint: str) -> PackagingError:
        package = f"{pin.name} {pin.version}".strip()
        return PackagingError(f"{package} {problem}", where=self._request.source.name, hint=hint)


def _read_hashes(files: Sequence[RequirementsFile], target: Target) -> dict[str, Hashes]:
    """Return the hashes by name or URL. A package on several lines may have the hashes of any of them."""
    hashes: dict[str, Hashes] = {}
    for file in files:
        for line in logical_lines(file.text):
            pairs = {(algorithm, digest.lower()) for algorithm, digest in _HASH.findall(line)}
            requirement = _HASH.split(line)[0].strip()
            if pairs and applies(requirement, target):
                key = name_of(requirement) or without_credentials(requirement.split("#")[0])
                hashes[key] = hashes.get(key, frozenset()) | pairs
    return hashes


def _match_hashes(file: DistFile, hashes: Hashes, pin: Pin) -> DistFile | None:
    """Return the file if its hash is listed. If the index has no hash, the single listed one is added to a single file."""
    digests = dict(file.hashes)
    if not digests and file.url.startswith("file:") and local_path(file.url).is_file():
        with local_path(file.url).open("rb") as opened:
            digests = {"sha256": hashlib.file_digest(opened, "sha256").hexdigest()}
    if any(digests.get(algorithm) == digest for algorithm, digest in hashes):
        return replace(file, hashes=tuple(sorted(digests.items())))
    other_algorithms = [(algorithm, digest) for algorithm, digest in hashes if algorithm not in digests]
    is_only_file = len(pin.wheels) + bool(pin.sdist) == 1
    if is_only_file and len(hashes) == len(other_algorithms) == 1:
        return replace(file, hashes=(*file.hashes, *other_algorithms))
    return None

"""pylock.toml (PEP 751): read for one target, and written.

Source: https://packaging.python.org/en/latest/specifications/pylock-toml/
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from msgspec import Struct
from msgspec.structs import replace

from lambent import atomic
from lambent.errors import PackagingError
from lambent.package.lock import DistFile, Lock, Pin, Repository
from lambent.package.requirements.lines import extras_of, name_of
from lambent.package.requirements.markers import environment, full_version
from lambent.package.requirements.question import Options, Question
from lambent.package.target import Target
from lambent.package.urls import local_path, without_credentials

if TYPE_CHECKING:
    from packaging.pylock import Package, PackageArchive, PackageSdist, PackageVcs, PackageWheel, Pylock


class Place(Struct, frozen=True):
    """Where a lock lies: what its relative paths start from, how people call it, and the index of files without one."""

    folder: Path
    source: str
    index: str = ""


def from_file(question: Question) -> tuple[Pin, ...]:
    """The pins of the user's own pylock file. Raises PackagingError when it does not hold for the target."""
    text = question.path.read_text("utf-8")
    return parse(text, Place(question.path.parent, question.asked.source), question.uv.target, question.options)


def parse(text: str, place: Place, target: Target, options: Options) -> tuple[Pin, ...]:
    """The pins of a lock for the target: markers evaluated, local paths absolute. Raises PackagingError."""
    from packaging.pylock import Pylock, PylockValidationError

    try:
        lock = Pylock.from_dict(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, PylockValidationError) as error:
        raise PackagingError(
            f"not a valid pylock file: {error}", where=place.source, hint="write it again with the tool that made it"
        ) from error
    _check(lock, place, target, options)
    asked = _asked(lock)
    chosen: dict[str, Pin] = {}
    for package in lock.packages:
        if not _holds(package, lock, target, options):
            continue
        if package.name in chosen:
            raise PackagingError(f"{package.name} is locked twice for {target.name}", where=place.source)
        if package.requires_python and not package.requires_python.contains(full_version(target)):
            raise PackagingError(
                f"{package.name} {package.version or ''} needs Python {package.requires_python}, not {target.python}",
                where=place.source,
                hint="lock again for this Python, or choose another --runtime",
            )
        extras = asked.get(package.name, ())
        chosen[package.name] = replace(_pin(package, place), asked=not asked or package.name in asked, extras=extras)
    return tuple(chosen[name] for name in sorted(chosen))


def _asked(lock: Pylock) -> dict[str, tuple[str, ...]]:
    """What the user named, with its extras, as `write_pylock` noted it; nothing when another tool wrote the lock."""
    noted = map(str, (lock.tool or {}).get("lambent", {}).get("asked", ()))
    return {name_of(line): extras_of(line) for line in noted}


def _check(lock: Pylock, place: Place, target: Target, options: Options) -> None:
    if lock.requires_python and not lock.requires_python.contains(full_version(target)):
        raise PackagingError(
            f"the lock is for Python {lock.requires_python}, not {target.python}",
            where=place.source,
            hint="lock again for this Python, or choose another --runtime",
        )
    if lock.environments and not any(
        marker.evaluate(environment(target), context="requirement") for marker in lock.environments
    ):
        raise PackagingError(
            f"the lock does not hold for {target.name}: {'; '.join(map(str, lock.environments))}",
            where=place.source,
            hint="lock again for this target: lambent build --lock",
        )
    for kind, asked, there in (
        ("extra", options.extras, lock.extras or ()),
        ("dependency group", options.groups, lock.dependency_groups or ()),
    ):
        for name in asked:
            if name not in there:
                known = f"it has {', '.join(there)}" if there else f"it has no {kind}s"
                raise PackagingError(f"no {kind} {name} in the lock", where=place.source, hint=known)


def _holds(package: Package, lock: Pylock, target: Target, options: Options) -> bool:
    if package.marker is None:
        return True
    groups = frozenset({*(lock.default_groups or ()), *options.groups})
    values: dict[str, Any] = {
        **environment(target),
        "extras": frozenset(options.extras),
        "dependency_groups": groups,
    }
    return package.marker.evaluate(values, context="lock_file")


def _pin(package: Package, place: Place) -> Pin:
    version = str(package.version) if package.version else ""
    wheels = [_dist(wheel, place) for wheel in package.wheels or ()]
    sdist = _dist(package.sdist, place) if package.sdist else None
    folder = None
    repository = _repository(package.vcs, place) if package.vcs else None
    if package.directory:
        path = _local(package.directory.path, place)
        folder = path / package.directory.subdirectory if package.directory.subdirectory else path
    if package.archive:
        archive = _dist(package.archive, place)
        if archive.filename.endswith(".whl"):
            wheels = [archive]
            version = version or archive.filename.split("-")[1]
        else:
            sdist = archive
    index = without_credentials(package.index or (place.index if package.wheels or package.sdist else ""))
    return Pin(str(package.name), version, tuple(wheels), sdist, folder, repository, index)


def _dist(file: PackageWheel | PackageSdist | PackageArchive, place: Place) -> DistFile:
    url = without_credentials(file.url) if file.url else _local(file.path or "", place).as_uri()
    name = getattr(file, "name", None) or unquote(PurePosixPath(urlsplit(url).path).name)
    hashes = tuple(sorted((algorithm, digest.lower()) for algorithm, digest in file.hashes.items()))
    return DistFile(name, url, hashes, file.size)


def _repository(vcs: PackageVcs, place: Place) -> Repository:
    if vcs.type != "git":
        raise PackagingError(f"only git repositories can be built, not {vcs.type}", where=place.source)
    url = without_credentials(vcs.url) if vcs.url else _local(vcs.path or "", place).as_uri()
    return Repository(url, vcs.commit_id, vcs.subdirectory or "")


def _local(path: str, place: Place) -> Path:
    if path.startswith("file://"):
        return local_path(path)
    return Path(os.path.normpath(place.folder / path))


def write_pylock(lock: Lock, path: Path, target: Target) -> None:
    """Writes the standard lock of one target; local paths are relative to it. Raises PackagingError, OSError."""
    from packaging.pylock import Pylock, is_valid_pylock_path

    if not is_valid_pylock_path(path):
        raise PackagingError(f"not a name for a pylock file: {path.name}", hint="pylock.toml, or pylock.<name>.toml")
    text = render(lock, path.parent, target)
    Pylock.from_dict(tomllib.loads(text))
    atomic.write_bytes(path, text.encode())


def render(lock: Lock, folder: Path, target: Target) -> str:
    """The text of the lock, for a file in `folder`. Pure."""
    values = environment(target)
    named = ("python_version", "sys_platform", "platform_machine", "implementation_name")
    marker = " and ".join(f'{name} == "{values[name]}"' for name in named)
    head = [
        'lock-version = "1.0"',
        f"environments = {_toml([marker])}",
        f"requires-python = {_toml(f'>={target.python}')}",
        'created-by = "lambent"',
    ]
    blocks = ["\n".join(head), *(_package(pin, folder) for pin in lock.pins)]
    asked = [pin.name + (f"[{','.join(pin.extras)}]" if pin.extras else "") for pin in lock.pins if pin.asked]
    blocks.append(f"[tool.lambent]\nasked = {_toml(asked)}")
    return "\n\n".join(blocks) + "\n"


def _package(pin: Pin, folder: Path) -> str:
    lines = ["[[packages]]", f"name = {_toml(pin.name)}"]
    if pin.version and not pin.folder:
        lines.append(f"version = {_toml(pin.version)}")
    if pin.index and not (pin.folder or pin.repository):
        lines.append(f"index = {_toml(pin.index)}")
    if pin.folder:
        lines.append(f"directory = {_toml({'path': _relative(pin.folder, folder)})}")
    elif pin.repository:
        lines.append(f"vcs = {_toml(_vcs(pin.repository))}")
    elif not pin.index and len(pin.wheels) + bool(pin.sdist) == 1:
        lines.append(f"archive = {_toml(_entry((*pin.wheels, pin.sdist)[0], folder, named=False))}")
    else:
        if pin.sdist:
            lines.append(f"sdist = {_toml(_entry(pin.sdist, folder))}")
        if pin.wheels:
            entries = ",\n".join(f"    {_toml(_entry(wheel, folder))}" for wheel in pin.wheels)
            lines.append(f"wheels = [\n{entries},\n]")
    return "\n".join(lines)


def _vcs(repository: Repository) -> dict[str, Any]:
    entry = {"type": "git", "url": repository.url, "commit-id": repository.commit}
    return entry | ({"subdirectory": repository.subdirectory} if repository.subdirectory else {})


def _entry(file: DistFile | None, folder: Path, *, named: bool = True) -> dict[str, Any]:
    assert file is not None
    entry: dict[str, Any] = {"name": file.filename} if named else {}
    if file.url.startswith("file://"):
        entry["path"] = _relative(local_path(file.url), folder)
    else:
        entry["url"] = file.url
    if file.size is not None:
        entry["size"] = file.size
    return entry | {"hashes": dict(file.hashes)}


def _relative(path: Path, folder: Path) -> str:
    return Path(os.path.relpath(path, folder)).as_posix()


def _toml(value: str | int | Iterable[Any]) -> str:
    """A value in TOML: JSON's strings, numbers and arrays are TOML's, its objects are not."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_toml(one) for one in value) + "]"
    return json.dumps(value, ensure_ascii=False)

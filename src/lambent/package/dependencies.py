"""The dependencies of a zip, installed, tidied, compiled and deflated once into a cached archive (a shard).

A shard is keyed by everything that goes into its bytes: the pins, the target, the interpreter that compiles, the content
of local packages, and the format below. It is put in place with one rename, so two builds at once both end with a whole
one; its comment holds the digest of its content, so a damaged one is found and made again.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from lambent.errors import PackagingError
from lambent.interpreters import Interpreter
from lambent.package import bytecode
from lambent.package.archive import LEVEL, Archive, BadArchive, Entry, Writer, compress
from lambent.package.requirements.pins import Pins, local_folder, logical_lines, with_builds
from lambent.package.source import collect
from lambent.package.uv import Uv

_FORMAT = "1"  # raise it when the same key would give other bytes
_AT_ONCE = 64
_NOISE = frozenset({"INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", "uv_build.json"})


@dataclass(frozen=True)
class Shard:
    """The archive, how many packages are in it, and whether it was there already."""

    path: Path
    packages: int
    cached: bool


def ensure(pins: Pins, uv: Uv, interpreter: Interpreter | None, cache: Path) -> Shard:
    """The shard for these pins and uv's target. Raises PackagingError when they cannot be installed."""
    path = cache / "shards" / f"{_key(pins, uv, interpreter)}.zip"
    packages = _packages(path)
    if packages is not None:
        return Shard(path, packages, True)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".new-") as folder:
        # always the same name: it must not differ from one build to the next
        stage = Path(folder) / "stage"
        packages = _install(pins, uv, stage)
        if interpreter is not None:
            bytecode.compile_tree(stage, interpreter)
        finished = Path(folder) / "shard.zip"
        _pack(stage, finished, packages)
        finished.replace(path)
    return Shard(path, packages, False)


def _key(pins: Pins, uv: Uv, interpreter: Interpreter | None) -> str:
    parts = [_FORMAT, f"libdeflate {version('deflate')} {LEVEL}", uv.target.name, uv.target.uv_platform, pins.text]
    if interpreter is not None:
        found = interpreter.path.stat()  # a patch release may compile to other bytes
        parts.append(f"{interpreter.path} {found.st_size} {found.st_mtime_ns}")
    for line in logical_lines(pins.text):
        folder = local_folder(line, uv.folder)
        if folder is not None:
            parts.append(_tree_digest(folder))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def _tree_digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for name, file in collect(folder).files.items():
        digest.update(name.encode() + b"\0" + hashlib.sha256(file.path.read_bytes()).digest())
    return digest.hexdigest()


def _packages(path: Path) -> int | None:
    """How many packages a shard holds, or None when there is no such shard, or a damaged one."""
    try:
        with Archive(path) as shard:
            said = json.loads(shard.comment)
            whole = said["sha256"] == shard.body_sha256().hex()
            return int(said["packages"]) if whole else None
    except (OSError, BadArchive, ValueError, KeyError, TypeError):
        return None


def _install(pins: Pins, uv: Uv, stage: Path) -> int:
    """Installs into `stage`, and leaves there what belongs in the zip. Returns the number of packages."""
    stage.mkdir()
    listed = stage.parent / "pins.txt"
    lines = (line.removeprefix("-e ") for line in logical_lines(pins.text))
    # a local package given relative to the project is not relative to this file
    listed.write_text("".join(f"{_absolute(line, uv.folder)}\n" for line in lines), "utf-8")
    options = ["--target", str(stage), "--no-deps", "--link-mode", "copy", "--no-compile-bytecode"]
    _, built = with_builds(uv, pins.source, "pip", "install", "-r", str(listed), *options, "-q", known=pins.source_only)
    _refuse_host_code(stage, built, uv)
    return _tidy(stage)


def _absolute(line: str, project: Path) -> str:
    folder = local_folder(line, project)
    return line if folder is None else line if " @ " in line else str(folder)


def _refuse_host_code(stage: Path, built: frozenset[str], uv: Uv) -> None:
    """A wheel that was built here may hold this machine's code, which need not run on Lambda: it must be platform-neutral."""
    for wheel in sorted(stage.glob("*.dist-info/WHEEL")):
        tags = [line.removeprefix("Tag: ") for line in wheel.read_text("utf-8").splitlines() if line.startswith("Tag: ")]
        if all(tag.endswith("-none-any") for tag in tags):
            continue
        name, _, number = wheel.parent.name.removesuffix(".dist-info").partition("-")
        ours = any(name.lower().replace("_", "-") == package.lower().replace("_", "-") for package in built)
        if ours or any(tag.rsplit("-", 1)[-1].startswith(("linux_", "macosx_", "win")) for tag in tags):
            raise PackagingError(
                f"{name} {number} has no wheel for {uv.target.name}, and building its source gives code for this machine only",
                where=f"{name}=={number}",
                hint=f"ask for a version with wheels: https://pypi.org/project/{name}/#files",
            )


def _tidy(stage: Path) -> int:
    """Removes what an installer leaves for itself. Metadata, entry points and licences stay: programs read them."""
    for path in sorted(stage.rglob("*"), reverse=True):
        inside = path.relative_to(stage).parts
        script = inside[0] == "bin" and not (stage / "bin" / "__init__.py").exists()
        noise = inside[0].endswith(".dist-info") and path.name in _NOISE and len(inside) == 2
        if path.is_symlink() or path.is_file():
            if script or noise or path.suffix == ".pyc" or inside == (".lock",):
                path.unlink()
        elif script or path.name == "__pycache__":
            path.rmdir()
    records = sorted(stage.glob("*.dist-info/RECORD"))
    for record in records:
        lines = record.read_text("utf-8").splitlines()
        kept = sorted(line for line in lines if (stage / _recorded(line)).is_file())
        record.unlink()  # never written in place: it might be a hard link into uv's own cache
        record.write_text("".join(f"{line}\n" for line in kept), "utf-8")
    return len(list(stage.glob("*.dist-info")))


def _recorded(line: str) -> str:
    return line.rsplit(",", 2)[0].strip('"')


def _pack(stage: Path, path: Path, packages: int) -> None:
    names = sorted(file.relative_to(stage).as_posix() for file in stage.rglob("*") if file.is_file())
    with path.open("wb") as file:
        writer = Writer(file)
        for entry, packed in _compressed(stage, names):
            writer.add(entry, packed)
        writer.close(lambda digest: json.dumps({"packages": packages, "sha256": digest.hex()}).encode())
        file.flush()
        os.fsync(file.fileno())


def _compressed(stage: Path, names: list[str]) -> Iterator[tuple[Entry, bytes]]:
    """Deflates on all cores (libdeflate lets go of the interpreter lock), a few files at a time to spare memory."""
    with ThreadPoolExecutor() as pool:
        for start in range(0, len(names), _AT_ONCE):
            yield from pool.map(lambda name: _member(stage, name), names[start : start + _AT_ONCE])


def _member(stage: Path, name: str) -> tuple[Entry, bytes]:
    path = stage / name
    return compress(name, path.read_bytes(), executable=bool(path.stat().st_mode & 0o100))

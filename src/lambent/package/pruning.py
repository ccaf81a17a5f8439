"""Limits the size of the cache: removes what was not used for longest, and what interrupted builds left behind.

A running build loses nothing: every file that a build opens is marked as used, and files that were marked in the last hours
stay. If a file is missing after all, the build makes it again. Only files with lambent's own kind of names in its own folders
are ever touched, since a user may choose any folder as the cache.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from lambent.errors import PackagingError, UsageError
from lambent.events import Emit, Warned
from lambent.limits import MIB
from lambent.package.cache import MARK_INTERVAL_S
from lambent.private_folder import CACHE_TAG, make_private_cache

DEFAULT_LIMIT = 2048 * MIB
_VARIABLE = "LAMBENT_CACHE_MAX"
_IN_USE_S = 2 * MARK_INTERVAL_S  # a mark may be an hour old, and a build may take another one
_LEFTOVER_S = 24 * 3600
_INTERVAL_S = 24 * 3600
_LARGE_BUILD = 256 * MIB
_SIGNATURE = "Signature: 8a477f597d28d172789f06886806bc55\n# lambent's cache: `lambent cache clean` empties it.\n"
_FOLDERS = ("wheels", "shards", "bytecode", "startup", "proofs", "locks", "metadata", "runtime", "zips", "native/wheels")
_CACHES_OF_TOOLS = ("uv-builds", "native/uv", "native/zig")  # removed as a whole
_PROJECTS = "datasette"  # folders that library/datasette_project.py generates, each removed as a whole
_RUNTIMES = "runtimes"  # of the local Lambda, which may be running: only `clean` removes it
_OWN_NAME = re.compile(r"(^|[/-])[0-9a-f]{16}")  # a digest
_LEFTOVER = re.compile(r"(^|/)(\.new-|\.build-|partial/|work/build-)")
_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?([KMGT]?)i?B?", re.IGNORECASE)


class Item(Struct, frozen=True):
    """A file in the cache, or a folder that is removed as a whole. `size` is in bytes, `used` in seconds since 1970."""

    path: Path
    size: int
    used: float


class Pruned(Struct, frozen=True):
    """The number of removed items, and the bytes that they took and that remain."""

    removed: int
    freed: int
    remaining: int


def limit(environ: Mapping[str, str]) -> int:
    """Return the size limit in bytes. Raises UsageError for an invalid one."""
    text = environ.get(_VARIABLE, "")
    return size_of(text, _VARIABLE) if text else DEFAULT_LIMIT


def size_of(text: str, where: str) -> int:
    """Return the bytes of "500MB" or "2 GB". Raises UsageError."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"not a size: {text}", where=where, hint=f"{where}={'500MB' if where == _VARIABLE else '2GB'}")
    return int(float(match[1]) * 1024 ** " KMGT".index(match[2].upper() or " "))


def after_build(cache: Path, environ: Mapping[str, str], written: int, emit: Emit) -> None:
    """Prune the cache once a day, and after a build that has `written` many bytes. Never raises an error."""
    tag = cache / CACHE_TAG  # its date is that of the last pruning
    try:
        pruned = tag.stat().st_mtime
    except OSError:
        with suppress(OSError):
            _write_tag(cache)
        return
    if time.time() - pruned < _INTERVAL_S and written < _LARGE_BUILD:
        return
    try:
        prune(cache, limit(environ))
    except UsageError as error:
        emit(Warned(f"the cache wasn't pruned: {error.what}", error.hint))
    except OSError:
        pass


def prune(cache: Path, size_limit: int) -> Pruned:
    """Remove old leftovers, and then the items used longest ago until `size_limit` bytes remain."""
    _write_tag(cache)
    now = time.time()
    old = [item for item in leftovers(cache) if item.used < now - _LEFTOVER_S]
    removed = [item for item in old if _remove(item.path)]
    existing = sorted(items(cache), key=lambda item: item.used)
    total = sum(item.size for item in existing)
    for item in existing:
        if total <= size_limit or item.used > now - _IN_USE_S:
            break
        if _remove(item.path):
            removed.append(item)
            total -= item.size
    _remove_empty_folders(cache, now - _IN_USE_S)
    return Pruned(len(removed), sum(item.size for item in removed), total)


def clean(cache: Path) -> Pruned:
    """Remove everything in the cache, used or not. Raises PackagingError for a folder that isn't a cache."""
    if not cache.exists():
        return Pruned(0, 0, 0)
    if not (cache / CACHE_TAG).exists():
        raise PackagingError(
            f"{cache} isn't a cache of lambent: it has no {CACHE_TAG}", where=str(cache), hint="use the folder that builds use"
        )
    runtimes = [_item(cache / _RUNTIMES)] if (cache / _RUNTIMES).is_dir() else []
    existing = [*items(cache), *leftovers(cache), *runtimes]
    removed = [item for item in existing if _remove(item.path)]
    _remove_empty_folders(cache, time.time())
    freed = sum(item.size for item in removed)
    return Pruned(len(removed), freed, sum(item.size for item in existing) - freed)


def items(cache: Path) -> Iterator[Item]:
    """Yield everything that builds have cached."""
    for name in _CACHES_OF_TOOLS:
        if (cache / name).is_dir():
            yield _item(cache / name)
    yield from (_item(path) for path in (cache / _PROJECTS).glob("*") if _OWN_NAME.match(path.name))
    for path, stat in _walk(cache / name for name in _FOLDERS):
        name = path.relative_to(cache).as_posix()
        if _OWN_NAME.search(name) and not _LEFTOVER.search(name):
            yield Item(path, stat.st_size, stat.st_mtime)


def leftovers(cache: Path) -> Iterator[Item]:
    """Yield temporary files of killed builds, and downloads that were never resumed."""
    folders = [cache, *(cache / name for name in _FOLDERS)]
    folders += [cache / "wheels" / "partial", cache / "wheels" / "known", cache / "native" / "work"]
    for folder in folders:
        with suppress(OSError):
            for path in sorted(folder.iterdir()):
                if _LEFTOVER.search(path.relative_to(cache).as_posix()):
                    yield _item(path)


def _item(path: Path) -> Item:
    """Return a file, or a folder with the size of its content and the latest date in it."""
    stats = [path.lstat(), *(stat for _, stat in _walk([path]))]
    return Item(path, sum(stat.st_size for stat in stats), max(stat.st_mtime for stat in stats))


def _walk(folders: Iterable[Path]) -> Iterator[tuple[Path, os.stat_result]]:
    for folder in folders:
        for parent, _, names in os.walk(folder):
            for name in names:
                path = Path(parent, name)
                with suppress(OSError):  # another build has just removed it
                    yield path, path.lstat()


def _remove(path: Path) -> bool:
    """Remove a file or folder, and return whether that succeeded."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()
    return not path.exists()


def _remove_empty_folders(cache: Path, before: float) -> None:
    """Remove empty folders of wheels, except for those that a build has made since `before`."""
    for folder in (cache / "wheels", cache / "native" / "wheels"):
        for parent, _, _ in os.walk(folder, topdown=False):
            with suppress(OSError):
                if Path(parent).stat().st_mtime < before and parent != str(folder):
                    Path(parent).rmdir()  # fails unless it is empty


def _write_tag(cache: Path) -> None:
    make_private_cache(cache)
    (cache / CACHE_TAG).write_text(_SIGNATURE, "utf-8")

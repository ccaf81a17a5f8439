"""Keeps the cache from growing without end: what was not used for the longest goes first, and what broken builds left.

Nothing that a build under way may use goes: each file that a build opens is marked (`mark_used`), and what was marked in the
last hours stays. A build that misses a file all the same makes it again. Only files that are called as lambent calls them, in
its own folders, are ever looked at, since somebody may name any folder as the cache.
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

MAX = 2048 * MIB
_VARIABLE = "LAMBENT_CACHE_MAX"
_IN_USE_S = 2 * MARK_INTERVAL_S  # a mark may be an hour old, and a build may take another one
_LEFT_S = 24 * 3600
_OFTEN_S = 24 * 3600
_MUCH = 256 * MIB
_TAG = "CACHEDIR.TAG"  # https://bford.info/cachedir/; its date is that of the last pruning
_SIGNATURE = "Signature: 8a477f597d28d172789f06886806bc55\n# lambent's cache: `lambent cache clean` empties it.\n"
_FILES = ("wheels", "shards", "bytecode", "startup", "proofs", "locks", "runtime", "zips", "again", "native/wheels")
_WHOLE = ("uv-builds", "native/uv", "native/zig")  # caches of other programs, with an order of their own inside
_KEPT = ("runtimes",)  # the local Lambda's, which may be running
_NAMED = re.compile(r"(^|[/-])[0-9a-f]{16}")  # all files of ours are called by a digest
_LEFT = re.compile(r"(^|/)(\.new-|\.build-|partial/|work/build-)")
_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?([KMGT]?)i?B?", re.IGNORECASE)


class Item(Struct, frozen=True):
    """A file of the cache, or a folder that goes as a whole. `size` in bytes, `used` in seconds since 1970."""

    path: Path
    size: int
    used: float


class Pruned(Struct, frozen=True):
    """What went, and what is left, in bytes."""

    removed: int
    freed: int
    left: int


def limit(environ: Mapping[str, str]) -> int:
    """How large the cache may grow, in bytes. Raises UsageError for a size that is none."""
    said = environ.get(_VARIABLE, "")
    return size_of(said, _VARIABLE) if said else MAX


def size_of(text: str, where: str) -> int:
    """Bytes from "500MB" or "2 GB". Raises UsageError."""
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise UsageError(f"{text} is no size", where=where, hint=f"{where}={'500MB' if where == _VARIABLE else '2GB'}")
    return int(float(found[1]) * 1024 ** " KMGT".index(found[2].upper() or " "))


def after_build(cache: Path, environ: Mapping[str, str], written: int, emit: Emit) -> None:
    """Prunes once a day, or when a build has written much (bytes). Never fails a build."""
    tag = cache / _TAG
    try:
        pruned = tag.stat().st_mtime
    except OSError:
        with suppress(OSError):
            _tag(cache)
        return
    if time.time() - pruned < _OFTEN_S and written < _MUCH:
        return
    try:
        prune(cache, limit(environ))
    except UsageError as error:
        emit(Warned(f"the cache is not pruned: {error.what}", error.hint))
    except OSError:
        pass


def prune(cache: Path, most: int) -> Pruned:
    """Removes what is left over, and then what was not used for the longest until `most` bytes are left."""
    _tag(cache)
    now = time.time()
    freed = removed = 0
    for item in leftovers(cache):
        if item.used < now - _LEFT_S and _remove(item.path):
            freed, removed = freed + item.size, removed + 1
    there = sorted(items(cache), key=lambda item: item.used)
    total = sum(item.size for item in there)
    for item in there:
        if total <= most or item.used > now - _IN_USE_S:
            break
        if _remove(item.path):
            freed, removed, total = freed + item.size, removed + 1, total - item.size
    _sweep(cache, now - _IN_USE_S)
    return Pruned(removed, freed, total)


def clean(cache: Path) -> Pruned:
    """Removes all that is in the cache, whoever uses it. Raises PackagingError for a folder that is none."""
    if not cache.exists():
        return Pruned(0, 0, 0)
    if not (cache / _TAG).exists():
        raise PackagingError(
            f"{cache} is no cache of lambent's: it has no {_TAG}", where=str(cache), hint="name the one that builds are given"
        )
    there = [*items(cache), *leftovers(cache), *(_item(path) for name in _KEPT if (path := cache / name).is_dir())]
    gone = [item for item in there if _remove(item.path)]
    _sweep(cache, time.time())
    return Pruned(len(gone), sum(item.size for item in gone), sum(item.size for item in there) - sum(i.size for i in gone))


def items(cache: Path) -> Iterator[Item]:
    """All that a build has put there to be found again."""
    for name in _WHOLE:
        if (cache / name).is_dir():
            yield _item(cache / name)
    for path, stat in _walk(_own(cache)):
        if _NAMED.search(path.relative_to(cache).as_posix()) and not _LEFT.search(path.relative_to(cache).as_posix()):
            yield Item(path, stat.st_size, stat.st_mtime)


def leftovers(cache: Path) -> Iterator[Item]:
    """What builds that were killed did not remove, and downloads that nobody went on with."""
    folders = [cache, *_own(cache), cache / "wheels" / "partial", cache / "wheels" / "known", cache / "native" / "work"]
    for folder in folders:
        with suppress(OSError):
            for path in sorted(folder.iterdir()):
                if _LEFT.search(path.relative_to(cache).as_posix()):
                    yield _item(path)


def _own(cache: Path) -> list[Path]:
    return [cache / name for name in _FILES]


def _item(path: Path) -> Item:
    """A file, or all of a folder, as it was last changed anywhere in it."""
    stats = [path.lstat(), *(stat for _, stat in _walk([path]))]
    return Item(path, sum(each.st_size for each in stats), max(each.st_mtime for each in stats))


def _walk(folders: Iterable[Path]) -> Iterator[tuple[Path, os.stat_result]]:
    for folder in folders:
        for where, _, names in os.walk(folder):
            for name in names:
                path = Path(where, name)
                with suppress(OSError):  # another build's, and gone by now
                    yield path, path.lstat()


def _remove(path: Path) -> bool:
    """Whether it is gone. What cannot be removed is left."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()
    return not path.exists()


def _sweep(cache: Path, before: float) -> None:
    """Removes folders that are empty by now, unless another build has just made them."""
    for folder in (cache / "wheels", cache / "native" / "wheels"):
        for where, _, _ in os.walk(folder, topdown=False):
            with suppress(OSError):
                if Path(where).stat().st_mtime < before and where != str(folder):
                    Path(where).rmdir()  # refused while there is something in it


def _tag(cache: Path) -> None:
    cache.mkdir(parents=True, exist_ok=True)
    (cache / _TAG).write_text(_SIGNATURE, "utf-8")

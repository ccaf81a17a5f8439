"""Pruning removes the least recently used files first, and nothing that a build uses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lambent.errors import PackagingError, UsageError
from lambent.events import Event, Warned
from lambent.limits import MIB
from lambent.package import pruning
from lambent.package.cache import mark_used, read_json, write_json
from lambent.package.shards.shard_cache import open_shard
from lambent.package.shards.slim import SlimOptions
from support.wheel_files import TARGET, wheel

HOUR = 3600
DAY = 24 * HOUR


def put(cache: Path, name: str, size: int = 1000, ago: float = 0) -> Path:
    """Write a file of `size` bytes that was last used `ago` seconds ago."""
    path = cache / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    return aged(path, ago)


def aged(path: Path, ago: float) -> Path:
    os.utime(path, (time.time() - ago,) * 2)
    return path


def digest(number: int, length: int = 32) -> str:
    return f"{number:0{length}x}"


def test_least_recently_used_files_are_removed_first(tmp_path: Path) -> None:
    old = put(tmp_path, f"wheels/{digest(1, 64)}/demo-1-py3-none-any.whl", ago=9 * DAY)
    older = put(tmp_path, f"shards/{digest(2)}.zip", ago=10 * DAY)
    stays = [
        put(tmp_path, f"zips/shop-{digest(3, 16)}.zip", ago=8 * DAY),
        put(tmp_path, f"bytecode/{digest(4)}.zip", ago=7 * DAY),
    ]
    pruned = pruning.prune(tmp_path, 2000)
    assert (pruned.removed, pruned.freed, pruned.remaining) == (2, 2000, 2000)
    assert not old.exists() and not older.exists() and all(path.exists() for path in stays)


def test_recently_used_files_stay(tmp_path: Path) -> None:
    used = put(tmp_path, f"shards/{digest(1)}.zip", ago=1.5 * HOUR)
    old = put(tmp_path, f"shards/{digest(2)}.zip", ago=3 * HOUR)
    pruning.prune(tmp_path, 0)
    assert used.exists() and not old.exists()


def test_opened_shard_is_marked(tmp_path: Path) -> None:
    shards = [
        open_shard(wheel(tmp_path / "w", name, {f"{name}.py": "A = 1"}), TARGET, SlimOptions(), tmp_path) for name in ("a", "b")
    ]
    for shard in shards:
        shard.close()
        aged(shard.path, 9 * DAY)
    open_shard(shards[0].wheel, TARGET, SlimOptions(), tmp_path).close()
    pruning.prune(tmp_path, 0)
    assert shards[0].path.exists() and not shards[1].path.exists()


def test_file_that_was_read_is_marked(tmp_path: Path) -> None:
    path = tmp_path / "proofs" / f"{digest(7, 40)}.json"
    write_json(path, [1])
    aged(path, 9 * DAY)
    assert read_json(path) == [1]
    assert time.time() - path.stat().st_mtime < HOUR


def test_recent_mark_is_not_renewed(tmp_path: Path) -> None:
    path = put(tmp_path, "file", ago=HOUR / 2)
    before = path.stat().st_mtime_ns
    mark_used(path)
    assert path.stat().st_mtime_ns == before


def test_leftovers_are_removed_after_a_day(tmp_path: Path) -> None:
    old = [
        put(tmp_path, "shards/.new-abc", ago=2 * DAY),
        put(tmp_path, "zips/.new-abc", ago=2 * DAY),
        put(tmp_path, "wheels/known/.new-abc", ago=2 * DAY),
        put(tmp_path, f"wheels/partial/{digest(1)}", ago=2 * DAY),
        put(tmp_path, ".build-abc/out/demo.whl", ago=2 * DAY),
        put(tmp_path, "native/work/build-abc/from/x.c", ago=2 * DAY),
    ]
    for folder in (tmp_path / ".build-abc/out", tmp_path / ".build-abc", *old[-1].parents[:2]):
        aged(folder, 2 * DAY)
    new = [put(tmp_path, "shards/.new-def", ago=HOUR), put(tmp_path, f"wheels/partial/{digest(2)}", ago=HOUR)]
    pruning.prune(tmp_path, 10 * MIB)
    assert not [path for path in old if path.exists()]
    assert all(path.exists() for path in new)


def test_caches_of_tools_are_removed_as_a_whole(tmp_path: Path) -> None:
    old = put(tmp_path, "uv-builds/archive-v0/abc/file", ago=9 * DAY)
    new = put(tmp_path, "native/zig/o/abc/one.o", ago=9 * DAY)
    put(tmp_path, "native/zig/o/abc/two.o", ago=0)
    for folder in (*old.parents[:3],):
        aged(folder, 9 * DAY)
    pruning.prune(tmp_path, 0)
    assert not old.exists() and new.exists()


def test_foreign_files_are_not_touched(tmp_path: Path) -> None:
    """A user may run --cache-dir ~."""
    foreign = [put(tmp_path, name, ago=99 * DAY) for name in ("wheels/front.whl", "zips/holiday.zip", "notes.txt", "bench/x")]
    pruning.prune(tmp_path, 0)
    pruning.clean(tmp_path)
    assert all(path.exists() for path in foreign)


def test_old_empty_folders_are_removed(tmp_path: Path) -> None:
    old = put(tmp_path, f"wheels/{digest(1, 64)}/demo.whl", ago=9 * DAY)
    pruning.prune(tmp_path, 0)
    assert old.parent.exists()  # another build may be about to put its file there
    aged(old.parent, 9 * DAY)
    pruning.prune(tmp_path, 0)
    assert not old.parent.exists()


def test_build_prunes_once_a_day_or_after_many_bytes(tmp_path: Path) -> None:
    environ = {"LAMBENT_CACHE_MAX": "1kB"}
    emitted: list[Event] = []
    pruning.after_build(tmp_path, environ, 10**12, emitted.append)  # the first build: nothing to prune
    tag = tmp_path / "CACHEDIR.TAG"
    assert tag.read_text().startswith("Signature: 8a477f597d28d172789f06886806bc55")
    old = [put(tmp_path, f"shards/{digest(n)}.zip", 2000, ago=9 * DAY) for n in (1, 2)]
    pruning.after_build(tmp_path, environ, 0, emitted.append)
    assert all(path.exists() for path in old)
    pruning.after_build(tmp_path, environ, 512 * MIB, emitted.append)
    assert not any(path.exists() for path in old)
    old = [put(tmp_path, f"shards/{digest(n)}.zip", 2000, ago=9 * DAY) for n in (1, 2)]
    aged(tag, 2 * DAY)
    pruning.after_build(tmp_path, environ, 0, emitted.append)
    assert not any(path.exists() for path in old)
    assert not emitted


def test_invalid_size_limit_is_a_warning(tmp_path: Path) -> None:
    emitted: list[Event] = []
    pruning.after_build(tmp_path, {}, 0, emitted.append)
    pruning.after_build(tmp_path, {"LAMBENT_CACHE_MAX": "much"}, 512 * MIB, emitted.append)
    assert [event.text for event in emitted if isinstance(event, Warned)] == ["the cache wasn't pruned: not a size: much"]


@pytest.mark.parametrize(
    ("text", "expected"), [("0", 0), ("500MB", 500 * MIB), ("2 GB", 2048 * MIB), ("1.5g", 1536 * MIB), ("64KiB", 65536)]
)
def test_sizes_are_parsed(text: str, expected: int) -> None:
    assert pruning.size_of(text, "--max") == expected


def test_folder_without_tag_is_not_emptied(tmp_path: Path) -> None:
    existing = put(tmp_path, f"shards/{digest(1)}.zip")
    with pytest.raises(PackagingError, match=r"isn't a cache of lambent"):
        pruning.clean(tmp_path)
    assert existing.exists()
    with pytest.raises(UsageError):
        pruning.size_of("-1", "--max")


def test_cache_commands_remove_what_builds_cached(tmp_path: Path) -> None:
    app = tmp_path / "app"
    app.mkdir()
    (app / "lambda_function.py").write_text("import six\n\ndef lambda_handler(event, context):\n    return six.PY3\n")
    (app / "requirements.txt").write_text("six==1.17.0\n")
    cache = tmp_path / "cache"
    environ = os.environ | {"LAMBENT_CACHE": str(cache)}

    def lambent(*words: str) -> str:
        command = [sys.executable, "-m", "lambent", *words]
        return subprocess.run(command, env=environ, check=True, capture_output=True, text=True, timeout=120).stdout

    before = Path(lambent("build", str(app)).strip()).read_bytes()
    assert cache.stat().st_mode & 0o777 == 0o700
    own = [path for folder in ("zips", "shards", "locks") for path in (cache / folder).iterdir()]
    assert own
    assert [path for path in own if path.stat().st_mode & 0o077] == []
    assert lambent("cache", "dir").strip() == str(cache)
    pruned = json.loads(lambent("cache", "prune", "--max", "0", "--json"))
    assert (pruned["event"], pruned["removed"]) == ("CachePruned", 0)  # all of it was just used
    lambent("cache", "clean")
    assert [path.name for path in cache.rglob("*") if path.is_file()] == ["CACHEDIR.TAG"]
    assert Path(lambent("build", str(app)).strip()).read_bytes() == before

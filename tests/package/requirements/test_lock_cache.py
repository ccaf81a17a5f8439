"""A cached lock is used until something that decides the versions changes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lambent.package.requirements.discovery import pylock_path
from lambent.package.requirements.pylock import write_pylock
from lambent.package.requirements.resolve_request import ResolveOptions
from support.locking import make_target, offer, resolve_project, versions, write
from support.paths import TESTS
from support.registry import Registry, serving

TARGET = make_target("3.11")


@pytest.fixture
def registry() -> Iterator[Registry]:
    with serving() as running:
        yield running


@pytest.fixture
def project(tmp_path: Path, registry: Registry) -> Path:
    offer(registry, "demo", "1.0")
    return write(tmp_path / "app", {"requirements.txt": f"--index-url {registry.url}/simple\ndemo\n"})


def test_lock_is_cached_until_an_input_changes(project: Path, registry: Registry, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    assert not resolve_project(project, TARGET, cache).cached
    offer(registry, "demo", "2.0")
    requests = len(registry.requests)
    cached = resolve_project(project, TARGET, cache)
    assert cached.cached and versions(cached) == {"demo": "1.0"} and len(registry.requests) == requests
    assert versions(resolve_project(project, TARGET, cache, ResolveOptions(refresh=True))) == {"demo": "2.0"}
    assert versions(resolve_project(project, TARGET, cache)) == {"demo": "2.0"}
    assert not resolve_project(project, make_target("3.13"), cache).cached
    assert not resolve_project(project, TARGET, cache, environ={"UV_RESOLUTION": "lowest"}).cached
    assert resolve_project(project, TARGET, cache, environ={"UV_HTTP_TIMEOUT": "7"}).cached


def test_damaged_cache_file_is_replaced(project: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    resolve_project(project, TARGET, cache)
    (path,) = (cache / "locks").glob("*.json")
    path.write_bytes(path.read_bytes().replace(b"1.0", b"6.6"))
    resolution = resolve_project(project, TARGET, cache)
    assert not resolution.cached and versions(resolution) == {"demo": "1.0"}
    assert resolve_project(project, TARGET, cache).cached


def test_every_field_of_a_lock_is_cached(tmp_path: Path, registry: Registry) -> None:
    offer(registry, "base", requires=("demo; extra == 'one'",))
    offer(registry, "demo")
    write(tmp_path / "mine", {"pyproject.toml": '[project]\nname = "mine"\nversion = "1"\n', "mine.py": ""})
    text = f"--index-url {registry.url}/simple\nbase[one]\n-e ../mine\n"
    project = write(tmp_path / "app", {"requirements.txt": text})
    resolution = resolve_project(project, TARGET, tmp_path / "cache")
    assert resolve_project(project, TARGET, tmp_path / "cache").lock == resolution.lock


def test_cached_lock_starts_no_process_and_imports_little(project: Path, tmp_path: Path) -> None:
    resolve_project(project, TARGET, tmp_path / "cache")
    code = f"""
import subprocess, sys
sys.path.insert(0, {str(TESTS)!r})
subprocess.Popen = None
from pathlib import Path
from support.locking import make_target, resolve_project
resolution = resolve_project(Path({str(project)!r}), make_target("3.11"), Path({str(tmp_path / "cache")!r}))
assert resolution.cached
print([name for name in ("packaging", "tomli_w", "urllib3", "importlib.metadata") if name in sys.modules])
"""
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (process.stdout.strip(), process.stderr) == ("[]", "")


def test_credentials_are_used_and_not_stored(tmp_path: Path, registry: Registry) -> None:
    registry.login = "me:s3cret-word"
    for version, glibc in (("1.0", 17), ("2.0", 27)):
        offer(registry, "hidden", version, f"cp311-cp311-manylinux_2_{glibc}_x86_64")
    cache = tmp_path / "cache"
    url = f"{registry.url.replace('://', '://me:s3cret-word@')}/simple"
    project = write(tmp_path / "app", {"requirements.txt": f"--index-url {url}\nhidden\n"})
    resolution = resolve_project(project, TARGET, cache)
    assert versions(resolution) == {"hidden": "1.0"}, "lambent read the index as well, and excluded 2.0"
    assert resolution.lock.pins[0].index == f"{registry.url}/simple"
    write_pylock(resolution.lock, pylock_path(project, TARGET), TARGET)
    for path in [*(cache / "locks").iterdir(), pylock_path(project, TARGET)]:
        assert "s3cret" not in path.read_text() and "s3cret" not in path.name
    pylock_path(project, TARGET).unlink()
    write(project, {"requirements.txt": f"--index-url {url.replace('s3cret-word', 'an0ther')}\nhidden\n"})
    assert resolve_project(project, TARGET, cache).cached, "a new token doesn't change the key"

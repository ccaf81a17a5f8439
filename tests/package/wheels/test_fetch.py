"""Fetching the wheels of a lock: from the cache, a registry, or this disk."""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from lambent.errors import PackagingError
from lambent.events import Event, Warned
from lambent.package.lock import DistFile, Pin, Wheel
from lambent.package.requirements.discovery import RequirementSource
from lambent.package.requirements.resolve_request import ResolveRequest
from lambent.package.requirements.uv_errors import translate
from lambent.package.target import Target
from lambent.package.uv_command import Uv
from lambent.package.wheels.fetch import fetch
from lambent.package.wheels.fetch_context import FetchContext
from lambent.package.wheels.fetch_errors import build_failed
from support.registry import Registry, lock, sha256, wheel

TARGET = Target("3.13", "x86_64", (2, 34))
BIG = random.Random(4).randbytes(300_000)
QUICK = {"UV_HTTP_RETRIES": "1", "UV_HTTP_TIMEOUT": "5"}


@pytest.fixture
def context(tmp_path: Path) -> FetchContext:
    return FetchContext(tmp_path / "cache", QUICK, tmp_path)


def unused(wheel: Wheel) -> bool:
    return False


def partial_files(context: FetchContext) -> list[str]:
    """Return the names of incomplete files in the store."""
    return [path.name for path in context.cache.glob("**/partial/*") if path.suffix != ".lock"]


def content(context: FetchContext, *pins: Pin) -> list[bytes]:
    return [file.path.read_bytes() for file in fetch(lock(*pins), TARGET, context)]


def test_wheels_are_in_the_order_of_the_lock(registry: Registry, context: FetchContext) -> None:
    pins = [registry.offer(f"pkg{n}", payload=bytes([n]) * 1000) for n in range(12)]
    pins[3] = replace(pins[3], requested=True)
    wheels = fetch(lock(*pins), TARGET, context)
    assert [each.name for each in wheels] == [pin.name for pin in pins]
    assert [each.sha256 for each in wheels] == [sha256(each.path.read_bytes()) for each in wheels]
    assert [each.name for each in wheels if each.requested] == ["pkg3"]
    assert all(each.path.name == each.filename and not each.built for each in wheels)
    assert not partial_files(context)


def test_cached_wheel_needs_no_request(registry: Registry, context: FetchContext) -> None:
    pins = [registry.offer("one"), registry.offer("two")]
    first = fetch(lock(*pins), TARGET, context)
    requests = len(registry.requests)
    offline = replace(context, environ={"UV_OFFLINE": "1"})
    assert fetch(lock(*pins), TARGET, offline) == first
    assert len(registry.requests) == requests == 2


def test_rebuild_neither_imports_urllib3_nor_reads_wheels(registry: Registry, context: FetchContext) -> None:
    pin = registry.offer()
    (stored,) = fetch(lock(pin), TARGET, context)
    stored.path.unlink()  # it may even be missing
    program = (
        "import sys\nfrom pathlib import Path\n"
        "from lambent.package.lock import *\nfrom lambent.package.target import Target\n"
        "from lambent.package.wheels.fetch import fetch\nfrom lambent.package.wheels.fetch_context import FetchContext\n"
        f"context = FetchContext(Path({str(context.cache)!r}), {{}}, Path('.'))\n"
        f"wheels = fetch(Lock('x', ({pin!r},)), {TARGET!r}, context, lambda wheel: False)\n"
        f"assert wheels[0].sha256 == {stored.sha256!r}\n"
        "print([name for name in ('urllib3', 'packaging', 'http.client', 'ssl', 'concurrent.futures') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (run.stdout.strip(), run.stderr) == ("[]", "")
    assert len(registry.requests) == 1


@pytest.mark.parametrize("damage", ["truncated", "changed", "missing"])
def test_damaged_wheel_is_fetched_again_when_it_is_used(registry: Registry, context: FetchContext, damage: str) -> None:
    pin = registry.offer(payload=BIG)
    (stored,) = fetch(lock(pin), TARGET, context)
    whole = stored.path.read_bytes()
    if damage == "missing":
        stored.path.unlink()
    else:
        stored.path.write_bytes(whole[:1000] if damage == "truncated" else whole[:5000] + b"!" + whole[5001:])
    assert fetch(lock(pin), TARGET, context, unused) == (stored,)
    assert len(registry.requests) == 1
    assert fetch(lock(pin), TARGET, context) == (stored,)
    assert stored.path.read_bytes() == whole
    assert len(registry.requests) == 2


def test_hashes_and_names_cannot_escape_the_cache(registry: Registry, context: FetchContext, tmp_path: Path) -> None:
    pin = registry.offer()
    outside = (("sha256", "../../outside"),)
    with pytest.raises(PackagingError, match="is not the file that was locked"):
        fetch(lock(replace(pin, wheels=(replace(pin.wheels[0], hashes=outside),))), TARGET, context)
    with pytest.raises(PackagingError, match="has no wheel"):
        fetch(lock(replace(pin, wheels=(replace(pin.wheels[0], filename="../demo-1.0-py3-none-any.whl"),))), TARGET, context)
    sdist = replace(pin.wheels[0], filename="../../../demo-1.0.tar.gz")
    with pytest.raises(PackagingError, match="cannot unpack"):
        fetch(lock(Pin("demo", "1.0", sdist=sdist)), TARGET, context)
    assert [path.name for path in tmp_path.iterdir()] == ["cache"]


def test_missing_hash_is_a_warning(registry: Registry, context: FetchContext) -> None:
    events: list[Event] = []
    pin = registry.offer()
    unknown = replace(pin, wheels=(DistFile(pin.wheels[0].filename, pin.wheels[0].url),))
    (stored,) = fetch(lock(unknown), TARGET, replace(context, emit=events.append))
    assert stored.sha256 == sha256(wheel()[1])
    assert [event.text for event in events if isinstance(event, Warned)] == [
        "demo 1.0: the lock has no hash for demo-1.0-py3-none-any.whl, so it is not verified"
    ]


@pytest.mark.parametrize("damage", ["", "{", '{"sha256": "../../x", "filename": "y"}', '{"sha256": 7, "filename": 8}'])
def test_damaged_record_is_replaced(registry: Registry, context: FetchContext, damage: str) -> None:
    pin = registry.offer()
    unknown = replace(pin, wheels=(DistFile(pin.wheels[0].filename, pin.wheels[0].url),))
    first = fetch(lock(unknown), TARGET, context)
    (record,) = (context.cache / "wheels/known").iterdir()
    record.write_text(damage)
    assert fetch(lock(unknown), TARGET, context, unused) == first
    assert len(registry.requests) == 2


@pytest.mark.parametrize(
    ("name", "version", "message"),
    [("other", "1.0", "contains demo 1.0"), ("demo", "2.0", "contains demo 1.0")],
)
def test_wheel_of_another_package_is_refused(
    registry: Registry, context: FetchContext, name: str, version: str, message: str
) -> None:
    pin = replace(registry.offer(), name=name, version=version)
    with pytest.raises(PackagingError, match=message):
        fetch(lock(pin), TARGET, context)
    assert not partial_files(context)


def test_local_files_are_copied_when_they_change(tmp_path: Path, context: FetchContext) -> None:
    filename, data = wheel()
    folder = tmp_path / "with space"
    folder.mkdir()
    (folder / filename).write_bytes(data)
    pin = Pin("demo", "1.0", (DistFile(filename, (folder / filename).as_uri()),))
    offline = replace(context, environ={"UV_OFFLINE": "1"})
    assert content(offline, pin) == [data]
    changed = wheel(payload=b"edited")[1]
    (folder / filename).write_bytes(changed)
    assert content(offline, pin) == [changed]
    (folder / filename).unlink()
    with pytest.raises(PackagingError, match="cannot read demo-1"):
        content(offline, pin)


def test_offline_without_a_cached_file_is_an_error(registry: Registry, context: FetchContext) -> None:
    pins = [registry.offer("one"), registry.offer("two")]
    with pytest.raises(PackagingError, match=r"not in the cache: one 1\.0, two 1\.0"):
        fetch(lock(*pins), TARGET, replace(context, environ={"UV_OFFLINE": "true"}))
    assert not registry.requests


def test_full_disk_is_one_error_and_leaves_nothing(registry: Registry, context: FetchContext) -> None:
    pin = registry.offer(payload=BIG)
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limit[1]))
    try:
        with pytest.raises(PackagingError, match="cannot store the wheels: File too large"):
            fetch(lock(pin), TARGET, context)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, before)
    assert not [path for path in context.cache.rglob("*") if path.is_file() and path.stat().st_size]
    assert content(context, pin) == [wheel(payload=BIG)[1]]


def test_unwritable_cache_is_one_error(registry: Registry, tmp_path: Path) -> None:
    pin = registry.offer()
    (tmp_path / "cache").write_text("a file, not a folder")
    with pytest.raises(PackagingError, match="cannot store the wheels"):
        fetch(lock(pin), TARGET, FetchContext(tmp_path / "cache", os.environ, tmp_path))


def test_missing_wheel_for_the_target_lists_the_available_ones(context: FetchContext) -> None:
    files = tuple(DistFile(f"demo-1.0-cp3{n}-cp3{n}-manylinux_2_28_x86_64.whl", "https://example.org/") for n in (11, 12))
    with pytest.raises(PackagingError) as raised:
        fetch(lock(Pin("demo", "1.0", files)), Target("3.11", "x86_64", (2, 26)), context)
    assert raised.value.what == (
        "demo 1.0 has no wheel for python3.11 x86_64 (glibc 2.26); there are wheels for python3.11-3.12 x86_64 glibc 2.28"
    )
    assert raised.value.where == "requirements.txt"


_UV_OUTPUT = """\
error: Failed to download and build `docopt==0.6.2`
  cause: Failed to resolve requirements from `setup.py` build
  cause: Failed to write to the client cache
  cause: failed to write to file `/disk/uv-builds/simple/.tmp9Z`: No space left on device (os error 28)"""


@pytest.mark.parametrize(
    ("output", "where"),
    [
        (_UV_OUTPUT, "/disk/uv-builds/simple/.tmp9Z"),
        (
            "OSError: [Errno 28] No space left on device\nerror: Failed to build `demo`",
            "the cache, or the folder for temporary files",
        ),
    ],
    ids=["uv", "a build"],
)
def test_disk_that_fills_up_under_uv_is_reported(output: str, where: str, tmp_path: Path) -> None:
    source = RequirementSource("requirements.txt", None, "requirements.txt", tmp_path, tmp_path)
    request = ResolveRequest(source, TARGET, Uv(tmp_path, {}, tmp_path))
    for error in (translate(output, request), build_failed("docopt 0.6.2", TARGET, output)):
        assert (error.what, error.where) == ("cannot write: No space left on device", where)
        assert "--cache-dir" in error.hint
    assert "cannot write" not in build_failed("docopt 0.6.2", TARGET, "/bin/false").what

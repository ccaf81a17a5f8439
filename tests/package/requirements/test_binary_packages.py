"""A source that has to be compiled is replaced by the wheels that its authors publish under another name."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from lambent.errors import PackagingError
from lambent.events import Event, Notice
from lambent.package.requirements.resolve_request import ResolveOptions
from support.locking import chosen_files, make_target, offer, resolve_project, write
from support.registry import Registry, serving, sha256

TARGET = make_target("3.11")
BINARY = "psycopg2_binary-{}-cp311-cp311-manylinux_2_17_x86_64.whl"


def make_sdist(name: str, version: str) -> bytes:
    text = f"Metadata-Version: 2.2\nName: {name}\nVersion: {version}\n".encode()
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        entry = tarfile.TarInfo(f"{name}-{version}/PKG-INFO")
        entry.size = len(text)
        archive.addfile(entry, io.BytesIO(text))
    return content.getvalue()


@pytest.fixture
def registry() -> Iterator[Registry]:
    """psycopg2 as a source and a wheel for Windows, and psycopg2-binary in a newer version as well."""
    with serving() as running:
        for version in ("2.9.5", "2.9.9"):
            running.files[f"/files/psycopg2-{version}.tar.gz"] = make_sdist("psycopg2", version)
            offer(running, "psycopg2", version, "cp311-cp311-win_amd64")
        for version in ("2.9.5", "2.9.9", "2.9.10"):
            offer(running, "psycopg2-binary", version, "cp311-cp311-manylinux_2_17_x86_64")
            running.files[f"/files/psycopg2_binary-{version}.tar.gz"] = make_sdist("psycopg2_binary", version)
        yield running


def make_project(folder: Path, registry: Registry, *lines: str) -> Path:
    return write(folder, {"requirements.txt": "\n".join([f"--index-url {registry.url}/simple", *lines, ""])})


def test_binary_package_of_the_same_version_is_taken_and_said(tmp_path: Path, registry: Registry) -> None:
    events: list[Event] = []
    project = make_project(tmp_path / "app", registry, "psycopg2==2.9.5")
    resolution = resolve_project(project, TARGET, tmp_path / "cache", emit=events.append)
    assert chosen_files(resolution, TARGET) == {"psycopg2-binary": BINARY.format("2.9.5")}
    assert [pin.requested for pin in resolution.lock.pins] == [True]
    assert resolution.lock.omitted == ("psycopg2",)
    assert Notice("psycopg2 2.9.5 needs a compiler: using psycopg2-binary 2.9.5, its wheels") in events


def test_extra_of_psycopg_that_is_compiled_gets_the_one_that_is_not(tmp_path: Path, registry: Registry) -> None:
    offer(registry, "psycopg-binary", "3.2.3", "cp311-cp311-manylinux_2_17_x86_64")
    registry.files["/files/psycopg_c-3.2.3.tar.gz"] = make_sdist("psycopg_c", "3.2.3")
    resolution = resolve_project(make_project(tmp_path / "app", registry, "psycopg-c==3.2.3"), TARGET, tmp_path / "cache")
    assert set(chosen_files(resolution, TARGET)) == {"psycopg-binary"}


def test_project_that_requires_both_gets_its_own_binary_package(tmp_path: Path, registry: Registry) -> None:
    project = make_project(tmp_path / "app", registry, "psycopg2==2.9.5", "psycopg2-binary==2.9.10")
    resolution = resolve_project(project, TARGET, tmp_path / "cache")
    assert chosen_files(resolution, TARGET) == {"psycopg2-binary": BINARY.format("2.9.10")}


def test_next_patch_release_is_taken_where_the_same_version_does_not_fit(tmp_path: Path, registry: Registry) -> None:
    offer(registry, "psycopg2-binary", "2.9.10", "cp313-cp313-manylinux_2_17_x86_64")
    offer(registry, "psycopg2-binary", "3.0.0", "cp313-cp313-manylinux_2_17_x86_64")
    project = make_project(tmp_path / "app", registry, "psycopg2==2.9.5")
    target = make_target("3.13")
    resolution = resolve_project(project, target, tmp_path / "cache")
    assert chosen_files(resolution, target) == {"psycopg2-binary": BINARY.format("2.9.10").replace("311", "313")}


def test_nearest_newer_release_is_taken_where_there_is_no_binary_of_that_age(tmp_path: Path, registry: Registry) -> None:
    registry.files["/files/psycopg2-2.7.1.tar.gz"] = make_sdist("psycopg2", "2.7.1")
    project = make_project(tmp_path / "app", registry, "psycopg2==2.7.1")
    resolution = resolve_project(project, TARGET, tmp_path / "cache")
    assert chosen_files(resolution, TARGET) == {"psycopg2-binary": BINARY.format("2.9.5")}


def test_nearest_newer_release_is_taken_where_the_binary_fits_no_runtime(tmp_path: Path, registry: Registry) -> None:
    registry.files["/files/psycopg2-2.7.4.tar.gz"] = make_sdist("psycopg2", "2.7.4")
    offer(registry, "psycopg2-binary", "2.7.4", "cp36-cp36m-manylinux1_x86_64")
    project = make_project(tmp_path / "app", registry, "psycopg2==2.7.4")
    resolution = resolve_project(project, TARGET, tmp_path / "cache")
    assert chosen_files(resolution, TARGET) == {"psycopg2-binary": BINARY.format("2.9.5")}


def test_binary_package_without_a_wheel_for_the_target_rules_out_the_runtime(tmp_path: Path, registry: Registry) -> None:
    project = make_project(tmp_path / "app", registry, "psycopg2==2.9.5")
    with pytest.raises(PackagingError, match=r"psycopg2-binary 2\.9\.5 has no wheel for python3\.12"):
        resolve_project(project, make_target("3.12"), tmp_path / "cache")


def test_source_stays_where_its_hash_is_required_or_it_may_be_compiled(tmp_path: Path, registry: Registry) -> None:
    sdist = registry.files["/files/psycopg2-2.9.5.tar.gz"]
    project = make_project(tmp_path / "app", registry, f"psycopg2==2.9.5 --hash=sha256:{sha256(sdist)}")
    resolution = resolve_project(project, TARGET, tmp_path / "cache")
    assert chosen_files(resolution, TARGET) == {"psycopg2": "psycopg2-2.9.5.tar.gz"}
    project = make_project(tmp_path / "native", registry, "psycopg2==2.9.5")
    resolution = resolve_project(project, TARGET, tmp_path / "cache", ResolveOptions(native=True))
    assert chosen_files(resolution, TARGET) == {"psycopg2": "psycopg2-2.9.5.tar.gz"}


def test_driver_of_mysql_with_wheels_takes_the_place_of_the_one_that_has_none(tmp_path: Path, registry: Registry) -> None:
    registry.files["/files/mysqlclient-2.1.0.tar.gz"] = make_sdist("mysqlclient", "2.1.0")
    offer(registry, "pymysql", "1.1")
    events: list[Event] = []
    project = make_project(tmp_path / "app", registry, "mysqlclient==2.1.0")
    resolution = resolve_project(project, TARGET, tmp_path / "cache", emit=events.append)
    assert [pin.name for pin in resolution.lock.pins] == ["pymysql"] and resolution.lock.omitted == ("mysqlclient",)
    assert Notice("mysqlclient 2.1.0 needs a compiler: using pymysql 1.1 in its place") in events

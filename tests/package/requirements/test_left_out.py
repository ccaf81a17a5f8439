"""Packages that the zip doesn't need never stop a build."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from lambent.errors import PackagingError
from lambent.events import Event, Notice
from lambent.package.requirements.resolve import resolve
from lambent.package.requirements.resolve_request import ResolveOptions
from support.locking import make_request, make_target, offer, versions, write
from support.registry import Registry, serving

TARGET = make_target("3.13")


@pytest.fixture
def registry() -> Iterator[Registry]:
    with serving() as running:
        offer(running, "demo", requires=("needed",))
        offer(running, "needed")
        yield running


def make_project(folder: Path, registry: Registry, *lines: str) -> Path:
    return write(folder, {"requirements.txt": "\n".join([f"--index-url {registry.url}/simple", *lines, ""])})


def test_what_python_has_itself_is_never_resolved(tmp_path: Path, registry: Registry) -> None:
    events: list[Event] = []
    project = make_project(
        tmp_path / "app", registry, "demo", "uuid==1.30", "enum34; python_version < '4'", "pkg_resources==0.0.0"
    )
    request = make_request(project, TARGET, tmp_path / "cache", emit=events.append)
    assert versions(resolve(request, tmp_path / "cache")) == {"demo": "1.0", "needed": "1.0"}
    assert events == [
        Notice("enum34 is left out: Python 3.13 has enum itself"),
        Notice("pkg-resources is left out: it isn't a package, Debian's pip lists it by mistake"),
        Notice("uuid is left out: Python 3.13 has uuid itself"),
    ]


def test_server_without_a_wheel_is_left_out_unless_the_app_imports_it(tmp_path: Path, registry: Registry) -> None:
    offer(registry, "uwsgi", "2.0", "cp39-cp39-manylinux_2_17_x86_64")
    project, cache = make_project(tmp_path / "app", registry, "demo", "uwsgi"), tmp_path / "cache"
    request = make_request(project, TARGET, cache)
    resolution = resolve(request, cache)
    assert set(versions(resolution)) == {"demo", "needed"} and resolution.lock.omitted == ("uwsgi",)
    assert resolve(make_request(project, TARGET, cache), cache).cached
    importing = replace(make_request(project, TARGET, cache), imported=lambda modules: modules)
    with pytest.raises(PackagingError, match="uwsgi has no wheel"):
        resolve(importing, cache)


def test_without_leaves_out_what_only_that_package_needs(tmp_path: Path, registry: Registry) -> None:
    offer(registry, "shared")
    offer(registry, "large", requires=("only-large", "shared"))
    offer(registry, "only-large")
    project = make_project(tmp_path / "app", registry, "demo", "large", "shared")
    options = ResolveOptions(without=("Large",))
    resolution = resolve(make_request(project, TARGET, tmp_path / "cache", options), tmp_path / "cache")
    assert set(versions(resolution)) == {"demo", "needed", "shared"}
    assert resolution.lock.omitted == ("large", "only-large")

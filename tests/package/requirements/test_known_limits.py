"""Limits that old releases didn't declare."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lambent.events import Event, Notice
from lambent.package.lock import Pin
from lambent.package.requirements.known_limits import exceeded
from lambent.package.requirements.resolve import resolve
from lambent.package.unfit import UnfitError
from support.locking import make_request, make_sdist, make_target, offer, versions, write
from support.registry import Registry, serving

TARGET = make_target("3.11")
NEEDS = ("jinja2>=2.10.1", "itsdangerous>=0.24", "werkzeug>=0.15")


@pytest.fixture
def registry() -> Iterator[Registry]:
    with serving() as running:
        for version in ("1.1.1", "3.1"):
            offer(running, "flask", version, requires=NEEDS)
        for name, releases in {
            "jinja2": ("3.0.3", "3.1.6"),
            "itsdangerous": ("2.0.1", "2.2"),
            "werkzeug": ("2.0.3", "3.1"),
        }.items():
            for version in releases:
                offer(running, name, version)
        yield running


def resolved(folder: Path, registry: Registry, *lines: str) -> tuple[dict[str, str], list[Event]]:
    events: list[Event] = []
    project = write(folder / "app", {"requirements.txt": "\n".join([f"--index-url {registry.url}/simple", *lines, ""])})
    resolution = resolve(make_request(project, TARGET, folder / "cache", emit=events.append), folder / "cache")
    return versions(resolution), events


def test_old_release_gets_what_it_can_be_imported_with(tmp_path: Path, registry: Registry) -> None:
    pins, events = resolved(tmp_path, registry, "flask==1.1.1")
    assert pins == {"flask": "1.1.1", "itsdangerous": "2.0.1", "jinja2": "3.0.3", "werkzeug": "2.0.3"}
    older = "itsdangerous 2.0.1, jinja2 3.0.3, werkzeug 2.0.3"
    assert events == [Notice(f"{older}: this release of flask can't be imported with a later one")]


def test_runtime_without_a_wheel_below_a_limit_does_not_fit(tmp_path: Path, registry: Registry) -> None:
    """Otherwise uv would go back to a Flask that doesn't require it."""
    offer(registry, "flask", "0.1")
    for path in [path for path in registry.files if "itsdangerous-2.0.1" in path]:
        del registry.files[path]
    offer(registry, "itsdangerous", "1.0", "cp38-cp38-manylinux2014_x86_64")
    registry.files["/files/itsdangerous-1.0.tar.gz"] = make_sdist("itsdangerous")
    with pytest.raises(UnfitError) as refused:
        resolved(tmp_path, registry, "flask<2")
    assert [(blocker.name, blocker.version, blocker.pythons) for blocker in refused.value.blockers] == [
        ("itsdangerous", "1.0", {"3.8"})
    ]


def test_new_release_gets_the_newest(tmp_path: Path, registry: Registry) -> None:
    pins, events = resolved(tmp_path, registry, "flask")
    assert pins == {"flask": "3.1", "itsdangerous": "2.2", "jinja2": "3.1.6", "werkzeug": "3.1"} and not events


def test_what_the_user_pins_stays(tmp_path: Path, registry: Registry) -> None:
    pins, events = resolved(tmp_path, registry, "flask==1.1.1", "jinja2==3.1.6")
    assert pins["jinja2"] == "3.1.6" and not events


def test_lowest_limit_counts() -> None:
    pins = [Pin("flask", "2.1"), Pin("flask-login", "0.5.0"), Pin("werkzeug", "3.1"), Pin("flask-wtf", "")]
    assert [limit.requirement for limit in exceeded(pins).values()] == ["werkzeug<2.1"]

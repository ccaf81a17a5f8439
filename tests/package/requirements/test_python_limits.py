"""Releases that can't be imported on later Pythons."""

from __future__ import annotations

import pytest

from lambent.package.lock import Pin
from lambent.package.requirements.python_limits import python_blockers


@pytest.mark.parametrize(
    ("name", "version", "python", "fits"),
    [
        ("pydantic", "1.10.15", "3.12", False),
        ("pydantic", "1.10.16", "3.12", True),
        ("pydantic", "1.10.15", "3.11", True),
        ("sqlalchemy", "1.4.52", "3.13", True),
        ("sqlalchemy", "2.0.30", "3.13", False),
        ("sqlalchemy", "2.0.30", "3.12", True),
        ("sqlalchemy", "2.0.31", "3.13", True),
        ("sqlalchemy", "of-a-commit", "3.13", True),
    ],
)
def test_known_releases(name: str, version: str, python: str, fits: bool) -> None:
    assert (not list(python_blockers([Pin(name, version)], python))) is fits


def test_the_blocker_names_the_pythons_that_fit() -> None:
    (blocker,) = python_blockers([Pin("six", "1.15.0")], "3.13")
    assert blocker.fits("3.11") and not blocker.fits("3.12")


@pytest.mark.parametrize(("python", "fits"), [("3.10", True), ("3.11", False)])
def test_fastapi_fails_with_an_old_pydantic(python: str, fits: bool) -> None:
    pydantic, fastapi = Pin("pydantic", "1.8.2"), Pin("fastapi", "0.66.0")
    assert not list(python_blockers([pydantic], python))
    assert (not list(python_blockers([pydantic, fastapi], python))) is fits

"""Builds with an older setuptools than the newest."""

from __future__ import annotations

from pathlib import Path

import pytest

from lambent.package.old_setuptools import SetuptoolsSearch
from lambent.package.uv_command import UvError

NO_CONVERT_PATH = "ImportError: cannot import name 'convert_path' from 'setuptools' (/builds/setuptools/__init__.py)"
NO_DISTUTILS = "ModuleNotFoundError: No module named 'distutils'"
NO_FEATURE = "ImportError: cannot import name 'Feature' from 'setuptools' (/builds/setuptools/__init__.py)"
USE_2TO3 = "error in old setup command: use_2to3 is invalid."
NEEDS_COMPILER = "error: command '/bin/false' failed"


def failure(message: str, package: str = "old==1.0") -> str:
    return f"Failed to build `{package}`\n{message}"


class FakeUv:
    """A uv that fails with the next of its messages, and prints what limits setuptools once there are none left."""

    def __init__(self, *messages: str, **environ: str) -> None:
        self.environ, self.messages = environ, list(messages)
        self.limits: list[str] = []

    def run(self, *arguments: str, **variables: str) -> str:
        path = variables.get("UV_BUILD_CONSTRAINT")
        self.limits.append(Path(path).read_text("utf-8").strip() if path else "")
        if self.messages:
            raise UvError(self.messages.pop(0))
        return self.limits[-1]


def search(uv: FakeUv, python: str = "") -> SetuptoolsSearch:
    return SetuptoolsSearch(uv, python)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "message",
    [
        NO_CONVERT_PATH,
        "ModuleNotFoundError: No module named 'pkg_resources'",
        "error in old setup command: 'keywords' must be a list",
        "setuptools.errors.InvalidConfigError: Invalid dash-separated key 'description-file' in 'metadata'",
    ],
)
def test_setup_script_that_needs_an_older_setuptools_gets_it_and_later_builds_too(message: str) -> None:
    uv = FakeUv(failure(message))
    builds = search(uv)
    assert builds.run("build") == "setuptools<78"
    assert builds.run("build") == "setuptools<78" and uv.limits == ["", "setuptools<78", "setuptools<78"]


@pytest.mark.parametrize(
    ("message", "python", "limit"), [(NO_FEATURE, "3.9", "setuptools<46"), (USE_2TO3, "3.11", "setuptools<58")]
)
def test_setup_script_that_says_what_it_needs_gets_it_at_once(message: str, python: str, limit: str) -> None:
    uv = FakeUv(failure(message))
    assert search(uv, python).run("build") == limit and uv.limits == ["", limit]


@pytest.mark.parametrize(("message", "python"), [(NO_FEATURE, "3.10"), (USE_2TO3, "3.12")])
def test_python_where_no_such_setuptools_runs_is_given_up_at_once(message: str, python: str) -> None:
    uv = FakeUv(failure(message))
    with pytest.raises(UvError):
        search(uv, python).run("build")
    assert uv.limits == [""]


def test_other_failures_are_not_tried_again() -> None:
    for uv in (FakeUv(failure(NEEDS_COMPILER)), FakeUv(failure(NO_CONVERT_PATH), UV_BUILD_CONSTRAINT="own.txt")):
        with pytest.raises(UvError):
            search(uv).run("build")
        assert uv.limits == [""]


@pytest.mark.parametrize(
    ("messages", "raised"),
    [
        ([failure(NO_CONVERT_PATH)] * 4, failure(NO_CONVERT_PATH)),
        ([failure(NO_CONVERT_PATH), failure(NO_DISTUTILS)], failure(NO_DISTUTILS)),  # so an older Python is tried
        ([failure(NO_CONVERT_PATH), failure(NEEDS_COMPILER)], failure(NO_CONVERT_PATH)),
        (["error in shop setup command: 'name'", NO_DISTUTILS], "error in shop setup command: 'name'"),
        ([failure(NO_CONVERT_PATH), failure(NEEDS_COMPILER, "native==2.0")], failure(NEEDS_COMPILER, "native==2.0")),
    ],
)
def test_error_is_the_first_of_the_package_or_that_python_is_too_new(messages: list[str], raised: str) -> None:
    with pytest.raises(UvError) as caught:
        search(FakeUv(*messages)).run("build")
    assert caught.value.message == raised


def test_error_with_the_setuptools_that_was_needed_is_the_one_to_cure() -> None:
    uv = FakeUv(failure(NO_FEATURE), failure(NEEDS_COMPILER))
    with pytest.raises(UvError) as caught:
        search(uv, "3.9").run("build")
    assert caught.value.message == failure(NEEDS_COMPILER)

"""Builds with an older setuptools than the newest."""

from __future__ import annotations

from pathlib import Path

import pytest

from lambent.package.old_setuptools import SetuptoolsSearch
from lambent.package.uv_command import UvError

NO_CONVERT_PATH = "ImportError: cannot import name 'convert_path' from 'setuptools' (/builds/setuptools/__init__.py)"
NO_DISTUTILS = "ModuleNotFoundError: No module named 'distutils'"
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


def search(uv: FakeUv) -> SetuptoolsSearch:
    return SetuptoolsSearch(uv)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "message",
    [
        NO_CONVERT_PATH,
        "ModuleNotFoundError: No module named 'pkg_resources'",
        "error in old setup command: use_2to3 is invalid.",
        "setuptools.errors.InvalidConfigError: Invalid dash-separated key 'description-file' in 'metadata'",
    ],
)
def test_setup_script_that_needs_an_older_setuptools_gets_it_and_later_builds_too(message: str) -> None:
    uv = FakeUv(failure(message))
    builds = search(uv)
    assert builds.run("build") == "setuptools<78"
    assert builds.run("build") == "setuptools<78" and uv.limits == ["", "setuptools<78", "setuptools<78"]


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

"""What uv refuses, in lambent's words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lambent.errors import PackagingError
from lambent.package.requirements.uv_errors import translate
from lambent.package.unfit import UnfitError
from support.locking import make_request, make_target, offer, resolve_project, write
from support.registry import Registry, serving

TARGET = make_target("3.11")


@pytest.fixture
def registry() -> Iterator[Registry]:
    with serving() as running:
        offer(running, "demo", "1.0")
        offer(running, "demo", "2.0")
        yield running


@pytest.mark.parametrize(
    ("line", "what", "hint"),
    [
        ("demmo", "no such package: demmo", "spelling"),
        ("demo==9", "no version demo==9 for python3.11 x86_64", "a version that exists"),
        ("demo==1.0+cpu", "no version demo==1.0+cpu for python3.11 x86_64 on PyPI", "https://download.pytorch.org/whl/cpu"),
        ("demo==1.0.7", "no version demo==1.0.7 for python3.11 x86_64", "demo==1.0 instead of demo==1.0.7"),
        ("demo==1.0\ndemo==2.0", "the requirements conflict on python3.11 x86_64", "relax"),
        ("demo=>3", "cannot read a requirement", "one requirement on each line"),
        ("-r nothere.txt", "cannot read nothere.txt", "-r or -c"),
        ("./nothere", "no such file or folder", "correct the path"),
        ("x @ git+file:///nowhere/at/all", "cannot fetch with git: file:///nowhere/at/all", "check the URL"),
        ("x @ git+https://nowhere.invalid/x.git", "cannot fetch with git: https://nowhere.invalid/x.git", "check the URL"),
        ("./nothere.whl", "cannot read a requirement: The wheel filename `nothere.whl` is invalid", "one requirement"),
        ("-i http://127.0.0.1:9/simple", "cannot reach the package registry: http://127.0.0.1:9", "network"),
    ],
)
def test_error_names_the_line_and_the_fix(line: str, what: str, hint: str, tmp_path: Path, registry: Registry) -> None:
    text = f"demo\n{line}\n" if line.startswith("-i") else f"--index-url {registry.url}/simple\n{line}\n"
    project = write(tmp_path / "app", {"requirements.txt": text})
    with pytest.raises(PackagingError) as caught:
        resolve_project(project, TARGET, tmp_path / "cache")
    error = caught.value
    assert what in error.what and hint in error.hint and error.where.startswith("requirements.txt")


def test_pins_that_conflict_get_an_edit_that_was_tried(tmp_path: Path, registry: Registry) -> None:
    offer(registry, "web", requires=("helper>=2,!=2.5", "base<2"))
    offer(registry, "more", requires=("base<3",))
    for version in ("1.0", "2.0", "3.0"):
        offer(registry, "helper", version)
        offer(registry, "base", version)
    text = f"--index-url {registry.url}/simple\nhelper==1.0\nweb==1.0\nmore\nbase==3.0\n"
    project = write(tmp_path / "app", {"requirements.txt": text})
    with pytest.raises(PackagingError, match="the requirements conflict") as caught:
        resolve_project(project, TARGET, tmp_path / "cache")
    edits = dict(edit.split(" instead of ")[::-1] for edit in caught.value.hint.split(" and "))
    assert edits.keys() == {"helper==1.0", "base==3.0"}
    for old, new in edits.items():
        text = text.replace(old, new)
    (project / "requirements.txt").write_text(text)
    resolve_project(project, TARGET, tmp_path / "cache")


def test_refused_credentials_are_not_shown(tmp_path: Path, registry: Registry) -> None:
    registry.login = "me:s3cret-word"
    url = f"{registry.url.replace('://', '://me:wr0ng-word@')}/simple"
    project = write(tmp_path / "app", {"requirements.txt": f"--index-url {url}\ndemo\n"})
    with pytest.raises(PackagingError) as caught:
        resolve_project(project, TARGET, tmp_path / "cache")
    error = caught.value
    assert "refuses your credentials: 401" in error.what and "UV_INDEX_" in error.hint
    assert "wr0ng" not in f"{error.what}{error.where}{error.hint}{error.detail}"


@pytest.mark.parametrize(
    ("name", "output", "reason", "hint"),
    [
        (
            "requirements.txt",
            "ModuleNotFoundError: No module named 'numpy'",
            "its build imports numpy",
            "add the package with numpy",
        ),
        ("setup.py", "ValueError: bad", "ValueError: bad", "correct its source"),
        (
            "setup.py",
            "ModuleNotFoundError: No module named 'imp'",
            "its build imports imp, which Python 3.12",
            "install Python 3.11",
        ),
    ],
)
def test_source_on_this_machine_that_does_not_build_is_named(
    name: str, output: str, reason: str, hint: str, tmp_path: Path
) -> None:
    project = write(tmp_path / "app", {name: "./part\n# setup()\n", "part/setup.py": ""})
    message = f"error: The build backend returned an error\n  cause: Call to `x` failed (exit status: 1)\n\n         {output}\n"
    error = translate(message, make_request(project, TARGET, tmp_path / "cache"))
    part = "the project" if name == "setup.py" else "part"
    assert error.what.startswith(f"{part} doesn't build from its source: {reason}")
    assert error.where == name and error.hint.startswith(hint) and "pypi.org" not in error.hint


def test_package_for_another_python(tmp_path: Path) -> None:
    """uv 0.13's message for numpy 2.2.6 and Python 3.9."""
    message = (
        "error: No solution found when resolving dependencies\n"
        "  cause: Because the requested Python version (>=3.11.10) does not satisfy Python>=3.12,<4\n"
        "         and demo==2.2.6 depends on Python>=3.12,<4, we can conclude that demo==2.2.6 cannot be used."
    )
    project = write(tmp_path, {"requirements.txt": "demo\n"})
    error = translate(message, make_request(project, TARGET, tmp_path / "cache"))
    assert error.what == "demo==2.2.6 doesn't run on Python 3.11: it needs >=3.12,<4"
    assert "https://pypi.org/project/demo" in error.hint


def test_own_build_that_needs_an_older_python_rules_out_newer_runtimes(tmp_path: Path) -> None:
    message = (
        "The build backend returned an error\n  cause: Call to `setuptools.build_meta.get_requires_for_build_wheel` failed\n"
        "AttributeError: module 'pkgutil' has no attribute 'ImpImporter'. Did you mean: 'zipimporter'?\n"
    )
    project = write(tmp_path / "app", {"setup.cfg": "[metadata]\nname = shop\n[options]\n"})
    error = translate(message, make_request(project, make_target("3.13"), tmp_path / "cache"))
    assert isinstance(error, UnfitError) and error.blockers[0].fits("3.11") and not error.blockers[0].fits("3.12")
    assert (
        error.what == "the project doesn't build from its source: its build uses pkgutil.ImpImporter, which Python 3.12 removed"
    )

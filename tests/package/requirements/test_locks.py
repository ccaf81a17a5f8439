"""Locks of real tools (tests/data/locks: uv, Poetry 2.5 and 1.8, PDM 2.26, Pipenv), read for targets of all kinds."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from lambent.errors import PackagingError
from lambent.package.requirements.question import Options
from support.locking import DATA, files, listed, locked, pinned, target, write

SHOP = {"certifi", "charset-normalizer", "idna", "numpy", "pysocks", "requests", "urllib3"}


def copied(name: str, folder: Path) -> Path:
    return Path(shutil.copytree(DATA / name, folder / name))


TOOLS = ["poetry", "poetry1", "pdm", "pdm_static", "pipenv"]


@pytest.mark.parametrize("tool", TOOLS)
def test_the_same_project_in_the_lock_of_each_tool(tool: str) -> None:
    for to, names in ((target("3.10", "arm64"), SHOP | {"tomli"}), (target("3.13"), SHOP)):
        if tool == "pipenv" and "tomli" in names:  # locked with a Python that does not need it: "*"
            with pytest.raises(PackagingError, match=r"tomli is not locked for Python 3\.10"):
                listed(DATA / tool, to)
            continue
        found = {package.name: package for package in listed(DATA / tool, to)}
        assert set(found) == names, "markers are the target's: no colorama, tomli before 3.11 only"
        numpy = found["numpy"]
        assert numpy.version == "2.2.6" and (len(numpy.hashes) > 20 or (numpy.pin and len(numpy.pin.wheels) > 20))


@pytest.mark.parametrize("tool", ["poetry", "pdm_static"])
def test_the_files_of_a_lock(tool: str, tmp_path: Path) -> None:
    to = target("3.10", "arm64")
    found = locked(copied(tool, tmp_path), to, tmp_path / "cache")
    assert files(found, to)["numpy"].endswith("cp310-manylinux_2_17_aarch64.manylinux2014_aarch64.whl")
    pins = {pin.name: pin for pin in found.lock.pins}
    assert pins["numpy"].asked and not pins["urllib3"].asked
    assert all(wheel.hashes and wheel.url.startswith("https://") for pin in pins.values() for wheel in pin.wheels)


@pytest.mark.parametrize(
    ("tool", "options", "more"),
    [
        ("poetry", Options(extras=("yaml",)), "pyyaml"),
        ("poetry", Options(groups=("extra",)), "cowsay"),
        ("poetry1", Options(extras=("yaml",)), "pyyaml"),
        ("poetry1", Options(groups=("dev",)), "iniconfig"),
        ("pdm", Options(extras=("yaml",)), "pyyaml"),
        ("pdm", Options(groups=("dev",)), "iniconfig"),
        ("pipenv", Options(groups=("docs",)), "cowsay"),
        ("pipenv", Options(groups=("dev-packages",)), "iniconfig"),
    ],
)
def test_groups_and_extras_when_asked_for(tool: str, options: Options, more: str) -> None:
    assert {package.name for package in listed(DATA / tool, target(), options)} == SHOP | {more}


def test_only_files_whose_hash_the_lock_lists(tmp_path: Path) -> None:
    project = copied("pipenv", tmp_path)
    lock = "Pipfile.lock"
    text = (project / lock).read_text()
    start = text.index("certifi")
    end = text.index("charset", start)
    (project / lock).write_text(text[:start] + text[start:end].replace("sha256:", "sha256:00") + text[end:])
    with pytest.raises(PackagingError, match=r"no file of certifi .* is in the lock"):
        locked(project, target(), tmp_path / "cache")


@pytest.mark.parametrize(
    ("tool", "file", "old", "new", "command"),
    [
        ("poetry", "pyproject.toml", '"requests', '"flask>=3", "requests', "poetry lock"),
        ("poetry1", "pyproject.toml", "[tool.poetry.dependencies]", "[tool.poetry.dependencies]\nflask = '^3'", "poetry lock"),
        ("pdm", "pyproject.toml", '"requests', '"flask>=3", "requests', "pdm lock"),
        ("pipenv", "Pipfile", "[packages]", "[packages]\nflask = '*'", "pipenv lock"),
        ("uv/packages/web", "pyproject.toml", '"click>=8"', '"click>=8", "flask>=3"', "uv lock"),
        ("uv/packages/web", "pyproject.toml", '"click>=8"', '"click>=99"', "uv lock"),
    ],
)
def test_a_lock_that_is_out_of_date_is_refused(tool: str, file: str, old: str, new: str, command: str, tmp_path: Path) -> None:
    copied(tool.split("/")[0], tmp_path)
    changed = tmp_path / tool / file
    changed.write_text(changed.read_text().replace(old, new, 1))
    with pytest.raises(PackagingError, match=r"is out of date: it lacks (flask|click)") as refused:
        locked(tmp_path / tool, target(), tmp_path / "cache")
    assert refused.value.hint == command


def test_a_member_of_a_uv_workspace(tmp_path: Path) -> None:
    project = copied("uv", tmp_path) / "packages/web"
    found = locked(project, target("3.11", "arm64"), tmp_path / "cache")
    assert found.lock.source == "../../uv.lock"
    versions = pinned(found)
    assert versions["markupsafe"] == "2.1.5" and set(versions) == {"certifi", "click", "core", "markupsafe"}
    core = next(pin for pin in found.lock.pins if pin.name == "core")
    assert core.folder == project.parent / "core"
    to = target("3.14", "arm64")
    newer = locked(project, to, tmp_path / "cache")
    assert files(newer, to)["markupsafe"].startswith("markupsafe-3.0.3-cp314-cp314-manylinux")
    assert {pin.index for pin in newer.lock.pins} == {"", "https://pypi.org/simple"}
    assert pinned(locked(project, to, tmp_path / "cache", Options(extras=("old",))))["idna"] == "2.10"
    assert "iniconfig" in pinned(locked(project, to, tmp_path / "cache", Options(groups=("dev",))))
    whole = locked(tmp_path / "uv", to, tmp_path / "cache")
    assert pinned(whole) == versions | pinned(newer), "web is no package, and is not built"


def test_an_extra_or_group_that_is_not_there(tmp_path: Path) -> None:
    project = copied("uv", tmp_path) / "packages/web"
    for options, words in ((Options(extras=("nope",)), "extra"), (Options(groups=("nope",)), "group")):
        with pytest.raises(PackagingError, match=rf"no (dependency )?{words} nope"):
            locked(project, target(), tmp_path / "cache", options)


def test_what_only_one_tool_can_lock_is_said(tmp_path: Path) -> None:
    write(tmp_path / "a", {"pyproject.toml": '[tool.poetry.dependencies]\npython = "^3.11"\nflask = "^3"\n'})
    with pytest.raises(PackagingError, match="flask") as refused:
        locked(tmp_path / "a", target(), tmp_path / "cache")
    assert "poetry lock" in refused.value.hint
    write(tmp_path / "b", {"Pipfile": '[packages]\nflask = "*"\n'})
    with pytest.raises(PackagingError) as refused:
        locked(tmp_path / "b", target(), tmp_path / "cache")
    assert "pipenv lock" in refused.value.hint


@pytest.mark.parametrize("said", ['{"version": "*"}', '"*"', '{"markers": "python_version >= \'3\'"}', '{"version": ""}'])
def test_an_entry_of_a_pipfile_lock_without_a_version_is_refused(said: str, tmp_path: Path) -> None:
    """Older Pipenvs write one for what was not locked, and install then whatever is newest."""
    text = f'{{"_meta": {{"sources": []}}, "default": {{"idna": {said}}}, "develop": {{}}}}'
    write(tmp_path / "app", {"Pipfile": '[packages]\nidna = "*"\n', "Pipfile.lock": text, "main.py": ""})
    with pytest.raises(PackagingError, match="idna is not locked") as refused:
        locked(tmp_path / "app", target(), tmp_path / "cache")
    assert "pipenv --python 3.13 lock" in refused.value.hint and refused.value.where == "Pipfile.lock"


@pytest.mark.parametrize("tool", ["poetry", "pdm", "pipenv"])
def test_sources_that_are_no_index(tool: str, tmp_path: Path) -> None:
    """A tag, a folder of a branch, a folder, a file and an address, as each tool locks them."""
    project = Path(shutil.copytree(DATA / "sources" / tool, tmp_path / "apps" / tool))
    write(tmp_path, {"libpath/pyproject.toml": ""})
    found = {package.name: package.pin for package in listed(project, target())}
    assert set(found) == {"libgit", "libsub", "libpath", "libsdist", "libwheel"} and None not in found.values()
    pins = {name: pin for name, pin in found.items() if pin}
    git, sub = pins["libgit"].repository, pins["libsub"].repository
    assert git and git.url == "git://127.0.0.1:9481/libgit" and len(git.commit) == 40 and not git.subdirectory
    assert sub and sub.url == "git://127.0.0.1:9481/mono" and len(sub.commit) == 40 and sub.subdirectory == "sub"
    assert pins["libpath"].folder == (project / "../../libpath").resolve()
    sdist, wheel = pins["libsdist"].sdist, pins["libwheel"].wheels[0]
    assert (
        sdist
        and sdist.url == (project / "../../dist/libsdist-1.0.tar.gz").resolve().as_uri()
        and "sha256" in dict(sdist.hashes)
    )
    assert wheel.url == "http://127.0.0.1:8765/libwheel-1.0-py3-none-any.whl"

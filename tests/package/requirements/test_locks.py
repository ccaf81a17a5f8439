"""Locks made by other tools (tests/data/locks: uv, Poetry 2.5 and 1.8, PDM 2.26, Pipenv), read for several targets."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from lambent.errors import PackagingError
from lambent.package.requirements import pdm_lock, pipfile_lock, poetry_lock
from lambent.package.requirements.file_lookup import LockedPackage
from lambent.package.requirements.resolve_request import ResolveOptions
from lambent.package.target import Target
from support.locking import DATA, chosen_files, make_request, make_target, resolve_project, versions, write

SHOP = {"certifi", "charset-normalizer", "idna", "numpy", "pysocks", "requests", "urllib3"}
TOOLS = ["poetry", "poetry1", "pdm", "pdm_static", "pipenv"]
READERS = {
    "poetry.lock": poetry_lock.read_packages,
    "pdm.lock": pdm_lock.read_packages,
    "Pipfile.lock": pipfile_lock.read_packages,
}


def read_packages(project: Path, target: Target, options: ResolveOptions | None = None) -> tuple[LockedPackage, ...]:
    """Return the packages of a lock without URLs, before uv looks up their files."""
    request = make_request(project, target, project / "none", options)
    return READERS[request.source.kind](request)


def copy_data(name: str, folder: Path) -> Path:
    return Path(shutil.copytree(DATA / name, folder / name))


@pytest.mark.parametrize("tool", TOOLS)
def test_every_tools_lock_of_one_project_has_the_same_packages(tool: str) -> None:
    for target, names in ((make_target("3.10", "arm64"), SHOP | {"tomli"}), (make_target("3.13"), SHOP)):
        if tool == "pipenv" and "tomli" in names:  # its version is "*": the Python that locked doesn't need it
            with pytest.raises(PackagingError, match=r"tomli is not locked for Python 3\.10"):
                read_packages(DATA / tool, target)
            continue
        packages = {package.name: package for package in read_packages(DATA / tool, target)}
        assert set(packages) == names, "markers are the target's: no colorama, and tomli only before 3.11"
        numpy = packages["numpy"]
        assert numpy.version == "2.2.6" and (len(numpy.hashes) > 20 or (numpy.pin and len(numpy.pin.wheels) > 20))


@pytest.mark.parametrize("tool", ["poetry", "pdm_static"])
def test_files_of_a_lock_are_looked_up(tool: str, tmp_path: Path) -> None:
    target = make_target("3.10", "arm64")
    resolution = resolve_project(copy_data(tool, tmp_path), target, tmp_path / "cache")
    numpy = chosen_files(resolution, target)["numpy"]
    assert numpy.endswith("cp310-manylinux_2_17_aarch64.manylinux2014_aarch64.whl")
    pins = {pin.name: pin for pin in resolution.lock.pins}
    assert pins["numpy"].requested and not pins["urllib3"].requested
    assert all(wheel.hashes and wheel.url.startswith("https://") for pin in pins.values() for wheel in pin.wheels)


@pytest.mark.parametrize(
    ("tool", "options", "added"),
    [
        ("poetry", ResolveOptions(extras=("yaml",)), "pyyaml"),
        ("poetry", ResolveOptions(groups=("extra",)), "cowsay"),
        ("poetry1", ResolveOptions(extras=("yaml",)), "pyyaml"),
        ("poetry1", ResolveOptions(groups=("dev",)), "iniconfig"),
        ("pdm", ResolveOptions(extras=("yaml",)), "pyyaml"),
        ("pdm", ResolveOptions(groups=("dev",)), "iniconfig"),
        ("pipenv", ResolveOptions(groups=("docs",)), "cowsay"),
        ("pipenv", ResolveOptions(groups=("dev-packages",)), "iniconfig"),
    ],
)
def test_selected_groups_and_extras_are_added(tool: str, options: ResolveOptions, added: str) -> None:
    assert {package.name for package in read_packages(DATA / tool, make_target(), options)} == SHOP | {added}


def test_group_that_poetry_does_not_list_includes_others(tmp_path: Path) -> None:
    project = copy_data("poetry", tmp_path)
    pyproject = (project / "pyproject.toml").read_text()
    groups = '\n[dependency-groups]\nouter = [{ include-group = "inner" }]\ninner = ["requests"]\n'
    assert "[dependency-groups]" not in pyproject
    (project / "pyproject.toml").write_text(pyproject + groups)
    packages = read_packages(project, make_target(), ResolveOptions(groups=("outer",)))
    assert {package.name for package in packages} == SHOP


def test_files_whose_hash_is_not_in_the_lock_are_refused(tmp_path: Path) -> None:
    project = copy_data("pipenv", tmp_path)
    lock = project / "Pipfile.lock"
    text = lock.read_text()
    start = text.index("certifi")
    end = text.index("charset", start)
    lock.write_text(text[:start] + text[start:end].replace("sha256:", "sha256:00") + text[end:])
    with pytest.raises(PackagingError, match=r"Pipfile\.lock has none of the index's files of certifi"):
        resolve_project(project, make_target(), tmp_path / "cache")


STALE = pytest.mark.parametrize(
    ("tool", "file", "old", "new", "command"),
    [
        ("poetry", "pyproject.toml", '"requests', '"flask>=3", "requests', "poetry lock"),
        ("poetry1", "pyproject.toml", "[tool.poetry.dependencies]", "[tool.poetry.dependencies]\nflask = '^3'", "poetry lock"),
        ("pdm", "pyproject.toml", '"requests', '"flask>=3", "requests', "pdm lock"),
        ("pipenv", "Pipfile", "[packages]", "[packages]\nflask = '*'", "pipenv lock"),
    ],
)


@STALE
def test_stale_lock_is_refused(tool: str, file: str, old: str, new: str, command: str, tmp_path: Path) -> None:
    project = copy_data(tool, tmp_path)
    text = (project / file).read_text()
    assert old in text
    (project / file).write_text(text.replace(old, new, 1))
    with pytest.raises(PackagingError, match=r"is out of date: it lacks flask") as caught:
        resolve_project(project, make_target(), tmp_path / "cache")
    assert caught.value.hint == command


@STALE
def test_lock_that_only_lacks_a_tool_is_used(tool: str, file: str, old: str, new: str, command: str, tmp_path: Path) -> None:
    project = copy_data(tool, tmp_path)
    before = read_packages(project, make_target(), ResolveOptions())
    (project / file).write_text((project / file).read_text().replace(old, new.replace("flask", "pylint"), 1))
    assert read_packages(project, make_target(), ResolveOptions()) == before


def test_member_of_a_uv_workspace(tmp_path: Path) -> None:
    project = copy_data("uv", tmp_path) / "packages/web"
    cache = tmp_path / "cache"
    resolution = resolve_project(project, make_target("3.11", "arm64"), cache)
    assert resolution.lock.source == "../../uv.lock"
    old_python = versions(resolution)
    assert old_python["markupsafe"] == "2.1.5" and set(old_python) == {"certifi", "click", "core", "markupsafe"}
    core = next(pin for pin in resolution.lock.pins if pin.name == "core")
    assert core.folder == project.parent / "core"
    target = make_target("3.14", "arm64")
    newer = resolve_project(project, target, cache)
    assert chosen_files(newer, target)["markupsafe"].startswith("markupsafe-3.0.3-cp314-cp314-manylinux")
    assert {pin.index for pin in newer.lock.pins} == {"", "https://pypi.org/simple"}
    with_extra = resolve_project(project, target, cache, ResolveOptions(extras=("old",)))
    assert versions(with_extra)["idna"] == "2.10"
    assert "iniconfig" in versions(resolve_project(project, target, cache, ResolveOptions(groups=("dev",))))
    workspace = resolve_project(tmp_path / "uv", target, cache)
    assert versions(workspace) == old_python | versions(newer), "web is no package, so it isn't built"


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('"click>=8"', '"click>=8", "flask>=3"', "it lacks flask>=3"),
        ('"click>=8"', '"click>=99"', "it has click>=8, and the project click>=99"),
    ],
)
def test_stale_lock_of_a_uv_workspace_is_refused(old: str, new: str, reason: str, tmp_path: Path) -> None:
    project = copy_data("uv", tmp_path) / "packages/web"
    text = (project / "pyproject.toml").read_text()
    assert old in text
    (project / "pyproject.toml").write_text(text.replace(old, new, 1))
    with pytest.raises(PackagingError, match=rf"^\.\./\.\./uv\.lock is out of date: {reason}$") as caught:
        resolve_project(project, make_target(), tmp_path / "cache")
    assert caught.value.hint == "uv lock"


def test_unknown_extra_or_group_is_refused(tmp_path: Path) -> None:
    project = copy_data("uv", tmp_path) / "packages/web"
    for options, kind in ((ResolveOptions(extras=("nope",)), "extra"), (ResolveOptions(groups=("nope",)), "group")):
        with pytest.raises(PackagingError, match=rf"no (dependency )?{kind} nope"):
            resolve_project(project, make_target(), tmp_path / "cache", options)


@pytest.mark.parametrize("entry", ['{"version": "*"}', '"*"', '{"markers": "python_version >= \'3\'"}', '{"version": ""}'])
def test_pipfile_lock_entry_without_a_version_is_refused(entry: str, tmp_path: Path) -> None:
    """Older Pipenvs write one for a package that wasn't locked, and then install the newest version."""
    text = f'{{"_meta": {{"sources": []}}, "default": {{"idna": {entry}}}, "develop": {{}}}}'
    write(tmp_path / "app", {"Pipfile": '[packages]\nidna = "*"\n', "Pipfile.lock": text, "main.py": ""})
    with pytest.raises(PackagingError, match="idna is not locked") as caught:
        resolve_project(tmp_path / "app", make_target(), tmp_path / "cache")
    assert "pipenv --python 3.13 lock" in caught.value.hint and caught.value.where == "Pipfile.lock"


@pytest.mark.parametrize("tool", ["poetry", "pdm", "pipenv"])
def test_sources_other_than_an_index(tool: str, tmp_path: Path) -> None:
    """A tag, a folder of a branch, a folder, a file and a URL, as each tool locks them."""
    project = Path(shutil.copytree(DATA / "sources" / tool, tmp_path / "apps" / tool))
    write(tmp_path, {"libpath/pyproject.toml": ""})
    pins = {package.name: package.pin for package in read_packages(project, make_target()) if package.pin}
    assert set(pins) == {"libgit", "libsub", "libpath", "libsdist", "libwheel"}
    git, subdirectory = pins["libgit"].repository, pins["libsub"].repository
    assert git and git.url == "git://127.0.0.1:9481/libgit" and len(git.commit) == 40 and not git.subdirectory
    assert subdirectory and subdirectory.url == "git://127.0.0.1:9481/mono" and subdirectory.subdirectory == "sub"
    assert len(subdirectory.commit) == 40
    assert pins["libpath"].folder == (project / "../../libpath").resolve()
    sdist, wheel = pins["libsdist"].sdist, pins["libwheel"].wheels[0]
    assert sdist and sdist.url == (project / "../../dist/libsdist-1.0.tar.gz").resolve().as_uri()
    assert "sha256" in dict(sdist.hashes)
    assert wheel.url == "http://127.0.0.1:8765/libwheel-1.0-py3-none-any.whl"


def test_packages_that_old_poetry_never_locked_are_not_missing(tmp_path: Path) -> None:
    """Poetry before 1.3 left out what every virtual environment had."""
    lock = (
        '[[package]]\nname = "zope.interface"\nversion = "5.1.0"\n[package.dependencies]\n{} = "*"\n'
        '[metadata]\n[metadata.files]\n"zope.interface" = [{{file = "zope.interface-5.1.0.tar.gz", hash = "sha256:0"}}]\n'
    )
    pyproject = '[tool.poetry.dependencies]\npython = "^3.7"\n"zope.interface" = "^5"\n'
    project = write(tmp_path, {"pyproject.toml": pyproject, "poetry.lock": lock.format("setuptools")})
    (package,) = read_packages(project, make_target())
    assert package.name == "zope-interface"
    write(project, {"poetry.lock": lock.format("toml")})
    with pytest.raises(PackagingError, match="toml is not in the lock"):
        read_packages(project, make_target())

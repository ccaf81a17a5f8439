"""From a project's requirements to its lock, with the real uv and a registry on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lambent.errors import PackagingError
from lambent.events import Event, Notice
from lambent.package.lock import DistFile, Repository
from lambent.package.requirements.resolve_request import ResolveOptions
from lambent.package.target import Target
from lambent.package.unfit import UnfitError
from support.locking import chosen_files, commit_all, make_sdist, make_target, offer, resolve_project, versions, write
from support.registry import Registry, serving, sha256

AL2 = make_target("3.11")
"""Amazon Linux 2, with glibc 2.26."""
AL2023 = make_target("3.13")
TAG = "cp311-cp311-manylinux_2_{}_x86_64"


@pytest.fixture
def registry() -> Iterator[Registry]:
    with serving() as running:
        yield running


def make_project(folder: Path, registry: Registry, *lines: str) -> Path:
    return write(folder, {"requirements.txt": "\n".join([f"--index-url {registry.url}/simple", *lines, ""])})


def refusal(project: Path, target: Target, options: ResolveOptions | None = None) -> PackagingError:
    with pytest.raises(PackagingError) as caught:
        resolve_project(project, target, project.parent / "cache", options)
    return caught.value


def test_newest_version_whose_wheel_fits_the_exact_glibc_is_chosen(tmp_path: Path, registry: Registry) -> None:
    for version, glibc in (("1.0", 17), ("2.0", 24), ("2.1", 27), ("3.0", 28), ("4.0", 34)):
        offer(registry, "fast", version, TAG.format(glibc), ("plain",))
    offer(registry, "plain")
    resolution = resolve_project(make_project(tmp_path / "app", registry, "fast"), AL2, tmp_path / "cache")
    assert chosen_files(resolution, AL2) == {"fast": f"fast-2.0-{TAG.format(24)}.whl", "plain": "plain-1.0-py3-none-any.whl"}
    assert [(pin.name, pin.requested, pin.index) for pin in resolution.lock.pins] == [
        ("fast", True, f"{registry.url}/simple"),
        ("plain", False, f"{registry.url}/simple"),
    ]


def test_pin_without_a_fitting_wheel_is_refused_with_the_wheels_there_are(tmp_path: Path, registry: Registry) -> None:
    offer(registry, "fast", "1.0", TAG.format(17))
    offer(registry, "fast", "2.0", TAG.format(27))
    offer(registry, "fast", "2.0", "cp312-cp312-manylinux_2_27_aarch64")
    error = refusal(make_project(tmp_path / "app", registry, "fast==2.0"), AL2)
    assert error.what.startswith("fast 2.0 has no wheel for python3.11 x86_64 (glibc 2.26); there are wheels for python3.1")
    assert "glibc 2.27" in error.what and error.where == "requirements.txt"
    assert error.hint.startswith("fast==1.0, which has one")


def test_release_with_metadata_of_an_old_form_has_no_wheel_for_the_target(tmp_path: Path, registry: Registry) -> None:
    registry.files["/files/old-1.0.tar.gz"] = make_sdist("old", "fast (>=2011k)")
    offer(registry, "old", "1.0", "cp36-cp36m-manylinux1_x86_64", requires=("fast (>=2011k)",))
    offer(registry, "old", "1.1", TAG.format(17))
    error = refusal(make_project(tmp_path / "app", registry, "old==1.0"), AL2)
    assert error.what.startswith("old 1.0 has no wheel for python3.11") and error.hint.startswith("old==1.1, which has one")


def test_marker_behind_a_name_does_not_hide_it(tmp_path: Path, registry: Registry) -> None:
    """uv writes "fast{implementation_name != 'pypy'}==2.0 has no wheels"."""
    offer(registry, "fast", "1.0")
    offer(registry, "fast", "2.0", "cp312-cp312-manylinux_2_28_x86_64")
    offer(registry, "web", requires=("fast==2.0; implementation_name != 'pypy'",))
    error = refusal(make_project(tmp_path / "app", registry, "web==1.0"), AL2023)
    assert error.what.startswith("fast 2.0 has no wheel for python3.13 x86_64"), error.what


def test_error_names_another_architecture_and_knows_the_pythons_that_fit(tmp_path: Path, registry: Registry) -> None:
    offer(registry, "fast", "2.0", "cp313-cp313-manylinux_2_28_aarch64")
    offer(registry, "fast", "2.0", "cp312-cp312-manylinux_2_28_x86_64")
    error = refusal(make_project(tmp_path / "app", registry, "fast==2.0"), AL2023)
    assert isinstance(error, UnfitError) and "--arch arm64" in error.hint
    (blocker,) = error.blockers
    assert blocker.describe("3.13") == "fast 2.0 has no wheel for 3.13" and blocker.pythons == {"3.12"}
    error = refusal(make_project(tmp_path / "app", registry, "fast"), AL2023)
    assert isinstance(error, UnfitError) and error.blockers[0].pythons is None  # an older version may fit others


def test_error_names_the_newest_version_and_not_the_oldest_that_uv_blames(tmp_path: Path, registry: Registry) -> None:
    offer(registry, "fast", "1.0", "cp36-cp36m-manylinux2014_x86_64")
    offer(registry, "fast", "2.0", "cp313-cp313-manylinux_2_28_x86_64")
    error = refusal(make_project(tmp_path / "app", registry, "fast"), make_target("3.13", "arm64"))
    assert error.what.startswith("fast 2.0 has no wheel for python3.13 arm64") and "--arch x86_64" in error.hint


def test_markers_are_evaluated_for_the_target(tmp_path: Path, registry: Registry) -> None:
    for name in ("old", "new", "arm", "win"):
        offer(registry, name)
    lines = ["old; python_version < '3.12'", "new; python_full_version >= '3.12.2'", "arm; platform_machine == 'aarch64'"]
    project = make_project(tmp_path / "app", registry, *lines, "win; sys_platform == 'win32'")
    assert set(versions(resolve_project(project, AL2, tmp_path / "cache"))) == {"old"}
    assert set(versions(resolve_project(project, make_target("3.13", "arm64"), tmp_path / "cache"))) == {"new", "arm"}


def test_pure_source_is_accepted(tmp_path: Path, registry: Registry) -> None:
    registry.files["/files/pure-1.0.tar.gz"] = make_sdist("pure")
    resolution = resolve_project(make_project(tmp_path / "app", registry, "pure"), AL2, tmp_path / "cache")
    assert chosen_files(resolution, AL2) == {"pure": "pure-1.0.tar.gz"}


def test_native_source_is_accepted_only_with_native(tmp_path: Path, registry: Registry) -> None:
    registry.files["/files/native-1.0.tar.gz"] = make_sdist("native")
    offer(registry, "native", "1.0", "cp39-cp39-manylinux_2_17_x86_64")
    project = make_project(tmp_path / "app", registry, "native==1.0")
    error = refusal(project, AL2)
    assert "native 1.0 has no wheel" in error.what and "python3.9" in error.what and "--build-native" in error.hint
    resolution = resolve_project(project, AL2, tmp_path / "cache", ResolveOptions(native=True))
    assert chosen_files(resolution, AL2) == {"native": "native-1.0.tar.gz"}


def test_included_files_constraints_extras_and_find_links(tmp_path: Path, registry: Registry) -> None:
    for version in ("1.0", "2.0"):
        offer(registry, "limited", version)
    offer(registry, "extra-one")
    offer(registry, "base", "1.0", requires=("extra-one; extra == 'one'",))
    links = tmp_path / "app/wheels"
    links.mkdir(parents=True)
    elsewhere = Registry()
    offer(elsewhere, "linked")
    for path, content in elsewhere.files.items():
        (links / path.rsplit("/", 1)[-1]).write_bytes(content)
    lines = ["-r more/base.txt", "-c limits.txt", "--find-links wheels", "linked"]
    project = make_project(tmp_path / "app", registry, *lines)
    write(project, {"more/base.txt": "base[one]\n-r deeper.txt\n", "more/deeper.txt": "limited\n", "limits.txt": "limited<2\n"})
    resolution = resolve_project(project, AL2, tmp_path / "cache")
    assert versions(resolution) == {"base": "1.0", "extra-one": "1.0", "limited": "1.0", "linked": "1.0"}
    assert {pin.name for pin in resolution.lock.pins if pin.requested} == {"base", "limited", "linked"}
    write(project, {"limits.txt": "limited<3\n"})
    resolution = resolve_project(project, AL2, tmp_path / "cache")
    assert not resolution.cached and versions(resolution)["limited"] == "2.0"


def test_urls_folders_and_repositories(tmp_path: Path, registry: Registry) -> None:
    offer(registry, "direct")
    offer(registry, "needed")
    pyproject = '[project]\nname = "{}"\nversion = "1"\ndependencies = {}\n'
    for name in ("local", "cloned"):
        write(tmp_path / name, {"pyproject.toml": pyproject.format(name, '["needed"]'), f"{name}.py": ""})
    commit = commit_all(tmp_path / "cloned")
    url = f"{registry.url}/files/direct-1.0-py3-none-any.whl"
    lines = [f"direct @ {url}", "-e ../local", f"cloned @ git+file://{tmp_path}/cloned"]
    project = make_project(tmp_path / "app", registry, *lines)
    pins = {pin.name: pin for pin in resolve_project(project, AL2, tmp_path / "cache").lock.pins}
    digest = sha256(registry.files["/files/direct-1.0-py3-none-any.whl"])
    assert pins["direct"].wheels == (DistFile("direct-1.0-py3-none-any.whl", url, (("sha256", digest),)),)
    assert pins["local"].folder == tmp_path / "local"
    assert pins["cloned"].repository == Repository(f"file://{tmp_path}/cloned", commit)
    assert set(pins) == {"direct", "local", "cloned", "needed"}
    write(tmp_path / "local", {"pyproject.toml": pyproject.format("local", "[]")})
    assert not resolve_project(project, AL2, tmp_path / "cache").cached, "a local package's dependencies changed"


def test_project_itself_is_not_a_dependency(tmp_path: Path, registry: Registry) -> None:
    offer(registry, "needed")
    project = make_project(tmp_path / "app", registry, "-e .")
    write(project, {"pyproject.toml": '[project]\nname = "app"\nversion = "1"\ndependencies = ["needed"]\n', "app.py": ""})
    assert set(versions(resolve_project(project, AL2, tmp_path / "cache"))) == {"needed"}


def test_project_above_is_a_dependency(tmp_path: Path, registry: Registry) -> None:
    above = make_project(tmp_path / "shop", registry, "-e .")
    write(above, {"pyproject.toml": '[project]\nname = "shop"\nversion = "1"\n', ".git/HEAD": "", "examples/one/main.py": ""})
    assert set(versions(resolve_project(above / "examples/one", AL2, tmp_path / "cache"))) == {"shop"}


def test_pyproject_with_groups_and_extras(tmp_path: Path, registry: Registry) -> None:
    for name in ("base", "one", "two"):
        offer(registry, name)
    text = f"""
[project]
name = "app"
version = "1"
dependencies = ["base"]
optional-dependencies = {{ first = ["one"] }}
[dependency-groups]
second = [{{ include-group = "third" }}]
third = ["two"]
[[tool.uv.index]]
name = "own"
url = "{registry.url}/simple"
default = true
"""
    project = write(tmp_path / "app", {"pyproject.toml": text})
    assert set(versions(resolve_project(project, AL2, tmp_path / "cache"))) == {"base"}
    options = ResolveOptions(extras=("first",), groups=("second",))
    resolution = resolve_project(project, AL2, tmp_path / "cache", options)
    assert set(versions(resolution)) == {"base", "one", "two"}
    assert all(pin.requested for pin in resolution.lock.pins)
    error = refusal(project, AL2, ResolveOptions(extras=("other",)))
    assert (error.what, error.hint) == ("no extra other", "choose from first")


def test_script_uses_its_own_sources(tmp_path: Path, registry: Registry) -> None:
    offer(registry, "needed")
    offer(registry, "local", "9.0")
    pyproject = '[project]\nname = "local"\nversion = "1"\ndependencies = ["needed"]\n'
    write(tmp_path / "here", {"pyproject.toml": pyproject, "local.py": ""})
    lines = ["# /// script", '# dependencies = ["local"]', "# [tool.uv.sources]", '# local = { path = "here" }']
    lines += ["# [[tool.uv.index]]", f'# url = "{registry.url}/simple"', "# default = true", "# ///"]
    script = write(tmp_path, {"job.py": "\n".join(lines)}) / "job.py"
    resolution = resolve_project(script, AL2, tmp_path / "cache")
    assert {pin.name: pin.folder for pin in resolution.lock.pins} == {"local": tmp_path / "here", "needed": None}


def test_each_package_has_its_index(tmp_path: Path, registry: Registry) -> None:
    offer(registry, "first")
    with serving() as other:
        offer(other, "second")
        project = make_project(tmp_path / "app", registry, f"--extra-index-url {other.url}/simple", "first", "second")
        resolution = resolve_project(project, AL2, tmp_path / "cache")
        indexes = {pin.name: pin.index for pin in resolution.lock.pins}
        assert indexes == {"first": f"{registry.url}/simple", "second": f"{other.url}/simple"}


def test_ignored_files_are_named(tmp_path: Path, registry: Registry) -> None:
    offer(registry, "demo")
    project = make_project(tmp_path / "app", registry, "demo")
    write(project, {"pyproject.toml": '[project]\nname = "a"\nversion = "1"\ndependencies = ["other"]\n'})
    events: list[Event] = []
    resolve_project(project, AL2, tmp_path / "cache", emit=events.append)
    assert events == [Notice("using the dependencies in requirements.txt, ignoring pyproject.toml")]


def test_extra_index_counts_as_much_as_the_first_if_that_lacks_a_version(tmp_path: Path, registry: Registry) -> None:
    with serving() as extra:
        offer(registry, "demo", "2.0")
        offer(registry, "other", "1.0")
        offer(extra, "demo", "1.0")
        project = make_project(tmp_path / "app", registry, f"--extra-index-url {extra.url}/simple", "demo==2.0", "other")
        events: list[Event] = []
        resolution = resolve_project(project, AL2023, tmp_path / "cache", emit=events.append)
    assert versions(resolution) == {"demo": "2.0", "other": "1.0"}
    assert any(isinstance(event, Notice) and "as for pip" in event.text for event in events)


def test_module_of_python_that_no_index_has_is_left_out(tmp_path: Path, registry: Registry) -> None:
    offer(registry, "plain")
    events: list[Event] = []
    project = make_project(tmp_path / "app", registry, "threading", "plain")
    assert versions(resolve_project(project, AL2, tmp_path / "cache", emit=events.append)) == {"plain": "1.0"}
    assert Notice("threading is left out: it isn't a package, Python 3.11 has it itself") in events


def test_ranges_without_a_comma_are_read_as_older_pips_did(tmp_path: Path, registry: Registry) -> None:
    for version in ("1.0", "2.0", "3.0"):
        offer(registry, "plain", version)
    project = make_project(tmp_path / "app", registry, "plain>=1.5<3.0")
    assert versions(resolve_project(project, AL2, tmp_path / "cache")) == {"plain": "2.0"}

"""Wheels built from sources: real builds of small packages, as distributions, folders and commits."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from lambent.errors import PackagingError
from lambent.events import Event, Warned
from lambent.package.lock import DistFile, Pin, Repository, Wheel
from lambent.package.target import Target
from lambent.package.wheels import fetch_errors, source_tree
from lambent.package.wheels.fetch import fetch
from lambent.package.wheels.fetch_context import FetchContext
from support.registry import Registry, lock, serving, sha256

TARGET = Target("3.11", "x86_64", (2, 26))
SETUPTOOLS = '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
FLIT = '[build-system]\nrequires = ["flit_core"]\nbuild-backend = "flit_core.buildapi"\n'
PROJECT = '[project]\nname = "demo"\nversion = "1.0"\ndescription = "a demo"\nrequires-python = ">=3.9"\n'
C_PART = """
from setuptools import Extension, setup
setup(py_modules=["demo"], ext_modules=[Extension("fast", ["fast.c"])])
"""
C_PART_THAT_MAY_FAIL = """
from setuptools import Extension, setup
try:
    setup(py_modules=["demo"], ext_modules=[Extension("fast", ["fast.c"])])
except SystemExit:  # as simplejson and markupsafe do
    setup(py_modules=["demo"])
"""


@pytest.fixture(scope="module")
def caches(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """uv's cache for what builds require: fetched once for all tests of this file."""
    return tmp_path_factory.mktemp("uv-builds")


@pytest.fixture
def told() -> list[Event]:
    return []


@pytest.fixture
def context(tmp_path: Path, caches: Path, told: list[Event]) -> FetchContext:
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / "uv-builds").symlink_to(caches)
    project = tmp_path / "project"
    project.mkdir()
    return FetchContext(cache, os.environ, project, told.append)


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def package(folder: Path, backend: str = FLIT, **more: str) -> Path:
    return write(folder, {"pyproject.toml": backend + PROJECT, "demo.py": "WHERE = 'first'\n", **more})


def sdist(files: dict[str, str], name: str = "demo-1.0") -> tuple[str, bytes]:
    """A source distribution with these files."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for path, text in {"PKG-INFO": "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n", **files}.items():
            info = tarfile.TarInfo(f"{name}/{path}")
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))
    return f"{name}.tar.gz", packed.getvalue()


def read(wheel: Wheel, name: str) -> str:
    with zipfile.ZipFile(wheel.path) as archive:
        return archive.read(name).decode()


def one(context: FetchContext, pin: Pin, target: Target = TARGET) -> Wheel:
    (wheel,) = fetch(lock(pin), target, context)
    return wheel


def builds(told: list[Event]) -> int:
    return sum("built demo" in getattr(event, "step", "") for event in told)


@pytest.fixture
def registry() -> Iterator[Registry]:
    with serving() as there:
        yield there


def offer(registry: Registry, files: dict[str, str]) -> Pin:
    name, data = sdist(files)
    registry.files[f"/files/{name}"] = data
    file = DistFile(name, f"{registry.url}/files/{name}", (("sha256", sha256(data)),), len(data))
    return Pin("demo", "1.0", sdist=file)


def test_a_source_distribution_becomes_a_wheel_once(registry: Registry, context: FetchContext, told: list[Event]) -> None:
    pin = offer(registry, {"pyproject.toml": FLIT + PROJECT, "demo.py": '"""X."""\n'})
    wheel = one(context, pin)
    assert (wheel.filename, wheel.version, wheel.built) == ("demo-1.0-py3-none-any.whl", "1.0", True)
    assert read(wheel, "demo.py") == '"""X."""\n'
    assert one(context, pin) == wheel
    assert one(replace(context, environ={"UV_OFFLINE": "1"}), pin) == wheel
    assert (builds(told), len(registry.requests)) == (1, 1)


def test_a_built_wheel_that_is_damaged_is_built_again_from_the_cached_source(
    registry: Registry, context: FetchContext, told: list[Event]
) -> None:
    pin = offer(registry, {"pyproject.toml": FLIT + PROJECT, "demo.py": '"""Demo."""\n'})
    wheel = one(context, pin)
    whole = wheel.path.read_bytes()
    wheel.path.write_bytes(whole[:100])
    (known,) = fetch(lock(pin), TARGET, context, lambda wheel: False)
    assert (known, builds(told)) == (wheel, 1)
    assert one(context, pin).path.read_bytes() == whole  # the same bytes as well
    assert (builds(told), len(registry.requests)) == (2, 1)


def test_a_setup_py_alone_will_do(registry: Registry, context: FetchContext) -> None:
    setup = "from setuptools import setup\nsetup(name='demo', version='1.0', py_modules=['demo'])\n"
    assert one(context, offer(registry, {"setup.py": setup, "demo.py": ""})).filename == "demo-1.0-py3-none-any.whl"


def test_a_folder_is_built_when_it_changes_and_left_as_it_is(tmp_path: Path, context: FetchContext, told: list[Event]) -> None:
    folder = package(tmp_path / "lib", **{"demo.py": '"""First."""\n'})
    before = sorted(path.name for path in folder.rglob("*"))
    pin = Pin("demo", "1.0", folder=folder)
    first = one(context, pin)
    os.utime(folder / "demo.py", (1, 1))
    assert one(context, pin) == first
    (folder / "demo.py").write_text('"""Second."""\n')
    second = one(context, pin)
    assert (read(first, "demo.py"), read(second, "demo.py")) == ('"""First."""\n', '"""Second."""\n')
    assert builds(told) == 2
    assert sorted(path.name for path in folder.rglob("*")) == before
    (folder / "demo.py").write_text('"""First."""\n')
    assert one(context, pin) == first
    assert builds(told) == 2


@pytest.mark.parametrize("backend", [FLIT, SETUPTOOLS], ids=["flit", "setuptools"])
def test_the_same_tree_gives_the_same_bytes(tmp_path: Path, context: FetchContext, backend: str) -> None:
    there = [package(tmp_path / name / "lib", backend, **{"demo.py": '"""Demo."""\n'}) for name in ("one", "two")]
    os.utime(there[1] / "demo.py", (1_000_000_000, 1_000_000_000))
    apart = replace(context, cache=tmp_path / "another")
    apart.cache.mkdir()
    (apart.cache / "uv-builds").symlink_to(context.cache / "uv-builds")
    first = one(context, Pin("demo", "1.0", folder=there[0]))
    second = one(apart, Pin("demo", "1.0", folder=there[1]))
    assert first.sha256 == second.sha256


def test_what_an_earlier_build_left_does_not_come_along(tmp_path: Path, context: FetchContext) -> None:
    old = "build/lib/removed.py"
    folder = package(tmp_path / "lib", SETUPTOOLS, **{old: "", "src/demo/__init__.py": "", "demo.py": ""})
    (folder / "pyproject.toml").write_text(SETUPTOOLS + PROJECT + '[tool.setuptools]\npy-modules = ["demo"]\n')
    before = sorted(path.relative_to(folder) for path in folder.rglob("*"))
    with zipfile.ZipFile(one(context, Pin("demo", "1.0", folder=folder)).path) as archive:
        assert "removed.py" not in archive.namelist()
    assert sorted(path.relative_to(folder) for path in folder.rglob("*")) == before


def test_links_of_a_folder_are_followed_but_not_in_circles(tmp_path: Path, context: FetchContext) -> None:
    (tmp_path / "README.md").write_text("read me")
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared/data.txt").write_text("first")
    more = 'readme = "README.md"\n[tool.setuptools.packages.find]\n[tool.setuptools.package-data]\ndemo = ["shared/*"]\n'
    folder = write(tmp_path / "lib", {"pyproject.toml": SETUPTOOLS + PROJECT + more, "demo/__init__.py": ""})
    (folder / "README.md").symlink_to("../README.md")
    (folder / "demo/shared").symlink_to("../../shared")
    (folder / "demo/self").symlink_to("../demo")
    (folder / "nowhere").symlink_to("/nowhere/at/all")
    first = one(context, Pin("demo", "1.0", folder=folder))
    assert read(first, "demo/shared/data.txt") == "first"
    assert "read me" in read(first, "demo-1.0.dist-info/METADATA")
    before = source_tree.digest(folder)
    (tmp_path / "shared/data.txt").write_text("second")
    assert source_tree.digest(folder) != before


def test_a_folder_that_is_not_there(tmp_path: Path, context: FetchContext) -> None:
    with pytest.raises(PackagingError, match="the folder of a package does not exist") as raised:
        one(context, Pin("demo", "1.0", folder=tmp_path / "gone"))
    assert raised.value.where == str(tmp_path / "gone")


SCM = '[build-system]\nrequires = ["setuptools", "setuptools-scm"]\nbuild-backend = "setuptools.build_meta"\n'
SCM += "[tool.setuptools_scm]\n"
VCS = '[build-system]\nrequires = ["hatchling", "hatch-vcs"]\nbuild-backend = "hatchling.build"\n'
VCS += '[tool.hatch.version]\nsource = "vcs"\n[tool.hatch.build]\ninclude = ["demo.py"]\n'


@pytest.mark.parametrize("backend", [SCM, VCS], ids=["setuptools-scm", "hatch-vcs"])
def test_a_version_from_tags_is_the_one_that_was_locked(tmp_path: Path, context: FetchContext, backend: str) -> None:
    project = '[project]\nname = "demo"\ndynamic = ["version"]\n'
    folder = write(tmp_path / "lib", {"pyproject.toml": backend + project, "demo.py": ""})
    assert one(context, Pin("demo", "2.5", folder=folder)).version == "2.5"


def test_c_code_without_a_compiler_comes_out_pure_and_that_is_said(
    registry: Registry, context: FetchContext, told: list[Event]
) -> None:
    files = {"setup.py": C_PART_THAT_MAY_FAIL, "fast.c": "int fast;\n", "demo.py": ""}
    wheel = one(context, offer(registry, {"pyproject.toml": SETUPTOOLS + PROJECT, **files}))
    assert wheel.filename == "demo-1.0-py3-none-any.whl"
    (warned,) = [event for event in told if isinstance(event, Warned)]
    assert warned.text.startswith("demo 1.0 was built without its compiled part (fast.c)")


def test_c_code_that_must_be_compiled_is_refused(registry: Registry, context: FetchContext) -> None:
    files = {"setup.py": C_PART, "fast.c": "int fast;\n", "demo.py": ""}
    with pytest.raises(PackagingError) as raised:
        one(context, offer(registry, {"pyproject.toml": SETUPTOOLS + PROJECT, **files}))
    assert raised.value.what == ("demo 1.0 has no wheel for python3.11 x86_64 (glibc 2.26), and its source needs a compiler")
    assert raised.value.hint == "use a package that has wheels, or build it for the target: --build-native"
    assert "/bin/false" in raised.value.detail
    assert fetch_errors.build_failed("python-ldap 3.4", Target("3.11", "x86_64", (2, 26)), "/bin/false").hint.startswith(
        "use ldap3, or"
    )
    assert (
        fetch_errors.build_failed("mysqlclient 2.2", Target("3.11", "x86_64", (2, 26)), "pkg-config").hint
        == "see the output of the build below, or use pymysql"
    )


def test_machine_code_in_a_wheel_that_says_it_is_for_any(tmp_path: Path, context: FetchContext) -> None:
    more = '[tool.setuptools]\npackages = ["demo"]\n[tool.setuptools.package-data]\ndemo = ["*"]\n'
    folder = write(tmp_path / "lib", {"pyproject.toml": SETUPTOOLS + PROJECT + more, "demo/__init__.py": ""})
    (folder / "demo/helper").write_bytes(b"\x7fELF" + bytes(60))
    with pytest.raises(PackagingError, match="gives code for this machine only"):
        one(context, Pin("demo", "1.0", folder=folder))


def test_with_a_native_build_at_hand_it_gets_the_source_and_a_pure_package_does_not(
    registry: Registry, tmp_path: Path, context: FetchContext
) -> None:
    asked: list[tuple[list[str], str]] = []

    def native(source: Path, name: str, digest: str) -> Path:
        asked.append((sorted(path.name for path in source.iterdir()), name))
        made = tmp_path / "made/demo-1.0-cp311-cp311-manylinux_2_17_x86_64.whl"
        made.parent.mkdir()
        with zipfile.ZipFile(made, "w") as archive:
            archive.writestr("demo-1.0.dist-info/WHEEL", "")
        return made

    able = replace(context, native=native)
    files = {"setup.py": C_PART_THAT_MAY_FAIL, "fast.c": "int fast;\n", "demo.py": ""}
    pin = offer(registry, {"pyproject.toml": SETUPTOOLS + PROJECT, **files})
    elsewhere = (DistFile("demo-1.0-cp311-cp311-win_amd64.whl", "https://example.org/"),)
    wheel = one(able, replace(pin, wheels=elsewhere))
    assert wheel.filename == "demo-1.0-cp311-cp311-manylinux_2_17_x86_64.whl"
    assert asked == [(["PKG-INFO", "demo.py", "fast.c", "pyproject.toml", "setup.py"], "demo 1.0")]
    assert (tmp_path / "made" / wheel.filename).exists()  # it is kept there as well
    pure = one(able, Pin("demo", "1.0", folder=package(tmp_path / "lib", **{"demo.py": '"""Demo."""\n'})))
    assert pure.filename.endswith("-none-any.whl")
    assert len(asked) == 1


def test_native_wheels_elsewhere_mean_that_a_build_is_not_tried(registry: Registry, context: FetchContext) -> None:
    pin = offer(registry, {"pyproject.toml": FLIT + PROJECT, "demo.py": '"""Demo."""\n'})
    elsewhere = (DistFile("demo-1.0-cp311-cp311-win_amd64.whl", "https://example.org/"),)
    with pytest.raises(PackagingError, match=r"demo 1\.0 has no wheel for .*; there are wheels for Windows"):
        one(context, replace(pin, wheels=elsewhere))
    assert not registry.requests


def test_a_failing_build_shows_its_last_words(registry: Registry, context: FetchContext) -> None:
    setup = "for n in range(100): print('noise', n)\nraise ValueError('the moon is in the wrong phase')\n"
    with pytest.raises(PackagingError, match=r"cannot build demo 1\.0 from its source") as raised:
        one(context, offer(registry, {"pyproject.toml": SETUPTOOLS + PROJECT, "setup.py": setup}))
    assert "ValueError: the moon is in the wrong phase" in raised.value.detail.splitlines()
    assert len(raised.value.detail.splitlines()) <= 20
    assert not [path for path in context.cache.iterdir() if path.name.startswith(".build-")]


def git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=me", "-c", "user.email=me@example.org", "-c", "commit.gpgsign=false")
    run = subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return run.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> tuple[Path, list[str]]:
    """A repository with a package in the folder `lib`, and its two commits."""
    top = tmp_path / "repository"
    top.mkdir()
    git(top, "init", "-q")
    commits = []
    for text in ("First", "Second"):
        package(top / "lib", **{"demo.py": f'"""{text}."""\n'})
        git(top, "add", ".")
        git(top, "commit", "-q", "-m", text)
        commits.append(git(top, "rev-parse", "HEAD"))
    return top, commits


@pytest.mark.parametrize("length", [40, 10], ids=["whole", "short"])
def test_a_commit_is_checked_out_exactly(repository: tuple[Path, list[str]], context: FetchContext, length: int) -> None:
    top, commits = repository
    for commit, text in zip(commits, ("First", "Second"), strict=True):
        wheel = one(context, Pin("demo", "1.0", repository=Repository(top.as_uri(), commit[:length], "lib")))
        assert read(wheel, "demo.py") == f'"""{text}."""\n'


def test_a_commit_is_fetched_once(repository: tuple[Path, list[str]], context: FetchContext, told: list[Event]) -> None:
    top, commits = repository
    pin = Pin("demo", "1.0", repository=Repository(top.as_uri(), commits[0], "lib"))
    first = one(context, pin)
    top.rename(top.parent / "gone")
    assert one(context, pin) == first
    assert builds(told) == 1


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"url": "file:///nowhere/at/all"}, "git fetch failed"),
        ({"commit": "0123456789" * 4}, "git checkout failed"),
        ({"subdirectory": "nowhere"}, "has no folder nowhere"),
        ({"subdirectory": "../.."}, "has no folder"),
        ({"url": "ext::sh -c touch% /tmp/owned"}, "git fetch failed"),
    ],
    ids=["address", "commit", "folder", "outside", "transport"],
)
def test_a_repository_that_does_not_have_it(
    repository: tuple[Path, list[str]], context: FetchContext, change: dict[str, str], why: str
) -> None:
    top, commits = repository
    there = replace(Repository(top.as_uri(), commits[0], "lib"), **change)
    with pytest.raises(PackagingError, match=why):
        one(context, Pin("demo", "1.0", repository=there))


def test_without_git(repository: tuple[Path, list[str]], tmp_path: Path, context: FetchContext) -> None:
    top, commits = repository
    poor = replace(context, environ={**os.environ, "PATH": str(tmp_path)})
    with pytest.raises(PackagingError, match="git is not installed"):
        one(poor, Pin("demo", "1.0", repository=Repository(top.as_uri(), commits[0], "lib")))


def test_a_private_repository_gets_its_credentials_and_nothing_is_asked(context: FetchContext) -> None:
    with serving(Registry(login="me:s3cret")) as server:
        (context.project / "requirements.txt").write_text(f"demo @ git+http://me:s3cret@127.0.0.1:{server.port}/demo.git\n")
        there = Repository(f"{server.url}/demo.git", "0123456789" * 4)
        with pytest.raises(PackagingError) as raised:  # it is no git server: it says 404 to those it knows
            one(context, Pin("demo", "1.0", repository=there))
        assert {request.headers.get("authorization", "")[:6] for request in server.requests} == {"Basic "}
        assert "not found" in raised.value.detail
        (context.project / "requirements.txt").unlink()
        with pytest.raises(PackagingError) as raised:
            one(context, Pin("demo", "1.0", repository=there))
        assert "terminal prompts disabled" in raised.value.detail
        assert "s3cret" not in raised.value.detail


def test_a_real_source_only_package_of_the_registry(context: FetchContext) -> None:
    """Its address and hash come from uv, as in a real lock."""
    command = [sys.executable, "-m", "uv", "pip", "compile", "--format", "pylock.toml", "--no-deps", "--quiet", "-"]
    made = subprocess.run(command, input="docopt==0.6.2", capture_output=True, text=True, check=True, cwd=context.project)
    (entry,) = tomllib.loads(made.stdout)["packages"]
    found = entry["sdist"]
    file = DistFile(found["url"].rpartition("/")[2], found["url"], tuple(found["hashes"].items()), found.get("size"))
    wheel = one(context, Pin("docopt", "0.6.2", sdist=file))
    assert wheel.filename.endswith("-none-any.whl")
    assert "def docopt(" in read(wheel, "docopt.py")

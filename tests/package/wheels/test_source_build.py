"""Wheels built from source: real builds of small packages, from distributions, folders and commits."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
import tomllib
import zipfile
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
    """uv's cache of build requirements, shared by all tests of this file."""
    return tmp_path_factory.mktemp("uv-builds")


@pytest.fixture
def events() -> list[Event]:
    return []


@pytest.fixture
def context(tmp_path: Path, caches: Path, events: list[Event]) -> FetchContext:
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / "uv-builds").symlink_to(caches)
    project = tmp_path / "project"
    project.mkdir()
    return FetchContext(cache, os.environ, project, events.append)


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def package(folder: Path, backend: str = FLIT, **more: str) -> Path:
    return write(folder, {"pyproject.toml": backend + PROJECT, "demo.py": "WHERE = 'first'\n", **more})


def sdist(files: dict[str, str], name: str = "demo-1.0") -> tuple[str, bytes]:
    """Return the file name and content of a source distribution."""
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


def builds(events: list[Event]) -> int:
    return sum("built demo" in getattr(event, "step", "") for event in events)


def offer(registry: Registry, files: dict[str, str]) -> Pin:
    name, data = sdist(files)
    registry.files[f"/files/{name}"] = data
    file = DistFile(name, f"{registry.url}/files/{name}", (("sha256", sha256(data)),), len(data))
    return Pin("demo", "1.0", sdist=file)


def test_source_distribution_is_built_once(registry: Registry, context: FetchContext, events: list[Event]) -> None:
    pin = offer(registry, {"pyproject.toml": FLIT + PROJECT, "demo.py": '"""X."""\n'})
    wheel = one(context, pin)
    assert (wheel.filename, wheel.version, wheel.built) == ("demo-1.0-py3-none-any.whl", "1.0", True)
    assert read(wheel, "demo.py") == '"""X."""\n'
    assert one(context, pin) == wheel
    assert one(replace(context, environ={"UV_OFFLINE": "1"}), pin) == wheel
    assert (builds(events), len(registry.requests)) == (1, 1)


def test_damaged_built_wheel_is_built_again_from_the_cached_source(
    registry: Registry, context: FetchContext, events: list[Event]
) -> None:
    pin = offer(registry, {"pyproject.toml": FLIT + PROJECT, "demo.py": '"""Demo."""\n'})
    wheel = one(context, pin)
    whole = wheel.path.read_bytes()
    wheel.path.write_bytes(whole[:100])
    (cached,) = fetch(lock(pin), TARGET, context, lambda wheel: False)
    assert (cached, builds(events)) == (wheel, 1)
    assert one(context, pin).path.read_bytes() == whole  # with the same bytes
    assert (builds(events), len(registry.requests)) == (2, 1)


def test_setup_py_alone_is_enough(registry: Registry, context: FetchContext) -> None:
    setup = "from setuptools import setup\nsetup(name='demo', version='1.0', py_modules=['demo'])\n"
    assert one(context, offer(registry, {"setup.py": setup, "demo.py": ""})).filename == "demo-1.0-py3-none-any.whl"


def test_folder_is_built_when_it_changes_and_is_not_modified(
    tmp_path: Path, context: FetchContext, events: list[Event]
) -> None:
    folder = package(tmp_path / "lib", **{"demo.py": '"""First."""\n'})
    before = sorted(path.name for path in folder.rglob("*"))
    pin = Pin("demo", "1.0", folder=folder)
    first = one(context, pin)
    os.utime(folder / "demo.py", (1, 1))
    assert one(context, pin) == first
    (folder / "demo.py").write_text('"""Second."""\n')
    second = one(context, pin)
    assert (read(first, "demo.py"), read(second, "demo.py")) == ('"""First."""\n', '"""Second."""\n')
    assert builds(events) == 2
    assert sorted(path.name for path in folder.rglob("*")) == before
    (folder / "demo.py").write_text('"""First."""\n')
    assert one(context, pin) == first
    assert builds(events) == 2


@pytest.mark.parametrize("backend", [FLIT, SETUPTOOLS], ids=["flit", "setuptools"])
def test_same_tree_gives_the_same_bytes(tmp_path: Path, context: FetchContext, backend: str) -> None:
    folders = [package(tmp_path / name / "lib", backend, **{"demo.py": '"""Demo."""\n'}) for name in ("one", "two")]
    os.utime(folders[1] / "demo.py", (1_000_000_000, 1_000_000_000))
    separate = replace(context, cache=tmp_path / "another")
    separate.cache.mkdir()
    (separate.cache / "uv-builds").symlink_to(context.cache / "uv-builds")
    first = one(context, Pin("demo", "1.0", folder=folders[0]))
    second = one(separate, Pin("demo", "1.0", folder=folders[1]))
    assert first.sha256 == second.sha256


def test_output_of_earlier_builds_is_left_out(tmp_path: Path, context: FetchContext) -> None:
    old = "build/lib/removed.py"
    folder = package(tmp_path / "lib", SETUPTOOLS, **{old: "", "src/demo/__init__.py": "", "demo.py": ""})
    (folder / "pyproject.toml").write_text(SETUPTOOLS + PROJECT + '[tool.setuptools]\npy-modules = ["demo"]\n')
    before = sorted(path.relative_to(folder) for path in folder.rglob("*"))
    with zipfile.ZipFile(one(context, Pin("demo", "1.0", folder=folder)).path) as archive:
        assert "removed.py" not in archive.namelist()
    assert sorted(path.relative_to(folder) for path in folder.rglob("*")) == before


def test_links_are_followed_but_not_in_circles(tmp_path: Path, context: FetchContext) -> None:
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


def test_missing_folder_is_reported(tmp_path: Path, context: FetchContext) -> None:
    with pytest.raises(PackagingError, match="demo comes from a folder that does not exist") as raised:
        one(context, Pin("demo", "1.0", folder=tmp_path / "missing"))
    assert raised.value.where == str(tmp_path / "missing")


SCM = '[build-system]\nrequires = ["setuptools", "setuptools-scm"]\nbuild-backend = "setuptools.build_meta"\n'
SCM += "[tool.setuptools_scm]\n"
VCS = '[build-system]\nrequires = ["hatchling", "hatch-vcs"]\nbuild-backend = "hatchling.build"\n'
VCS += '[tool.hatch.version]\nsource = "vcs"\n[tool.hatch.build]\ninclude = ["demo.py"]\n'


@pytest.mark.parametrize("backend", [SCM, VCS], ids=["setuptools-scm", "hatch-vcs"])
def test_version_from_git_tags_is_the_locked_one(tmp_path: Path, context: FetchContext, backend: str) -> None:
    project = '[project]\nname = "demo"\ndynamic = ["version"]\n'
    folder = write(tmp_path / "lib", {"pyproject.toml": backend + project, "demo.py": ""})
    assert one(context, Pin("demo", "2.5", folder=folder)).version == "2.5"


def test_optional_c_code_is_left_out_with_a_warning(registry: Registry, context: FetchContext, events: list[Event]) -> None:
    files = {"setup.py": C_PART_THAT_MAY_FAIL, "fast.c": "int fast;\n", "demo.py": ""}
    wheel = one(context, offer(registry, {"pyproject.toml": SETUPTOOLS + PROJECT, **files}))
    assert wheel.filename == "demo-1.0-py3-none-any.whl"
    (warning,) = [event for event in events if isinstance(event, Warned)]
    assert warning.text.startswith("demo 1.0 was built without its compiled part (fast.c)")


def test_required_c_code_is_refused(registry: Registry, context: FetchContext) -> None:
    files = {"setup.py": C_PART, "fast.c": "int fast;\n", "demo.py": ""}
    with pytest.raises(PackagingError) as raised:
        one(context, offer(registry, {"pyproject.toml": SETUPTOOLS + PROJECT, **files}))
    assert raised.value.what == ("demo 1.0 has no wheel for python3.11 x86_64 (glibc 2.26), and its source needs a compiler")
    hint = "use a version that has wheels (https://pypi.org/project/demo/#files), or build it for the target: --build-native"
    assert raised.value.hint.startswith(hint) and raised.value.detail == ""


@pytest.mark.parametrize(
    ("package", "output", "needs", "hint"),
    [
        ("dlib 20.0", "/bin/false", "a compiler", "use dlib-bin, or build it"),
        ("pycairo 1.29", "meson.build:1:0: ERROR: Unable to get gcc pre-processor defines:", "cairo and a", "without = ["),
        (
            "mysqlclient 2.2",
            "Exception: Can not find valid pkg-config name",
            "MySQL's client library and a",
            "use PyMySQL (import",
        ),
        ("python-ldap 3.4", "fatal error: ldap.h: No such file or directory", "OpenLDAP and a compiler", "use ldap3"),
        ("fasttext 0.9", "RuntimeError: Unsupported compiler -- at least C++17", "a compiler", "use fasttext-wheel, or"),
    ],
)
def test_what_a_source_needs_is_named_with_a_way_out(package: str, output: str, needs: str, hint: str) -> None:
    error = fetch_errors.build_failed(package, Target("3.11", "x86_64", (2, 26)), output)
    assert error.what.startswith(f"{package} has no wheel for python3.11") and f"its source needs {needs}" in error.what
    assert error.hint.startswith(hint) and not error.detail


def test_source_with_much_to_compile_is_not_tried_without_a_compiler(registry: Registry, context: FetchContext) -> None:
    pin = offer(
        registry, {"pyproject.toml": '[build-system]\nrequires = ["never-asked-for"]\n', **{f"{n}.pyx": "" for n in range(40)}}
    )
    with pytest.raises(PackagingError, match="its source needs a compiler"):
        one(replace(context, uncompiled=frozenset({"demo"})), pin)


def test_setup_cfg_alone_is_a_source(tmp_path: Path) -> None:
    alone = write(tmp_path / "a", {"setup.cfg": "[metadata]\nname = demo\n"})
    both = write(tmp_path / "b", {"setup.cfg": "[metadata]\nname = demo\n", "pyproject.toml": ""})
    assert "setup()" in (source_tree.copy(alone, tmp_path / "1") / "setup.py").read_text()
    assert not (source_tree.copy(both, tmp_path / "2") / "setup.py").exists() and not (alone / "setup.py").exists()


def test_build_by_a_newer_python_than_the_targets_asks_for_that_python() -> None:
    output = "ImportError: cannot import name 'Feature' from 'setuptools' (setuptools/__init__.py)"
    hints = {
        minor: fetch_errors.build_failed("old 1.0", Target(minor, "x86_64", (2, 26)), output).hint for minor in ("3.9", "3.10")
    }
    assert hints["3.9"].startswith("install Python 3.9: uv python install 3.9, or choose another version")
    assert hints["3.10"].startswith("--runtime python3.9, or choose another version")


def test_machine_code_in_a_platform_neutral_wheel_is_refused(tmp_path: Path, context: FetchContext) -> None:
    more = '[tool.setuptools]\npackages = ["demo"]\n[tool.setuptools.package-data]\ndemo = ["*"]\n'
    folder = write(tmp_path / "lib", {"pyproject.toml": SETUPTOOLS + PROJECT + more, "demo/__init__.py": ""})
    (folder / "demo/helper").write_bytes(b"\x7fELF" + bytes(60))
    with pytest.raises(PackagingError, match="gives code for this machine only"):
        one(context, Pin("demo", "1.0", folder=folder))


def test_native_build_is_only_used_for_native_code(registry: Registry, tmp_path: Path, context: FetchContext) -> None:
    calls: list[tuple[list[str], str]] = []

    def native(source: Path, name: str, digest: str) -> Path:
        calls.append((sorted(path.name for path in source.iterdir()), name))
        built = tmp_path / "native/demo-1.0-cp311-cp311-manylinux_2_17_x86_64.whl"
        built.parent.mkdir()
        with zipfile.ZipFile(built, "w") as archive:
            archive.writestr("demo-1.0.dist-info/WHEEL", "")
        return built

    with_native = replace(context, native=native)
    files = {"setup.py": C_PART_THAT_MAY_FAIL, "fast.c": "int fast;\n", "demo.py": ""}
    pin = offer(registry, {"pyproject.toml": SETUPTOOLS + PROJECT, **files})
    elsewhere = (DistFile("demo-1.0-cp311-cp311-win_amd64.whl", "https://example.org/"),)
    wheel = one(with_native, replace(pin, wheels=elsewhere))
    assert wheel.filename == "demo-1.0-cp311-cp311-manylinux_2_17_x86_64.whl"
    assert calls == [(["PKG-INFO", "demo.py", "fast.c", "pyproject.toml", "setup.py"], "demo 1.0")]
    assert (tmp_path / "native" / wheel.filename).exists()  # copied, not moved
    pure = one(with_native, Pin("demo", "1.0", folder=package(tmp_path / "lib", **{"demo.py": '"""Demo."""\n'})))
    assert pure.filename.endswith("-none-any.whl")
    assert len(calls) == 1


def test_package_with_native_wheels_for_others_is_not_built(registry: Registry, context: FetchContext) -> None:
    pin = offer(registry, {"pyproject.toml": FLIT + PROJECT, "demo.py": '"""Demo."""\n'})
    elsewhere = (DistFile("demo-1.0-cp311-cp311-win_amd64.whl", "https://example.org/"),)
    with pytest.raises(PackagingError, match=r"demo 1\.0 has no wheel for .*; there are wheels for Windows"):
        one(context, replace(pin, wheels=elsewhere))
    assert not registry.requests


def test_failing_build_shows_the_reason(registry: Registry, context: FetchContext) -> None:
    setup = "for n in range(100): print('noise', n)\nraise ValueError('the moon is in the wrong phase')\n"
    with pytest.raises(PackagingError) as raised:
        one(context, offer(registry, {"pyproject.toml": SETUPTOOLS + PROJECT, "setup.py": setup}))
    error = raised.value
    assert error.what == "demo 1.0 doesn't build from its source: ValueError: the moon is in the wrong phase"
    assert error.detail == "" and "https://pypi.org/project/demo/#history" in error.hint
    assert not [path for path in context.cache.iterdir() if path.name.startswith(".build-")]


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=me", "-c", "user.email=me@example.org", "-c", "commit.gpgsign=false")
    run = subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return run.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> tuple[Path, list[str]]:
    """Create a repository with a package in the folder `lib`; return it with its two commits."""
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
def test_exact_commit_is_checked_out(repository: tuple[Path, list[str]], context: FetchContext, length: int) -> None:
    top, commits = repository
    for commit, text in zip(commits, ("First", "Second"), strict=True):
        wheel = one(context, Pin("demo", "1.0", repository=Repository(top.as_uri(), commit[:length], "lib")))
        assert read(wheel, "demo.py") == f'"""{text}."""\n'


def test_commit_is_fetched_once(repository: tuple[Path, list[str]], context: FetchContext, events: list[Event]) -> None:
    top, commits = repository
    pin = Pin("demo", "1.0", repository=Repository(top.as_uri(), commits[0], "lib"))
    first = one(context, pin)
    top.rename(top.parent / "moved")
    assert one(context, pin) == first
    assert builds(events) == 1


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
def test_unusable_repository_is_reported(
    repository: tuple[Path, list[str]], context: FetchContext, change: dict[str, str], why: str
) -> None:
    top, commits = repository
    revision = replace(Repository(top.as_uri(), commits[0], "lib"), **change)
    with pytest.raises(PackagingError, match=why):
        one(context, Pin("demo", "1.0", repository=revision))


def test_missing_git_is_reported(repository: tuple[Path, list[str]], tmp_path: Path, context: FetchContext) -> None:
    top, commits = repository
    poor = replace(context, environ={**os.environ, "PATH": str(tmp_path)})
    with pytest.raises(PackagingError, match="git is not installed"):
        one(poor, Pin("demo", "1.0", repository=Repository(top.as_uri(), commits[0], "lib")))


def test_private_repository_gets_its_credentials_without_a_prompt(context: FetchContext) -> None:
    with serving(Registry(login="me:s3cret")) as server:
        (context.project / "requirements.txt").write_text(f"demo @ git+http://me:s3cret@127.0.0.1:{server.port}/demo.git\n")
        private = Repository(f"{server.url}/demo.git", "0123456789" * 4)
        with pytest.raises(PackagingError) as raised:  # it is not a git server, and answers 404 to known users
            one(context, Pin("demo", "1.0", repository=private))
        assert {request.headers.get("authorization", "")[:6] for request in server.requests} == {"Basic "}
        assert "not found" in raised.value.detail
        (context.project / "requirements.txt").unlink()
        with pytest.raises(PackagingError) as raised:
            one(context, Pin("demo", "1.0", repository=private))
        assert "terminal prompts disabled" in raised.value.detail
        assert "s3cret" not in raised.value.detail


def test_real_package_without_wheels_is_built(context: FetchContext) -> None:
    """The URL and hash come from uv, as in a real lock."""
    command = [sys.executable, "-m", "uv", "pip", "compile", "--format", "pylock.toml", "--no-deps", "--quiet", "-"]
    run = subprocess.run(command, input="docopt==0.6.2", capture_output=True, text=True, check=True, cwd=context.project)
    (entry,) = tomllib.loads(run.stdout)["packages"]
    sdist_entry = entry["sdist"]
    url, hashes, size = sdist_entry["url"], sdist_entry["hashes"], sdist_entry.get("size")
    file = DistFile(url.rpartition("/")[2], url, tuple(hashes.items()), size)
    wheel = one(context, Pin("docopt", "0.6.2", sdist=file))
    assert wheel.filename.endswith("-none-any.whl")
    assert "def docopt(" in read(wheel, "docopt.py")

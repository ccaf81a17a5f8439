"""From what a project asks for to a lock for its target, with the real resolver and a registry on this machine."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.pylock import Pylock, is_valid_pylock_path

from lambent import events
from lambent.errors import PackagingError
from lambent.package.lock import DistFile, Lock, Pin, Repository
from lambent.package.requirements.discovery import find_requirements, pylock_path
from lambent.package.requirements.pylock import write_pylock
from lambent.package.requirements.resolve_request import ResolveOptions
from support.locking import chosen_files, make_target, offer, resolve_project, versions, write
from support.paths import TESTS
from support.registry import Registry, serving, sha256

OLD = make_target("3.11")
TAG = "cp311-cp311-manylinux_2_{}_x86_64"


@pytest.fixture
def registry() -> Registry:
    with serving() as found:
        yield found


def listed(folder: Path, registry: Registry, *lines: str) -> Path:
    return write(folder, {"requirements.txt": "\n".join([f"--index-url {registry.url}/simple", *lines, ""])})


def refusal(project: Path, cache: Path, **more: object) -> PackagingError:
    with pytest.raises(PackagingError) as refused:
        resolve_project(project, more.pop("to", OLD), cache, **more)  # type: ignore[arg-type]
    return refused.value


def test_the_newest_version_whose_wheel_fits_the_exact_glibc(tmp_path: Path, registry: Registry) -> None:
    for version, glibc in (("1.0", 17), ("2.0", 24), ("2.1", 27), ("3.0", 28), ("4.0", 34)):
        offer(registry, "fast", version, TAG.format(glibc), ("plain",))
    offer(registry, "plain")
    project = listed(tmp_path / "app", registry, "fast")
    found = resolve_project(project, OLD, tmp_path / "cache")
    assert chosen_files(found, OLD) == {"fast": f"fast-2.0-{TAG.format(24)}.whl", "plain": "plain-1.0-py3-none-any.whl"}
    assert [(pin.name, pin.requested, pin.index) for pin in found.lock.pins] == [
        ("fast", True, f"{registry.url}/simple"),
        ("plain", False, f"{registry.url}/simple"),
    ]


def test_a_pin_that_cannot_fit_is_told_with_what_there_is(tmp_path: Path, registry: Registry) -> None:
    offer(registry, "fast", "1.0", TAG.format(17))
    offer(registry, "fast", "2.0", TAG.format(27))
    offer(registry, "fast", "2.0", "cp312-cp312-manylinux_2_27_aarch64")
    error = refusal(listed(tmp_path / "app", registry, "fast==2.0"), tmp_path / "cache")
    assert error.what.startswith("fast 2.0 has no wheel for python3.11 x86_64 (glibc 2.26); there are wheels for python3.1")
    assert "glibc 2.27" in error.what and error.where == "requirements.txt"
    assert error.hint.startswith("fast==1.0, which has one")


def test_another_machine_or_runtime_is_named(tmp_path: Path, registry: Registry) -> None:
    offer(registry, "fast", "2.0", "cp313-cp313-manylinux_2_28_aarch64")
    offer(registry, "fast", "2.0", "cp312-cp312-manylinux_2_28_x86_64")
    error = refusal(listed(tmp_path / "app", registry, "fast"), tmp_path / "cache", to=make_target("3.13"))
    assert "--runtime python3.12" in error.hint and "--arch arm64" in error.hint


def test_the_newest_is_told_and_not_the_oldest_that_uv_blames(tmp_path: Path, registry: Registry) -> None:
    offer(registry, "fast", "1.0", "cp36-cp36m-manylinux2014_x86_64")
    offer(registry, "fast", "2.0", "cp313-cp313-manylinux_2_28_x86_64")
    error = refusal(listed(tmp_path / "app", registry, "fast"), tmp_path / "cache", to=make_target("3.13", "arm64"))
    assert error.what.startswith("fast 2.0 has no wheel for python3.13 arm64") and "--arch x86_64" in error.hint


def test_the_markers_are_the_targets(tmp_path: Path, registry: Registry) -> None:
    for name in ("old", "new", "arm", "win"):
        offer(registry, name)
    lines = ["old; python_version < '3.12'", "new; python_full_version >= '3.12.2'", "arm; platform_machine == 'aarch64'"]
    project = listed(tmp_path / "app", registry, *lines, "win; sys_platform == 'win32'")
    assert set(versions(resolve_project(project, OLD, tmp_path / "cache"))) == {"old"}
    assert set(versions(resolve_project(project, make_target("3.13", "arm64"), tmp_path / "cache"))) == {"new", "arm"}


def test_a_source_without_wheels_is_let_through_and_a_native_one_is_not(tmp_path: Path, registry: Registry) -> None:
    source = subprocess.run(
        [sys.executable, "-c", _SDIST.format(name="pure")], capture_output=True, cwd=tmp_path, check=True
    ).stdout.strip()
    registry.files["/files/pure-1.0.tar.gz"] = (tmp_path / source.decode()).read_bytes()
    subprocess.run([sys.executable, "-c", _SDIST.format(name="native")], cwd=tmp_path, check=True)
    registry.files["/files/native-1.0.tar.gz"] = (tmp_path / "native-1.0.tar.gz").read_bytes()
    offer(registry, "native", "1.0", "cp39-cp39-manylinux_2_17_x86_64")
    found = resolve_project(listed(tmp_path / "a", registry, "pure"), OLD, tmp_path / "cache")
    assert chosen_files(found, OLD) == {"pure": "pure-1.0.tar.gz"}
    project = listed(tmp_path / "b", registry, "native==1.0")
    error = refusal(project, tmp_path / "cache")
    assert "native 1.0 has no wheel" in error.what and "python3.9" in error.what and "--build-native" in error.hint
    allowed = resolve_project(project, OLD, tmp_path / "cache", ResolveOptions(native=True))
    assert chosen_files(allowed, OLD) == {"native": "native-1.0.tar.gz"}


_SDIST = """
import io, tarfile
with tarfile.open("{name}-1.0.tar.gz", "w:gz") as archive:
    for path, text in {{"PKG-INFO": "Metadata-Version: 2.2\\nName: {name}\\nVersion: 1.0\\n",
                       "pyproject.toml": "[project]\\nname = '{name}'\\nversion = '1.0'\\n"}}.items():
        entry = tarfile.TarInfo("{name}-1.0/" + path)
        entry.size = len(text)
        archive.addfile(entry, io.BytesIO(text.encode()))
print("{name}-1.0.tar.gz")
"""


def test_included_files_constraints_extras_and_find_links(tmp_path: Path, registry: Registry) -> None:
    for version in ("1.0", "2.0"):
        offer(registry, "limited", version)
    offer(registry, "extra-one")
    offer(registry, "base", "1.0", requires=("extra-one; extra == 'one'",))
    links = tmp_path / "app/wheels"
    with serving() as other:
        offer(other, "linked")
        (name,) = other.files
        links.mkdir(parents=True)
        (links / name.rsplit("/", 1)[-1]).write_bytes(other.files[name])
    project = listed(tmp_path / "app", registry, "-r more/base.txt", "-c limits.txt", "--find-links wheels", "linked")
    write(project, {"more/base.txt": "base[one]\n-r deeper.txt\n", "more/deeper.txt": "limited\n", "limits.txt": "limited<2\n"})
    found = resolve_project(project, OLD, tmp_path / "cache")
    assert versions(found) == {"base": "1.0", "extra-one": "1.0", "limited": "1.0", "linked": "1.0"}
    assert {pin.name for pin in found.lock.pins if pin.requested} == {"base", "limited", "linked"}
    write(project, {"limits.txt": "limited<3\n"})
    again = resolve_project(project, OLD, tmp_path / "cache")
    assert not again.cached and versions(again)["limited"] == "2.0"


def test_urls_folders_and_repositories(tmp_path: Path, registry: Registry) -> None:
    offer(registry, "direct")
    offer(registry, "needed")
    for name in ("mine", "kept"):
        text = f'[project]\nname = "{name}"\nversion = "1"\ndependencies = ["needed"]\n'
        write(tmp_path / name, {"pyproject.toml": text, f"{name}.py": ""})
    git = ["git", "-C", str(tmp_path / "kept"), "-c", "user.name=a", "-c", "user.email=a@b.c"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"]):
        subprocess.run([*git, *words], check=True)
    commit = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    address = f"{registry.url}/files/direct-1.0-py3-none-any.whl"
    project = listed(tmp_path / "app", registry, f"direct @ {address}", "-e ../mine", f"kept @ git+file://{tmp_path}/kept")
    pins = {pin.name: pin for pin in resolve_project(project, OLD, tmp_path / "cache").lock.pins}
    digest = sha256(registry.files["/files/direct-1.0-py3-none-any.whl"])
    assert pins["direct"].wheels == (DistFile("direct-1.0-py3-none-any.whl", address, (("sha256", digest),)),)
    assert pins["mine"].folder == tmp_path / "mine"
    assert pins["kept"].repository == Repository(f"file://{tmp_path}/kept", commit)
    assert set(pins) == {"direct", "mine", "kept", "needed"}
    write(tmp_path / "mine", {"pyproject.toml": '[project]\nname = "mine"\nversion = "1"\ndependencies = []\n'})
    again = resolve_project(project, OLD, tmp_path / "cache")
    assert not again.cached, "a local package now asks for something else"


def test_the_project_itself_is_not_a_dependency(tmp_path: Path, registry: Registry) -> None:
    offer(registry, "needed")
    project = listed(tmp_path / "app", registry, "-e .")
    write(project, {"pyproject.toml": '[project]\nname = "app"\nversion = "1"\ndependencies = ["needed"]\n', "app.py": ""})
    assert set(versions(resolve_project(project, OLD, tmp_path / "cache"))) == {"needed"}


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
second = ["two"]
[[tool.uv.index]]
name = "own"
url = "{registry.url}/simple"
default = true
"""
    project = write(tmp_path / "app", {"pyproject.toml": text})
    cache = tmp_path / "cache"
    assert set(versions(resolve_project(project, OLD, cache))) == {"base"}
    assert set(versions(resolve_project(project, OLD, cache, ResolveOptions(extras=("first",), groups=("second",))))) == {
        "base",
        "one",
        "two",
    }
    error = refusal(project, cache, options=ResolveOptions(extras=("third",)))
    assert (error.what, error.hint) == ("no extra third", "it has first")


def test_a_script_keeps_to_its_own_sources(tmp_path: Path, registry: Registry) -> None:
    offer(registry, "needed")
    offer(registry, "local", "9.0")
    write(
        tmp_path / "here",
        {"pyproject.toml": '[project]\nname = "local"\nversion = "1"\ndependencies = ["needed"]\n', "local.py": ""},
    )
    lines = ["# /// script", '# dependencies = ["local"]', "# [tool.uv.sources]", '# local = { path = "here" }']
    lines += ["# [[tool.uv.index]]", f'# url = "{registry.url}/simple"', "# default = true", "# ///"]
    script = write(tmp_path, {"job.py": "\n".join(lines)}) / "job.py"
    found = resolve_project(script, OLD, tmp_path / "cache")
    assert {pin.name: pin.folder for pin in found.lock.pins} == {"local": tmp_path / "here", "needed": None}


def test_an_answer_is_kept_until_the_question_changes(tmp_path: Path, registry: Registry) -> None:
    offer(registry, "demo", "1.0")
    project = listed(tmp_path / "app", registry, "demo")
    cache = tmp_path / "cache"
    assert not resolve_project(project, OLD, cache).cached
    offer(registry, "demo", "2.0")
    asked = len(registry.requests)
    kept = resolve_project(project, OLD, cache)
    assert kept.cached and versions(kept) == {"demo": "1.0"} and len(registry.requests) == asked
    assert versions(resolve_project(project, OLD, cache, ResolveOptions(refresh=True))) == {"demo": "2.0"}
    assert versions(resolve_project(project, OLD, cache)) == {"demo": "2.0"}
    (file,) = (cache / "locks").glob("*.json")
    file.write_bytes(file.read_bytes().replace(b"2.0", b"6.6"))
    mended = resolve_project(project, OLD, cache)
    assert not mended.cached and versions(mended) == {"demo": "2.0"}
    assert not resolve_project(project, make_target("3.13"), cache).cached
    assert not resolve_project(project, OLD, cache, environ={"UV_RESOLUTION": "lowest"}).cached
    assert resolve_project(project, OLD, cache, environ={"UV_HTTP_TIMEOUT": "7"}).cached


def test_a_known_answer_starts_no_process_and_loads_little(tmp_path: Path, registry: Registry) -> None:
    offer(registry, "demo")
    project = listed(tmp_path / "app", registry, "demo")
    resolve_project(project, OLD, tmp_path / "cache")
    code = f"""
import subprocess, sys
sys.path.insert(0, {str(TESTS)!r})
subprocess.Popen = None
from pathlib import Path
from support.locking import make_target, resolve_project
found = resolve_project(Path({str(project)!r}), make_target("3.11"), Path({str(tmp_path / "cache")!r}))
assert found.cached
loaded = [name for name in ("packaging", "urllib3", "importlib.metadata") if name in sys.modules]
print(loaded)
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ran.stdout.strip(), ran.stderr) == ("[]", "")


def test_credentials_stay_where_they_are(tmp_path: Path, registry: Registry) -> None:
    registry.login = "me:s3cret-word"
    for version, glibc in (("1.0", 17), ("2.0", 27)):
        offer(registry, "hidden", version, TAG.format(glibc))
    address = f"{registry.url.replace('://', '://me:s3cret-word@')}/simple"
    project = write(tmp_path / "app", {"requirements.txt": f"--index-url {address}\nhidden\n"})
    found = resolve_project(project, OLD, tmp_path / "cache")
    assert versions(found) == {"hidden": "1.0"}, "the index was read with the credentials, and 2.0 ruled out"
    assert found.lock.pins[0].index == f"{registry.url}/simple"
    write_pylock(found.lock, pylock_path(project, OLD), OLD)
    for path in [*(tmp_path / "cache/locks").iterdir(), pylock_path(project, OLD)]:
        assert "s3cret" not in path.read_text() and "s3cret" not in path.name
    wrong = write(tmp_path / "wrong", {"requirements.txt": f"--index-url {address.replace('s3cret', 'wr0ng')}\nhidden\n"})
    error = refusal(wrong, tmp_path / "cache")
    assert "refuses your credentials: 401" in error.what and "UV_INDEX_" in error.hint
    assert "wr0ng" not in f"{error.what}{error.where}{error.hint}{error.detail}"
    write(project, {"requirements.txt": f"--index-url {address.replace('s3cret-word', 'an0ther')}\nhidden\n"})
    pylock_path(project, OLD).unlink()
    assert resolve_project(project, OLD, tmp_path / "cache").cached, "a new token asks nothing new"


def test_which_index_a_package_is_from(tmp_path: Path, registry: Registry) -> None:
    offer(registry, "ours")
    with serving() as other:
        offer(other, "theirs")
        project = listed(tmp_path / "app", registry, f"--extra-index-url {other.url}/simple", "ours", "theirs")
        found = resolve_project(project, OLD, tmp_path / "cache")
        assert {pin.name: pin.index for pin in found.lock.pins} == {
            "ours": f"{registry.url}/simple",
            "theirs": f"{other.url}/simple",
        }


@pytest.mark.parametrize(
    ("line", "what", "hint"),
    [
        ("demmo", "no such package: demmo", "spelling"),
        ("demo==9", "no version demo==9 for python3.11 x86_64", "a version that exists"),
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
def test_what_uv_refuses_in_our_words(line: str, what: str, hint: str, tmp_path: Path, registry: Registry) -> None:
    offer(registry, "demo", "1.0")
    offer(registry, "demo", "2.0")
    text = f"demo\n{line}\n" if line.startswith("-i") else f"--index-url {registry.url}/simple\n{line}\n"
    project = write(tmp_path / "app", {"requirements.txt": text})
    error = refusal(project, tmp_path / "cache", environ={"UV_HTTP_RETRIES": "0"})
    assert what in error.what and hint in error.hint and error.where.startswith("requirements.txt")


def test_a_standard_lock_is_written_and_honoured(tmp_path: Path, registry: Registry) -> None:
    offer(registry, "demo", "1.0", TAG.format(17))
    project = listed(tmp_path / "app", registry, "demo", "-e ../mine")
    text = (
        '[project]\nname = "mine"\nversion = "1"\n[build-system]\nrequires = []\nbuild-backend = "own"\nbackend-path = ["."]\n'
    )
    write(tmp_path / "mine", {"pyproject.toml": text, "mine.py": "", "own.py": _BACKEND})
    found = resolve_project(project, OLD, tmp_path / "cache")
    path = pylock_path(project, OLD)
    assert path.name == "pylock.python311-x86_64.toml" and is_valid_pylock_path(path)
    write_pylock(found.lock, path, OLD)
    Pylock.from_dict(tomllib.loads(path.read_text()))
    offer(registry, "demo", "2.0", TAG.format(17))
    again = resolve_project(project, OLD, tmp_path / "other cache")
    assert again.lock.source == path.name and again.lock.pins == found.lock.pins
    moved = (tmp_path / "app").rename(tmp_path / "moved")
    assert resolve_project(moved, OLD, tmp_path / "cache").lock.pins == found.lock.pins, "../mine is still there"
    uv = Path(sys.executable).with_name("uv")
    words = [uv, "pip", "install", "-r", moved / path.name, "--target", tmp_path / "there", "--python-version", "3.11"]
    ran = subprocess.run(
        [*words, "--python-platform", "x86_64-manylinux_2_28", "--cache-dir", tmp_path / "uv"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert (tmp_path / "there/demo.py").exists()


_BACKEND = """
import zipfile
def build_wheel(folder, settings=None, metadata=None):
    with zipfile.ZipFile(folder + "/mine-1-py3-none-any.whl", "w") as wheel:
        wheel.writestr("mine.py", "")
        wheel.writestr("mine-1.dist-info/METADATA", "Metadata-Version: 2.1\\nName: mine\\nVersion: 1\\n")
        wheel.writestr("mine-1.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr("mine-1.dist-info/RECORD", "")
    return "mine-1-py3-none-any.whl"
build_editable = build_wheel
"""


def test_all_kinds_of_pins_survive_a_standard_lock(tmp_path: Path) -> None:
    hashed = (("sha256", "ab" * 32),)
    pins = (
        Pin("direct", "1.0", (DistFile("direct-1.0-py3-none-any.whl", "https://h/direct-1.0-py3-none-any.whl", hashed),)),
        Pin("folder", "", folder=tmp_path / "folder", requested=True),
        Pin("git", "2.0", repository=Repository("https://h/x.git", "c" * 40, "sub")),
        Pin(
            "index",
            "3",
            (DistFile("index-3-py3-none-any.whl", "https://h/index-3-py3-none-any.whl", hashed, 7),),
            index="https://h/simple",
        ),
        Pin("source", "4", sdist=DistFile("source-4.tar.gz", "https://h/source-4.tar.gz", hashed), index="https://h/simple"),
    )
    path = tmp_path / "app" / "pylock.toml"
    write_pylock(Lock("requirements.txt", pins), path, OLD)
    assert resolve_project(path.parent, OLD, tmp_path / "cache").lock.pins == pins
    error = refusal(path.parent, tmp_path / "cache", to=make_target("3.12"))
    assert "the lock is not for python3.12 x86_64" in error.what and "lambent build --lock" in error.hint


def test_which_file_counts(tmp_path: Path) -> None:
    lock = 'lock-version = "1.0"\ncreated-by = "x"\npackages = []\n'
    project = write(tmp_path / "repo", {"main.py": ""})
    order = ["pyproject.toml", "uv.lock", "requirements.txt", "pylock.toml", "pylock.python311-x86_64.toml"]
    texts = {"pyproject.toml": '[project]\nname = "a"\ndependencies = ["b"]\n', "uv.lock": "version = 1\n"}
    assert find_requirements(project, project / "main.py", OLD).kind == "nothing"
    for name in order:
        write(project, {name: texts.get(name, lock if "pylock" in name else "b\n")})
        assert find_requirements(project, project / "main.py", OLD).name == name
    assert find_requirements(project, project / "main.py", make_target("3.13")).name == "pylock.toml"
    assert find_requirements(project, project / "main.py", OLD).ignored == ("pylock.toml", "requirements.txt", "uv.lock")


def test_the_nearest_file_up_to_the_repositorys_root(tmp_path: Path) -> None:
    write(tmp_path, {"requirements.txt": "outside\n", "repo/site/manage.py": "", "repo/site/pkg/wsgi.py": ""})
    site = tmp_path / "repo/site"
    assert find_requirements(site, site / "manage.py", OLD).kind == "nothing", "no repository: nothing above is looked at"
    (tmp_path / "repo/.git").mkdir()
    assert find_requirements(site, site / "manage.py", OLD).kind == "nothing"
    write(tmp_path, {"repo/requirements.txt": "inside\n"})
    found = find_requirements(site, site / "manage.py", OLD)
    assert (found.name, found.path, found.folder) == (
        "../requirements.txt",
        tmp_path / "repo/requirements.txt",
        tmp_path / "repo",
    )
    write(tmp_path, {"repo/site/pkg/requirements.txt": "nearer\n"})
    assert find_requirements(site, site / "pkg/wsgi.py", OLD).name == "pkg/requirements.txt"
    assert find_requirements(tmp_path / "repo", site / "manage.py", OLD).name == "requirements.txt"


def test_what_is_said_while_resolving(tmp_path: Path, registry: Registry) -> None:
    offer(registry, "demo")
    project = listed(tmp_path / "app", registry, "demo")
    write(project, {"pyproject.toml": '[project]\nname = "a"\nversion = "1"\ndependencies = ["other"]\n'})
    heard: list[events.Event] = []
    resolve_project(project, OLD, tmp_path / "cache", emit=heard.append)
    assert heard == [events.Notice("using the dependencies in requirements.txt, ignoring pyproject.toml")]

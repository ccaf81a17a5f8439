"""Builds of small projects, with the real resolver and real packages."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest
from msgspec.structs import replace

from lambent import events
from lambent.config.model import App, Architecture, Config, Kind
from lambent.errors import PackagingError
from lambent.package.artifact import Artifact
from lambent.package.build import build
from lambent.package.project_files import collect

PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}app = None\n" if path.name == "main.py" else text, "utf-8")  # the handler of `config`
    return folder


def config(
    path: Path, kind: Kind = "handler", runtime: str = f"python{PYTHON}", arch: Architecture = "x86_64", root: str = "."
) -> Config:
    return Config(path, "small", App("main", "app", kind, root), runtime, arch)


def built(path: Path, cache: Path, heard: list[events.Event] | None = None, **more: str) -> Artifact:
    return build(config(path, **more), cache, os.environ, (heard if heard is not None else []).append)  # type: ignore[arg-type]


def names(artifact: Artifact) -> list[str]:
    """Return the names in the zip, without bytecode (see test_bytecode.py)."""
    with zipfile.ZipFile(artifact.path) as archive:
        assert archive.testzip() is None
        return [name for name in archive.namelist() if not (".cpython-" in name and name.endswith(".pyc"))]


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache for the tests that don't need one of their own."""
    return tmp_path_factory.mktemp("cache")


def test_handler_needs_no_runtime(tmp_path: Path, shared: Path) -> None:
    artifact = built(write(tmp_path, {"main.py": "x = 1\n", "data/a.txt": "hi"}), shared)
    assert names(artifact) == ["data/a.txt", "main.py"]
    assert (artifact.handler, artifact.environment, artifact.files) == ("main.app", (), 3)
    assert artifact.zipped == artifact.path.stat().st_size


def test_imported_test_module_is_kept_after_the_edit_that_imports_it(tmp_path: Path, shared: Path) -> None:
    project = write(tmp_path, {"main.py": "import cowsay\n", "requirements.txt": "cowsay==6.1\n"})
    assert "cowsay/tests/solutions.py" not in names(built(project, shared))
    write(tmp_path, {"main.py": "def f():\n    from cowsay.tests.solutions import CHEESE\n"})
    assert "cowsay/tests/solutions.py" in names(built(project, shared))


def test_web_app_gets_the_runtime(tmp_path: Path, shared: Path) -> None:
    artifact = built(write(tmp_path, {"main.py": "x = 1\n", "jobs.py": "on_event = print\n"}), shared, kind="wsgi")
    assert artifact.environment == (("AWS_LAMBDA_EXEC_WRAPPER", "/var/task/lambent_runtime/bootstrap"),)
    with zipfile.ZipFile(artifact.path) as archive:
        assert archive.getinfo("lambent_runtime/bootstrap").external_attr >> 16 == 0o100755
        assert archive.getinfo("lambent_runtime/__main__.py").external_attr >> 16 == 0o100644
    streamed = build(replace(config(tmp_path, "wsgi"), stream=True), shared, os.environ, events.ignore)
    assert streamed.environment == (*artifact.environment, ("LAMBENT_RESPONSE", "stream"))
    assert streamed.sha256 == artifact.sha256
    settings = replace(config(tmp_path, "wsgi"), events="jobs:on_event", base_path="/shop")
    settings_of_the_app = (("LAMBENT_EVENTS", "jobs:on_event"), ("LAMBENT_BASE_PATH", "/shop"))
    assert build(settings, shared, os.environ, events.ignore).environment == (*artifact.environment, *settings_of_the_app)


def test_src_layout_is_importable_from_the_top(tmp_path: Path, shared: Path) -> None:
    artifact = built(write(tmp_path, {"src/main.py": "", "src/pkg/__init__.py": "", "README.md": ""}), shared, root="src")
    assert names(artifact) == ["README.md", "main.py", "pkg/__init__.py", "src/main.py", "src/pkg/__init__.py"]


def test_bytes_depend_on_neither_folder_nor_cache(tmp_path: Path) -> None:
    files = {"main.py": "import cowsay\n", "requirements.txt": "cowsay==6.1\n"}
    heard: list[events.Event] = []
    first = built(write(tmp_path / "a", files), tmp_path / "cache", heard)
    again = built(tmp_path / "a", tmp_path / "cache", heard)
    os.utime(write(tmp_path / "b" / "deep", files) / "main.py", (1, 1))
    cold = built(tmp_path / "b" / "deep", tmp_path / "other cache")
    assert first.sha256 == again.sha256 == cold.sha256
    resolved = [event for event in heard if isinstance(event, events.Resolved)]
    assert [(event.cached, event.packages, event.source) for event in resolved] == [
        (False, 1, "requirements.txt"),
        (True, 1, "requirements.txt"),
    ]
    assert resolved[1].seconds < 1
    listed = names(first)
    assert "cowsay/__init__.py" in listed and "cowsay-6.1.dist-info/METADATA" in listed
    assert not [name for name in listed if name.startswith("bin/") or name.endswith(("INSTALLER", "direct_url.json", ".lock"))]


def test_damaged_shard_is_rebuilt(tmp_path: Path) -> None:
    project = write(tmp_path / "a", {"main.py": "", "requirements.txt": "cowsay==6.1\n"})
    first = built(project, tmp_path / "cache")
    (shard,) = (tmp_path / "cache/shards").glob("*.zip")
    data = bytearray(shard.read_bytes())
    data[len(data) // 2] ^= 0xFF
    shard.write_bytes(data)
    assert built(project, tmp_path / "cache").sha256 == first.sha256


def test_concurrent_builds_share_a_cache(tmp_path: Path) -> None:
    project = write(tmp_path / "a", {"main.py": "", "requirements.txt": "cowsay==6.1\n"})
    digests: list[str] = []
    threads = [threading.Thread(target=lambda: digests.append(built(project, tmp_path / "cache").sha256)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(digests) == 2 and len(set(digests)) == 1
    assert not list((tmp_path / "cache").rglob(".new-*"))


def test_package_whose_module_python_has_itself_is_left_out(tmp_path: Path, shared: Path) -> None:
    project = write(tmp_path / "p", {"main.py": "import graphlib\n", "requirements.txt": "graphlib-backport==1.1.0\n"})
    heard: list[events.Event] = []
    assert not [name for name in names(built(project, shared, heard)) if "graphlib" in name]
    assert events.Notice(f"graphlib-backport is left out: Python {PYTHON} has graphlib itself") in heard


def test_packages_in_the_zip_can_be_imported(tmp_path: Path, shared: Path) -> None:
    requirements = "flask>=3\nmarkupsafe\ndocopt==0.6.2\n"  # native code, and a package that publishes no wheel
    artifact = built(write(tmp_path / "p", {"main.py": "import flask\n", "requirements.txt": requirements}), shared)
    task = tmp_path / "task"
    with zipfile.ZipFile(artifact.path) as archive:
        archive.extractall(task)
    code = "import flask, docopt, markupsafe._speedups as s; from importlib.metadata import version as v\n"
    code += "print(v('flask'), s.__file__)"
    done = subprocess.run([sys.executable, "-S", "-c", code], cwd=task, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("3.") and str(task) in done.stdout
    pyc = next((task / "flask/__pycache__").glob("app.*.pyc")).read_bytes()
    assert pyc[4:8] == b"\1\0\0\0"  # hash-based and unchecked
    assert b"/var/task/flask/app.py" in pyc and str(shared).encode() not in pyc


def test_zip_has_native_code_of_its_target(tmp_path: Path, shared: Path) -> None:
    project = write(tmp_path, {"main.py": "", "requirements.txt": "pydantic-core==2.41.5\ntyping-extensions\n"})
    for runtime, arch, tag in (("python3.13", "arm64", "cpython-313-aarch64"), ("python3.11", "x86_64", "cpython-311-x86_64")):
        libraries = [name for name in names(built(project, shared, runtime=runtime, arch=arch)) if name.endswith(".so")]
        assert len(libraries) == 1 and tag in libraries[0]


@pytest.mark.parametrize("python", ["3.10", "3.13"])
def test_markers_are_evaluated_for_the_target(tmp_path: Path, shared: Path, python: str) -> None:
    project = write(tmp_path, {"main.py": "", "requirements.txt": "tomli==2.2.1; python_version < '3.11'\ncowsay==6.1\n"})
    has_tomli = any(name.startswith("tomli/") for name in names(built(project, shared, runtime=f"python{python}")))
    assert has_tomli == (python == "3.10")


@pytest.mark.parametrize(
    ("files", "source"),
    [
        ({"pyproject.toml": '[project]\nname = "x"\nversion = "1"\ndependencies = ["cowsay==6.1"]\n'}, "pyproject.toml"),
        ({"requirements.txt": "-r more.txt\n", "more.txt": "cowsay==6.1\n"}, "requirements.txt"),
        (
            {
                "requirements.txt": "-e .\n",
                "pyproject.toml": '[project]\nname = "x"\nversion = "1"\ndependencies = ["cowsay"]\n',
            },
            "requirements.txt",
        ),
    ],
)
def test_requirements_come_from_any_supported_file(tmp_path: Path, shared: Path, files: dict[str, str], source: str) -> None:
    heard: list[events.Event] = []
    artifact = built(write(tmp_path, files | {"main.py": ""}), shared, heard)
    assert "cowsay/__init__.py" in names(artifact)
    assert [event.source for event in heard if isinstance(event, events.Resolved)] == [source]
    assert not [name for name in names(artifact) if name.endswith(".pth")]


def test_lock_takes_precedence(tmp_path: Path, shared: Path) -> None:
    pyproject = '[project]\nname = "x"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["cowsay==6.0"]\n'
    project = write(tmp_path, {"main.py": "", "pyproject.toml": pyproject})
    uv = shutil.which("uv", path=Path(sys.executable).parent) or "uv"
    subprocess.run([uv, "lock", "-q"], cwd=project, check=True)
    (project / "pyproject.toml").write_text(pyproject.replace("==6.0", ""))
    subprocess.run([uv, "lock", "-q"], cwd=project, check=True)  # keeps the version it had
    assert "cowsay-6.0.dist-info/METADATA" in names(built(project, shared))


def test_script_metadata_is_used(tmp_path: Path, shared: Path) -> None:
    write(tmp_path, {"main.py": '# /// script\n# dependencies = ["cowsay==6.1"]\n# ///\n', "other.py": ""})
    listed = names(built(tmp_path / "main.py", shared))
    assert "main.py" in listed and "cowsay/__init__.py" in listed and "other.py" not in listed


def test_script_metadata_in_a_folder_is_used(tmp_path: Path, shared: Path) -> None:
    write(tmp_path, {"main.py": '# /// script\n# dependencies = ["cowsay==6.1"]\n# ///\n', "other.py": ""})
    listed = names(built(tmp_path, shared))
    assert "cowsay/__init__.py" in listed and "other.py" in listed


def test_local_package_is_built(tmp_path: Path, shared: Path) -> None:
    pyproject = (
        '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n[project]\nname = "mine"\nversion = "1"\n'
    )
    write(tmp_path, {"mine/pyproject.toml": pyproject, "mine/mine/__init__.py": "answer = 1\n"})
    project = write(tmp_path / "app", {"main.py": "", "requirements.txt": "../mine\n"})
    first = built(project, shared)
    assert "mine/__init__.py" in names(first)
    write(tmp_path, {"mine/mine/__init__.py": "answer = 2\n"})
    with zipfile.ZipFile(built(project, shared).path) as archive:
        assert archive.read("mine/__init__.py") == b"answer = 2\n"


def test_own_file_replaces_a_dependencys_file(tmp_path: Path, shared: Path) -> None:
    heard: list[events.Event] = []
    project = write(tmp_path, {"main.py": "", "cowsay/__init__.py": "mine = 1\n", "requirements.txt": "cowsay==6.1\n"})
    with zipfile.ZipFile(built(project, shared, heard).path) as archive:
        assert archive.read("cowsay/__init__.py") == b"mine = 1\n"
        assert len(archive.namelist()) == len(set(archive.namelist()))
        assert b"mine" in archive.read(f"cowsay/__pycache__/__init__.cpython-{PYTHON.replace('.', '')}.pyc")
    assert any(isinstance(event, events.Warned) and "cowsay/__init__.py" in event.text for event in heard)


REFUSED = [
    ("nosuchpackage-lambent-test\n", "no such package: nosuchpackage-lambent-test", "requirements.txt"),
    ("cowsay==99.1\n", "no version cowsay==99.1", "requirements.txt"),
    ("cowsay\nflask ==== 3\n", "cannot read a requirement", "requirements.txt:2"),
    ("cowsay<5\ncowsay>6\n", "the requirements conflict", "requirements.txt"),
    ("pysqlite3-binary==0.4.6\n", "pysqlite3-binary 0.4.6 has no wheel for python3.13 x86_64 (glibc 2.34)", "requirements.txt"),
    ("-r missing.txt\n", "cannot read missing.txt", "requirements.txt"),
    ("./nowhere\n", "no such file or folder", "requirements.txt"),
]


@pytest.mark.parametrize(("requirements", "what", "where"), REFUSED)
def test_unusable_requirements_are_refused(tmp_path: Path, shared: Path, requirements: str, what: str, where: str) -> None:
    project = write(tmp_path, {"main.py": "", "requirements.txt": requirements})
    with pytest.raises(PackagingError) as error:
        built(project, shared, runtime="python3.13")
    assert what in error.value.what
    assert error.value.where.endswith(where)
    assert error.value.hint


def test_missing_native_wheel_suggests_another_runtime(tmp_path: Path, shared: Path) -> None:
    project = write(tmp_path, {"main.py": "", "requirements.txt": "markupsafe==1.1.1\n"})
    with pytest.raises(PackagingError) as error:
        built(project, shared, runtime="python3.13")
    assert "markupsafe 1.1.1 has no wheel for python3.13 x86_64" in error.value.what
    assert "python3.6-3.9" in error.value.what


def test_network_failure_leaves_no_zip(tmp_path: Path) -> None:
    project = write(tmp_path / "p", {"main.py": "", "requirements.txt": "cowsay==6.1\n"})
    nowhere = {"HTTPS_PROXY": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9", "ALL_PROXY": "http://127.0.0.1:9"}
    environ = dict(os.environ) | nowhere | {"UV_CACHE_DIR": str(tmp_path / "uv"), "UV_HTTP_RETRIES": "0"}
    with pytest.raises(PackagingError, match="cannot reach the package registry"):
        build(config(project), tmp_path / "cache", environ, events.ignore)
    assert not list((tmp_path / "cache").rglob("*.zip"))


def test_too_large_zip_shows_its_largest_parts(tmp_path: Path, shared: Path) -> None:
    project = write(tmp_path, {"main.py": "", "small.txt": "x"})
    with (project / "movie.bin").open("wb") as file:
        file.truncate(260 * 1024 * 1024)
    with pytest.raises(PackagingError, match="too large") as error:
        built(project, shared)
    assert error.value.detail.splitlines()[0].split() == ["272.6", "MB", "movie.bin"]


def test_secrets_and_tool_files_are_left_out(tmp_path: Path, shared: Path) -> None:
    out = ".env .env.local deep/.env key.pem id_rsa .git/config venv/pyvenv.cfg venv/lib/x.py .venv/x.py __pycache__/a.pyc "
    out += "node_modules/x.js .pytest_cache/x .DS_Store old.pyc .aws/credentials"
    files = dict.fromkeys([*out.split(), "main.py", "templates/a.html"], "secret = 1\n")
    files["public.pem"] = "-----BEGIN CERTIFICATE-----\n"
    files["both.pem"] = "-----BEGIN CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\n"
    heard: list[events.Event] = []
    assert names(built(write(tmp_path, files), shared, heard)) == ["main.py", "public.pem", "templates/a.html"]
    (notice,) = (event.text for event in heard if isinstance(event, events.Notice))
    for name in (".env", "deep/.env", "key.pem", "both.pem", "id_rsa"):
        assert name in notice


def test_ignore_rules_apply(tmp_path: Path) -> None:
    files = {
        ".gitignore": "*.db\n/build/\n",
        ".lambentignore": "!keep.db\nraw/\n",
        ".lambdaignore": "notes.md\n",
        "pkg/.gitignore": "local.py\n!own.db\n",
    }
    ignored = dict.fromkeys(
        ["a.db", "keep.db", "build/x", "pkg/build/y", "raw/z", "notes.md", "pkg/local.py", "pkg/own.db", "local.py", "x.psd"],
        "",
    )
    assert list(collect(write(tmp_path, files | ignored), ("*.psd",)).files) == [
        "keep.db",
        "local.py",
        "pkg/build/y",
        "pkg/own.db",
    ]


def test_links_stay_inside_the_project(tmp_path: Path) -> None:
    project = write(tmp_path / "p", {"main.py": "", "data/a.txt": "hi"})
    (project / "alias").symlink_to("data")
    (project / "data/loop").symlink_to("..")
    assert sorted(collect(project).files) == ["alias/a.txt", "data/a.txt", "main.py"]
    (project / "leak").symlink_to("/etc/hostname")
    with pytest.raises(PackagingError, match="leads out of the project: leak"):
        collect(project)
    (project / ".lambentignore").write_text("/leak\n")
    assert "leak" not in collect(project).files


def test_links_to_other_folders_of_the_repository_are_followed(tmp_path: Path) -> None:
    write(tmp_path, {".git/HEAD": "", "shared/core.py": "x = 1", "secret.env": "K=1"})
    project = write(tmp_path / "p", {"main.py": ""})
    (project / "shared").symlink_to("../shared")
    (project / "link.env").symlink_to("../secret.env")
    assert sorted(collect(project).files) == ["main.py", "shared/core.py"]
    (project / "shared").unlink()
    (project / "shared").symlink_to(tmp_path / "shared")
    with pytest.raises(PackagingError, match="leads out of the project: shared"):
        collect(project)


def test_links_bring_nothing_from_where_credentials_are(tmp_path: Path) -> None:
    write(tmp_path, {".git/config": "", "home/.docker/config.json": "", "home/.aws/credentials": "", "home/x.txt": ""})
    project = write(tmp_path / "p", {"main.py": ""})
    links = {"history": "../.git", "remotes.txt": "../.git/config", "user": "../home", "docker": "../home/.docker"}
    for name, destination in {**links, "aws.txt": "../home/.aws/credentials", "docker.json": "docker/config.json"}.items():
        (project / name).symlink_to(destination)
    collected = collect(project)
    assert sorted(collected.files) == ["main.py", "user/x.txt"]
    folders = ("aws.txt", "docker.json", "docker/config.json", "history", "remotes.txt", "user/.docker/config.json")
    assert collected.secrets == folders


def test_unwritable_cache_is_reported(tmp_path: Path) -> None:
    project = write(tmp_path / "p", {"main.py": ""})
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(PackagingError, match="cannot build the zip") as error:
        built(project, tmp_path / "cache")
    assert "cache" in error.value.where and error.value.hint


def test_phases_are_disjoint_parts_of_the_build(tmp_path: Path, shared: Path) -> None:
    emitted: list[events.Event] = []
    built(write(tmp_path, {"main.py": "x = 1\n"}), shared, emitted)
    phases = [event for event in emitted if isinstance(event, events.Phase)]
    assert [phase.name for phase in phases] == [
        *("source", "requirements", "wheels", "shards", "layout", "bytecode", "proof", "overflow", "write")
    ]
    (result,) = [event for event in emitted if isinstance(event, events.Built)]
    assert sum(phase.seconds for phase in phases) <= result.seconds

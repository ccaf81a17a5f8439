"""Projects of Poetry, PDM and Pipenv without a lock, and setup.py: resolved with uv from what they state."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lambent.events import Event, Notice
from lambent.package.lock import Repository
from lambent.package.requirements import requirements_txt
from lambent.package.requirements.pip_lines import readable_by_uv
from lambent.package.requirements.resolve_request import ResolveOptions
from support.locking import commit_all, make_request, make_target, offer, resolve_project, versions, write
from support.registry import Registry, serving

TARGET = make_target("3.13")
POETRY = """
[tool.poetry]
name = "shop"
[tool.poetry.dependencies]
python = "^3.11"
caret = "^1.2"
tilde = {{ version = "~1.2", extras = ["more"] }}
either = "^2.0 || ^1.0"
old = [{{ version = "1.2.0", python = "<3.12" }}, {{ version = "1.3.0", python = ">=3.12" }}]
optional = {{ version = "*", optional = true }}
[tool.poetry.extras]
all = ["optional"]
[tool.poetry.group.dev.dependencies]
develop = "*"
[[tool.poetry.source]]
name = "own"
url = "{}/simple"
priority = "primary"
"""
PIPFILE = """
[[source]]
url = "{}/simple"
verify_ssl = true
name = "own"
[packages]
caret = "*"
tilde = {{ version = "<1.3", extras = ["more"] }}
windows = {{ version = "*", sys_platform = "== 'win32'" }}
[dev-packages]
develop = "*"
"""


@pytest.fixture
def registry() -> Iterator[Registry]:
    with serving() as running:
        for name in ("caret", "either", "old", "optional", "develop", "extra"):
            for version in ("1.2.0", "1.3.0", "2.0.0"):
                offer(running, name, version)
        for version in ("1.2.9", "1.3.0"):
            offer(running, "tilde", version, requires=("extra; extra == 'more'",))
        yield running


def test_poetry(tmp_path: Path, registry: Registry) -> None:
    project, events = write(tmp_path / "app", {"pyproject.toml": POETRY.format(registry.url)}), list[Event]()
    resolution = resolve_project(project, TARGET, tmp_path / "cache", emit=events.append)
    expected = {"caret": "1.3.0", "tilde": "1.2.9", "either": "2.0.0", "old": "1.3.0", "extra": "2.0.0"}
    assert versions(resolution) == expected
    assert not next(pin for pin in resolution.lock.pins if pin.name == "extra").requested
    (notice,) = events
    assert isinstance(notice, Notice) and "`poetry lock` fixes them" in notice.text
    options = ResolveOptions(extras=("all",), groups=("dev",))
    more = versions(resolve_project(project, TARGET, tmp_path / "cache", options))
    assert more == {**expected, "optional": "2.0.0", "develop": "2.0.0"}


def test_pipfile(tmp_path: Path, registry: Registry) -> None:
    project, events = write(tmp_path / "app", {"Pipfile": PIPFILE.format(registry.url)}), list[Event]()
    resolution = resolve_project(project, TARGET, tmp_path / "cache", emit=events.append)
    assert versions(resolution) == {"caret": "2.0.0", "tilde": "1.2.9", "extra": "2.0.0"}
    (notice,) = events
    assert isinstance(notice, Notice) and "`pipenv lock` fixes them" in notice.text
    groups = ResolveOptions(groups=("dev-packages",))
    assert "develop" in versions(resolve_project(project, TARGET, tmp_path / "cache", groups))


def test_folders_and_repositories(tmp_path: Path) -> None:
    """They are read as uv writes them in a requirements file."""
    library = '[project]\nname = "library"\nversion = "1"\n'
    write(tmp_path, {"library/pyproject.toml": library, "library/library.py": ""})
    poetry = '[tool.poetry.dependencies]\nlibrary = { path = "../library", develop = true }\n'
    project = write(tmp_path / "poetry", {"pyproject.toml": poetry})
    (pin,) = resolve_project(project, TARGET, tmp_path / "cache").lock.pins
    assert (pin.folder, pin.repository) == (tmp_path / "library", None)
    project = write(tmp_path / "pipenv", {"Pipfile": '[packages]\nlibrary = { path = "../library", editable = true }\n'})
    (pin,) = resolve_project(project, TARGET, tmp_path / "cache").lock.pins
    assert (pin.folder, pin.repository) == (tmp_path / "library", None)


def test_setup_script_computes_its_requirements(tmp_path: Path, registry: Registry) -> None:
    """The build runs in a copy: nothing is left next to the setup.py."""
    script = "from setuptools import setup\nsetup(name='old', version='1', install_requires=open('needs.txt').read().split())\n"
    project = write(tmp_path / "app", {"setup.py": script, "needs.txt": "caret<2\n", "old.py": ""})
    environ = {"UV_INDEX": f"{registry.url}/simple"}
    resolution = resolve_project(project, TARGET, tmp_path / "cache", environ=environ)
    assert versions(resolution) == {"caret": "1.3.0"}
    assert sorted(path.name for path in project.iterdir()) == ["needs.txt", "old.py", "setup.py"]
    write(project, {"needs.txt": "caret\n"})
    assert versions(resolve_project(project, TARGET, tmp_path / "cache", environ=environ)) == {"caret": "2.0.0"}


def test_file_of_the_requirements_folder_with_the_one_it_includes(tmp_path: Path, registry: Registry) -> None:
    lines = f"--index-url {registry.url}/simple\n"
    files = {"requirements/base.txt": f"{lines}caret==1.2.0\n", "requirements/prod.txt": "-r base.txt\ntilde\n", "main.py": ""}
    lock = resolve_project(write(tmp_path / "project", files), TARGET, tmp_path / "cache")
    assert versions(lock) == {"caret": "1.2.0", "tilde": "1.3.0"}


def test_editable_repository_as_pip_freeze_writes_it(tmp_path: Path, registry: Registry) -> None:
    """The project itself may be one of them, which is not fetched."""
    library = '[project]\nname = "my-lib"\nversion = "1"\ndependencies = ["caret<2"]\n'
    commit = commit_all(write(tmp_path / "library", {"sub/pyproject.toml": library, "sub/my_lib.py": ""}))
    lines = [
        f"--index-url {registry.url}/simple",
        f"-e git+file://{tmp_path}/library@{commit}#egg=my_lib&subdirectory=sub",
        "-e git+https://nowhere.invalid/app.git@0123#egg=App",
        "-r more.txt",
    ]
    files = {
        "requirements.txt": "\n".join(lines),
        "more.txt": "old==1.2.0\n-c limits.txt\n-e ./here\n",
        "limits.txt": "caret<1.3\n",
    }
    here = {"here/pyproject.toml": '[project]\nname = "here"\nversion = "1"\n', "here/here.py": ""}
    project = write(tmp_path / "app", {**files, **here, "pyproject.toml": '[project]\nname = "app"\nversion = "1"\n'})
    resolution = resolve_project(project, TARGET, tmp_path / "cache")
    pins = {pin.name: pin for pin in resolution.lock.pins}
    assert pins.keys() == {"my-lib", "caret", "old", "here"} and pins["caret"].version == "1.2.0"
    assert pins["my-lib"].repository == Repository(f"file://{tmp_path}/library", commit, "sub")
    assert pins["my-lib"].requested and pins["here"].folder == project / "here"


def test_closed_protocol_of_github_and_old_address_of_pypi_are_replaced(tmp_path: Path) -> None:
    lines = "-i https://pypi.python.org/simple/\n# of 2014\ngit+git://github.com/nowhere/tools.git@master#egg=tools\n"
    lines += "git://github.com/nowhere/more.git#egg=more\nold==1.0 # git\ndistro-info===0.23ubuntu1\n"
    project = write(tmp_path / "app", {"requirements.txt": lines})
    request = make_request(project, TARGET, tmp_path / "cache")
    with readable_by_uv(requirements_txt.read_files(request), request) as name:
        assert Path(name).read_text().splitlines() == [
            "-i https://pypi.org/simple/",
            "git+https://github.com/nowhere/tools.git@master#egg=tools",
            "git+https://github.com/nowhere/more.git#egg=more",
            "old==1.0",
            "distro-info==0.23",
        ]


def test_comment_in_another_encoding(tmp_path: Path) -> None:
    project = write(tmp_path / "app", {"requirements.txt": "flask"})
    (project / "requirements.txt").write_bytes("# d\xe9pendances\nflask==3.0.3\n".encode("latin-1"))
    request = make_request(project, TARGET, tmp_path / "cache")
    with readable_by_uv(requirements_txt.read_files(request), request) as name:
        assert Path(name).read_text() == "flask==3.0.3\n"


def test_lines_for_older_releases_of_pip_and_for_builds_from_source(tmp_path: Path) -> None:
    lines = (
        "-i https://pypi.org/simple --trusted-host pypi.org",
        "--no-binary :all:",
        "--process-dependency-links",
        "--find-links ./nowhere",
        "django>=2.2.*,<3.*,!=2.2.3.*",
        "lxml==4.9.1 --global-option=\"build_ext\" --config-settings='a b' --hash=sha256:ab",
        "https://github.com/nowhere/tools/tarball/main#egg=tools-1.0",
        "https://github.com/nowhere/two/zipball/main#egg=two-words",
        "-e git+https://github.com/nowhere/c.git#egg=c --config-settings a=b",
    )
    request = make_request(write(tmp_path / "app", {"requirements.txt": "\n".join(lines)}), TARGET, tmp_path / "cache")
    with readable_by_uv(requirements_txt.read_files(request), request) as name:
        assert Path(name).read_text().splitlines() == [
            "-i https://pypi.org/simple",
            "--trusted-host pypi.org",
            "django>=2.2,<3,!=2.2.3.*",
            "lxml==4.9.1 --hash=sha256:ab",
            "tools @ https://github.com/nowhere/tools/archive/main.tar.gz",
            "two-words @ https://github.com/nowhere/two/archive/main.tar.gz",
            "c @ git+https://github.com/nowhere/c.git",
        ]
    assert requirements_txt.index_lines(request) == ("-i https://pypi.org/simple",)


def test_previews_of_packages_count_where_the_file_says_so(tmp_path: Path, registry: Registry) -> None:
    offer(registry, "next", "1.0")
    offer(registry, "next", "2.0rc1")
    text = f"--index-url {registry.url}/simple\nnext\n"
    project = write(tmp_path / "app", {"requirements.txt": text})
    assert versions(resolve_project(project, TARGET, tmp_path / "cache")) == {"next": "1.0"}
    write(project, {"requirements.txt": f"--pre\n{text}"})
    assert versions(resolve_project(project, TARGET, tmp_path / "cache")) == {"next": "2.0rc1"}


def test_paths_of_condas_builds_become_requirements(tmp_path: Path) -> None:
    (tmp_path / "croot/work").mkdir(parents=True)
    lines = (
        "old @ file:///croot/old_1659/work",
        "new @ file:///home/conda/feedstock_root/build_artifacts/new_1/work/dist/new-2.3.1-cp312-cp312-linux_x86_64.whl#sha256=ab",
        f"here @ file://{tmp_path}/croot/work",
        "own @ file:///home/me/work/own",
    )
    project = write(tmp_path / "app", {"requirements.txt": "\n".join(lines)})
    events: list[Event] = []
    request = make_request(project, TARGET, tmp_path / "cache", emit=events.append)
    with readable_by_uv(requirements_txt.read_files(request), request) as name:
        assert Path(name).read_text().splitlines() == ["old", "new==2.3.1", *lines[2:]]
    assert [event.text.partition(",")[0] for event in events if isinstance(event, Notice)] == [
        "requirements.txt has no versions of old"
    ]


def test_pdm_lock_without_inherited_metadata(tmp_path: Path, registry: Registry) -> None:
    pyproject = '[project]\nname = "app"\nversion = "1"\ndependencies = ["tilde[more]"]\n'
    pyproject += f'[tool.pdm]\ndistribution = false\n[[tool.pdm.source]]\nname = "pypi"\nurl = "{registry.url}/simple"\n'
    lock = '[metadata]\ngroups = ["default", "dev"]\nstrategy = []\nlock_version = "4.5.0"\n'
    for text in (
        'name = "tilde"\nversion = "1.3.0"\n',
        'name = "tilde"\nversion = "1.3.0"\nextras = ["more"]\ndependencies = ["extra", "tilde==1.3.0"]\n',
        'name = "extra"\nversion = "2.0.0"\n',
        'name = "develop"\nversion = "2.0.0"\n',
    ):
        lock += f"[[package]]\n{text}"
    project = write(tmp_path / "app", {"pyproject.toml": pyproject, "pdm.lock": lock})
    assert versions(resolve_project(project, TARGET, tmp_path / "cache")) == {"tilde": "1.3.0", "extra": "2.0.0"}


def test_pdm_project_without_a_lock_has_its_own_sources(tmp_path: Path, registry: Registry) -> None:
    pyproject = '[project]\nname = "app"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["caret<2"]\n'
    pyproject += '[[tool.pdm.source]]\nname = "pypi"\nurl = "${OWN_INDEX}/simple"\n'
    project = write(tmp_path / "app", {"pyproject.toml": pyproject})
    environ = {"OWN_INDEX": registry.url}
    assert versions(resolve_project(project, TARGET, tmp_path / "cache", environ=environ)) == {"caret": "1.3.0"}


def test_setup_cfg_alone_states_requirements(tmp_path: Path) -> None:
    settings = "[metadata]\nname = old\nversion = 1\n[options]\npy_modules = old\ninstall_requires =\n    iniconfig\n"
    project = write(tmp_path / "app", {"setup.cfg": settings, "old.py": ""})
    assert set(versions(resolve_project(project, TARGET, tmp_path / "cache"))) == {"iniconfig"}
    assert not (project / "setup.py").exists()

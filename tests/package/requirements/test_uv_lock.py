"""A uv.lock that is out of date is refused, and one that isn't is used. uv decides, with `uv lock --check`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import uv

from lambent.errors import PackagingError
from lambent.events import Event, Warned
from lambent.package.requirements.resolve_request import ResolveOptions
from lambent.package.uv_command import Uv, UvError
from support.locking import make_target, offer, resolve_project, versions, write
from support.registry import Registry, serving

APP = """\
[project]
name = "app"
version = "0"
requires-python = ">=3.10"
dependencies = [
    "plain>=1",
    "lib",
    "one",
    "many[Fast_Way]>=1,<3; python_version >= '3.10'",
    "old; python_version < '3.11'",
    "windows; sys_platform == 'win32'",
    "pinned==1.0",
]

[project.optional-dependencies]
x = ["extra-x"]
y = ["extra-x; python_version >= '3.13'", "extra-y~=1.0"]
all = ["app[x,y]", "plain>0.5"]

[dependency-groups]
dev = ["checker", {include-group = "deep"}]
deep = ["digger>=1"]

[tool.uv]
constraint-dependencies = ["plain<9"]
override-dependencies = ["pinned==1.0"]

[tool.uv.sources]
lib = { path = "lib", editable = true }
one = { workspace = true }

[tool.uv.workspace]
members = ["members/*"]

[[tool.uv.index]]
url = "INDEX/simple"
default = true
"""
LIB = '[project]\nname = "lib"\nversion = "1"\nrequires-python = ">=3.9"\ndependencies = ["plain"]\n'
ONE = '[project]\nname = "one"\nversion = "1"\nrequires-python = ">=3.10"\ndependencies = ["plain"]\n'
FILES = {"pyproject.toml": APP, "lib/pyproject.toml": LIB, "members/one/pyproject.toml": ONE, "main.py": ""}
NAMES = (
    "plain",
    "many",
    "old",
    "windows",
    "pinned",
    "extra-x",
    "extra-y",
    "checker",
    "digger",
    "new",
    "speed",
    "pytest",
    "gunicorn",
)
TARGET = make_target("3.12")


def uv_lock(folder: Path, *options: str) -> bool:
    """Return whether `uv lock` succeeds with these options."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("UV_")}
    environ |= {"UV_CACHE_DIR": str(folder.parent / "uv"), "UV_PYTHON_DOWNLOADS": "never"}
    command = [uv.find_uv_bin(), "lock", "-q", "--python", sys.executable, *options]
    return subprocess.run(command, cwd=folder, env=environ, capture_output=True, timeout=60).returncode == 0


@pytest.fixture(scope="module")
def registry() -> Iterator[Registry]:
    with serving() as running:
        for name in NAMES:
            offer(running, name)
        offer(running, "many", "2.0", requires=('speed; extra == "fast-way"',))
        yield running


@pytest.fixture(scope="module")
def locked_project(registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a lock made by uv."""
    folder = tmp_path_factory.mktemp("workspace") / "app"
    write(folder, {name: text.replace("INDEX", registry.url) for name, text in FILES.items()})
    assert uv_lock(folder)
    return folder


@pytest.fixture
def project(locked_project: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(locked_project, tmp_path / "app"))


def edit(folder: Path, file: str, old: str, new: str) -> None:
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1))


TOP = "pyproject.toml"
STALE = [
    (TOP, '"plain>=1",', '"plain>=1", "new",', ": it lacks new"),
    (TOP, '"plain>=1",', '"plain>=0.9",', ": it has plain>=1, and the project plain>=0.9"),
    (TOP, '"plain>=1",\n', "", ": plain>=1 is no longer required"),
    (TOP, "[Fast_Way]", "", ": it has many[fast-way]<3,>=1, and the project many<3,>=1"),
    (TOP, "[Fast_Way]", "[other]", ": it has many[fast-way]<3,>=1, and the project many[other]<3,>=1"),
    (TOP, "old; python_version < '3.11'", "old; python_version < '3.14'", ": it lacks old"),
    (
        TOP,
        "; python_version >= '3.10'",
        "; python_version < '3.10'",
        ": many 2.0 is no longer needed; speed 1.0 is no longer needed",
    ),
    (TOP, 'lib = { path = "lib", editable = true }', 'lib = { path = "elsewhere" }', ""),
    (TOP, 'lib = { path = "lib", editable = true }', 'lib = { git = "https://x.invalid/lib", rev = "a" }', ""),
    ("lib/pyproject.toml", '"plain"', '"plain", "new"', ": it lacks new"),
]


@pytest.mark.parametrize(("file", "old", "new", "reason"), STALE)
def test_stale_lock_is_refused(project: Path, file: str, old: str, new: str, reason: str) -> None:
    edit(project, file, old, new)
    assert not uv_lock(project, "--check")
    with pytest.raises(PackagingError) as caught:
        resolve_project(project, TARGET, project.parent / "cache")
    assert caught.value.what == f"uv.lock is out of date{reason}"
    assert (caught.value.where, caught.value.hint) == ("uv.lock", "uv lock")


UNPACKED = [
    (TOP, 'version = "0"', 'version = "1"'),
    (TOP, "windows; sys_platform == 'win32'", "windows; sys_platform == 'darwin'"),
    (TOP, 'x = ["extra-x"]', 'x = ["extra-y"]'),
    (TOP, "app[x,y]", "app[x]"),
    (TOP, '"checker"', '"checker>=1"'),
    (TOP, '"digger>=1"', '"digger"'),
    (TOP, '"plain<9"', '"plain<8"'),
    (TOP, '["pinned==1.0"]\n\n', "[]\n\n"),
    (TOP, 'requires-python = ">=3.10"', 'requires-python = ">=3.11"'),
    ("members/one/pyproject.toml", '"plain"', '"plain>=1"'),
]


@pytest.mark.parametrize(("file", "old", "new"), UNPACKED)
def test_lock_that_is_only_stale_for_what_is_not_packed_is_used(project: Path, file: str, old: str, new: str) -> None:
    if "requires-python" in old:  # a workspace's lock is for the Pythons that all members allow
        edit(project, "members/one/pyproject.toml", old, new)
    before = versions(resolve_project(project, TARGET, project.parent / "earlier"))
    edit(project, file, old, new)
    assert not uv_lock(project, "--check")
    events: list[Event] = []
    lock = (project / "uv.lock").read_bytes()
    assert versions(resolve_project(project, TARGET, project.parent / "cache", emit=events.append)) == before
    warning = Warned("uv.lock is out of date, but what `uv lock` would change isn't packed", "uv lock")
    assert events == [warning] and (project / "uv.lock").read_bytes() == lock


def test_lock_that_only_lacks_servers_and_tools_is_used(project: Path) -> None:
    before = versions(resolve_project(project, TARGET, project.parent / "earlier"))
    edit(project, TOP, '"plain>=1",', '"plain>=1", "pytest", "gunicorn",')
    assert not uv_lock(project, "--check")
    events: list[Event] = []
    assert versions(resolve_project(project, TARGET, project.parent / "cache", emit=events.append)) == before
    text = "uv.lock is out of date for gunicorn and pytest, which the app doesn't import: left out"
    assert events == [Warned(text, "uv lock")]


def test_selected_extra_or_group_of_a_stale_lock_counts(project: Path) -> None:
    edit(project, TOP, '"checker"', '"checker>=1"')
    edit(project, TOP, 'x = ["extra-x"]', 'x = ["extra-x>=1"]')
    for options, name in ((ResolveOptions(groups=("dev",)), "checker"), (ResolveOptions(extras=("x",)), "extra-x")):
        with pytest.raises(PackagingError, match=rf"it has {name}, and the project {name}>=1"):
            resolve_project(project, TARGET, project.parent / "cache", options)


def test_following_the_hint_of_a_stale_lock_works(project: Path) -> None:
    edit(project, TOP, '"plain>=1",', '"plain>=1", "new",')
    with pytest.raises(PackagingError) as caught:
        resolve_project(project, TARGET, project.parent / "cache")
    assert caught.value.hint == "uv lock" and uv_lock(project)
    assert "new" in versions(resolve_project(project, TARGET, project.parent / "cache"))


FRESH = [
    (TOP, '"plain>=1",', '"Plain >= 1.0",'),
    (TOP, "\"many[Fast_Way]>=1,<3; python_version >= '3.10'\"", "\"many[fast-way] <3, >=1 ; python_full_version>='3.10'\""),
    (TOP, "requires-python", 'description = "an app"\nrequires-python'),
    (TOP, '"extra-y~=1.0"', '"extra_y ~= 1.0"'),
    (TOP, '"checker", {include-group = "deep"}', '{include-group = "deep"}, "checker"'),
    (TOP, 'path = "lib"', 'path = "./members/../lib/"'),
    ("lib/pyproject.toml", "[project]", "[tool.other]\na = 1\n[project]"),
]


@pytest.mark.parametrize(("file", "old", "new"), FRESH)
def test_fresh_lock_is_used(project: Path, file: str, old: str, new: str) -> None:
    edit(project, file, old, new)
    assert uv_lock(project, "--check")
    resolution = resolve_project(project, TARGET, project.parent / "cache")
    assert versions(resolution) == {"plain": "1.0", "lib": "", "one": "", "many": "2.0", "speed": "1.0", "pinned": "1.0"}
    assert {pin.name: pin.extras for pin in resolution.lock.pins if pin.extras} == {"many": ("fast-way",)}


def test_fresh_lock_needs_no_network_even_with_another_index(project: Path, registry: Registry) -> None:
    edit(project, TOP, f'[[tool.uv.index]]\nurl = "{registry.url}/simple"\ndefault = true\n', "")
    requests, events = len(registry.requests), list[Event]()
    environ = {"UV_DEFAULT_INDEX": "http://127.0.0.1:9/simple"}
    resolution = resolve_project(project, TARGET, project.parent / "cache", environ=environ, emit=events.append)
    assert "plain" in versions(resolution)
    assert (events, len(registry.requests)) == ([], requests)


def test_lock_that_uv_cannot_check_is_used_with_a_warning(project: Path) -> None:
    edit(project, TOP, 'requires-python = ">=3.10"', 'requires-python = ">=3.50"')
    events: list[Event] = []
    assert "plain" in versions(resolve_project(project, TARGET, project.parent / "cache", emit=events.append))
    (warning,) = events
    assert isinstance(warning, Warned) and warning.text.startswith("uv cannot check whether uv.lock is up to date: No interp")


def test_a_repository_that_cannot_be_cloned_does_not_make_a_lock_stale(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Uv.run

    def run_without_git(self: Uv, *arguments: str, **variables: str) -> str:
        if "--check" in arguments:
            raise UvError("error: Failed to download and build `x @ git+https://x.invalid/x`\n  cause: Git operation failed")
        return run(self, *arguments, **variables)

    monkeypatch.setattr(Uv, "run", run_without_git)
    events: list[Event] = []
    resolve_project(project, TARGET, project.parent / "cache", emit=events.append)
    edit(project, "uv.lock", 'source = { editable = "lib" }', f'source = {{ git = "https://x.invalid/x#{"5f0c" * 10}" }}')
    resolve_project(project, TARGET, project.parent / "cache", emit=events.append)
    stale, unknown = (event.text for event in events if isinstance(event, Warned))
    assert stale.startswith("uv.lock is out of date")
    assert unknown.startswith("uv cannot check whether uv.lock is up to date: Failed to")


def test_python_of_pyenv_checks_a_lock_for_it_although_uv_finds_only_a_shim(project: Path) -> None:
    edit(project, TOP, 'requires-python = ">=3.10"', 'requires-python = ">=3.12"')
    edit(project, "members/one/pyproject.toml", 'requires-python = ">=3.10"', 'requires-python = ">=3.12"')
    shim = project.parent / "shims" / "python3.12"
    write(shim.parent, {"python3.12": "#!/bin/sh\nexit 127\n"})
    shim.chmod(0o755)
    events: list[Event] = []
    environ = {"PATH": f"{shim.parent}:/usr/bin:/bin"}
    resolve_project(project, TARGET, project.parent / "cache", environ=environ, emit=events.append)
    assert [type(event) for event in events] == [Warned] and "isn't packed" in events[0].text  # type: ignore[attr-defined]


@pytest.mark.parametrize("file", [TOP, "lib/pyproject.toml", "members/one/pyproject.toml"])
def test_change_after_a_cached_answer_is_noticed(project: Path, file: str) -> None:
    cache = project.parent / "cache"
    resolve_project(project, TARGET, cache)
    assert resolve_project(project, TARGET, cache).cached
    edit(project, file, '"plain', '"new", "plain')
    with pytest.raises(PackagingError, match="is out of date"):
        resolve_project(project, TARGET, cache)


def test_extras_and_groups_of_a_fresh_lock(project: Path) -> None:
    options = ResolveOptions(extras=("all",), groups=("dev",))
    resolution = resolve_project(project, make_target("3.13"), project.parent / "cache", options)
    assert {"extra-x", "extra-y", "checker", "digger"} < set(versions(resolution))
    assert {pin.name for pin in resolution.lock.pins if pin.requested} >= {"plain", "many", "checker", "digger"}


def test_lock_of_a_script_with_sources(tmp_path: Path, registry: Registry) -> None:
    text = "\n".join(
        [
            "# /// script",
            '# requires-python = ">=3.10"',
            "# dependencies = ['lib', 'many[fast-way]']",
            "# [tool.uv]",
            "# constraint-dependencies = ['many<9']",
            "# sources = { lib = { path = 'lib' } }",
            f"# index = [{{ url = '{registry.url}/simple', default = true }}]",
            "# ///",
            "def lambda_handler(event, context): pass",
        ]
    )
    script = write(tmp_path / "a", {"task.py": text, "lib/pyproject.toml": LIB}) / "task.py"
    assert uv_lock(script.parent, "--script", "task.py")
    resolution = resolve_project(script, TARGET, tmp_path / "cache")
    assert set(versions(resolution)) == {"lib", "many", "speed", "plain"}
    script.write_text(text.replace("[fast-way]", ""))
    assert not uv_lock(script.parent, "--script", "task.py", "--check")
    with pytest.raises(
        PackagingError, match=r"task\.py\.lock is out of date: it has many\[fast-way\], and the project many$"
    ) as caught:
        resolve_project(script, TARGET, tmp_path / "cache")
    assert caught.value.hint == "uv lock --script task.py"

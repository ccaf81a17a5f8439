"""A uv.lock that is out of date is told, and one that is not is used: uv's own opinion is `uv lock --check`."""

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
from lambent.package.requirements.question import Options
from support.locking import locked, offer, pinned, target, write
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
NAMES = ("plain", "many", "old", "windows", "pinned", "extra-x", "extra-y", "checker", "digger", "new", "speed")


def uv_lock(folder: Path, *words: str) -> bool:
    """Whether `uv lock` with these words is content."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("UV_")}
    environ = kept | {"UV_CACHE_DIR": str(folder.parent / "uv"), "UV_PYTHON_DOWNLOADS": "never"}
    command = [uv.find_uv_bin(), "lock", "-q", "--python", sys.executable, *words]
    return subprocess.run(command, cwd=folder, env=environ, capture_output=True, timeout=60).returncode == 0


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A workspace with a lock that uv made, and a registry that has what it names."""
    with serving(Registry()) as registry:
        for name in NAMES:
            offer(registry, name)
        offer(registry, "many", "2.0", requires=('speed; extra == "fast-way"',))
        folder = tmp_path_factory.mktemp("stale") / "app"
        write(folder, {name: text.replace("INDEX", registry.url) for name, text in FILES.items()})
        assert uv_lock(folder)
        yield folder


@pytest.fixture
def edited(project: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(project, tmp_path / "app"))


def edit(folder: Path, file: str, old: str, new: str) -> None:
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1))


TOP = "pyproject.toml"
STALE = [
    (TOP, '"plain>=1",', '"plain>=1", "new",', "it lacks new"),
    (TOP, '"plain>=1",', '"plain>=0.9",', "it lacks plain>=0.9"),
    (TOP, '"plain>=1",\n', "", "plain is no longer asked for"),
    (TOP, "[Fast_Way]", "", "it lacks many<3,>=1"),
    (TOP, "[Fast_Way]", "[other]", "it lacks many[other]<3,>=1"),
    (TOP, "old; python_version < '3.11'", "old; python_version < '3.14'", "it lacks old"),
    (TOP, "; python_version >= '3.10'", "; python_version < '3.10'", "many is no longer asked for"),
    (TOP, 'x = ["extra-x"]', 'x = ["extra-y"]', "it lacks extra-y (extra x)"),
    (TOP, "app[x,y]", "app[x]", "it lacks app[x] (extra all)"),
    (TOP, '"checker"', '"checker>=1"', "it lacks checker>=1 (group dev)"),
    (TOP, '"digger>=1"', '"digger"', "it lacks digger"),
    (TOP, '"plain<9"', '"plain<8"', "it lacks plain<8 (a constraint)"),
    (TOP, '["pinned==1.0"]\n\n', "[]\n\n", "pinned is no longer asked for"),
    (TOP, 'requires-python = ">=3.10"', 'requires-python = ">=3.11"', "is out of date"),
    (
        TOP,
        'lib = { path = "lib", editable = true }\n',
        'lib = { git = "https://x.invalid/lib", rev = "a" }\n',
        "it lacks lib from",
    ),
    ("lib/pyproject.toml", '"plain"', '"plain", "new"', "it lacks new (lib)"),
    ("members/one/pyproject.toml", '"plain"', '"plain>=1"', "it lacks plain>=1 (one)"),
]


@pytest.mark.parametrize(("file", "old", "new", "told"), STALE)
def test_what_uv_takes_for_stale_is_refused(edited: Path, file: str, old: str, new: str, told: str) -> None:
    edit(edited, file, old, new)
    assert not uv_lock(edited, "--check")
    if "requires-python" in old:
        edit(edited, "uv.lock", 'members = [\n    "app",\n    "one",\n]\n', "")  # of a workspace they are not compared
    with pytest.raises(PackagingError, match=r"uv\.lock is out of date") as refused:
        locked(edited, target("3.12"), edited.parent / "cache")
    assert told in refused.value.what and refused.value.hint == "uv lock"


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
def test_what_uv_takes_for_fresh_is_used(edited: Path, file: str, old: str, new: str) -> None:
    edit(edited, file, old, new)
    assert uv_lock(edited, "--check")
    found = locked(edited, target("3.12"), edited.parent / "cache")
    assert pinned(found) == {"plain": "1.0", "lib": "", "one": "", "many": "2.0", "speed": "1.0", "pinned": "1.0"}
    assert {pin.name: pin.extras for pin in found.lock.pins if pin.extras} == {"many": ("fast-way",)}


def test_what_only_another_system_asks_for_is_no_matter_here(edited: Path) -> None:
    edit(edited, TOP, "windows; sys_platform == 'win32'", "windows; sys_platform == 'darwin'")
    assert not uv_lock(edited, "--check")
    assert "plain" in pinned(locked(edited, target("3.12"), edited.parent / "cache"))


def test_extras_and_groups_of_a_fresh_lock(edited: Path) -> None:
    found = locked(edited, target("3.13"), edited.parent / "cache", Options(extras=("all",), groups=("dev",)))
    assert {"extra-x", "extra-y", "checker", "digger"} < set(pinned(found))
    assert {pin.name for pin in found.lock.pins if pin.asked} >= {"plain", "many", "checker", "digger"}


def test_the_lock_of_a_script_with_sources(tmp_path: Path, project: Path) -> None:
    index = (project / TOP).read_text().rpartition('url = "')[2].partition('"')[0]
    text = "\n".join(
        [
            "# /// script",
            '# requires-python = ">=3.10"',
            "# dependencies = ['lib', 'many[fast-way]']",
            "# [tool.uv]",
            "# constraint-dependencies = ['many<9']",
            "# sources = { lib = { path = 'lib' } }",
            f"# index = [{{ url = '{index}', default = true }}]",
            "# ///",
            "def lambda_handler(event, context): pass",
        ]
    )
    script = write(tmp_path / "a", {"task.py": text, "lib/pyproject.toml": LIB}) / "task.py"
    assert uv_lock(script.parent, "--script", "task.py")
    assert set(pinned(locked(script, target("3.12"), tmp_path / "cache"))) == {"lib", "many", "speed", "plain"}
    script.write_text(text.replace("[fast-way]", ""))
    assert not uv_lock(script.parent, "--script", "task.py", "--check")
    with pytest.raises(PackagingError, match=r"it lacks many") as refused:
        locked(script, target("3.12"), tmp_path / "cache")
    assert refused.value.hint == "uv lock --script task.py"

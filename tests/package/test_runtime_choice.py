"""The runtime that an app's requirements decide."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterator, Mapping
from datetime import date
from io import BytesIO
from pathlib import Path

import pytest

from lambent.cli.app_options import Builder
from lambent.config.load import Flags, load
from lambent.config.model import Config
from lambent.config.python_runtime import keep_live
from lambent.errors import PackagingError
from lambent.events import Event, RuntimeChosen, ignore
from lambent.package.build_context import BuildContext, BuildOptions
from lambent.package.dependencies import fetch_wheels, resolve_requirements
from lambent.package.runtime_advice import unique_blockers
from lambent.package.runtime_choice import choose_runtime, suggest_runtime
from lambent.package.unfit import Blocker, UnfitError
from support.interpreter import python
from support.locking import offer, write
from support.registry import Registry, serving, sha256

TODAY = date(2026, 11, 30)
BACKEND = """\
import imp
import zipfile

NAME = "old-1.0-py3-none-any.whl"


def build_wheel(folder, settings=None, metadata=None):
    with zipfile.ZipFile(f"{folder}/{NAME}", "w") as archive:
        archive.writestr("old.py", "")
        archive.writestr("old-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: old\\nVersion: 1.0\\n")
        archive.writestr("old-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        archive.writestr("old-1.0.dist-info/RECORD", "")
    return NAME
"""
HANDLER = "def lambda_handler(event, context): return 1\n"


def offer_for(registry: Registry, name: str, version: str, *minors: int) -> None:
    """Offer a package with native code for these minor versions of Python."""
    for minor in minors:
        offer(registry, name, version, f"cp3{minor}-cp3{minor}-manylinux2014_x86_64")


class Project:
    """An app with requirements from a registry, and what was said about its runtime."""

    def __init__(self, folder: Path, registry: Registry, *lines: str) -> None:
        self.folder, self.registry, self.cache = folder, registry, folder.parent / "cache"
        self.said: list[str] = []
        self.require(*lines)

    def require(self, *lines: str) -> None:
        text = "\n".join([f"--index-url {self.registry.url}/simple", *lines, ""])
        write(self.folder, {"lambda_function.py": HANDLER, "requirements.txt": text})

    @property
    def environ(self) -> Mapping[str, str]:
        return {**os.environ, "UV_CACHE_DIR": str(self.cache / "uv")}

    def config(self, **flags: str) -> Config:
        return load(self.folder, Flags(**flags), self.environ, TODAY)

    def choose(self, live: str = "") -> Config:
        self.said.clear()
        return choose_runtime(keep_live(self.config(), live), self.cache, self.environ, self.record)

    def context(self, config: Config) -> BuildContext:
        return BuildContext.start(config, self.cache, self.environ, self.record, None)

    def refuse(self) -> PackagingError:
        with pytest.raises(PackagingError) as caught:
            self.choose()
        return caught.value

    def record(self, event: Event) -> None:
        usual = (self.config().candidates.origin_of(getattr(event, "runtime", "")), "what is live")
        if isinstance(event, RuntimeChosen) and event.reason not in usual:
            self.said.append(f"{event.runtime}: {event.reason}")


@pytest.fixture
def registry() -> Iterator[Registry]:
    with serving() as running:
        yield running


@pytest.fixture
def project(tmp_path: Path, registry: Registry) -> Project:
    return Project(tmp_path / "app", registry)


def test_app_without_requirements_gets_the_newest(project: Project) -> None:
    (project.folder / "requirements.txt").unlink()
    assert project.choose().runtime == "python3.14" and not project.said


def test_newest_runtime_that_every_pin_fits_is_taken_and_said_once(project: Project) -> None:
    offer_for(project.registry, "fast", "1.0", 10, 11, 12)
    offer_for(project.registry, "quick", "1.0", 10, 11)
    project.require("fast==1.0", "quick==1.0")
    config = project.choose()
    assert config.runtime == "python3.11"
    assert project.said == ["python3.11: quick 1.0 has no wheel for 3.12"]
    assert config.origins["runtime"] == "quick 1.0 has no wheel for 3.12"


def test_runtime_is_one_whose_wheel_has_a_hash(project: Project) -> None:
    offer_for(project.registry, "fast", "1.0", 11, 12)
    listed = project.registry.files["/files/fast-1.0-cp311-cp311-manylinux2014_x86_64.whl"]
    project.require(f"fast==1.0 --hash=sha256:{sha256(listed)}")
    assert project.choose().runtime == "python3.11"
    assert project.said == ["python3.11: fast 1.0 has no hash for its wheel for 3.12"]


def test_choice_is_cached_until_the_requirements_change(project: Project) -> None:
    offer_for(project.registry, "fast", "1.0", 12)
    project.require("fast==1.0")
    assert project.choose().runtime == "python3.12"
    requests = len(project.registry.requests)
    assert project.choose().runtime == "python3.12" and project.said == ["python3.12: fast 1.0 has no wheel for 3.13"]
    assert len(project.registry.requests) == requests
    offer_for(project.registry, "fast", "2.0", 14)
    project.require("fast==2.0")
    assert project.choose().runtime == "python3.14" and not project.said


def test_upgrade_asks_the_index_once(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_CACHE_DIR", str(project.cache / "uv"))
    offer(project.registry, "pure")
    project.require("pure")
    builder = Builder(project.cache, BuildOptions(refresh=True))
    config = builder.choose_runtime(project.config(), ignore)
    pages = [request for request in project.registry.requests if request.path.startswith("/simple/")]
    assert pages
    builder.build(config, project.record)
    assert [request for request in project.registry.requests if request.path.startswith("/simple/")] == pages


def test_live_runtime_stays_while_it_fits(project: Project) -> None:
    offer_for(project.registry, "fast", "1.0", 11, 12, 13, 14)
    project.require("fast==1.0")
    assert project.choose("python3.12").runtime == "python3.12" and not project.said
    assert project.choose("python3.10").runtime == "python3.14"
    assert project.said == ["python3.14: fast 1.0 has no wheel for 3.10"]


def test_version_file_comes_first_if_the_pins_fit(project: Project) -> None:
    offer_for(project.registry, "fast", "1.0", 12)
    project.require("fast==1.0")
    write(project.folder, {".python-version": "3.13\n"})
    assert project.choose().runtime == "python3.12"
    assert project.said == ["python3.12: fast 1.0 has no wheel for 3.13"]


def test_version_file_for_which_the_requirements_conflict_is_passed_over(project: Project) -> None:
    ranges = ('child<2; python_version < "3.10"', 'child>=2; python_version >= "3.10"')
    offer(project.registry, "parent", "1.0", requires=ranges)
    for version in ("1.0", "2.0"):
        offer(project.registry, "child", version)
    write(project.folder, {".python-version": "3.9\n"})
    project.require("parent==1.0", "child==2.0")
    assert project.choose().runtime == "python3.14"
    assert project.said == ["python3.14: child 2.0 conflicts with another one on 3.9"]
    project.require("parent==1.0", "child==1.0", "child==2.0")
    assert project.refuse().what == "the requirements conflict on python3.9 x86_64"


def test_blocker_that_knows_which_pythons_fit_is_the_one_that_is_named() -> None:
    known = Blocker("recent", "1.0", "needs Python >=3.11", frozenset({"3.11"}))
    assert unique_blockers([known, Blocker("recent", "1.0", "has no wheel for {python}", frozenset())]) == [known]


def test_lock_that_lambent_wrote_decides(project: Project) -> None:
    lock = 'lock-version = "1.0"\ncreated-by = "lambent"\nrequires-python = ">=3.12"\npackages = []\n'
    write(project.folder, {"pylock.python312-x86_64.toml": lock})
    assert project.choose().runtime == "python3.12"


def test_source_that_imports_a_removed_module_gets_the_python_that_has_it(project: Project) -> None:
    for version in ("3.11", "3.13"):
        python(version)
    project.registry.files["/files/old-1.0.tar.gz"] = make_old_source()
    project.require("old==1.0")
    write(project.folder, {".python-version": "3.13"})
    assert project.choose().runtime == "python3.11"
    assert project.said == [
        "python3.11: old 1.0 doesn't build from its source: its build imports imp, which Python 3.12 removed"
    ]


def test_source_for_a_setuptools_that_no_newer_python_runs_gets_the_python_that_does(project: Project) -> None:
    needs_old = """import sys
if sys.version_info >= (3, 10):
    raise ImportError("cannot import name 'Feature' from 'setuptools' (setuptools/__init__.py)")
"""
    for version in ("3.9", "3.13"):
        python(version)
    project.registry.files["/files/old-1.0.tar.gz"] = make_old_source(BACKEND.replace("import imp\n", needs_old))
    project.require("old==1.0")
    assert project.choose().runtime == "python3.9"
    reason = "its setup.py needs a setuptools older than 46, which doesn't run on Python 3.10 or later"
    assert project.said == [f"python3.9: old 1.0 doesn't build from its source: {reason}"]


def offer_with_source(project: Project, backend: str) -> None:
    """Offer a package with a wheel for a Python that Lambda has no more, and with its source."""
    python("3.8")
    offer_for(project.registry, "old", "1.0", 6)
    project.registry.files["/files/old-1.0.tar.gz"] = make_old_source(backend)
    project.require("old==1.0")


def test_source_that_can_do_without_its_compiled_part_gets_the_oldest_python(project: Project) -> None:
    offer_with_source(project, BACKEND.replace("import imp\n", "").replace("py3-none-any", "cp38-cp38-linux_x86_64"))
    config = project.choose()
    assert (config.runtime, config.uncompiled) == ("python3.8", frozenset({"old"}))
    assert project.choose() == config  # from the cache
    requirements = resolve_requirements(project.context(config))
    (wheel,) = fetch_wheels(project.context(config), requirements)
    assert wheel.filename == "old-1.0-py3-none-any.whl"


def test_other_package_that_fits_no_runtime_is_the_error(project: Project) -> None:
    offer_with_source(project, BACKEND.replace("import imp\n", "").replace("py3-none-any", "cp38-cp38-linux_x86_64"))
    compiles = 'import os, subprocess\nsubprocess.run([os.environ["CC"], "x.c"], check=True)\n'
    project.registry.files["/files/driver-1.0.tar.gz"] = make_old_source(compiles, "driver")
    project.require("old==1.0", "driver==1.0")
    assert project.refuse().what.endswith(": driver 1.0 has no wheel for any of them, and its source needs a compiler")


def test_conflict_and_what_fits_no_runtime_get_one_edit(project: Project) -> None:
    for version in ("1.0", "2.0"):
        offer(project.registry, "base", version)
    offer(project.registry, "web", requires=("base>=2",))
    offer_for(project.registry, "fast", "1.0", 6)
    offer_for(project.registry, "fast", "1.1", 8)
    project.require("web==1.0", "base==1.0", "fast==1.0")
    error = project.refuse()
    assert error.what.startswith("the requirements conflict")
    assert error.hint == "base>=2 instead of base==1.0 and fast==1.1 in requirements.txt, for python3.8"
    project.require("web==1.0", "base>=2", "fast==1.1")
    assert project.choose().runtime == "python3.8"


def test_source_that_needs_a_compiler_fits_no_runtime(project: Project) -> None:
    offer_with_source(project, 'import os, subprocess\nsubprocess.run([os.environ["CC"], "x.c"], check=True)\n')
    offer_for(project.registry, "old", "1.1", 8, 9)
    offer_for(project.registry, "old", "2.0", 9, 13)
    error = project.refuse()
    reason = "old 1.0 has no wheel for any of them, and its source needs a compiler"
    assert error.what == f"no runtime fits all requirements: {reason}"
    assert error.hint == "old==1.1 in requirements.txt, for python3.8"
    project.require("old==1.1")
    assert project.choose().runtime == "python3.9"


def test_edit_frees_a_package_that_does_not_allow_it(project: Project) -> None:
    offer_for(project.registry, "part", "1.0", 6)
    offer_for(project.registry, "part", "2.0", 8)
    offer(project.registry, "whole", "1.0", requires=("part<2",))
    offer(project.registry, "whole", "1.1", requires=("part<3",))
    project.require("whole==1.0", "part==1.0")
    error = project.refuse()
    assert error.hint == "part==2.0 and whole==1.1 in requirements.txt, for python3.8"
    project.require("whole==1.1", "part==2.0")
    assert project.choose().runtime == "python3.8"


def make_old_source(backend: str = BACKEND, package: str = "old") -> bytes:
    """Return a source distribution. Its build imports a module that Python 3.12 removed, unless it has another backend."""
    files = {
        "PKG-INFO": f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n",
        "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n',
        "backend.py": backend,
    }
    content = BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(f"{package}-1.0/{name}")
            member.size = len(text)
            archive.addfile(member, BytesIO(text.encode()))
    return content.getvalue()


def test_package_whose_start_imports_a_removed_module_gets_the_python_that_has_it(project: Project) -> None:
    offer(project.registry, "old", source="import distutils.version, cgi\n")
    project.require("old==1.0")
    assert project.choose().runtime == "python3.14", "nothing imports the package"
    write(project.folder, {"lambda_function.py": f"import helper\n{HANDLER}", "helper.py": "import old\n"})
    project.require("old==1.0", "# another lock")
    write(project.folder, {"lambda_function.py": f"import helper\n{HANDLER}"})
    reason = "old 1.0 imports distutils, which Python 3.12 removed"
    config = project.choose()
    assert (config.runtime, config.origins["runtime"], project.said) == ("python3.11", reason, [f"python3.11: {reason}"])
    requests = len(project.registry.requests)
    assert project.choose().runtime == "python3.11" and len(project.registry.requests) == requests


@pytest.mark.parametrize(
    ("source", "runtime"),
    [
        ("from collections import Mapping\n", "python3.9"),
        ("from asyncio import coroutine\nimport cgi\n", "python3.10"),
        (
            "try:\n    from collections import Mapping\nexcept ImportError:\n    from collections.abc import Mapping\n",
            "python3.14",
        ),
        ("def later():\n    import cgi\n", "python3.14"),
        ("from time import clock\n", "python3.14"),  # no runtime has it: the build names it
    ],
)
def test_app_that_imports_what_was_removed_gets_the_python_that_has_it(project: Project, source: str, runtime: str) -> None:
    (project.folder / "requirements.txt").unlink()
    write(project.folder, {"lambda_function.py": source + HANDLER})
    assert project.choose().runtime == runtime


def test_removed_modules_change_no_runtime_that_is_live_or_named(project: Project) -> None:
    write(project.folder, {"lambda_function.py": f"import cgi\n{HANDLER}"})
    assert project.choose().runtime == "python3.12"
    assert project.choose("python3.13").runtime == "python3.13"
    write(project.folder, {".python-version": "3.13\n"})
    assert project.choose().runtime == "python3.13"


def test_nothing_fits_names_the_pins_and_an_edit_that_works(project: Project) -> None:
    offer_for(project.registry, "fast", "1.0", 11, 12)
    offer_for(project.registry, "fast", "2.0", 13, 14)
    offer_for(project.registry, "quick", "1.0", 13)
    offer(project.registry, "pure")
    project.require("fast==1.0", "quick==1.0", "pure")
    error = project.refuse()
    assert error.what == "no runtime fits all requirements: fast 1.0 only fits 3.11 and 3.12; quick 1.0 only fits 3.13"
    assert (error.where, error.hint) == ("requirements.txt", "fast==2.0 in requirements.txt, for python3.13")
    project.require("fast==2.0", "quick==1.0", "pure")
    assert project.choose().runtime == "python3.13"


def test_runtime_that_the_user_named_gets_one_that_fits_as_hint(project: Project) -> None:
    offer_for(project.registry, "fast", "1.0", 10, 11, 12)
    offer_for(project.registry, "quick", "1.0", 10, 11)
    project.require("fast==1.0", "quick==1.0")
    config = project.config(runtime="python3.13")
    assert choose_runtime(config, project.cache, project.environ, project.record) == config
    error = UnfitError(PackagingError("fast 1.0 has no wheel", hint="--build-native"), ())
    suggested = suggest_runtime(config, error, project.cache, project.environ, TODAY, BuildOptions())
    assert suggested.hint == "--runtime python3.11, or --build-native"


def test_release_that_fails_on_later_pythons_is_known(registry: Registry, project: Project) -> None:
    """Its wheel fits every Python, and nothing that it imports was removed."""
    offer(registry, "pydantic", "1.10.2")
    project.require("pydantic==1.10.2")
    assert project.choose().runtime == "python3.11"
    assert any("pydantic 1.10.2 can't be imported on Python 3.12 and later" in line for line in project.said), project.said
    assert project.choose(live="python3.13").runtime == "python3.13"

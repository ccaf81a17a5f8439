"""What every start imports and the requirements don't name: setuptools, and extras and groups of the project."""

from __future__ import annotations

import json
import os
import sys
import zipfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from lambent.config.model import App, Config
from lambent.errors import PackagingError
from lambent.events import Event, Notice, Resolved, Warned
from lambent.package.build import build
from support.locking import write
from support.registry import Registry, serving
from support.wheel_files import wheel

RUNTIME = f"python3.{sys.version_info[1]}"
HANDLER = "def handler(event, context): return 1\n"


class Project:
    """An app whose packages come from a registry. `said` has what its last build said, without its `warnings`."""

    def __init__(self, folder: Path, registry: Registry) -> None:
        self.folder, self.registry, self.said = folder / "app", registry, list[str]()
        self.warnings = list[str]()
        self.app = App("main", "handler", "handler")
        self.default_index = f"{registry.url}/simple"
        self._cache, self._wheels = folder / "cache", folder / "wheels"

    def offer(self, name: str, files: dict[str, str], requires: tuple[str, ...] = (), version: str = "1") -> None:
        made = wheel(self._wheels, name, dict(files), requires=requires, version=version)
        self.registry.files[f"/files/{made.filename}"] = made.path.read_bytes()

    def write(self, files: dict[str, str]) -> None:
        write(self.folder, files)

    def build(self) -> set[str]:
        """Return the names in the zip."""
        self.resolved = 0
        self.said.clear()
        self.warnings.clear()
        environ = {**os.environ, "UV_CACHE_DIR": str(self._cache / "uv"), "UV_DEFAULT_INDEX": self.default_index}
        config = Config(self.folder, "small", self.app, RUNTIME, "x86_64")
        artifact = build(config, self._cache, environ, self._record)
        with zipfile.ZipFile(artifact.path) as archive:
            return set(archive.namelist())

    def _record(self, event: Event) -> None:
        if isinstance(event, Notice):
            self.said.append(event.text)
        if isinstance(event, Resolved):
            self.resolved += 1
        if isinstance(event, Warned):
            self.warnings.append(event.text)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with serving() as registry:
        made = Project(tmp_path, registry)
        made.offer("setuptools", {"pkg_resources/__init__.py": "from packaging import version\n", "setuptools/__init__.py": ""})
        made.offer("shopdb", {"shopdb.py": ""})
        yield made


@pytest.mark.parametrize("guard", ["", "try:\n    import pkg_resources\nexcept ImportError:\n    pkg_resources = None\n"])
def test_setuptools_is_added_where_a_package_has_to_import_pkg_resources(project: Project, guard: str) -> None:
    project.offer("old", {"old.py": guard or "import pkg_resources\n"})
    project.write({"main.py": f"import old\n{HANDLER}", "requirements.txt": "old\n"})
    has_setuptools = "pkg_resources/__init__.py" in project.build()
    assert has_setuptools == (not guard)
    notice = "setuptools is added, as in a virtual environment: a package imports pkg_resources"
    assert (notice in project.said) == has_setuptools
    requests = len(project.registry.requests)
    assert ("pkg_resources/__init__.py" in project.build()) == has_setuptools
    assert len(project.registry.requests) == requests


def test_warnings_are_given_once_although_the_contents_are_laid_out_again(project: Project) -> None:
    project.offer("old", {"old.py": "import pkg_resources\n", "helper/types.py": ""})
    project.write({"main.py": f"import old\n{HANDLER}", "requirements.txt": "old\n", "helper/types.py": ""})
    assert "pkg_resources/__init__.py" in project.build()
    assert project.resolved == 1
    assert [text for text in project.warnings if "types.py" in text] == [
        "your own files replace those of a dependency: helper/types.py"
    ]


def test_added_package_comes_from_the_index_of_the_lock(project: Project) -> None:
    project.offer("old", {"old.py": "import pkg_resources\n"})
    wheel_of_old = project.registry.files["/files/old-1-py3-none-any.whl"]
    project.default_index = f"{project.registry.url}/elsewhere"
    lock = {
        "_meta": {"sources": [{"url": project.default_index}, {"url": f"{project.registry.url}/simple"}]},
        "default": {"old": {"hashes": [f"sha256:{sha256(wheel_of_old).hexdigest()}"], "version": "==1"}},
    }
    project.write({"main.py": f"import old\n{HANDLER}", "Pipfile": '[packages]\nold = "*"\n', "Pipfile.lock": json.dumps(lock)})
    assert "pkg_resources/__init__.py" in project.build()


def test_added_package_comes_from_the_sources_of_pdm(project: Project) -> None:
    project.offer("old", {"old.py": "import pkg_resources\n"})
    project.default_index = f"{project.registry.url}/elsewhere"
    table = f'[[tool.pdm.source]]\nname = "ours"\nurl = "{project.registry.url}/simple"\n'
    project.write({"main.py": f"import old\n{HANDLER}"})
    project.write({"pyproject.toml": f'[project]\nname = "small"\nversion = "1"\ndependencies = ["old"]\n{table}'})
    assert "pkg_resources/__init__.py" in project.build()


def test_newest_setuptools_that_a_package_requires_is_replaced(project: Project) -> None:
    project.offer("old", {"old.py": "import pkg_resources\n"}, requires=("setuptools",))
    project.offer("setuptools", {"setuptools/__init__.py": ""}, version="82")
    project.write({"main.py": f"import old\n{HANDLER}", "requirements.txt": "old\n"})
    assert "pkg_resources/__init__.py" in project.build()
    project.write({"requirements.txt": "old\nsetuptools==82\n"})
    assert "pkg_resources/__init__.py" not in project.build()


PYPROJECT = """
[project]
name = "shop"
version = "1"
dependencies = []

[project.optional-dependencies]
db = ["shopdb"]
all = ["shopdb", "another"]

[dependency-groups]
web = ["shopweb"]
"""


def test_extra_that_declares_what_the_app_imports_is_installed(project: Project) -> None:
    project.write({"main.py": f"from store import save\n{HANDLER}", "store.py": "import shopdb\nsave = 1\n"})
    project.write({"pyproject.toml": PYPROJECT})
    assert "shopdb.py" in project.build()
    assert project.said == ["the extra db is installed too: store.py imports shopdb"]


def test_group_is_installed_if_no_extra_declares_it(project: Project) -> None:
    project.offer("shopweb", {"shopweb.py": "import pkg_resources\n"}, requires=("shopdb",))
    project.write({"main.py": f"import shopweb\n{HANDLER}", "pyproject.toml": PYPROJECT})
    assert {"shopweb.py", "shopdb.py", "pkg_resources/__init__.py"} <= project.build()
    assert project.said[0] == "the group web is installed too: main.py imports shopweb"


@pytest.mark.parametrize(
    "use", ["try:\n    import shopdb\nexcept ImportError:\n    shopdb = None\n", "def f():\n    import shopdb\n"]
)
def test_extra_that_a_start_can_do_without_stays_optional(project: Project, use: str) -> None:
    project.write({"main.py": f"{use}{HANDLER}", "pyproject.toml": PYPROJECT})
    assert "shopdb.py" not in project.build()


def test_module_that_no_extra_declares_is_refused(project: Project) -> None:
    project.write({"main.py": f"import elsewhere\n{HANDLER}", "pyproject.toml": PYPROJECT})
    with pytest.raises(PackagingError, match="imports elsewhere"):
        project.build()


def test_chalice_is_added_without_what_only_its_command_needs(project: Project) -> None:
    project.offer("chalice", {"chalice/__init__.py": "class Chalice: pass\n"}, requires=("inquirer>=3", "pip"))
    project.write({"main.py": f"from chalice import Chalice\n{HANDLER}", "requirements.txt": "# chalice deploy adds itself\n"})
    assert "chalice/__init__.py" in project.build()
    assert project.said == ["chalice is added, as `chalice deploy` does"]


def test_packages_of_installed_apps_count_as_imported_at_start(project: Project) -> None:
    project.offer("countries", {"countries/__init__.py": "", "countries/models.py": "import pkg_resources\n"})
    settings = 'os.environ.setdefault("DJANGO_SETTINGS_MODULE", "conf")\n'
    project.write(
        {"main.py": f"import os\n{settings}def app(environ, start_response): return []\n", "requirements.txt": "countries\n"}
    )
    project.write({"conf.py": 'INSTALLED_APPS = ["countries"]\n'})
    project.app = App("main", "app", "wsgi")
    assert "pkg_resources/__init__.py" in project.build()

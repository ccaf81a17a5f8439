"""What every start imports and the requirements don't name: setuptools, and extras and groups of the project."""

from __future__ import annotations

import io
import json
import os
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from lambent.config.model import App, Config
from lambent.errors import PackagingError
from lambent.events import Event, Notice, Resolved, Warned
from lambent.package.build import build
from lambent.package.build_context import BuildOptions
from lambent.package.lock_file import write_lock
from lambent.package.proof.finding import Finding
from lambent.package.supplements import libraries_above
from lambent.package.unfit import UnfitError
from support.locking import offer, write
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
        artifact = build(self._config, self._cache, self._environ, self._record)
        with zipfile.ZipFile(artifact.path) as archive:
            return set(archive.namelist())

    def lock(self, *, upgrade: bool = False) -> None:
        write_lock(self._config, self._cache, self._environ, self._record, BuildOptions(refresh=upgrade))

    @property
    def _config(self) -> Config:
        return Config(self.folder, "small", self.app, RUNTIME, "x86_64")

    @property
    def _environ(self) -> dict[str, str]:
        return {**os.environ, "UV_CACHE_DIR": str(self._cache / "uv"), "UV_DEFAULT_INDEX": self.default_index}

    def _record(self, event: Event) -> None:
        if isinstance(event, Notice):
            self.said.append(event.text)
        if isinstance(event, Resolved):
            self.resolved += 1
        if isinstance(event, Warned):
            self.warnings.append(f"{event.text} ({event.hint})")


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
    (warning,) = (text for text in project.warnings if "types.py" in text)
    assert warning.startswith("your own files replace those of a dependency: helper/types.py")


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


def test_group_is_installed_if_a_start_needs_what_it_only_names(project: Project) -> None:
    project.offer("sqlalchemy", {"sqlalchemy.py": ""})
    project.offer("psycopg2", {"psycopg2.py": ""})
    table = PYPROJECT.replace("dependencies = []", 'dependencies = ["sqlalchemy"]').replace("shopweb", "psycopg2")
    project.write({"main.py": f"import sqlalchemy\nURL = 'postgresql://localhost/shop'\n{HANDLER}", "pyproject.toml": table})
    assert "psycopg2.py" in project.build()
    assert project.said == ["the group web is installed too: main.py needs psycopg2"]


def test_development_packages_of_a_pipfile_are_installed_if_a_start_imports_one(project: Project) -> None:
    source = f'[[source]]\nurl = "{project.registry.url}/simple"\nname = "own"\n[packages]\nother = "*"\n'
    source += '[dev-packages]\nshopdb = "*"\n'
    project.offer("other", {"other.py": ""})
    project.write({"main.py": f"import shopdb\n{HANDLER}", "Pipfile": source})
    assert "shopdb.py" in project.build()
    assert project.said[-1] == "the group dev-packages is installed too: main.py imports shopdb"


def test_development_packages_of_an_old_poetry_project_are_installed_too(project: Project) -> None:
    table = '[tool.poetry]\nname = "shop"\nversion = "1"\n[tool.poetry.dependencies]\npython = "^3.8"\nother = "*"\n'
    table += '[tool.poetry.dev-dependencies]\nshopdb = "*"\n'
    source = f'[[tool.poetry.source]]\nname = "own"\nurl = "{project.registry.url}/simple"\n'
    project.offer("other", {"other.py": ""})
    project.write({"main.py": f"import shopdb\n{HANDLER}", "pyproject.toml": table + source})
    assert "shopdb.py" in project.build()
    assert project.said[-1] == "the group dev is installed too: main.py imports shopdb"


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


@pytest.fixture
def popular(project: Project) -> Project:
    """A project whose registry has packages that lambent knows."""
    project.offer("pyyaml", {"yaml/__init__.py": ""}, version="6.0.3")
    project.offer("flask_wtf", {"flask_wtf/__init__.py": ""}, requires=("shopdb<2",), version="1.2")
    project.offer("flask_wtf", {"flask_wtf/__init__.py": ""}, requires=("shopdb>=2",), version="1.3")
    project.write({"requirements.txt": "shopdb==1\n"})
    return project


def test_well_known_packages_that_a_requirements_file_lacks_are_added(popular: Project) -> None:
    popular.write({"main.py": f"import shopdb, yaml, forms\n{HANDLER}", "forms.py": "from flask_wtf import FlaskForm\n"})
    assert {"shopdb.py", "yaml/__init__.py", "flask_wtf/__init__.py"} <= popular.build()
    assert popular.warnings == [
        "PyYAML 6.0.3 and Flask-WTF 1.2 are added: main.py and forms.py need them, and requirements.txt doesn't list them"
        " (add these to requirements.txt, a line each: PyYAML==6.0.3 Flask-WTF==1.2)"
    ]
    requests = len(popular.registry.requests)
    assert "yaml/__init__.py" in popular.build() and popular.warnings
    assert len(popular.registry.requests) == requests


def test_package_that_is_known_with_a_limit_or_an_extra_is_reported_too(popular: Project) -> None:
    popular.offer("mcp", {"mcp/server/fastmcp.py": ""})
    popular.write({"main.py": f"from mcp.server.fastmcp import FastMCP\n{HANDLER}"})
    popular.build()
    assert popular.warnings[0].startswith("mcp 1 is added: main.py needs it")
    assert popular.warnings[0].endswith("(add mcp==1 to requirements.txt)")


@pytest.mark.parametrize(("other", "is_added"), [('{"Odd-Tool": {}}', True), ('{"odd-tool-x": {}}', False)])
def test_package_that_another_file_of_the_project_names_is_added(popular: Project, other: str, is_added: bool) -> None:
    popular.offer("odd_tool", {"odd_tool.py": ""})
    popular.write({"main.py": f"import odd_tool\n{HANDLER}", "Pipfile.lock": other})
    if is_added:
        assert "odd_tool.py" in popular.build()
    else:
        with pytest.raises(PackagingError, match="imports odd_tool"):
            popular.build()


def test_what_a_layer_lists_is_installed_at_its_version(project: Project) -> None:
    for version in ("1", "2"):
        project.offer("odd_tool", {"odd_tool.py": ""}, version=version)
    template = "Resources:\n  Base:\n    Type: AWS::Serverless::LayerVersion\n    Properties:\n      ContentUri: ./base/\n"
    project.write({"main.py": f"import helper\n{HANDLER}", "requirements.txt": "shopdb\n", "template.yaml": template})
    project.write({"base/python/helper.py": "import odd_tool\n", "base/requirements.txt": "# shared\nodd-tool == 1\n"})
    project.app = App("main", "handler", "handler", shared_modules=("base/python/helper.py",))
    assert {"helper.py", "shopdb.py", "odd_tool-1.dist-info/METADATA"} <= project.build()
    assert "odd-tool == 1 is installed too, from base/requirements.txt: helper.py needs it" in project.said
    (project.folder / "requirements.txt").unlink()
    assert "odd_tool-1.dist-info/METADATA" in project.build()


def test_written_down_package_is_not_added(popular: Project) -> None:
    popular.write({"main.py": f"import yaml\n{HANDLER}", "requirements.txt": "shopdb"})
    popular.build()
    text = (
        "PyYAML 6.0.3 is added: main.py needs it, and requirements.txt doesn't list it (add PyYAML==6.0.3 to requirements.txt)"
    )
    assert popular.warnings == [text]
    popular.write({"requirements.txt": "shopdb\nPyYAML==6.0.3\n"})
    assert "yaml/__init__.py" in popular.build() and not popular.warnings


def test_lock_of_the_target_has_what_was_added(popular: Project) -> None:
    popular.write({"main.py": f"import yaml\n{HANDLER}"})
    popular.lock()
    assert popular.warnings[0].startswith("PyYAML 6.0.3 is added")
    assert "yaml/__init__.py" in popular.build() and not popular.warnings
    popular.write({"main.py": f"import yaml, flask_wtf\n{HANDLER}"})
    with pytest.raises(PackagingError) as refused:
        popular.build()
    edit = "add Flask-WTF to the project's requirements, then run `lambent build --lock --upgrade`"
    assert refused.value.hint.startswith(edit)
    popular.lock(upgrade=True)
    assert "flask_wtf/__init__.py" in popular.build()


def test_package_that_does_not_go_with_the_others_is_not_added(popular: Project) -> None:
    popular.registry.files.pop("/files/flask_wtf-1.2-py3-none-any.whl")
    popular.write({"main.py": f"import flask_wtf\n{HANDLER}"})
    with pytest.raises(PackagingError, match=r"main\.py imports flask_wtf") as refused:
        popular.build()
    assert refused.value.hint.startswith("add Flask-WTF to requirements.txt")
    assert popular.warnings[0].startswith("Flask-WTF can't be added to the requirements: ")


def test_package_that_fits_no_version_for_this_runtime_is_named(popular: Project) -> None:
    offer(popular.registry, "jinja2", "1", "cp38-cp38-manylinux2014_x86_64")
    popular.write({"main.py": f"import jinja2\n{HANDLER}"})
    with pytest.raises(UnfitError) as refused:
        popular.build()
    assert [blocker.name for blocker in refused.value.blockers] == ["jinja2"]


def test_what_is_left_out_is_said_once(popular: Project) -> None:
    popular.write({"main.py": f"import yaml\n{HANDLER}", "requirements.txt": "shopdb\nuuid\n"})
    popular.build()
    assert len(popular.said) == 1 and popular.said[0].startswith("uuid is left out")


HASHED = "shopdb==1 --hash=sha256:{}\n"
GENERATED = "# This file was autogenerated by uv via the following command:\n#    uv pip compile app.in\nshopdb==1\n"


@pytest.mark.parametrize(
    ("files", "hint"),
    [
        ({"main.py": f"import yaml, unknowntool\n{HANDLER}"}, "a line each: PyYAML unknowntool"),
        ({"yaml/__init__.py": "", ".gitignore": "yaml/\n"}, 'include = ["yaml/"] under'),
        ({"yamls.py": "", "main.py": f"import yamlz\n{HANDLER}"}, "did you mean yamls?"),
        ({"requirements.txt": GENERATED}, "add PyYAML to app.in, then run `uv pip compile app.in`"),
        ({"requirements.txt": "", "pylock.toml": 'lock-version = "1.0"\ncreated-by = "us"\npackages = []\n'}, "lock again"),
        ({"requirements.txt": "", "pyproject.toml": PYPROJECT}, "add PyYAML to [project] dependencies in pyproject.toml"),
        ({"requirements.txt": HASHED}, "add PyYAML to requirements.txt"),
    ],
)
def test_nothing_is_added_to_a_lock_or_for_what_may_be_something_else(
    popular: Project, files: dict[str, str], hint: str
) -> None:
    if (lines := files.get("requirements.txt", "")) == HASHED:
        shopdb = popular.registry.files["/files/shopdb-1-py3-none-any.whl"]
        files = {"requirements.txt": lines.format(sha256(shopdb).hexdigest())}
    popular.write({"main.py": f"import yaml\n{HANDLER}"} | files)
    if not files.get("requirements.txt", "1"):
        (popular.folder / "requirements.txt").unlink()
    with pytest.raises(PackagingError, match="imports yaml") as refused:
        popular.build()
    assert hint in refused.value.hint


@pytest.mark.parametrize(
    "use", ["try:\n    import yaml\nexcept ImportError:\n    yaml = None\n", "def f():\n    import yaml\n"]
)
def test_package_that_a_start_can_do_without_is_not_added(popular: Project, use: str) -> None:
    popular.write({"main.py": f"{use}{HANDLER}"})
    assert "yaml/__init__.py" not in popular.build()


def test_package_that_the_app_factory_imports_is_added(popular: Project) -> None:
    factory = "def create(name):\n    from pages import page\n    return lambda environ, start_response: []\n"
    popular.write({"main.py": factory, "pages.py": "import yaml\npage = 1\n"})
    popular.app = App("main", "create('x')", "wsgi")
    assert "yaml/__init__.py" in popular.build()


def test_package_that_a_framework_needs_for_what_the_app_uses_is_added(popular: Project) -> None:
    popular.offer("fastapi", {"fastapi/__init__.py": "Form = FastAPI = None\n"})
    popular.offer("python_multipart", {"python_multipart/__init__.py": ""})
    popular.write({"main.py": f"from fastapi import FastAPI, Form\n{HANDLER}", "requirements.txt": "fastapi\n"})
    assert "python_multipart/__init__.py" in popular.build()
    assert popular.warnings[0].startswith("python-multipart 1 is added: main.py needs it")
    popular.write({"main.py": f"from fastapi import FastAPI\n{HANDLER}"})
    assert "python_multipart/__init__.py" not in popular.build()


def test_driver_of_djangos_mysql_is_one_that_has_wheels(popular: Project) -> None:
    popular.offer("pymysql", {"pymysql/__init__.py": ""})
    settings = 'DATABASES = {"default": {"ENGINE": "django.db.backends.mysql"}}\n'
    popular.write({"main.py": f"import conf\n{HANDLER}", "conf.py": settings})
    assert "pymysql/__init__.py" in popular.build() and popular.warnings[0].startswith("PyMySQL 1 is added: conf.py needs it")


@pytest.mark.parametrize(
    ("url", "module"), [("postgresql+psycopg2://db", "psycopg2"), ("postgresql://db", "psycopg2"), ("sqlite:///x", "")]
)
def test_driver_of_a_database_is_added(popular: Project, url: str, module: str) -> None:
    popular.offer("sqlalchemy", {"sqlalchemy/__init__.py": "create_engine = print\n"}, version="1.4.1")
    popular.offer("psycopg2_binary", {"psycopg2/__init__.py": ""})
    start = f"from sqlalchemy import create_engine\nengine = create_engine('{url}')\n{HANDLER}"
    popular.write({"main.py": start, "requirements.txt": "sqlalchemy\n"})
    assert ("psycopg2/__init__.py" in popular.build()) is bool(module)
    assert [text.partition(":")[0] for text in popular.warnings] == ["psycopg2-binary 1 is added"] * bool(module)


def test_packages_that_django_imports_by_their_names_are_added(popular: Project) -> None:
    popular.offer("django_cors_headers", {"corsheaders/__init__.py": "", "corsheaders/apps.py": ""})
    popular.offer("whitenoise", {"whitenoise/middleware.py": ""})
    popular.offer("djangorestframework_simplejwt", {"rest_framework_simplejwt/authentication.py": ""})
    rest = 'REST = {"AUTHENTICATION": ["rest_framework_simplejwt.authentication.JWTAuthentication"], "LOGGER": "yaml.loader"}\n'
    settings = (
        rest + 'INSTALLED_APPS = ["corsheaders", "unknowntool"]\nMIDDLEWARE = ["whitenoise.middleware.WhiteNoiseMiddleware"]\n'
    )
    start = 'import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "conf")\n'
    popular.write({"main.py": f"{start}def app(environ, start_response): return []\n", "conf.py": settings})
    popular.app = App("main", "app", "wsgi")
    names = popular.build()
    assert {"corsheaders/apps.py", "whitenoise/middleware.py", "rest_framework_simplejwt/authentication.py"} <= names
    packages = "django-cors-headers 1, djangorestframework-simplejwt 1 and whitenoise 1"
    assert popular.warnings[0].startswith(f"{packages} are added: conf.py needs them")


BACKEND = """
import zipfile
INFO = "waitress-1.dist-info"
def build_wheel(folder, config_settings=None, metadata_directory=None):
    name = "waitress-1-py3-none-any.whl"
    with zipfile.ZipFile(f"{folder}/{name}", "w") as archive:
        archive.writestr("waitress.py", "")
        archive.writestr(f"{INFO}/METADATA", "Metadata-Version: 2.1\\nName: waitress\\nVersion: 1\\n")
        archive.writestr(f"{INFO}/WHEEL", "Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        archive.writestr(f"{INFO}/RECORD", "")
    return name
"""


def source_of_waitress() -> bytes:
    """Return a source distribution that builds without any other package."""
    files = {
        "PKG-INFO": "Metadata-Version: 2.2\nName: waitress\nVersion: 1\n",
        "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n',
        "backend.py": BACKEND,
    }
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(f"waitress-1/{name}")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return content.getvalue()


def test_library_above_is_what_its_example_lacks(tmp_path: Path) -> None:
    write(tmp_path, {".git/HEAD": "", "setup.py": "setup(name='shopkit')", "shopkit/__init__.py": "", "docs/hello/app.py": ""})
    lacking = [Finding("error", "", ("app.py:2",), "", "", name, name) for name in ("shopkit", "other")]
    assert libraries_above(tmp_path / "docs/hello", lacking) == {str(tmp_path): lacking[0]}
    assert libraries_above(tmp_path.parent, lacking) == {}


@pytest.mark.parametrize("imports", ["import waitress\n", ""])
def test_server_without_a_wheel_is_built_if_a_package_imports_it(project: Project, imports: str) -> None:
    project.registry.files["/files/waitress-1.tar.gz"] = source_of_waitress()
    project.offer("oldframework", {"oldframework.py": imports}, requires=("waitress",))
    project.write({"main.py": f"import oldframework\n{HANDLER}", "requirements.txt": "oldframework\n"})
    for _ in range(2):
        assert ("waitress.py" in project.build()) is bool(imports)


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("requirements-dev.txt", "odd-tool>=1,<2"),
        ("requirements/dev.txt", "odd-tool==1 --hash=sha256:HASH"),
        ("pyproject.toml", "odd-tool==1"),
    ],
)
def test_requirements_beside_have_the_version_of_what_a_start_needs(project: Project, path: str, line: str) -> None:
    for version in ("1", "2"):
        project.offer("odd_tool", {"odd_tool.py": ""}, version=version)
    line = line.replace("HASH", sha256(project.registry.files["/files/odd_tool-1-py3-none-any.whl"]).hexdigest())
    table = f"[project.optional-dependencies]\ndev = ['{line}']\n"
    compiled = "# This file is autogenerated by pip-compile\nshopdb==1\n"
    project.write({"main.py": f"import odd_tool\n{HANDLER}", "requirements.txt": compiled})
    project.write({path: f"-r requirements.txt\n{line}\n" if path.endswith(".txt") else table})
    assert "odd_tool-1.dist-info/METADATA" in project.build()
    place = path if path.endswith(".txt") else "the extra dev of pyproject.toml"
    assert project.said[-1:] == [f"{line.partition(' --')[0]} is installed too, from {place}: main.py needs it"]


def test_package_of_requirements_beside_without_its_hash_is_not_added_where_all_need_one(project: Project) -> None:
    project.offer("odd_tool", {"odd_tool.py": ""})
    digest = sha256(project.registry.files["/files/shopdb-1-py3-none-any.whl"]).hexdigest()
    compiled = f"--require-hashes\nshopdb==1 --hash=sha256:{digest}\n"
    project.write(
        {"main.py": f"import odd_tool\n{HANDLER}", "requirements.txt": compiled, "requirements-dev.txt": "odd-tool==1\n"}
    )
    with pytest.raises(PackagingError, match="imports odd_tool") as error:
        project.build()
    assert error.value.hint.startswith("add odd-tool to requirements.txt")
    assert project.warnings[0].startswith("odd-tool==1 can't be added to the requirements: odd-tool 1 has no hash")

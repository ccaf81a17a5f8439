"""Packages of a project's other programs are left out of a zip that would be too large, with what only they require."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from lambent.config.model import App, Config
from lambent.errors import PackagingError
from lambent.events import Event, Notice
from lambent.package import other_programs
from lambent.package.build import build
from lambent.package.build_context import BuildOptions
from support.locking import write
from support.registry import serving
from support.wheel_files import wheel

LARGE = {f"{name}/__init__.py": f"x = '{'x' * 100_000}'\n" for name in ("streamlit", "charts")}
PACKAGES = (
    ("streamlit", {"streamlit/__init__.py": LARGE["streamlit/__init__.py"]}, ("charts", "forms")),
    ("charts", {"charts/__init__.py": LARGE["charts/__init__.py"]}, ()),
    ("forms", {"forms.py": ""}, ()),
    ("mysql_connector_python", {"mysql/__init__.py": f"x = '{'x' * 150_000}'\n"}, ()),
    ("vision", {"vision.py": f"x = '{'x' * 150_000}'\n"}, ()),
    ("web", {"web.py": "def serve():\n    import forms\n"}, ()),
)
APP = "import web\ndef handler(event, context): ...\n"


def packed(
    tmp_path: Path, files: dict[str, str], limit: int = 100_000, program: str = "streamlit"
) -> tuple[set[str], list[str]]:
    """Return the packages in the zip of an app in main.py, and what was said."""
    events: list[Event] = []
    with serving() as registry:
        for name, content, requires in PACKAGES:
            made = wheel(tmp_path / "wheels", name, dict(content), requires=requires)
            registry.files[f"/files/{made.filename}"] = made.path.read_bytes()
        lines = f"--index-url {registry.url}/simple\n{program}\nweb\n"
        folder = write(tmp_path / "app", {"main.py": APP, "requirements.txt": lines, **files})
        config = Config(folder, "small", App("main", "handler", "handler"), f"python3.{sys.version_info[1]}", "x86_64")
        environ = {**os.environ, "UV_CACHE_DIR": str(tmp_path / "uv")}
        artifact = build(config, tmp_path / "cache", environ, events.append, BuildOptions(unzipped_max=limit))
    packages = {owner.partition(" ")[0] for path, owner in artifact.owners.items() if ".dist-info" not in path}
    return packages, [event.text for event in events if isinstance(event, Notice)]


def test_what_another_program_needs_is_left_out(tmp_path: Path) -> None:
    packages, notices = packed(tmp_path, {"pages.py": "import streamlit\nimport charts\n"})
    assert packages == {"web", "forms"}  # web imports forms, if it is there
    assert "that main doesn't import are left out: streamlit, with 1 package that nothing else requires" in notices[-1]


def test_everything_is_packed_where_there_is_room(tmp_path: Path) -> None:
    assert packed(tmp_path, {}, 1_000_000) == ({"streamlit", "charts", "forms", "web"}, [])


def test_what_another_file_of_the_app_imports_stays(tmp_path: Path) -> None:
    assert packed(tmp_path, {"report.py": "import charts\n"}, 150_000)[0] == {"charts", "forms", "web"}
    with pytest.raises(PackagingError, match="the zip is too large"):
        packed(tmp_path, {"main.py": f"import pages\n{APP}", "pages.py": "import streamlit\n"})


def test_driver_of_a_database_that_nothing_names_is_left_out(tmp_path: Path) -> None:
    app = {"main.py": "import json\ndef handler(event, context): ...\n", "other.py": "URL = 'postgresql://HOST'\n"}
    assert packed(tmp_path, app, program="mysql-connector-python")[0] == {"web"}
    with pytest.raises(PackagingError, match="the zip is too large"):
        packed(tmp_path, app | {"other.py": "URL = 'mysql://HOST'\n"}, program="mysql-connector-python")


@pytest.mark.parametrize("text", ["import pickle\n", "engine = 'vision'\n"])
def test_only_a_large_package_that_nothing_names_is_left_out(
    tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(other_programs, "_SMALL", 100_000)
    files = {"main.py": f"{APP}", "chapter2.py": "import vision\n", "setup.cfg": "[mypy-vision]\n"}
    assert packed(tmp_path, files, program="vision")[0] == {"web"}
    with pytest.raises(PackagingError, match="the zip is too large"):
        packed(tmp_path, files | {"main.py": f"{text}{APP}"}, program="vision")

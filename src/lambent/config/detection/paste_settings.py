"""Pyramid's settings in an .ini file, which PasteDeploy reads: the app is what the file says, not just `main({})`."""

from __future__ import annotations

import re
from configparser import Error, RawConfigParser
from pathlib import Path

from msgspec.structs import replace

from lambent.config.detection import frameworks as fw
from lambent.config.model import App

_FILES = ("production.ini", "prod.ini", "app.ini", "config.ini", "development.ini")
"""Common names of such files, the best first."""
_START_FILES = ("Procfile", "Dockerfile", "run.sh")
_INI = re.compile(r"[\w./-]*?([\w-]+\.ini)\b")
_PROJECT_FILES = ("pyproject.toml", "setup.py", "setup.cfg")


def with_settings(folder: Path, app: App) -> App:
    """Return the app of a Pyramid factory with the settings that an .ini file of the project has, if there is one."""
    if not app.attribute.endswith(fw.PYRAMID_CALL):
        return app
    texts = ((folder / name).read_text("utf-8-sig", "replace") for name in _START_FILES if (folder / name).is_file())
    ini_names = [match[1] for text in texts for match in _INI.finditer(text)]
    file = next((name for name in (*ini_names, *_FILES) if _makes_app(folder / name)), "")
    return replace(app, attribute=f"{fw.PASTE}('{file}')", source=f"{app.source}, with {file}") if file else app


def _makes_app(file: Path) -> bool:
    """Return whether PasteDeploy can make an app from a file. `egg:` needs the metadata of the project."""
    if not file.is_file():
        return False
    parser = RawConfigParser(strict=False)
    try:
        parser.read_string(file.read_text("utf-8-sig", "replace"))
    except Error:
        return False
    section = next((parser[name] for name in ("app:main", "composite:main", "pipeline:main") if name in parser), None)
    if section is None:
        return False
    needs_metadata = any(value.startswith("egg:") for name, value in section.items() if name == "use")
    return not needs_metadata or any((file.parent / name).is_file() for name in _PROJECT_FILES)

"""Google's descriptions of APIs are left out of a zip that would be too large, except those that the code names."""

from __future__ import annotations

import os
import sys
import zipfile
from pathlib import Path

import pytest

from lambent.config.model import App, Config
from lambent.errors import PackagingError
from lambent.events import Event, Notice
from lambent.package.build import build
from lambent.package.build_context import BuildOptions
from support.locking import write
from support.registry import serving
from support.wheel_files import wheel

DOCUMENTS = "googleapiclient/discovery_cache/documents/"
APP = 'from googleapiclient.discovery import build\nAPI = "drive"\ndef handler(event, context): return build(API, "v3")\n'


def build_with_documents(tmp_path: Path, limit: int) -> tuple[set[str], list[Event]]:
    """Return the names in a zip of an app that uses one API by a name of its own, and another in a package."""
    files = {f"{DOCUMENTS}{name}.json": "x" * 100_000 for name in ("drive.v3", "gmail.v1", "sheets.v4", "vision.v1")}
    files |= {f"{DOCUMENTS}index.json": "{}", "googleapiclient/discovery.py": "build = print\nAPIS = ['vision']\n"}
    user = {"mailer.py": 'import googleapiclient.discovery\nNAME = "gmail"\n', "other.py": 'NAME = "sheets"\n'}
    events: list[Event] = []
    with serving() as registry:
        for name, content in (("google_api", files), ("mailer", user)):
            made = wheel(tmp_path / "wheels", name, dict(content))
            registry.files[f"/files/{made.filename}"] = made.path.read_bytes()
        lines = f"--index-url {registry.url}/simple\ngoogle-api\nmailer\n"
        folder = write(tmp_path / "app", {"main.py": APP, "requirements.txt": lines})
        config = Config(folder, "small", App("main", "handler", "handler"), f"python3.{sys.version_info[1]}", "x86_64")
        environ = {**os.environ, "UV_CACHE_DIR": str(tmp_path / "uv")}
        artifact = build(config, tmp_path / "cache", environ, events.append, BuildOptions(unzipped_max=limit))
    with zipfile.ZipFile(artifact.path) as archive:
        return {name.removeprefix(DOCUMENTS) for name in archive.namelist() if name.startswith(DOCUMENTS)}, events


def notices(events: list[Event]) -> list[str]:
    return [event.text for event in events if isinstance(event, Notice)]


def test_all_descriptions_are_packed_where_there_is_room(tmp_path: Path) -> None:
    names, events = build_with_documents(tmp_path, 1_000_000)
    assert names == {"drive.v3.json", "gmail.v1.json", "sheets.v4.json", "vision.v1.json", "index.json"}
    assert not notices(events)


def test_only_named_descriptions_stay_in_a_zip_that_would_be_too_large(tmp_path: Path) -> None:
    names, events = build_with_documents(tmp_path, 300_000)
    assert names == {"drive.v3.json", "gmail.v1.json", "index.json"}
    assert "200.0 kB of Google's API descriptions that the code doesn't name are left out" in notices(events)[0]


def test_zip_that_is_too_large_without_them_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PackagingError, match="the zip is too large: 20"):
        build_with_documents(tmp_path, 150_000)

"""What a release no longer brings is added for apps that need it."""

from __future__ import annotations

import json
from pathlib import Path

from msgspec.structs import replace

from lambent.events import Event, Notice
from lambent.package.requirements.resolve import resolve
from lambent.package.requirements.resolve_request import ResolveOptions
from support.locking import make_request, make_target, offer, resolve_project, versions, write
from support.registry import serving
from support.wheel_files import wheel

TARGET = make_target("3.13")


def test_greenlet_is_added_if_the_app_imports_what_needs_it(tmp_path: Path) -> None:
    with serving() as registry:
        offer(registry, "sqlalchemy", "2.1.9")
        offer(registry, "greenlet", "3.5")
        project = write(tmp_path / "app", {"requirements.txt": f"--index-url {registry.url}/simple\nsqlalchemy\n"})
        cache = tmp_path / "cache"
        events: list[Event] = []
        request = make_request(project, TARGET, cache, emit=events.append)
        assert versions(resolve(request, cache)) == {"sqlalchemy": "2.1.9"} and events == []
        asynchronous = replace(request, imported=lambda modules: modules & {"sqlalchemy.ext.asyncio"})
        assert versions(resolve(asynchronous, cache)) == {"greenlet": "3.5", "sqlalchemy": "2.1.9"}
        text = "greenlet is added: sqlalchemy.ext.asyncio needs it, and sqlalchemy 2.1 no longer brings it"
        assert events == [Notice(text)]
        assert resolve(asynchronous, cache).cached
        offer(registry, "sqlalchemy", "2.0.40")
        (project / "requirements.txt").write_text(f"--index-url {registry.url}/simple\nsqlalchemy<2.1\n")
        assert versions(resolve(asynchronous, cache)) == {"sqlalchemy": "2.0.40"}


def test_psycopg_gets_the_library_that_lambda_lacks(tmp_path: Path) -> None:
    with serving() as registry:
        requires = ("psycopg-binary; extra == 'binary'",)
        psycopg = wheel(tmp_path / "wheels", "psycopg", {"psycopg.py": ""}, requires=requires, version="3.2")
        registry.files[f"/files/{psycopg.filename}"] = psycopg.path.read_bytes()
        offer(registry, "psycopg-binary", "3.2")
        project = write(tmp_path / "app", {"requirements.txt": f"--index-url {registry.url}/simple\npsycopg\n"})
        request = make_request(project, TARGET, tmp_path / "cache")
        assert versions(resolve(request, tmp_path / "cache")).keys() == {"psycopg", "psycopg-binary"}
        without = replace(request, options=ResolveOptions(without=("psycopg-binary",)))
        assert versions(resolve(without, tmp_path / "cache")).keys() == {"psycopg"}


def test_psycopg_of_a_lock_gets_its_library_in_the_same_version(tmp_path: Path) -> None:
    with serving() as registry:
        offer(registry, "psycopg", "3.2")
        for version in ("3.2", "3.3"):
            offer(registry, "psycopg-binary", version)
        source = {"name": "own", "url": f"{registry.url}/simple", "verify_ssl": False}
        entries = {"psycopg": {"version": "==3.2", "index": "own"}}
        lock = json.dumps({"_meta": {"sources": [source]}, "default": entries, "develop": {}})
        project = write(tmp_path / "app", {"Pipfile": "[packages]\npsycopg = '*'\n", "Pipfile.lock": lock})
        events: list[Event] = []
        resolution = resolve_project(project, TARGET, tmp_path / "cache", emit=events.append)
        assert versions(resolution) == {"psycopg": "3.2", "psycopg-binary": "3.2"}
        assert events == [Notice("psycopg-binary is added: psycopg needs libpq, which Lambda doesn't have")]
        without = ResolveOptions(without=("psycopg-binary",))
        assert versions(resolve_project(project, TARGET, tmp_path / "cache", without)) == {"psycopg": "3.2"}

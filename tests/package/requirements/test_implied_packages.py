"""What a release no longer brings is added for apps that need it."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from lambent.events import Event, Notice
from lambent.package.requirements.resolve import resolve
from support.locking import make_request, make_target, offer, versions, write
from support.registry import serving

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

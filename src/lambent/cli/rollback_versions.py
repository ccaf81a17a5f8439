"""The versions that Tab offers after `lambent rollback`: read from where the app is deployed."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Any

from lambent.cli.connection import connect_to_app
from lambent.cli.rollback import command
from lambent.config.load import Flags
from lambent.deployment.version_list import versions
from lambent.events import ignore
from lambent.library.destination import Destination
from lambent.local import daemon
from lambent.status_events import Version

_OPTIONS = ("path", "name", "stage", "region", "profile", "state", "port")
_WAIT_S = 5.0  # then Tab offers nothing


def rollback_versions(typed: dict[str, Any]) -> list[Version]:
    """Return the versions that worked and aren't live, newest first, given the options that were typed.

    Returns none after five seconds, on any error, and if the local Lambda would have to be started for it.
    """
    words = [f"--{name}={typed[name]}" for name in _OPTIONS if typed.get(name)] + (["--local"] if typed.get("local") else [])
    options = command.make_context("rollback", words, resilient_parsing=True).params
    offered: list[Version] = []

    def read() -> None:
        with suppress(Exception):  # a shell that completes has no place for it
            offered.extend(_read(**options))

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    thread.join(_WAIT_S)
    return list(offered)


def _read(*, local: bool, **options: Any) -> list[Version]:
    destination = Destination(local, *(options[name] for name in ("region", "profile", "state", "port")))
    if local and daemon.status(destination.state) is None:
        return []
    location, aws = connect_to_app(options["path"], Flags(name=options["name"], stage=options["stage"]), destination, ignore)
    return [version for version in versions(location.app, aws).versions if not version.failed and version.share != 1]
